from __future__ import annotations

import numpy as np
import pytest

from coig_writer.paper import Lengths, Spread
from dataset_builder.official import synthetic
from dataset_builder.official.published_counts import solve


def accuracy(found, drawn):
    return np.mean(found.genre == drawn.truth)


@pytest.mark.parametrize("seed", range(20))
def test_constraints_help_and_wrong_counts_do_no_harm(seed):
    drawn = synthetic.corpus(seed, rows=400)
    alone = np.mean(drawn.log_probability.argmax(axis=1) == drawn.truth)
    found = solve(drawn.log_probability, drawn.lengths, drawn.tables)
    assert accuracy(found, drawn) > alone
    assert found.pinned.sum() > 50
    assert (found.genre == drawn.truth)[found.pinned].all()
    wanted = [table.count if table else 0 for table in drawn.tables]
    assert np.bincount(found.genre, minlength=len(wanted)).tolist() == wanted
    wrong = synthetic.miscounted(drawn.tables, 0.03, seed)
    assert wrong != drawn.tables
    assert accuracy(solve(drawn.log_probability, drawn.lengths, wrong), drawn) >= alone


def test_probabilities_are_probabilities_and_respect_what_lengths_rule_out():
    drawn = synthetic.corpus(0, rows=300)
    found = solve(drawn.log_probability, drawn.lengths, drawn.tables)
    assert np.allclose(found.probability.sum(axis=1), 1)
    assert (found.probability[np.arange(300), found.genre] > 0).all()
    assert (found.probability[found.pinned].max(axis=1) == 1).all()


def tables(*counts_and_spreads):
    return [
        entry
        and Lengths(entry[0], *(Spread(low, (low + high) / 2, high) for low, high in entry[1:]))
        for entry in counts_and_spreads
    ]


TWO = tables((2, (10, 20), (5, 9), (5, 9)), (2, (30, 90), (5, 9), (5, 9)), None)
LENGTHS = np.array([[10, 5, 5], [20, 9, 9], [30, 5, 5], [90, 9, 9]])


def test_lengths_overrule_wrong_signals_and_a_genre_without_rows_gets_none():
    wrong = np.log(np.tile([0.01, 0.04, 0.95], (4, 1)))
    assert solve(wrong, LENGTHS, TWO).genre.tolist() == [0, 0, 1, 1]


def test_lengths_that_do_not_fit_the_rows_are_left_out():
    signals = np.log(np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]]))
    found = solve(signals, LENGTHS * 7, TWO)
    assert not found.lengths_used
    assert not found.pinned.any()
    assert found.genre.tolist() == [0, 0, 1, 1]


def test_a_person_s_decision_stands_against_the_lengths():
    signals = np.log(np.full((4, 3), 1 / 3))
    found = solve(signals, LENGTHS, TWO, fixed={0: 1})
    assert found.genre[0] == 1
    assert not found.pinned[0]


def test_a_row_that_fits_no_genre_is_still_assigned():
    signals = np.log(np.full((5, 3), 1 / 3))
    lengths = np.vstack([LENGTHS, [5000, 5000, 5000]])
    assert solve(signals, lengths, TWO).genre[4] in (0, 1)


def test_lengths_count_from_four_fifths_of_the_extremes_on():
    # Five genres, a row at the least and one at the most of each: 30 extremes.
    spreads = [(100 * g + 10, 100 * g + 20) for g in range(5)]
    five = tables(*((2, spread, spread, spread) for spread in spreads))
    lengths = np.array([[end] * 3 for spread in spreads for end in spread])
    signals = np.log(np.full((10, 5), 0.2))
    for missing, used in ((6, True), (7, False)):
        changed = lengths.copy()
        changed.flat[:missing] += np.tile([1, 1, 1, -1, -1, -1, 1], 1)[:missing]
        found = solve(signals, changed, five)
        assert found.extremes_found == pytest.approx((30 - missing) / 30)
        assert found.lengths_used == used


def signals(gap):
    """Two rows that both favour the second genre by ``gap`` nats."""
    return np.tile([-gap, 0.0], (2, 1))


@pytest.mark.parametrize(("gap", "genres"), [(11.9, [0, 1]), (12.1, [1, 1])])
def test_a_row_too_few_here_and_too_many_there_cost_six_nats_each(gap, genres):
    one_each = tables((1, (1, 9), (1, 9), (1, 9)), (1, (1, 9), (1, 9), (1, 9)))
    found = solve(signals(gap), np.full((2, 3), 5), one_each)
    assert not found.lengths_used
    assert sorted(found.genre.tolist()) == genres


@pytest.mark.parametrize(("gap", "genres"), [(137.9, [0, 1]), (138.1, [1, 1])])
def test_three_extremes_that_no_row_takes_cost_fifty_nats_each(gap, genres):
    # The first genre has a row at its only lengths, or lacks three extremes (150); its count of
    # none and the second one's of two speak against it (12).
    none_and_two = tables((0, (5, 5), (5, 5), (5, 5)), (2, (5, 5), (5, 5), (5, 5)))
    found = solve(signals(gap), np.full((2, 3), 5), none_and_two)
    assert found.lengths_used
    assert sorted(found.genre.tolist()) == genres
