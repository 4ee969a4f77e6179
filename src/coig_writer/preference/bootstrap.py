"""Bootstrap intervals that resample the independent units: prompts, raters, or both.

What is published from these goes through ``coig_writer.preference.board``, which puts a floor under
the width. Pairs out of one ranking and votes of one rater hang together. Resampling single votes then gives
intervals that are too narrow: 82 % coverage instead of 95 % for five-way rankings
(docs/decisions/0009-statistics.md). Resampling whole prompts keeps their inner dependence.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import sparse, stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import bradley_terry
from coig_writer.preference.pairs import Floats, Ints, Pairs, win_matrix
from coig_writer.preference.rankings import Rankings
from coig_writer.preference.rates import wilson

Cluster = Literal["query", "rater", "query and rater", "comparison"]
FEW = 20  # clusters below which a percentile interval is known to be too narrow
ROUNDS = 2000
BLOCK = 4_000_000  # weights held at once
SHARE = (0.0, 1.0)  # the scale of a share
ROUNDING = 1e-9  # of the scale: equal values differ by as much once they are summed and divided


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval and how it was made.

    Attributes:
        estimate: The value itself.
        low: Lower end.
        high: Upper end.
        level: Coverage that the interval is made for.
        cluster: What is resampled.
        clusters: How many of them there are; below 20 the interval is likely too narrow.
        n: How many comparisons they hold.
        rounds: Resamples.
        seed: Of the resampling.
        degenerate_rounds: Rounds in which the estimate did not exist as such: a rate's are left out, a strength's
            carry a prior of one virtual comparison per pair.
        method: Of the interval.
    """

    estimate: float
    low: float
    high: float
    level: float
    cluster: Cluster
    clusters: int
    n: int
    rounds: int
    seed: int
    degenerate_rounds: int = 0
    method: str = "percentile bootstrap"

    @property
    def value(self) -> float:
        """The estimate, under the name that a ``Rate`` has for it."""
        return self.estimate

    @property
    def few_clusters(self) -> bool:
        """Whether there are too few clusters to trust the width."""
        return self.clusters < FEW


@dataclasses.dataclass(frozen=True, slots=True)
class Resampling:
    """How to resample: by what, how often, from which seed, and to which level."""

    cluster: Cluster = "query"
    rounds: int = ROUNDS
    seed: int = 0
    level: float = 0.95


BY_QUERY = Resampling()


def cluster_weights(clusters: int, rounds: int, rng: np.random.Generator) -> Floats:
    """Returns how often each cluster is drawn in each round (rounds × clusters)."""
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=rounds).astype(
        np.float64
    )


def percentiles(values: Floats, level: float) -> tuple[float, float]:
    """Returns the central interval of bootstrap values."""
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def mean(
    values: Floats,
    clusters: Ints,
    plan: Resampling = BY_QUERY,
    *,
    raters: Ints | None = None,
    scale: tuple[float, float] | None = None,
) -> Interval:
    """Returns a mean with the wider of two intervals: resampled, and Student's t over the clusters.

    Few clusters make a percentile interval too narrow; Student's is right for one value per cluster. Values that never vary get Wilson's interval over the clusters,
    where a scale is given: no sample shows certainty.

    Args:
        values: At least one.
        clusters: The cluster of each value, numbered from 0.
        plan: How to resample; where ``raters`` has several, prompts and raters are both resampled.
        raters: The rater of each value, numbered from 0; the clusters are prompts then.
        scale: Least and greatest possible value; the interval stays inside.

    Raises:
        StatisticsError: No value, one that is not finite, or a single cluster.
    """
    if not np.isfinite(values).all():
        raise StatisticsError("a value is not finite", "record it as missing, with the reason")
    count = _at_least_two(int(clusters.max()) + 1 if clusters.size else 0, plan.cluster)
    groupings, cluster = [clusters], plan.cluster
    if raters is not None and len(np.unique(raters)) > 1:
        groupings, cluster = [clusters, raters], "query and rater"
        count = min(count, len(np.unique(raters)))
    columns = sparse.csr_array(np.column_stack([values, np.ones(len(values))]))
    total, size = totals(columns, groupings, plan).T
    drawn = total[size > 0] / size[size > 0]
    interval = Interval(
        float(values.mean()), *percentiles(drawn, plan.level), plan.level, cluster, count,
        len(values), plan.rounds, plan.seed, int((size == 0).sum()),
    )  # fmt: skip
    half = _student(values, clusters, plan.level)
    least, most = scale or (-math.inf, math.inf)
    low, high = max(least, interval.estimate - half), min(most, interval.estimate + half)
    interval = at_least(interval, low, high, "student t over clusters")
    return interval if scale is None else _not_frozen(interval, scale)


def _student(values: Floats, clusters: Ints, level: float) -> float:
    """Half the width of Student's interval for a mean, robust to dependence within clusters."""
    _, codes = np.unique(clusters, return_inverse=True)
    rest = np.bincount(codes, values - values.mean())
    error = math.sqrt(float((rest**2).sum()) * len(rest) / max(1, len(rest) - 1)) / len(values)
    return float(stats.t.ppf(0.5 + level / 2, max(1, len(rest) - 1))) * error


def at_least(interval: Interval, low: float, high: float, method: str) -> Interval:
    """Returns the interval, or another one for the same estimate if that is wider."""
    if high - low <= interval.high - interval.low:
        return interval
    return dataclasses.replace(interval, low=low, high=high, method=method)


def win_rates(pairs: Pairs, plan: Resampling = BY_QUERY) -> dict[tuple[str, str], Interval]:
    """Returns the win rate of every ordered pair that met, a tie being half a win.

    ``clusters`` of an interval counts those in which the pair met. Where resampling moves nothing
    (one cluster, or the same outcome in all), the interval is Wilson's over the clusters.

    Raises:
        StatisticsError: A single cluster in all, so that nothing can be resampled.
    """
    wins, ties, clusters = tables(pairs, plan)
    points, games = wins + ties / 2, wins + wins.swapaxes(1, 2) + ties
    matrix = win_matrix(pairs)
    shared = _meetings(pairs, plan.cluster)
    rates: dict[tuple[str, str], Interval] = {}
    for i, j in zip(*np.nonzero(matrix.games), strict=True):
        met = games[:, i, j] > 0
        rate = float(matrix.points[i, j] / matrix.games[i, j])
        drawn = (
            percentiles(points[met, i, j] / games[met, i, j], plan.level)
            if met.any()
            else (0.0, 0.0)
        )
        interval = Interval(
            rate, *drawn, plan.level, plan.cluster, shared.get((min(i, j), max(i, j)), clusters),
            int(matrix.games[i, j]), plan.rounds, plan.seed, int((~met).sum()),
        )  # fmt: skip
        rates[pairs.labels[i], pairs.labels[j]] = _not_frozen(interval)
    return rates


def _meetings(pairs: Pairs, cluster: Cluster) -> dict[tuple[int, int], int]:
    """Counts the clusters in which each unordered pair met; two ways, the fewer of the two."""
    if cluster == "comparison":
        return {}
    low, high = np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right)
    codes = {"query": [pairs.queries], "rater": [pairs.raters]}.get(
        cluster, [pairs.queries, pairs.raters]
    )
    meetings: dict[tuple[int, int], int] = {}
    for code in codes:
        rows = np.unique(np.column_stack([low, high, code]), axis=0)
        met, counts = np.unique(rows[:, :2], axis=0, return_counts=True)
        for (i, j), n in zip(met.tolist(), counts.tolist(), strict=True):
            meetings[i, j] = min(n, meetings.get((i, j), n))
    return meetings


def _not_frozen(interval: Interval, scale: tuple[float, float] = (0.0, 1.0)) -> Interval:
    """Replaces an interval without width, which claims certainty that no sample gives."""
    least, most = scale
    if interval.high - interval.low > ROUNDING * (most - least):
        return interval
    share = min(max((interval.estimate - least) / (most - least), 0.0), 1.0)
    rate = wilson(share * interval.clusters, interval.clusters, interval.level)
    return dataclasses.replace(
        interval,
        low=least + (most - least) * rate.low,
        high=least + (most - least) * rate.high,
        method="wilson over clusters: resampling moves nothing",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Strengths:
    """Strengths with intervals, and the range of places each player takes over the rounds."""

    strengths: dict[str, Interval]
    places: dict[str, tuple[int, int]]
    ties: bradley_terry.Ties
    prior: float


def strengths(
    pairs: Pairs,
    ties: bradley_terry.Ties = "half",
    plan: Resampling = BY_QUERY,
    *,
    prior: float = 0.0,
) -> Strengths:
    """Bootstraps Bradley–Terry log strengths (mean 0).

    No interval is narrower than the likelihood's own, which takes every comparison as independent:
    prompts with the same outcome would otherwise give strengths without width.

    Raises:
        StatisticsError: A single cluster, or no maximum exists and there is no prior.
    """
    fitted = bradley_terry.fit(win_matrix(pairs), ties, prior=prior)
    wins, draws, clusters = tables(pairs, plan)
    drawn, repaired = refit(wins, draws, ties, prior)
    place = 1 + np.argsort(np.argsort(-drawn, axis=1), axis=1)
    intervals, places = {}, {}
    for i, label in enumerate(pairs.labels):
        low, high = percentiles(drawn[:, i], plan.level)
        resampled = Interval(
            fitted.log_strengths[i], low, high, plan.level, plan.cluster, clusters,
            len(pairs), plan.rounds, plan.seed, repaired,
        )  # fmt: skip
        half = float(stats.norm.ppf(0.5 + plan.level / 2)) * fitted.standard_errors[i]
        centre = fitted.log_strengths[i]
        intervals[label] = at_least(resampled, centre - half, centre + half, "likelihood")
        best, worst = percentiles(place[:, i].astype(np.float64), plan.level)
        places[label] = (int(np.floor(best)), int(np.ceil(worst)))
    return Strengths(intervals, places, ties, prior)


def refit(
    wins: Floats, draws: Floats, ties: bradley_terry.Ties, prior: float = 0.0
) -> tuple[Floats, int]:
    """Solves resampled tables; where none has a maximum, with one virtual comparison per pair.

    Returns:
        Strengths (rounds × players) and the number of rounds that needed the virtual comparisons.
    """
    virtual = (1 - np.eye(wins.shape[1])) / 2
    tied = draws if ties == "davidson" and draws.any() else None
    won = (wins + draws / 2 if ties == "half" else wins) + prior * virtual
    lost = ~bradley_terry.has_maximum(won + (0 if tied is None else tied))
    if tied is not None:  # Davidson's ν needs a tie and a decision in every round
        none = np.asarray(~tied.any(axis=(1, 2)))
        tied = tied + none[:, None, None] * virtual * 2e-3
        lost = lost | ~bradley_terry.bounds_ties(won, tied)
    won = won + lost[:, None, None] * virtual
    return bradley_terry.solve(won, tied).parameters[:, : wins.shape[1]], int(lost.sum())


def tables(pairs: Pairs, plan: Resampling) -> tuple[Floats, Floats, int]:
    """Returns resampled wins and ties (rounds × players × players) and the number of clusters."""
    players = len(pairs.labels)
    cell = (pairs.left * players + pairs.right) * 3 + (2 * pairs.outcome).astype(np.intp)
    if plan.cluster == "comparison":
        clusters = _at_least_two(len(pairs), plan.cluster)
        drawn = _by_comparison(cell, players, plan)
    else:
        codes, clusters = groupings(pairs, plan.cluster)
        columns = sparse.csr_array(
            (np.ones(len(cell)), (np.arange(len(cell)), cell)),
            shape=(len(cell), players * players * 3),
        )
        drawn = totals(columns, codes, plan)
    lost, tied, won = np.moveaxis(drawn.reshape(plan.rounds, players, players, 3), 3, 0)
    return won + lost.swapaxes(1, 2), tied + tied.swapaxes(1, 2), clusters


def _by_comparison(cell: Ints, players: int, plan: Resampling) -> Floats:
    """Resamples single comparisons through their counts, never touching the rows again.

    Each comparison is drawn Poisson(1) times, so each cell Poisson(count) times; twice as fast as
    the multinomial and the same but for a total that varies by its square root.
    """
    counts = np.bincount(cell, minlength=players * players * 3)
    rng = np.random.default_rng(plan.seed)
    return rng.poisson(counts, size=(plan.rounds, len(counts))).astype(np.float64)


def groupings(votes: Pairs | Rankings, cluster: Cluster) -> tuple[list[Ints], int]:
    """Returns the codes to resample by, and the number of clusters: two ways, the fewer."""
    ways = {
        "query": [(votes.queries, len(votes.query_ids))],
        "rater": [(votes.raters, len(votes.rater_ids))],
    }
    chosen = ways.get(cluster, [*ways["query"], *ways["rater"]])
    return [codes for codes, _ in chosen], _at_least_two(min(n for _, n in chosen), cluster)


def totals(columns: sparse.csr_array, groupings: Sequence[Ints], plan: Resampling) -> Floats:
    """Sums the columns of votes over resampled groups (rounds × columns).

    Two ways, a vote counts as often as its prompt times its rater was drawn (Owen 2007). Rounds are
    taken in blocks, so that memory does not grow with rounds times votes.
    """
    members, unit = np.unique(np.column_stack(groupings), axis=0, return_inverse=True)
    shape = (len(members), columns.shape[0])
    places = (unit.ravel(), np.arange(columns.shape[0]))
    counts = sparse.csr_array((np.ones(columns.shape[0]), places), shape=shape) @ columns
    rng = np.random.default_rng(plan.seed)
    drawn = [cluster_weights(int(codes.max()) + 1, plan.rounds, rng) for codes in groupings]
    step = max(1, BLOCK // len(members))
    blocks = [slice(start, start + step) for start in range(0, plan.rounds, step)]
    weights = (
        math.prod(w[rounds][:, member] for w, member in zip(drawn, members.T, strict=True))
        for rounds in blocks
    )
    return np.concatenate([np.asarray(weight @ counts) for weight in weights])


def _at_least_two(clusters: int, cluster: Cluster) -> int:
    if clusters < 2:
        raise StatisticsError(
            f"{clusters} cluster by {cluster}: nothing can be resampled",
            "collect votes on more prompts or from more raters, or cluster by something else",
        )
    return clusters
