"""Reasoning behaviour (paper, Appendix C): what each paragraph of a reasoning is doing.

The paper names four behaviours and publishes no classifier: normal writing, deep reasoning,
self-exploration and self-reflection. Here a published lexicon of zh and en cues decides
(docs/decisions/0043-lexicons.md); a judge can be asked the same (``python -m eval_tasks judge``).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from importlib import resources
from typing import Literal

from coig_writer.metrics.coherence import paragraphs
from coig_writer.triplet import Language

Behaviour = Literal["normal_writing", "deep_reasoning", "self_exploration", "self_reflection"]
BEHAVIOURS: tuple[Behaviour, ...] = (
    "normal_writing",
    "deep_reasoning",
    "self_exploration",
    "self_reflection",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One paragraph of a reasoning; ``position`` runs from 0 (first) to 1 (last)."""

    position: float
    behaviour: Behaviour
    cues: tuple[str, ...]


@functools.cache
def _cues(language: Language) -> dict[Behaviour, re.Pattern[str]]:
    file = resources.files("coig_writer") / "data" / "metrics" / "behaviour_cues.json"
    lists = json.loads(file.read_text(encoding="utf-8"))[language]
    edge = r"\b" if language == "en" else ""
    return {
        behaviour: re.compile(
            edge + "(?:" + "|".join(sorted(cues, key=len, reverse=True)) + ")" + edge
        )
        for behaviour, cues in lists.items()
    }


def label(paragraph: str, language: Language) -> tuple[Behaviour, tuple[str, ...]]:
    """Labels a paragraph by its cues.

    The behaviour with most cues wins; of equals, the first of self-reflection, self-exploration and
    deep reasoning, the rarer before the commoner. Without a cue it is normal writing.

    Returns:
        The behaviour and the cues that decided.
    """
    flat = paragraph.casefold().replace("’", "'")
    cues = {b: tuple(pattern.findall(flat)) for b, pattern in _cues(language).items()}
    order: tuple[Behaviour, ...] = ("self_reflection", "self_exploration", "deep_reasoning")
    best = max(order, key=lambda b: len(cues[b]))
    return (best, cues[best]) if cues[best] else ("normal_writing", ())


def steps(reasoning: str, language: Language) -> list[Step]:
    """Labels each paragraph of a reasoning."""
    parts = paragraphs(reasoning)
    last = max(1, len(parts) - 1)
    return [Step(i / last, *label(part, language)) for i, part in enumerate(parts)]


def share(reasoning: str, language: Language, behaviour: Behaviour) -> float | None:
    """Returns the share of paragraphs with a behaviour; None for an empty reasoning."""
    labelled = steps(reasoning, language)
    return (
        sum(step.behaviour == behaviour for step in labelled) / len(labelled) if labelled else None
    )
