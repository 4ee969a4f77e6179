"""Minimum counts, margins and clusters outside the board, on both sides of their edges, by hand.

z² = 3.8415 at 95 %, so that Wilson's lower bound for n of n is n / (n + z²).
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from coig_writer.ballot import Ballot, Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import association, bootstrap, pooling, significance
from coig_writer.preference.agreement import Rating, alpha, kappa_interval
from coig_writer.preference.control import length_control
from coig_writer.preference.control.length_control import Duels
from coig_writer.preference.pairs import encode
from coig_writer.preference.rates import wilson
from coig_writer.preference.ratings import RATED
from coig_writer.preference.summary import scores

Z2 = 3.841459


@pytest.mark.parametrize(("prompts", "own"), [(7, None), (8, 0.5)])
def test_a_group_has_a_value_of_its_own_from_eight_prompts(prompts: int, own: float | None) -> None:
    rates = pooling.pool({"few": (prompts / 2, prompts), "many": (20, 40)})
    assert rates["few"].raw == own
    means = pooling.pool_means({"few": [0.0, 1.0] * 4 if prompts == 8 else [0.0, 1.0] * 3 + [0.5],
                                "many": [0.0, 1.0] * 20})  # fmt: skip
    assert means["few"].raw == own


@pytest.mark.parametrize(("queries", "low"), [(9, None), (10, 10 / (10 + Z2))])
def test_kappa_has_an_interval_from_ten_queries_and_is_never_certain(
    queries: int, low: float | None
) -> None:
    pairs = [("ab"[i % 2], "ab"[i % 2]) for i in range(queries)]
    result = kappa_interval(pairs, [str(i) for i in range(queries)])
    assert result == ((None, None) if low is None else (pytest.approx(low, abs=1e-6), 1.0))


def test_perfect_agreement_is_not_certain() -> None:
    rows = [Rating(f"u{u}", rater, u % 3) for u in range(12) for rater in "xy"]
    agreement = alpha(rows)
    assert (agreement.value, agreement.high) == (1.0, 1.0)
    assert agreement.low == pytest.approx(12 / (12 + Z2), abs=1e-6)


def test_alpha_takes_units_with_two_ratings_and_needs_two_of_them() -> None:
    one = [Rating("u0", "x", 0), Rating("u0", "y", 0), Rating("u1", "x", 1)]
    with pytest.raises(StatisticsError, match="1 units"):
        alpha(one)
    agreement = alpha([*one, Rating("u1", "y", 1)])
    assert (agreement.units, agreement.unpaired) == (2, 0)


def test_a_mean_that_never_varies_has_wilsons_interval_on_its_scale() -> None:
    codes = np.arange(12)
    threes = bootstrap.mean(np.full(12, 3.0), codes, scale=RATED)
    assert (threes.low, threes.high) == pytest.approx((3 * 12 / (12 + Z2), 3.0), abs=1e-5)
    ones = bootstrap.mean(np.ones(12), codes, scale=(-1.0, 1.0))
    assert ones.low == pytest.approx(2 * 12 / (12 + Z2) - 1, abs=1e-5)
    # the sum of twelve 0.7 divided by 12 is not 0.7: rounding is no width either
    inside = bootstrap.mean(np.full(12, 0.7), codes, scale=bootstrap.SHARE)
    half = wilson(8.4, 12)
    assert (inside.low, inside.high) == pytest.approx((half.low, half.high))


def test_a_mean_resamples_raters_where_there_are_several() -> None:
    """Four of eight raters always give 3, four 0: three times Binomial(8, ½) / 8."""
    cast = [
        Ballot(f"{q}-{r}", "s", "rating", f"q{q}", f"q{q}", f"r{r}", 0, ("a",),
               json.dumps({"overall_preference": 3 * (r < 4)}))
        for q in range(40) for r in range(8)
    ]  # fmt: skip
    (result,) = scores(cast, ("a",))
    assert result.mean is not None
    assert (result.mean.low, result.mean.high) == (3 / 8, 3 * 7 / 8)
    assert (result.mean.cluster, result.n) == ("query and rater", 320)
    (single,) = scores(cast[:8], ("a",))
    assert (single.mean, single.n) == (None, 8)


def test_concordance_resamples_raters_where_there_are_several() -> None:
    rows = [
        Comparison(f"q{q}", f"r{r}", "a", "b", float(r < 4)) for q in range(40) for r in range(8)
    ]
    values = {(v, f"q{q}"): float(v == "a") for v in "ab" for q in range(40)}
    result = association.associate("m", encode(rows), values).concordance
    assert (result.estimate, result.low, result.high) == (1 / 2, 1 / 8, 7 / 8)


def test_four_points_are_correlated_and_three_are_not() -> None:
    assert association.correlate([1, 2, 3, 4], [1, 2, 4, 3]).value == pytest.approx(0.8)
    with pytest.raises(StatisticsError, match="cannot be correlated"):
        association.correlate([1, 2, 3], [1, 3, 2])


@pytest.mark.parametrize(("shorter", "matched"), [(900.0, 12), (899.0, 11)])
def test_lengths_are_matched_within_ten_per_cent_of_the_longer(
    shorter: float, matched: int
) -> None:
    right = np.full(12, 1000.0)
    left = np.array([shorter, *np.linspace(950, 1050, 11)])
    outcome = np.array([1.0, *[float(i % 2) for i in range(11)]])
    fitted = length_control.fit(Duels(outcome, left, right, np.arange(12)))
    assert fitted.matched is not None
    assert fitted.matched.n == matched


def test_length_control_needs_three_prompts() -> None:
    def fit(prompts: int) -> length_control.LengthControlled:
        left = np.array([900.0, 1000, 1100, 900, 1000, 1100])
        outcome = np.array([0.0, 1, 0, 1, 1, 1])
        queries = np.arange(6) % prompts
        return length_control.fit(Duels(outcome, left, np.full(6, 1000.0), queries))

    assert fit(3).clusters == 3
    with pytest.raises(StatisticsError, match="at least three queries"):
        fit(2)


@pytest.mark.parametrize(
    ("wins", "finding"),
    [(523, "equivalent"), (524, "undecided"), (531, "undecided"), (532, "different")],
)
def test_even_within_five_points(wins: int, finding: str) -> None:
    """Of 1,000: P(≤ 523 | .55) = .0462 and P(≤ 524 | .55) = .0524; two-sided p .0537 and .0463 at ½."""
    assert significance.even(wins, 1000).finding == finding


@pytest.mark.parametrize(("margin", "needed"), [(0.05, 857), (0.1, 215)])
def test_prompts_that_show_equality(margin: float, needed: int) -> None:
    """((1.6449 + 1.2816) / (2 · margin))², rounded up."""
    assert significance.prompts_to_show_even(margin) == needed
    assert needed == math.ceil(((1.644854 + 1.281552) / (2 * margin)) ** 2)
