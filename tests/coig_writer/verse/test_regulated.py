"""Regulated verse: each rule on both sides, at the character that breaks it."""

import pytest

from benchmarks.verse_form import modern_poems
from coig_writer.verse import regulated
from coig_writer.verse.form import check

DENGLOU = "白日依山尽黄河入海流欲穷千里目更上一层楼"
MODERN = modern_poems()
TANG = [DENGLOU[i : i + 5] for i in range(0, 20, 5)]
PARTING = ["城阙辅三秦", "风烟望五津", "与君离别意", "同是宦游人"]


def judged(lines, form=None, system=None):
    found = regulated.check(lines, form, system)
    assert found is not None
    return found


def rules(lines, form):
    return {rule.name: rule for rule in judged(lines, form, "平水韵").rules}


def with_line(lines, number, line):
    return [*lines[: number - 1], line, *lines[number:]]


def test_a_quatrain_that_keeps_every_rule():
    found = judged(TANG, None, "平水韵")
    assert (found.form, found.passes, found.pattern) == ("五言绝句", True, "仄起首句不入韵")
    assert found.share == 1.0
    assert [m.wanted for m in found.marks[5:10]] == ["平", "平", "仄", "仄", "平韵"]


@pytest.mark.parametrize(
    ("number", "line", "name", "places"),
    [
        (2, "大河入海流", "孤平", ((2, 1), (2, 3))),  # 仄平仄仄平: either of the two
        (2, "黄河上海流", None, ()),
        (2, "大河归海流", None, ()),  # rescued: 仄平平仄平
        (3, "欲穷千日目", "平仄", ()),  # allowed: 三仄尾 is 平平仄仄仄, here 仄平平仄仄
        (4, "更上千层楼", "三平尾", ((4, 3),)),
        (1, "白日依旧尽", "拗救", ((1, 4), (2, 3))),  # 仄仄平仄仄, the next line does not rescue
        (2, "黄山入海流", None, ()),
        (2, "黄海入海流", "平仄", ((2, 2),)),
        (2, "黄河入云流", "平仄", ((2, 4),)),
        (2, "黄河归云流", "三平尾", ((2, 4),)),
        (2, "黄河入海去", "句脚", ((2, 5),)),
        (2, "黄河入海东", "押韵", ((2, 5), (4, 5))),
        (3, "欲穷千里心", "句脚", ((3, 5),)),
    ],
)
def test_one_change(number, line, name, places):
    found = rules(with_line(TANG, number, line), "五言绝句")
    broken = {n: r.places for n, r in found.items() if r.state == "broken"}
    expected = {name: places} if name and places else {}
    assert broken == expected


def test_each_character_is_told_its_own_tone():
    lines = ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"]
    said = rules(lines, "五言绝句")["平仄"].zh
    assert (
        said == "第2句第4字“上”：该平而用仄；第3句第2字“头”：该仄而用平；第3句第2字亦即失粘、失对"
    )


def test_the_first_line_tells_which_of_two_rhymes_is_out():
    lines = ["君问归期未有期", "巴山夜雨涨秋池", "何当共剪西窗烛", "却话巴山夜雨声"]
    found = rules(lines, "七言绝句")
    assert {n: r.places for n, r in found.items() if r.state == "broken"} == {"押韵": ((4, 7),)}


def test_a_great_exception_is_rescued_by_the_next_line():
    lines = ["流水如有意", "暮禽相与还", "荒城临古渡", "落日满秋山"]
    found = rules(lines, "五言绝句")
    assert found["大拗"].places == ((1, 4), (2, 3))
    assert found["大拗"].zh == "第1句第4字“有”该平用仄，出句拗，第2句第3字“相”用平相救"
    assert found["孤平拗救"].places == ((2, 1), (2, 3))
    assert found["大拗"].en == (
        "line 1 character 4: oblique for level, an exception, rescued by the level tone at line 2 character 3"
    )
    assert not [r for r in found.values() if r.state == "broken"]
    lines[1] = "飞禽已与还"
    unanswered = rules(lines, "五言绝句")["拗救"]
    assert unanswered.places == ((1, 4), (2, 3))
    assert unanswered.zh == "第1句第4字“有”：出句拗，对句未救；第2句第3字应平"


def test_a_light_exception_names_its_rescue_where_there_is_one():
    lines = ["渭城朝雨浥轻尘", "客舍青青柳色新", "劝君更尽一杯酒", "西出阳关无故人"]
    assert rules(lines, "七言绝句")["小拗"].places == ((3, 5), (4, 5))
    assert rules(with_line(lines, 4, "西出阳关有故人"), "七言绝句")["小拗"].places == ((3, 5),)


def test_bu_is_level_only_where_it_asks():
    lines = ["离离原上草", "一岁一枯荣", "野火烧不尽", "春风吹又生"]
    assert rules(lines, "五言绝句")["大拗"].places == ((3, 4), (4, 3))
    unanswered = rules(with_line(lines, 4, "春风上又生"), "五言绝句")
    assert unanswered["拗救"].places == ((3, 4), (4, 3))
    asks = rules(with_line(with_line(lines, 2, "一岁一枯愁"), 4, "春风知也不"), "五言绝句")
    assert asks["押韵"].state == "kept"
    assert asks["多音字"].places == ((4, 5),)


@pytest.mark.parametrize(
    ("order", "broken"),
    [
        ((2, 1, 3, 4), {"句脚": ((2, 5),), "粘": ((3, 2),)}),
        ((1, 3, 2, 4), {"句脚": ((2, 5), (3, 5))}),
        ((1, 2, 4, 3), {"句脚": ((3, 5), (4, 5)), "粘": ((3, 2),)}),
        ((3, 2, 1, 4), {"对": ((2, 2), (4, 2)), "粘": ((3, 2),)}),
    ],
)
def test_exchanged_lines_break_the_rules_on_lines(order, broken):
    found = rules([TANG[i - 1] for i in order], "五言绝句")
    assert {n: r.places for n, r in found.items() if r.state == "broken"} == broken
    one, other = (i for i, k in enumerate(order, 1) if i != k)
    assert found["互换"].places == ((one, 0), (other, 0))


def test_a_wrong_turn_alone_is_no_exchange():
    found = rules(["渭城朝雨浥轻尘", "客舍青青柳色新", "劝君更尽一杯酒", "西出阳关无故人"], "七言绝句")  # fmt: skip
    assert "互换" not in found


def test_oblique_rhyme_is_old_style_and_said_so():
    found = rules(["千山鸟飞绝", "万径人踪灭", "孤舟蓑笠翁", "独钓寒江雪"], "五言绝句")
    assert "押仄韵（九屑）" in found["押韵"].zh
    assert {n for n, r in found.items() if r.state == "broken"} == {"句脚", "粘", "押韵"}


def test_what_the_older_rhymes_would_say_is_told():
    found = check("寥落古行宫\n宫花寂寞红\n白头宫女在\n闲坐说玄宗", "五绝")
    assert (found.passes, found.book) == (True, "中华新韵")
    (older,) = [rule for rule in found.rules if rule.name == "平水韵"]
    assert (older.state, older.places) == ("note", ((4, 5),))


def test_turns():
    following = ["渭城朝雨浥轻尘", "客舍青青柳色新", "劝君更尽一杯酒", "西出阳关无故人"]
    assert rules(following, "七言绝句")["粘"].places == ((3, 2),)
    assert rules(with_line(TANG, 4, "登高又一楼"), "五言绝句")["对"].places == ((4, 2),)


def test_open_is_not_broken_and_not_guessed():
    lines = ["故园东望路漫漫", "双袖龙钟泪不干", "马上相逢无纸笔", "凭君传语报平安"]
    found = judged(lines, None, "平水韵")
    assert found.passes is True
    assert {m.character for m in found.marks if m.state == "open"} >= {"望"} - {
        m.character for m in found.marks if m.wanted == "中"
    }


def test_a_borrowed_first_rhyme_is_told_and_allowed():
    lines = ["清明时节雨纷纷", "路上行人欲断魂", "借问酒家何处有", "牧童遥指杏花村"]
    found = rules(lines, "七言绝句")
    assert found["首句借韵"].state == "note"
    assert found["押韵"].state == "kept"


def test_half_a_poem_is_not_that_poem():
    found = judged(TANG[:2], "五言绝句")
    assert found.passes is False
    assert found.rules[0].name == "句数字数"
    assert regulated.check(TANG[:2]) is None


def test_likeness_decides_what_was_meant():
    # Of 20 characters one and a half may be broken: a slip or a wrong turn, not two slips.
    one = with_line(TANG, 2, "黄河入云流")
    assert judged(one).passes is False
    turn = with_line(TANG, 4, "登高又一楼")
    assert judged(turn, None, "平水韵").passes is False
    assert regulated.check(with_line(one, 3, "欲入千里目")) is None


def test_one_wrong_character_is_told_before_a_wrong_turn():
    # 平平仄平仄 is 仄仄仄平仄 with one character wrong (1), or right after a wrong turn (1.5) ...
    found = rules(with_line(TANG, 1, "山河旧时尽"), "五言绝句")
    assert [n for n, r in found.items() if r.state == "broken"] == ["平仄"]
    assert found["平仄"].places == ((1, 2),)
    # ... and 平平仄仄平 is a turn (1.5) before it is two wrong characters (2).
    found = rules(with_line(TANG, 4, "登高又一楼"), "五言绝句")
    assert [n for n, r in found.items() if r.state == "broken"] == ["对"]


def test_a_line_that_should_end_oblique_and_does_not_counts_twice_where_nobody_asked():
    # 28 characters bear 2.1 faults.
    lines = ["渭城朝雨浥轻尘", "客舍青青柳色新", "劝酒更斟三两盏", "出门西去故人亲"]
    slip, end = "客舍青草柳色新", "劝酒更斟三两杯"
    assert regulated.check(with_line(with_line(lines, 2, slip), 1, "渭城朝花浥轻尘")) is not None
    assert regulated.check(with_line(lines, 3, end), None, "平水韵") is not None  # 2
    assert (
        regulated.check(with_line(with_line(lines, 2, slip), 3, end), None, "平水韵") is None
    )  # 3


@pytest.mark.parametrize("poem", MODERN)
def test_no_poem_of_today_is_taken_for_regulated_verse(poem):
    assert check(poem).form is None


def test_poems_of_today():
    assert len(set(MODERN)) == 141
    equal = [
        p
        for p in MODERN
        if len({len(line) for line in p.splitlines()}) == 1 and len(p.splitlines()) in {4, 8}
    ]
    assert sum(len(p.splitlines()[0]) in {5, 7} for p in equal) >= 30  # the hardest


def test_a_parody_that_keeps_every_rule_is_regulated_verse():
    found = check("远看山有色\n近听车有声\n人来狗不叫\n快递放门中")
    assert (found.form, found.passes, found.book) == ("五言绝句", True, "中华新韵")
    assert check("考试考了五十九\n老师说我要加油\n回家不敢敲大门\n先去楼下溜一溜").form is None


def test_the_new_rhymes_are_taken_where_they_break_less():
    # 节 and 雪 are level in Mandarin only.
    lines = ["春风又绿江南岸", "万里云山入画图"]
    assert regulated.judge([*lines, *lines]).system == "平水韵"
    new = ["红旗招展过长街", "万众欢腾庆佳节", "莫道前途多险阻", "今朝喜看梅迎雪"]
    found = regulated.judge(new)
    assert found.system == "中华新韵"


def test_seven_poems_in_a_row_are_judged_each():
    text = "，".join(TANG) + "。\n\n" + "，".join(with_line(TANG, 4, "更上千层楼")) + "。"
    found = check(text, "五言绝句")
    assert [r.places for r in found.rules if r.state == "broken"] == [((8, 3),)]
