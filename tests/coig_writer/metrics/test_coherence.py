"""Paragraphs and what they share."""

from __future__ import annotations

import pytest

from coig_writer.metrics.coherence import (
    adjacent_cohesion,
    content_words,
    disconnected,
    names,
    paragraphs,
    readable_share,
    reuse,
)


def test_paragraphs_are_blocks_or_lines() -> None:
    assert paragraphs("a\nb\n\nc\n") == ["a\nb", "c"]
    assert paragraphs("a\n b \nc") == ["a", "b", "c"]
    assert paragraphs("a\n　 \nb") == ["a", "b"]
    assert paragraphs(" \n ") == []


def test_content_words_leave_short_ones_out() -> None:
    assert content_words("他在厨房，切萝卜", "zh") == ["厨房", "萝卜"]
    assert content_words("He cut the turnips in a small kitchen", "en") == [
        "turnips",
        "small",
        "kitchen",
    ]


def test_names_are_found_inside_sentences() -> None:
    assert names("Anna met Ben. Then she left for Leeds, and Ben stayed.", "en") == [
        "Ben",
        "Leeds",
        "Ben",
    ]
    assert names("他从北京去上海", "zh") == ["北京", "上海"]


def test_cohesion_of_like_and_unlike_blocks() -> None:
    assert adjacent_cohesion([["rain"], ["rain"]]) == 1
    assert adjacent_cohesion([["rain"], ["snow"]]) == 0
    assert adjacent_cohesion([["rain", "door"], ["rain"]]) == pytest.approx(0.5**0.5)
    assert adjacent_cohesion([["rain"], []]) == 0
    assert adjacent_cohesion([["rain"]]) is None
    assert disconnected([["a"], ["a", "b"], ["c"]]) == 0.5
    assert disconnected([["a"]]) is None


def test_reuse_counts_words_that_came_before() -> None:
    assert reuse([["a", "b"], ["a", "c"], ["c", "d"]]) == 0.5
    assert reuse([["a"], []]) is None
    assert reuse([["a", "a"]]) is None


def test_one_long_block_is_not_readable() -> None:
    assert readable_share("字" * 401, "zh") == 0
    assert readable_share("字" * 300 + "\n\n" + "字" * 700, "zh") == 0.3
    assert readable_share("", "zh") is None
