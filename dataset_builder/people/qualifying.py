"""Calibration and qualification of reviewers on gold items (paper, section 2.3: standardized calibration).

A gold file is JSONL: item, phase (``calibration`` or ``qualification``), genre, prompt, reasoning,
article, verdict, note. Everyone gets all gold items, mixed into their own. Answers to calibration
items are shown beside the gold note in ``work/review/feedback/NAME.jsonl``; answers to qualification
items decide who goes on reviewing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coig_writer.errors import InputError
from coig_writer.files import read_rows
from dataset_builder.people.reviewing import GOLD, VERDICTS, Verdict

LEAST_AGREEMENT = 0.8
PHASES = ("calibration", "qualification")
KEYS = {"item", "phase", "genre", "prompt", "reasoning", "article", "verdict", "note"}


@dataclasses.dataclass(frozen=True)
class Gold:
    """An item whose verdict is known."""

    item: str
    phase: str
    genre: str | None
    prompt: str
    reasoning: str
    article: str
    verdict: str
    note: str


@dataclasses.dataclass(frozen=True)
class Qualification:
    """How a reviewer did on gold: ``equal`` of ``answered``, of ``asked`` items."""

    reviewer: str
    equal: int
    answered: int
    asked: int

    def passed(self, least: float = LEAST_AGREEMENT) -> bool:
        """All items answered, and enough of them as the gold says."""
        return self.answered == self.asked and self.equal >= least * self.asked


def read(path: Path) -> list[Gold]:
    """Reads a gold file.

    Raises:
        InputError: A row is not a gold item.
    """
    found = []
    for where, row in read_rows(path):
        if set(row) != KEYS or row["phase"] not in PHASES or row["verdict"] not in VERDICTS:
            raise InputError(
                f"{where}: not a gold item",
                f"give {', '.join(sorted(KEYS))}; phase {' or '.join(PHASES)}",
            )
        found.append(Gold(**{**row, "item": GOLD + row["item"]}))
    return found


def qualify(
    gold: Sequence[Gold], reviewers: Sequence[str], verdicts: Mapping[tuple[str, str], Verdict]
) -> list[Qualification]:
    """Compares every reviewer with the qualification items."""
    asked = [g for g in gold if g.phase == "qualification"]
    found = []
    for name in reviewers:
        answers = [(g, verdicts.get((g.item, name))) for g in asked]
        given = [(g, v) for g, v in answers if v is not None]
        equal = sum(v.verdict == g.verdict for g, v in given)
        found.append(Qualification(name, equal, len(given), len(asked)))
    return found


def feedback(
    gold: Sequence[Gold], name: str, verdicts: Mapping[tuple[str, str], Verdict]
) -> list[dict[str, Any]]:
    """Returns a reviewer's answers to calibration items beside the gold verdict and its reason."""
    found = []
    for item in gold:
        given = verdicts.get((item.item, name))
        if item.phase == "calibration" and given is not None:
            found.append(
                {
                    "item": item.item,
                    "yours": given.verdict,
                    "gold": item.verdict,
                    "why": item.note,
                }
            )
    return found
