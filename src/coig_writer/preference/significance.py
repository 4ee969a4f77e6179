"""Exact tests for paired preferences, and corrections for making several of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError

Side = Literal["two-sided", "greater", "less"]


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


def mcnemar(first_only: int, second_only: int) -> Test:
    """Tests two paired yes-or-no outcomes: exact binomial on the pairs that differ.

    Args:
        first_only: Prompts on which only the first succeeded.
        second_only: Prompts on which only the second did.

    Raises:
        StatisticsError: No prompt separates the two.
    """
    differing = first_only + second_only
    if differing == 0:
        raise StatisticsError(
            "no prompt separates the two", "report that they agree on every prompt"
        )
    return dataclasses.replace(binomial(first_only, differing), method="exact McNemar")


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


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusts p-values for the false discovery rate (Benjamini and Hochberg 1995)."""
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return tuple(map(float, adjusted))


def _checked(p_values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not ((p >= 0) & (p <= 1)).all():
        raise StatisticsError("a family of p-values is empty or leaves [0, 1]", "list one per test")
    return p
