"""Krippendorff's α with a bootstrap over units.

α = 1 - observed / expected disagreement (Krippendorff 2004), here with the ordinal or the nominal
metric. Units with fewer than two ratings cannot agree or disagree; they are left out and counted.
Resampling units, not single pairs of ratings, gives honest intervals: 1.6 times wider on the
simulation in docs/decisions/0009-statistics.md.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Literal

import numpy as np

from coig_writer.errors import StatisticsError
from coig_writer.preference.bootstrap import BY_QUERY, Plan, cluster_weights, percentiles
from coig_writer.preference.pairs import Floats

Metric = Literal["ordinal", "nominal"]


@dataclasses.dataclass(frozen=True, slots=True)
class Rating:
    """One rater's value for one unit (an answer on one dimension)."""

    unit: str
    rater: str
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's α; ``units`` have at least two ratings, ``unpaired`` ones do not."""

    value: float
    low: float
    high: float
    level: float
    metric: Metric
    units: int
    unpaired: int
    ratings: int
    raters: int
    rounds: int
    degenerate_rounds: int
    seed: int
    method: str = "unit bootstrap"


def alpha(ratings: Iterable[Rating], metric: Metric = "ordinal", plan: Plan = BY_QUERY) -> Alpha:
    """Measures agreement.

    Raises:
        StatisticsError: A rater rated a unit twice, no unit (or only one) has two ratings, or all
            values are the same.
    """
    rows = list(ratings)
    values, counts = _counts(rows)
    paired = counts[counts.sum(axis=1) >= 2]
    if len(paired) < 2:
        raise StatisticsError(
            f"{len(paired)} units have two ratings or more: agreement is unknown",
            "plan overlap: let at least two raters rate a fixed share of the answers",
        )
    coincidences = _coincidences(paired)
    estimate = float(_alpha(coincidences.sum(axis=0)[None], metric)[0])
    if np.isnan(estimate):
        raise StatisticsError(
            f"every paired rating is {values[int(paired.sum(axis=0).argmax())]:g}: α is undefined",
            "report the share of equal ratings instead",
        )
    weights = cluster_weights(len(paired), plan.rounds, np.random.default_rng(plan.seed))
    drawn = _alpha(np.tensordot(weights, coincidences, axes=(1, 0)), metric)
    low, high = percentiles(drawn[~np.isnan(drawn)], plan.level)
    return Alpha(
        estimate, low, high, plan.level, metric, len(paired), len(counts) - len(paired),
        len(rows), len({r.rater for r in rows}), plan.rounds, int(np.isnan(drawn).sum()), plan.seed,
    )  # fmt: skip


def _counts(rows: list[Rating]) -> tuple[list[float], Floats]:
    """Returns the values in order, and how often each unit got each of them."""
    twice = [key for key, n in Counter((r.unit, r.rater) for r in rows).items() if n > 1]
    if twice:
        raise StatisticsError(
            f"rater {twice[0][1]} rated {twice[0][0]} twice",
            "keep repeats out of agreement between raters; they measure consistency of one",
        )
    values = sorted({r.value for r in rows})
    by_unit: dict[str, list[int]] = defaultdict(lambda: [0] * len(values))
    for row in rows:
        by_unit[row.unit][values.index(row.value)] += 1
    return values, np.array([by_unit[u] for u in sorted(by_unit)], dtype=np.float64).reshape(
        len(by_unit), len(values)
    )


def _coincidences(counts: Floats) -> Floats:
    """Returns each unit's pairs of values, weighted by 1 / (ratings - 1) (units × values²)."""
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    return np.asarray(pairs / (counts.sum(axis=1) - 1)[:, None, None])


def _alpha(coincidences: Floats, metric: Metric) -> Floats:
    """Computes α for a batch of coincidence tables; NaN where only one value occurs."""
    totals = coincidences.sum(axis=2)
    n = totals.sum(axis=1)
    distance = _distance(totals, metric)
    observed = (coincidences * distance).sum(axis=(1, 2)) / n
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2)) / (n * (n - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _distance(totals: Floats, metric: Metric) -> Floats:
    if metric == "nominal":
        return np.broadcast_to(1 - np.eye(totals.shape[1]), (len(totals), *(totals.shape[1],) * 2))
    middle = np.cumsum(totals, axis=1) - totals / 2  # mid-rank of each value
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
