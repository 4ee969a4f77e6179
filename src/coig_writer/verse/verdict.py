"""What a form says of a text: rules with places and reasons, and a mark under every character."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

State = Literal["kept", "broken", "open", "note"]
TONES = {"平": "level", "仄": "oblique"}
Place = tuple[int, int]  # line and character of the verse, from 1; character 0 is the whole line


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a form and whether the text keeps it.

    Attributes:
        name: The rule's name, in Chinese as it is taught.
        state: ``open`` where the tables cannot decide; ``note`` for what is told and breaks nothing.
        zh: What was found, in Chinese.
        en: The same in English.
        places: Where, as line and character.
    """

    name: str
    state: State
    zh: str
    en: str
    places: tuple[Place, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A character under its form.

    Attributes:
        place: Line and character, from 1.
        character: The character.
        wanted: 平, 仄 or 中 (either), with 韵 behind it where the line rhymes.
        found: The tones of the character, 平, 仄 or both; ? where no table knows it.
        state: ``kept``, ``broken``, or ``open`` where one reading fits and another does not.
    """

    place: Place
    character: str
    wanted: str
    found: str
    state: Literal["kept", "broken", "open"]


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What was read as verse, under which form, and how it does.

    Attributes:
        form: The form that was asked for, or the one that the text has; None where it has none.
        asked: Whether the form was asked for.
        passes: Whether every rule is kept; None where a rule is open or no form applies.
        rules: The rules in the order in which they are taught.
        lines: The lines that were read as verse.
        rest: What was not read as verse, each with why: title, note, English.
        marks: One per character where the form speaks of tones.
        book: The rhyme book, empty where none was used.
        pattern: The pattern that fits best, such as 仄起首句入韵.
    """

    form: str | None
    asked: bool
    passes: bool | None
    rules: tuple[Rule, ...]
    lines: tuple[str, ...]
    rest: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    book: str = ""
    pattern: str = ""

    @property
    def share(self) -> float | None:
        """The share of the rules that are kept, of those that are kept or broken; None without any."""
        decided = [rule.state == "kept" for rule in self.rules if rule.state in {"kept", "broken"}]
        return sum(decided) / len(decided) if decided else None


def passes(rules: Sequence[Rule]) -> bool | None:
    """Says whether rules are kept: False if one is broken, None if one is open or there are none."""
    states = {rule.state for rule in rules}
    if "broken" in states:
        return False
    return None if "open" in states or not states - {"note"} else True


def places_zh(places: tuple[Place, ...]) -> str:
    """Names places in Chinese: 第3句第2字."""
    return "、".join(f"第{line}句" + (f"第{char}字" if char else "") for line, char in places)


def places_en(places: tuple[Place, ...]) -> str:
    """Names places in English: line 3 character 2."""
    return ", ".join(
        f"line {line}" + (f" character {char}" if char else "") for line, char in places
    )


def open_readings(marks: Sequence[Mark]) -> Iterator[Rule]:
    """Tells which reading of a character with several tones the form needs; a rule only where there is one."""
    needed = [m for m in marks if m.state == "open" and m.found != "?"]
    if needed:
        places = tuple(m.place for m in needed)
        zh = "、".join(f"{places_zh((m.place,))}“{m.character}”作{m.wanted[0]}声" for m in needed)
        en = ", ".join(f"{places_en((m.place,))} {TONES[m.wanted[0]]}" for m in needed)
        yield Rule("多音字", "note", f"以{zh}为合", f"kept if read so: {en}", places)
