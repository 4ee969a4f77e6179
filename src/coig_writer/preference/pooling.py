"""Win rates of many small groups, drawn towards each other as far as the data say they belong.

A genre with four prompts has no rate of its own worth printing. Here genres share a beta
distribution with unknown mean and spread; both are integrated out on a grid, so the intervals
carry their uncertainty too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import special

from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats

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
    method: str = "beta-binomial, hyperparameters integrated on a grid"


def pool(groups: Mapping[str, tuple[float, int]], level: float = 0.95) -> dict[str, Pooled]:
    """Pools groups.

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
    alpha, beta, chance = _hyperposterior(wins, n)
    after_a, after_b = alpha[:, None] + wins, beta[:, None] + n - wins
    value = chance @ (after_a / (after_a + after_b))
    weight = chance @ (n / (n + (alpha + beta)[:, None]))
    low, high = (_quantile(q, after_a, after_b, chance) for q in (0.5 - level / 2, 0.5 + level / 2))
    return {
        name: Pooled(
            wins[i] / n[i] if n[i] >= FEWEST else None,
            float(value[i]), float(low[i]), float(high[i]), int(n[i]), float(weight[i]), level,
        )
        for i, name in enumerate(groups)
    }  # fmt: skip


def _hyperposterior(wins: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns the grid's (alpha, beta, posterior chance), without points that do not matter.

    Flat in the mean and in the spread between groups, size ** -0.5 (a flat prior in log size would
    pool too eagerly where groups are tiny).
    """
    mean, size = (axis.ravel() for axis in np.meshgrid(MEANS, SIZES))
    alpha, beta = mean * size, (1 - mean) * size
    likelihood = (
        special.betaln(alpha[:, None] + wins, beta[:, None] + n - wins)
        - special.betaln(alpha, beta)[:, None]
    ).sum(axis=1)
    chance = np.exp(likelihood - likelihood.max()) / np.sqrt(size)
    kept = chance > 1e-3 * chance.max()
    return alpha[kept], beta[kept], chance[kept] / chance[kept].sum()


def _quantile(q: float, a: Floats, b: Floats, chance: Floats) -> Floats:
    """Returns each group's quantile of the mixture of betas, by bisection."""
    low, high = np.zeros(a.shape[1]), np.ones(a.shape[1])
    for _ in range(20):
        middle = (low + high) / 2
        below = chance @ special.betainc(a, b, middle) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
