"""Six scores: the gate at its borders, and leakage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.document import Document, Dropped
from coig_writer.workbench.prompts import Answer
from dataset_builder.stages import score


@given(st.integers(1, 10), st.floats(0, 1))
def test_leakage_lowers_and_never_raises(points, leak):
    assert 1 <= score.lowered(points, leak) <= points
    assert score.lowered(points, 1.0) <= score.lowered(points, leak)


def test_leakage_counts_copied_wording():
    article = "她有一把刀，刀尖磨掉了，只剩半截，她说正好。"
    assert score.leakage(article, article) == 1.0
    assert score.leakage("写一位靠手艺吃饭的长辈，不要抒情。", article) == 0.0


@pytest.mark.parametrize(
    ("leak", "points"),
    [(0.0499, 10), (0.05, 9), (0.1499, 9), (0.15, 8), (0.2999, 8), (0.30, 6)],
)
def test_leakage_costs_points_from_5_15_and_30_percent(leak, points):
    assert score.lowered(10, leak) == points


def test_leakage_of_the_shortest_prompt_that_can_leak():
    article = "刀尖磨掉了只剩半截"
    assert score.leakage("刀尖磨掉了只剩", article) == 0.0  # 7 characters: no 8-gram
    assert score.leakage("刀尖磨掉了只剩半", article) == 1.0  # one 8-gram, copied


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((8, 8, 8, 8, 9, 9), None),  # 50
        ((8, 8, 8, 8, 8, 9), "sum_below_50"),  # 49
        ((10, 10, 10, 10, 10, 8), None),
        ((10, 10, 10, 10, 10, 7), "reasoning_creativity_below_8"),
        ((10, 10, 7, 10, 10, 10), "prompt_quality_below_8"),
    ],
)
def test_each_score_at_least_8_and_50_together(given, reason):
    kinds = ("quality", "creativity")
    answers = {
        part: Answer(dict(zip(kinds, given[2 * i : 2 * i + 2], strict=True)), "", "answered")
        for i, part in enumerate(score.PARTS)
    }
    document = Document("d", "她有一把刀。", prompt="写一位长辈。", reasoning="想")
    outcome = score.by_scores(document, answers, "m")
    assert (outcome.reason if isinstance(outcome, Dropped) else None) == reason
