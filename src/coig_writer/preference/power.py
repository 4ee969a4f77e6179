"""What a study of a given size can see, and how fragile what it saw is: exact binomial throughout.

``inflation`` is the design effect: 1 for one judgement per prompt, more where raters of one prompt
agree (1 + (raters - 1) × intraclass correlation for n counted in judgements).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference.significance import holm


def critical_wins(n: int, level: float = 0.95) -> int | None:
    """Returns the fewest wins of n that differ from even (two-sided exact); None if none do."""
    wins = np.arange(n // 2 + 1, n + 1)
    p = np.minimum(1.0, 2 * stats.binom.sf(wins - 1, n, 0.5))
    significant = wins[p < 1 - level]
    return int(significant[0]) if significant.size else None


def power(rate: float, n: int, *, level: float = 0.95, inflation: float = 1.0) -> float:
    """Returns the chance that n judgements find a win rate different from even."""
    size = _effective(n, inflation)
    needed = critical_wins(size, level)
    if needed is None:
        return 0.0
    upper = stats.binom.sf(needed - 1, size, rate)
    lower = stats.binom.cdf(size - needed, size, rate)
    return float(upper + lower)


def minimum_detectable(
    n: int, *, goal: float = 0.8, level: float = 0.95, inflation: float = 1.0
) -> float:
    """Returns the smallest win rate above one half that n judgements find with power ``goal``.

    Raises:
        StatisticsError: No win rate reaches that power.
    """
    low, high = 0.5, 1.0
    if power(high, n, level=level, inflation=inflation) < goal:
        raise StatisticsError(
            f"{n} judgements find nothing with power {goal:g}", "plan for more prompts"
        )
    while high - low > 1e-7:
        middle = (low + high) / 2
        reached = power(middle, n, level=level, inflation=inflation) >= goal
        low, high = (low, middle) if reached else (middle, high)
    return high


def sample_size(
    rate: float, *, goal: float = 0.8, level: float = 0.95, inflation: float = 1.0
) -> int:
    """Returns about how many judgements find a win rate with power ``goal`` (normal approximation).

    Raises:
        StatisticsError: The rate is one half, or no rate at all.
    """
    if not 0 < rate < 1 or rate == 0.5:
        raise StatisticsError(
            f"win rate {rate} needs no sample size", "give a rate between 0 and 1 other than 0.5"
        )
    z_level, z_power = stats.norm.ppf(0.5 + level / 2), stats.norm.ppf(goal)
    n: float = ((z_level / 2 + z_power * math.sqrt(rate * (1 - rate))) / abs(rate - 0.5)) ** 2
    return math.ceil(n * inflation)


def fewest_flips(
    wins: int, n: int, others: Sequence[float] = (), level: float = 0.95
) -> int | None:
    """Returns how many wins must become losses until the rate no longer differs from even.

    None where it does not differ to begin with. Works from either side of one half.

    Args:
        wins: Prompts won.
        n: Prompts decided.
        others: The p-values of the other tests of the family; Holm's correction runs over all.
        level: Of the family.
    """
    better = max(wins, n - wins)
    for flips in range(better - n // 2 + 1):
        p = float(stats.binomtest(better - flips, n).pvalue)
        if holm([p, *others])[0] >= 1 - level:
            return flips or None
    return None


def _effective(n: int, inflation: float) -> int:
    if n < 1 or inflation < 1:
        raise StatisticsError(
            f"{n} judgements with inflation {inflation}", "give n ≥ 1 and inflation ≥ 1"
        )
    return max(1, math.floor(n / inflation))
