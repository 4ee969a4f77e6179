"""Scores and judgements: a value or a named absence of one, never a number standing for nothing."""

from __future__ import annotations

import dataclasses
from typing import Literal

ScoreState = Literal["scored", "missing"]


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """One metric of one answer; ``value`` is None exactly when ``state`` is ``missing``.

    ``sample`` is the answer's, of several to one prompt. What all answers to a prompt have together
    stands once, at sample 0.
    """

    variant: str
    query_id: str
    metric: str
    value: float | None
    state: ScoreState
    reason: str | None = None
    sample: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """One reply of a language-model judge.

    ``right`` is None when a rubric scored one answer alone. ``order`` says which answer was shown
    first (``left_first`` or ``right_first``). ``verdict`` is JSON, as in a ballot. ``sample`` is that of
    the answers, of several to one prompt; a pair is of one sample.
    """

    judge: str
    rubric: str
    query_id: str
    left: str
    right: str | None
    order: Literal["left_first", "right_first", "single"]
    verdict: str | None
    state: ScoreState
    reason: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    sample: int = 0
