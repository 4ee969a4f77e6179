"""A text against the form that was asked for, or that it has: the one way in to this room."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from coig_writer.errors import InputError
from coig_writer.text.language import HAN
from coig_writer.text.normalise import simplified
from coig_writer.verse import ci, couplet, english, everyday, literal, regulated
from coig_writer.verse.books import System
from coig_writer.verse.reading import (
    Reading,
    Row,
    divided,
    left_out,
    of_size,
    read,
    trimmed,
    within,
)
from coig_writer.verse.verdict import Rule, Verdict, passes

# Forms that carry an argument behind a colon.
ACROSTIC, PALINDROME, ONE_SIDED = "藏头", "回文", "单边对话"
_Cut = Callable[[Sequence[Row]], tuple[str, ...]]
_SCHEME = re.compile(r"[A-Za-z]+")
_EITHER = {"绝句": 4, "律诗": 8}
_NAMED = re.compile(r"[五七](?:言绝句|言律诗|绝|律)")


def forms() -> tuple[str, ...]:
    """Returns the names of all forms that can be asked for."""
    return (
        *regulated.FORMS, *_EITHER, couplet.FORM, everyday.FORM, f"{ACROSTIC}:…", PALINDROME, ONE_SIDED,
        "haiku", "limerick", "sonnet", "rhyme:…", *dict.fromkeys(v[0].tune for v in ci.tunes().values()),
    )  # fmt: skip


def check(text: str, asked: str | None = None, system: System | None = None) -> Verdict:
    """Checks a text against a form.

    Args:
        text: The text; titles, notes and what is no verse are set apart and named.
        asked: One of ``forms()``; None to take regulated verse, or a tune named in the title, where the
            text has it.
        system: The rhyme book of regulated verse and couplets; None to take the one that breaks less.

    Raises:
        InputError: No such form.
    """
    if asked is None:
        return _inferred(text, system)
    name, _, argument = asked.partition(":")
    name = simplified(name)
    if name in english.FORMS and (
        not argument or (name == "rhyme" and _SCHEME.fullmatch(argument))
    ):
        return english.check(text, name, argument)
    reading = read(text)
    if verdict := _verse(reading, name, system):
        return verdict
    rule = _literal(text, reading, name, argument)
    if rule is None:
        raise InputError(f"unknown form {asked!r}", f"one of {', '.join(forms())}")
    return Verdict(name, True, passes((rule,)), (rule,), reading.lines, reading.rest)


def _verse(reading: Reading, name: str, system: System | None) -> Verdict | None:
    """The verdict of a Chinese form; None for what is none."""
    full = regulated.named(name) or _by_size(reading, name)
    if full is not None:
        return _told(_regulated(reading, full, system), reading)
    if (tune := ci.named(name)) is not None:
        return _ci(reading, tune)
    if name == couplet.FORM:
        return couplet.check(reading, system)
    return everyday.check(reading) if name == everyday.FORM else None


def _ci(reading: Reading, tune: str) -> Verdict:
    """The verdict of a tune; rows around it that an empty line sets off are named where that leaves its length."""
    sizes = {variant.size for variant in ci.tunes()[tune]}
    rows = trimmed(
        reading.rows,
        lambda some: sum(map(len, _clauses(some))) in sizes,
        reading.rows,
    )
    left = [f"词外：{row.text}" for row in left_out(reading.rows, rows)]
    return ci.check(_clauses(rows), tune, (*reading.rest, *left))


def _literal(text: str, reading: Reading, name: str, argument: str) -> Rule | None:
    if name == ACROSTIC and HAN.search(argument):
        return _acrostic(reading, argument)
    if name == PALINDROME:
        return literal.palindrome(reading.lines)
    return literal.one_sided(text) if name == ONE_SIDED else None


def _acrostic(reading: Reading, word: str) -> Rule:
    """By clause, or by row; rows around that an empty line sets off do not count."""
    for cut in (_clauses, _rows):

        def spelt(rows: Sequence[Row], cut: _Cut = cut) -> bool:
            return literal.heads(cut(rows), word)

        rows = trimmed(reading.rows, spelt, reading.rows)
        if spelt(rows):
            return literal.acrostic(cut(rows), word)
    return literal.acrostic(reading.lines, word)


def _clauses(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(clause for row in rows for clause in row.clauses)


def _rows(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple("".join(row.clauses) for row in rows)


def _by_size(reading: Reading, name: str) -> str | None:
    """绝句 and 律诗 by the length of most lines."""
    if name not in _EITHER:
        return None
    sevens = sum(len(line) % 7 == 0 for line in reading.lines)
    fives = sum(len(line) % 5 == 0 for line in reading.lines)
    return ("七言" if sevens > fives else "五言") + name


def _inferred(text: str, system: System | None) -> Verdict:
    reading = read(text)
    title = simplified(reading.title)
    named = [tune for tune in ci.tunes() if tune in title]
    for tune in sorted(named, key=len, reverse=True):
        verdict_of_tune = _ci(reading, tune)
        if verdict_of_tune.marks:
            return dataclasses.replace(verdict_of_tune, asked=False)
    lines, rest = within(reading, (5, 7), 4)
    verdict = regulated.check(lines, None, system, rest)
    return _told(verdict, reading) if verdict else Verdict(None, False, None, (), reading.lines, reading.rest)  # fmt: skip


def _told(verdict: Verdict, reading: Reading) -> Verdict:
    """Says so where the text has no pauses and its lines were cut by number."""
    if not verdict.lines or set(verdict.lines) & set(reading.lines):
        return verdict
    size = len(verdict.lines[0])
    rule = Rule("断句", "note", f"原文未断句，按每句{size}字断开", f"the text has no pauses: cut into lines of {size} characters")  # fmt: skip
    return dataclasses.replace(verdict, rules=(*verdict.rules, rule))


def _regulated(reading: Reading, form: str, system: System | None) -> Verdict:
    """One poem, or several of the same form one behind another."""
    count, size = regulated.FORMS[form]
    lines, rest = of_size(divided(reading, size, count), size, count)
    poems = [lines[i : i + count] for i in range(0, len(lines), count)]
    if len(poems) < 2 or len(lines) % count:
        verdict = regulated.check(lines, form, system, rest)
        assert verdict is not None
        return verdict
    judged = [v for poem in poems if (v := regulated.check(poem, form, system))]
    rules = tuple(_moved(rule, i * count) for i, v in enumerate(judged) for rule in v.rules)
    marks = tuple(
        dataclasses.replace(m, place=(m.place[0] + i * count, m.place[1]))
        for i, v in enumerate(judged)
        for m in v.marks
    )
    return Verdict(
        form, True, passes(rules), rules, lines, rest, marks,
        "、".join(dict.fromkeys(v.book for v in judged)), "；".join(v.pattern for v in judged),
    )  # fmt: skip


def _moved(rule: Rule, by: int) -> Rule:
    """A rule of a later poem: its lines count on, and its words name the poem's own."""
    return dataclasses.replace(rule, places=tuple((line + by, char) for line, char in rule.places))


def constrained(
    text: str, asked: str | None, forbidden: Sequence[str] = (), sections: Sequence[str] = ()
) -> Verdict:
    """Checks a form together with what the request says literally, as one verdict.

    Raises:
        InputError: No such form, or a word or a section without a character.
    """
    if not all(word.strip() for word in (*forbidden, *sections)):
        raise InputError(
            "an empty string is forbidden or asked for as a section",
            "name what it is, or leave it out",
        )
    verdict = check(text, asked) if asked or not (forbidden or sections) else _none(text)
    more = (*literal.forbidden(text, forbidden), *literal.sections(text, sections))
    rules = (*verdict.rules, *more)
    return dataclasses.replace(verdict, rules=rules, passes=passes(rules)) if more else verdict


def claim(text: str, title: str | None = None) -> str | None:
    """Returns the form that a title names (七律·秋兴, 《浣溪沙》, 浣溪沙·春恨), its own or the text's; None if none.

    A tune counts only where the title is its name, or joins it to another by a dot: 临江仙 is also a name.
    """
    named = simplified(title or read(text).title)
    if match := _NAMED.search(named):
        return regulated.named(match.group())
    return ci.named(re.sub(r"[《》#*\s]|题：", "", named))


def _none(text: str) -> Verdict:
    """No form: only what is literal counts."""
    return Verdict(None, False, None, (), tuple(text.splitlines()))
