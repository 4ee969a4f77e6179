"""Tunes: patterns with sources, and what breaks them."""

from pathlib import Path

import pytest

from coig_writer.verse import ci
from coig_writer.verse.form import check

# Well-known poems, typed from memory: tune, poet, text. None is in ci.jsonl.
KNOWN = [line.split("\t") for line in Path(__file__).with_name("ci.tsv").read_text(encoding="utf-8").splitlines()]  # fmt: skip
WELL_KNOWN = {tune: text for tune, _, text in reversed(KNOWN)}
# What the tables and patterns call broken in poems that are in every anthology.
BROKEN = {
    "蹴罢秋千": [("平仄", ((5, 3),))],  # 入 where the pattern has level
    "昨夜寒蛩": [("押韵", ((10, 7),))],  # 琴 among 鸣更行明名程听: two parts of 词林正韵
    "大江东去": [
        ("押韵", ((4, 6),))
    ],  # 壁 among 物雪杰发灭月: two parts of 词林正韵, as in the next two
    "石头城上": [("押韵", ((4, 6),))],
    "野棠花落": [("押韵", ((4, 6),))],  # 怯 among 节别说月叠折发
    "杯汝来前": [("押韵", ((3, 4), (10, 7)))],  # 骸埋 of 九佳 among 雷哉媒灾杯来 of 十灰
}


def test_each_variant_names_a_book_and_opposes_its_shapes():
    assert len({v[0].tune for v in ci.tunes().values()}) >= 8
    for variants in ci.tunes().values():
        for variant in variants:
            assert "词谱" in variant.source or "格律" in variant.source
            for clause in variant.clauses:
                assert all(set(s) <= set("平仄中") and len(s) == clause.size for s in clause.shapes)


@pytest.mark.parametrize(("tune", "poet", "text"), KNOWN, ids=[f"{t}-{p}-{x[:5]}" for t, p, x in KNOWN])  # fmt: skip
def test_a_well_known_poem_passes(tune, poet, text):
    found = check(text, tune)
    broken = [(r.name, r.places) for r in found.rules if r.state == "broken"]
    assert broken == BROKEN.get(text[:4], [])
    assert found.passes is (not broken)


def test_the_well_known_poems_cover_most_tunes():
    assert len(KNOWN) == 107
    assert len({ci.tunes()[tune][0].tune for tune, _, _ in KNOWN}) >= 40


@pytest.mark.parametrize(
    ("title", "tune"),
    [
        ("浣溪沙", "浣溪沙"),
        ("《浣溪沙·春恨》", "浣溪沙"),
        ("醉中真・浣溪沙", "浣溪沙"),
        ("江神子・江城子", "江神子"),
        ("摊破浣溪沙", None),
        ("临江仙客栈", None),
    ],
)
def test_a_title_names_a_tune(title, tune):
    assert ci.named(title) == tune


@pytest.mark.parametrize(
    ("old", "new", "rule", "place"),
    [
        ("绿如蓝", "绿如茵", "押韵", (4, 7)),
        ("江花红胜火", "江上红胜火", "平仄", (3, 4)),
        ("能不忆江南", "能不到江南", None, None),
        ("能不忆江南", "能不忆南海", "平仄", (5, 5)),
    ],
)
def test_one_change(old, new, rule, place):
    found = check(WELL_KNOWN["忆江南"].replace(old, new), "忆江南")
    broken = {r.name: r.places for r in found.rules if r.state == "broken"}
    assert (rule in broken and place in broken[rule]) if rule else broken == {}


def test_a_pause_inside_a_rhymed_clause_is_broken():
    found = check(WELL_KNOWN["忆江南"].replace("谙。日", "谙日，"), "忆江南")
    assert [r.places for r in found.rules if r.name == "句读"] == [((2, 0),)]


def test_another_number_of_characters():
    found = check("江南好，风景旧曾谙。", "忆江南")
    assert found.passes is False
    assert "27" in found.rules[0].zh


def test_the_third_clause_of_the_prelude_has_two_shapes():
    text = (
        "瑶草一何碧，春入武陵溪。溪上桃花无数，枝上有黄鹂。我欲穿花寻路，直入白云深处，浩气展虹霓。只恐花深里，红露湿人衣。"
        "坐玉石，倚玉枕，拂金徽。谪仙何处，无人伴我白螺杯。我为灵芝仙草，不为朱唇丹脸，长啸亦何为。醉舞下山去，明月逐人归。"
    )
    broken = [r.places for r in check(text, "水调歌头").rules if r.state == "broken"]
    assert broken == [((13, 6),)]  # 人, where 黄庭坚 pauses after 何处; nothing in 溪上桃花无数
    mixed = check(text.replace("溪上桃花", "溪上草色"), "水调歌头")
    assert [r.places for r in mixed.rules if r.state == "broken"] == [((3, 2), (13, 6))]
