"""The fast path gives jieba's tokens."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.metrics import tokens
from coig_writer.metrics.tokens import audit, segment_fast, segment_plain, tagged, tokenize

MIXED = st.text(
    st.one_of(
        st.sampled_from(
            "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动"
        ),
        st.sampled_from("abcXYZ019 ，。！？“”《》—…\n\r\t+#&._%-😀㐀\U00020001é"),
        st.characters(max_codepoint=0x9FFF, exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@pytest.fixture
def fast() -> None:
    pytest.importorskip("rjieba", reason="the fast path needs the package rjieba")


@pytest.mark.usefixtures("fast")
def test_the_first_text_of_a_process_is_cut_as_jieba_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """jieba reads its dictionary late; 正开 is a word of it, and so no unknown one."""
    jieba = tokens._jieba()
    monkeypatch.setattr(jieba.dt, "FREQ", {})
    monkeypatch.setattr(jieba.dt, "initialized", False)
    tokens._jieba.cache_clear()
    tokens._unknown.cache_clear()
    assert segment_fast("庙外梅花正开") == ["庙外", "梅花", "正", "开"]


@pytest.mark.usefixtures("fast")
@settings(max_examples=400)
@given(MIXED)
def test_the_fast_path_cuts_as_jieba_does(text: str) -> None:
    assert segment_fast(text) == segment_plain(text)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("text", ["常在牀蓐", "常在於險遠", "常在", "人常在此"])
def test_where_two_guesses_are_as_likely_jieba_decides(text: str) -> None:
    """As a word or as two characters: equal to the last bit, and rjieba takes the other one."""
    assert segment_fast(text) == segment_plain(text)
    assert tokens._rjieba().cut("常在牀蓐") != segment_plain("常在牀蓐")


@pytest.mark.usefixtures("fast")
def test_pieces_of_real_text_in_any_order_are_cut_as_jieba_does(root: Path) -> None:
    lines = (root / "dataset_builder" / "sample" / "raw_texts.jsonl").read_text("utf-8")
    han, rng = re.sub(r"[^\u4e00-\u9fd5]", "", lines) + "常在牀蓐於險遠", random.Random(0)
    for _ in range(3000):
        starts = [rng.randrange(len(han) - 9) for _ in range(rng.randint(1, 5))]
        text = "".join(han[i : i + rng.randint(1, 4)] for i in starts)
        assert segment_fast(text) == segment_plain(text)


@pytest.mark.usefixtures("fast")
@settings(max_examples=400)
@given(st.lists(st.sampled_from([*"abcC#+&AT%._-019", "C++", "AT&T", "c#", "1.5%"])).map("".join))
def test_blocks_without_han_are_cut_as_jieba_does(text: str) -> None:
    assert segment_fast(text) == segment_plain(text)


@pytest.mark.usefixtures("fast")
def test_jieba_is_not_asked_about_a_run_of_latin_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks up each character: a megabyte of letters took half a minute."""
    segment_fast("热身 abc")
    monkeypatch.setattr(tokens._jieba(), "lcut", lambda block: pytest.fail(f"asked of {block!r}"))
    assert segment_fast("春风 " + "abc" * 9 + "，3.5%") == ["春风", " ", "abc" * 9, "，", "3.5%"]


@pytest.mark.usefixtures("fast")
def test_the_fast_path_cuts_the_benchmark_as_jieba_does() -> None:
    from coig_writer.benchmark import queries

    for query in queries("zh"):
        assert segment_fast(query.query) == segment_plain(query.query)


@pytest.mark.usefixtures("fast")
def test_an_audit_finds_a_segmenter_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["今天天气很好", "abc", "我们一起去看海"]
    assert audit(texts).differing == ()
    assert audit(texts).texts == 3

    class Broken:
        cut: ClassVar[Any] = staticmethod(lambda text, _hmm: [text])

    monkeypatch.setattr(tokens, "_rjieba", lambda: Broken)
    assert audit(texts).differing == (0, 2)


def test_without_the_package_jieba_cuts_and_there_is_nothing_to_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "_rjieba", lambda: None)
    assert tokens.segment("今天天气很好") == segment_plain("今天天气很好")
    assert audit(["今天"]).texts == 0


def test_punctuation_is_no_token_and_case_does_not_count() -> None:
    assert tokenize("春风，又绿 APP！", "zh") == ["春风", "又", "绿", "app"]
    assert tokenize("Don't stop—the well-known Cat's 3 cats.", "en") == [
        "don't",
        "stop",
        "the",
        "well-known",
        "cat's",
        "3",
        "cats",
    ]


def test_the_dictionary_knows_idioms_and_places() -> None:
    assert "小心翼翼" in tagged("i")
    assert "北京" in tagged("ns")
    assert "北京" not in tagged("i")
