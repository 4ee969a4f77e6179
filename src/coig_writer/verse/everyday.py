"""Everyday rhyme of songs, rap, slogans and 顺口溜: the thirteen rhymes (十三辙) of spoken Mandarin."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from coig_writer.verse import rhyme
from coig_writer.verse.books import syllables
from coig_writer.verse.reading import Reading, Row
from coig_writer.verse.verdict import Rule, Verdict, passes, places_en, places_zh

FORM = "押韵"
TRACKS = {
    "发花": "a ia ua",
    "梭坡": "o e uo",
    "乜斜": "ê ie üe ve",
    "姑苏": "u",
    "一七": "i ü v er",
    "怀来": "ai uai",
    "灰堆": "ei uei ui",
    "遥条": "ao iao",
    "由求": "ou iou iu",
    "言前": "an ian uan üan van",
    "人辰": "en in uen un ün vn",
    "江阳": "ang iang uang",
    "中东": "eng ing ueng ong iong",
}
_OF_FINAL = {final: track for track, finals in TRACKS.items() for final in finals.split()}
_PARTICLES = frozenset("了的地得着呢吗吧啊呀嘛哦啦哟")


@functools.cache
def tracks(character: str) -> frozenset[str]:
    """Returns the rhymes (辙) of a character, one per reading; empty where pypinyin does not know it."""
    readings = syllables(character)
    if not readings:
        return frozenset()
    from pypinyin.contrib.tone_convert import to_finals

    finals = (to_finals(reading, v_to_u=True) for reading in readings)
    return frozenset(_OF_FINAL[final] for final in finals if final in _OF_FINAL)


def end(line: str) -> str:
    """Returns the character that carries a line's rhyme: the last one that is no particle."""
    return next((c for c in reversed(line) if c not in _PARTICLES), line[-1])


def ends(rows: Sequence[Row]) -> list[frozenset[str]]:
    """Returns the rhymes of each line of a text; 了 rhymes as liǎo in 受不了 and 不得了, where it is no particle."""
    return [
        frozenset({"遥条"}) if row.clauses[-1].endswith(("不了", "不得了")) else tracks(end(row.clauses[-1]))
        for row in rows
    ]  # fmt: skip


def check(reading: Reading) -> Verdict:
    """Checks that a text rhymes, and tells its scheme by stanza.

    A single line is divided at its punctuation, so that a slogan of one line can rhyme within.
    """
    rows = [row for row in reading.rows if row.clauses]
    if len(rows) == 1:
        rows = [Row(c, (c,), True, 0) for c in rows[0].clauses]
    lines = tuple(row.text for row in rows)
    if len(rows) < 2:
        rule = Rule("押韵", "broken", "不足两句", "fewer than two lines")
        return Verdict(FORM, True, False, (rule,), lines, reading.rest)
    rhymes = ends(rows)
    stanzas = [[i for i, _ in group] for _, group in itertools.groupby(enumerate(rows), key=lambda r: r[1].stanza)]  # fmt: skip
    shown = " ".join(rhyme.scheme([rhymes[i] for i in stanza]) for stanza in stanzas)
    rhymed = rhyme.heard(rhymes)
    known = [bool(groups) for groups in rhymes]
    loose = tuple((i + 1, 0) for i, r in enumerate(rhymed) if not r and known[i])
    share = sum(rhymed) / len(rhymed)
    zh = f"{len(rows)}句中{sum(rhymed)}句相押，韵式 {shown}"
    en = f"{sum(rhymed)} of {len(rows)} lines rhyme, scheme {shown}"
    if share >= rhyme.RHYMED:
        rule = Rule("押韵", "kept", zh, en)
    elif not all(known):
        unknown = tuple((i + 1, 0) for i, k in enumerate(known) if not k)
        rule = Rule("押韵", "open", f"{zh}；{places_zh(unknown)}读音不明", f"{en}; unknown: {places_en(unknown)}", unknown)  # fmt: skip
    else:
        rule = Rule("押韵", "broken", f"{zh}；{places_zh(loose)}不押", f"{en}; without a rhyme: {places_en(loose)}", loose)  # fmt: skip
    return Verdict(FORM, True, passes((rule,)), (rule,), lines, reading.rest, (), "十三辙", shown)
