"""Thirty public-domain poems with a reader's verdicts, and texts that are not only verse."""

import json
from pathlib import Path

import pytest

from coig_writer.errors import InputError
from coig_writer.verse.form import check, claim, constrained
from coig_writer.verse.reading import read

POEMS = [
    json.loads(line)
    for line in Path(__file__).with_name("poems.jsonl").read_text(encoding="utf-8").splitlines()
]
VERDICT = {"passes": True, "broken": False, "not regulated": False}


def test_thirty_poems():
    assert len(POEMS) == 30
    assert all(poem["source"] for poem in POEMS)


@pytest.mark.parametrize("poem", POEMS, ids=lambda p: p["title"])
def test_poem(poem):
    found = check(poem["text"], poem["form"], "平水韵")
    broken = {rule.name for rule in found.rules if rule.state == "broken"}
    assert found.passes is VERDICT[poem["verdict"]], broken
    assert set(poem["rules"]) <= broken
    if poem["verdict"] == "not regulated":
        assert check(poem["text"]).passes is not True  # reported, not passed


def test_titles_notes_and_english_are_set_apart():
    text = (
        "# 登鹳雀楼\n\n白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。\n\nThe sun beyond the mountain glows\n"
        "注：鹳雀楼在永济。\n又一行注。"
    )
    found = check(text)
    assert found.form == "五言绝句"
    assert found.lines == ("白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼")
    assert found.rest == (
        "题：登鹳雀楼",
        "非中文：The sun beyond the mountain glows",
        "附注：注：鹳雀楼在永济。",
        "附注：又一行注。",
    )


def test_a_line_of_another_length_is_named():
    found = check("白日依山尽，黄河入海流。\n欲穷千里目，更上一层高楼。", "五言绝句")
    assert found.passes is False
    assert found.rest == ("非5字句：欲穷千里目，更上一层高楼。",)


@pytest.mark.parametrize("text", ["", "   \n", "。。。", "🙂", "Only English here.", "（注）"])
def test_nothing_to_read(text):
    assert check(text).form is None
    assert check(text, "七律").passes is False
    assert check(text, "浣溪沙").passes is False
    assert check(text, "对联").passes is False
    assert check(text, "押韵").passes is False


@pytest.mark.parametrize("asked", ["sonet", "藏头", "haiku:aa", "七绝体", ""])
def test_an_unknown_form_is_an_error(asked):
    with pytest.raises(InputError, match="unknown form"):
        check("白日依山尽", asked)


def test_a_form_and_what_is_literal_are_one_verdict():
    text = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
    found = constrained(text, "五绝", ["黄河", "长江"])
    assert found.passes is False
    assert [r.state for r in found.rules][-2:] == ["broken", "kept"]
    assert constrained(text, None, ["长江"]).share == 1.0


@pytest.mark.parametrize("asked", [None, "五绝", "绝句"])
@pytest.mark.parametrize("before", ["", "登鹳雀楼\n", "好的，请看：\n"])
def test_a_text_without_pauses_is_cut_into_lines(asked, before):
    found = check(f"{before}白日依山尽黄河入海流欲穷千里目更上一层楼", asked)
    assert (found.form, found.passes) == ("五言绝句", True)
    assert found.lines == ("白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼")
    assert found.rules[-1].name == "断句"
    assert len(found.rest) == bool(before)
    short = check(f"{before}白日依山尽黄河入海流欲穷千里目更上一层", "五绝")
    assert (short.passes, len(short.rest)) == (False, 1 + bool(before))


def test_a_tune_without_pauses_is_cut_by_its_pattern():
    text = "江南好风景旧曾谙日出江花红胜火春来江水绿如蓝能不忆江南"
    found = check(text, "忆江南")
    assert (found.passes, found.lines[0]) == (True, "江南好")
    assert check(text.replace("绿如", "绿，如"), "忆江南").passes is False  # pauses, but not there


def test_a_tune_is_taken_from_the_title():
    text = "《浣溪沙·春恨》\n" + next(p for p in POEMS if p["author"] == "晏殊" and p["form"] == "浣溪沙")["text"]  # fmt: skip
    found = check(text)
    assert (found.form, found.asked, found.passes) == ("浣溪沙", False, True)
    assert "钦定词谱" in found.pattern


@pytest.mark.parametrize(
    ("asked", "form"), [("七絕", "七言绝句"), ("對聯", "对联"), ("押韻", "押韵"), ("藏頭:海天", "藏头")]
)  # fmt: skip
def test_a_form_may_be_named_in_traditional_characters(asked, form):
    assert check("海阔凭鱼跃\n天高任鸟飞", asked).form == form


def test_a_tune_in_a_traditional_title_is_known():
    text = "《漁歌子》\n西塞山前白鷺飛，桃花流水鱖魚肥。青箬笠，綠蓑衣，斜風細雨不須歸。"
    assert (check(text).form, check(text).passes, claim(text)) == ("渔歌子", True, "渔歌子")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("假如生活欺骗了你\n不要悲伤，不要心急\n忧郁的日子里须要镇静\n相信吧，快乐将会来临", ""),
        ("静\n\n不要悲伤，不要心急\n忧郁的日子里须要镇静\n相信吧，快乐将会来临", "静"),
        ("静\n不要悲伤，不要心急\n日子里，须要镇静\n相信吧，快乐将会来临", "静"),
        ("静\n不要悲伤，不要心急\n日子里须要镇静\n相信吧，快乐将会来临。", "静"),
    ],
)
def test_a_first_line_without_a_comma_is_verse_where_others_have_none(text, title):
    assert read(text).title == title
