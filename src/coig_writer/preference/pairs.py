"""Comparisons as arrays: who met whom, how it ended, on which query and by which rater.

``encode`` is the edge where comparisons are checked; everything behind it works on integer codes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
OUTCOMES = (0.0, 0.5, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Pairs:
    """Encoded comparisons; ``left``, ``right``, ``queries`` and ``raters`` index the four lists.

    ``outcome`` is 1 where left won, 0 where right won, 0.5 for a tie.
    """

    labels: tuple[str, ...]
    query_ids: tuple[str, ...]
    rater_ids: tuple[str, ...]
    left: Ints
    right: Ints
    outcome: Floats
    queries: Ints
    raters: Ints

    def __len__(self) -> int:
        return len(self.outcome)


def encode(comparisons: Iterable[Comparison], labels: Sequence[str] | None = None) -> Pairs:
    """Turns comparisons into arrays.

    Args:
        comparisons: At least one.
        labels: The players, in the order wanted; by default those that occur, sorted.

    Raises:
        StatisticsError: Nothing to compare, a player against itself, a label that is not listed,
            or an outcome that is not 0, 0.5 or 1.
    """
    rows = list(comparisons)
    if not rows:
        raise StatisticsError("no comparisons", "collect votes first: see space/README.md")
    players = tuple(labels) if labels is not None else tuple(sorted(_players(rows)))
    _check(rows, players)
    query_ids = tuple(sorted({row.query_id for row in rows}))
    rater_ids = tuple(sorted({row.rater for row in rows}))
    return Pairs(
        players,
        query_ids,
        rater_ids,
        _codes((row.left for row in rows), players),
        _codes((row.right for row in rows), players),
        np.array([row.outcome for row in rows], dtype=np.float64),
        _codes((row.query_id for row in rows), query_ids),
        _codes((row.rater for row in rows), rater_ids),
    )


def _players(rows: Sequence[Comparison]) -> set[str]:
    return {row.left for row in rows} | {row.right for row in rows}


def _codes(values: Iterable[str], order: Sequence[str]) -> Ints:
    index = {name: i for i, name in enumerate(order)}
    return np.fromiter((index[value] for value in values), dtype=np.intp)


def _check(rows: Sequence[Comparison], players: Sequence[str]) -> None:
    if len(set(players)) != len(players):
        raise StatisticsError("duplicate label in the list", "list each variant once")
    unknown = sorted(_players(rows) - set(players))
    if unknown:
        raise StatisticsError(
            f"unknown label {unknown[0]!r} among the comparisons",
            f"labels are {', '.join(players)}",
        )
    for row in rows:
        if row.left == row.right:
            raise StatisticsError(
                f"{row.left!r} is compared with itself on query {row.query_id!r}",
                "show two different variants",
            )
        if row.outcome not in OUTCOMES:
            raise StatisticsError(
                f"outcome {row.outcome!r} on query {row.query_id!r}",
                "write 1.0 (left won), 0.0 (right won) or 0.5 (tie)",
            )


@dataclasses.dataclass(frozen=True, slots=True)
class WinMatrix:
    """Counts per ordered pair: ``wins[i, j]`` of i over j, and symmetric ``ties``.

    Both may hold fractions when comparisons were weighted.
    """

    labels: tuple[str, ...]
    wins: Floats
    ties: Floats

    @property
    def points(self) -> Floats:
        """Wins plus half of the ties."""
        return self.wins + self.ties / 2

    @property
    def games(self) -> Floats:
        """Comparisons per pair."""
        return self.wins + self.wins.T + self.ties


def win_matrix(pairs: Pairs, weights: Floats | None = None) -> WinMatrix:
    """Counts wins and ties per pair; ``weights`` has one entry per comparison."""
    wins, ties = counts(pairs.left, pairs.right, pairs.outcome, len(pairs.labels), weights)
    return WinMatrix(pairs.labels, wins, ties)


def counts(
    left: Ints, right: Ints, outcome: Floats, players: int, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Counts (wins, ties) as ``players`` × ``players`` tables from codes; nothing is checked."""
    cell = (left * players + right) * 3 + (2 * outcome).astype(np.intp)
    table = np.bincount(cell, weights, minlength=players * players * 3)
    lost, tied, won = table.astype(np.float64).reshape(players, players, 3).transpose(2, 0, 1)
    return won + lost.T, tied + tied.T
