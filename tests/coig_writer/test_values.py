"""Triplet, quality gate, generation, ballot: the small values of the ground floor."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer import ballot, document, taxonomy, triplet
from coig_writer.ballot import Ballot
from coig_writer.errors import InputError
from coig_writer.generation import split
from coig_writer.record import from_row, to_row
from coig_writer.triplet import Triplet

TRIPLET = Triplet(
    "a", "写", "想", "文", "novel", "wuxia", "武侠小说", "zh", "s", "CC0-1.0", "sample"
)


def test_a_sound_triplet_passes_and_an_unsound_one_is_named():
    names = taxonomy.published()
    assert triplet.check(TRIPLET, names) is TRIPLET
    with pytest.raises(InputError, match="triplet a: reasoning is empty"):
        triplet.check(dataclasses.replace(TRIPLET, reasoning=" \n"), names)
    with pytest.raises(InputError, match="does not go with category 'poetry'"):
        triplet.check(dataclasses.replace(TRIPLET, category="poetry"), names)
    triplet.check(dataclasses.replace(TRIPLET, category=None, genre=None, genre_zh=None), names)


@given(reasoning=st.text(min_size=1), article=st.text(min_size=1))
def test_the_assistant_turn_comes_apart_as_it_was_joined(reasoning, article):
    clean = all(
        mark not in text for text in (reasoning, article) for mark in ("<think>", "</think>")
    )
    if clean and reasoning.strip() and article.strip():
        parts = split(triplet.assistant_turn(reasoning, article))
        assert (parts.reasoning, parts.article, parts.state) == (
            reasoning.strip(),
            article.strip(),
            "closed",
        )


@pytest.mark.parametrize(
    ("text", "reasoning", "article", "state"),
    [
        ("<think>\n想\n</think>\n\n文", "想", "文", "closed"),
        ("想\n</think>\n\n文", "想", "文", "closed"),
        ("<think>想到一半", "想到一半", "", "unterminated"),
        ("直接写", None, "直接写", "absent"),
        ("<think>想</think>文</think>尾", "想", "文</think>尾", "closed"),
        ("", None, "", "absent"),
        ("<THINKING>想</Thinking>文", "想", "文", "closed"),
        ("◁think▷想◁/think▷文", "想", "文", "closed"),
        ("[THINK]想[/THINK]文", "想", "文", "closed"),
        (
            "<|begin_of_thought|>想<|end_of_thought|><|begin_of_solution|>文<|end_of_solution|>",
            "想",
            "文",
            "closed",
        ),
        ("<think>甲<think>乙</think>丙</think>文", "甲\n\n乙\n\n丙", "文", "closed"),
        ("甲<think>乙</think>丙</think>文", "甲\n\n乙\n\n丙", "文", "closed"),
        ("<think>甲</think>文<thought>乙</thought>尾", "甲\n\n乙", "文\n\n尾", "closed"),
        ("<think>甲</think>文<think>乙", "甲\n\n乙", "文", "unterminated"),
        ("<think>甲<think>乙</think>丙", "甲\n\n乙\n\n丙", "", "unterminated"),
        ("好的。<think>想</think>文", "想", "好的。\n\n文", "closed"),
        ("屏幕上写着“<think>”三个字。", None, "屏幕上写着“<think>”三个字。", "absent"),
        ("<think>\n\n</think>\n\n文", "", "文", "closed"),
        ("<think >想</think\n>文", "想", "文", "closed"),
        (
            "<|channel|>analysis<|message|>想<|end|><|start|>assistant<|channel|>final<|message|>文<|return|>",
            "想",
            "文",
            "closed",
        ),
        ("<|start|>assistant<|channel|>analysis<|message|>想", "想", "", "unterminated"),
    ],
)
def test_reasoning_is_told_from_article(text, reasoning, article, state):
    parts = split(text)
    assert (parts.reasoning, parts.article, parts.state) == (reasoning, article, state)


def scores(*values):
    return document.QualityScores(*values)


@pytest.mark.parametrize(
    ("values", "keep", "reason"),
    [
        ((9, 9, 8, 8, 8, 8), True, "passed"),
        ((8, 8, 8, 8, 8, 8), False, "sum_below_50"),
        ((9, 8, 8, 8, 8, 8), False, "sum_below_50"),
        ((10, 10, 10, 10, 10, 7), False, "reasoning_creativity_below_8"),
        ((10, None, 10, 10, 10, 7), None, "unscored_article_creativity"),
    ],
)
def test_the_quality_gate(values, keep, reason):
    assert document.decide(scores(*values)) == document.Decision(keep, reason)


@given(st.tuples(*[st.integers(8, 10)] * 6))
def test_with_each_at_least_eight_only_48_and_49_fail(values):
    assert document.decide(scores(*values)).keep == (sum(values) not in (48, 49))


def vote(protocol, shown, verdict):
    return Ballot("b", "s", protocol, "i", "q", "r", 0, shown, verdict)


@pytest.mark.parametrize(
    ("protocol", "shown", "verdict"),
    [
        ("pairwise", ("x", "y"), '"tie"'),
        ("pairwise", ("x", "y"), '"skip"'),
        ("ranking", ("x", "y", "z"), '["z", ["x", "y"]]'),
        ("rating", ("x",), '{"content_quality": 3}'),
    ],
)
def test_verdicts_that_fit(protocol, shown, verdict):
    assert ballot.check(vote(protocol, shown, verdict))


def test_a_ballot_names_the_sample_and_an_old_one_is_on_the_first():
    second = dataclasses.replace(vote("ranking", ("x", "y", "z"), '["z", "x", "y"]'), sample=1)
    assert {pair.sample for pair in ballot.comparisons(ballot.check(second))} == {1}
    row = to_row(second)
    assert from_row(Ballot, row, "row 1") == second
    del row["sample"]
    assert from_row(Ballot, row, "row 1").sample == 0
    with pytest.raises(InputError, match="sample -1 is below 0"):
        ballot.check(dataclasses.replace(second, sample=-1))


@pytest.mark.parametrize(
    ("protocol", "shown", "verdict"),
    [
        ("pairwise", ("x", "y"), "left"),
        ("pairwise", ("x", "y"), '"draw"'),
        ("pairwise", ("x", "x"), '"left"'),
        ("ranking", ("x", "y", "z"), '["z", "x"]'),
        ("ranking", ("x", "y", "z"), '["z", "x", "x"]'),
        ("rating", ("x",), '{"content_quality": 4}'),
        ("rating", ("x",), '{"charm": 2}'),
        ("rating", ("x",), '{"content_quality": true}'),
    ],
)
def test_verdicts_that_do_not_fit(protocol, shown, verdict):
    with pytest.raises(InputError, match="ballot b"):
        ballot.check(vote(protocol, shown, verdict))


def test_pairs_out_of_ballots():
    pairs = ballot.comparisons(vote("ranking", ("x", "y", "z"), '["z", ["x", "y"]]'))
    assert {(p.left, p.right): p.outcome for p in pairs} == {
        ("z", "x"): 1.0,
        ("z", "y"): 1.0,
        ("x", "y"): 0.5,
    }
    assert ballot.comparisons(vote("pairwise", ("x", "y"), '"right"'))[0].outcome == 0.0
    assert ballot.comparisons(vote("pairwise", ("x", "y"), '"both_bad"'))[0].outcome == 0.5
    assert ballot.comparisons(vote("pairwise", ("x", "y"), '"skip"')) == []
    assert ballot.comparisons(vote("rating", ("x",), '{"content_quality": 3}')) == []
