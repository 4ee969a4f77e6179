"""Newton's method for a batch of concave likelihoods of log strengths.

Strengths are known up to an additive constant; the constant is pinned while solving and taken out
at the end (mean 0). Long steps are shortened, since lopsided tables overshoot at first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from coig_writer.preference.pairs import Floats

MAX_ITERATIONS = 100
LONGEST_STEP = 2.0  # in logits
TOLERANCE = 1e-10  # of the gradient, per observation

Score = Callable[[Floats], tuple[Floats, Floats]]


@dataclasses.dataclass(frozen=True, slots=True)
class Solution:
    """Parameters (batch × parameters), the information there, and how far the search came.

    ``gradient`` is the largest one per observation; the search failed where it exceeds the
    tolerance.
    """

    parameters: Floats
    information: Floats
    iterations: int
    gradient: float

    @property
    def converged(self) -> bool:
        """Whether the gradient vanished in every problem of the batch."""
        return self.gradient <= TOLERANCE * 1e3


def maximise(score: Score, start: Floats, players: int, totals: Floats) -> Solution:
    """Climbs from ``start`` until the gradient vanishes in every problem of the batch.

    Args:
        score: Parameters to (gradient, information), each with the batch first.
        start: Batch × parameters; the first ``players`` are strengths.
        players: How many parameters share the free constant.
        totals: Observations per problem, to scale the gradient.
    """
    theta = start
    pin = np.zeros((theta.shape[1], theta.shape[1]))
    pin[:players, :players] = 1.0
    iterations = 0
    gradient, information = score(theta)
    totals = np.maximum(totals, 1e-300)
    while (worst := float((np.abs(gradient).max(axis=1) / totals).max())) > TOLERANCE:
        if iterations == MAX_ITERATIONS:
            break
        try:
            step = np.linalg.solve(information + pin, gradient[..., None])[..., 0]
        except np.linalg.LinAlgError:  # flat: the caller's check of existence was too weak
            break
        longest = np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300)
        theta = theta + step * np.minimum(1.0, LONGEST_STEP / longest)
        gradient, information = score(theta)
        iterations += 1
    centred = theta.copy()
    centred[:, :players] -= theta[:, :players].mean(axis=1, keepdims=True)
    return Solution(centred, information, iterations, worst)


def covariance(information: Floats, players: int) -> Floats:
    """Inverts the information of one problem; the covariance is that of strengths of mean 0.

    The information is singular along the free constant and only there, so the constant is pinned and
    taken out again. A pseudo-inverse would have to tell that zero from rounding: with one player
    undefeated it did not, and gave variances of 1e14 and below 0.
    """
    pin = np.zeros_like(information)
    pin[:players, :players] = 1 / players
    return np.asarray(np.linalg.inv(information + pin) - pin, np.float64)
