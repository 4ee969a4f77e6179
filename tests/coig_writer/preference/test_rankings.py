from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from coig_writer.ballot import Ballot
from coig_writer.errors import StatisticsError
from coig_writer.preference import plackett_luce, rankings
from coig_writer.preference.bootstrap import Resampling


def ballot(i: int, verdict: object, shown: tuple[str, ...] = ("a", "b", "c")) -> Ballot:
    return Ballot(f"b{i}", "s", "ranking", f"i{i}", f"q{i}", "r", 0, shown, json.dumps(verdict))


def encoded(verdicts: Sequence[object]) -> rankings.Rankings:
    return rankings.encode([ballot(i, v) for i, v in enumerate(verdicts)])


def random_rankings(n: int, seed: int, players: int = 5) -> rankings.Rankings:
    rng = np.random.default_rng(seed)
    utility = np.linspace(1, -1, players) + rng.gumbel(size=(n, players))
    places = (1 + np.argsort(np.argsort(-utility, axis=1), axis=1)).astype(np.float64)
    codes = np.arange(n, dtype=np.intp)
    ids = tuple(map(str, codes))
    return rankings.Rankings(tuple("abcdefgh"[:players]), ids, ("r",), places, codes, codes * 0)


def test_places_share_the_mean_where_tied_and_are_nan_where_not_shown() -> None:
    result = rankings.encode([ballot(0, ["b", ["a", "c"]]), ballot(1, ["c", "a"], ("a", "c"))])
    assert result.places[0].tolist() == [2.5, 1, 2.5]
    assert np.isnan(result.places[1][1])
    assert len(result.complete()) == 1


def test_friedman_agrees_with_scipy_with_and_without_ties() -> None:
    for verdicts in (
        [list(p) for p in itertools.islice(itertools.cycle(["abc", "acb", "bac"]), 10)],
        [["a", ["b", "c"]], [["a", "b"], "c"], ["c", "b", "a"], ["a", "b", "c"]],
    ):
        outcome = encoded(verdicts)
        result = rankings.friedman(outcome)
        reference = stats.friedmanchisquare(*outcome.places.T)
        assert result.statistic == pytest.approx(reference.statistic)
        assert result.p == pytest.approx(reference.pvalue)


def test_raters_of_one_prompt_count_as_one_ranking() -> None:
    votes = [
        dataclasses.replace(ballot(i, list(order)), query_id=f"q{i % 4}", rater=f"r{i // 4}")
        for i, order in enumerate(["abc", "abc", "acb", "bac"] * 5)
    ]
    reduced = rankings.per_query(rankings.encode(votes))
    assert len(reduced.places) == 4
    assert rankings.friedman(reduced).n == 4
    assert reduced.places.tolist() == [[1, 2, 3], [1, 2, 3], [1, 3, 2], [2, 1, 3]]


def test_kendall_w_is_one_where_all_agree() -> None:
    assert rankings.friedman(encoded([["a", "b", "c"]] * 4)).kendall_w == pytest.approx(1)


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [([], "no rankings"), (["skip"], "no rankings"), ([["a", "b", "c"]], "1 complete"),
     ([[["a", "b", "c"]]] * 3, "ties all variants")],
)  # fmt: skip
def test_what_cannot_be_ranked_is_refused(verdicts: list[object], says: str) -> None:
    with pytest.raises(StatisticsError, match=says):
        rankings.friedman(encoded(verdicts))


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(StatisticsError, match="unknown label 'c'"):
        rankings.encode([ballot(0, ["a", "b", "c"])], labels=["a", "b"])


def test_plackett_luce_agrees_with_choix() -> None:
    result = random_rankings(200, 0)
    orders = [tuple(row) for row in plackett_luce.ordered(result)]
    reference = choix.opt_rankings(5, orders, tol=1e-12)
    fitted = plackett_luce.fit(result)
    assert fitted.log_strengths == pytest.approx(reference - reference.mean(), abs=1e-5)
    assert fitted.n == 200


def test_plackett_luce_takes_part_rankings() -> None:
    shown = [("a", "b"), ("b", "c"), ("a", "c")]
    votes = [
        ballot(i, list(order), tuple(sorted(order)))
        for i, order in enumerate([*shown, ("b", "a"), ("c", "b"), ("c", "a")])
    ]
    assert plackett_luce.fit(rankings.encode(votes)).log_strengths == pytest.approx((0, 0, 0))


def test_plackett_luce_refuses_ties_and_the_undefeated() -> None:
    with pytest.raises(StatisticsError, match="ties"):
        plackett_luce.fit(encoded([["a", ["b", "c"]], ["a", "b", "c"]]))
    with pytest.raises(StatisticsError, match="undefeated by the others a"):
        plackett_luce.fit(encoded([["a", "b", "c"], ["a", "c", "b"]]))


def test_plackett_luce_intervals_resample_prompts() -> None:
    once = random_rankings(150, 3)
    twice = rankings.Rankings(
        once.labels, once.query_ids, ("r", "s"), np.tile(once.places, (2, 1)),
        np.tile(once.queries, 2), np.repeat(np.arange(2), 150),
    )  # fmt: skip
    plan = Resampling(rounds=200)
    a, b = plackett_luce.intervals(once, plan)["a"], plackett_luce.intervals(twice, plan)["a"]
    assert a.low < a.estimate < a.high
    assert (b.low, b.high) == pytest.approx((a.low, a.high))
    with pytest.raises(StatisticsError, match="nothing can be resampled"):
        plackett_luce.intervals(once, dataclasses.replace(plan, cluster="rater"))


@settings(max_examples=20)
@given(st.permutations(range(5)), st.integers(0, 100))
def test_plackett_luce_ignores_names_and_order(order: list[int], seed: int) -> None:
    result = random_rankings(60, seed)
    changed = rankings.Rankings(
        result.labels, result.query_ids, result.rater_ids, result.places[::-1][:, order],
        result.queries, result.raters,
    )  # fmt: skip
    before = np.array(plackett_luce.fit(result).log_strengths)
    assert plackett_luce.fit(changed).log_strengths == pytest.approx(before[order], abs=1e-7)
