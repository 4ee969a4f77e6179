"""English forms: haiku, limerick, sonnet and a rhyme scheme, by the CMU pronouncing dictionary (``pronouncing``)."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterable, Sequence

from coig_writer.verse import rhyme
from coig_writer.verse.reading import Row, left_out, trimmed
from coig_writer.verse.verdict import Place, Rule, State, Verdict, passes

FORMS = ("haiku", "limerick", "sonnet", "rhyme")
HAIKU = (5, 7, 5)
SONNET = 14
MANY = 99  # syllables: no line of a form has so many
LIMERICK = "aabba"
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_TITLE = re.compile(r"\s*(?:#.*|\*\*[^*]+\*\*|\*[^*]+\*|title:.*)\s*", re.IGNORECASE)


@functools.cache
def _phones(word: str) -> tuple[str, ...]:
    if importlib.util.find_spec("pronouncing") is None:
        return ()
    import pronouncing

    return tuple(pronouncing.phones_for_word(word.lower().replace("’", "'")))


@functools.cache
def syllables(word: str) -> frozenset[int]:
    """Returns the numbers of syllables that a word may have; empty where the dictionary lacks it."""
    return frozenset(sum(c.isdigit() for c in phones) for phones in _phones(word))


@functools.cache
def endings(word: str) -> frozenset[str]:
    """Returns the sounds of a word from its last stressed vowel, one per reading, without stress marks."""
    sounding = set()
    for phones in _phones(word):
        sounds = phones.split()
        stressed = [i for i, s in enumerate(sounds) if s[-1] in "12"] or [i for i, s in enumerate(sounds) if s[-1] == "0"]  # fmt: skip
        sounding.add(re.sub(r"\d", "", " ".join(sounds[stressed[-1] :])) if stressed else phones)
    return frozenset(sounding)


def line_syllables(line: str) -> tuple[frozenset[int], tuple[str, ...]]:
    """Returns the syllables a line may have, ``MANY`` standing for more, and the words that the dictionary lacks."""
    totals, unknown = frozenset({0}), re.findall(r"\d\S*", line)  # a number is read in several ways
    for word in _WORD.findall(line):
        if own := syllables(word):
            totals = frozenset(min(a + b, MANY) for a in totals for b in own)
        else:
            unknown.append(word)
    return totals, tuple(unknown)


def read(text: str, size: int = 0, repeated: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """Takes the lines of a poem; headings, and a first line set off by an empty one, are named apart.

    Args:
        text: The text.
        size: Lines of a poem, 0 for any number: lines at either end that an empty line sets off (a
            greeting, a farewell) are named as well where that leaves whole poems.
        repeated: Whether several poems may follow each other.
    """
    raw = [line.strip() for line in text.strip().splitlines()]
    count = sum(_WORD.search(line) is not None for line in raw)
    # An empty line after each line of a poem sets none of them off.
    spaced = not any(raw[1::2]) and not (size and count % size)
    rows: list[Row] = []
    rest: list[str] = []
    stanza = 0
    for i, line in enumerate(raw):
        stanza += not line
        if not _WORD.search(line):
            continue
        set_off = i == 0 and raw[1:2] == [""] and not spaced
        if not rows and (_TITLE.fullmatch(line) or set_off):
            rest.append(f"title: {line}")
        else:
            rows.append(Row(line, (line,), False, stanza))

    def whole(some: Sequence[Row]) -> bool:
        return len(some) % size == 0 if repeated else len(some) == size

    kept = trimmed(rows, whole, rows) if size else rows
    rest += [f"around the poem: {row.text}" for row in left_out(rows, kept)]
    return tuple(row.text for row in kept), tuple(rest)


def _counted(lines: Sequence[str], count: int) -> Rule:
    kept = len(lines) == count
    return Rule("lines", "kept" if kept else "broken", f"{len(lines)}行，应为{count}行", f"{len(lines)} lines, {count} asked")  # fmt: skip


def _sounded(lines: Sequence[str], wanted: Iterable[int]) -> Iterable[Rule]:
    for number, (line, count) in enumerate(zip(lines, wanted, strict=False), 1):
        totals, unknown = line_syllables(line)
        place: tuple[Place, ...] = ((number, 0),)
        shown = "/".join(map(str, sorted(totals)))
        if unknown:
            yield Rule("syllables", "open", f"第{number}行：词典无 {', '.join(unknown)}", f"line {number}: not in the dictionary: {', '.join(unknown)}", place)  # fmt: skip
        else:
            state: State = "kept" if count in totals else "broken"
            yield Rule("syllables", state, f"第{number}行{shown}音节，应为{count}", f"line {number}: {shown} syllables, {count} asked", () if state == "kept" else place)  # fmt: skip


def _last(line: str) -> str:
    words = _WORD.findall(line)
    return words[-1] if words else ""


def line_endings(line: str) -> frozenset[str]:
    """Returns the sounds that a line may rhyme with: its last word's, or its last two's (toot or with tutor).

    A last word of one syllable may be unstressed; the rhyme then begins in the word before it.
    """
    words = _WORD.findall(line)
    rhymes_with = endings(_last(line))
    if len(words) < 2 or 1 not in syllables(words[-1]):
        return rhymes_with
    light = {re.sub(r"\d", "", phones) for phones in _phones(words[-1])}
    return rhymes_with | {f"{before} {sound}" for before in endings(words[-2]) for sound in light}


def _rhymed(lines: Sequence[str]) -> Rule:
    """At least half of the lines rhyme with one that is near, as in everyday Chinese rhyme."""
    sounds = [line_endings(line) for line in lines]
    near = rhyme.heard(sounds)
    shown = rhyme.scheme(sounds)
    zh, en = f"韵式 {shown}", f"{sum(near)} of {len(lines)} lines rhyme, scheme {shown}"
    if near and sum(near) / len(near) >= rhyme.RHYMED:
        return Rule("rhyme", "kept", zh, en)
    loose = tuple((i, 0) for i, r in enumerate(near, 1) if not r)
    return Rule("rhyme", "broken" if all(sounds) else "open", zh, en, loose)


def _schemed(lines: Sequence[str], scheme: str) -> Rule:
    """The rhymes of a scheme: lines with one letter share an ending; a scheme repeats over the stanzas."""
    if not lines:
        return Rule("rhyme", "broken", "没有诗行", "there are no lines")
    if len(scheme) == 1:
        scheme *= len(lines)  # one rhyme for all
    letters = (scheme * (len(lines) // len(scheme) + 1))[: len(lines)]
    last = [_last(line) for line in lines]
    sounds = [line_endings(line) for line in lines]
    shown = rhyme.scheme(sounds)
    outside: list[int] = []
    for start in range(0, len(lines), len(scheme)):
        for letter in sorted(set(scheme) - {"x"}):
            places = [
                i
                for i in range(start, min(start + len(scheme), len(lines)))
                if letters[i] == letter
            ]
            outside += [places[i] for i in rhyme.common([sounds[i] for i in places])[1]]
    unknown = [last[i] for i, own in enumerate(sounds) if not own and letters[i] != "x"]
    at = tuple((i + 1, 0) for i in sorted(outside))
    if outside:
        return Rule("rhyme", "broken", f"韵式 {shown}，应为 {scheme}", f"scheme {shown}, {scheme} asked; not rhyming: lines {', '.join(str(i) for i, _ in at)}", at)  # fmt: skip
    if unknown:
        return Rule("rhyme", "open", f"词典无 {', '.join(unknown)}", f"not in the dictionary: {', '.join(unknown)}")  # fmt: skip
    return Rule("rhyme", "kept", f"韵式 {shown}", f"scheme {shown}")


def check(text: str, form: str, scheme: str = "") -> Verdict:
    """Checks an English poem.

    Args:
        text: The poem.
        form: haiku, limerick, sonnet or rhyme.
        scheme: With rhyme, the scheme asked for, such as abab; x marks a line without a rhyme. Empty: half
            of the lines rhyme with one that is near.
    """
    size = {"haiku": len(HAIKU), "limerick": len(LIMERICK), "sonnet": SONNET}.get(form, len(scheme))
    lines, rest = read(text, size, form in {"limerick", "rhyme"})
    whole = max(size, len(lines) - len(lines) % size) if size else 0
    rules: tuple[Rule, ...]
    if form == "haiku":
        rules = (_counted(lines, len(HAIKU)), *_sounded(lines, HAIKU))
    elif form == "limerick":
        rules = (_counted(lines, whole), _schemed(lines, LIMERICK))
    elif form == "sonnet":
        scheme_found = rhyme.scheme([line_endings(line) for line in lines])
        rules = (_counted(lines, SONNET), Rule("rhyme", "note", f"韵式 {scheme_found}", f"scheme {scheme_found}"))  # fmt: skip
    elif scheme:
        rules = (_counted(lines, whole), _schemed(lines, scheme.lower()))
    else:
        rules = (_rhymed(lines),)
    return Verdict(form, True, passes(rules), rules, lines, rest, (), "CMUdict")
