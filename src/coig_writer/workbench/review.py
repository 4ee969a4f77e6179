"""Items to review: who reviews what, what reviewers wrote, and what follows from their verdicts.

Items out, one file per reviewer (``work/review/items/NAME.jsonl``): no scores, no author, nobody
else's verdict. Answers back in ``work/review/answers/NAME.jsonl``, the file's name is the reviewer::

    {"item": …, "verdict": "accept" | "refine" | "remove",
     "criteria": {"consistency": true, "authenticity": true, "coherence": true, "diversity": true},
     "note": …, "cause": "factual_error" | "guideline",
     "spans": [{"part": "prompt" | "reasoning" | "article", "start": …, "end": …, "quotation": …}]}

``spans`` may be left out. ``refine`` and ``remove`` need a note, ``remove`` a cause, ``accept`` the first three criteria.
Names are aliases that the curator gives: they end up in the reviews of the kept documents.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypedDict

from coig_writer.document import Document
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import iterate, read_rows
from coig_writer.record import from_row
from coig_writer.text.normalise import repaired
from coig_writer.triplet import Language

CRITERIA = {
    "consistency": "semantic consistency across prompt, reasoning and article",
    "authenticity": "cultural and linguistic authenticity",
    "coherence": "coherence of the reasoning process",
    "diversity": "contribution to the diversity of its genre",
}
NEEDED = ("consistency", "authenticity", "coherence")  # to accept; one reviewer cannot see the set
STANDARD, SPECIALISED = 2, 4
Choice = Literal["accept", "refine", "remove"]
VERDICTS: tuple[Choice, ...] = ("accept", "refine", "remove")
Part = Literal["prompt", "reasoning", "article"]
PARTS: tuple[Part, ...] = ("prompt", "reasoning", "article")
Decision = Choice | Literal["tie", "open"]
CAUSES = ("factual_error", "guideline")
GOLD = "gold:"
_SAID: Mapping[str, Mapping[Language, str]] = {
    "criteria": {"en": "criteria must be {field}", "zh": "四项标准须逐项填：{field}"},
    "note": {"en": "{field} needs a note", "zh": "退回或移除须写意见"},
    "cause": {"en": "remove needs a cause: {field}", "zh": "移除须选原因"},
    "misplaced": {
        "en": "the marked passage is not at that place: {field}",
        "zh": "标出的文字与原文不符：{field}",
    },
    "unmet": {
        "en": "accepted although {field} is false",
        "zh": "有一项必需的标准不满足，不能接受：{field}",
    },
}
WITHDRAWN = "withdrawn"  # how somebody who left is called
WITHDRAWN_FILE = "withdrawn.jsonl"  # who left; no later set names them
ANNOTATORS = "annotators.jsonl"  # who reviews under which alias what others annotated


class Alias(TypedDict):
    """Under which alias an annotator reviews.

    Attributes:
        annotator: Their name as an annotator.
        reviewer: Their alias as a reviewer.
    """

    annotator: str
    reviewer: str


class Withdrawn(TypedDict):
    """A reviewer who left; no later set names them.

    Attributes:
        reviewer: Their alias.
    """

    reviewer: str


@dataclasses.dataclass(frozen=True)
class Span:
    """A passage that a reviewer marked.

    Attributes:
        part: The part it is in.
        start: Its first character, from 0.
        end: The character after its last.
        quotation: The passage itself.
    """

    part: Part
    start: int
    end: int
    quotation: str

    def is_in(self, item: Item) -> bool:
        """Says whether the passage stands there in an item."""
        texts = {"prompt": item.prompt, "reasoning": item.reasoning, "article": item.article}
        text = texts[self.part] or ""
        inside = 0 <= self.start < self.end <= len(text)
        return inside and text[self.start : self.end] == self.quotation


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one reviewer said about one item."""

    item: str
    reviewer: str
    verdict: Choice
    criteria: dict[str, bool]
    note: str = ""
    cause: str | None = None
    spans: tuple[Span, ...] = ()

    def problem(self, language: Language = "en", item: Item | None = None) -> str:
        """Names what is missing or does not fit together; empty if nothing is.

        Args:
            language: Of the answer.
            item: What was read, where it is at hand: marked passages are then looked up in it.
        """
        fault, field = self._fault()
        if not fault and item is not None:
            wrong = [span.quotation for span in self.spans if not span.is_in(item)]
            fault, field = ("misplaced", wrong[0][:30]) if wrong else ("", "")
        return _SAID[fault][language].format(field=field) if fault else ""

    def _fault(self) -> tuple[str, str]:
        if set(self.criteria) != set(CRITERIA):
            return "criteria", ", ".join(CRITERIA)
        if self.verdict != "accept" and not self.note.strip():
            return "note", self.verdict
        if self.verdict == "remove" and self.cause not in CAUSES:
            return "cause", " or ".join(CAUSES)
        unmet = [name for name in NEEDED if not self.criteria[name]]
        return ("unmet", unmet[0]) if self.verdict == "accept" and unmet else ("", "")


@dataclasses.dataclass(frozen=True)
class _Row:
    """What a reviewer said about one item.

    Attributes:
        item: The item.
        verdict: What to do with it.
        criteria: Criterion → whether the draft meets it.
        note: Why; needed for all but ``accept``.
        cause: Why it is to be removed; needed for ``remove``.
        spans: Passages that were marked.
    """

    item: str
    verdict: Choice
    criteria: dict[str, bool]
    note: str | None = None
    cause: str | None = None
    spans: tuple[Span, ...] = ()


Verdicts = Mapping[tuple[str, str], Verdict]  # by (item, reviewer)


@dataclasses.dataclass(frozen=True)
class Item:
    """One draft to review, blind: no scores, no author, nobody else's verdict.

    Attributes:
        item: Document and draft, ``ID@DIGITS``.
        genre: Of the article.
        prompt: The draft's prompt.
        reasoning: The draft's reasoning.
        article: The text they were written for.
    """

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
    """Who reviews an item, and who decides a tie.

    Attributes:
        item: The item.
        reviewers: Aliases of those who review it.
        adjudicator: Alias of who decides where they do not.
    """

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


def document_of(item: str) -> str:
    """Returns the document whose draft an item of review is."""
    return item.rpartition("@")[0]


def assign(
    items: Iterable[tuple[str, int]],
    reviewers: Sequence[str],
    before: Iterable[Assignment] = (),
    wrote: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Assignment]:
    """Gives each item its reviewers, the least busy first; who was assigned stays assigned.

    Args:
        items: (name, how many reviewers), in any order.
        reviewers: Those who may review.
        before: Assignments of earlier runs.
        wrote: By document, who annotated it: they do not review it.

    Raises:
        ConfigError: An item needs more people than there are (one more, to decide ties).
    """
    known = {a.item: a for a in before}
    load = Counter(name for a in known.values() for name in a.reviewers)
    for item, count in items:
        if item in known:
            continue
        able = [name for name in reviewers if name not in wrote.get(document_of(item), ())]
        if len(able) <= count:
            own = " who did not write it" if len(able) < len(reviewers) else ""
            raise ConfigError(
                f"{len(able)} reviewers{own}, and {item} needs {count} and one to decide a tie",
                f"give at least {count + 1} such names to --reviewers, or qualify more people",
            )
        # Equal loads are ordered by a hash, so that pairs of reviewers vary.
        mixed = {n: hashlib.sha256(f"{item}\0{n}".encode()).hexdigest() for n in able}
        order = sorted(able, key=lambda name: (load[name], mixed[name]))
        known[item] = Assignment(item, tuple(order[:count]), order[count])
        load.update(order[:count])
    return list(known.values())


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
    verdicts: dict[tuple[str, str], Verdict] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for place, row in read_rows(file):
            verdict = read_verdict(row, file.stem, place)
            if problem := verdict.problem():
                raise InputError(
                    f"{place}: {problem}", "see docs/reviewer-guide.md for the form of an answer"
                )
            verdicts[verdict.item, verdict.reviewer] = verdict
    return verdicts


def annotators(folder: Path) -> dict[str, str]:
    """Returns the reviewers' aliases of those who annotate as well, by how they are called there.

    Args:
        folder: ``work/review``; the workbench keeps its ``annotators.jsonl``.
    """
    path = folder / ANNOTATORS
    rows = read_rows(path) if path.is_file() else ()
    return {str(row["annotator"]): str(row["reviewer"]) for _, row in rows}


def withdrawn(folder: Path) -> set[str]:
    """Returns the aliases of those who reviewed and left: no later set names them.

    Args:
        folder: ``work/review``; its ``withdrawn.jsonl`` has a row ``{"reviewer": ALIAS}`` for each.
    """
    path = folder / WITHDRAWN_FILE
    return {str(row["reviewer"]) for _, row in read_rows(path)} if path.is_file() else set()


def read_verdict(row: dict[str, object], reviewer: str, place: str) -> Verdict:
    """Reads one answer; ``Verdict.problem`` says whether it is whole.

    Raises:
        InputError: The row has other keys or types than an answer.
    """
    row_given = from_row(_Row, row, place)
    note = repaired(row_given.note or "")
    fields = (
        row_given.item,
        reviewer,
        row_given.verdict,
        row_given.criteria,
        note,
        row_given.cause,
        row_given.spans,
    )
    return Verdict(*fields)


def check_verdicts(
    verdicts: Verdicts, made: Iterable[Assignment], gold: Collection[str], reviewers: Sequence[str]
) -> None:
    """Checks that each verdict is one that somebody was asked for.

    Args:
        verdicts: What was answered.
        made: All assignments, also of earlier drafts.
        gold: Names of the gold items.
        reviewers: Those who review now.

    Raises:
        InputError: A reviewer or an item is unknown, or the reviewer was not asked about it.
    """
    asked = {a.item: {*a.reviewers, a.adjudicator} for a in made}
    known = {*reviewers}.union(*asked.values())
    for item, reviewer in verdicts:
        if reviewer not in known:
            problem = "no reviewer has this name"
        elif item in gold or reviewer in asked.get(item, ()):
            continue
        else:
            problem = "was not given to this reviewer" if item in asked else "no item has this name"
        raise InputError(
            f"answers/{reviewer}.jsonl, item {item!r}: {problem}",
            f"reviewers are {', '.join(sorted(known))}; each answers the items of items/NAME.jsonl in answers/NAME.jsonl",
        )
