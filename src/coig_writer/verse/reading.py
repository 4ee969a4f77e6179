"""What of a text is verse: titles, notes, other languages and prose are set apart and named, never judged."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence

from coig_writer.text.language import HAN, HAN_RUN

_MARKS = re.compile(r"[\s，。！？；：、,.!?;:…—～~·“”‘’\"'「」『』|/]+")
_DECORATION = re.compile(r"^\s*(?:[#>*•\-]+\s*|\d+[.、)]\s*)|\*\*|__|`")
_TITLE = re.compile(r"\s*(?:#.*|《[^》]*》.*|【[^】]*】.*|[「『][^」』]{1,12}[」』])\s*")
_NOTE = re.compile(
    r"\s*[①-⑳][^：:，。]{1,8}[：:]|\s*(?:[（(\[【]\s*)?(?:小?注释?|按语?|题?记|小?序|赏析|译文|说明|创作说明|作者|格律|韵部|平仄)\s*[：:】\]]"
)
_BRACKETS = re.compile(r"[（(【\[][^（(【\[）)】\]]*[）)】\]]")
AROUND = 4  # rows around a poem that is recognised without being asked for
_LATIN = re.compile(r"[A-Za-z]")
_STOP = re.compile(r"[，。！？；,.!?;]")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: its clauses in Han characters, and whether punctuation divides or ends it."""

    text: str
    clauses: tuple[str, ...]
    stopped: bool
    stanza: int


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A text as verse.

    Attributes:
        rows: The lines of the file that may be verse.
        title: The title, empty where there is none.
        rest: Everything else, each with why it was set apart.
    """

    rows: tuple[Row, ...]
    title: str
    rest: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All clauses in order."""
        return tuple(clause for row in self.rows for clause in row.clauses)


def read(text: str) -> Reading:
    """Reads a text.

    A heading, a name in 《》, or an unstopped first line above stopped ones is the title; a line that opens
    with 注： or the like is a note, with what follows it up to an empty line; brackets are set apart, and so
    are lines with more Latin letters than Han characters.
    """
    rows: list[Row] = []
    rest: list[str] = []
    titles: list[str] = []
    stanza, noting = 0, False
    for raw in map(str.strip, text.splitlines()):
        if not raw:
            stanza, noting = stanza + bool(rows), False
            continue
        noting = noting or _NOTE.match(raw) is not None
        if noting:
            rest.append(f"附注：{raw}")
        elif not rows and _TITLE.fullmatch(raw.replace("*", "")):
            titles.append(raw.strip(" *#"))
        elif (row := _row(raw, stanza, rest)) is not None:
            rows.append(row)
    while rows and len(titles) < AROUND and _above(rows):
        titles.append(rows.pop(0).text)
    return Reading(tuple(rows), " ".join(titles), (*(f"题：{t}" for t in titles), *rest))


def _row(raw: str, stanza: int, rest: list[str]) -> Row | None:
    """One line as clauses; what is set apart is added to the rest."""
    rest += [f"括号：{part}" for part in _BRACKETS.findall(raw)]
    bare = _DECORATION.sub("", _BRACKETS.sub("", raw)).strip()
    if not HAN.search(bare):
        if bare:
            rest.append(f"非中文：{bare}")
        return None
    if (latin := len(_LATIN.findall(bare))) and latin > len(HAN.findall(bare)):
        rest.append(f"非中文：{bare}")
        return None
    clauses = tuple("".join(HAN_RUN.findall(part)) for part in _MARKS.split(bare))
    return Row(bare, tuple(filter(None, clauses)), _STOP.search(bare) is not None, stanza)


def _above(rows: Sequence[Row]) -> bool:
    """Whether the first line is a heading above the verse: unstopped where most others are stopped, or alone."""
    first, others = rows[0], rows[1:]
    if first.stopped or not others:
        return False
    stopped = sum(row.stopped for row in others)
    if stopped * 2 > len(others):
        # Where the line's end is the pause, a line without a comma is verse like any other.
        broken_off = stopped < len(others) and not any(_STOP.match(row.text[-1]) for row in others)
        return not broken_off or first.stanza != others[0].stanza
    sizes = {len(clause) for row in others for clause in row.clauses}
    return len(others) > 1 and len(sizes) == 1 and len("".join(first.clauses)) not in sizes


def of_size(reading: Reading, size: int, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Takes the rows whose clauses all have one size; the others are named.

    Where no whole number of poems is left, rows of one clause that an empty line sets off at either end
    (希望你喜欢！) are named as well, if that leaves one.

    Args:
        reading: The text.
        size: Characters of a line.
        count: Lines of a poem.

    Returns:
        The clauses, and what was left, with why.
    """
    rows = [row for row in reading.rows if _sized(row, size)]
    lines = [row for row in rows if len(row.clauses) == 1]
    kept = trimmed(rows, lambda some: sum(len(r.clauses) for r in some) % count == 0, lines)
    left = tuple(
        f"{'诗外' if _sized(row, size) else f'非{size}字句'}：{row.text}"
        for row in left_out(reading.rows, kept)
    )
    return tuple(clause for row in kept for clause in row.clauses), (*reading.rest, *left)


def _sized(row: Row, size: int) -> bool:
    return bool(row.clauses) and all(len(clause) == size for clause in row.clauses)


def trimmed(rows: Sequence[Row], whole: Callable[[Sequence[Row]], bool], spare: Sequence[Row]) -> Sequence[Row]:  # fmt: skip
    """Leaves out rows at the ends that an empty line or a colon sets off, as few as make a poem whole, ``AROUND`` at most.

    Args:
        rows: The rows.
        whole: Says of some rows whether they are what was asked for.
        spare: The rows that may be left out.

    Returns:
        The rows that are left; all of them where none of it makes them whole.
    """
    stanzas = Counter(row.stanza for row in rows)
    free = {row for row in spare if stanzas[row.stanza] == 1 or row.text.endswith(("：", ":"))}
    for count in range(AROUND + 1):
        for before in range(count + 1):
            end = len(rows) - (count - before)
            outside = {*rows[:before], *rows[max(end, 0) :]}
            if before < end and outside <= free and whole(rows[before:end]):
                return rows[before:end]
    return rows


def divided(reading: Reading, size: int, count: int) -> Reading:
    """Cuts rows without any pause into lines, where that makes whole poems (白日依山尽黄河入海流……)."""
    solid = [row for row in reading.rows if _solid(row, size)]
    total = sum(len(row.clauses[0]) for row in solid)
    if not solid or total % (size * count) or any(_sized(row, size) for row in reading.rows):
        return reading
    rows = (
        dataclasses.replace(row, clauses=tuple(map("".join, zip(*[iter(row.clauses[0])] * size, strict=True)))) if _solid(row, size) else row
        for row in reading.rows
    )  # fmt: skip
    return dataclasses.replace(reading, rows=tuple(rows))


def _solid(row: Row, size: int) -> bool:
    """Whether a row is one clause of several lines."""
    return len(row.clauses) == 1 and len(row.clauses[0]) in {2 * size, 4 * size, 8 * size}


def left_out(rows: Sequence[Row], kept: Sequence[Row]) -> tuple[Row, ...]:
    """Returns the rows that are not among those kept."""
    among = set(kept)
    return tuple(row for row in rows if row not in among)


def within(reading: Reading, sizes: Sequence[int], count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """Finds a poem of one line length between at most ``AROUND`` other rows: a greeting, a title, a poet's name.

    Returns:
        Its clauses and the rows around it; nothing if other rows are between them, or too many around.
    """
    for size in sizes:
        cut = divided(reading, size, count)
        fits = [_sized(row, size) for row in cut.rows]
        if any(fits) and sum(not fit for fit in fits) <= AROUND:
            first, last = fits.index(True), len(fits) - fits[::-1].index(True)
            if all(fits[first:last]):
                return of_size(cut, size, count)
    return (), ()
