"""Lexical diversity against lexicalrichness, and by hand."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.metrics.lexical import (
    hdd,
    moving_average_ttr,
    mtld,
    type_token_ratio,
    type_token_ratio_first,
)

TOKENS = st.lists(st.sampled_from("abcdefghijklmnopqrst"), min_size=1, max_size=120)


def oracle(tokens: list[str]):
    """The public package on exactly these tokens."""
    package = pytest.importorskip("lexicalrichness")
    return package.LexicalRichness(tokens, preprocessor=None, tokenizer=None)


def zipf(length: int, seed: int) -> list[str]:
    source = random.Random(seed)
    return [f"w{int(source.paretovariate(0.8))}" for _ in range(length)]


@pytest.mark.parametrize("length", [50, 333, 1600])
def test_all_measures_equal_the_public_package(length: int) -> None:
    tokens = zipf(length, length)
    public = oracle(tokens)
    assert type_token_ratio(tokens) == pytest.approx(public.ttr)
    assert moving_average_ttr(tokens, 50) == pytest.approx(public.mattr(window_size=50))
    assert mtld(tokens) == pytest.approx(public.mtld(threshold=0.72))
    assert hdd(tokens) == pytest.approx(public.hdd(draws=42))


@given(TOKENS)
def test_mtld_equals_the_public_package_on_any_tokens(tokens: list[str]) -> None:
    public = oracle(tokens)
    try:
        expected = public.mtld(threshold=0.72)
    except UnboundLocalError:
        return
    assert mtld(tokens) == pytest.approx(expected)


def test_mtld_states_its_remainder_rule() -> None:
    assert mtld(["a"] * 4) == 2.0  # two factors of two tokens, no remainder
    assert mtld(list("abcde")) == 5.0  # no factor, no repetition: its length
    # forward: factor after a a, remainder of "b" adds nothing; backward: b a a, TTR 2/3, one factor
    assert mtld(["a", "a", "b"]) == 3.0


def test_windows() -> None:
    assert moving_average_ttr(list("aab"), 2) == pytest.approx((0.5 + 1) / 2)
    assert moving_average_ttr(list("ab"), 3) is None
    assert type_token_ratio_first(list("aabb"), 2) == 0.5
    assert type_token_ratio_first(list("a"), 2) is None


def test_hdd_is_the_expected_ttr_of_a_draw() -> None:
    tokens = ["a"] * 30 + ["b"] * 10 + ["c"] * 5
    source = random.Random(1)
    drawn = [len(set(source.sample(tokens, 42))) / 42 for _ in range(4000)]
    assert hdd(tokens) == pytest.approx(math.fsum(drawn) / len(drawn), abs=2e-3)


def test_nothing_has_no_diversity() -> None:
    assert type_token_ratio([]) is None
    assert mtld([]) is None
    assert hdd([]) is None
    assert moving_average_ttr([], 50) is None


@given(TOKENS, st.permutations("abcdefghijklmnopqrst"))
def test_renaming_the_words_changes_nothing(tokens: list[str], names: list[str]) -> None:
    renamed = [names["abcdefghijklmnopqrst".index(t)] for t in tokens]
    for measure in (type_token_ratio, mtld, lambda t: moving_average_ttr(t, 10)):
        assert measure(tokens) == measure(renamed)


def test_hdd_needs_forty_two_tokens() -> None:
    assert hdd(["雨"] * 41) is None
    assert hdd(["雨"] * 42) == pytest.approx(1 / 42)
