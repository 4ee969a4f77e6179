"""Logistic regression of outcomes from 0 to 1, with errors that sum scores within clusters.

A tie is an outcome of one half (a quasi-likelihood, Papke and Wooldridge 1996). Two ways of clustering
add up, less the clusters of both (Cameron, Gelbach and Miller 2011).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats, Ints

LARGEST = 15.0  # log odds beyond which a coefficient is as good as infinite


def fit(design: Floats, outcome: Floats) -> tuple[Floats, float]:
    """Maximises the likelihood by Newton's method.

    Returns:
        The coefficients, and the largest gradient per observation where it stopped.

    Raises:
        StatisticsError: A coefficient grows without bound.
    """
    theta = np.zeros(design.shape[1])
    for _ in range(100):
        chance = expit(design @ theta)
        gradient = design.T @ (outcome - chance)
        if np.abs(gradient).max() <= 1e-9 * len(outcome):
            break
        step = np.linalg.lstsq(information(design, theta), gradient, rcond=None)[0]
        theta = theta + step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(theta).max() > LARGEST:
            raise StatisticsError(
                "no finite estimate exists: one variable predicts every comparison",
                "collect more votes, or leave out the model that never lost or never won",
            )
    return theta, float(np.abs(gradient).max() / len(outcome))


def information(design: Floats, theta: Floats) -> Floats:
    """Returns the likelihood's information at some coefficients."""
    chance = expit(design @ theta)
    return np.asarray((design * (chance * (1 - chance))[:, None]).T @ design)


def covariance(design: Floats, outcome: Floats, theta: Floats, clusters: Sequence[Ints]) -> Floats:
    """Returns the cluster-robust covariance of the coefficients, by one or two ways of clustering.

    Each way has the small-sample factor G / (G - 1); none that counts rows, which repeats would shrink.
    """
    bread: Floats = np.asarray(
        np.linalg.pinv(information(design, theta), hermitian=True), np.float64
    )
    scores = design * (outcome - expit(design @ theta))[:, None]
    if len(clusters) == 1:
        return _sandwich(bread, scores, clusters[0])
    both = np.unique(np.column_stack(clusters), axis=0, return_inverse=True)[1].ravel()
    first, second = (_sandwich(bread, scores, codes) for codes in clusters)
    return np.asarray(first + second - _sandwich(bread, scores, both))


def _sandwich(bread: Floats, scores: Floats, codes: Ints) -> Floats:
    _, codes = np.unique(codes, return_inverse=True)
    summed = np.zeros((int(codes.max()) + 1, scores.shape[1]))
    np.add.at(summed, codes, scores)
    factor = len(summed) / (len(summed) - 1)
    return np.asarray(bread @ (summed.T @ summed) @ bread * factor)
