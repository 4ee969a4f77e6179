"""The rules that an imported row must keep, and the row they make.

Errors reject a row, warnings keep it, repairs mend it; each is reported or counted, none is silent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from coig_writer.errors import CONTROL
from coig_writer.text import framing
from coig_writer.text.normalise import torn
from coig_writer.triplet import Triplet
from dataset_builder.official.reader import NotANumber, Piece

PARTS = ("query", "thought", "answer")
# The schema of the cards before October 2025; its rows may come without an id.
OLDER = ("query_type", "link", "source_date")
LICENSE = "ODC-BY (as stated by the authors; disputed)"


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a broken rule means for the row, and what to do about it."""

    level: Literal["error", "warning"]
    remedy: str


RULES = {
    "malformed": Rule("error", "mend the JSON of this row; the rows around it were read"),
    "truncated": Rule("error", "the file is cut off here: fetch it again and compare its size"),
    "stray_text": Rule("error", "delete the text between the rows"),
    "undecodable": Rule("error", "restore the row from a copy in valid UTF-8"),
    "not_an_object": Rule("error", "write one JSON object per row"),
    "missing_field": Rule("error", "give id, query, thought and answer"),
    "empty_field": Rule("error", "give the field a text or leave the row out"),
    "not_text": Rule("error", "write the field as a JSON string"),
    "nan": Rule("error", "write a text; NaN and Infinity are not JSON"),
    "nested": Rule("error", "write a text, not an object or a list"),
    "repeated_id": Rule("error", "give each row its own id; the first row is kept"),
    "duplicate_text": Rule("warning", "check whether one of the two rows should go"),
    "boilerplate": Rule("warning", "check whether the answer starts with an assistant's phrase"),
    "placeholder_prompt": Rule("warning", "write the prompt or leave the row out"),
    "control_characters": Rule("warning", "check the text for damage"),
    "unknown_field": Rule("warning", "the value is kept in extra.jsonl; no column takes it"),
    "separator": Rule("warning", "put one comma between rows of an array, none between lines"),
}
REPAIRS = (
    "byte order marks removed",
    "CRLF turned into LF",
    "texts without their control characters",
)
LONGEST_LIST = 200  # characters of a list of names in a message
_PLACEHOLDER = re.compile(
    r"(?:n/?a|none|null|nan|todo|tbd|test|测试|暂?无|待(补|定|填)充?|占位符?|略|同上|prompt|query)?[\W_]*",
    re.IGNORECASE,
)
_NO_LETTER = re.compile(r"[\W_]+")
_CONTROL = re.compile(rf"{CONTROL.pattern}|\r")  # a CR without LF is told, and stays


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule of a row.

    Attributes:
        row: Its number, from 1.
        offset: Its first byte in the file.
        id: Its id, where it has one.
        rule: The rule.
        detail: What breaks it.
        remedy: What to do about it.
        raw: The row as it was, if it is rejected; bytes that are not UTF-8 are escaped.
    """

    row: int
    offset: int
    id: str | None
    rule: str
    detail: str
    remedy: str
    raw: str | None = None

    def __str__(self) -> str:
        name = f" (id {self.id!r})" if self.id else ""
        return (
            f"row {self.row}{name}, byte {self.offset}: {self.rule}: {self.detail}; {self.remedy}"
        )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a piece: a triplet unless an error rejects it.

    ``extra`` holds the fields that have no column, as they were.
    """

    triplet: Triplet | None
    problems: tuple[Problem, ...]
    extra: dict[str, object]


class Checker:
    """Applies the rules to one file; remembers ids and texts, 100 bytes or so per row."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rows_by_id: dict[str, int] = {}
        self._rows_by_text: dict[bytes, int] = {}
        self.repairs: Counter[str] = Counter()

    def check(self, piece: Piece) -> Outcome:
        """Turns a piece into a triplet or says why not."""
        if piece.row is None:
            broken = [(str(piece.rule), piece.detail)]
            return Outcome(None, _problems(piece, None, broken), {})
        row: dict[str, object] = {key: self._mended(value) for key, value in piece.row.items()}
        if "id" not in row and any(key in row for key in OLDER):
            row["id"] = _made_id(row)
        if type(row.get("id")) is int:  # as pandas writes them
            row["id"] = str(row["id"])
        texts = {key: value for key, value in row.items() if isinstance(value, str)}
        row_id = texts["id"][:200] if "id" in texts else None
        errors = _errors(row) or self._repeated(texts, piece.number)
        if errors:
            return Outcome(None, _problems(piece, row_id, errors), {})
        extra = {key: value for key, value in row.items() if key not in ("id", *PARTS)}
        warnings = [*_warnings(row, texts, piece.row), *self._duplicate(texts, piece.number)]
        return Outcome(self._triplet(texts), _problems(piece, row_id, warnings), extra)

    def _mended(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        text = value.removeprefix("\ufeff")
        self.repairs[REPAIRS[0]] += text != value
        mended = text.replace("\r\n", "\n")
        self.repairs[REPAIRS[1]] += mended != text
        clean = CONTROL.sub("", mended)
        self.repairs[REPAIRS[2]] += clean != mended
        return clean

    def _repeated(self, row: Mapping[str, str], number: int) -> list[tuple[str, str]]:
        first = self._rows_by_id.setdefault(row["id"], number)
        return [] if first == number else [("repeated_id", f"row {first} has this id")]

    def _duplicate(self, row: Mapping[str, str], number: int) -> list[tuple[str, str]]:
        letters = _NO_LETTER.sub("", row["answer"]).lower()
        text = hashlib.blake2b(letters.encode(), digest_size=16).digest()
        first = self._rows_by_text.setdefault(text, number)
        return [] if first == number else [("duplicate_text", f"row {first} has this answer")]

    def _triplet(self, row: Mapping[str, str]) -> Triplet:
        link = row.get("link", "")
        return Triplet(
            id=row["id"],
            prompt=row["query"],
            reasoning=row["thought"],
            article=row["answer"],
            category=None,
            genre=None,
            genre_zh=None,
            language="zh",
            source=link if link.strip() else self._source,
            license=LICENSE,
            provenance="published",
        )


def _problems(
    piece: Piece, row_id: str | None, broken: list[tuple[str, str]]
) -> tuple[Problem, ...]:
    if not broken:
        return ()
    raw = piece.raw.decode("utf-8", "backslashreplace")
    return tuple(
        Problem(
            piece.number,
            piece.offset,
            row_id and _printable(row_id),
            rule,
            detail,
            RULES[rule].remedy,
            raw if RULES[rule].level == "error" else None,
        )
        for rule, detail in broken
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _made_id(row: Mapping[str, object]) -> str:
    content = "\0".join(str(row.get(part)) for part in PARTS)
    return f"row-{hashlib.sha256(content.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}"


def _errors(row: Mapping[str, object]) -> list[tuple[str, str]]:
    """Finds everything that is wrong with the four fields."""
    broken = [(field, _field_error(row, field)) for field in ("id", *PARTS)]
    return [(rule, f"{field} {what}") for field, (rule, what) in broken if rule]


def _field_error(row: Mapping[str, object], field: str) -> tuple[str, str]:
    value = row.get(field)
    if value is None:
        given = ", ".join(sorted(map(repr, row)))
        missing = f"is missing (the row has {given[:LONGEST_LIST]})" if row else "is missing"
        return "missing_field", "is null" if field in row else missing
    if not isinstance(value, str):
        return _type_error(value)
    if not value.strip():
        return "empty_field", "is empty"
    if torn(value):
        return "undecodable", "holds half of a surrogate pair"
    return "", ""


def _type_error(value: object) -> tuple[str, str]:
    if isinstance(value, NotANumber):
        return "nan", f"is {value}"
    rule = "nested" if isinstance(value, (dict, list)) else "not_text"
    return rule, f"is a {type(value).__name__}"


def _warnings(
    row: Mapping[str, object], texts: Mapping[str, str], given: Mapping[str, object]
) -> list[tuple[str, str]]:
    warnings = []
    if opening := framing.opening(texts["answer"]):
        warnings.append(("boilerplate", f"answer starts with {opening.evidence!r}"))
    if _PLACEHOLDER.fullmatch(texts["query"]):
        warnings.append(("placeholder_prompt", f"query is {texts['query'][:40]!r}"))
    # as the file has them: most are gone from the texts
    controls = [(part, _CONTROL.findall(str(given[part]).replace("\r\n", "\n"))) for part in PARTS]
    warnings += [
        ("control_characters", f"{len(marks)} in {part}, first {marks[0]!r}")
        for part, marks in controls
        if marks
    ]
    unknown = sorted(set(row) - {"id", *PARTS, *OLDER})
    warnings += [("unknown_field", f"{_printable(name)[:80]!r}") for name in unknown]
    # It may be a row that lost its braces.
    warnings += [
        ("unknown_field", f"{name!r} holds a {type(row[name]).__name__}, not a text")
        for name in OLDER
        if isinstance(row.get(name), (dict, list))
    ]
    return warnings
