from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Resampling
from coig_writer.preference.pairs import encode
from coig_writer.preference.rates import wilson
from tests.coig_writer.preference.votes import connected, simulated

QUICK = Resampling(rounds=300)


def one_per_prompt(wins: int, n: int) -> list[Comparison]:
    return [Comparison(f"q{i}", "r", "a", "b", float(i < wins)) for i in range(n)]


def test_with_one_vote_per_prompt_it_agrees_with_wilson() -> None:
    interval = bootstrap.win_rates(encode(one_per_prompt(128, 204)), Resampling(rounds=4000))[
        "a", "b"
    ]
    rate = wilson(128, 204)
    assert interval.estimate == rate.value
    assert (interval.low, interval.high) == pytest.approx((rate.low, rate.high), abs=0.006)
    assert (interval.clusters, interval.n, interval.cluster) == (204, 204, "query")


def test_repeating_every_vote_does_not_narrow_the_interval_by_prompt() -> None:
    rows = one_per_prompt(60, 100)
    four = [dataclasses.replace(r, rater=f"r{i}") for r in rows for i in range(4)]
    once = bootstrap.win_rates(encode(rows), QUICK)["a", "b"]
    often = bootstrap.win_rates(encode(four), QUICK)["a", "b"]
    naive = bootstrap.win_rates(encode(four), dataclasses.replace(QUICK, cluster="comparison"))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    narrow = naive["a", "b"]
    assert narrow.high - narrow.low < 0.6 * (often.high - often.low)


def test_two_ways_is_wider_than_either() -> None:
    rng = np.random.default_rng(0)
    lean = rng.normal(0, 1, 12)
    rows = [
        Comparison(f"q{q}", f"r{r}", "a", "b", float(rng.random() < 1 / (1 + np.exp(-lean[r]))))
        for q in range(30)
        for r in range(12)
    ]
    width = {}
    for cluster in ("query", "rater", "query and rater"):
        plan = Resampling(cluster=cluster, rounds=1000)
        interval = bootstrap.win_rates(encode(rows), plan)["a", "b"]
        width[cluster] = interval.high - interval.low
    assert width["query and rater"] > width["rater"] > width["query"]


@pytest.mark.parametrize("cluster", ["query", "rater", "query and rater"])
def test_a_single_cluster_is_refused(cluster: bootstrap.Cluster) -> None:
    rows = [Comparison("q", "r", "a", "b", 1.0), Comparison("q", "r", "a", "b", 0.0)]
    with pytest.raises(StatisticsError, match="nothing can be resampled"):
        bootstrap.win_rates(encode(rows), Resampling(cluster=cluster))


def test_an_outcome_that_never_varies_is_not_certain() -> None:
    rows = [Comparison(f"q{i}", f"r{r}", "a", "b", 1.0) for i in range(30) for r in range(3)]
    interval = bootstrap.win_rates(encode(rows), QUICK)["a", "b"]
    assert (interval.estimate, interval.clusters, interval.n) == (1.0, 30, 90)
    assert interval.low == pytest.approx(wilson(30, 30).low)
    assert "wilson" in interval.method


def test_a_pair_that_met_on_one_prompt_only_stays_open() -> None:
    rows = [*one_per_prompt(20, 40), *(Comparison("q0", f"r{i}", "a", "c", 1.0) for i in range(5))]
    interval = bootstrap.win_rates(encode(rows), QUICK)["a", "c"]
    assert interval.clusters == 1
    assert interval.high - interval.low > 0.7


def test_few_clusters_are_flagged() -> None:
    rows = simulated(60, 0)
    assert bootstrap.win_rates(encode(rows), dataclasses.replace(QUICK, cluster="rater"))[
        "m0", "m5"
    ].few_clusters
    many = bootstrap.win_rates(encode(one_per_prompt(20, 40)), QUICK)["a", "b"]
    assert not many.few_clusters


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    pairs = encode(simulated(200, 1))
    same = [bootstrap.win_rates(pairs, QUICK) for _ in range(2)]
    assert same[0] == same[1]
    assert bootstrap.win_rates(pairs, dataclasses.replace(QUICK, seed=1)) != same[0]


@settings(max_examples=15)
@given(connected())
def test_the_two_sides_of_a_pair_mirror_each_other(rows) -> None:
    rates = bootstrap.win_rates(encode(rows), QUICK)
    for (a, b), rate in rates.items():
        other = rates[b, a]
        assert rate.estimate == pytest.approx(1 - other.estimate)
        assert (rate.low, rate.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


@pytest.mark.parametrize("ties", ["half", "drop", "davidson"])
def test_strengths_hold_the_fit_and_rank_the_players(ties) -> None:
    board = bootstrap.strengths(encode(simulated(900, 2)), ties, QUICK)
    for interval in board.strengths.values():
        assert interval.low < interval.estimate < interval.high
    assert board.places["m5"][0] == 1
    assert board.places["m0"][1] == 6


def test_rounds_without_a_maximum_are_counted_not_hidden() -> None:
    rows = [Comparison(f"q{i}", "r", "a", "b", float(i > 0)) for i in range(6)]
    board = bootstrap.strengths(encode(rows), "half", QUICK)
    assert board.strengths["a"].degenerate_rounds > 50
    assert np.isfinite(board.strengths["a"].high)


def test_a_mean_needs_values() -> None:
    with pytest.raises(StatisticsError):
        bootstrap.mean(np.array([]), np.array([], dtype=np.intp))
