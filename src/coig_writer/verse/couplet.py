"""Couplets (对联): equal length, the first half ending oblique and the second level.

Whether the words answer each other in meaning (对仗) is for people, and the verdict says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coig_writer.verse.books import LEVEL, OBLIQUE, System, Tones, tones
from coig_writer.verse.reading import Reading, Row, left_out, trimmed
from coig_writer.verse.verdict import Mark, Place, Rule, Verdict, passes, places_en, places_zh

FORM = "对联"
_LABEL = re.compile(r"(上联|下联|横批|横额)\s*[：:]?\s*")
_PEOPLE = Rule(
    "对仗",
    "note",
    "词性与意义是否相对，由人评判",
    "whether the words answer each other is left to people",
)


def halves(
    reading: Reading,
) -> tuple[list[tuple[tuple[str, ...], tuple[str, ...]]], tuple[str, ...]]:
    """Pairs the lines of a text: two and two, or the two clauses of a single line; the rest is named.

    Where 上联 and 下联 are marked, only the marked lines count; without marks, rows that an empty line sets
    off at either end (a greeting, 横批) are named where that leaves couplets.
    """
    rest = list(reading.rest)
    labels = {row: label[1][0] if (label := _LABEL.match(row.text)) else "" for row in reading.rows}
    marked = not {"上", "下"}.isdisjoint(labels.values())
    verse = [row for row in reading.rows if labels[row] != "横" and (labels[row] or not marked)]
    rows = verse if marked else _couplets(verse)
    rest += [f"非联语：{row.text}" for row in left_out(reading.rows, rows)]
    sides = [_clauses(row) if labels[row] else row.clauses for row in rows]
    if marked and len(sides) > 1:
        upper, lower = (
            [s for s, row in zip(sides, rows, strict=True) if labels[row] == side]
            for side in "上下"
        )
        pairs = list(zip(upper, lower, strict=False))
        rest += [
            "无对句：" + "，".join(side) for side in (*upper[len(pairs) :], *lower[len(pairs) :])
        ]
        return pairs, tuple(rest)
    if len(sides) == 1:
        sides = _split(sides[0])
    if len(sides) % 2:
        rest.append("无对句：" + "，".join(sides.pop()))
    return list(zip(sides[::2], sides[1::2], strict=True)), tuple(rest)


def _split(clauses: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The two halves of a couplet in one line; a line without any pause is cut in the middle."""
    if len(clauses) == 1 and len(clauses[0]) % 2 == 0:
        half = len(clauses[0]) // 2
        return [(clauses[0][:half],), (clauses[0][half:],)]
    half = len(clauses) // 2
    return [clauses[:half], clauses[half:]] if len(clauses) % 2 == 0 else [clauses]


def _couplets(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows that pair off in equal length; failing that, as many as pair off at all."""

    def sides(some: Sequence[Row]) -> list[tuple[str, ...]]:
        whole = len(rows) == 1 or (len(some) == 1 and len(some[0].clauses) > 1)
        return _split(some[0].clauses) if whole else [row.clauses for row in some]

    def paired(some: Sequence[Row]) -> bool:
        return len(sides(some)) % 2 == 0

    def equal(some: Sequence[Row]) -> bool:
        sizes = [list(map(len, side)) for side in sides(some)]
        announced = any(row.text.endswith(("：", ":")) for row in some)
        return paired(some) and sizes[::2] == sizes[1::2] and not announced

    kept = trimmed(rows, equal, rows)
    return kept if equal(kept) else trimmed(rows, paired, rows)


def _clauses(row: Row) -> tuple[str, ...]:
    """The clauses of a marked line, without the mark."""
    return tuple(filter(None, (_LABEL.sub("", clause) for clause in row.clauses)))


def _fits(own: Tones, wanted: str) -> str:
    if own.possible and wanted not in own.possible:
        return "broken"
    return "kept" if own.sure == {wanted} else "open"


def _end(place: Place, character: str, wanted: str, system: System) -> tuple[Mark, Rule | None]:
    own = tones(character, system)
    state = _fits(own, wanted)
    shown = "/".join(sorted(own.possible)) or "?"
    mark = Mark(place, character, wanted, shown, "broken" if state == "broken" else "kept" if state == "kept" else "open")  # fmt: skip
    if state == "broken":
        return mark, Rule("句脚", "broken", f"{places_zh((place,))}“{character}”应为{wanted}声", f"{places_en((place,))} should be {'level' if wanted == LEVEL else 'oblique'}", (place,))  # fmt: skip
    if not own.possible:
        return mark, Rule("句脚", "open", f"{places_zh((place,))}“{character}”字表不载", f"{places_en((place,))}: no table knows it", (place,))  # fmt: skip
    return mark, None


def _same_tone(first: str, second: str, system: System) -> bool:
    """Whether no reading of two characters has opposed tones."""
    one, other = tones(first, system).possible, tones(second, system).possible
    return bool(one and other) and len(one | other) == 1


def _rhythm(
    above: Sequence[str], below: Sequence[str], number: int, system: System
) -> Iterator[Rule]:
    """The even places, where both halves should be opposed: told, not required."""
    upper, lower = "".join(above), "".join(below)
    places = tuple(
        (number + 1, place)
        for place in range(2, min(len(upper), len(lower)), 2)
        if _same_tone(upper[place - 1], lower[place - 1], system)
    )
    if places:
        yield Rule("节奏点", "note", f"{places_zh(places)}：与上联平仄相同", f"{places_en(places)}: the same tone as above", places)  # fmt: skip


def _judge(
    pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]], system: System
) -> tuple[tuple[Rule, ...], tuple[Mark, ...]]:
    rules: list[Rule] = []
    marks: list[Mark] = []
    for number, (above, below) in enumerate(pairs):
        line = 2 * number + 1
        if [len(c) for c in above] != [len(c) for c in below]:
            counts = [sum(map(len, half)) for half in (above, below)]
            rules.append(Rule("字数", "broken", f"上联{counts[0]}字，下联{counts[1]}字，断句应相同", f"{counts[0]} characters above, {counts[1]} below; pauses must agree", ((line, 0), (line + 1, 0))))  # fmt: skip
        else:
            rules.append(Rule("字数", "kept", f"上下联各{len(''.join(above))}字", "equal length"))
        ends = [((line, len("".join(above))), above[-1][-1], OBLIQUE), ((line + 1, len("".join(below))), below[-1][-1], LEVEL)]  # fmt: skip
        checked = [_end(place, character, wanted, system) for place, character, wanted in ends]
        marks += [mark for mark, _ in checked]
        bad = [rule for _, rule in checked if rule]
        rules += bad or [
            Rule("句脚", "kept", "上联仄收，下联平收", "ends oblique above, level below")
        ]
        rules += _rhythm(above, below, line, system)
    return (*rules, _PEOPLE), tuple(marks)


def check(reading: Reading, system: System | None = None) -> Verdict:
    """Checks each couplet of a text, under the rhyme book that breaks less where none is given."""
    pairs, rest = halves(reading)
    lines = tuple("，".join(half) for pair in pairs for half in pair)
    if not pairs or not all(half for pair in pairs for half in pair):
        rule = Rule("两联", "broken", "没有上下两联", "there are not two halves")
        return Verdict(FORM, True, False, (rule,), lines, rest)
    systems: tuple[System, ...] = (system,) if system else ("平水韵", "中华新韵")
    tried = [(s, *_judge(pairs, s)) for s in systems]
    best, rules, marks = min(tried, key=lambda t: sum(rule.state == "broken" for rule in t[1]))
    return Verdict(FORM, True, passes(rules), rules, lines, rest, marks, best)
