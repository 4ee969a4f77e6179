"""Language confusion by spans and shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.text.language import confusion, han_share, latin_share
from coig_writer.triplet import Language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The rain stopped at noon.", (False, False, False)),
        ("The rain stopped, 然后 he left for the station in the north.", (True, False, False)),
        ("The rain 停了以后他就走了 and he left.", (True, True, False)),
        ("雨停了，他走了。The end.", (True, True, True)),
        ("He said “你好” and left for the long winter in the north.", (False, False, False)),
        ("The word (雨) means rain in the language of his mother.", (False, False, False)),
        ("The poet Li Bai 李白 drank all night with the moon and sang to it until the lamps went out.", (False, False, False)),
        ("The poet Li Bai 李白是唐朝诗人 drank all night with the moon and sang of it and other things, and we have all of his songs, or nearly all, as he gave them away to friends and to strangers who happened by.", (True, False, False)),
        ("“雨停了他走了再也没有回来”", (True, True, True)),
    ],
)  # fmt: skip
def test_english(text: str, expected: tuple[bool, bool, bool]) -> None:
    found = confusion(text, "en")
    assert found is not None
    assert (found.any, found.mixed, found.wrong) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他打开 APP，点了一杯 latte，" + "坐在门口的石阶上看对面楼里的灯一盏一盏地熄下去，" * 12, (False, False, False)),
        ("风从巷子口吹进来，带着一点潮气，他忽然觉得这样坐一夜也没有什么不好。" * 3 + "他打开手机上那个从来没有用过的应用程序，想了很久很久，点了一杯拿铁，又把它取消了，so it goes, my dear friend, so it goes，然后把屏幕按灭，坐在门口的石阶上看对面楼里的灯一盏一盏地熄下去，直到只剩下最高处的那一扇窗还亮着，像有人在等谁回来，他也就一直这么看着，没有起身，也没有再去想别的什么事情，风从巷子口吹进来，带着一点潮气，他忽然觉得这样坐一夜也没有什么不好，天亮以后总归还是要去上班的，不必着急。", (True, False, False)),
        ("他买了 Galaxy Z Fold，说 Gorilla Glass Victus 摔不坏，" + "坐在门口的石阶上看对面楼里的灯一盏一盏地熄下去，" * 6, (False, False, False)),
        ("他买了 phone，又买 case，再买 cable，都退了。", (True, True, False)),
        ("The whole answer is in English.", (True, True, True)),
        ("他说：“I love you so much”。" + "然后就走了再也没有回来过这个地方真的没有" * 20, (False, False, False)),
    ],
)  # fmt: skip
def test_chinese(text: str, expected: tuple[bool, bool, bool]) -> None:
    found = confusion(text, "zh")
    assert found is not None
    assert (found.any, found.mixed, found.wrong) == expected


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("彼は雨の中を歩いていた。とても寒かった。", "ja"),
        ("비가 그쳤다. 그는 밖으로 나갔다.", "ko"),
        ("Дождь кончился, и он вышел из дома.", "ru"),
        ("La pluie est tombée dans la rue et il est sorti sans son chapeau.", "fr"),
    ],
)
def test_a_whole_answer_in_a_third_language_is_wrong_and_named(
    text: str, named: str, language: Language
) -> None:
    found = confusion(text, language)
    assert found is not None
    assert (found.any, found.mixed, found.wrong, found.languages[0]) == (True, True, True, named)


def test_a_short_japanese_sentence_in_english_is_not_called_chinese() -> None:
    for text, named in (("She left. 彼女は歩いた。", "ja"), ("She left. 她走了。", "zh")):
        found = confusion(text, "en")
        assert found is not None
        assert found.languages == (named,)


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("店里的つけ麺和天ぷら都很好吃，优の良品也在。", ()),
        ("她挥手，さよなら，走了。", ("ja",)),  # four kana
        ("她挥手，さらば，走了。", ()),
        ("他说 가나다라 就走了。", ("ko",)),
        ("他说 가나다 就走了。", ()),
        ("他写下 Эти 三个字母。", ("ru",)),
        ("他写下 Эт 两个字母。", ()),
        ("他打开 https://example.com/some/page of 看了一眼，又写信给 so.it.goes@example.com。", ()),
        ("他写完了。\n```python\nfor the thing in list of them:\n    pass\n```\n", ()),
        ("他说“Дождь кончился”，没有人听懂。", ()),
        ("他说 il est dans la rue 就走了。", ("fr",)),
        ("他说 l’homme qu’il a vu 就走了。", ("fr",)),
        ("他说 he is in the rue 就走了。", ("en",)),
    ],
)
def test_what_is_named_in_a_chinese_answer(text: str, languages: tuple[str, ...]) -> None:
    found = confusion(text, "zh")
    assert found is not None
    assert found.languages == languages


def test_letters_of_a_table_are_no_french() -> None:
    found = confusion("Dell: L, D, D. Six games, and he lost two of them.", "en")
    assert found is not None
    assert not found.any


def test_a_stray_quotation_mark_does_not_excuse_a_page() -> None:
    text = "It began “" + "雨" * 300 + " and went on in English for a while."
    found = confusion(text, "en")
    assert found is not None
    assert found.spans == ("雨" * 300,)


def test_a_text_without_letters_has_no_language() -> None:
    assert confusion("123 …", "en") is None
    assert han_share("—") is None
    assert han_share("雨비豈\uf900") == 3 / 4  # no Hangul, though it lies between two blocks of Han
    assert latin_share("—") is None
    assert latin_share("用 iPhone 拍") == 1 / 3


@given(st.text(max_size=200), st.sampled_from(["zh", "en"]))
def test_the_thresholds_are_nested(text: str, language) -> None:
    found = confusion(text, language)
    if found is not None:
        assert found.wrong <= found.mixed <= found.any
        assert 0 <= found.share <= 1


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("雨" * 19 + " a", "zh", (True, False)),  # one of twenty
        ("雨" * 20 + " a", "zh", (False, False)),
        ("雨 a", "zh", (True, True)),  # one of two
        ("雨雨 a", "zh", (True, False)),
        ("a" * 19 + "“雨”", "en", (True, False)),
        ("a" * 20 + "“雨”", "en", (False, False)),
        ("a雨", "en", (True, True)),
        ("aa雨", "en", (True, False)),
    ],
)
def test_a_twentieth_is_mixed_and_half_is_wrong(text, language, expected) -> None:
    found = confusion(text, language)
    assert found is not None
    assert (found.mixed, found.wrong) == expected


@pytest.mark.parametrize(
    ("text", "language", "spans"),
    [
        ("“" + "雨" * 200 + "”", "en", 0),  # quoted: at most 200 characters
        ("“" + "雨" * 201 + "”", "en", 1),
        ("这一结论最早由Potter M F et al提出。", "zh", 0),  # a citation: names
        ("Li Bai 李白太白 sang.", "en", 0),  # a name: at most four
        ("Li Bai 李白李太白 sang.", "en", 1),
        ("他说 so it goes 就走了。", "zh", 1),  # three words, two in lower case
        ("他说 so it 就走了。", "zh", 0),
        ("他说 So It goes 就走了。", "zh", 0),
    ],
)
def test_the_edges_of_spans(text, language, spans) -> None:
    found = confusion(text, language)
    assert found is not None
    assert len(found.spans) == spans
