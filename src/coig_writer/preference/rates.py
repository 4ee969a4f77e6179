"""Win rates with Wilson intervals."""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

from scipy.stats import norm

from coig_writer.errors import StatisticsError


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
            "a rate needs at least one observation, got 0", "say 'no votes yet' instead of a rate"
        )
    if not 0 <= successes <= n:
        raise StatisticsError(
            f"{successes} successes of {n} is impossible", "check what is counted"
        )
    z = float(norm.ppf(0.5 + level / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # at 0 and n the bound equals the share up to rounding
    low, high = min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
    return Rate(successes, n, share, low, high, level, "wilson")


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
