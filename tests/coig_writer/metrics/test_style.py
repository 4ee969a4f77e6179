"""Style metrics; self-BLEU against nltk."""

from __future__ import annotations

import random

import pytest

from coig_writer.metrics.style import (
    compression_ratio,
    idiom_density,
    overuse,
    repetition,
    self_bleu,
    worn_density,
    worn_phrases,
)


def texts(seed: int, count: int = 7) -> list[list[str]]:
    source = random.Random(seed)
    return [
        [f"w{int(source.paretovariate(1.1))}" for _ in range(source.randrange(4, 60))]
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_self_bleu_equals_nltk(seed: int) -> None:
    bleu = pytest.importorskip("nltk.translate.bleu_score")
    given = texts(seed)
    method = bleu.SmoothingFunction(epsilon=0.1).method1
    expected = [
        bleu.sentence_bleu(given[:i] + given[i + 1 :], text, smoothing_function=method)
        for i, text in enumerate(given)
    ]
    assert self_bleu(given) == pytest.approx(expected)


def test_self_bleu_of_copies_is_one_and_of_one_text_missing() -> None:
    same = list("abcdef")
    assert self_bleu([same, same]) == pytest.approx([1, 1])
    assert self_bleu([same]) == [None]
    assert self_bleu([]) == []
    assert self_bleu([["a"], same])[0] is None


def test_a_phrase_in_three_answers_is_overused() -> None:
    given = [list("abcdxy"), list("abcdz"), list("qabcd"), list("mnop"), ["m"]]
    assert overuse(given) == pytest.approx([1 / 3, 1 / 2, 1 / 2, 0, None])
    assert overuse(given[:2]) == [None, None]


def test_repetition() -> None:
    assert repetition(list("abcd")) == 0
    assert repetition(list("abcdabcd")) == pytest.approx(1 - 4 / 5)
    assert repetition(list("abc")) is None


def test_repetition_compresses() -> None:
    varied, repeated = compression_ratio("春风又绿江南岸"), compression_ratio("春风又绿" * 50)
    assert varied is not None
    assert repeated is not None
    assert repeated > 5 * varied
    assert compression_ratio("") is None


def test_idioms_are_the_dictionarys() -> None:
    assert idiom_density(["小心翼翼", "推开", "千钧一发", "房门"]) == 50
    assert idiom_density([]) is None


def test_worn_phrases_are_counted_per_thousand_characters() -> None:
    assert worn_density("他深吸一口气" + "字" * 94, "zh") == 10
    assert worn_density("She couldn’t help but " + "x" * 82, "en") == 10
    assert worn_density("  ", "en") is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_lists_hold_each_phrase_once_in_lower_case(language) -> None:
    result = worn_phrases(language)
    assert len(result) == len(set(result)) > 50
    assert all(p == p.casefold().strip() and "’" not in p for p in result)


def test_a_phrase_in_three_answers_is_overused_and_in_two_is_not() -> None:
    same, own = list("一二三四"), list("甲乙丙丁")
    assert overuse([same, same, same, own]) == [1, 1, 1, 0]
    assert overuse([same, same, own, list("戊己庚辛")]) == [0, 0, 0, 0]
    assert overuse([same, same]) == [None, None]
