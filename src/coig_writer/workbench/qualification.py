"""Calibration and qualification of reviewers on gold items (paper, section 2.3: standardized calibration).

A gold file is JSONL: item, phase (``calibration`` or ``qualification``), genre, prompt, reasoning,
article, verdict, note. Everyone gets all gold items, mixed into their own. Answers to calibration
items are shown beside the gold note in ``work/review/feedback/NAME.jsonl``; answers to qualification
items decide who goes on reviewing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from coig_writer.files import iterate
from coig_writer.workbench.review import GOLD, Choice, Verdicts

LEAST_AGREEMENT = 0.8


@dataclasses.dataclass(frozen=True)
class Gold:
    """An item whose verdict is known.

    Attributes:
        item: Its name.
        phase: Whether its answer is shown to the reviewer or decides who goes on reviewing.
        genre: Of the article.
        prompt: The draft's prompt.
        reasoning: The draft's reasoning.
        article: The text they were written for.
        verdict: The right one.
        note: Why it is right.
    """

    item: str
    phase: Literal["calibration", "qualification"]
    genre: str | None
    prompt: str
    reasoning: str
    article: str
    verdict: Choice
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


@dataclasses.dataclass(frozen=True)
class Feedback:
    """A reviewer's verdict on a calibration item beside the gold verdict and its reason.

    Attributes:
        item: The item.
        yours: The reviewer's verdict.
        gold: The right one.
        why: The gold item's note.
    """

    item: str
    yours: str
    gold: str
    why: str


def read(path: Path) -> list[Gold]:
    """Reads a gold file.

    Raises:
        InputError: A row is not a gold item.
    """
    return [dataclasses.replace(gold, item=GOLD + gold.item) for gold in iterate(path, Gold)]


def qualify(
    gold: Sequence[Gold], reviewers: Sequence[str], verdicts: Verdicts
) -> list[Qualification]:
    """Compares every reviewer with the qualification items."""
    gold_items = [g for g in gold if g.phase == "qualification"]
    qualifications = []
    for name in reviewers:
        given = [(g, v) for g in gold_items if (v := verdicts.get((g.item, name)))]
        equal = sum(v.verdict == g.verdict for g, v in given)
        qualifications.append(Qualification(name, equal, len(given), len(gold_items)))
    return qualifications


def feedback(gold: Sequence[Gold], name: str, verdicts: Verdicts) -> list[Feedback]:
    """Returns what a reviewer may be told: their answers to calibration items."""
    return [
        Feedback(g.item, given.verdict, g.verdict, g.note)
        for g in gold
        if g.phase == "calibration" and (given := verdicts.get((g.item, name)))
    ]
