"""Partial pooling, length control and association: against simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import association, pooling
from coig_writer.preference.bootstrap import Resampling
from coig_writer.preference.control import length_control
from coig_writer.preference.control.length_control import Duels
from coig_writer.preference.pairs import encode


def test_small_groups_are_drawn_in_and_have_no_rate_of_their_own() -> None:
    pooled = pooling.pool({"large": (120, 200), "tiny": (2, 2), "other": (90, 200)})
    assert pooled["tiny"].raw is None
    assert pooled["tiny"].value < 0.75
    assert pooled["large"].value == pytest.approx(0.6, abs=0.02)
    assert pooled["tiny"].high - pooled["tiny"].low > pooled["large"].high - pooled["large"].low


def test_equal_groups_share_one_rate_and_unequal_ones_do_not() -> None:
    equal = pooling.pool({str(i): (10, 20) for i in range(20)})
    unequal = pooling.pool({str(i): (20.0 * (i % 2), 20) for i in range(20)})
    assert equal["0"].weight < 0.25
    assert unequal["0"].weight > 0.8


def test_pooled_intervals_cover() -> None:
    rng = np.random.default_rng(0)
    inside = total = 0
    for _ in range(20):
        truth = rng.beta(12, 8, 51)
        groups = {str(i): (float(rng.binomial(4, p)), 4) for i, p in enumerate(truth)}
        pooled = pooling.pool(groups)
        inside += sum(pooled[str(i)].low <= p <= pooled[str(i)].high for i, p in enumerate(truth))
        total += 51
    assert 0.92 < inside / total < 0.98


@pytest.mark.parametrize(
    "groups", [{}, {"a": (1, 2)}, {"a": (1, 0), "b": (1, 2)}, {"a": (3, 2), "b": (1, 2)}]
)
def test_what_cannot_be_pooled_is_refused(groups) -> None:
    with pytest.raises(StatisticsError):
        pooling.pool(groups)


def test_pooled_means_cover_and_shrink() -> None:
    rng = np.random.default_rng(1)
    inside = total = 0
    for _ in range(60):
        truth = rng.normal(2.0, 0.3, 30)
        groups = {str(i): list(rng.normal(t, 0.5, 4)) for i, t in enumerate(truth)}
        pooled = pooling.pool_means(groups)
        inside += sum(pooled[str(i)].low <= t <= pooled[str(i)].high for i, t in enumerate(truth))
        total += 30
        assert np.std([f.value for f in pooled.values()]) < np.std(
            [np.mean(g) for g in groups.values()]
        )
    assert 0.93 < inside / total < 0.97


@pytest.mark.parametrize(
    "groups", [{}, {"a": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": []}, {"a": [1.0], "b": [2.0]}]
)
def test_means_that_cannot_be_pooled_are_refused(groups) -> None:
    with pytest.raises(StatisticsError):
        pooling.pool_means(groups)


def duels(n: int, seed: int, *, theta: float, beta: float) -> Duels:
    rng = np.random.default_rng(seed)
    left, right = rng.normal(1200, 200, n), rng.normal(1000, 200, n)
    difference = left - right
    chance = expit(theta + beta * np.tanh(difference / difference.std()))
    outcome = (rng.random(n) < chance).astype(float)
    return Duels(outcome, left, right, np.arange(n, dtype=np.intp))


def test_length_control_takes_out_what_length_explains() -> None:
    fitted = length_control.fit(duels(4000, 0, theta=0.0, beta=2.0))
    assert fitted.raw > 0.6
    assert fitted.low < 0.5 < fitted.high
    assert fitted.slope == pytest.approx(2, abs=0.25)
    assert fitted.slope_p < 1e-6
    assert fitted.matched is not None
    assert fitted.matched.low < 0.52
    assert fitted.gradient < 1e-8


def test_length_controlled_intervals_cover() -> None:
    truth = expit(0.4)
    inside = [
        result.low <= truth <= result.high
        for result in (length_control.fit(duels(200, s, theta=0.4, beta=1.0)) for s in range(300))
    ]
    assert 0.91 < np.mean(inside) < 0.98


def test_length_control_of_symmetric_data_is_not_certain() -> None:
    """Every prompt is won once by each side at mirrored lengths: all scores cancel within prompts."""
    left = np.tile([1200.0, 800.0], 40)
    outcome = np.tile([1.0, 0.0, 0.0, 1.0], 20)
    fitted = length_control.fit(Duels(outcome, left, left[::-1].copy(), np.arange(80) // 2))
    assert fitted.value == pytest.approx(0.5)
    assert fitted.low < 0.42
    assert fitted.high > 0.58
    assert fitted.slope_p == pytest.approx(1)


def test_repeated_judgements_do_not_narrow_the_length_controlled_interval() -> None:
    once = duels(200, 1, theta=0.3, beta=1.0)
    often = Duels(
        np.tile(once.outcome, 4),
        np.tile(once.left_length, 4),
        np.tile(once.right_length, 4),
        np.tile(once.queries, 4),
    )
    a, b = length_control.fit(once), length_control.fit(often)
    assert (b.low, b.high) == pytest.approx((a.low, a.high), abs=1e-6)


def test_separated_and_flat_lengths_are_refused() -> None:
    length = np.arange(10.0)
    queries = np.arange(10, dtype=np.intp)
    with pytest.raises(StatisticsError, match="separates"):
        length_control.fit(Duels((length > 4).astype(float), length, length * 0 + 4.5, queries))
    with pytest.raises(StatisticsError, match="differing lengths"):
        length_control.fit(Duels(length * 0 + 1, length * 0 + 5, length * 0 + 5, queries))
    with pytest.raises(StatisticsError, match="separates"):
        length_control.fit(Duels(length * 0 + 1, length, length * 0 + 5, queries))


def comparisons(
    n: int, seed: int, beta: float
) -> tuple[list[Comparison], dict[tuple[str, str], float]]:
    rng = np.random.default_rng(seed)
    values = {(v, f"q{i}"): rng.normal() for v in "abcd" for i in range(n)}
    rows = []
    for i in range(n):
        utility = {v: beta * values[v, f"q{i}"] + rng.gumbel() for v in "abcd"}
        rows += [
            Comparison(f"q{i}", "r", x, y, float(utility[x] > utility[y]))
            for x, y in (("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d"))
        ]
    return rows, values


def test_association_finds_what_is_there_and_nothing_where_nothing_is() -> None:
    rows, values = comparisons(150, 0, beta=1.0)
    result = association.associate("m", encode(rows), values, Resampling(rounds=500))
    assert result.concordance.low > 0.55
    assert result.spearman is not None
    assert result.spearman.low > 0.1
    rows, values = comparisons(150, 1, beta=0.0)
    none = association.associate("m", encode(rows), values, Resampling(rounds=500))
    assert none.concordance.low < 0.5 < none.concordance.high


def test_two_metrics_are_related_within_prompts_and_not_across_them() -> None:
    rng = np.random.default_rng(3)
    # each prompt lifts both metrics alike; within a prompt the one falls as the other rises
    first = {(v, f"q{q}"): q + rng.normal() for q in range(40) for v in "abcde"}
    second = {key: 2 * float(key[1][1:]) - value for key, value in first.items()}
    result = association.covary("x and y", first, second, Resampling(rounds=200))
    assert result.estimate == pytest.approx(-1)
    assert (result.n, result.clusters) == (40, 40)
    noise = {key: rng.normal() for key in first}
    none = association.covary("x and y", first, noise, Resampling(rounds=200))
    assert none.low < 0 < none.high
    pairs_only = {key: value for key, value in first.items() if key[0] in "ab"}
    with pytest.raises(StatisticsError, match="three models or more"):
        association.covary("x and y", pairs_only, second)


def test_pairs_without_a_value_are_left_out_and_counted() -> None:
    rows, values = comparisons(20, 2, beta=1.0)
    for i in range(20):
        del values["a", f"q{i}"]
    result = association.associate("m", encode(rows), values, Resampling(rounds=50))
    assert result.left_out == 60
    with pytest.raises(StatisticsError, match="score the answers"):
        association.associate("m", encode(rows), {}, Resampling(rounds=50))
