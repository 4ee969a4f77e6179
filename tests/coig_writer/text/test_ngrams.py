"""Hashed n-grams: equal to sets of strings, and their edges."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.text.ngrams import GRAM, contained, grams, hashes, similarity, within
from coig_writer.text.normalise import reduced, repaired, torn

SHORT = st.text("ab字，A", max_size=30)


def strings(text: str, size: int) -> set[str]:
    flat = reduced(text)
    return {flat[i : i + size] for i in range(max(1, len(flat) - size + 1))} if flat else set()


@given(SHORT, SHORT)
def test_hashes_count_as_strings_do(first: str, second: str) -> None:
    a, b = strings(first, 4), strings(second, 4)
    own, other = grams(first, 4), grams(second, 4)
    assert (len(own), len(other)) == (len(a), len(b))
    assert int(within(own, other).sum()) == len(a & b)
    if a or b:
        assert similarity(own, other) == len(a & b) / len(a | b)


def test_a_text_shorter_than_an_ngram_is_its_own_only_one() -> None:
    assert len(hashes("字" * 3, 4)) == len(hashes("字" * 4, 4)) == 1
    assert len(hashes("字" * 5, 4)) == 2
    assert grams("，。", 4).size == 0
    assert not np.array_equal(hashes("字" * 3, 4), hashes("字" * 4, 4))


def test_a_part_is_found_whole_or_by_shares() -> None:
    assert GRAM == {"zh": 13, "en": 40}
    digits = "一二三四五六七八九十甲乙丙丁"  # 14 characters, two 13-grams
    assert contained(digits, digits[:13], "zh") == 0.5
    assert contained(digits, digits[:12], "zh") == 0
    assert contained("三四，五", digits, "zh") == 1
    assert contained("", digits, "zh") == 0


def test_width_case_and_punctuation_do_not_hide_a_copy() -> None:
    assert reduced("Ａb—Ｃ， 雨_1") == "abc雨1"


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert torn("a\ud83d")
    assert not torn("a😀")
    assert repaired("a\ud83db") == "a\ufffdb"


@pytest.mark.parametrize("text", ["ΑΣ中ΣΑ", "é̂中́が㈱", "Ａb１，。 _中\ud83d한글", "", "，" * 9])
def test_a_text_is_reduced_between_its_han_characters_as_it_is_whole(text: str) -> None:
    whole = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
    assert reduced(text) == whole
