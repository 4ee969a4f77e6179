"""Exact tests for paired preferences, of difference and of equality, and corrections for several of them.

A missing difference proves nothing by itself: equality is shown by two one-sided tests. The last part says what
a study of a given size can see, and how fragile what it saw is; ``inflation`` is the design effect there: 1 for one
judgement per prompt, more where raters of one prompt agree (1 + (raters - 1) × intraclass correlation for n counted
in judgements).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference.rates import wilson

Side = Literal["two-sided", "greater", "less"]
MARGIN = 0.05  # five points either way: below what a study of 500 prompts could see
Verdict = Literal["equivalent", "different", "undecided"]


@dataclasses.dataclass(frozen=True, slots=True)
class Test:
    """A test's result: what was tested, on how many, and the p-value."""

    __test__ = False  # not a test case, whatever pytest may think of the name

    method: str
    statistic: float
    n: int
    p: float
    side: Side = "two-sided"


def binomial(wins: int, n: int, share: float = 0.5, side: Side = "two-sided") -> Test:
    """Tests a win count against a share, exactly (Clopper and Pearson's setting).

    One judgement per prompt is assumed; ties are left out beforehand (that is the sign test).

    Raises:
        StatisticsError: No observation, or more wins than observations.
    """
    if n < 1 or not 0 <= wins <= n:
        raise StatisticsError(
            f"{wins} wins of {n} cannot be tested", "count decided comparisons only"
        )
    p = float(stats.binomtest(wins, n, share, alternative=side).pvalue)
    return Test("exact binomial", wins / n, n, p, side)


def two_shares(hits: tuple[int, int], n: tuple[int, int]) -> Test:
    """Tests two independent shares against each other: Fisher's exact test.

    Raises:
        StatisticsError: A group is empty or has more hits than members.
    """
    if min(n) < 1 or any(not 0 <= h <= m for h, m in zip(hits, n, strict=True)):
        raise StatisticsError(f"{hits} of {n} cannot be tested", "count each group once")
    table = [[hits[0], n[0] - hits[0]], [hits[1], n[1] - hits[1]]]
    result = stats.fisher_exact(table)
    return Test("Fisher exact", hits[0] / n[0] - hits[1] / n[1], sum(n), float(result.pvalue))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusts the p-values of one family so that any false alarm keeps the level (Holm 1979)."""
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(scaled, 1.0)
    return tuple(map(float, adjusted))


def _checked(p_values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not ((p >= 0) & (p <= 1)).all():
        raise StatisticsError("a family of p-values is empty or leaves [0, 1]", "list one per test")
    return p


@dataclasses.dataclass(frozen=True, slots=True)
class Equivalence:
    """Result of two one-sided exact tests of a rate against ``0.5 ± margin`` (Schuirmann 1987).

    ``low`` and ``high`` are the 1 - 2α interval that goes with the test. ``undecided`` means that
    the data fit both equality and a difference that matters; ``needed`` is about how many prompts
    would decide it with 80 % power if the truth is even.
    """

    finding: Verdict
    p: float
    p_difference: float
    rate: float
    low: float
    high: float
    margin: float
    n: int
    needed: int
    method: str = "two one-sided exact binomial tests"


def even(wins: int, n: int, *, margin: float = MARGIN, level: float = 0.95) -> Equivalence:
    """Tests whether a win rate is within ``margin`` of one half.

    Raises:
        StatisticsError: No comparison, impossible counts, or a margin outside (0, 0.5).
    """
    if n < 1 or not 0 <= wins <= n or not 0 < margin < 0.5:
        raise StatisticsError(
            f"{wins} of {n} with margin {margin} cannot be tested",
            "give counts of decided comparisons and a margin between 0 and 0.5",
        )
    above = stats.binomtest(wins, n, 0.5 - margin, alternative="greater").pvalue
    below = stats.binomtest(wins, n, 0.5 + margin, alternative="less").pvalue
    p = float(max(above, below))
    difference = float(stats.binomtest(wins, n).pvalue)
    interval = wilson(wins, n, 2 * level - 1)
    alpha = 1 - level
    finding: Verdict = (
        "equivalent" if p < alpha else "different" if difference < alpha else "undecided"
    )
    return Equivalence(
        finding,
        p,
        difference,
        wins / n,
        interval.low,
        interval.high,
        margin,
        n,
        prompts_to_show_even(margin, level),
    )


def prompts_to_show_even(margin: float = MARGIN, level: float = 0.95, power: float = 0.8) -> int:
    """Returns about how many prompts show equivalence within a margin when the truth is even."""
    z = stats.norm.ppf(level) + stats.norm.ppf((1 + power) / 2)
    return int(-(-((z / (2 * margin)) ** 2) // 1))


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
            f"{n} judgements detect no rate with power {goal:g}", "plan for more prompts"
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
