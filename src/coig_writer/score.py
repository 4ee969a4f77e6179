"""Scores and judgements: a value or a named absence of one, never a number standing for nothing."""

from __future__ import annotations

import dataclasses
from typing import Literal

ScoreState = Literal["scored", "missing"]


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """One metric of one answer.

    Attributes:
        variant: Who answered.
        query_id: What was answered.
        metric: Name of the metric.
        value: Null exactly when ``state`` is ``missing``.
        state: Whether there is a value.
        reason: Why there is none.
        sample: The answer's, of several to one prompt. A score of all answers to a prompt together is at sample 0.
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

    Attributes:
        judge: Name of the judging model.
        rubric: What it was asked.
        query_id: What was answered.
        left: Variant of the one answer, or of the first of two.
        right: Variant of the second; null where one answer was judged alone.
        order: Which answer was shown first.
        verdict: JSON, as in a ballot; null where there is none.
        state: Whether there is a verdict.
        reason: Why there is none.
        tokens_in: Tokens of the question; null where the server told none.
        tokens_out: Tokens of the reply.
        cost: Of the call, in the currency of the price that was given.
        sample: Which of several answers to one prompt; both answers of a pair have the same number.
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
