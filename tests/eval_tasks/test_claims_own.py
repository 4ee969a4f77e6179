"""Bounds that the claims set for the user's own runs, on both sides of their edges."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from coig_writer import benchmark
from coig_writer.ballot import Ballot
from coig_writer.errors import StatisticsError
from coig_writer.generation import Generation
from coig_writer.preference import board, summary
from coig_writer.preference.agreement import Alpha
from coig_writer.score import Score
from eval_tasks.claims import own, own_components, own_scores
from eval_tasks.claims.claim import Finding
from eval_tasks.claims.counts import MIXED, not_better, only
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
    result = own_scores.abstract(rated(values))
    assert result is not None
    return result


def test_success_is_a_rating_of_two() -> None:
    assert abstract([1, 2, 3, 0]).estimate == 0.5


@pytest.mark.parametrize(("prompts", "verdict"), [(21, "not testable here"), (22, "supported")])
def test_success_is_rare_below_fifteen_per_cent(prompts: int, verdict: str) -> None:
    """None of n: Wilson's upper bound z² / (n + z²) is .1547 for 21 and .1487 for 22."""
    assert abstract([0] * prompts).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0, 0.1499, "supported"),
        (0.0, 0.15, "not testable here"),
        (0.15, 1.0, "not testable here"),
        (0.1501, 1.0, "not supported"),
    ],
)
def test_the_edges_of_rare(
    low: float, high: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = board.share
    monkeypatch.setattr(
        own_scores, "share", lambda *result: dataclasses.replace(share(*result), low=low, high=high)
    )
    assert abstract([0, 3]).verdict == verdict


def test_success_is_not_rare_where_the_interval_lies_above() -> None:
    """All of n: n / (n + z²) is well above .15."""
    assert abstract([3] * 5).verdict == "not supported"


@pytest.mark.parametrize(("low", "verdict"), [(0.667, "supported"), (0.6669, "not supported")])
def test_agreement_is_high_from_krippendorffs_bound(
    low: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Alpha(0.8, low, 0.9, 0.95, "ordinal", 30, 0, 60, 2, 30, 2000, 0, 0)
    monkeypatch.setattr(summary, "agreement", lambda *_: result)
    told = own_scores.agreed(rated([1, 2]))
    assert told is not None
    assert told.verdict == verdict


def test_two_components_need_ten_prompts() -> None:
    leads = {str(i): [float(i % 2)] for i in range(10)}
    assert own_components.gain(leads).n == 10
    with pytest.raises(StatisticsError, match="9 prompts"):
        own_components.gain({query: leads[query] for query in list(leads)[:9]})


def by_model(scores: dict[str, list[int]], query: str = "zh-abstract") -> Runs:
    """Ratings of some models on the same abstract prompts."""
    answers, votes = [], []
    for model, values in scores.items():
        for i, value in enumerate(values):
            name = f"{query}-{i}"
            answers.append(generation(model, name, "一篇。", genre="fan-circle"))
            verdict = json.dumps({"overall_preference": value})
            votes.append(
                Ballot(f"{model}{i}", "s", "rating", name, name, "r", 0, (model,), verdict)
            )
    return together(answers, [], votes)


def test_a_model_that_succeeds_half_the_time_does_not_hide_among_others() -> None:
    """Pooled, 15 of 150 is 10 %; the one model is at 15 of 30."""
    failing = {f"m{i}": [0] * 30 for i in range(4)}
    told = own_scores.abstract(by_model({**failing, "g": [3, 0] * 15}))
    assert told is not None
    assert (told.verdict, told.estimate, told.n) == ("not supported", 0.5, 30)
    told = own_scores.abstract(by_model(failing))
    assert told is not None
    assert told.verdict == "supported"


def test_the_benchmark_says_itself_which_queries_are_abstract() -> None:
    genres = {"fan-circle"}
    probes = {q.probe: q.id for q in benchmark.queries("zh")}
    assert own_scores._abstract(probes["crazy_literature"], None, genres)
    assert own_scores._abstract(probes["homophonic_wordplay"], None, genres)
    assert not own_scores._abstract(probes["retelling_with_critique"], "fan-circle", genres)
    assert own_scores._abstract("zh-own-1", "fan-circle", genres)
    assert not own_scores._abstract("zh-own-1", "wuxia", genres)


def lengths(languages: tuple[str, ...], sds: dict[str, float], prompts: int = 60) -> Runs:
    rng = np.random.default_rng(0)
    rows = [
        Score(v, f"{x}-essay-{i}", "chars", 2000 + float(rng.normal(0, sd)), "scored")
        for x in languages
        for v, sd in sds.items()
        for i in range(prompts)
    ]
    return together([], rows, [])


FALLING = dict(zip(own_scores.CONFIGURATIONS, (800.0, 600, 450, 340, 250), strict=True))


@pytest.mark.parametrize(
    ("languages", "sds", "verdict"),
    [
        (("zh", "en"), FALLING, "supported"),
        (("zh",), FALLING, "not testable here"),  # the paper says both languages
        (("zh", "en"), dict.fromkeys(FALLING, 400.0), "not supported"),
        (("zh", "en"), {**FALLING, "cw_1k": 5000, "cw": 100}, "not supported"),
    ],
)
def test_spread_is_asked_over_five_configurations_and_both_languages(
    languages: tuple[str, ...], sds: dict[str, float], verdict: str
) -> None:
    told = own_scores.spread(lengths(languages, sds))
    assert told is not None
    assert told.verdict == verdict


def test_spread_needs_all_five() -> None:
    four = {v: sd for v, sd in FALLING.items() if v != "g"}
    assert own_scores.spread(lengths(("zh", "en"), four)) is None
    assert own_scores.spread(lengths(("zh", "en"), FALLING, prompts=9)) is None


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [((12, 2, 1, 1, 1), "supported"), ((1, 2, 1, 1, 12), "not supported"), ((1, 1, 1, 1), None)],
)
def test_confusion_is_correlated_over_the_five_configurations(
    counts: tuple[int, ...], verdict: str | None
) -> None:
    rows = [
        Score(v, f"en-x-{i}", "language_confusion_any", float(i < count), "scored")
        for v, count in zip(own_scores.CONFIGURATIONS, counts, strict=False)
        for i in range(100)
    ]
    told = own_scores.confusion_trend(together([], rows, []))
    assert (told and told.verdict) == verdict


def ranked(agree: int, prompts: int = 40) -> Runs:
    """Rankings by two people, who reverse each other on all but ``agree`` prompts."""
    order = ["a", "b", "c"]
    votes = [
        Ballot(
            f"{q}{r}",
            "s",
            "ranking",
            f"zh-x-{q}",
            f"zh-x-{q}",
            r,
            0,
            tuple(order),
            json.dumps(order if r == "x" or q < agree else order[::-1]),
        )
        for q in range(prompts)
        for r in "xy"
    ]
    return together([], [], votes)


@pytest.mark.parametrize(("agree", "verdict"), [(40, "supported"), (30, "not supported")])
def test_agreement_is_read_from_rankings_too(agree: int, verdict: str) -> None:
    told = own_scores.agreed(ranked(agree))
    assert told is not None
    assert told.verdict == verdict
    assert "rankings" in told.reason.en


def test_only_one_needs_the_others_shown_not_to_be_better() -> None:
    """At exactly half of 204 a lead of five points is not excluded; at half of 900 it is."""
    others = {"cw": (70, 204), "cw_1k": (80, 204), "cw_5k": (102, 204)}
    assert not_better(others) == ["cw", "cw_1k"]
    assert only(["cw_10k"], not_better(others)) == "not testable here"
    plenty = not_better({**others, "cw_5k": (450, 900)})
    assert only(["cw_10k"], plenty) == "supported"
    assert only(["cw_10k", "cw_5k"], []) == "not supported"
    assert only([], plenty) == "not testable here"


def measured(metric: str, language: str, leads: dict[str, float], prompts: int = 12) -> list[Score]:
    """Scores of models around 0.3 and what each leads by."""
    noise = np.random.default_rng(1).normal(0, 0.02, (len(leads), prompts))
    return [
        Score(v, f"{language}-x-{i}", metric, 0.3 + lead + noise[k, i], "scored")
        for k, (v, lead) in enumerate(leads.items())
        for i in range(prompts)
    ]


DEEP, REFLECT = "reasoning_deep_reasoning", "reasoning_self_reflection"
EXPLORE = "reasoning_self_exploration"
CREATIVE = dict.fromkeys(MIXED, 0.0)


@pytest.mark.parametrize(
    ("claim", "scores", "verdict"),
    [
        ("disconnected", [("disconnected", "zh", {"g": 0.2, "cw_10k": 0.0})], "supported"),
        ("disconnected", [("disconnected", "zh", {"g": 0.0, "cw_10k": 0.2})], "not supported"),
        ("unformatted", [("readable_share", "zh", {"cw": 0.0, "cw_10k": 0.2, "g": 0.2})], "supported"),
        ("unformatted", [("readable_share", "zh", {"cw": 0.0, "cw_10k": 0.2, "g": 0.0})], "not supported"),
        ("reasoning-zh", [(DEEP, "zh", {"g": 0.0, "cw_10k": 0.2}), (EXPLORE, "zh", {"g": 0.0, "cw_10k": 0.2})], "supported"),
        ("reasoning-zh", [(DEEP, "zh", {"g": 0.0, "cw_10k": 0.2}), (EXPLORE, "zh", {"g": 0.2, "cw_10k": 0.0})], "not supported"),
        ("reasoning-en", [(DEEP, "en", {"g": 0.2, **CREATIVE}), (REFLECT, "en", {"g": -0.2, **CREATIVE})], "supported"),
        ("reasoning-en", [(DEEP, "en", {"g": 0.2, **CREATIVE}), (REFLECT, "en", {"g": 0.0, **CREATIVE})], "not supported"),
    ],
)  # fmt: skip
def test_what_outputs_look_like_is_asked_by_prompt(
    claim: str, scores: list[tuple[str, str, dict[str, float]]], verdict: str
) -> None:
    rows = [row for kind in scores for row in measured(*kind)]
    assert own.findings(together([], rows, []))[claim].verdict == verdict


def test_a_lead_needs_ten_prompts_that_both_answered() -> None:
    leads = {"g": 0.2, "cw_10k": 0.0}
    nine = together([], measured("disconnected", "zh", leads, 9), [])
    assert own.findings(nine)["disconnected"].verdict == "not testable here"
    alone = together([], measured("disconnected", "zh", {"g": 0.0}), [])
    assert "disconnected" not in own.findings(alone)


def test_idioms_are_asked_of_slogans_alone() -> None:
    rows = measured("idiom_density", "zh", {"cw_10k": 0.2, "g": 0.0})
    answers = [
        generation("g", f"zh-x-{i}", "一篇。", genre=("slogan", "essay")[i > 10]) for i in range(12)
    ]
    told = own.findings(together(answers, rows, []))["slogans"]
    assert (told.verdict, told.n) == ("supported", 11)
