from __future__ import annotations

import pytest

from dataset_builder.audit import habits


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("写一首诗，不要押韵", True),
        ("写一首诗，别押韵", True),
        ("忌用典", True),
        ("避免书面腔", True),
        ("笑话别人的诗", False),
        ("特别想要一首诗", False),
        ("个别地方要改，级别不限", False),
        ("写一首押韵的诗", False),
    ],
)
def test_chinese_words_that_forbid(text, found):
    assert habits.forbids()(text) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A poem. No roses, please.", True),
        ("A poem, and don't rhyme it", True),
        ("Avoid the word love", True),
        ("spoke some French, no one knows why", False),
        ("A poem of no more than ten lines", False),
        ("I don’t mind either way", True),  # narrow words, and this one is wrong
        ("A poem about a dog", False),
    ],
)
def test_english_words_that_forbid(text, found):
    assert habits.forbids("en")(text) is found


def test_a_length_is_a_number_of_characters_words_or_lines():
    zh = habits.counts()
    assert [zh(t) for t in ("八百字左右", "36行以内", "字数不限", "千把字", "十条标语")] == [
        *(True,) * 4,
        False,
    ]
    en = habits.counts("en")
    assert [en(t) for t in ("About 500 words", "20 lines", "ten minutes")] == [True, True, False]


def test_what_a_reasoning_tells():
    assert habits.cuts("写了半段，删了")
    assert not habits.cuts("先想清楚谁在读")
    assert habits.closes_on_the_ending("先想人。\n再想事。\n停在门口。")
    assert not habits.closes_on_the_ending("停在门口。\n先想人。\n再想事。")


def test_a_short_plain_end_has_at_most_twenty_characters():
    twenty, more = (
        "一二三四五六七八九十一二三四五六七八九十",
        "一二三四五六七八九十一二三四五六七八九十一",
    )
    assert habits.ends_short(f"他走了很久。{twenty}。")
    assert not habits.ends_short(f"他走了很久。{more}。")
    assert habits.ends_short("她问：“去哪儿？”他说：“回家。”")
    assert not habits.ends_short("他走了！")


def test_shares_are_counted():
    assert habits.share(["不要", "要", "别"], habits.forbids()) == "2 of 3"
    assert habits.of_prompts("queries", ["Ten words, no more", "Hello"], "en") == {
        "queries that forbid": "1 of 2",
        "queries that name a length": "1 of 2",
    }
