"""Mean and median of a metric over prompts, with intervals that treat the prompt as the unit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from coig_writer.errors import StatisticsError


@dataclasses.dataclass(frozen=True, slots=True)
class Mean:
    """Mean over ``n`` prompts; ``low`` and ``high`` are None where one prompt gives no spread."""

    value: float
    median: float
    sd: float | None
    n: int
    low: float | None
    high: float | None
    level: float
    method: str


def mean(values: Sequence[float], level: float = 0.95) -> Mean:
    """Returns the mean of one value per prompt with Student's t interval.

    Raises:
        StatisticsError: No value, or one that is not finite.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise StatisticsError("a mean needs at least one value, got 0", "say 'no scores yet'")
    if not np.isfinite(data).all():
        raise StatisticsError("a value is not finite", "record it as missing, with the reason")
    centre, middle = float(data.mean()), float(np.median(data))
    if data.size == 1:
        return Mean(centre, middle, None, 1, None, None, level, "student t over prompts")
    sd = float(data.std(ddof=1))
    half = float(t.ppf(0.5 + level / 2, data.size - 1)) * sd / math.sqrt(data.size)
    return Mean(
        centre, middle, sd, data.size, centre - half, centre + half, level, "student t over prompts"
    )
