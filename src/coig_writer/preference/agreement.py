"""Agreement: Krippendorff's α over units, Kendall's τ between rankings, Cohen's kappa of two labellers.

α = 1 - observed / expected disagreement (Krippendorff 2004), here with the ordinal or the nominal
metric. Units with fewer than two ratings cannot agree or disagree; they are left out and counted.
The interval resamples prompts, since answers to one prompt hang together: resampling answers
covers 71 % instead of 95 % at 60 prompts × 15 answers (docs/decisions/0009-statistics.md).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import (
    BY_QUERY,
    Interval,
    Resampling,
    cluster_weights,
    percentiles,
)
from coig_writer.preference.pairs import Floats, Ints
from coig_writer.preference.rankings import Rankings
from coig_writer.preference.rates import wilson

Metric = Literal["ordinal", "nominal"]
FEWEST = 10  # queries below which a kappa has no interval


@dataclasses.dataclass(frozen=True, slots=True)
class Rating:
    """One rater's value for one unit (an answer on one dimension).

    Units of one ``prompt`` depend on each other and are resampled together; without a prompt a unit is its own cluster.
    """

    unit: str
    rater: str
    value: float
    prompt: str = ""


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
    prompts: int
    rounds: int
    degenerate_rounds: int
    seed: int
    method: str = "prompt bootstrap"


def alpha(
    ratings: Iterable[Rating], metric: Metric = "ordinal", plan: Resampling = BY_QUERY
) -> Alpha:
    """Measures agreement.

    Raises:
        StatisticsError: A rater rated a unit twice, no unit (or only one) has two ratings, or all
            values are the same.
    """
    rows = list(ratings)
    values, counts, prompts = _counts(rows)
    enough = counts.sum(axis=1) >= 2
    paired = counts[enough]
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
    by_prompt = _grouped(coincidences, prompts[enough])
    weights = cluster_weights(len(by_prompt), plan.rounds, np.random.default_rng(plan.seed))
    drawn = _alpha(np.tensordot(weights, by_prompt, axes=(1, 0)), metric)
    low, high = _interval(drawn[~np.isnan(drawn)], by_prompt, metric, plan.level)
    return Alpha(
        estimate, low, high, plan.level, metric, len(paired), len(counts) - len(paired),
        len(rows), len({r.rater for r in rows}), len(by_prompt), plan.rounds,
        int(np.isnan(drawn).sum()), plan.seed,
    )  # fmt: skip


def _grouped(coincidences: Floats, prompts: Ints) -> Floats:
    """Sums the tables of units over their prompts."""
    _, codes = np.unique(prompts, return_inverse=True)
    tables = np.zeros((int(codes.max()) + 1, *coincidences.shape[1:]))
    np.add.at(tables, codes, coincidences)
    return tables


def _interval(
    drawn: Floats, by_prompt: Floats, metric: Metric, level: float
) -> tuple[float, float]:
    """Returns the wider of the percentile interval and Student's over prompts by the jackknife.

    Percentiles of a ratio over a few dozen prompts are a little too narrow. One prompt gives -1 to 1.
    """
    total, k = by_prompt.sum(axis=0), len(by_prompt)
    value = float(_alpha(total[None], metric)[0])
    if k < 2 or not drawn.size:
        return -1.0, 1.0
    low, high = _not_certain(drawn, value, k, level)
    without = _alpha(total - by_prompt, metric)
    without = without[~np.isnan(without)]
    error = float(np.sqrt((k - 1) * without.var())) if without.size else 0.0
    half = float(stats.t.ppf(0.5 + level / 2, k - 1)) * error
    if 2 * half > high - low:
        low, high = value - half, value + half
    return max(-1.0, low), min(1.0, high)


def _not_certain(drawn: Floats, value: float, units: int, level: float) -> tuple[float, float]:
    """Returns the percentile interval; where nothing moves, as much room as Wilson's for ``units`` of ``units``.

    If every unit agrees, up to ``1 - wilson(units, units).low`` of all units may yet disagree.
    """
    low, high = percentiles(drawn, level)
    if high - low > 1e-12:
        return low, high
    room = 1 - wilson(units, units, level).low
    return max(-1.0, value - room), min(1.0, value + room)


def _counts(rows: list[Rating]) -> tuple[list[float], Floats, Ints]:
    """Returns the values in order, how often each unit got each of them, and the prompt of each unit."""
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
    units = sorted(by_unit)
    prompt = {r.unit: r.prompt or r.unit for r in rows}
    _, codes = np.unique([prompt[u] for u in units], return_inverse=True)
    counts = np.array([by_unit[u] for u in units], dtype=np.float64)
    return values, counts.reshape(len(units), len(values)), codes


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


def tau(rankings: Rankings, plan: Resampling = BY_QUERY) -> Interval | None:
    """Returns Kendall's τ-b of two raters' rankings of one prompt: mean over pairs of raters, then over prompts.

    The interval resamples prompts. None with fewer than two prompts that two raters ranked. A rater
    whose ranking is one big tie has no τ with any other.
    """
    by_prompt = []
    for query in range(len(rankings.query_ids)):
        places = rankings.places[rankings.queries == query]
        taus = [
            float(stats.kendalltau(a, b, nan_policy="omit").statistic)
            for a, b in itertools.combinations(places, 2)
        ]
        by_prompt.append([value for value in taus if not np.isnan(value)])
    means = np.array([np.mean(taus) for taus in by_prompt if taus], dtype=np.float64)
    if len(means) < 2:
        return None
    return bootstrap.mean(means, np.arange(len(means)), plan, scale=(-1.0, 1.0))


def cohen(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Returns Cohen's kappa (1960), unweighted; None where chance agreement is already perfect."""
    if not pairs:
        return None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(count * right[label] for label, count in left.items()) / (n * n)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def kappa_interval(
    pairs: Sequence[tuple[Hashable, Hashable]], queries: Sequence[str], rounds: int = 500
) -> tuple[float | None, float | None]:
    """Returns kappa's 95 % interval, whole queries resampled; None below ``FEWEST`` queries."""
    value = cohen(pairs)
    groups: dict[str, list[tuple[Hashable, Hashable]]] = defaultdict(list)
    for pair, query in zip(pairs, queries, strict=True):
        groups[query].append(pair)
    if len(groups) < FEWEST or value is None:
        return None, None
    members = list(groups.values())
    draws = np.random.default_rng(0).integers(len(members), size=(rounds, len(members)))
    drawn = [cohen([pair for i in draw for pair in members[i]]) for draw in draws.tolist()]
    known = np.array([kappa for kappa in drawn if kappa is not None])
    return _not_certain(known, value, len(members), 0.95)
