"""Every statistical choice of the board, on both sides of its edge, with values computed by hand.

z² = 3.8415 at 95 %, so that Wilson's lower bound for n of n is n / (n + z²).
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from coig_writer.ballot import Comparison
from coig_writer.preference import bootstrap, significance
from coig_writer.preference.board import (
    PRIOR,
    Board,
    Conclusion,
    board,
    by_cluster,
    conclusions,
    detectable,
    share,
    worth,
)

Z2 = 3.841459


def votes(
    cast: dict[tuple[str, str], float], left: str = "a", right: str = "b"
) -> list[Comparison]:
    """Votes of one pair: (prompt, rater) → outcome."""
    return [Comparison(q, r, left, right, outcome) for (q, r), outcome in cast.items()]


def by_prompt(wins: int, n: int, rater: str = "r") -> list[Comparison]:
    return votes({(f"q{i}", rater): float(i < wins) for i in range(n)})


def rate(result: Board, row: str = "a", column: str = "b") -> bootstrap.Interval:
    cell = result.cell(row, column)
    assert cell is not None
    assert cell.rate is not None
    return cell.rate


def test_raters_are_resampled_where_there_are_several() -> None:
    """Four of eight raters always say a: a draws Binomial(8, ½) / 8, whose 2.5 % quantile is 1/8."""
    cast = {(f"q{q}", f"r{r}"): float(r < 4) for q in range(40) for r in range(8)}
    results = board(votes(cast))
    assert (rate(results).low, rate(results).high) == (1 / 8, 7 / 8)
    assert rate(results).cluster == "query and rater"
    strengths = {s.model: s.strength for s in results.standings}
    assert strengths["a"].cluster == "query and rater"
    assert strengths["a"].high == pytest.approx(math.log(7) / 2)  # 7 of 8 raters: odds 7, half each


def test_prompts_are_resampled_not_votes() -> None:
    """Eight prompts, four won, each asked ten times of one rater: Binomial(8, ½) / 8 again."""
    ten = list(itertools.chain.from_iterable([by_prompt(4, 8)] * 10))
    results = board(ten)
    assert (rate(results).low, rate(results).high) == (1 / 8, 7 / 8)
    assert (rate(results).cluster, rate(results).clusters, rate(results).n) == ("query", 8, 80)
    assert results.standings[0].strength.high == pytest.approx(math.log(7) / 2)


def test_no_rate_is_narrower_than_wilson_over_prompts() -> None:
    """Two votes on each of twelve prompts, one each way: resampling moves nothing, votes are 24."""
    both = [*by_prompt(12, 12), *by_prompt(0, 12)]
    result = rate(board(both))
    half = math.sqrt(Z2) * math.sqrt(0.25 / 12 + Z2 / (4 * 144)) / (1 + Z2 / 12)
    assert (result.low, result.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_a_rate_reaches_as_far_as_wilson_and_as_resampling_on_each_side() -> None:
    """11 of 12: at most three of Binomial(12, 1/12) are lost at 97.5 %, so resampling says [.75, 1]."""
    result = rate(board(by_prompt(11, 12)))
    centre = (11 / 12 + Z2 / 24) / (1 + Z2 / 12)
    half = math.sqrt(Z2) * math.sqrt(11 / 1728 + Z2 / 576) / (1 + Z2 / 12)
    assert (result.low, result.high) == pytest.approx((centre - half, 1.0), abs=1e-6)
    assert result.method == "wilson over prompts"
    half_won = rate(board(by_prompt(4, 8)))  # Wilson's [.215, .785] is the narrower one here
    assert (half_won.low, half_won.high) == (1 / 8, 7 / 8)
    assert half_won.method == "percentile bootstrap"


def told(leads: list[tuple[float, float]]) -> int:
    """What the votes of two raters on each prompt are worth."""
    points = np.array(leads)
    queries, raters = np.divmod(np.arange(points.size), 2)
    return worth(points.ravel(), queries, raters)


def test_votes_are_worth_what_their_variance_says() -> None:
    """Eight prompts, sixteen votes: means 1 1 0 0 and four halves vary by 1/56 a mean, t of 7 is 2.3646.

    .25 (1.95996 / 2.3646)² 56 = 9.6. One pair less apart it is 19.2, more than there are votes; all eight
    alike or all apart say no more than eight prompts.
    """
    yes, no = (1.0, 1.0), (0.0, 0.0)
    halves = [(1.0, 0.0), (0.0, 1.0)]
    assert told([yes, yes, no, no, *halves, *halves]) == 10
    assert told([yes, no, *halves, *halves, *halves]) == 16
    assert told([yes] * 4 + [no] * 4) == told([yes] * 8) == told(halves * 4) == 8


@pytest.mark.parametrize(("n", "low"), [(1, 1 / (1 + Z2)), (6, 6 / (6 + Z2)), (60, 60 / (60 + Z2))])
def test_a_rate_of_one_is_never_certain(n: int, low: float) -> None:
    result = rate(board(by_prompt(n, n)))
    assert (result.low, result.high) == pytest.approx((low, 1.0), abs=1e-6)


def test_a_share_of_nothing_has_room_above() -> None:
    codes = np.arange(20)
    result = share(np.zeros(20), codes, codes * 0)
    assert (result.low, result.high) == pytest.approx((0.0, Z2 / (20 + Z2)), abs=1e-6)


@pytest.mark.parametrize(("prompts", "few"), [(19, 20), (20, 0)])
def test_fewer_than_twenty_prompts_are_said_to_be_few(prompts: int, few: int) -> None:
    results = board(by_prompt(9, prompts))
    assert results.few == few
    assert rate(results).few_clusters == bool(few)


def test_an_undefeated_model_leans_on_a_prior_and_one_loss_needs_none() -> None:
    """Six of six with half a virtual comparison: odds 6.25 : 0.25, half of their log each."""
    results = board(by_prompt(6, 6))
    assert {s.prior for s in results.standings} == {PRIOR}
    assert results.standings[0].strength.estimate == pytest.approx(math.log(25) / 2)
    assert "undefeated by the others a" in results.problem
    beaten = board(by_prompt(5, 6))
    assert {s.prior for s in beaten.standings} == {0.0}
    assert beaten.standings[0].strength.estimate == pytest.approx(math.log(5) / 2)
    assert beaten.problem == ""


def test_prompts_that_all_say_the_same_give_no_strength_without_width() -> None:
    """Likelihood of six rounds: information 6.5 · p(1 - p) on the difference, its half on each."""
    same = [
        Comparison(f"q{i}", "r", a, b, 1.0)
        for i in range(6)
        for a, b in (("a", "b"), ("b", "c"), ("a", "c"))
    ]
    for standing in board(same).standings:
        assert standing.strength.high - standing.strength.low > 1
    two = board(by_prompt(6, 6)).standings[0].strength
    p = 6.25 / 6.5
    error = 1 / math.sqrt(6.5 * p * (1 - p)) / 2
    assert two.high - two.estimate == pytest.approx(math.sqrt(Z2) * error, abs=1e-4)


def test_one_prompt_has_rates_and_no_strengths_and_two_have_both() -> None:
    one = board(votes({("q", "r"): 1.0, ("q", "s"): 0.0}))
    assert one.standings == ()
    assert "one prompt" in one.problem
    assert rate(one).low == pytest.approx(0.5 - 0.5 * math.sqrt(Z2 / (1 + Z2)), abs=1e-6)
    assert board(by_prompt(1, 2)).standings


def test_ties_alone_order_nobody() -> None:
    results = board(votes({(f"q{i}", "r"): 0.5 for i in range(4)}))
    assert results.standings == ()
    assert "every comparison is a tie" in results.problem
    assert results.tie_rate.estimate == 1.0
    assert results.tie_rate.low == pytest.approx(4 / (4 + Z2), abs=1e-6)


@pytest.mark.parametrize(("n", "decided"), [(5, False), (6, True)])
def test_a_pair_is_decided_below_five_per_cent(n: int, decided: bool) -> None:
    """2 · ½⁵ = 0.0625 and 2 · ½⁶ = 0.03125."""
    (result,) = conclusions(board(by_prompt(n, n)), ("a", "b"))
    assert result.p == pytest.approx(2 * 0.5**n)
    assert result.significant == decided
    assert result.flips == (1 if decided else None)


def test_holm_runs_over_the_family_that_is_named() -> None:
    """Three pairs of 0.03125 are 0.09375 together; alone, one is decided."""
    three = [
        Comparison(f"q{i}", "r", a, b, 1.0)
        for i in range(6)
        for a, b in (("a", "b"), ("b", "c"), ("a", "c"))
    ]
    told = board(three)
    assert {c.corrected for c in conclusions(told, ("a", "b", "c"))} == {3 / 32}
    assert not any(c.significant for c in conclusions(told, ("a", "b", "c")))
    assert [c.corrected for c in conclusions(told, ("a", "b"))] == [1 / 32]
    assert conclusions(told, ("a", "x")) == ()


def test_a_majority_on_every_prompt_decides_nothing_where_raters_split() -> None:
    """Two raters for a and one for b, on thirty prompts: three draws for b have chance 1/27 > 2.5 %."""
    cast = {(f"q{q}", f"r{r}"): float(r < 2) for q in range(30) for r in range(3)}
    (result,) = conclusions(board(votes(cast)), ("a", "b"))
    assert result.corrected == pytest.approx(2 * 0.5**30)
    assert result.rate.low == 0.0
    assert not result.significant


def test_a_prompt_on_which_votes_split_evenly_is_left_out_of_the_majority() -> None:
    cast = by_prompt(3, 4) + votes({("q0", "s"): 0.0, ("q1", "s"): 0.5, ("q2", "s"): 1.0})
    cell = board(cast).cell("a", "b")
    assert cell is not None
    assert cell.majority is not None
    assert (cell.majority.successes, cell.majority.n) == (2, 3)
    assert (cell.wins, cell.losses, cell.ties) == (4, 2, 1)


def test_a_conclusion_is_told_from_the_better_side() -> None:
    (result,) = conclusions(board(by_prompt(1, 20)), ("a", "b"))
    assert (result.better, result.worse, result.rate.estimate) == ("b", "a", 0.95)
    assert result.majority.successes == 19


@pytest.mark.parametrize(("n", "rate_found"), [(5, None), (6, 0.8 ** (1 / 6))])
def test_power_needs_six_decided_prompts(n: int, rate_found: float | None) -> None:
    """Six of six is the least that p < 0.05 can find: power 80 % where rate⁶ = 0.8."""
    result = detectable(conclusions(board(by_prompt(n, n)), ("a", "b")))
    assert (result and result.rate) == (
        None if rate_found is None else pytest.approx(rate_found, abs=1e-5)
    )


def test_power_is_promised_after_the_correction_that_is_made_and_without_ties() -> None:
    """Ten pairs: 60 decided prompts of 80 need the level .005, as planning promises."""
    names = ("a", "b", "c", "d", "e")
    rng = np.random.default_rng(0)
    cast = [
        Comparison(f"q{q}", "r", a, b, 0.5 if q < 20 else float(rng.random() < 0.5))
        for q in range(80)
        for a, b in itertools.combinations(names, 2)
    ]
    result = detectable(conclusions(board(cast), names))
    assert result is not None
    assert (result.prompts, result.pairs) == (60, 10)
    assert result.rate == pytest.approx(significance.minimum_detectable(60, level=0.995))
    assert result.rate > significance.minimum_detectable(60)


def test_as_many_flips_as_told_undo_the_decision_and_one_fewer_does_not() -> None:
    def told(wins: int) -> Conclusion:
        cast = by_prompt(wins, 60) + [dataclasses.replace(v, right="c") for v in by_prompt(31, 60)]
        cast += [dataclasses.replace(v, left="b", right="c") for v in by_prompt(32, 60)]
        concluded = conclusions(board(cast), ("a", "b", "c"))
        return next(c for c in concluded if {c.better, c.worse} == {"a", "b"})

    flips = told(45).flips
    assert flips is not None
    assert told(45 - flips + 1).significant
    assert not told(45 - flips).significant
    assert told(45 - flips + 1).flips == 1
    assert told(45 - flips).flips is None


def test_the_last_row_by_cluster_is_the_boards_own_rate() -> None:
    rng = np.random.default_rng(1)
    cast = {
        (f"q{q}", f"r{r}"): float(rng.random() < 0.3 + 0.1 * r) for q in range(25) for r in range(5)
    }
    told = by_cluster(votes(cast), ("a", "b"))
    assert list(told) == ["query", "rater", "query and rater"]
    assert told["query and rater"] == rate(board(votes(cast)))
    assert by_cluster(by_prompt(3, 5), ("a", "b")) == {}


def test_a_model_without_votes_stands_in_the_matrix_and_bends_no_strength() -> None:
    results = board(by_prompt(5, 6), ("a", "b", "c"))
    assert [(c.row, c.column) for c in results.matrix if c.rate is None] == [
        ("a", "c"), ("b", "c"), ("c", "a"), ("c", "b"),
    ]  # fmt: skip
    assert [s.model for s in results.standings] == ["a", "b"]
    assert {s.prior for s in results.standings} == {0.0}
