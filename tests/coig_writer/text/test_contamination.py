"""Overlap with the benchmark, on both sides of its edges."""

from __future__ import annotations

import dataclasses

import pytest

from coig_writer import benchmark
from coig_writer.text import contamination
from coig_writer.text.contamination import contaminated
from coig_writer.text.ngrams import GRAM
from coig_writer.text.normalise import reduced


def distinct(start: int, count: int) -> str:
    """Han characters that all differ."""
    return "".join(chr(0x4E00 + start + i) for i in range(count))


@pytest.fixture
def one_query(monkeypatch: pytest.MonkeyPatch):
    """A benchmark of one query in each language: 22 different characters, and 59 letters."""
    zh, en = benchmark.queries("zh")[0], benchmark.queries("en")[0]
    english = "".join(chr(0x4F00 + i) for i in range(59))
    own = {"zh": dataclasses.replace(zh, query=distinct(0, 22)), "en": dataclasses.replace(en, query=english)}  # fmt: skip
    monkeypatch.setattr(benchmark, "queries", lambda language: (own[language],))
    contamination._known.cache_clear()
    yield own
    contamination._known.cache_clear()


@pytest.mark.parametrize(
    ("language", "held", "found"),
    [
        ("zh", 16, False),  # 4 of 10 13-grams
        ("zh", 17, True),  # 5 of 10: half
        ("en", 48, False),  # 9 of 20 40-grams
        ("en", 49, True),  # 10 of 20
    ],
)
def test_half_of_a_querys_ngrams_is_too_many(one_query, language, held, found) -> None:
    query = one_query[language]
    verdict = contaminated("甲" + query.query[:held] + "乙")
    assert (verdict is not None) == found
    if verdict:
        assert (verdict.rule, verdict.of) == ("contaminated", query.id)
        assert verdict.evidence.startswith("5 of 10 " if language == "zh" else "10 of 20 ")


def test_the_query_repeated_most_is_named() -> None:
    first, second = benchmark.queries("zh")[:2]
    half = first.query[: int(len(first.query) * 0.7)]
    for text, query in ((half, first), (half + "另：" + second.query, second)):
        verdict = contaminated(text)
        assert verdict is not None
        assert verdict.of == query.id


def test_ordinary_prompts_are_not_called_contaminated() -> None:
    assert contaminated("") is None
    assert contaminated("请写一篇不少于八百字的记叙文，题目自拟。") is None
    assert contaminated("Write a short story about a lighthouse keeper.") is None


def test_every_query_of_the_benchmark_finds_itself() -> None:
    for language in benchmark.LANGUAGES:
        for query in benchmark.queries(language):
            assert len(reduced(query.query)) > GRAM[language]
            verdict = contaminated(query.query)
            assert verdict is not None
            assert verdict.of == query.id


def test_a_query_in_the_other_script_is_found() -> None:
    from opencc import OpenCC

    query = benchmark.queries("zh")[0]
    other = OpenCC("s2t").convert(query.query)
    assert other != query.query
    verdict = contaminated(other)
    assert verdict is not None
    assert verdict.of == query.id
