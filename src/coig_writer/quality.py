"""The paper's quality gate: six scores, each at least 8 of 10, and a sum of at least 50 of 60.

Article, prompt and reasoning are each scored for quality and creativity (section 2.3, Figure 2).
Because each score must be 8, the sum can only fail at 48 or 49.
"""

from __future__ import annotations

import dataclasses

EACH_AT_LEAST = 8
SUM_AT_LEAST = 50
LOWEST, HIGHEST = 1, 10
DIMENSIONS = (
    "article_quality",
    "article_creativity",
    "prompt_quality",
    "prompt_creativity",
    "reasoning_quality",
    "reasoning_creativity",
)


@dataclasses.dataclass(frozen=True, slots=True)
class QualityScores:
    """The six scores, 1–10; None where a scorer refused or gave no usable answer."""

    article_quality: int | None
    article_creativity: int | None
    prompt_quality: int | None
    prompt_creativity: int | None
    reasoning_quality: int | None
    reasoning_creativity: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """Whether to keep a triplet, and why not; ``keep`` is None where a score is missing."""

    keep: bool | None
    reason: str


def decide(scores: QualityScores) -> Decision:
    """Applies the gate.

    Returns:
        ``Decision(None, "unscored_…")`` if a score is missing, ``Decision(False, …)`` naming the
        first dimension below 8 or the sum below 50, else ``Decision(True, "passed")``.
    """
    values = [(name, getattr(scores, name)) for name in DIMENSIONS]
    for name, value in values:
        if value is None:
            return Decision(None, f"unscored_{name}")
    for name, value in values:
        if value < EACH_AT_LEAST:
            return Decision(False, f"{name}_below_{EACH_AT_LEAST}")
    if sum(value for _, value in values) < SUM_AT_LEAST:
        return Decision(False, f"sum_below_{SUM_AT_LEAST}")
    return Decision(True, "passed")
