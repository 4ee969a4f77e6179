"""Bounds that the claims set for the user's own runs, on both sides of their edges."""

from __future__ import annotations

import json

import pytest

from coig_writer.ballot import Ballot
from coig_writer.errors import StatisticsError
from coig_writer.generation import Generation
from coig_writer.preference import summary
from coig_writer.preference.agreement import Alpha
from eval_tasks.claims import own_components, own_scores
from eval_tasks.claims.claim import Finding
from eval_tasks.runs import Runs, together
from tests.generations import generation


def rated(values: list[int]) -> Runs:
    """One abstract prompt per value, rated by one person."""
    answers: list[Generation] = []
    votes = []
    for i, value in enumerate(values):
        query = f"zh-abstract-{i}"
        answers.append(generation("cw", query, "一篇。", genre="fan-circle"))
        verdict = json.dumps({"overall_preference": value})
        votes.append(Ballot(f"b{i}", "s", "rating", query, query, "r", 0, ("cw",), verdict))
    return together(answers, [], votes)


def abstract(values: list[int]) -> Finding:
    found = own_scores.abstract(rated(values))
    assert found is not None
    return found


def test_success_is_a_rating_of_two() -> None:
    assert abstract([1, 2, 3, 0]).estimate == 0.5


@pytest.mark.parametrize(("prompts", "verdict"), [(21, "not testable here"), (22, "supported")])
def test_success_is_rare_below_fifteen_per_cent(prompts: int, verdict: str) -> None:
    """None of n: Wilson's upper bound z² / (n + z²) is .1547 for 21 and .1487 for 22."""
    assert abstract([0] * prompts).verdict == verdict


def test_success_is_not_rare_where_the_interval_lies_above() -> None:
    """All of n: n / (n + z²) is well above .15."""
    assert abstract([3] * 5).verdict == "not supported"


@pytest.mark.parametrize(("low", "verdict"), [(0.667, "supported"), (0.6669, "not supported")])
def test_agreement_is_high_from_krippendorffs_bound(
    low: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Alpha(0.8, low, 0.9, 0.95, "ordinal", 30, 0, 60, 2, 30, 2000, 0, 0)
    monkeypatch.setattr(summary, "agreement", lambda *_: found)
    told = own_scores.agreed(rated([1, 2]))
    assert told is not None
    assert told.verdict == verdict


def test_two_components_need_ten_prompts() -> None:
    leads = {str(i): [float(i % 2)] for i in range(10)}
    assert own_components._gain(leads).n == 10
    with pytest.raises(StatisticsError, match="9 prompts"):
        own_components._gain({query: leads[query] for query in list(leads)[:9]})
