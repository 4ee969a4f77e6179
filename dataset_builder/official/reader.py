"""Reads rows from a JSON array or JSONL by streaming, and locates everything that is not a row.

The standard decoder reads row after row out of a window of the file. Where it fails, everything up to
the place where the next object opens is one broken piece. So a broken row never takes its neighbours
along, and no byte is passed over: each is in a piece, or is white space, a comma or a bracket between
pieces.
"""

from __future__ import annotations

import codecs
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
_TOO_DEEP = f"nested deeper than {DEEPEST} levels"
BLANKS = " \t\r\n"
_GAP = re.compile(r"[ \t\r\n,\[\]]*")
_NO_BLANKS = str.maketrans("", "", BLANKS)
# An object opens here: quotes inside a string are escaped, so text cannot look like this.
_OBJECT_OPENS = re.compile(r'\{[ \t\r\n]*"\w+"[ \t\r\n]*:')
# A text, also one that the window cuts off, or a bracket.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
# A text, also one left open, or a comma before a closing bracket.
_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|,(?=[ \t\r\n]*[}\]])', re.DOTALL)
# The start of a number, name or escape that may go on where the window ends.
_CUT_TOKEN = re.compile(r"[-+.\\\w]{0,16}[ \t\r\n]*\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the file: a row, or what is there instead.

    Attributes:
        number: Of the piece, from 1; separators have the number of the piece that follows.
        offset: Its first byte in the file.
        raw: Its bytes.
        row: The object; None where there is none.
        rule: What is wrong, by its name in ``rows.RULES``; None for a sound row.
        detail: What exactly.
    """

    number: int
    offset: int
    raw: bytes
    row: dict[str, object] | None
    rule: str | None = None
    detail: str = ""


class NotANumber:
    """Marks ``NaN`` and ``Infinity``, which JSON does not have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


@dataclasses.dataclass(frozen=True, slots=True)
class _Failure:
    """Why no value could be decoded.

    Attributes:
        why: The decoder's words.
        place: Where, in characters from the start of the value; None where it does not say.
        cut: Whether the value may go on where the window ends.
    """

    why: str
    place: int | None = None
    cut: bool = False


class Reader:
    """Cuts one file into pieces.

    ``_text`` is the window, ``_start`` the position of its first character in the file, ``_at`` the
    position in the window, and ``_offset`` the same position in bytes of the file. Bytes that are not
    UTF-8 are single surrogates, so that every piece gives its bytes back. ``_doomed`` holds the objects
    that are known to break: without it, nested ones would be decoded once per level.
    """

    def __init__(self, handle: Source) -> None:
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._start = self._at = self._offset = self._bytes_read = 0
        self._doomed: dict[int, str] = {}
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
        self._array = opening.startswith("[")
        yield from self._check_gap(opening, "[" if self._array else "", "[]")
        while self._left():
            self._number += 1
            yield self._object() if self._text[self._at] == "{" else self._scalar()
            gap = self._gap()
            inside = "," if self._left() else "]"
            yield from self._check_gap(gap, inside if self._array else "")

    def _open(self) -> None:
        self._more()
        if self._text[:2] in ("\udcff\udcfe", "\udcfe\udcff"):
            raise InputError(
                "the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW"
            )
        if self._text.startswith("\ufeff"):
            self.had_bom = True
            self._take(1)

    def _left(self) -> int:
        return len(self._text) - self._at

    def _more(self) -> bool:
        """Reads on, doubling, so that a long row costs no more than a few passes; False at the end."""
        held = self._bytes_read - self._offset
        if held > LONGEST_ROW:
            raise InputError(
                f"row {self._number}, byte {self._offset}: no end within {LONGEST_ROW >> 20} MiB",
                "check that the file is an array of objects or one object per line",
            )
        read = self._handle.read(max(CHUNK, held))
        decoded = self._decoder.decode(read, final=not read)
        self._text = self._text[self._at :] + decoded
        self._start += self._at
        self._at = 0
        self._bytes_read += len(read)
        return bool(read or decoded)

    def _take(self, length: int) -> bytes:
        taken = self._text[self._at : self._at + length].encode("utf-8", "surrogateescape")
        self._at += length
        self._offset += len(taken)
        return taken

    def _gap(self) -> str:
        """Passes white space, commas and brackets; returns at most 80 of the latter two."""
        marks = ""
        while True:
            gap = _GAP.match(self._text, self._at)
            passed = self._take(len(gap[0]) if gap else 0).decode()
            marks = (marks + passed.translate(_NO_BLANKS))[:80]
            if self._left() or not self._more():
                return marks

    def _check_gap(self, gap: str, *expected: str) -> Iterator[Piece]:
        if gap in expected or (self._cut_off and not gap):
            return
        rule = "truncated" if not self._left() and self._array and "]" not in gap else "separator"
        detail = f"{gap!r} where {expected[0]!r} is expected"
        yield Piece(self._number + 1, self._offset, b"", None, rule, detail)

    def _object(self) -> Piece:
        if rule := self._doomed.get(self._start + self._at):
            return self._broken(rule, _Failure("breaks further on"))
        decoded = self._decoded(_ROW)
        if isinstance(decoded, _Failure):
            rule = "truncated" if decoded.cut else "malformed"
            self._doom(rule, decoded.place)
            return self._broken(rule, decoded)
        return self._row(*decoded)

    def _decoded(self, decoder: json.JSONDecoder) -> tuple[Any, int] | _Failure:
        """Decodes the value that begins here, reading on while it may go on: value and length."""
        while isinstance(decoded := self._try(decoder), _Failure):
            if not (decoded.cut and self._more()):
                break
        return decoded

    def _try(self, decoder: json.JSONDecoder) -> tuple[Any, int] | _Failure:
        try:
            value, end = decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            open_ = error.msg.startswith("Unterminated string")
            cut = open_ or bool(_CUT_TOKEN.match(self._text, error.pos))
            return _Failure(error.msg, error.pos - self._at, cut)
        except RecursionError:
            return _Failure(_TOO_DEEP)
        except ValueError as error:
            return _Failure(str(error))
        return value, end - self._at

    def _doom(self, rule: str, place: int | None = None) -> None:
        """Notes the objects that are open where the decoder failed: from each it would fail there again.

        Args:
            rule: What is wrong with them.
            place: Where it failed, in characters from here; None where it does not say: then only
                those in which others are nested too deeply are known.
        """
        opened: list[int] = []
        end = len(self._text) if place is None else self._at + place
        for token in _TOKEN.finditer(self._text, self._at, end):
            if token[0] in ("{", "["):
                opened.append(self._start + token.start())
            elif token[0] in ("}", "]"):
                del opened[-1:]
            if not opened or (place is None and len(opened) > 2 * DEEPEST):
                break
        self._doomed = dict.fromkeys(opened if place is not None else opened[:-DEEPEST], rule)

    def _row(self, row: dict[str, object], length: int) -> Piece:
        """Takes an object that the decoder has read."""
        number, offset, raw = self._number, self._offset, self._take(length)
        if _deeper(row, DEEPEST):
            return Piece(number, offset, raw, None, "malformed", _TOO_DEEP)
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            detail = f"byte {offset + error.start}: {error.reason}"
            return Piece(number, offset, raw, None, "undecodable", detail)
        return Piece(number, offset, raw, row)

    def _scalar(self) -> Piece:
        """Takes a lone text, number or word; anything else up to the next object is stray."""
        decoded = self._decoded(_SCALAR)
        while not isinstance(decoded, _Failure) and decoded[1] == self._left() and self._more():
            decoded = self._decoded(_SCALAR)  # a number may go on
        if isinstance(decoded, _Failure):
            return self._broken("stray_text", decoded)
        value, length = decoded
        after = self._text[self._at + length : self._at + length + 1]
        if after.strip(BLANKS + ",[]"):
            return self._broken("stray_text", _Failure("Extra data", length))
        offset, raw = self._offset, self._take(length)
        detail = f"a {type(value).__name__}"
        return Piece(self._number, offset, raw, None, "not_an_object", detail)

    def _broken(self, rule: str, failure: _Failure) -> Piece:
        """Takes everything up to where the next object opens, or the rest of the file."""
        end = self._next_object()
        while end is None and self._more():
            end = self._next_object()
        text = self._text[self._at : end]
        if rule == "truncated" and (end is not None or (not self._array and text.endswith("\n"))):
            rule = "malformed"  # rows go on, or the last line is a whole one
        self._cut_off = rule == "truncated"
        # What separates a broken piece from the next one belongs to neither.
        kept = text.rstrip(BLANKS)
        if self._array and kept.endswith((",", "]")):
            kept = kept[:-1].rstrip(BLANKS)
        offset, raw = self._offset, self._take(len(kept))
        detail = f"{len(raw)} bytes: {failure.why[:120]}"
        if failure.place is not None:
            before = text[: failure.place].encode("utf-8", "surrogateescape")
            detail += f" at byte {offset + len(before)}"
        return Piece(self._number, offset, raw, None, rule, detail)

    def _next_object(self) -> int | None:
        """Finds where, in the window, the next object opens that is not a value of another."""
        for opening in _OBJECT_OPENS.finditer(self._text, self._at + 1):
            before = self._text[max(self._at, opening.start() - 64) : opening.start()]
            if not before.rstrip(BLANKS).endswith(":"):
                return opening.start()
        return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Builds an object; a repeated key would silently hide a value, or a whole row."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a duplicate key in one object")
    return row


def without_trailing_commas(piece: Piece) -> dict[str, object] | None:
    """Reads a broken row whose only fault is a comma behind its last field or item: ``{"a": [1,],}``.

    Returns:
        The row; None where more is wrong, or nothing of the kind.
    """
    try:
        bare = _COMMA.sub(lambda found: found[0].lstrip(","), piece.raw.decode())
        row, end = _ROW.raw_decode(bare)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(row, dict) and end == len(bare) and not _deeper(row, DEEPEST)
    return row if whole else None


_ROW = json.JSONDecoder(strict=False, object_pairs_hook=_once, parse_constant=NotANumber)
_SCALAR = json.JSONDecoder()


def _deeper(row: dict[str, object], levels: int) -> bool:
    """Tells whether objects and lists are nested deeper than so many levels."""
    level: list[dict[str, object] | list[object]] = [row]
    for _ in range(levels):
        inside = [v.values() if isinstance(v, dict) else v for v in level]
        level = [v for values in inside for v in values if isinstance(v, (dict, list))]
        if not level:
            return False
    return True
