"""Runs that one text has from another."""

from __future__ import annotations

import pytest

from coig_writer.text.copying import copied

ARTICLE = "大姨在码头剖墨鱼，刀尖磨掉半截，墨囊破一个扣五分。"


@pytest.mark.parametrize(("text", "letters"), [("刀尖磨掉半截墨", []), ("刀尖磨掉半截墨囊", [8])])
def test_eight_letters_are_a_run_and_seven_are_none(text, letters):
    assert [run.letters for run in copied(text, ARTICLE)] == letters


def test_punctuation_and_width_hide_nothing_and_places_are_of_the_texts():
    text = "写：刀尖、磨掉——半截墨囊破，的人"
    (run,) = copied(text, ARTICLE)
    assert text[run.start : run.end] == "刀尖、磨掉——半截墨囊破"
    assert ARTICLE[run.source_start : run.source_end] == "刀尖磨掉半截，墨囊破"


def test_the_longest_comes_first_and_none_overlap():
    text = "刀尖磨掉半截墨囊。大姨在码头剖墨鱼刀尖磨"
    runs = copied(text, ARTICLE)
    assert [run.letters for run in runs] == [11, 8]
    assert runs[1].end <= runs[0].start


def test_of_two_places_the_longer_shared_run_is_shown():
    source = "一二三四五六七八九。一二三四五六七八甲乙丙"
    (run,) = copied("一二三四五六七八甲乙", source)
    assert (run.letters, source[run.source_start : run.source_end]) == (10, "一二三四五六七八甲乙")


def test_a_text_of_one_word_repeated_is_not_a_square():
    assert copied("啊" * 4000, "啊" * 31_071)[0].letters == 4000


@pytest.mark.parametrize(
    ("text", "source"), [("", ""), ("短", ARTICLE), (ARTICLE, ""), ("🙂" * 9, "🙂" * 9)]
)
def test_nothing_to_find_is_nothing(text, source):
    assert copied(text, source) == ()
