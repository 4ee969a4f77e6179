"""Does a metric go with preference? Asked within prompts, where length and topic are held apart.

Two answers: how often the answer that has more of the metric is the preferred one, and Spearman's
correlation of metric and success within a prompt, averaged over prompts. Both with intervals that
resample prompts. A correlation over five models rests on five points; this one on every prompt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import BY_QUERY, Interval, Resampling
from coig_writer.preference.pairs import Floats, Ints, Pairs


@dataclasses.dataclass(frozen=True, slots=True)
class Association:
    """``concordance``: share of decided pairs in which more of the metric won (0.5: no relation).

    ``spearman``: mean within-prompt correlation. ``left_out`` counts pairs without a value on both
    sides, with equal values, or tied.
    """

    metric: str
    concordance: Interval
    spearman: Interval | None
    prompts: int
    left_out: int


def associate(
    metric: str, pairs: Pairs, values: Mapping[tuple[str, str], float], plan: Resampling = BY_QUERY
) -> Association:
    """Relates a metric to preference.

    Args:
        metric: Its name, for the result.
        pairs: Comparisons.
        values: (variant, query id) → value.
        plan: How to resample.

    Raises:
        StatisticsError: No decided pair has different values, or all lie on one prompt.
    """
    left, right = _sides(pairs, values)
    more = np.sign(left - right)
    usable = ~np.isnan(left) & ~np.isnan(right) & (more != 0) & (pairs.outcome != 0.5)
    if not usable.any():
        raise StatisticsError(
            f"{metric}: no decided pair has two different values", "score the answers first"
        )
    agrees = (more[usable] > 0) == (pairs.outcome[usable] > 0.5)
    _, clusters = np.unique(pairs.queries[usable], return_inverse=True)
    _, raters = np.unique(pairs.raters[usable], return_inverse=True)
    points = agrees.astype(np.float64)
    concordance = bootstrap.mean(points, clusters, plan, raters=raters, scale=bootstrap.SHARE)
    within = _within(values, success(pairs))
    spearman = None
    if len(within) > 1:
        spearman = bootstrap.mean(within, np.arange(len(within)), plan, scale=(-1.0, 1.0))
    return Association(
        metric, concordance, spearman, len(np.unique(clusters)), int((~usable).sum())
    )


def _sides(pairs: Pairs, values: Mapping[tuple[str, str], float]) -> tuple[Floats, Floats]:
    table = np.full((len(pairs.labels), len(pairs.query_ids)), np.nan)
    for i, label in enumerate(pairs.labels):
        for j, query in enumerate(pairs.query_ids):
            table[i, j] = values.get((label, query), np.nan)
    return table[pairs.left, pairs.queries], table[pairs.right, pairs.queries]


def success(pairs: Pairs) -> dict[tuple[str, str], float]:
    """Returns by (label, query id) the share of its comparisons that an answer won, a tie being half."""
    points = np.zeros((len(pairs.query_ids), len(pairs.labels)))
    games = np.zeros_like(points)
    for side, won in ((pairs.left, pairs.outcome), (pairs.right, 1 - pairs.outcome)):
        np.add.at(points, (pairs.queries, side), won)
        np.add.at(games, (pairs.queries, side), 1)
    return {
        (pairs.labels[j], pairs.query_ids[i]): float(points[i, j] / games[i, j])
        for i, j in zip(*np.nonzero(games), strict=True)
    }


def covary(
    metric: str,
    first: Mapping[tuple[str, str], float],
    second: Mapping[tuple[str, str], float],
    plan: Resampling = BY_QUERY,
) -> Interval:
    """Relates two metrics within prompts: mean Spearman correlation over the answers to one prompt.

    Args:
        metric: Name of the two together, for the error.
        first: (variant, query id) → value.
        second: The same of the other metric.
        plan: How to resample; prompts are the clusters.

    Returns:
        The mean, between -1 and 1; ``n`` counts prompts with three answers or more and spread in both.

    Raises:
        StatisticsError: Fewer than two such prompts.
    """
    within = _within(first, second)
    if len(within) < 2:
        raise StatisticsError(
            f"{metric}: {len(within)} prompts with three differing answers",
            "score the answers of three models or more",
        )
    return bootstrap.mean(within, np.arange(len(within)), plan, scale=(-1.0, 1.0))


def _within(
    first: Mapping[tuple[str, str], float], second: Mapping[tuple[str, str], float]
) -> Floats:
    """Returns Spearman's correlation per prompt with three answers or more and spread in both."""
    answers: dict[str, list[tuple[float, float]]] = {}
    for variant, query in sorted(first.keys() & second.keys()):
        answers.setdefault(query, []).append((first[variant, query], second[variant, query]))
    correlations = [
        stats.spearmanr(*columns).statistic
        for columns in (np.array(answers[query]).T for query in sorted(answers))
        if columns.shape[1] >= 3 and np.ptp(columns, axis=1).all()
    ]
    return np.array(correlations, dtype=np.float64)


@dataclasses.dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's correlation with Fisher's interval, and Spearman's beside it."""

    value: float
    low: float
    high: float
    p: float
    spearman: float
    n: int
    level: float
    method: str = "Pearson, Fisher's z interval"


def correlate(x: Sequence[float], y: Sequence[float], level: float = 0.95) -> Correlation:
    """Correlates two lists of numbers, as over models; a handful of points gives a wide interval.

    Raises:
        StatisticsError: Fewer than four points, or a list without spread.
    """
    n = len(x)
    if n < 4 or len(y) != n or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise StatisticsError(
            f"{n} and {len(y)} points cannot be correlated",
            "give at least four pairs of differing values",
        )
    result = stats.pearsonr(x, y)
    interval = result.confidence_interval(level)
    return Correlation(
        float(result.statistic), float(interval.low), float(interval.high), float(result.pvalue),
        float(stats.spearmanr(x, y).statistic), n, level,
    )  # fmt: skip


def correlate_within(
    x: Sequence[float], y: Sequence[float], groups: Sequence[str], clusters: Sequence[str],
    plan: Resampling = BY_QUERY,
) -> Interval:  # fmt: skip
    """Correlates two lists within groups, as votes with verdicts on the prompts of one pair of models.

    What differs between groups counts for nothing: means are taken out of each.

    Args:
        x: One value per row.
        y: The other.
        groups: The group of each row.
        clusters: What is resampled, such as the prompt of each row.
        plan: How to resample.

    Returns:
        Pearson's correlation; never narrower than Fisher's interval over the clusters, which a perfect
        correlation enters as 1 - 1/clusters.

    Raises:
        StatisticsError: Fewer than four clusters, or no spread within groups.
    """
    units, codes = np.unique(np.array(clusters), return_inverse=True)
    if len(units) < 4:
        raise StatisticsError(f"{len(units)} prompts cannot be correlated", "give at least four")
    kinds = np.unique(np.array(groups), return_inverse=True)[1]
    data = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64), kinds, codes
    value = float(_pooled(*data, np.ones((1, len(units))))[0])
    if not np.isfinite(value):
        raise StatisticsError("no value varies within a pair", "there is no spread to correlate")
    weights = bootstrap.cluster_weights(len(units), plan.rounds, np.random.default_rng(plan.seed))
    drawn = _pooled(*data, weights)
    known = drawn[np.isfinite(drawn)]
    resampled = Interval(
        value, *bootstrap.percentiles(known, plan.level), plan.level, plan.cluster, len(units), len(x),
        plan.rounds, plan.seed, len(drawn) - len(known),
    )  # fmt: skip
    inside = 1 - 1 / len(units)
    centre = np.arctanh(min(max(value, -inside), inside))
    half = stats.norm.ppf(0.5 + plan.level / 2) / np.sqrt(len(units) - 3)
    low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return bootstrap.at_least(
        resampled, min(low, value), max(high, value), "Fisher's z over clusters"
    )


def _pooled(x: Floats, y: Floats, groups: Ints, clusters: Ints, weights: Floats) -> Floats:
    """Pearson's correlation of deviations from group means, for each row of cluster weights."""
    sums = np.zeros((3, len(weights)))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        u, v, w = x[rows], y[rows], weights[:, clusters[rows]]
        n = np.maximum(w.sum(axis=1), 1)
        for i, (a, b) in enumerate(((u, v), (u, u), (v, v))):
            sums[i] += w @ (a * b) - (w @ a) * (w @ b) / n
    covariance, of_x, of_y = sums
    room = of_x * of_y
    return np.where(room > 1e-12, covariance / np.sqrt(np.maximum(room, 1e-12)), np.nan)
