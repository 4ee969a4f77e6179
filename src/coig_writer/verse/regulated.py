"""Regulated verse (近体诗): quatrains and eight-line poems of five or seven characters.

The patterns are made from the rules, not listed. A line of five is one of four types by its end and by its
second character; a line of seven has two characters of the other tone before it. Within a couplet the
second characters are opposed (对), between couplets they agree (粘). Each type has the few
variants that the tradition allows, among them the rescues (拗救), after 王力《诗词格律》(1962),
chapter 2. A path through the lines with the least that is broken is found by dynamic programming over
(line, variant): at each place a variant asks for a set of tones and the character has a set, so the number
of readings of a line never matters. Where every line fits a variant and the poem does not, it is tried with
each two lines exchanged; if one exchange mends everything, the verdict judges the lines as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from coig_writer.verse import rhyme
from coig_writer.verse.books import (
    LEVEL,
    OBLIQUE,
    System,
    Tone,
    line_tones,
    parts,
    pingshui,
    xinyun,
)
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

Type = Literal["A", "B", "C", "D"]
FORMS = {
    "五言绝句": (4, 5),
    "七言绝句": (4, 7),
    "五言律诗": (8, 5),
    "七言律诗": (8, 7),
}
SYSTEMS: tuple[System, ...] = ("平水韵", "中华新韵")
TURN = 1.5  # what a line that does not oppose or follow the one before costs, in broken characters
LIKENESS = 0.075  # of the characters: more is broken in no poem that was meant to be regulated

# Marks of a variant that the couplet's second line must answer, and of one that answers.
CALLS, ANSWERS = "calls", "answers"


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """A shape that a line may have.

    Attributes:
        type: A 仄仄平平仄, B 平平仄仄平, C 平平平仄仄, D 仄仄仄平平.
        tones: What each place asks for: 平, 仄, or 中 for either.
        name: What the variant is called where it is not the plain one.
        role: ``calls`` for a line that only the next one can rescue, ``answers`` for one that can.
    """

    type: Type
    tones: str
    name: str = ""
    role: str = ""

    @property
    def second(self) -> str:
        """The tone of the second character of the line."""
        return self.tones[1]


_FIVE = (
    Variant("A", "中仄平平仄"),
    Variant("A", "中仄仄平仄", "小拗"),
    Variant("A", "中仄中仄仄", "大拗", CALLS),
    Variant("B", "平平仄仄平"),
    Variant("B", "平平平仄平", "", ANSWERS),
    Variant("B", "仄平平仄平", "孤平拗救", ANSWERS),
    Variant("C", "中平平仄仄"),
    Variant("C", "平平仄平仄", "特拗"),
    Variant("C", "中平仄仄仄", "三仄尾"),
    Variant("C", "仄平仄平仄", "特拗首字仄"),
    Variant("D", "中仄仄平平"),
)
# Per exception: its place from the end of the line, that of the character in the same line which rescues it, and
# the words, with room for the rescue.
NAMES: dict[str, tuple[int, int | None, str, str]] = {
    "小拗": (2, None, "该平用仄{rescue}（轻拗，可救可不救）", "oblique for level{rescue} (a light exception, which needs no rescue)"),
    "大拗": (1, None, "该平用仄，出句拗{rescue}", "oblique for level, an exception{rescue}"),
    "孤平拗救": (4, 2, "该平用仄{rescue}，本句自救，免于孤平", "oblique for level{rescue} within the line, which avoids 孤平"),
    "特拗": (2, 1, "该平用仄{rescue}：平平仄平仄，本句自救的常用句式", "oblique for level{rescue}: 平平仄平仄, a usual variant"),
    "三仄尾": (2, None, "以下三仄收尾，可用而宜避", "three oblique tones at the end: allowed, better avoided"),
    "特拗首字仄": (4, None, "该平用仄：平平仄平仄的首字宜平", "oblique for level: the first character of 平平仄平仄 should be level"),
}  # fmt: skip


@functools.cache
def variants(size: int) -> tuple[Variant, ...]:
    """Returns the variants of a line of five or seven characters."""
    if size == 5:
        return _FIVE
    return tuple(
        dataclasses.replace(v, tones="中" + (LEVEL if v.second == OBLIQUE else OBLIQUE) + v.tones)
        for v in _FIVE
    )


def named(form: str) -> str | None:
    """Returns the full name of a form of regulated verse, such as 七言律诗 for 七律; None for another."""
    for full in FORMS:
        if form in {full, full[0] + full[2], full[0] + full[2:]}:
            return full
    return None


def shape(lines: Sequence[str]) -> str | None:
    """Returns the form whose number and length of lines a poem has."""
    sizes = {len(line) for line in lines}
    return next(
        (n for n, (count, size) in FORMS.items() if count == len(lines) and sizes == {size}), None
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Fit:
    """A poem on the path that breaks least.

    Attributes:
        path: The variant of each line, with the end that its place asks for.
        ends: The lines that rhyme, from 0.
        group: The rhyme group of most of them; None where none ends level.
        outside: The lines that end level and are not in the group, from 0.
        neighbour: Whether the first line borrows its rhyme from a neighbouring group.
        cost: Characters no reading of which fits, and turns that oppose or follow wrongly.
        exchanged: Two lines, from 0, with which exchanged the poem keeps every rule.
    """

    system: System
    lines: tuple[str, ...]
    path: tuple[Variant, ...]
    ends: tuple[int, ...]
    group: str | None
    outside: tuple[int, ...]
    neighbour: bool
    cost: float
    exchanged: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """The number of characters."""
        return sum(map(len, self.lines))

    @property
    def rhymes_first(self) -> bool:
        """Whether the first line rhymes."""
        return self.path[0].tones[-1] == LEVEL


def _broken(line: str, variant: Variant, system: System) -> list[int]:
    """The characters, from 1, no reading of which fits a variant."""
    return [
        place
        for place, (own, wanted) in enumerate(
            zip(line_tones(line, system), variant.tones, strict=True), 1
        )
        if wanted != "中" and wanted not in (own.possible or {wanted})
    ]


def _cost(line: str, variant: Variant, system: System) -> tuple[float, int, int]:
    """Counts the broken characters, those of which only a doubtful reading fits, and the exceptions."""
    broken = len(_broken(line, variant, system))
    sure = sum(
        wanted == "中" or own.sure == {wanted}
        for own, wanted in zip(line_tones(line, system), variant.tones, strict=True)
    )
    return float(broken), len(line) - sure - broken, bool(variant.name)


Cost = tuple[float, int, int]


def _turn(before: Variant, after: Variant, place: int) -> Cost | None:
    """What it costs to go on to a line; None where it cannot be."""
    if before.role == CALLS and after.role != ANSWERS:
        return None
    opposed = before.second != after.second
    return (0.0 if opposed == bool(place % 2) else TURN, 0, 0)


def _sum(*costs: Cost) -> Cost:
    return sum(c[0] for c in costs), sum(c[1] for c in costs), sum(c[2] for c in costs)


def _placed(variant: Variant, end: str) -> Variant:
    """A variant with the end that its place asks for."""
    return dataclasses.replace(variant, tones=variant.tones[:-1] + end)


def _end(place: int, first_rhymes: bool) -> Tone:
    """Even lines rhyme and end level; odd ones do not, save that the first may."""
    return LEVEL if place % 2 or (place == 0 and first_rhymes) else OBLIQUE


def _choices(line: str, end: Tone, system: System) -> list[Variant]:
    """The variants that a line may have at its place: those with the right end, and all where its end is wrong."""
    choices = variants(len(line))
    if end in (line_tones(line, system)[-1].possible or {end}):
        return [v for v in choices if v.tones[-1] == end]
    return [_placed(v, end) for v in choices if v.tones[-1] == end or v.role != CALLS]


def best_path(
    lines: Sequence[str], system: System, first_rhymes: bool
) -> tuple[Cost, tuple[Variant, ...]]:
    """Finds the variants, one per line, that together break least."""
    reached: dict[Variant, tuple[Cost, tuple[Variant, ...]]] = {
        v: (_cost(lines[0], v, system), (v,))
        for v in _choices(lines[0], _end(0, first_rhymes), system)
    }
    for place, line in enumerate(lines[1:], 1):
        following: dict[Variant, tuple[Cost, tuple[Variant, ...]]] = {}
        for variant in _choices(line, _end(place, first_rhymes), system):
            own = _cost(line, variant, system)
            ways = [
                (_sum(cost, turn, own), (*path, variant))
                for before, (cost, path) in reached.items()
                if (turn := _turn(before, variant, place)) is not None
            ]
            following[variant] = min(ways, key=lambda way: way[0])
        reached = following
    return min(reached.values(), key=lambda way: way[0])


def _groups(character: str, system: System, tone: Tone = LEVEL) -> frozenset[str]:
    book = pingshui() if system == "平水韵" else xinyun()
    return frozenset(rhyme.group for rhyme in book.of(character) if rhyme.class_ == tone)


def _neighbours(first: str, group: str | None) -> bool:
    """Says whether a first line may borrow: its group and the poem's are in one part of 词林正韵."""
    return group is not None and any(parts(g) & parts(group) for g in _groups(first, "平水韵"))


def fitted(lines: Sequence[str], system: System) -> Fit:
    """Fits lines of one length to the best pattern with rhyme under one system."""
    fits = []
    for first_rhymes in (False, True):
        cost, path = best_path(lines, system, first_rhymes)
        even = tuple(range(1, len(lines), 2))
        group, outside = rhyme.common([_groups(lines[i][-1], system) for i in even])
        bad = [even[i] for i in outside]
        borrowed = False
        if first_rhymes and len(outside) == len(even):
            # No two of the others agree: the first line tells which of them is out.
            group, outside = rhyme.common([_groups(lines[i][-1], system) for i in (0, *even)])
            bad = [(0, *even)[i] for i in outside]
        elif first_rhymes and (own := _groups(lines[0][-1], system)) and group not in own:
            borrowed = system == "平水韵" and _neighbours(lines[0][-1], group)
            bad += [] if borrowed else [0]
        ends = (0, *even) if first_rhymes else even
        # A character in the wrong tone is reported once, as a tone.
        toned = tuple(sorted(i for i in bad if LEVEL in line_tones(lines[i], system)[-1].possible))
        total = cost[0] + len(toned)
        # A first line that ends on the rhyme was meant to rhyme, whatever else is wrong with it.
        unmeant = first_rhymes != (group in _groups(lines[0][-1], system))
        fits.append(
            (
                (total, unmeant, *cost[1:]),
                Fit(system, tuple(lines), path, ends, group, toned, borrowed, total),
            )
        )
    return min(fits, key=lambda pair: pair[0])[1]


def _exchanged(fit: Fit) -> Fit:
    """Judges a poem by its lines as they are if two of them have changed places.

    Only where the best path calls characters broken: each line then fits a variant by itself, and the poem
    with the two exchanged breaks nothing.
    """
    lines, system = fit.lines, fit.system
    fits = [[not _broken(line, v, system) for v in variants(len(line))] for line in lines]
    if all(m.state != "broken" for m in _marks(fit)) or not all(map(any, fits)):
        return fit
    options = [
        option
        for pair in itertools.combinations(range(len(lines)), 2)
        for option in _exchange(fit, pair)
    ]
    return min(options, key=lambda option: option[0])[1] if options else fit


def _exchange(fit: Fit, pair: tuple[int, int]) -> Iterator[tuple[Cost, Fit]]:
    """The poem told by the path that fits with two lines exchanged, if one does, and what its lines cost."""
    order = list(range(len(fit.lines)))
    order[pair[0]], order[pair[1]] = pair[1], pair[0]
    whole = fitted([fit.lines[k] for k in order], fit.system)
    path = [whole.path[k] for k in order]
    roles = [v.role for v in path]
    if whole.cost or any(a == CALLS and b != ANSWERS for a, b in itertools.pairwise([*roles, ""])):
        return
    first = path[0].tones[-1] == LEVEL
    if any(
        v.tones[-1] != (end := _end(k, first))
        and end in line_tones(fit.lines[k], fit.system)[-1].possible
        for k, v in enumerate(path)
    ):
        return  # the line fits its place: its fault is within
    ends = tuple(k for k in order if _end(k, first) == LEVEL)
    groups = [_groups(line[-1], fit.system) for line in fit.lines]
    outside = tuple(
        k
        for k in sorted(ends)
        if groups[k] and whole.group not in groups[k] and (k or not whole.neighbour)
    )
    placed = tuple(_placed(variant, _end(k, first)) for k, variant in enumerate(path))
    cost = _sum(*(_cost(line, v, fit.system) for line, v in zip(fit.lines, path, strict=True)))
    yield cost, dataclasses.replace(
        fit, path=placed, ends=tuple(sorted(ends)), group=whole.group, outside=outside, neighbour=False, exchanged=pair
    )  # fmt: skip


def marks(fit: Fit) -> tuple[Mark, ...]:
    """Returns a mark under each character."""
    return tuple(_marks(fit))


def _marks(fit: Fit) -> Iterator[Mark]:
    for number, (line, variant) in enumerate(zip(fit.lines, fit.path, strict=True)):
        own_tones = line_tones(line, fit.system)
        for place, (own, wanted) in enumerate(zip(own_tones, variant.tones, strict=True)):
            rhymed = number in fit.ends and place == len(line) - 1
            shown = "/".join(sorted(own.possible)) or "?"
            state: Literal["kept", "broken", "open"] = "kept"
            if wanted != "中":
                if own.possible and wanted not in own.possible:
                    state = "broken"
                elif own.sure != {wanted}:
                    state = "open"
            if rhymed and number in fit.outside:
                state = "broken"
            yield Mark((number + 1, place + 1), line[place], wanted + "韵" * rhymed, shown, state)


def _turns(fit: Fit, parity: int) -> tuple[Place, ...]:
    return tuple(
        (i + 1, 2)
        for i in range(1, len(fit.lines))
        if i % 2 == parity and (fit.path[i - 1].second != fit.path[i].second) != bool(parity)
    )


def _tone_rule(mark: Mark, fit: Fit) -> str:
    """Names the rule that a broken tone breaks."""
    line, place = mark.place
    variant, size = fit.path[line - 1], len(fit.lines[0])
    if place == size:
        return "句脚"
    back = size - place  # 4: the fifth character from the end
    if variant.type == "B" and back == 4 and not variant.name:
        return "孤平"
    third = line_tones(fit.lines[line - 1], fit.system)[-3].possible
    if (variant.type == "D" and back == 2) or (variant.type == "B" and back == 1 and third == {LEVEL}):  # fmt: skip
        return "三平尾"
    if variant.type == "A" and back == 1:
        return "拗救"
    return "平仄"


_TAUGHT = {
    "平仄": ("该{wanted}而用{found}", "wrong tone (level and oblique are swapped)"),
    "孤平": (
        "孤平：除韵脚外只有一个平声，且未救",
        "only one level tone besides the rhyme, not rescued",
    ),
    "三平尾": ("句末三平", "three level tones at the end of the line"),
    "拗救": ("出句拗，对句未救", "an exception that the next line does not rescue"),
    "句脚": (
        "不押韵的句子应以仄声收，押韵的应以平声收",
        "a rhyming line ends level, another one oblique",
    ),
}


def _alternatives(fit: Fit, places: Sequence[Place]) -> tuple[Place, ...]:
    """The places that other variants of the same lines would call broken, where no variant breaks less.

    平平平平仄 has a fault in its third or in its fourth character, as one takes it.
    """
    more: set[Place] = set()
    for number in {line for line, _ in places}:
        line, chosen = fit.lines[number - 1], fit.path[number - 1]
        least = _cost(line, chosen, fit.system)[0]
        for variant in variants(len(line)):
            broken = _broken(line, _placed(variant, chosen.tones[-1]), fit.system)
            if variant.type == chosen.type and variant.role != CALLS and len(broken) == least:
                more |= {(number, i) for i in broken}
    return tuple(sorted(more - set(places)))


def _rule_zh(zh: str, hit: Sequence[Mark], wanted: str = "") -> str:
    """The words of a rule, for the characters of which it wants one tone if that is given."""
    own = [mark for mark in hit if mark.wanted[0] == wanted or not wanted]
    characters = "”“".join(mark.character for mark in own)
    return f"{places_zh(tuple(mark.place for mark in own))}“{characters}”：" + zh.format(
        wanted=wanted, found=own[0].found
    )


def _tone_rules(fit: Fit, shown: Sequence[Mark]) -> Iterator[Rule]:
    broken: dict[str, list[Mark]] = {name: [] for name in _TAUGHT}
    for mark in shown:
        line, place = mark.place
        if mark.state == "broken" and not (place == len(fit.lines[0]) and line - 1 in fit.outside):
            broken[_tone_rule(mark, fit)].append(mark)
    unknown = tuple(m.place for m in shown if m.found == "?" and m.wanted[0] != "中")
    for name in _TAUGHT:
        if broken[name]:
            yield _broken_rule(name, broken[name], fit)
        elif name == "平仄" and unknown:
            yield Rule(name, "open", f"{places_zh(unknown)}：字表不载，无从判断", f"{places_en(unknown)}: no table knows the character", unknown)  # fmt: skip
        else:
            yield Rule(name, "kept", "合", "kept")


def _broken_rule(name: str, hit: Sequence[Mark], fit: Fit) -> Rule:
    """A rule on tones with the characters that break it, and what else they may be called."""
    taught_zh, taught_en = _TAUGHT[name]
    places = tuple(mark.place for mark in hit)
    tones = dict.fromkeys(m.wanted[0] for m in hit) if "{" in taught_zh else [""]
    zh = ["；".join(_rule_zh(taught_zh, hit, wanted) for wanted in tones)]
    en = [f"{places_en(places)}: {taught_en}"]
    if name == "拗救":
        answers = tuple((line + 1, len(fit.lines[0]) - 2) for line, _ in places)
        zh.append(f"{places_zh(answers)}应平")
        en.append(f"{places_en(answers)} should be level")
        places = (*places, *answers)
    for line in [line for line, place in places if place == 2 and name == "平仄"]:
        turns = "失粘、失对" if 1 < line < len(fit.lines) else "失对"
        zh.append(f"第{line}句第2字亦即{turns}")
        en.append(f"in line {line} this is {turns} too")
    if more := _alternatives(fit, places):
        zh.append(f"亦可归于{places_zh(more)}")
        en.append(f"or at {places_en(more)}")
    return Rule(name, "broken", "；".join(zh), "; ".join(en), (*places, *more))


def _turn_rules(fit: Fit) -> Iterator[Rule]:
    for name, parity, zh, en in (
        ("对", 1, "失对：一联之内，两句第二字平仄应相反", "the second characters of a couplet are opposed"),
        ("粘", 0, "失粘：本句第二字应与上联对句第二字同平仄", "the second character agrees with that of the line before"),
    ):  # fmt: skip
        places = _turns(fit, parity)
        if places:
            yield Rule(
                name, "broken", f"{places_zh(places)}：{zh}", f"{places_en(places)}: {en}", places
            )
        else:
            yield Rule(name, "kept", "合", "kept")


def _rhyme_rules(fit: Fit) -> Iterator[Rule]:
    size = len(fit.lines[0])
    outside = tuple((i + 1, size) for i in fit.outside)
    ends = "".join(fit.lines[i][-1] for i in fit.ends)
    unknown = tuple((i + 1, size) for i in fit.ends if not _groups(fit.lines[i][-1], fit.system) and LEVEL in (line_tones(fit.lines[i], fit.system)[-1].possible or {LEVEL}))  # fmt: skip
    if outside:
        yield Rule("押韵", "broken", f"{places_zh(outside)}出韵：韵脚“{ends}”，多数在{fit.group}", f"{places_en(outside)}: not in the rhyme group of the others ({fit.group})", outside)  # fmt: skip
    elif unknown:
        yield Rule("押韵", "open", f"{places_zh(unknown)}：韵书不载", f"{places_en(unknown)}: the rhyme book lacks it", unknown)  # fmt: skip
    elif fit.group is None:
        yield _oblique_rhyme(fit)
    else:
        yield Rule("押韵", "kept", f"韵脚“{ends}”，{fit.system}{fit.group}", f"rhymes in {fit.group} of {fit.system}")  # fmt: skip
    if fit.neighbour:
        yield Rule("首句借韵", "note", "首句借用邻韵", "the first line borrows from a neighbouring group", ((1, size),))  # fmt: skip


def _oblique_rhyme(fit: Fit) -> Rule:
    """The rule on rhyme where no even line ends level: poems in oblique rhyme are old-style."""
    last = [line[-1] for line in fit.lines[1::2]]
    places = tuple((number, len(fit.lines[0])) for number in range(2, len(fit.lines) + 1, 2))
    group, outside = rhyme.common([_groups(c, fit.system, OBLIQUE) for c in last])
    ends = "".join(last)
    if group is None or outside:
        return Rule("押韵", "broken", f"偶句“{ends}”以仄声收，不押平声韵", "the even lines end oblique and do not rhyme", places)  # fmt: skip
    return Rule("押韵", "broken", f"偶句“{ends}”押仄韵（{group}）：近体押平声韵，仄韵诗属古体", f"the even lines rhyme in an oblique group ({group}): regulated verse rhymes level, oblique rhyme is old-style", places)  # fmt: skip


def _notes(fit: Fit) -> Iterator[Rule]:
    for number in range(1, len(fit.lines) + 1):
        if fit.path[number - 1].name:
            yield _exception(fit, number)
    if fit.exchanged:
        one, other = (i + 1 for i in fit.exchanged)
        yield Rule("互换", "note", f"第{one}句与第{other}句互换，则全诗合律", f"with lines {one} and {other} exchanged the poem keeps every rule", ((one, 0), (other, 0)))  # fmt: skip
    seen = Counter("".join(fit.lines))
    for number, line in enumerate(fit.lines, 1):
        inside = Counter(line)
        for place, character in enumerate(line, 1):
            if seen[character] > inside[character]:
                yield Rule("重字", "note", f"第{number}句第{place}字“{character}”全诗重出", f"line {number} character {place} also occurs in another line", ((number, place),))  # fmt: skip


def _exception(fit: Fit, number: int) -> Rule:
    """Names an exception, its character and the one that rescues it, in the same line or in the next."""
    line, size = fit.lines[number - 1], len(fit.lines[0])
    name = fit.path[number - 1].name
    back, rescue, zh, en = NAMES[name]
    places = [(number, size - back)]
    if rescue is not None:
        places.append((number, size - rescue))
    elif name in {"小拗", "大拗"} and number < len(fit.path) and fit.path[number].role == ANSWERS:
        places.append((number + 1, size - 2))
    rescued_zh = [
        f"，{places_zh((p,))}“{fit.lines[p[0] - 1][p[1] - 1]}”用平相救" for p in places[1:]
    ]
    rescued_en = [f", rescued by the level tone at {places_en((p,))}" for p in places[1:]]
    zh = (
        f"{places_zh((places[0],))}“{line[size - 1 - back]}”{zh.format(rescue=''.join(rescued_zh))}"
    )
    return Rule(name, "note", zh, f"{places_en((places[0],))}: {en.format(rescue=''.join(rescued_en))}", tuple(places))  # fmt: skip


def _ends(fit: Fit, shown: Sequence[Mark]) -> int:
    """Counts the lines without rhyme that end level: if no form was asked for, each counts twice."""
    size = len(fit.lines[0])
    return sum(
        m.state == "broken" and m.place[1] == size and m.place[0] - 1 not in fit.ends for m in shown
    )


def judge(lines: Sequence[str], system: System | None = None) -> Fit:
    """Fits lines under a system, or under the one that breaks less; 平水韵 where they are equal."""
    systems = (system,) if system else SYSTEMS
    return min((fitted(lines, s) for s in systems), key=lambda f: (f.cost, SYSTEMS.index(f.system)))


def check(
    lines: Sequence[str],
    form: str | None = None,
    system: System | None = None,
    rest: Sequence[str] = (),
) -> Verdict | None:
    """Checks lines against a form of regulated verse.

    Args:
        lines: The lines, Han characters alone.
        form: 五言绝句, 七言绝句, 五言律诗 or 七言律诗; None to infer it.
        system: The rhyme book; None to infer it.
        rest: What was read as no verse.

    Returns:
        The verdict; None where no form was asked and the lines are not meant to be regulated.
    """
    shaped = shape(lines)
    if form is not None and shaped != form:
        count, size = FORMS[form]
        sizes = tuple((i, 0) for i, line in enumerate(lines, 1) if len(line) != size)
        rule = Rule("句数字数", "broken", f"{form}应为{count}句、每句{size}字，实有{len(lines)}句", f"{form} has {count} lines of {size} characters; here are {len(lines)} lines", sizes)  # fmt: skip
        return Verdict(form, True, False, (rule,), tuple(lines), tuple(rest))
    if shaped is None:
        return None
    best = judge(lines, system)
    if form is None and best.cost + _ends(best, marks(best)) > LIKENESS * best.size:
        return None
    fit = _exchanged(best)
    shown = marks(fit)
    count, size = FORMS[shaped]
    rules = [
        Rule("句数字数", "kept", f"{count}句，每句{size}字", f"{count} lines of {size} characters"),
        *_tone_rules(fit, shown),
        *_turn_rules(fit),
        *_rhyme_rules(fit),
        *_notes(fit),
        *open_readings(shown),
    ]
    if system is None and fit.system != SYSTEMS[0]:
        rules.append(_older(lines))
    start = "平" if fit.path[0].second == LEVEL else "仄"
    pattern = f"{start}起首句{'' if fit.rhymes_first else '不'}入韵"
    return Verdict(shaped, form is not None, passes(rules), tuple(rules), tuple(lines), tuple(rest), shown, fit.system, pattern)  # fmt: skip


def _older(lines: Sequence[str]) -> Rule:
    """What 平水韵 would say, where 中华新韵 was taken because it breaks less."""
    fit = fitted(lines, SYSTEMS[0])
    rules = (*_tone_rules(fit, marks(fit)), *_turn_rules(fit), *_rhyme_rules(fit))
    broken = [rule for rule in rules if rule.state == "broken"]
    zh = "；".join(f"{rule.name}：{places_zh(rule.places)}" for rule in broken)
    en = "; ".join(f"{rule.name} at {places_en(rule.places)}" for rule in broken)
    places = tuple(place for rule in broken for place in rule.places)
    return Rule("平水韵", "note", f"依平水韵则不合，{zh}", f"under 平水韵 it breaks {en}", places)
