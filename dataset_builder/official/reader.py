"""Reads rows from a JSON array or JSONL by streaming, and says where what is no row stands.

One lexer serves both forms: it cuts the file into pieces, one per row, whatever stands between
them. A broken piece never takes its neighbours along, and no byte is passed over: each is in a
piece or is white space, a comma or a bracket between pieces.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from coig_writer.errors import InputError


class Source(Protocol):
    """Anything that bytes can be read from."""

    def read(self, length: int, /) -> bytes:
        """Returns up to ``length`` bytes; none at the end."""
        ...


CHUNK = 1 << 20
LONGEST_ROW = 64 << 20
DEEPEST = 100
BOM = b"\xef\xbb\xbf"
# What may stand inside an object: whole strings, brackets, and runs of numbers, names and signs.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[ \t\r\n,:+\-.0-9A-Za-z]+', re.DOTALL)
_GAP = re.compile(rb"[ \t\r\n,\[\]]*")
_SCALAR = re.compile(
    rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t\r\n,\[\]{}":]+)(?=[ \t\r\n,\[\]]|\Z)', re.DOTALL
)
# An object opens here: quotes inside a string are escaped, so text cannot look like this.
_OBJECT_OPENS = re.compile(rb'\{[ \t\r\n]*"\w+"[ \t\r\n]*:')

# What separates a broken piece from the next one belongs to neither.
_CLOSED_ROW = re.compile(rb"[ \t\r\n]*[,\]]?[ \t\r\n]*\Z")
_CLOSED_LINE = re.compile(rb"[ \t\r\n]*\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the file: a row, or what stands in the place of one.

    Attributes:
        number: Of the piece, from 1; separators have the number of the piece that follows.
        offset: Its first byte in the file.
        raw: Its bytes.
        row: The object; None where there is none.
        rule: What is wrong, by its name in ``import_rows.RULES``; None for a sound row.
        detail: What exactly.
    """

    number: int
    offset: int
    raw: bytes
    row: dict[str, Any] | None
    rule: str | None = None
    detail: str = ""


class NotANumber:
    """Stands for ``NaN`` and ``Infinity``, which are no JSON."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class _Window:
    """The part of a file that is in memory, from ``start`` on; ``offset`` is that place in the file."""

    def __init__(self, handle: Source) -> None:
        self.handle = handle
        self.data = b""
        self.start = 0
        self.offset = 0

    def __len__(self) -> int:
        return len(self.data) - self.start

    def more(self) -> bool:
        """Reads on, doubling, so that a long row costs no more than a few passes."""
        piece = self.handle.read(max(CHUNK, len(self)))
        self.data = self.data[self.start :] + piece
        self.start = 0
        return bool(piece)

    def peek(self, at: int, length: int) -> bytes:
        return self.data[self.start + at : self.start + at + length]

    def match(self, pattern: re.Pattern[bytes], at: int = 0) -> bytes | None:
        found = pattern.match(self.data, self.start + at)
        return found[0] if found else None

    def take(self, length: int) -> bytes:
        taken = self.peek(0, length)
        self.start += length
        self.offset += length
        return taken


class _Nesting:
    """The brackets that are open."""

    def __init__(self) -> None:
        self.closers = b""
        self._before = b":"

    def takes(self, token: bytes) -> bool:
        """Notes a token; False if it cannot stand here."""
        if token in (b"{", b"["):
            misplaced = token == b"{" and self.closers.endswith(b"}") and self._before != b":"
            if misplaced or len(self.closers) >= DEEPEST:
                return False
            self.closers += b"}" if token == b"{" else b"]"
        elif token in (b"}", b"]"):
            if not self.closers.endswith(token):
                return False
            self.closers = self.closers[:-1]
        self._before = token.rstrip()[-1:] or self._before
        return True


class Reader:
    """Cuts one file into pieces."""

    def __init__(self, handle: Source) -> None:
        self._window = _Window(handle)
        self._number = 0
        self._array = False
        self._cut_off = False
        self.had_bom = False

    def pieces(self) -> Iterator[Piece]:
        """Yields every piece in order.

        Raises:
            InputError: The file is UTF-16, or a row is longer than 64 MiB.
        """
        self._open()
        opening = self._gap()
        self._array = opening.startswith(b"[")
        yield from self._check_gap(opening, b"[" if self._array else b"", b"[]")
        while len(self._window):
            yield self._piece()
            gap = self._gap()
            inside = b"," if len(self._window) else b"]"
            yield from self._check_gap(gap, inside if self._array else b"")

    def _open(self) -> None:
        self._window.more()
        if self._window.peek(0, 2) in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError(
                "the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW"
            )
        if self._window.peek(0, 3) == BOM:
            self.had_bom = True
            self._window.take(len(BOM))

    def _gap(self) -> bytes:
        """Passes white space, commas and brackets; returns at most 80 bytes of the latter two."""
        marks = b""
        while True:
            passed = self._window.take(len(self._window.match(_GAP) or b""))
            marks = (marks + passed.translate(None, b" \t\r\n"))[:80]
            if len(self._window) or not self._window.more():
                return marks

    def _check_gap(self, found: bytes, *expected: bytes) -> Iterator[Piece]:
        if found in expected or (self._cut_off and not found):
            return
        at_end = not len(self._window)
        rule = "truncated" if at_end and self._array and b"]" not in found else "separator"
        detail = f"{found.decode()!r} stands where {expected[0].decode()!r} belongs"
        yield Piece(self._number + 1, self._window.offset, b"", None, rule, detail)

    def _piece(self) -> Piece:
        self._number += 1
        if self._window.peek(0, 1) != b"{":
            return self._scalar()
        length, whole = self._measure()
        if not whole:
            return self._broken("truncated" if length < 0 else "malformed")
        if found := self._parsed(self._window.peek(0, length)):
            self._window.take(length)
            return found
        return self._broken("malformed")

    def _measure(self) -> tuple[int, bool]:
        """Finds the end of the object that opens here.

        Returns:
            Its length and True; the place where it breaks and False; −1 and False where the file
            ends inside it.
        """
        at, nesting = 0, _Nesting()
        while True:
            token = self._window.match(_TOKEN, at)
            if token is None:
                broken = self._window.peek(at, 1) not in (b"", b'"')
                if broken or len(self._window) > LONGEST_ROW:
                    return at, False
                if not self._window.more():
                    return -1, False
                continue
            if not nesting.takes(token):
                return at, False
            at += len(token)
            if not nesting.closers:
                return at, True

    def _parsed(self, raw: bytes) -> Piece | None:
        """Reads an object; None if it is none and another one opens inside it."""
        number, offset = self._number, self._window.offset
        try:
            return Piece(number, offset, raw, _loads(raw.decode("utf-8")))
        except UnicodeDecodeError as error:
            rule, detail = "undecodable", f"byte {offset + error.start}: {error.reason}"
        except (ValueError, RecursionError) as error:
            rule, detail = "malformed", str(error)[:120]
        if self._opening(1, len(raw)) is not None:
            return None
        return Piece(number, offset, raw, None, rule, detail)

    def _scalar(self) -> Piece:
        """Takes a lone text, number or word; anything else up to the next object is stray."""
        text = self._window.match(_SCALAR)
        while text is not None and len(text) == len(self._window) and self._read_on():
            text = self._window.match(_SCALAR)
        try:
            value = json.loads((text or b"").decode("utf-8"))
        except ValueError:
            return self._broken("stray_text")
        offset = self._window.offset
        raw = self._window.take(len(text or b""))
        return Piece(self._number, offset, raw, None, "not_an_object", f"a {type(value).__name__}")

    def _broken(self, rule: str) -> Piece:
        """Takes everything up to where the next object opens, or the rest of the file."""
        length = self._opening(1)
        while length is None and self._read_on():
            length = self._opening(1)
        self._cut_off = rule == "truncated" and length is None
        if rule == "truncated" and length is not None:
            rule = "malformed"
        offset = self._window.offset
        found = self._window.peek(0, len(self._window) if length is None else length)
        raw = self._window.take(len((_CLOSED_ROW if self._array else _CLOSED_LINE).sub(b"", found)))
        return Piece(self._number, offset, raw, None, rule, _why(raw))

    def _opening(self, first: int, last: int | None = None) -> int | None:
        """Finds where, in memory, the next object opens that is no value of another."""
        data, start = self._window.data, self._window.start
        end = len(data) if last is None else start + last
        for found in _OBJECT_OPENS.finditer(data, start + first, end):
            before = data[max(start, found.start() - 64) : found.start()]
            if not before.rstrip().endswith(b":"):
                return found.start() - start
        return None

    def _read_on(self) -> bool:
        if len(self._window) > LONGEST_ROW:
            raise InputError(
                f"row {self._number}, byte {self._window.offset}: no end within {LONGEST_ROW >> 20} MiB",
                "check that the file is an array of objects or one object per line",
            )
        return self._window.more()


def _why(raw: bytes) -> str:
    """Says how many bytes are broken and what a parser makes of them."""
    try:
        _loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return f"{len(raw)} bytes: {str(error)[:120]}"
    return f"{len(raw)} bytes"


def _loads(text: str) -> Any:
    return json.loads(text, strict=False, object_pairs_hook=_once, parse_constant=NotANumber)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Builds an object; a repeated key would silently hide a value, or a whole row."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a duplicate key in one object")
    return row
