"""Win rates with Wilson intervals."""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import numpy as np
from scipy.stats import norm, t

from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats, Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval; ``value`` is ``successes / n``.

    ``successes`` may be a half where a tie counts as half a win.
    """

    successes: float
    n: int
    value: float
    low: float
    high: float
    level: float
    method: str


def wilson(successes: float, n: int, level: float = 0.95) -> Rate:
    """Returns a share with its Wilson score interval (Wilson 1927).

    Assumes independent trials; pairs exploded from rankings are not (cluster by query then).

    Raises:
        StatisticsError: No trials, or more successes than trials.
    """
    if n <= 0:
        raise StatisticsError(
            "a rate needs at least one observation, got 0", "report that there are no votes yet"
        )
    if not 0 <= successes <= n:
        raise StatisticsError(f"{successes} successes of {n} is impossible", "check the counts")
    z = float(norm.ppf(0.5 + level / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # at 0 and n the bound equals the share up to rounding
    low, high = min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
    return Rate(successes, n, share, low, high, level, "wilson")


def independent(rate: float, half: float, level: float = 0.95) -> float:
    """Returns how many independent votes give a rate an interval of this half width.

    Wilson's interval over that many is as wide as the one it was made from, and right near 0 and 1 too,
    where a symmetric interval leans out of the scale.
    """
    return rate * (1 - rate) * (float(norm.ppf(0.5 + level / 2)) / half) ** 2


@dataclasses.dataclass(frozen=True, slots=True)
class Crossed:
    """The variance of a mean over prompts × samples: of ``prompts``, and what ``samples`` add to it.

    A sample of all prompts may share a seed, a day, a server: what moves them together is no smaller for
    more prompts. ``degrees`` are Satterthwaite's; one sample adds nothing, and has prompts - 1.
    """

    prompts: float
    samples: float
    degrees: float

    @property
    def variance(self) -> float:
        """Of the mean."""
        return self.prompts + self.samples

    def half(self, level: float = 0.95) -> float:
        """Half the width of Student's interval."""
        return float(t.ppf(0.5 + level / 2, self.degrees)) * math.sqrt(self.variance)


def crossed(values: Floats, prompts: Ints, samples: Ints) -> Crossed:
    """Splits the variance of a mean in two crossed random factors (Searle, Casella and McCulloch 1992).

    Exact where every prompt has every sample, close where a few are missing.

    Args:
        values: At least two prompts' worth.
        prompts: The prompt of each value, numbered from 0.
        samples: The sample of each value, numbered from 0.
    """
    n = len(values)
    # equal values differ from their mean by rounding, and that is no variance
    rest = values - values.mean() if np.ptp(values) else np.zeros(n)
    rows, columns = np.bincount(prompts), np.bincount(samples)
    by_row, by_column = np.bincount(prompts, rest), np.bincount(samples, rest)
    p, s = int((rows > 0).sum()), int((columns > 0).sum())
    between_prompts = float((by_row**2).sum()) / n**2 * p / (p - 1)
    if s < 2:
        return Crossed(between_prompts, 0.0, p - 1)
    shared = float((by_column**2).sum()) / n**2 * s / (s - 1)
    left = (
        rest
        - (by_row / np.maximum(rows, 1))[prompts]
        - (by_column / np.maximum(columns, 1))[samples]
    )
    free = (p - 1) * (s - 1)
    noise = float((left**2).sum()) / free / n
    if shared <= noise:
        return Crossed(between_prompts, 0.0, p - 1)
    total = between_prompts + shared - noise
    degrees = total**2 / (between_prompts**2 / (p - 1) + shared**2 / (s - 1) + noise**2 / free)
    return Crossed(between_prompts, shared - noise, max(1.0, degrees))


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Difference of two independent rates (first minus second) with its interval."""

    value: float
    low: float
    high: float
    n: int
    level: float
    method: str = "Newcombe hybrid score"


class Estimate(Protocol):
    """A value with its interval: a ``Rate``, or an ``Interval`` of the bootstrap."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def level(self) -> float: ...


def difference(first: Estimate, second: Estimate) -> Difference:
    """Returns the difference of two independent rates, from the bounds of each (Newcombe 1998).

    Raises:
        StatisticsError: The rates have different levels.
    """
    if first.level != second.level:
        raise StatisticsError("two rates of different levels", "compute both at the same level")
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Difference(value, value - below, value + above, first.n + second.n, first.level)
