"""Bradley–Terry strengths by Newton's method, for one table of wins or a thousand at once.

P(i beats j) = 1 / (1 + exp(s_j - s_i)) (Bradley and Terry 1952). The likelihood has a maximum only
if no group of players is unbeaten by the rest (Ford 1957); where it has none, ``fit`` says which
group, unless a prior is asked for, and then the result carries it.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from coig_writer.errors import StatisticsError
from coig_writer.preference.newton import Solution, covariance, maximise
from coig_writer.preference.pairs import Floats, WinMatrix

Ties = Literal["half", "drop", "davidson"]
TIES: tuple[Ties, ...] = ("half", "drop", "davidson")
ELO_PER_LOGIT = 400 / np.log(10)


@dataclasses.dataclass(frozen=True, slots=True)
class Strengths:
    """Log strengths, mean 0, in the order of ``labels``.

    ``standard_errors`` take every comparison as independent: too small for pairs out of rankings or
    repeated raters (use ``bootstrap.strengths``). ``prior`` is the number of virtual comparisons,
    half won and half lost, added to every pair; 0 is maximum likelihood. ``tie_parameter`` is
    Davidson's ν. ``used`` counts the comparisons that entered, ``dropped`` the ties that did not.
    """

    labels: tuple[str, ...]
    log_strengths: tuple[float, ...]
    standard_errors: tuple[float, ...]
    ties: Ties
    tie_parameter: float | None
    prior: float
    used: float
    dropped: float
    iterations: int
    gradient: float

    def elo(self, reference: str) -> dict[str, float]:
        """Returns the strengths in Elo points above a reference player."""
        zero = self.log_strengths[self.labels.index(reference)]
        return {
            label: float(ELO_PER_LOGIT * (s - zero))
            for label, s in zip(self.labels, self.log_strengths, strict=True)
        }

    def order(self) -> tuple[str, ...]:
        """Returns the players, strongest first; equal ones by label."""
        pairs = sorted(
            zip(self.labels, self.log_strengths, strict=True), key=lambda x: (-x[1], x[0])
        )
        return tuple(label for label, _ in pairs)


def fit(matrix: WinMatrix, ties: Ties = "half", *, prior: float = 0.0) -> Strengths:
    """Fits one table.

    Args:
        matrix: Wins and ties.
        ties: ``half`` (half a win each; shrinks strengths when ties do not depend on skill),
            ``drop``, or ``davidson`` (a tie parameter, Davidson 1970).
        prior: Virtual comparisons added per pair.

    Raises:
        StatisticsError: All ties, or no maximum exists and there is no prior.
    """
    wins, draws = _tables(matrix, ties, prior)
    if not matrix.wins.any():
        raise StatisticsError(
            "every comparison is a tie: nothing orders the players", "report the tie rate instead"
        )
    if not prior:
        require_maximum(matrix.labels, wins + draws)
        if draws.any() and not bounds_ties(wins[None], draws[None])[0]:
            raise StatisticsError(
                "Davidson's tie parameter has no finite value: wins without a cycle and ties between them "
                "fit ever better as it grows",
                "collect more votes, count ties half, or give a prior",
            )
    solution = solve(wins[None], draws[None] if draws.any() else None)
    if not solution.converged:
        raise StatisticsError(
            f"no convergence in {solution.iterations} steps (gradient {solution.gradient:.1e} per comparison)",
            "a player is all but undefeated: add a prior",
        )
    players = len(matrix.labels)
    variances = np.diag(covariance(solution.information[0], players))[:players]
    dropped = float(matrix.ties.sum() / 2) if ties == "drop" else 0.0
    return Strengths(
        matrix.labels,
        tuple(map(float, solution.parameters[0, :players])),
        tuple(map(float, np.sqrt(variances))),
        ties,
        float(np.exp(solution.parameters[0, -1])) if draws.any() else None,
        prior,
        float(matrix.games.sum() / 2) - dropped,
        dropped,
        solution.iterations,
        solution.gradient,
    )


def _tables(matrix: WinMatrix, ties: Ties, prior: float) -> tuple[Floats, Floats]:
    if ties not in TIES:
        raise StatisticsError(f"unknown treatment of ties {ties!r}", f"use {', '.join(TIES)}")
    if prior < 0:
        raise StatisticsError(f"prior {prior} is negative", "give 0 or more virtual comparisons")
    virtual = prior / 2 * (1 - np.eye(len(matrix.labels)))
    none = np.zeros_like(matrix.ties)
    if ties == "davidson" and matrix.ties.any():
        return matrix.wins + virtual, matrix.ties
    return (matrix.points if ties == "half" else matrix.wins) + virtual, none


def require_maximum(labels: tuple[str, ...], beaten: Floats) -> None:
    """Raises, naming the group, unless everyone can be reached from everyone over wins."""
    linked = reachable(((beaten + beaten.T) > 0)[None])[0]
    if not linked.all():
        raise StatisticsError(
            f"disconnected: no other model was ever compared with {_named(labels, linked[0])}",
            "collect comparisons across the groups, or fit each group alone",
        )
    reach = reachable(beaten[None] > 0)[0]
    if not reach.all():
        undefeated = (reach >= reach.T).all(axis=1)
        winless = (reach <= reach.T).all(axis=1)
        raise StatisticsError(
            f"no finite strength fits: undefeated by the others {_named(labels, undefeated)}; "
            f"without a win against the others {_named(labels, winless)}",
            "collect more votes, or give a prior (such as prior=1) and report it",
        )


def _named(labels: tuple[str, ...], chosen: NDArray[np.bool_]) -> str:
    return ", ".join(label for label, here in zip(labels, chosen, strict=True) if here)


def reachable(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns who reaches whom along directed edges, for a batch of graphs (batch × n × n)."""
    n = edges.shape[-1]
    reach = (edges | np.eye(n, dtype=bool)).astype(np.float32)
    for _ in range(max(1, int(np.ceil(np.log2(n))))):
        reach = (reach @ reach > 0).astype(np.float32)
    return np.asarray(reach > 0)


def bounds_ties(wins: Floats, ties: Floats) -> NDArray[np.bool_]:
    """Tells for a batch of tables with ties whether Davidson's ν stays finite.

    It does not if strengths exist with every winner at least one step ahead and every tie within
    one step, for then all steps can grow together with log ν. That is a system of difference
    constraints: unsolvable exactly if a cycle of wins (-1) and ties (+1) has a negative sum.
    """
    far = 4.0 * wins.shape[1]
    step = np.where(wins > 0, -1.0, np.where(ties > 0, 1.0, far))
    for k in range(wins.shape[1]):
        step = np.maximum(np.minimum(step, step[:, :, k, None] + step[:, None, k, :]), -far)
    return np.asarray((np.diagonal(step, axis1=1, axis2=2) < 0).any(axis=1))


def has_maximum(beaten: Floats) -> NDArray[np.bool_]:
    """Tells for a batch of tables whether the likelihood has a maximum."""
    return np.asarray(reachable(beaten > 0).all(axis=(1, 2)))


def solve(wins: Floats, ties: Floats | None = None) -> Solution:
    """Maximises the likelihood of a batch of tables (batch × players × players).

    With ``ties`` the last parameter of each is log ν of Davidson's model. Existence of a maximum is
    the caller's to check.
    """
    players = wins.shape[1]
    games = wins + wins.swapaxes(1, 2) + (0 if ties is None else ties)
    start = np.zeros((wins.shape[0], players + (ties is not None)))

    def score(theta: Floats) -> tuple[Floats, Floats]:
        if ties is not None:
            return _davidson(theta, wins, ties, games)
        chance = expit(theta[:, :, None] - theta[:, None, :])
        gradient = (wins - games * chance).sum(axis=2)
        return gradient, _laplacian(games * chance * (1 - chance))

    return maximise(score, start, players, games.sum(axis=(1, 2)) / 2)


def _laplacian(weights: Floats) -> Floats:
    laplacian = -weights
    diagonal = np.arange(weights.shape[1])
    laplacian[:, diagonal, diagonal] = weights.sum(axis=2) - weights[:, diagonal, diagonal]
    return laplacian


def _davidson(theta: Floats, wins: Floats, ties: Floats, games: Floats) -> tuple[Floats, Floats]:
    """Gradient and information of Davidson's model: P(tie) ∝ ν √(π_i π_j), with log ν last."""
    half = (theta[:, :-1, None] - theta[:, None, :-1]) / 2
    win, loss, tie = np.exp(half), np.exp(-half), np.exp(theta[:, -1])[:, None, None]
    total = win + loss + tie
    win, loss, tie = win / total, loss / total, tie / total
    score = (wins + ties / 2 - games * (win + tie / 2)).sum(axis=2)
    tie_score = (ties - games * tie).sum(axis=(1, 2)) / 2
    batch, players = score.shape
    information = np.zeros((batch, players + 1, players + 1))
    spread = (win + loss - (win - loss) ** 2) / 4
    information[:, :-1, :-1] = _laplacian(games * spread)
    cross = -(games * (win - loss) / 2 * tie).sum(axis=2)
    information[:, :-1, -1] = information[:, -1, :-1] = cross
    information[:, -1, -1] = (games * tie * (1 - tie)).sum(axis=(1, 2)) / 2
    return np.concatenate([score, tie_score[:, None]], axis=1), information
