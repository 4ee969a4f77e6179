"""Tunes: patterns with sources, and what breaks them."""

import pytest

from coig_writer.verse import ci
from coig_writer.verse.form import check

WELL_KNOWN = {
    "忆江南": "江南好，风景旧曾谙。日出江花红胜火，春来江水绿如蓝。能不忆江南。",
    "如梦令": "昨夜雨疏风骤，浓睡不消残酒。试问卷帘人，却道海棠依旧。知否，知否，应是绿肥红瘦。",
    "卜算子": "驿外断桥边，寂寞开无主。已是黄昏独自愁，更著风和雨。无意苦争春，一任群芳妒。零落成泥碾作尘，只有香如故。",
    "西江月": "明月别枝惊鹊，清风半夜鸣蝉。稻花香里说丰年。听取蛙声一片。七八个星天外，两三点雨山前。旧时茅店社林边。路转溪桥忽见。",
    "采桑子": "群芳过后西湖好，狼籍残红。飞絮濛濛。垂柳阑干尽日风。笙歌散尽游人去，始觉春空。垂下帘栊。双燕归来细雨中。",
    "浪淘沙": "帘外雨潺潺，春意阑珊。罗衾不耐五更寒。梦里不知身是客，一晌贪欢。独自莫凭栏，无限江山。别时容易见时难。流水落花春去也，天上人间。",
    "虞美人": "春花秋月何时了，往事知多少。小楼昨夜又东风，故国不堪回首月明中。雕阑玉砌应犹在，只是朱颜改。问君能有几多愁，恰似一江春水向东流。",
}


def test_each_variant_names_a_book_and_opposes_its_shapes():
    assert len({v[0].tune for v in ci.tunes().values()}) >= 8
    for variants in ci.tunes().values():
        for variant in variants:
            assert "词谱" in variant.source or "格律" in variant.source
            for clause in variant.clauses:
                assert all(set(s) <= set("平仄中") and len(s) == clause.size for s in clause.shapes)


@pytest.mark.parametrize("tune", WELL_KNOWN)
def test_a_well_known_poem_passes(tune):
    found = check(WELL_KNOWN[tune], tune)
    assert found.passes is True, [r.zh for r in found.rules if r.state == "broken"]


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
