"""How much position, length and format move a judge: one logistic model for all three.

logit P(shown first wins) = position + (θ_first − θ_second) + length · log2(chars_first /
chars_second) + format · (marked_first − marked_second). θ is each variant's own strength, so that a
good variant that happens to write long is not taken for a bias; ``marked`` is the share of lines
with Markdown marks. A tie is half a win. Intervals are cluster-robust by query (sandwich), so the two
orders of a pair and the pairs of a query may hang together.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.metrics import formatting
from coig_writer.preference.control import logistic
from coig_writer.score import Judgement

NAMES = ("position", "length", "format")


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What a judge might see of an answer besides its worth."""

    chars: int
    marked: float


Shapes = Mapping[tuple[str, str, int], Shape]  # by variant, query id and sample


@dataclasses.dataclass(frozen=True, slots=True)
class Bias:
    """A coefficient in log-odds; 0 is no bias. ``odds`` is e to its power."""

    name: str
    value: float
    low: float
    high: float
    n: int
    clusters: int

    @property
    def odds(self) -> float:
        """The factor on the odds."""
        return float(np.exp(self.value))


def shape(article: str) -> Shape:
    """Returns length and share of marked lines of an article."""
    return Shape(sum(not c.isspace() for c in article), formatting.marked(article))


def biases(judgements: Sequence[Judgement], shapes: Shapes) -> list[Bias]:
    """Estimates the three biases of one judge under one pairwise rubric.

    Args:
        judgements: Scored and missing ones; only scored pairs count.
        shapes: (variant, query id, sample) to shape.

    Raises:
        StatisticsError: Fewer than ten queries, a shape that goes with the variant alone, or no finite estimate.
    """
    rows = [j for j in judgements if j.state == "scored" and j.right is not None]
    queries = sorted({j.query_id for j in rows})
    if len(queries) < 10:
        raise StatisticsError(
            f"biases need judged pairs of at least 10 queries, found {len(queries)}",
            "judge more queries",
        )
    design, outcome = _design(rows, shapes)
    varying = [i for i in range(design.shape[1]) if i == 0 or design[:, i].any()]
    design = design[:, varying]
    if np.linalg.matrix_rank(design) < len(varying):
        raise StatisticsError(
            "length and format cannot be told from the variants: each variant always writes in the same way",
            "judge answers whose lengths vary",
        )
    try:
        theta, _ = logistic.fit(design, outcome)
    except StatisticsError as error:
        raise StatisticsError(
            f"the judge's biases: {error.message}",
            "judge more pairs, or read the share of first-shown wins instead",
        ) from error
    clusters = np.array([queries.index(j.query_id) for j in rows])
    errors = np.sqrt(np.diag(logistic.covariance(design, outcome, theta, [clusters])))
    # Student's over queries: ten of them are too few for the normal distribution
    wide = stats.t.ppf(0.975, len(queries) - 1)
    return [
        Bias(NAMES[column], v, v - wide * e, v + wide * e, len(rows), len(queries))
        for column, v, e in zip(varying, theta.tolist(), errors.tolist(), strict=True)
        if column < len(NAMES)
    ]


def _design(
    rows: Sequence[Judgement], shapes: Shapes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    variants = sorted({v for j in rows for v in (j.left, str(j.right))})
    design = np.zeros((len(rows), len(NAMES) + len(variants) - 1))
    outcome = np.zeros(len(rows))
    for i, row in enumerate(rows):
        first, second = (row.left, str(row.right))
        if row.order == "right_first":
            first, second = second, first
        a, b = (shapes[side, row.query_id, row.sample] for side in (first, second))
        design[i, :3] = 1, np.log2(max(a.chars, 1) / max(b.chars, 1)), a.marked - b.marked
        for variant, sign in ((first, 1), (second, -1)):
            if variant != variants[0]:
                design[i, len(NAMES) + variants.index(variant) - 1] = sign
        verdict = json.loads(str(row.verdict))
        won = "left" if row.order == "left_first" else "right"
        outcome[i] = 0.5 if verdict == "tie" else float(verdict == won)
    return design, outcome
