"""Ci (词): a tune's tone pattern and rhymes, from ``data/verse/tunes.json``, where each variant names its source.

Rhyme is that of 词林正韵: one part, level with level, rising with falling, entering apart. Ends of one
group of 平水韵 rhyme as well: Song poets went on rhyming the groups that 词林正韵, made from their ci in
1821, splits (晏殊 has 杯台回来徊, all in 十灰).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Literal

from coig_writer.verse import rhyme
from coig_writer.verse.books import Tones, ci_rhymes, line_tones, pingshui
from coig_writer.verse.verdict import (
    Mark,
    Place,
    Rule,
    Verdict,
    open_readings,
    passes,
    places_en,
    places_zh,
)

_DOT = re.compile("[·・•‧]")


@dataclasses.dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a tune: the shapes it may have, and the letter of its rhyme, empty where it has none."""

    shapes: tuple[str, ...]
    rhyme: str

    @property
    def size(self) -> int:
        """The number of its characters."""
        return len(self.shapes[0])


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """One of a tune's patterns, with the book that it is in."""

    tune: str
    name: str
    source: str
    clauses: tuple[Clause, ...]

    @property
    def size(self) -> int:
        """The number of its characters."""
        return sum(clause.size for clause in self.clauses)


def _clause(text: str) -> Clause:
    letter = text[-1] if text[-1].isascii() else ""
    shapes = text.rstrip(letter or None).replace("、", "").split("/")
    return Clause(tuple(shapes), letter)


@functools.cache
def tunes() -> dict[str, tuple[Variant, ...]]:
    """Returns the variants of each tune, by every name that the tune has."""
    file = resources.files("coig_writer") / "data" / "verse" / "tunes.json"
    by_name: dict[str, tuple[Variant, ...]] = {}
    for tune in json.loads(file.read_text(encoding="utf-8"))["tunes"]:
        variants = tuple(
            Variant(
                tune["name"],
                variant["name"],
                variant["source"],
                tuple(map(_clause, variant["pattern"].replace("|", " ").split())),
            )
            for variant in tune["variants"]
        )
        by_name |= dict.fromkeys((tune["name"], *tune["aliases"]), variants)
    return by_name


def named(title: str) -> str | None:
    """Returns the tune that a title is, or opens or ends with beside a dot: 浣溪沙, 浣溪沙·春恨, 醉中真・浣溪沙."""
    return next(
        (part for part in map(str.strip, _DOT.split(title.strip("《》 "))) if part in tunes()), None
    )


def _fits(own: Tones, wanted: str) -> Literal["kept", "broken", "open"]:
    if wanted == "中":
        return "kept"
    if own.possible and wanted not in own.possible:
        return "broken"
    return "kept" if own.sure == {wanted} else "open"


def _shape(clause: Clause, text: str) -> str:
    """The shape of a clause that the text breaks least."""
    return min(clause.shapes, key=lambda shape: sum(_fits(t, w) == "broken" for t, w in zip(line_tones(text), shape, strict=True)))  # fmt: skip


def _cut(characters: str, variant: Variant) -> list[str]:
    ends = list(itertools.accumulate(clause.size for clause in variant.clauses))
    return [characters[i:j] for i, j in zip([0, *ends], ends, strict=False)]


def _rhyme_groups(character: str, class_: str) -> frozenset[str]:
    """The parts and groups in which a character rhymes with the tone of its place."""
    oblique = class_ == "仄"
    joined = {
        f"第{r.group}部{'入声' * (r.tone == '入')}"
        for r in ci_rhymes(character)
        if (r.tone != "平") == oblique
    }
    return frozenset(
        joined | {r.group for r in pingshui().of(character) if (r.tone != "平") == oblique}
    )


def _marks(clauses: Sequence[str], variant: Variant) -> Iterator[Mark]:
    for number, (text, clause) in enumerate(zip(clauses, variant.clauses, strict=True), 1):
        shape = _shape(clause, text)
        for place, (own, wanted) in enumerate(zip(line_tones(text), shape, strict=True), 1):
            rhymed = bool(clause.rhyme) and place == clause.size
            shown = "/".join(sorted(own.possible)) or "?"
            yield Mark(
                (number, place),
                text[place - 1],
                wanted + "韵" * rhymed,
                shown,
                _fits(own, wanted),
            )


def _outside(clauses: Sequence[str], variant: Variant) -> tuple[tuple[Place, ...], str]:
    """The places that do not rhyme, and what the others rhyme in."""
    outside: list[Place] = []
    named: list[str] = []
    for letter in sorted({clause.rhyme for clause in variant.clauses} - {""}):
        places = [i for i, clause in enumerate(variant.clauses) if clause.rhyme == letter]
        ends = [_rhyme_groups(clauses[i][-1], variant.clauses[i].shapes[0][-1]) for i in places]
        group, bad = rhyme.common(ends)
        named.append(group or "?")
        outside += [(places[i] + 1, variant.clauses[places[i]].size) for i in bad]
    return tuple(outside), "、".join(named)


def _judge(
    clauses: Sequence[str], variant: Variant, ends: frozenset[int]
) -> tuple[tuple[Rule, ...], tuple[Mark, ...]]:
    shown = tuple(_marks(clauses, variant))
    outside, group = _outside(clauses, variant)
    shown = tuple(
        dataclasses.replace(m, state="broken") if m.place in outside else m for m in shown
    )
    broken = tuple(m.place for m in shown if m.state == "broken" and m.place not in outside)
    unknown = tuple(m.place for m in shown if m.found == "?" and m.wanted[0] != "中")
    ended = itertools.accumulate(clause.size for clause in variant.clauses)
    split = tuple((i, 0) for i, (end, clause) in enumerate(zip(ended, variant.clauses, strict=True), 1) if clause.rhyme and end not in ends)  # fmt: skip
    count = f"{variant.size}字，{variant.name}"
    rules = [Rule("字数", "kept", count, f"{variant.size} characters")]
    if len(ends) == 1:
        rules.append(Rule("句读", "note", "原文未断句，按谱断开", "the text has no pauses: cut by the pattern"))  # fmt: skip
    elif split:
        rules.append(Rule("句读", "broken", f"{places_zh(split)}：韵脚之后应断句", f"{places_en(split)}: a pause is due after the rhyme", split))  # fmt: skip
    else:
        rules.append(Rule("句读", "kept", "合", "kept"))
    if broken:
        needed = "、".join(f"“{m.character}”应{m.wanted[0]}" for m in shown if m.place in broken)
        rules.append(Rule("平仄", "broken", f"{places_zh(broken)}：{needed}", f"{places_en(broken)}: wrong tone", broken))  # fmt: skip
    elif unknown:
        rules.append(Rule("平仄", "open", f"{places_zh(unknown)}：字表不载", f"{places_en(unknown)}: no table knows the character", unknown))  # fmt: skip
    else:
        rules.append(Rule("平仄", "kept", "合", "kept"))
    if outside:
        rules.append(Rule("押韵", "broken", f"{places_zh(outside)}出韵（{group}）", f"{places_en(outside)}: does not rhyme ({group})", outside))  # fmt: skip
    else:
        rules.append(Rule("押韵", "kept", f"词林正韵{group}", f"rhymes in 词林正韵 {group}"))
    return (*rules, *open_readings(shown)), shown


def check(lines: Sequence[str], tune: str, rest: Sequence[str] = ()) -> Verdict:
    """Checks lines against the variants of a tune and tells the one that fits best.

    Args:
        lines: The clauses as punctuation divides them, Han characters alone.
        tune: A name of ``tunes()``.
        rest: What was read as no verse.
    """
    characters = "".join(lines)
    ends = frozenset(itertools.accumulate(map(len, lines)))
    known = tunes()[tune]
    form = known[0].tune
    sized = [variant for variant in known if variant.size == len(characters)]
    if not sized:
        sizes = "、".join(f"{v.size}字（{v.name}）" for v in known)
        rule = Rule("字数", "broken", f"《{form}》{sizes}，实有{len(characters)}字", f"{form} has {' or '.join(str(v.size) for v in known)} characters; here are {len(characters)}")  # fmt: skip
        return Verdict(form, True, False, (rule,), tuple(lines), tuple(rest))
    tried = [(variant, *_judge(_cut(characters, variant), variant, ends)) for variant in sized]
    variant, rules, shown = min(tried, key=lambda t: sum(m.state == "broken" for m in t[2]))
    return Verdict(
        form, True, passes(rules), rules, tuple(_cut(characters, variant)), tuple(rest), shown,
        "词林正韵", f"{variant.name}（{variant.source}）",
    )  # fmt: skip
