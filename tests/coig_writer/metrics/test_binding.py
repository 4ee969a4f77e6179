"""What a reasoning settles on, and whether articles hold it: the kit's 102 samples are the check."""

from __future__ import annotations

import dataclasses
import itertools
import statistics

import pytest
from scipy import stats

from coig_writer import taxonomy
from coig_writer.metrics import catalogue
from coig_writer.metrics.answer import Answer, answer
from coig_writer.metrics.binding import LONGEST, OTHERS, Holder, Item, beyond, kept, settled
from coig_writer.metrics.definition import NO_OTHER, NO_REASONING, NOTHING_SETTLED, Missing
from coig_writer.triplet import assistant_turn
from dataset_builder.packing import samples


def texts(reasoning: str, prompt: str = "", language: str = "zh") -> list[str]:
    return [i.text for i in settled(reasoning, prompt, "en" if language == "en" else "zh")]


def written(
    reasoning: str | None, article: str, prompt: str = "写", genre: str | None = "wuxia"
) -> Answer:
    turn = assistant_turn(reasoning, article)
    return answer(turn, language="zh", query_id="own", prompt=prompt, genre=genre)


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        ("师父名叫顾横，住在广武城，离关三百里。", ["顾横", "三百里"]),
        ("人物：罗老幺。", ["罗老幺"]),
        ("结尾写“门闩动了”，不要“从此以后”。", ["门闩动了"]),
        ("原想用“孝子”，太凶，换成“回来了”。", ["回来了"]),
        ("原想用“孝子”，太凶，删。", []),
        ("用汉字的“八公里”还是数字？", []),
        ("写三段，一千五百字，两个人物。", []),
        ("第三块牌子写8公里。", ["8公里"]),
        ("一把剑，一个人。", []),
        ("地方定在杭州，不写上海。", ["杭州"]),
        ("叫他写信，叫人害怕。", []),
        ("如果写“春风”，就像歌。", []),
        ("六点几的旧版用了三分之一，年三十那晚才修好。", []),
        ("二十三分之一，一换三分之二。", []),
        ("“走是上计”也可以挂，但多一枝就散，舍了。", []),
        ("升成“真渡口”的议论，忍住，让画面挨着。", []),
        ("正文五百二十字，超了一百多。", []),
        ("年三十岁，住三十里外。", ["三十岁", "三十里"]),
        ("60.9/76.4＝79.7；二十三除以二十四，三成六。", ["79.7", "三成"]),
        ("方言只用“恁、中、俺、弄啥”。", ["弄啥"]),
        ("“春、秋、一去不返的夏”。", ["春、秋、一去不返的夏"]),
        ("2023.3.5到12.10。", ["2023", "12.10"]),
        ("第一反应写“盲文”，但是不识，改成横棱。", []),
        ("连“有效交易”这些词一起拆掉。", []),
        ("把“责任”“信任”找出来看，都没有。", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_chinese_reasoning_settles_on(reasoning: str, expected: list[str]) -> None:
    assert texts(reasoning) == expected


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        ("The keeper is called Edda Moss, and she is sixty years old.", ["Edda Moss", "sixty years"]),
        ('I end on "the lamp is lit". Not on "forever".', ["the lamp is lit"]),
        ("At first I thought of forty lamps.", []),
        ("Should it be 1912?", []),
        ("Keep it to 800 words in three paragraphs.", []),
    ],
)  # fmt: skip
def test_what_an_english_reasoning_settles_on(reasoning: str, expected: list[str]) -> None:
    assert texts(reasoning, language="en") == expected


def test_what_the_prompt_holds_is_no_decision_of_the_reasoning() -> None:
    assert texts("剑客名叫顾横，走了８公里。", "写顾横走八公里的故事") == []


@pytest.mark.parametrize(
    ("decided", "article", "held"),
    [
        ("8公里", "前方八公里", True),
        ("8公里", "第8块牌子", False),  # a small number is looked for with what it counts
        ("12斤", "十二只", False),
        ("13斤", "十三只", True),  # from 13 on a value is its own sign
        ("一百二十斤", "羊一百二", True),
        ("二〇一二年", "2012年", True),
        ("三成六", "3.6", False),
        ("七斤半", "7斤", False),
        ("七斤半", "7.5斤", True),
        ("两块五", "2.5元", True),
        ("两块五", "两块", False),
        ("一米七二", "1.72", True),
        ("七天半夜里", "七天", True),
        ("170", "一七〇", True),
        ("3.6万元", "36000元", True),
        ("“你好，世界”", "他说：你好世界", True),
        ("“你好，世界”", "你好，新世界", False),
    ],
)
def test_where_an_item_stands(decided: str, article: str, held: bool) -> None:
    (item,) = settled(decided, "", "zh")[:1]
    assert Holder(article, "zh").holds(item) is held


def test_shares_by_hand() -> None:
    own = settled("叫“甲乙”，叫“丙丁”，叫“戊己”，叫“庚辛”。", "", "zh")
    other = settled("写“甲乙”，写“子丑”。", "", "zh")
    article = Holder("甲乙、丙丁、戊己", "zh")
    assert kept(own, article) == 0.75
    assert beyond(own, [other], article, Holder("", "zh")) == 0.25
    assert beyond(own, [other, []], article, Holder("甲乙", "zh")) == 0.75
    assert beyond(own, [[]], article, Holder("", "zh")) is None
    assert kept([], article) is None


@pytest.mark.parametrize(
    ("before", "gain"),
    [
        (19, 0.95),
        (20, 1.0),
    ],  # the one that stands in the article is the 20th: 1 - 1/20; or the 21st: 1 - 0
)
def test_twenty_other_reasonings_count(before: int, gain: float) -> None:
    own, foreign, nothing = [Item("name", "甲乙")], [Item("name", "丙丁")], list[Item]()
    others = [nothing, *[foreign] * before, own]
    assert OTHERS == 20
    result = beyond(own, others, Holder("甲乙", "zh"), Holder("", "zh"))
    assert result == pytest.approx(gain)


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("二亿三千四百五十六万七千八百九十", 234_567_890),  # 16 characters
        ("二亿三千四百五十六万七千八百九十一", None),  # 17
        ("三万五千亿", 3_500_000_000_000),
        ("一万亿", 1_000_000_000_000),
        ("一亿零三万", 100_030_000),
        ("二亿三", 230_000_000),
        ("万", 10_000),
    ],
)
def test_numbers_of_up_to_sixteen_characters_are_read(numeral: str, value: int | None) -> None:
    assert LONGEST == 16
    result = [item.number for item in settled(f"家里有{numeral}元。", "", "zh")]
    assert result == ([] if value is None else [(value, "元")])


def test_missing_is_not_zero() -> None:
    own, other = written("叫“甲乙”。", "甲乙"), written("叫“丙丁”。", "丙丁", prompt="另写")
    told = catalogue.measure_together([own, other])["reasoning_bound"]
    assert told == [1.0, 1.0]
    none = written(None, "甲乙")
    assert catalogue.measure(none)["reasoning_kept"] == NO_REASONING
    assert catalogue.measure_together([none, other])["reasoning_bound"] == [NO_REASONING, NO_OTHER]
    vague = written("想清楚再写。", "甲乙")
    assert catalogue.measure(vague)["reasoning_kept"] == NOTHING_SETTLED
    elsewhere = dataclasses.replace(other, genre="poetry")
    assert catalogue.measure_together([own, elsewhere])["reasoning_bound"] == [NO_OTHER, NO_OTHER]
    unknown = [dataclasses.replace(a, genre=None) for a in (own, other)]
    assert catalogue.measure_together(unknown)["reasoning_bound"] == [NO_OTHER, NO_OTHER]
    unclosed = answer("<think>叫“甲乙”。", language="zh", query_id="x", prompt="写")
    assert isinstance(catalogue.measure(unclosed)["reasoning_kept"], Missing)


@pytest.mark.parametrize("unit", ["“", "“甲”", "3.", "一", "亿", "1,", "，不", "叫", "原想？"])
def test_long_and_odd_reasonings_are_read(unit: str) -> None:
    settled(unit * 20_000, unit, "zh")
    settled(unit * 20_000, unit, "en")


@pytest.fixture(scope="module")
def triplets() -> list[Answer]:
    return [written(t.reasoning, t.article, t.prompt, t.genre) for t in samples.read(taxonomy.published())]  # fmt: skip


def values(result: list[float | Missing]) -> list[float]:
    return [value for value in result if not isinstance(value, Missing)]


def test_own_reasoning_binds_beyond_another_of_the_genre(triplets: list[Answer]) -> None:
    result = values(catalogue.measure_together(triplets)["reasoning_bound"])
    assert len(result) == 102
    assert statistics.fmean(result) > 0.4
    assert stats.wilcoxon(result).pvalue < 0.01


def test_articles_swapped_within_a_genre_lose_it(triplets: list[Answer]) -> None:
    """Against reasonings of other genres, so that the article's own is never the one compared with."""
    gains: dict[str, list[float]] = {}
    for way in ("own", "swapped"):
        gains[way] = []
        by_genre = itertools.groupby(triplets, key=lambda a: a.genre)
        for place, (_, pair) in enumerate(by_genre):
            first, second = pair
            for a, b in ((first, second), (second, first)):
                article = a if way == "own" else b
                others = [t.settled for t in triplets if t.genre != a.genre][place::7]
                gain = beyond(a.settled, others, article.held, Holder(article.prompt, "zh"))
                assert gain is not None
                gains[way].append(gain)
    own, swapped = gains["own"], gains["swapped"]
    assert statistics.fmean(own) > 0.4
    assert abs(statistics.fmean(swapped)) < 0.02
    assert stats.wilcoxon(swapped).pvalue > 0.05
