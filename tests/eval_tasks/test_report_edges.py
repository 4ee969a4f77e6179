"""Bounds at which the report says that something is too little, on both sides of their edges."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from coig_writer.generation import Sampling
from coig_writer.score import Score
from eval_tasks.report import figures, page
from eval_tasks.report.analysis import analyse
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
    html = page.render(runs, {"zh": analyse(runs, "zh")}, {"zh": {}}, [], "command")
    assert ("Smoke-scale" in html) == smoke


def test_a_mean_over_one_prompt_is_shown_without_an_interval_and_never_certain_over_more() -> None:
    scores = [Score("cw", f"zh-essay-{i}", "ttr", 1.0, "scored") for i in range(12)]
    one, many = together([], scores[:1], []), together([], scores, [])
    found = measures(one, "ttr", "zh")["cw"]
    assert (found.mean, found.n, found.interval) == (1.0, 1, None)
    interval = measures(many, "ttr", "zh")["cw"].interval
    assert interval is not None
    assert interval.low == pytest.approx(12 / (12 + 3.841459), abs=1e-6)
