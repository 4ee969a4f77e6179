"""Is a rate as good as even? Two one-sided tests: a missing difference proves nothing by itself."""

from __future__ import annotations

import dataclasses
from typing import Literal

from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference.rates import wilson

MARGIN = 0.05  # five points either way: below what a study of 500 prompts could see
Finding = Literal["equivalent", "different", "undecided"]


@dataclasses.dataclass(frozen=True, slots=True)
class Equivalence:
    """Result of two one-sided exact tests of a rate against ``0.5 ± margin`` (Schuirmann 1987).

    ``low`` and ``high`` are the 1 - 2α interval that goes with the test. ``undecided`` means that
    the data fit both equality and a difference that matters; ``needed`` is about how many prompts
    would decide it with 80 % power if the truth is even.
    """

    finding: Finding
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
    finding: Finding = (
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
        prompts(margin, level),
    )


def prompts(margin: float = MARGIN, level: float = 0.95, power: float = 0.8) -> int:
    """Returns about how many prompts show equivalence within a margin when the truth is even."""
    z = stats.norm.ppf(level) + stats.norm.ppf((1 + power) / 2)
    return int(-(-((z / (2 * margin)) ** 2) // 1))
