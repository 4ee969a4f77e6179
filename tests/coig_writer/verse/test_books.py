"""Tones and rhymes of characters, from two sources."""

import pytest

from coig_writer.verse import books
from coig_writer.verse.books import Rhyme

BOTH = frozenset("平仄")


@pytest.mark.parametrize(
    ("character", "sure", "possible"),
    [
        ("天", {"平"}, {"平"}),
        ("白", {"仄"}, {"仄"}),  # entering, level in Mandarin
        ("看", BOTH, BOTH),
        ("花", {"平"}, BOTH),  # one table alone has an oblique reading
        ("爲", BOTH, BOTH),  # a variant of 为
        ("猨", {"平"}, {"平"}),
        ("樓", {"平"}, {"平"}),  # traditional
    ],
)
def test_tones(character, sure, possible):
    found = books.tones(character)
    assert (found.sure, found.possible) == (frozenset(sure), frozenset(possible))


@pytest.mark.parametrize("character", ["苹", "蘋"])
def test_a_character_that_stands_for_two_has_the_rhymes_of_both(character):
    assert "十一真" in {rhyme.group for rhyme in books.pingshui().of(character)}


def test_what_no_table_has_comes_from_mandarin_where_that_decides():
    assert "这" not in books.pingshui().rhymes
    assert books.tones("这").possible == {"仄"}  # fourth tone
    assert books.tones("氢").possible == {"平"}  # first tone and a nasal: never an entering one
    assert books.tones("咱").possible == {"平", "仄"}
    assert books.tones("⿰").possible == frozenset()


def test_the_new_rhymes_know_no_entering_tone():
    assert books.tones("白", "中华新韵").sure == {"平"}
    assert books.tones("八", "中华新韵").sure == {"平"}
    assert books.tones("高", "中华新韵").possible == {"平"}  # pypinyin has a rare fourth tone


def test_what_the_new_rhymes_lack_is_added():
    assert books.tones("去", "中华新韵").possible == {"仄"}  # pypinyin has a level reading too
    assert {rhyme.group for rhyme in books.xinyun().of("庭")} == {"十一庚"}


def test_the_books_say_where_they_are_from():
    for book in (books.pingshui(), books.cilin(), books.xinyun()):
        assert book.licence == "MIT"
        assert book.source.startswith("https://")
        assert len(book.sha256) == 64


def test_the_hash_is_that_of_the_table_as_published(shared):
    import hashlib

    for book, name in ((books.pingshui(), "pingshui"), (books.cilin(), "cilin"), (books.xinyun(), "xinyun_14")):  # fmt: skip
        file = shared / "data" / "verse" / f"{name}.json"
        assert book.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_disagreements_are_few_and_named():
    def classes(book, character):
        return {rhyme.class_ for rhyme in book.rhymes[character]}

    first, second = books.pingshui(), books.cilin()
    both = first.rhymes.keys() & second.rhymes.keys()
    apart = sorted(c for c in both if not classes(first, c) & classes(second, c))
    assert apart == ["咳", "喻", "岿", "崭", "槎", "琏", "秸"]  # as docs/verse-form.md says


def test_each_group_of_pingshui_has_its_parts():
    groups = {r.group for rhymes in books.pingshui().rhymes.values() for r in rhymes}
    assert len(groups) == 106
    assert all(books.parts(group) for group in groups)
    assert books.parts("一东") == {1}
    assert books.parts("十灰") == {3, 5}  # split


def test_ci_rhymes():
    assert Rhyme("平", "1") in books.ci_rhymes("东")
    assert Rhyme("入", "15") in books.ci_rhymes("屋")
    assert books.ci_rhymes("她") == {Rhyme("平", "9")}  # through 平水韵
