from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.errors import StatisticsError
from coig_writer.mixture import VARIANTS
from coig_writer.paper import TABLE_2
from coig_writer.preference import significance


def test_headline_p_of_the_paper() -> None:
    assert significance.binomial(128, 204).p == pytest.approx(3.3e-4, rel=0.02)
    assert significance.binomial(164, 353).p == pytest.approx(0.20, abs=0.005)


def test_holm_over_the_ten_chinese_pairs() -> None:
    pairs = list(itertools.combinations(VARIANTS, 2))
    p = [significance.binomial(TABLE_2["zh"][pair].wins, 204).p for pair in pairs]
    adjusted = dict(zip(pairs, significance.holm(p), strict=True))
    assert adjusted["cw_10k", "g"] == pytest.approx(0.002, abs=1e-4)
    assert adjusted["cw_5k", "cw_10k"] == pytest.approx(0.062, abs=1e-3)
    assert adjusted["cw_1k", "g"] == pytest.approx(0.062, abs=1e-3)


def test_holm_by_hand() -> None:
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_never_falls_below_the_raw_one(p: list[float]) -> None:
    for raw, adjusted in zip(p, significance.holm(p), strict=True):
        assert raw <= adjusted + 1e-12 <= 1 + 2e-12


def test_language_confusion_of_two_models() -> None:
    assert significance.two_shares((43, 6), (353, 353)).p < 1e-6
    assert significance.two_shares((6, 4), (353, 353)).p > 0.5


@pytest.mark.parametrize("call", [
    lambda: significance.binomial(3, 2), lambda: significance.holm([]),
    lambda: significance.holm([1.2]), lambda: significance.two_shares((1, 1), (0, 2)),
    lambda: significance.even(1, 0), lambda: significance.even(1, 2, margin=0.7),
    lambda: significance.sample_size(0.5), lambda: significance.power(0.6, 0),
    lambda: significance.minimum_detectable(4),
])  # fmt: skip
def test_what_cannot_be_tested_is_refused(call) -> None:
    with pytest.raises(StatisticsError):
        call()


def test_an_even_count_of_204_is_undecided_and_of_2000_equivalent() -> None:
    assert significance.even(102, 204).finding == "undecided"
    assert significance.even(1000, 2000).finding == "equivalent"
    assert significance.even(128, 204).finding == "different"


def test_a_missing_difference_is_never_called_equivalent() -> None:
    equivalence = significance.even(164, 353)
    assert equivalence.p_difference > 0.05
    assert equivalence.finding == "undecided"


def test_the_planned_size_reaches_its_power() -> None:
    n = significance.prompts_to_show_even(0.05)
    import numpy as np
    from scipy.stats import binom

    wins = np.arange(n + 1)
    equivalent = [w for w in wins if significance.even(int(w), n).finding == "equivalent"]
    assert 0.78 < binom.pmf(equivalent, n, 0.5).sum() < 0.84


@pytest.mark.parametrize(("n", "percent"), [(104, 64.0), (204, 60.0), (353, 57.6), (557, 56.1)])
def test_minimum_detectable_win_rate(n: int, percent: float) -> None:
    rate = significance.minimum_detectable(n)
    assert 100 * rate == pytest.approx(percent, abs=0.06)
    assert significance.power(rate, n) == pytest.approx(0.8, abs=1e-4)


def test_sample_size() -> None:
    assert (significance.sample_size(0.55), significance.sample_size(0.6)) == (783, 194)
    assert significance.sample_size(0.4) == significance.sample_size(0.6)


def test_twelve_flips_undo_the_chinese_headline() -> None:
    assert significance.fewest_flips(128, 204) == 12
    assert significance.fewest_flips(204 - 128, 204) == 12
    assert significance.binomial(128 - 11, 204).p < 0.05 <= significance.binomial(128 - 12, 204).p
    assert significance.fewest_flips(164, 353) is None


def test_flips_follow_the_correction_of_the_family() -> None:
    """Nine other p-values so large that Holm multiplies the headline's by ten: 120 of 204 is the fewest
    with 10 p < .05 … or 8 flips where three of them are smaller still."""
    others = [0.9] * 9
    needed = next(w for w in range(102, 204) if 10 * significance.binomial(w, 204).p < 0.05)
    assert significance.fewest_flips(128, 204, others) == 128 - needed + 1
    smaller = [1e-9] * 6 + [0.9] * 3
    needed = next(w for w in range(102, 204) if 4 * significance.binomial(w, 204).p < 0.05)
    assert significance.fewest_flips(128, 204, smaller) == 128 - needed + 1 == 8
    assert significance.fewest_flips(117, 204) == 1
    assert significance.fewest_flips(117, 204, [0.9]) is None
