"""Bounds at which the report says that something is too little, on both sides of their edges."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from coig_writer.ballot import Ballot
from coig_writer.generation import Sampling
from coig_writer.score import Score
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.report import figures, page
from eval_tasks.report.analysis import analyse
from eval_tasks.report.decided import decided
from eval_tasks.report.figures import Figure
from eval_tasks.report.gallery import gallery
from eval_tasks.report.tables import measures
from eval_tasks.runs import Runs, together
from tests.generations import generation


def reasoned(paragraphs: int) -> Runs:
    reasoning = "\n\n".join(["先想一想。"] * paragraphs)
    return together([generation("cw", "zh-essay-1", f"<think>{reasoning}</think>文。")], [], [])


@pytest.mark.parametrize(("paragraphs", "drawn"), [(29, False), (30, True)])
def test_a_profile_needs_thirty_paragraphs(
    paragraphs: int, drawn: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(figures, "draw", lambda name, caption, *_: Figure(name, caption, ""))
    runs = reasoned(paragraphs)
    assert ("reasoning" in gallery(runs, analyse(runs, "zh"), tmp_path)) == drawn


@pytest.mark.parametrize(("limit", "smoke"), [(199, True), (200, False)])
def test_answers_cut_below_200_tokens_are_called_smoke(limit: int, smoke: bool) -> None:
    sampling = Sampling(0.7, 0.9, limit)
    answer = dataclasses.replace(generation("cw", "zh-essay-1", "文。"), sampling=sampling)
    runs = together([answer], [], [])
    html = page.render(runs, {"zh": analyse(runs, "zh")}, {"zh": {}}, "command")
    assert ("Smoke-scale" in html) == smoke


def test_a_mean_over_one_prompt_is_shown_without_an_interval_and_never_certain_over_more() -> None:
    scores = [Score("cw", f"zh-essay-{i}", "ttr", 1.0, "scored") for i in range(12)]
    one, many = together([], scores[:1], []), together([], scores, [])
    found = measures(one, "ttr", "zh")["cw"]
    assert (found.mean, found.n, found.interval) == (1.0, 1, None)
    interval = measures(many, "ttr", "zh")["cw"].interval
    assert interval is not None
    assert interval.low == pytest.approx(12 / (12 + 3.841459), abs=1e-6)


def test_a_metric_is_of_the_answers_that_people_saw() -> None:
    """On the first prompt they voted on sample 1, on the second on both, on the third on none."""
    scores = [
        Score("g", f"zh-essay-{q}", "chars", 100.0 * q + s, "scored", sample=s)
        for q in range(3)
        for s in range(2)
    ]
    votes = [
        Ballot(f"{q}{s}", "s", "rating", "i", f"zh-essay-{q}", "r", 0, ("g",), '"skip"', sample=s)
        for q, s in ((0, 1), (1, 0), (1, 1))
    ]
    values = together([], scores, votes).values("chars", "zh")
    assert values == {"g": {"zh-essay-0": 1.0, "zh-essay-1": 100.5, "zh-essay-2": 200.0}}


def preferred(wins: int, n: int, languages: tuple[Language, ...] = ("zh",)) -> Text:
    votes = [
        Ballot(
            f"{x}{i}", "s", "pairwise", f"{x}-e-{i}", f"{x}-e-{i}", "r", 0, ("a", "b"), f'"{side}"'
        )
        for x in languages
        for i, side in enumerate(["left"] * wins + ["right"] * (n - wins))
    ]
    runs = together([], [], votes)
    return decided({x: analyse(runs, x) for x in languages})


def test_the_first_sentence_says_what_was_decided() -> None:
    assert preferred(25, 30).en.startswith("1 of 1 pairs of models is decided: a over b (83.3")
    assert preferred(15, 30).en == "The one pair of models is not decided."
    both = preferred(25, 30, ("zh", "en"))
    assert both.en.startswith("Chinese: 1 of 1")
    assert "英文：1 个对比中有 1 个" in both.zh
    assert decided({}).en == "Nothing is decided: there are no votes yet."


def test_only_models_with_votes_stand_in_the_table_and_a_thin_board_is_a_list() -> None:
    """Of 21 models, 20 pairs met of 210: a list. Two models that met are a matrix."""
    votes = [
        Ballot(
            f"{m}{i}", "s", "pairwise", f"{m}{i}", f"zh-e-{i}", "r", 0, ("a", f"m{m:02}"), '"left"'
        )
        for m in range(20)
        for i in range(3)
    ]
    unvoted = [Score("silent", "zh-e-0", "chars", 9.0, "scored")]
    thin = analyse(together([], unvoted, votes), "zh").preference
    assert thin is not None
    assert not thin.dense
    assert "silent" not in thin.models
    assert len(thin.models) == 21
    pair = analyse(together([], unvoted, votes[:3]), "zh").preference
    assert pair is not None
    assert pair.dense
    assert pair.models == ("a", "m00")
