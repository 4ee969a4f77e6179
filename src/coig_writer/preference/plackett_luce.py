"""Plackett–Luce strengths from rankings, by Newton's method, one weighting or many at once.

A ranking is a chain of choices: the first among all, the next among the rest (Luce 1959, Plackett
1975). It uses a ranking as one observation, where Bradley–Terry on its pairs counts it as independent
comparisons; clustered intervals make both honest.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse, stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import bradley_terry
from coig_writer.preference.bootstrap import (
    BY_QUERY,
    Interval,
    Resampling,
    at_least,
    groupings,
    percentiles,
    totals,
)
from coig_writer.preference.newton import Solution, covariance, maximise
from coig_writer.preference.pairs import Floats, Ints
from coig_writer.preference.rankings import Rankings

ABSENT = -1


@dataclasses.dataclass(frozen=True, slots=True)
class PlackettLuce:
    """Log strengths, mean 0, in the order of ``labels``, from ``n`` rankings."""

    labels: tuple[str, ...]
    log_strengths: tuple[float, ...]
    n: int
    iterations: int
    gradient: float


def fit(rankings: Rankings) -> PlackettLuce:
    """Fits all rankings, each with weight 1.

    Raises:
        StatisticsError: A ranking has ties, or no maximum exists.
    """
    orders, counts = distinct(rankings)
    bradley_terry.require_maximum(rankings.labels, beaten(orders, counts[None], rankings.labels)[0])
    solution = solve(orders, counts[None], len(rankings.labels))
    return PlackettLuce(
        rankings.labels,
        tuple(map(float, solution.parameters[0])),
        int(counts.sum()),
        solution.iterations,
        solution.gradient,
    )


def intervals(rankings: Rankings, plan: Resampling = BY_QUERY) -> dict[str, Interval]:
    """Bootstraps the strengths; no interval is narrower than the likelihood's own.

    Rounds without a maximum get one more ranking, spread over the orders that occur, and are counted.

    Raises:
        StatisticsError: As ``fit``; or a single cluster.
    """
    table, times = distinct(rankings)
    bradley_terry.require_maximum(rankings.labels, beaten(table, times[None], rankings.labels)[0])
    fitted = solve(table, times[None], len(rankings.labels))
    orders, which = np.unique(ordered(rankings), axis=0, return_inverse=True)
    n = len(rankings.places)
    columns = sparse.csr_array((np.ones(n), (np.arange(n), which.ravel())), shape=(n, len(orders)))
    codes, clusters = groupings(rankings, plan.cluster)
    weights = totals(columns, codes, plan)
    lost = ~bradley_terry.has_maximum(beaten(orders, weights, rankings.labels))
    weights[lost] += 1 / len(orders)
    drawn = solve(orders, weights, len(rankings.labels)).parameters
    error = np.sqrt(np.diag(covariance(fitted.information[0], len(rankings.labels))))
    half = float(stats.norm.ppf(0.5 + plan.level / 2)) * error
    strengths = {}
    for i, label in enumerate(rankings.labels):
        low, high = percentiles(drawn[:, i], plan.level)
        strength = float(fitted.parameters[0, i])
        resampled = Interval(
            strength, low, high, plan.level, plan.cluster, clusters, n, plan.rounds, plan.seed,
            int(lost.sum()),
        )  # fmt: skip
        strengths[label] = at_least(resampled, strength - half[i], strength + half[i], "likelihood")
    return strengths


def distinct(rankings: Rankings) -> tuple[Ints, Floats]:
    """Returns the distinct rankings, best first, padded with ``ABSENT``, and how often each occurs.

    Raises:
        StatisticsError: A ranking has ties.
    """
    orders, counts = np.unique(ordered(rankings), axis=0, return_counts=True)
    return orders, counts.astype(np.float64)


def ordered(rankings: Rankings) -> Ints:
    """Returns each ranking as codes of its variants, best first, padded with ``ABSENT``.

    Raises:
        StatisticsError: A ranking has ties.
    """
    places = rankings.places
    halves = (places != np.floor(places))[~np.isnan(places)].any()
    if halves or (np.diff(np.sort(places, axis=1), axis=1) == 0).any():
        raise StatisticsError(
            "a ranking has ties, which Plackett–Luce cannot fit",
            "fit Bradley–Terry on its pairs",
        )
    order = np.argsort(places, axis=1, kind="stable")  # NaN sorts last
    shown = np.sort(~np.isnan(places), axis=1)[:, ::-1]
    return np.where(shown, order, ABSENT)


def beaten(orders: Ints, weights: Floats, labels: tuple[str, ...]) -> Floats:
    """Counts who is placed above whom, per weighting (weightings × players × players)."""
    players = len(labels)
    above = np.zeros((len(orders), players, players))
    for row, order in enumerate(orders):
        present = order[order != ABSENT]
        for i, winner in enumerate(present):
            above[row, winner, present[i + 1 :]] = 1.0
    return np.tensordot(weights, above, axes=(1, 0))


def solve(orders: Ints, weights: Floats, players: int) -> Solution:
    """Maximises the likelihood for a batch of weightings (weightings × distinct rankings)."""
    firsts, sets, drawn_from = _choices(orders, players)
    picked, offered = weights @ firsts, weights @ drawn_from
    start = np.zeros((len(weights), players))
    return maximise(
        lambda theta: _score(theta, picked, sets, offered), start, players, weights.sum(axis=1)
    )


def _choices(orders: Ints, players: int) -> tuple[Floats, Floats, Floats]:
    """Takes rankings apart into choices of one player out of a set of those not yet placed.

    Returns:
        How often each ranking picks each player (rankings × players), the distinct sets (sets ×
        players), and how often each ranking is offered each set (rankings × sets).
    """
    firsts = np.zeros((len(orders), players))
    offered: list[tuple[int, tuple[bool, ...]]] = []
    for row, order in enumerate(orders):
        present = order[order != ABSENT]
        firsts[row, present[:-1]] = 1.0
        for stage in range(len(present) - 1):
            left = np.isin(np.arange(players), present[stage:])
            offered.append((row, tuple(left.tolist())))
    inside = np.array([choice for _, choice in offered], dtype=bool).reshape(-1, players)
    sets, which = np.unique(inside, axis=0, return_inverse=True)
    counts = np.zeros((len(orders), len(sets)))
    rows = np.array([row for row, _ in offered], dtype=np.intp)
    np.add.at(counts, (rows, which.ravel()), 1.0)
    return firsts, sets.astype(np.float64), counts


def _score(theta: Floats, picked: Floats, sets: Floats, offered: Floats) -> tuple[Floats, Floats]:
    """Gradient and information: each choice is a softmax over its set."""
    batch, players = theta.shape
    strength = np.exp(theta - theta.max(axis=1, keepdims=True))
    total = np.maximum(strength @ sets.T, np.finfo(np.float64).tiny)
    expected = offered / total @ sets * strength
    together = (sets[:, :, None] * sets[:, None, :]).reshape(len(sets), -1)
    information = -(offered / total**2 @ together).reshape(batch, players, players)
    information *= strength[:, :, None] * strength[:, None, :]
    diagonal = np.arange(players)
    information[:, diagonal, diagonal] += expected
    return picked - expected, information
