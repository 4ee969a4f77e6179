"""Micro, macro and genre averages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from coig_writer.metrics.averages import Average, Place, averages, interval
from coig_writer.preference import rates
from coig_writer.score import Score


def scores(metric: str, **by_genre: list[float | None]) -> tuple[list[Score], dict[str, Place]]:
    result, places = [], {}
    for genre, values in by_genre.items():
        for i, value in enumerate(values):
            query = f"zh-{genre}-{i}"
            places[query] = Place("zh", genre)
            state = "missing" if value is None else "scored"
            result.append(Score("cw", query, metric, value, state))  # type: ignore[arg-type]
    return result, places


def pick(result: list[Average], scope: str, genre: str | None = None) -> Average:
    (only,) = (a for a in result if a.scope == scope and a.genre == genre)
    return only


def test_micro_weighs_answers_and_macro_genres() -> None:
    given, places = scores("ttr", wuxia=[0.2] * 6, poetry=[0.8] * 2)
    result = averages(given, places)
    assert pick(result, "micro").value == pytest.approx(0.35)
    assert pick(result, "micro").n == 8
    assert pick(result, "macro").value == pytest.approx(0.5)
    assert pick(result, "macro").n == 2


def test_a_small_genre_has_no_number() -> None:
    given, places = scores("ttr", wuxia=[0.2] * 5, poetry=[0.8] * 4)
    result = averages(given, places)
    assert pick(result, "genre", "wuxia").state == "scored"
    small = pick(result, "genre", "poetry")
    assert (small.value, small.low, small.state) == (None, None, "insufficient data")
    assert small.n == 4


def test_small_genres_are_drawn_together_and_carry_their_width() -> None:
    """51 genres of four values around genre means of sd 1, noise sd 2: the pooled mean is nearer the truth."""
    rng = np.random.default_rng(0)
    truth = {f"g{i:02}": float(rng.normal(0, 1)) for i in range(51)}
    drawn: dict[str, list[float | None]] = {
        g: [float(x) for x in rng.normal(m, 2, 4)] for g, m in truth.items()
    }
    given, places = scores("lines", **drawn)
    result = {a.genre: a for a in averages(given, places) if a.scope == "genre"}
    assert {(a.state, a.n) for a in result.values()} == {("pooled", 4)}
    raw = {g: np.mean([x for x in values if x is not None]) for g, values in drawn.items()}
    error = {g: (result[g].value or 0) - m for g, m in truth.items()}
    assert np.mean(np.square(list(error.values()))) < 0.7 * np.mean(
        [(raw[g] - m) ** 2 for g, m in truth.items()]
    )
    held = [(result[g].low or 0) <= m <= (result[g].high or 0) for g, m in truth.items()]
    assert sum(held) >= 45


def test_rates_of_small_genres_are_pooled_and_never_certain() -> None:
    given, places = scores("length_met", a=[0.0] * 4, b=[0.0] * 4, c=[1.0, 0.0, 0.0, 0.0])
    for result in averages(given, places):
        if result.scope == "genre":
            assert result.state == "pooled"
            assert result.value is not None
            assert 0 < result.value < 0.25
            assert result.high is not None
            assert result.high > 0.15


def test_a_category_gathers_its_genres() -> None:
    given, places = scores("ttr", wuxia=[0.2] * 3, xianxia=[0.4] * 3, unheard=[1.0] * 5)
    result = averages(given, places)
    assert pick(result, "category", "novel").value == pytest.approx(0.3)
    assert pick(result, "category", "unheard").value == 1
    assert pick(result, "genre", "wuxia").state == "insufficient data"


def test_missing_is_not_zero() -> None:
    given, places = scores("ttr", wuxia=[0.4, None, 0.6], poetry=[None])
    result = averages(given, places)
    assert pick(result, "micro").value == pytest.approx(0.5)
    assert (pick(result, "micro").n, pick(result, "micro").missing) == (2, 2)
    assert pick(result, "genre", "poetry").state == "missing"
    assert (pick(result, "macro").n, pick(result, "macro").missing) == (1, 1)
    nothing, places = scores("ttr", wuxia=[None])
    assert pick(averages(nothing, places), "micro").value is None


def test_a_rate_has_a_wilson_interval_and_never_leaves_zero_to_one() -> None:
    given, places = scores("language_confusion_any", wuxia=[0.0] * 10)
    micro = pick(averages(given, places), "micro")
    assert (micro.value, micro.low) == (0, 0)
    assert micro.high == pytest.approx(0.2775, abs=1e-3)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_ratio_is_certain_at_an_end(value: float) -> None:
    """Ten times 1 of at most 1: Wilson's interval of 10 of 10."""
    given, places = scores("required_share", wuxia=[value] * 5, poetry=[value] * 5)
    for result in averages(given, places):
        assert result.low is not None
        assert result.high is not None
        assert result.high - result.low > 0.2
    low, high = interval([value] * 10, "ratio")
    assert (low, high) == pytest.approx((0.7225, 1) if value else (0, 0.2775), abs=1e-3)
    low, high = interval([1.0, 1.0, 0.9, 1.0], "ratio")
    assert low is not None
    assert (low < 0.95, high) == (True, 1)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20))
def test_an_amount_has_students_interval(values: list[float]) -> None:
    low, high = interval(values, "amount")
    sem = stats.sem(values)
    if np.ptp(values) and sem:  # of equal values it may be a rounding, of tiny ones 0
        expected = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=sem)
        assert (low, high) == pytest.approx(expected, abs=1e-6)
    assert interval([1.0], "amount") == (None, None)


def sampled(rng: np.random.Generator, noise: float, shared: float) -> list[Score]:
    """Forty prompts × five samples: prompts of sd 1, answers of sd ``noise``, samples of sd ``shared``."""
    prompts, runs = rng.normal(0, 1, 40), rng.normal(0, 1, 5) * shared
    return [
        Score("cw", f"zh-{i}", "lines", float(p + r + rng.normal(0, noise)), "scored", sample=k)
        for i, p in enumerate(prompts)
        for k, r in enumerate(runs)
    ]


def test_an_amount_that_never_varies_is_not_certain() -> None:
    assert interval([3.0, 3.0, 3.0], "amount") == (None, None)
    answers = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert interval([3.0] * 4, "amount", answers) == (None, None)
    low, high = interval([3.0, 3.0, 3.001], "amount")
    assert low is not None
    assert high is not None
    assert low < 3.0 < high


def test_variance_between_seeds_widens_every_interval() -> None:
    places = {f"zh-{i}": Place("zh", f"g{i % 8}") for i in range(40)}

    def widths(noise: float, shared: float) -> dict[tuple[str, str | None], float]:
        result = averages(sampled(np.random.default_rng(1), noise, shared), places)
        return {
            (a.scope, a.genre): (a.high or 0) - (a.low or 0) for a in result if a.low is not None
        }

    plain, injected = widths(0.1, 0.0), widths(0.1, 2.0)
    assert set(injected) == set(plain)
    assert {scope for scope, _ in plain} == {"micro", "macro", "category", "genre"}
    assert all(injected[row] > plain[row] for row in plain)
    wide = [
        row for row in plain if row[0] != "category"
    ]  # of five prompts, whose own variance is large
    assert all(injected[row] > 1.9 * plain[row] for row in wide)
    assert widths(3.0, 0.0)["micro", None] > 1.3 * plain["micro", None]


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.5])
def test_the_interval_over_samples_covers(shared: float) -> None:
    rng, held = np.random.default_rng(0), 0
    places = {f"zh-{i}": Place("zh", None) for i in range(40)}
    for _ in range(200):
        micro = pick(averages(sampled(rng, 1.0, shared), places), "micro")
        held += (micro.low or 0) <= 0 <= (micro.high or 0)
    assert held >= 183  # 95 % of 200 less three standard errors


def test_variance_over_two_prompts_and_two_samples_by_hand() -> None:
    """1 3 / 5 11: mean 5; prompts 18 of variance, samples 8, their noise 2: 36/4, and 16/4 - 4/4."""
    variance = rates.crossed(
        np.array([1.0, 3, 5, 11]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    )
    assert (variance.prompts, variance.samples) == pytest.approx((9, 3))
    assert variance.degrees == pytest.approx(144 / (81 + 16 + 1))
    one = rates.crossed(np.array([1.0, 5.0]), np.array([0, 1]), np.array([0, 0]))
    assert (one.variance, one.degrees) == (4, 1)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_rate_over_samples_is_certain(value: float) -> None:
    answers = [(f"zh-{i}", k) for i in range(10) for k in range(3)]
    low, high = interval([value] * 30, "share", answers)
    assert (low, high) == pytest.approx((0.7225, 1) if value else (0, 0.2775), abs=1e-3)


@pytest.mark.parametrize("value", [0.1, 0.3, 0.55])
def test_ratios_over_samples_that_never_vary_are_not_certain(value: float) -> None:
    """Thirty times the same: Wilson's interval of ten prompts, whatever the mean's rounding."""
    answers = [(f"zh-{i}", k) for i in range(10) for k in range(3)]
    assert interval([value] * 30, "ratio", answers) == pytest.approx(
        interval([value] * 10, "ratio")
    )
