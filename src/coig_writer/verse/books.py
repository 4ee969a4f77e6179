"""Rhyme books: which tones and rhyme groups a character has, and what two sources disagree about.

平水韵 (106 groups), 词林正韵 (19 parts) and 中华新韵 (14 groups) are facts, carried with their source in
``data/verse``; what they lack is in ``additions.json``. A character with several readings is in
several groups, and one simplified form may stand for several words: nothing here picks one.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Literal

from coig_writer.text.normalise import simplified

Tone = Literal["平", "仄"]
System = Literal["平水韵", "中华新韵"]
LEVEL: Tone = "平"
OBLIQUE: Tone = "仄"

# 词林正韵 joins the groups of 平水韵 in these parts; a group that is split is in two (戈载, 1821).
PARTS = (
    "东冬董肿送宋",
    "江阳讲养绛漾",
    "支微齐灰纸尾荠贿寘未霁泰队",
    "鱼虞语麌御遇",
    "佳灰蟹贿泰卦队",
    "真文元轸吻阮震问愿",
    "寒删先元旱潸铣阮翰谏霰愿",
    "萧肴豪筱巧皓啸效号",
    "歌哿个",
    "麻佳马祃卦",
    "庚青蒸梗迥敬径",
    "尤有宥",
    "侵寝沁",
    "覃盐咸感琰豏勘艳陷",
    "屋沃",
    "觉药",
    "质陌锡职缉",
    "物月曷黠屑叶",
    "合洽",
)
_ORDINALS = "一二三四五六七八九十"


@dataclasses.dataclass(frozen=True, slots=True)
class Rhyme:
    """A rhyme group of a book and its tone: 平, 上, 去, 入, or 仄 where a book does not tell them apart."""

    tone: str
    group: str

    @property
    def class_(self) -> Tone:
        """Level or oblique."""
        return LEVEL if self.tone == "平" else OBLIQUE


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """A rhyme book: character → its rhymes, and where the table is from.

    Attributes:
        sha256: The hash of the table as it was published, before it was laid out for this kit.
    """

    name: str
    source: str
    licence: str
    sha256: str
    rhymes: Mapping[str, frozenset[Rhyme]]

    def of(self, character: str) -> frozenset[Rhyme]:
        """Returns the rhymes of a character, of its simplified or its usual form; empty if it has none."""
        return self.rhymes.get(character) or self.rhymes.get(usual(character), frozenset())


@dataclasses.dataclass(frozen=True, slots=True)
class Tones:
    """The tones of a character.

    Attributes:
        sure: What both sources say; what either says where they have nothing in common.
        possible: What either source says. Empty for a character that no source knows.
    """

    sure: frozenset[Tone]
    possible: frozenset[Tone]


@functools.cache
def _additions() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """What the tables lack: per book, tone → group → characters."""
    content: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(_read("additions"))["books"]
    return content


@functools.cache
def _variants() -> Mapping[str, str]:
    """Variant forms of characters → the form that the tables know."""
    content: Mapping[str, str] = json.loads(_read("additions"))["variants"]
    return content


def _read(name: str) -> str:
    file = resources.files("coig_writer") / "data" / "verse" / f"{name}.json"
    return file.read_text(encoding="utf-8")


@functools.cache
def _book(name: str) -> Book:
    content = json.loads(_read(name))
    rhymes: dict[str, set[Rhyme]] = {}
    for table in (content["rhymes"], _additions().get(name, {})):
        for tone, groups in table.items():
            for group, characters in groups.items():
                for character in characters:
                    rhymes.setdefault(character, set()).add(Rhyme(tone, group))
    frozen = {character: frozenset(found) for character, found in rhymes.items()}
    return Book(content["name"], content["source"], content["licence"], content["sha256"], frozen)


def pingshui() -> Book:
    """Returns 平水韵."""
    return _book("pingshui")


def cilin() -> Book:
    """Returns 词林正韵."""
    return _book("cilin")


def xinyun() -> Book:
    """Returns 中华新韵."""
    return _book("xinyun")


@functools.cache
def usual(character: str) -> str:
    """Returns the form under which the tables know a character: simplified, no variant."""
    return _variants().get(character) or _variants().get(
        simplified(character), simplified(character)
    )


@functools.cache
def syllables(character: str) -> tuple[str, ...]:
    """Returns the Mandarin readings of a character with tone digits (pypinyin); none where it is not installed.

    A neutral tone carries no digit.
    """
    if importlib.util.find_spec("pypinyin") is None:
        return ()
    from pypinyin import Style, pinyin

    readings = pinyin(character, style=Style.TONE3, heteronym=True, errors="ignore")
    return tuple(readings[0]) if readings else ()


def _classes(rhymes: Iterable[Rhyme]) -> frozenset[Tone]:
    return frozenset(rhyme.class_ for rhyme in rhymes)


def _spoken(character: str) -> frozenset[Tone]:
    """Mandarin: tones one and two are level."""
    digits = {reading[-1] for reading in syllables(character) if reading[-1].isdigit()}
    return frozenset([LEVEL] * bool(digits & set("12")) + [OBLIQUE] * bool(digits & set("34")))


def _from_mandarin(character: str) -> frozenset[Tone]:
    """What Mandarin tells about the older tones.

    Tones three and four were oblique. One and two were level, or entering, which no syllable that ends
    in a nasal was: the others stay open.
    """
    older: set[Tone] = set()
    for reading in syllables(character):
        if reading[-1:] in {"3", "4"}:
            older.add(OBLIQUE)
        elif reading[-1:] in {"1", "2"}:
            older |= {LEVEL} if reading[:-1].endswith(("n", "ng")) else {LEVEL, OBLIQUE}
    return frozenset(older)


@functools.cache
def tones(character: str, system: System = "平水韵") -> Tones:
    """Returns the tones of a character, by two sources that are checked against each other.

    平水韵 is checked against 词林正韵, 中华新韵 against pypinyin, whose rare readings (高 as gào) make a
    character that the table has neither open nor fit.
    """
    if system == "中华新韵":
        listed, spoken = _classes(xinyun().of(character)), _spoken(character)
        return Tones(listed & spoken or listed or spoken, listed or spoken)
    pair = _classes(pingshui().of(character)), _classes(cilin().of(character))
    possible = pair[0] | pair[1] or _from_mandarin(character)
    return Tones(pair[0] & pair[1] or possible, possible)


@functools.lru_cache(4096)
def line_tones(line: str, system: System = "平水韵") -> tuple[Tones, ...]:
    """Returns the tones of each character of a line.

    不 is level only where it asks, as the last character (知不); elsewhere both books' level reading of
    it would hide an exception that every reader hears (野火烧不尽).
    """
    oblique = frozenset((OBLIQUE,))
    return tuple(
        Tones(oblique, oblique) if character == "不" and place < len(line) else tones(character, system)
        for place, character in enumerate(line, 1)
    )  # fmt: skip


def parts(group: str) -> frozenset[int]:
    """Returns the numbers of the parts of 词林正韵 that a group of 平水韵 belongs to, from 1."""
    name = group.lstrip(_ORDINALS)
    return frozenset(n for n, groups in enumerate(PARTS, 1) if name in groups)


@functools.cache
def ci_rhymes(character: str) -> frozenset[Rhyme]:
    """Returns what a character rhymes with in ci: the tone (平, 仄 or 入) and the number of the part.

    Both tables count. A group of 平水韵 that 词林正韵 splits counts only where 词林正韵 lacks the
    character in that tone, and leaves its parts open.
    """
    listed = {Rhyme(r.tone, str(_number(r.group))) for r in cilin().of(character)}
    known = {rhyme.tone for rhyme in listed}
    rhymes = set(listed)
    for rhyme in pingshui().of(character):
        tone = {"上": "仄", "去": "仄"}.get(rhyme.tone, rhyme.tone)
        if len(parts(rhyme.group)) == 1 or tone not in known:
            rhymes |= {Rhyme(tone, str(part)) for part in parts(rhyme.group)}
    return frozenset(rhymes)


def _number(name: str) -> int:
    """Reads 第十四部 as 14."""
    tens, _, ones = name.strip("第部").rpartition("十")
    if "十" not in name:
        return _ORDINALS.index(ones) + 1
    return 10 * (1 if not tens else _ORDINALS.index(tens) + 1) + (
        _ORDINALS.index(ones) + 1 if ones else 0
    )
