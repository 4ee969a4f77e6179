from __future__ import annotations

import dataclasses

import choix
import evalica
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import bradley_terry
from coig_writer.preference.pairs import WinMatrix, encode, win_matrix
from tests.coig_writer.preference.votes import NAMES, connected, simulated


def strengths(rows: list[Comparison], ties: bradley_terry.Ties = "half") -> dict[str, float]:
    fitted = bradley_terry.fit(win_matrix(encode(rows)), ties)
    return dict(zip(fitted.labels, fitted.log_strengths, strict=True))


def rows_of(text: str) -> list[Comparison]:
    """``"ab ab ba a=b"``: one comparison per word, the winner first."""
    return [
        Comparison(f"q{i}", "r", word[0], word[-1], 0.5 if "=" in word else 1.0)
        for i, word in enumerate(text.split())
    ]


def test_two_players_give_the_log_odds() -> None:
    result = strengths(rows_of("ab ab ab ba"))
    assert result["a"] - result["b"] == pytest.approx(np.log(3))


def test_elo_is_four_hundred_points_per_factor_ten() -> None:
    fitted = bradley_terry.fit(win_matrix(encode(rows_of("ab " * 10 + "ba"))))
    assert fitted.elo("b") == pytest.approx({"a": 400.0, "b": 0.0})


def test_standard_error_of_two_players_is_the_binomial_one() -> None:
    fitted = bradley_terry.fit(win_matrix(encode(rows_of("ab " * 60 + "ba " * 40))))
    # each strength is half the log odds, whose variance is 1 / (n p (1 - p))
    assert fitted.standard_errors[0] == pytest.approx(0.5 / np.sqrt(100 * 0.6 * 0.4))


@pytest.mark.parametrize("votes", [3, 8, 12, 96, 500, 5000])
def test_an_undefeated_player_has_the_binomial_standard_error_of_the_prior(votes: int) -> None:
    fitted = bradley_terry.fit(win_matrix(encode(rows_of("ab " * votes))), prior=0.5)
    of_the_difference = np.sqrt(1 / (votes + 0.25) + 1 / 0.25)
    assert fitted.standard_errors == pytest.approx([of_the_difference / 2] * 2, rel=1e-6)


def test_agrees_with_choix_without_ties() -> None:
    rows = simulated(600, 1, ties=0)
    pairs = encode(rows)
    games = [
        (i, j) if won else (j, i)
        for i, j, won in zip(pairs.left, pairs.right, pairs.outcome, strict=True)
    ]
    reference = choix.opt_pairwise(len(pairs.labels), games, tol=1e-12)
    assert list(strengths(rows).values()) == pytest.approx(reference - reference.mean(), abs=1e-6)


def test_agrees_with_evalica_with_half_ties() -> None:
    rows = simulated(600, 2)
    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    result = evalica.bradley_terry(
        [r.left for r in rows],
        [r.right for r in rows],
        [winner[r.outcome] for r in rows],
        tolerance=1e-12,
        limit=10_000,
    )
    logs = np.log(result.scores.sort_index().to_numpy())
    assert list(strengths(rows).values()) == pytest.approx(logs - logs.mean(), abs=1e-6)


def test_davidson_satisfies_its_likelihood_equations() -> None:
    matrix = win_matrix(encode(simulated(800, 3)))
    fitted = bradley_terry.fit(matrix, "davidson")
    pi = np.exp(fitted.log_strengths)
    tie = fitted.tie_parameter * np.sqrt(np.outer(pi, pi))
    total = pi[:, None] + pi[None, :] + tie
    expected_ties = (matrix.games * tie / total).sum()
    expected_wins = (matrix.games * (pi[:, None] + tie / 2) / total).sum(axis=1)
    assert expected_ties == pytest.approx(matrix.ties.sum())
    assert expected_wins == pytest.approx(matrix.points.sum(axis=1))


def test_davidson_information_is_the_slope_of_its_gradient() -> None:
    matrix = win_matrix(encode(simulated(300, 4)))
    wins, ties = matrix.wins[None], matrix.ties[None]
    theta = np.random.default_rng(0).normal(size=(1, len(matrix.labels) + 1)) / 2
    gradient, information = bradley_terry._davidson(theta, wins, ties, matrix.games[None])
    for i in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[0, i] = 1e-6
        moved, _ = bradley_terry._davidson(theta + step, wins, ties, matrix.games[None])
        assert (gradient - moved)[0] / 1e-6 == pytest.approx(information[0, i], abs=1e-3)


def test_skill_free_ties_shrink_half_wins_and_not_the_others() -> None:
    rows = simulated(20_000, 5, ties=0.3, players=3)
    spread = {ties: np.ptp(list(strengths(rows, ties).values())) for ties in bradley_terry.TIES}
    assert spread["half"] < 0.8 * 2 < spread["drop"]
    assert spread["drop"] == pytest.approx(2, abs=0.15)
    assert spread["half"] < spread["davidson"]


@pytest.mark.parametrize(
    ("votes", "says"),
    [
        ("ab ab bc cb", "undefeated by the others a; without a win against the others b, c"),
        ("ab ba bc ac", "undefeated by the others a, b; without a win against the others c"),
        ("ab ba cd dc", "disconnected: no other model was ever compared with a, b"),
        ("a=b b=c", "every comparison is a tie"),
    ],
)
@pytest.mark.parametrize("ties", bradley_terry.TIES)
def test_a_table_without_a_maximum_is_refused_by_name(
    votes: str, says: str, ties: bradley_terry.Ties
) -> None:
    with pytest.raises(StatisticsError, match=says):
        strengths(rows_of(votes), ties)


@pytest.mark.parametrize("votes", ["ab a=b", "ab ac b=c a=b", "ab bc a=b b=c"])
def test_a_tie_parameter_without_bound_is_refused(votes: str) -> None:
    with pytest.raises(StatisticsError, match="tie parameter has no finite value"):
        strengths(rows_of(votes), "davidson")
    fitted = bradley_terry.fit(win_matrix(encode(rows_of(votes))), "davidson", prior=1)
    assert np.isfinite(fitted.log_strengths).all()


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2), st.booleans()), min_size=4, max_size=9)
)
def test_davidson_is_refused_exactly_where_it_diverges(games) -> None:
    rows = [
        Comparison("q", "r", "abc"[a], "abc"[(a + step) % 3], 0.5 if tie else 1.0)
        for a, step, tie in games
    ]
    matrix = win_matrix(encode(rows, "abc"))
    linked = bradley_terry.has_maximum((matrix.wins + matrix.ties)[None])[0]
    if not (linked and matrix.ties.any() and matrix.wins.any()):
        return
    bounded = bradley_terry.bounds_ties(matrix.wins[None], matrix.ties[None])[0]
    solution = bradley_terry.solve(matrix.wins[None], matrix.ties[None])
    finite = solution.converged and float(np.abs(solution.parameters).max()) < 7
    assert bool(bounded) == finite


def test_a_prior_makes_an_undefeated_player_finite_and_is_carried() -> None:
    fitted = bradley_terry.fit(win_matrix(encode(rows_of("ab ab ac bc cb"))), prior=1)
    assert fitted.prior == 1
    assert fitted.order()[0] == "a"
    assert np.isfinite(fitted.log_strengths).all()


def test_unknown_tie_treatment_and_negative_prior_are_refused() -> None:
    matrix = win_matrix(encode(rows_of("ab ba")))
    with pytest.raises(StatisticsError, match="unknown treatment"):
        bradley_terry.fit(matrix, "hlaf")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="negative"):
        bradley_terry.fit(matrix, prior=-1)


@settings(max_examples=40)
@given(connected(), st.randoms(use_true_random=False), st.sampled_from(bradley_terry.TIES))
def test_renaming_reordering_and_swapping_sides_change_nothing(rows, random, ties) -> None:
    before = strengths(rows, ties)
    renamed = dict(zip(NAMES, random.sample(NAMES, 4), strict=True))
    changed = [
        dataclasses.replace(row, left=renamed[row.left], right=renamed[row.right])
        for row in random.sample(rows, len(rows))
    ]
    changed = [
        dataclasses.replace(row, left=row.right, right=row.left, outcome=1 - row.outcome)
        if random.random() < 0.5
        else row
        for row in changed
    ]
    after = strengths(changed, ties)
    assert {name: after[renamed[name]] for name in NAMES} == pytest.approx(before, abs=1e-7)


@settings(max_examples=25)
@given(connected())
def test_every_vote_twice_at_half_weight_changes_nothing(rows) -> None:
    twice = encode(rows + rows)
    half = win_matrix(twice, np.full(len(twice), 0.5))
    assert bradley_terry.fit(half).log_strengths == pytest.approx(
        bradley_terry.fit(win_matrix(encode(rows))).log_strengths, abs=1e-8
    )


def test_a_batch_gives_what_each_table_gives_alone() -> None:
    tables = np.stack([win_matrix(encode(simulated(300, seed))).points for seed in range(5)])
    together = bradley_terry.solve(tables).parameters
    for table, row in zip(tables, together, strict=True):
        alone = bradley_terry.fit(WinMatrix(tuple("abcdef"), table, np.zeros_like(table)))
        assert row == pytest.approx(alone.log_strengths, abs=1e-7)
