from __future__ import annotations

import numpy as np
import pytest

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference.board import board
from coig_writer.preference.pairs import encode, win_matrix


def duel(left: str, right: str, outcome: float, query: str = "q", rater: str = "r") -> Comparison:
    return Comparison(query, rater, left, right, outcome)


def test_wins_and_ties_are_counted_from_either_side() -> None:
    matrix = win_matrix(encode([duel("a", "b", 1), duel("b", "a", 1), duel("b", "a", 0.5)]))
    assert matrix.wins.tolist() == [[0, 1], [1, 0]]
    assert matrix.ties.tolist() == [[0, 1], [1, 0]]
    assert matrix.games[0, 1] == 3
    assert matrix.points[0, 1] / matrix.games[0, 1] == pytest.approx(0.5)


def test_swapping_sides_changes_nothing() -> None:
    rows = [duel("a", "b", 1), duel("b", "c", 0.5), duel("c", "a", 0)]
    swapped = [duel(r.right, r.left, 1 - r.outcome) for r in rows]
    assert np.array_equal(win_matrix(encode(rows)).points, win_matrix(encode(swapped)).points)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no comparisons"),
        ([duel("a", "a", 1)], "compared with itself"),
        ([duel("a", "b", 0.7)], "outcome 0.7"),
        ([duel("a", "x", 1)], "unknown label 'x'"),
    ],
)
def test_what_cannot_be_counted_is_refused(rows: list[Comparison], says: str) -> None:
    with pytest.raises(StatisticsError, match=says):
        encode(rows, labels=["a", "b"])


def test_a_pair_that_never_met_has_no_rate() -> None:
    results = board([duel("a", "b", 1), duel("b", "c", 1)])
    assert results.cell("a", "c") is None
    assert results.cell("a", "b") is not None
