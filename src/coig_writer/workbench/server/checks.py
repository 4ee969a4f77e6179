"""What the page says while somebody writes: lengths, copied runs, what is missing, how near the benchmark is."""

from __future__ import annotations

import dataclasses

from coig_writer import paper
from coig_writer.text import contamination
from coig_writer.text.copying import Run, copied
from coig_writer.triplet import Language
from coig_writer.workbench.annotation import Item, Writing


@dataclasses.dataclass(frozen=True, slots=True)
class Length:
    """Characters of a part, beside the shortest and longest that the paper reports for the genre."""

    characters: int
    min: int
    max: int


@dataclasses.dataclass(frozen=True, slots=True)
class Near:
    """The benchmark query that a prompt is most like; ``too_near`` drops the triplet."""

    query: str
    share: float
    too_near: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Checks:
    """What is said about a draft.

    Attributes:
        lengths: By part.
        copied: What the prompt has from the article, the longest first.
        missing: Why it cannot be submitted, in the annotator's language; empty if it can.
        near: What it is like; None if nothing.
    """

    lengths: dict[str, Length]
    copied: tuple[Run, ...]
    missing: str
    near: Near | None


def check(item: Item, writing: Writing, language: Language) -> Checks:
    """Checks a draft for an article."""
    table = (paper.genres().get(item.genre) if item.genre else None) or paper.TABLE_5["overall"]
    parts = {"article": item.article, "prompt": writing.prompt, "reasoning": writing.reasoning}
    spreads = {name: getattr(table, name) for name in parts}
    return Checks(
        {n: Length(len(t), spreads[n].min, spreads[n].max) for n, t in parts.items()},
        copied(writing.prompt, item.article),
        writing.problem(language),
        _near(writing.prompt),
    )


def _near(prompt: str) -> Near | None:
    nearest = contamination.nearest(prompt)
    if nearest is None:
        return None
    return Near(nearest.query, nearest.share, nearest.share >= contamination.SHARE)
