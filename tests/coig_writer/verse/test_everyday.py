"""Couplets, everyday rhyme, English forms and what is literal: both sides of each edge."""

import pytest

from coig_writer.verse import english, everyday, literal, rhyme
from coig_writer.verse.form import check


def states(found, name):
    return [rule.state for rule in found.rules if rule.name == name]


@pytest.mark.parametrize(
    ("text", "length", "ends"),
    [
        ("海阔凭鱼跃\n天高任鸟飞", "kept", "kept"),
        ("天高任鸟飞\n海阔凭鱼跃", "kept", "broken"),
        ("海阔凭鱼跃\n天高鸟飞", "broken", "kept"),
        ("上联：海阔凭鱼跃\n下联：天高任鸟飞\n横批：前程似锦", "kept", "kept"),
        ("海阔凭鱼跃\n天高任鸟飞\n横批：前程似锦", "kept", "kept"),
        ("下联：天高任鸟飞\n上联：海阔凭鱼跃", "kept", "kept"),
        ("上联：海阔凭鱼跃，下联：天高任鸟飞", "kept", "kept"),
        ("海阔凭鱼跃，天高任鸟飞。", "kept", "kept"),
    ],
)
def test_couplets(text, length, ends):
    found = check(text, "对联")
    assert states(found, "字数") == [length]
    assert states(found, "句脚")[0] == ends
    assert states(found, "对仗") == ["note"]


@pytest.mark.parametrize("around", ["您好！\n\n{}", "好的，请看：\n{}", "好的，这是一副对联：\n\n{}\n\n希望您喜欢！"])  # fmt: skip
@pytest.mark.parametrize("text", ["海阔凭鱼跃\n天高任鸟飞", "海阔凭鱼跃，天高任鸟飞。"])
def test_a_greeting_is_no_half_of_a_couplet(around, text):
    found = check(around.format(text), "对联")
    assert (found.passes, found.lines) == (True, ("海阔凭鱼跃", "天高任鸟飞"))
    assert len(found.rest) == around.count("\n\n") + ("请看" in around)


def test_a_couplet_without_a_pause_is_cut_in_the_middle():
    assert check("海阔凭鱼跃天高任鸟飞", "对联").passes is True
    assert check("海阔凭鱼跃天高任飞", "对联").passes is False


def test_an_odd_line_has_no_answer():
    assert "无对句：独木" in check("海阔凭鱼跃\n天高任鸟飞\n独木", "对联").rest
    marked = "上联：海阔凭鱼跃\n下联：天高任鸟飞\n上联：独木"
    assert "无对句：独木" in check(marked, "对联").rest


def test_every_final_has_a_track():
    finals = [f for text in everyday.TRACKS.values() for f in text.split()]
    assert len(finals) == len(set(finals))
    assert everyday.tracks("光") == {"江阳"}
    assert everyday.tracks("雪") == {"乜斜"}
    assert everyday.tracks("绿") == {"一七", "姑苏"}


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ("光长天霜", "kept"),  # 3 of 4
        ("光天霜山路书", "kept"),
        ("光天霜书", "kept"),  # 2 of 4: the edge
        ("光天霜书花", "broken"),  # 2 of 5
        ("光山书花", "broken"),
    ],
)
def test_half_of_the_lines_must_rhyme(ends, state):
    found = check("\n".join(f"这里一句{c}" for c in ends), "押韵")
    assert states(found, "押韵") == [state]


def test_a_rhyme_is_heard_two_lines_away():
    one, other = frozenset("a"), frozenset("b")
    assert rhyme.heard([one, other, one]) == (True, False, True)
    assert rhyme.heard([one, other, frozenset("c"), one]) == (False, False, False, False)


def test_le_rhymes_where_it_is_no_particle():
    assert check("安全第一条，马虎不得了。", "押韵").passes is True
    assert check("安全第一条，我要回家了。", "押韵").passes is False


def test_particles_carry_no_rhyme():
    assert everyday.end("我走了") == "走"
    assert everyday.end("了") == "了"


def test_scheme_and_common():
    a, b = frozenset({1}), frozenset({2})
    assert rhyme.scheme([a, b, a, b]) == "abab"
    assert rhyme.scheme([a, b, frozenset({3}), b]) == "xaxa"
    assert rhyme.common([a, a, b, frozenset()]) == (1, (2,))
    assert rhyme.common([a, b]) == (1, (0, 1))
    assert rhyme.common([frozenset()]) == (None, ())


HAIKU = "An old silent pond\nA frog jumps into the pond\nSplash! Silence again"


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (HAIKU, True),
        (HAIKU.replace("old silent", "old and silent"), False),
        (HAIKU.replace("frog", "zzyzxq"), None),
        ("\n".join(HAIKU.splitlines()[:2]), False),
    ],
)
def test_haiku(text, passes):
    assert check(text, "haiku").passes is passes


LIMERICK = "There was an Old Man with a beard,\nWho said, It is just as I feared!\nTwo Owls and a Hen,\nFour Larks and a Wren,\nHave all built their nests in my beard!"


def test_limerick():
    assert check(LIMERICK, "limerick").passes is True
    found = check(LIMERICK.replace("Wren", "Dove"), "limerick")
    assert found.passes is False
    assert found.rules[1].places == ((3, 0), (4, 0))


TUTOR = "A tutor who tooted the flute\nTried to tutor two tooters to toot.\nSaid the two to their tutor,\nIs it harder to toot, or\nTo tutor two tooters to toot?"


def test_two_words_rhyme_with_one():
    assert check(TUTOR, "limerick").passes is True
    assert check(TUTOR.replace("toot, or", "play, or"), "limerick").passes is False
    assert english.line_endings("to toot, or") >= english.endings("tutor")


SONNET = "\n".join(["a day"] * 14)


@pytest.mark.parametrize(
    ("form", "text", "passes", "around"),
    [
        ("sonnet", f"Sure!\n\n{SONNET}\n\nI hope you like it!", True, 2),
        ("sonnet", f"{SONNET}\none more", False, 0),
        ("sonnet", SONNET.replace("\n", "\n\n"), True, 0),
        ("sonnet", "Title\n\n" + SONNET.replace("\n", "\n\n"), True, 1),
        ("limerick", f"Here is one:\n{TUTOR}", True, 1),
        ("rhyme:abab", "the cat\na dog\nmy hat", False, 0),
        ("rhyme:abab", "the cat\na dog\nmy hat\nthe fog\n\nEnjoy!", True, 1),
        ("rhyme:a", "the cat\na rat\nmy hat", True, 0),
        ("rhyme:a", "the cat\na dog\nmy hat", False, 0),
    ],
)
def test_what_stands_around_an_english_poem_is_named(form, text, passes, around):
    found = check(text, form)
    assert (found.passes, len(found.rest)) == (passes, around)


@pytest.mark.parametrize(("lines", "passes"), [(5, True), (6, False), (10, True)])
def test_several_limericks(lines, passes):
    text = "\n".join((LIMERICK.splitlines() * 2)[:lines])
    assert check(text, "limerick").passes is passes


@pytest.mark.parametrize(
    ("ends", "passes"),
    [("cat dog hat fun", True), ("cat dog hat fun moon", False), ("cat zzyzxq dog fun moon", None)],
)
def test_half_of_the_english_lines_must_rhyme(ends, passes):
    assert check("\n".join(f"the {word}" for word in ends.split()), "rhyme").passes is passes


def test_a_scheme_repeats_over_stanzas():
    text = "the cat\na dog\nmy hat\nthe fog\n\nblue light\ngreen tree\nat night\nthe sea"
    assert check(text, "rhyme:abab").passes is True
    assert check(text, "rhyme:aabb").passes is False
    assert check(text, "rhyme:xaxa").passes is True


@pytest.mark.parametrize(("lines", "passes"), [(13, False), (14, True), (15, False)])
def test_a_sonnet_has_fourteen_lines(lines, passes):
    assert check("\n".join(["a day"] * lines), "sonnet").passes is passes


def test_a_word_with_two_readings_keeps_both():
    assert english.syllables("fire") == {1, 2}
    assert english.syllables("zzyzxq") == frozenset()


def test_forbidden_words_have_places():
    (rule,) = literal.forbidden("第一行\n他说长大了。", ["长大了"])
    assert (rule.state, rule.places) == ("broken", ((2, 3),))
    assert literal.forbidden("heartfelt", ["heart"])[0].state == "kept"
    assert literal.forbidden("My HEART!", ["heart"])[0].places == ((1, 4),)


@pytest.mark.parametrize(("found", "state"), [(2, "broken"), (3, "kept"), (5, "kept"), (6, "broken")])  # fmt: skip
def test_counts(found, state):
    assert literal.counted("行数", found, 3, 5).state == state


def test_acrostics_and_palindromes():
    assert check("生来不怕难\n日日有新欢\n快马加鞭去\n乐在天地间", "藏头:生日快乐").passes is True
    broken = check("生来不怕难\n天天有新欢\n快马加鞭去\n乐在天地间", "藏头:生日快乐")
    assert broken.rules[0].places == ((2, 1),)
    assert check("上海自来水来自海上", "回文").passes is True
    assert check("上海自来水来自上海", "回文").passes is False


def test_one_sided_dialogue():
    assert check("我：喂？\n我：你说。", "单边对话").passes is True
    assert check("我：喂？\n他：你说。", "单边对话").passes is False
    assert check("喂？你说。", "单边对话").passes is None


def test_sections_in_order():
    text = "一、缘起\n正文\n## 经过\n正文\n【结语】"
    assert [r.state for r in literal.sections(text, ["缘起", "经过", "结语"])] == ["kept"] * 3
    found = literal.sections(text, ["经过", "缘起", "后记"])
    assert [r.state for r in found] == ["kept", "broken", "broken"]
    assert "order" in found[1].en
    assert "missing" in found[2].en


@pytest.mark.parametrize(
    ("form", "text", "passes"),
    [
        ("藏头:春天来了", "好的：\n\n春风吹又生\n天上白云飞\n来去皆自由\n了无牵挂时", True),
        ("藏头:春天来了", "春風吹又生\n天上白雲飛\n來去皆自由\n了無牽掛時", True),
        (
            "藏头:春天来了",
            "春风吹又生，百花次第开\n天上白云飞，雁阵成行\n来去皆自由\n了无牵挂时",
            True,
        ),
        ("藏头:春天来了", "春风吹又生\n天上白云飞\n来去皆自由", False),
        ("单边对话", "时间：三点\n客服（笑）：您好。\n客服：再见。", True),
        ("haiku", HAIKU.replace("An old", "5 old"), None),
        ("rhyme:abab", "", False),
    ],
)
def test_what_is_literal_is_read_as_people_write_it(form, text, passes):
    assert check(text, form).passes is passes


@pytest.mark.parametrize(
    ("text", "word", "places"),
    [
        ("溫暖", "温暖", ((1, 1),)),
        ("说\n…don’t worry", "don't worry", ((2, 2),)),
        ("it taught\nme", "taught me", ((1, 4),)),
        ("taught mentors", "taught me", ()),
    ],
)
def test_script_width_and_line_ends_hide_no_forbidden_word(text, word, places):
    assert literal.forbidden(text, [word])[0].places == places


def test_sections_open_a_line_whatever_their_number():
    text = "第一章 缘起\n### 1.2 经过：开始\n## 一\nAIM: x"
    assert [r.state for r in literal.sections(text, ["缘起", "经过", "一", "Aim"])] == ["kept"] * 4
    assert literal.sections("aimless", ["Aim"])[0].state == "broken"
