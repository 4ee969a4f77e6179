"""Rates and means of many small groups, shrunk towards each other as far as the data support it.

A genre with four prompts has no rate of its own worth printing. Here genres share a distribution
(beta for win rates, normal for mean ratings) with unknown mean and spread; both are integrated out,
so the intervals carry their uncertainty too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from scipy import special

from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats, Ints

FEWEST = 8  # prompts below which a group's own rate is not shown
MEANS = np.linspace(0.01, 0.99, 50)
SIZES = np.geomspace(1, 2000, 30)  # prior sample size: 1 is no sharing, 2000 is one common rate


@dataclasses.dataclass(frozen=True, slots=True)
class Pooled:
    """A group's estimate: ``raw`` is its own rate (None under ``FEWEST`` prompts).

    ``value`` is the posterior mean, ``low`` and ``high`` its central interval; ``weight`` tells how
    much of the value comes from the group itself.
    """

    raw: float | None
    value: float
    low: float
    high: float
    n: int
    weight: float
    level: float
    method: str


def pool(groups: Mapping[str, tuple[float, int]], level: float = 0.95) -> dict[str, Pooled]:
    """Pools rates.

    Args:
        groups: Name → (wins, prompts); wins may hold halves where a prompt was tied or split.
        level: Of the intervals.

    Raises:
        StatisticsError: Fewer than two groups, an empty group, or more wins than prompts.
    """
    if len(groups) < 2:
        raise StatisticsError(
            f"{len(groups)} groups", "partial pooling needs at least two: report the rate itself"
        )
    for name, (won, prompts) in groups.items():
        if prompts < 1 or not 0 <= won <= prompts:
            raise StatisticsError(f"{name}: {won} wins of {prompts}", "count each prompt once")
    wins = np.array([w for w, _ in groups.values()], dtype=np.float64)
    n = np.array([m for _, m in groups.values()], dtype=np.float64)
    # groups of like counts have one posterior: 51 genres of four prompts are at most five
    kinds, kind_of, times = np.unique(
        np.column_stack([wins, n]), axis=0, return_inverse=True, return_counts=True
    )
    won, prompts_of = kinds.T
    alpha, beta, chance = _beta_grid(won, prompts_of, times)
    after_a, after_b = alpha[:, None] + won, beta[:, None] + prompts_of - won
    posterior = _Posterior(
        value=chance @ (after_a / (after_a + after_b)),
        weight=chance @ (prompts_of / (prompts_of + (alpha + beta)[:, None])),
        below=lambda x: chance @ special.betainc(after_a, after_b, x),
        least=np.zeros_like(prompts_of),
        most=np.ones_like(prompts_of),
        kind_of=kind_of.ravel(),
    )
    method = "beta-binomial, mean and spread integrated on a grid"
    return _pooled(groups, wins / n, n, posterior, level, method)


def pool_means(groups: Mapping[str, Sequence[float]], level: float = 0.95) -> dict[str, Pooled]:
    """Pools means of groups whose values share one variance within groups.

    The hierarchical normal model with the spread between groups on a grid, flat in that spread, and
    the common mean integrated out exactly (Gelman et al., Bayesian Data Analysis, section 5.4).

    Args:
        groups: Name → one value per prompt.
        level: Of the intervals.

    Raises:
        StatisticsError: Fewer than two groups, an empty one, or no group with two differing values.
    """
    data = [np.asarray(values, dtype=np.float64) for values in groups.values()]
    variance = _within(data)
    if len(data) < 2 or any(x.size == 0 for x in data) or not variance:
        raise StatisticsError(
            f"{len(groups)} groups cannot be pooled",
            "partial pooling needs two groups and some spread within them",
        )
    n = np.array([x.size for x in data], dtype=np.float64)
    raw = np.array([x.mean() for x in data])
    weight, centre, error, chance = _normal_grid(raw, variance / n)
    posterior = _Posterior(
        value=chance @ centre,
        weight=chance @ weight,
        below=lambda x: chance @ special.ndtr((x - centre) / error),
        least=(centre - 8 * error).min(axis=0),
        most=(centre + 8 * error).max(axis=0),
        kind_of=np.arange(len(n)),
    )
    method = "hierarchical normal, spread integrated on a grid"
    return _pooled(groups, raw, n, posterior, level, method)


@dataclasses.dataclass(frozen=True, slots=True)
class _Posterior:
    """Per kind of group: mean, own weight, the chance of lying ``below`` a value, and where to look for quantiles.

    ``kind_of`` is the kind of each group.
    """

    value: Floats
    weight: Floats
    below: Callable[[Floats], Floats]
    least: Floats
    most: Floats
    kind_of: Ints

    def quantile(self, q: float) -> Floats:
        """Returns each group's quantile of the mixture, by bisection."""
        low, high = self.least, self.most
        for _ in range(40):
            middle = (low + high) / 2
            below = self.below(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)


def _pooled(
    groups: Iterable[str], raw: Floats, n: Floats, posterior: _Posterior, level: float, method: str
) -> dict[str, Pooled]:
    low, high = (posterior.quantile(q) for q in (0.5 - level / 2, 0.5 + level / 2))
    return {
        name: Pooled(
            float(raw[i]) if n[i] >= FEWEST else None,
            float(posterior.value[k]), float(low[k]), float(high[k]), int(n[i]),
            float(posterior.weight[k]), level, method,
        )
        for i, (name, k) in enumerate(zip(groups, posterior.kind_of, strict=True))
    }  # fmt: skip


def _within(data: Sequence[Floats]) -> float:
    """Returns the variance within groups, pooled over them; 0 where there is none to see."""
    degrees = sum(x.size - 1 for x in data if x.size)
    # the mean of equal values is off by rounding, which is no spread
    squares = sum(float(((x - x.mean()) ** 2).sum()) for x in data if x.size and np.ptp(x))
    return squares / degrees if degrees else 0.0


def _beta_grid(wins: Floats, n: Floats, times: Ints) -> tuple[Floats, Floats, Floats]:
    """Returns the grid's (alpha, beta, posterior chance), without points that do not matter.

    Flat in the mean and in the spread between groups, size ** -0.5 (a flat prior in log size would
    pool too eagerly where groups are tiny).
    """
    mean, size = (axis.ravel() for axis in np.meshgrid(MEANS, SIZES))
    alpha, beta = mean * size, (1 - mean) * size
    likelihood = (
        special.betaln(alpha[:, None] + wins, beta[:, None] + n - wins)
        - special.betaln(alpha, beta)[:, None]
    ) @ times
    chance = np.exp(likelihood - likelihood.max()) / np.sqrt(size)
    kept = chance > 1e-3 * chance.max()
    return alpha[kept], beta[kept], chance[kept] / chance[kept].sum()


def _normal_grid(raw: Floats, variance: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns per grid point and group: own weight, posterior mean and sd; and the points' chances."""
    scale = max(float(raw.std()), float(np.sqrt(variance.mean())))
    spread = np.linspace(0, 3, 61)[:, None] * scale
    total = variance + spread**2
    precision = (1 / total).sum(axis=1, keepdims=True)
    common = (raw / total).sum(axis=1, keepdims=True) / precision
    log = -0.5 * (np.log(total) + (raw - common) ** 2 / total).sum(axis=1) - 0.5 * np.log(
        precision[:, 0]
    )
    chance = np.exp(log - log.max())
    weight = spread**2 / total
    centre = weight * raw + (1 - weight) * common
    error = np.sqrt(weight * variance + (1 - weight) ** 2 / precision)
    return weight, centre, error, chance / chance.sum()
