"""Items to review: who reviews what, what reviewers wrote, and what follows from their verdicts.

Items out, one file per reviewer (``work/review/items/NAME.jsonl``): no scores, no author, nobody
else's verdict. Answers back in ``work/review/answers/NAME.jsonl``, the file's name is the reviewer::

    {"item": …, "verdict": "accept" | "refine" | "remove",
     "criteria": {"consistency": true, "authenticity": true, "coherence": true, "diversity": true},
     "note": …, "cause": "factual_error" | "guideline"}

``refine`` and ``remove`` need a note, ``remove`` a cause, ``accept`` the first three criteria.
Names are aliases that the curator gives: they end up in the reviews of the kept documents.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from coig_writer.document import Document
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import iterate, read_rows
from coig_writer.text.normalise import repaired

CRITERIA = {
    "consistency": "semantic consistency across prompt, reasoning and article",
    "authenticity": "cultural and linguistic authenticity",
    "coherence": "coherence of the reasoning process",
    "diversity": "contribution to the diversity of its genre",
}
STANDARD, SPECIALISED = 2, 4
Choice = Literal["accept", "refine", "remove"]
VERDICTS: tuple[Choice, ...] = ("accept", "refine", "remove")
Decision = Choice | Literal["tie", "open"]
CAUSES = ("factual_error", "guideline")
GOLD = "gold:"
KEYS = {"item", "verdict", "criteria", "note", "cause"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one reviewer said about one item."""

    item: str
    reviewer: str
    verdict: Choice
    criteria: dict[str, bool]
    note: str = ""
    cause: str | None = None


Verdicts = Mapping[tuple[str, str], Verdict]  # by (item, reviewer)


@dataclasses.dataclass(frozen=True)
class Item:
    """One draft to review, blind: no scores, no author, nobody else's verdict."""

    item: str
    genre: str | None
    prompt: str | None
    reasoning: str | None
    article: str


@dataclasses.dataclass(frozen=True)
class State:
    """What is known about an item.

    Attributes:
        given: Verdicts of the reviewers it was assigned to.
        adjudicated: The verdict that decides a tie.
        decision: More than half of the reviewers decide, otherwise the adjudicator.
        owing: Who still has to read it.
    """

    given: tuple[Verdict, ...]
    adjudicated: Verdict | None
    decision: Decision
    owing: tuple[str, ...]

    @property
    def heard(self) -> tuple[Verdict, ...]:
        """All verdicts, the adjudicator's last."""
        return (*self.given, *([self.adjudicated] if self.adjudicated else []))


@dataclasses.dataclass(frozen=True)
class Assignment:
    """Who reviews an item, and who decides a tie."""

    item: str
    reviewers: tuple[str, ...]
    adjudicator: str

    def state(self, verdicts: Verdicts) -> State:
        """Reads the verdicts on the item."""
        given = tuple(v for r in self.reviewers if (v := verdicts.get((self.item, r))))
        adjudicated = verdicts.get((self.item, self.adjudicator))
        decided = decision(given, len(self.reviewers), adjudicated)
        owing = tuple(r for r in self.reviewers if (self.item, r) not in verdicts)
        if decided == "tie":
            owing = (self.adjudicator,)
        return State(given, adjudicated, decided, owing)


def item_name(document: Document) -> str:
    """Returns the name of a document's present draft as an item of review."""
    return f"{document.id}@{document.draft}"


def assign(
    items: Iterable[tuple[str, int]], reviewers: Sequence[str], before: Iterable[Assignment] = ()
) -> list[Assignment]:
    """Gives each item its reviewers, the least busy first; who was assigned stays assigned.

    Args:
        items: (name, how many reviewers), in any order.
        reviewers: Those who may review.
        before: Assignments of earlier runs.

    Raises:
        ConfigError: An item needs more people than there are (one more, to decide ties).
    """
    known = {a.item: a for a in before}
    load = Counter(name for a in known.values() for name in a.reviewers)
    for item, count in items:
        if item in known:
            continue
        if len(reviewers) <= count:
            raise ConfigError(
                f"{len(reviewers)} reviewers, and {item} needs {count} and one to decide a tie",
                f"give at least {count + 1} names to --reviewers, or qualify more people",
            )
        # Equal loads are ordered by a hash, so that pairs of reviewers vary.
        order = sorted(reviewers, key=lambda name: (load[name], _mixed(item, name)))
        known[item] = Assignment(item, tuple(order[:count]), order[count])
        load.update(order[:count])
    return list(known.values())


def _mixed(item: str, name: str) -> str:
    return hashlib.sha256(f"{item}\0{name}".encode()).hexdigest()


def decision(verdicts: Sequence[Verdict], needed: int, adjudicated: Verdict | None) -> Decision:
    """Returns what follows from the verdicts on one item.

    All ``needed`` verdicts must be in. More than half of them decide; otherwise the adjudicator.
    """
    if len(verdicts) < needed:
        return "open"
    verdict, count = Counter(v.verdict for v in verdicts).most_common(1)[0]
    if count * 2 > needed:
        return verdict
    return "tie" if adjudicated is None else adjudicated.verdict


def read_assignments(path: Path) -> list[Assignment]:
    """Reads the assignments of earlier runs; none if there were none."""
    return list(iterate(path, Assignment)) if path.is_file() else []


def read_verdicts(folder: Path) -> dict[tuple[str, str], Verdict]:
    """Reads all answers by (item, reviewer); a reviewer's last answer about an item counts.

    Raises:
        InputError: A row is not a verdict.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for where, row in read_rows(file):
            verdict = _verdict(row, file.stem, where)
            found[verdict.item, verdict.reviewer] = verdict
    return found


def _verdict(row: Mapping[str, Any], reviewer: str, where: str) -> Verdict:
    if problem := _problem(row):
        raise InputError(
            f"{where}: {problem}", "see docs/reviewer-guide.md for the form of an answer"
        )
    note = repaired(row.get("note") or "")
    return Verdict(
        row["item"], reviewer, row["verdict"], dict(row["criteria"]), note, row.get("cause")
    )


def _problem(row: Mapping[str, Any]) -> str:
    if unknown := sorted(set(row) - KEYS):
        return f"unknown key {unknown[0]!r}"
    if not isinstance(row.get("item"), str) or row.get("verdict") not in VERDICTS:
        return f"verdict is {row.get('verdict')!r}, not one of {', '.join(VERDICTS)}"
    criteria = row.get("criteria")
    if not isinstance(criteria, dict) or set(criteria) != set(CRITERIA):
        return f"criteria must be {', '.join(CRITERIA)}"
    if any(not isinstance(value, bool) for value in criteria.values()):
        return "each criterion is true or false"
    return _inconsistency(row, criteria)


def _inconsistency(row: Mapping[str, Any], criteria: Mapping[str, bool]) -> str:
    verdict, note = row["verdict"], row.get("note")
    if note is not None and not isinstance(note, str):
        return "the note is no text"
    if verdict != "accept" and not (note or "").strip():
        return f"{verdict} needs a note"
    if verdict == "remove" and row.get("cause") not in CAUSES:
        return f"remove needs a cause: {' or '.join(CAUSES)}"
    unmet = [name for name in ("consistency", "authenticity", "coherence") if not criteria[name]]
    if verdict == "accept" and unmet:
        return f"accepted although {unmet[0]} is false"
    return ""
