"""Win rates at equal length: a logistic model with the difference in length as covariate.

logit P(left wins) = θ + β·tanh(Δ / sd(Δ)), with Δ the difference in characters (left minus right);
σ(θ) is the win rate if both were equally long (the idea of arXiv 2404.04475, fitted to convergence
and refused where it has no finite solution). A matched subset cross-checks the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
from scipy import optimize, stats
from scipy.special import expit

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference.control import logistic
from coig_writer.preference.pairs import Floats, Ints
from coig_writer.preference.rates import Rate, wilson

MATCHED = 0.1  # answers within 10 % of each other's length count as matched


@dataclasses.dataclass(frozen=True, slots=True)
class LengthControlled:
    """A length-controlled win rate with its raw rate beside it; intervals cluster by query.

    ``slope`` is β: positive where longer answers win. ``matched`` is the rate over pairs of nearly
    equal length, None where there are none.
    """

    value: float
    low: float
    high: float
    raw: float
    slope: float
    slope_p: float
    matched: Rate | None
    n: int
    clusters: int
    level: float
    gradient: float
    method: str = "logistic model, cluster-robust by query, never under the likelihood's own"


@dataclasses.dataclass(frozen=True, slots=True)
class Duels:
    """Duels of one pair of variants: outcome for left, lengths in characters, and query codes."""

    outcome: Floats
    left_length: Floats
    right_length: Floats
    queries: Ints


def duels(
    votes: Iterable[Comparison],
    pair: tuple[str, str],
    lengths: Mapping[str, Mapping[str, float]],
) -> Duels | None:
    """Returns the votes on a pair seen from its first, where both lengths are known; None without any.

    Args:
        votes: Of any models.
        pair: The two to compare.
        lengths: Model → query id → characters.
    """
    met = [
        (vote.query_id, vote.outcome if vote.left == pair[0] else 1 - vote.outcome)
        for vote in votes
        if {vote.left, vote.right} == set(pair)
        and all(vote.query_id in lengths.get(model, {}) for model in pair)
    ]
    if not met:
        return None
    queries, codes = np.unique([query for query, _ in met], return_inverse=True)
    left, right = (np.array([lengths[model][queries[i]] for i in codes]) for model in pair)
    return Duels(np.array([outcome for _, outcome in met]), left, right, codes)


def fit(duels: Duels, level: float = 0.95) -> LengthControlled:
    """Fits the model.

    Raises:
        StatisticsError: Fewer than three queries, equal lengths throughout, or lengths that
            separate wins from losses (then no finite model fits).
    """
    clusters = len(np.unique(duels.queries))
    difference = duels.left_length - duels.right_length
    if clusters < 3 or not difference.std() > 0:
        raise StatisticsError(
            f"{clusters} queries, spread of length differences {difference.std() if clusters else 0:g}",
            "length control needs at least three queries and differing lengths",
        )
    design = np.column_stack([np.ones(len(difference)), np.tanh(difference / difference.std())])
    _refuse_separation(design, duels.outcome)
    theta, gradient = logistic.fit(design, duels.outcome)
    robust = logistic.covariance(design, duels.outcome, theta, [duels.queries])
    # scores that cancel within every query show no certainty
    least = np.linalg.inv(logistic.information(design, theta))
    error = np.sqrt(np.maximum(np.diag(robust), np.diag(least)))
    z = stats.norm.ppf(0.5 + level / 2)
    low, high = expit(theta[0] + np.array([-1, 1]) * z * error[0])
    return LengthControlled(
        float(expit(theta[0])), float(low), float(high), float(duels.outcome.mean()),
        float(theta[1]), float(2 * stats.norm.sf(abs(theta[1] / error[1]))), _matched(duels, level),
        len(difference), clusters, level, gradient,
    )  # fmt: skip


def _refuse_separation(design: Floats, outcome: Floats) -> None:
    """Raises if some line in length splits wins from losses: a linear programme decides exactly."""
    decided = outcome != 0.5
    signed = design * np.where(outcome > 0.5, 1.0, -1.0)[:, None]
    ties = design[~decided]
    result = optimize.linprog(
        -signed[decided].sum(axis=0),
        A_ub=-signed[decided] if decided.any() else None,
        b_ub=np.zeros(int(decided.sum())) if decided.any() else None,
        A_eq=ties if len(ties) else None,
        b_eq=np.zeros(len(ties)) if len(ties) else None,
        bounds=[(-1, 1)] * design.shape[1],
    )
    if result.status == 0 and -result.fun > 1e-9:
        raise StatisticsError(
            "length separates wins from losses: no finite length-controlled rate exists",
            "collect more votes; until then report the raw rate and that length explains it",
        )


def _matched(duels: Duels, level: float) -> Rate | None:
    longer = np.maximum(duels.left_length, duels.right_length)
    near = np.abs(duels.left_length - duels.right_length) <= MATCHED * longer
    if not near.any():
        return None
    return wilson(float(duels.outcome[near].sum()), int(near.sum()), level)
