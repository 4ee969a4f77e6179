"""Votes × judge: a win rate from people's votes on some prompts and a judge's verdicts on all.

θ = mean of votes + λ · (mean verdict on all prompts - mean verdict on the voted), with λ tuned to the
least variance (prediction-powered inference: Angelopoulos et al. 2023, PPI++). People decide where the
rate is; the judge only removes the luck of which prompts were drawn. A judge that knows nothing
gets λ near 0 and changes nothing, so its bias towards length, position or itself moves no estimate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats
from coig_writer.preference.rates import crossed, independent, wilson

LEAST = 10  # voted prompts below which λ is noise


@dataclasses.dataclass(frozen=True, slots=True)
class Powered:
    """A win rate from votes and verdicts, beside the rate of the votes ``alone``.

    ``tuning`` is λ. ``worth`` is how many more voted prompts would bring the variance as low; negative
    where the judge costs a little.
    """

    value: float
    low: float
    high: float
    alone: float
    alone_low: float
    alone_high: float
    tuning: float
    worth: float
    voted: int
    judged: int
    level: float
    method: str = "prediction-powered, Wilson over as many votes as prompts and judge are worth"


def estimate(
    votes: Mapping[str, float], verdicts: Mapping[str, float], level: float = 0.95
) -> Powered:
    """Estimates a win rate.

    Both intervals are Wilson's: that of the votes over the voted prompts, that of votes × judge over as
    many more as the judge is worth. Student's is symmetric, and covers 90 % where one model
    wins nine times of ten (docs/decisions/0036-votes-and-judge.md).

    Args:
        votes: Query id → share of points that the first of a pair got from people, 0 to 1.
        verdicts: The same from the judge (both orders averaged), for every voted query and more.
        level: Of the intervals.

    Raises:
        StatisticsError: Fewer than ``LEAST`` voted prompts, or one that the judge did not see.
    """
    unseen = sorted(votes.keys() - verdicts.keys())
    if len(votes) < LEAST or unseen:
        raise StatisticsError(
            f"query {unseen[0]} has votes and no verdict"
            if unseen
            else f"{len(votes)} voted prompts",
            "let the judge see every voted prompt" if unseen else f"vote on at least {LEAST}",
        )
    queries = sorted(votes)
    y = np.array([votes[q] for q in queries])
    x = np.array([verdicts[q] for q in queries])
    everywhere = np.array([verdicts[q] for q in sorted(verdicts)])
    tuning = _tuning(x, y)
    rate = float(y.mean())
    # the estimate may leave the scale by a hair where the votes are nearly unanimous
    value = min(max(rate + tuning * float(everywhere.mean() - x.mean()), 0.0), 1.0)
    gain = _variance(y, y, y, 0.0) / _variance(x, y, everywhere, tuning) if tuning else 1.0
    fewer = _votes(y, level)
    more = round(gain * fewer)
    alone, powered = wilson(rate * fewer, fewer, level), wilson(value * more, more, level)
    return Powered(
        value, powered.low, powered.high, rate, alone.low, alone.high, tuning,
        len(y) * (gain - 1), len(y), len(everywhere), level,
    )  # fmt: skip


def _votes(y: Floats, level: float) -> int:
    """Returns how many independent votes the voted prompts are worth: more where several people voted on each.

    At least the number of prompts, as on the board: a small variance of few prompts is weak evidence.
    """
    half = crossed(y, np.arange(len(y)), np.zeros(len(y), dtype=np.intp)).half(level)
    return round(max(independent(float(y.mean()), half, level), len(y))) if half else len(y)


def _tuning(x: Floats, y: Floats) -> float:
    """Returns λ, the slope of votes on verdicts; 0 where the slope could be chance.

    Estimating a slope that is nothing costs width and moves the estimate by noise.
    """
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    fit = stats.linregress(x, y)
    return float(fit.slope) if fit.pvalue < 0.05 else 0.0


def _variance(x: Floats, y: Floats, everywhere: Floats, tuning: float) -> float:
    """Variance of the estimate: of what verdicts leave open on n, and of the mean verdict on all N.

    The voted prompts are among the judged, so that the two parts are independent to first order. What a
    fitted slope leaves open is divided by n - 2. Without one nothing is subtracted: Wilson's interval
    takes the variance of a vote from the rate.
    """
    rest = y - tuning * x
    degrees = len(y) - (2 if tuning else 0)
    left_open = float(((rest - rest.mean()) ** 2).sum()) / degrees / len(y)
    # rest and verdicts are uncorrelated where tuning is the slope of this very sample
    return left_open + tuning**2 * float(everywhere.var(ddof=1)) / len(everywhere)


def votes_needed(alone: int, correlation: float, judged: int) -> int:
    """Returns how many voted prompts, with a judge on more, see as much as ``alone`` without one.

    The variance of n votes with N verdicts is (1 - ρ²)/n + ρ²/N of one vote's, that of votes alone 1/alone.

    Args:
        alone: Prompts that reach the wanted power without a judge (``power.sample_size``).
        correlation: ρ of votes and verdicts over prompts, from an earlier study.
        judged: Prompts that the judge sees.

    Raises:
        StatisticsError: ρ outside -1 to 1, or so few judged prompts that no number of votes is enough.
    """
    if not -1 <= correlation <= 1:
        raise StatisticsError(f"correlation {correlation:g}", "give one between -1 and 1")
    explained = correlation**2
    room = 1 / alone - explained / judged
    if judged < alone or room <= 0:
        raise StatisticsError(
            f"{judged} judged prompts are too few for the power of {alone} votes",
            f"let the judge see at least {alone} prompts",
        )
    return max(LEAST, math.ceil((1 - explained) / room))
