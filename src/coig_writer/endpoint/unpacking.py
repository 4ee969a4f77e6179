"""Unpacks a compressed reply in small steps, so that a few bytes that unpack to gigabytes are stopped in time.

Clients that unpack a whole network packet at once hold all of it before its size is checked. Here no step
gives more than ``STEP`` bytes (Brotli: about that), and the reader stops at its limit.
"""

from __future__ import annotations

import io
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

STEP = 1 << 16
ZSTD_WINDOW = 8 << 20  # RFC 8878: the window that a decoder should support


class Unreadable(Exception):
    """A body that is not compressed as its header says, or in a way that cannot be unpacked here."""


def unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Unpacks the pieces of a body by its ``Content-Encoding``.

    Raises:
        Unreadable: The body is damaged, or packed in a way that is not known.
    """
    steps = _STEPS.get(encoding.strip().lower())
    if steps is None:
        raise Unreadable(f"a reply packed as {encoding!r} cannot be read")
    try:
        yield from steps(piece for piece in pieces if piece)
    except ImportError as error:
        raise Unreadable(f"a reply packed as {encoding!r} was not asked for") from error
    except (ValueError, OSError, zlib.error) as error:
        raise Unreadable(f"the reply cannot be unpacked: {error}") from error


def _plain(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from pieces


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from _zlib(pieces, 31)


def _deflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """With zlib's header, as the standard has it, or without, as some servers do."""
    pieces = iter(pieces)
    first = next(pieces, b"\0")
    headed = first[0] & 15 == 8 and first[0] >> 4 <= 7
    yield from _zlib(itertools.chain([first], pieces), 15 if headed else -15)


def _zlib(pieces: Iterable[bytes], form: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(form)
    for piece in pieces:
        rest = piece
        while (step := unpacker.decompress(rest, STEP)) or unpacker.unconsumed_tail:
            yield step
            rest = unpacker.unconsumed_tail


def _brotli(pieces: Iterable[bytes]) -> Iterator[bytes]:
    import brotli

    unpacker = brotli.Decompressor()
    try:
        for piece in pieces:
            rest = piece
            while step := unpacker.process(rest, output_buffer_limit=STEP):
                yield step
                rest = b""  # it keeps what it was given, also where the step was full
    except brotli.error as error:
        raise ValueError(error) from error


def _zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    import zstandard

    source = io.BufferedReader(_Pieces(pieces))
    unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    try:
        with unpacker.stream_reader(source, read_across_frames=True) as reader:
            while step := reader.read(STEP):
                yield step
    except zstandard.ZstdError as error:
        raise ValueError(error) from error


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file that can be read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        """True: it is read from."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fills a part of a buffer; nothing at the end."""
        room = memoryview(buffer)
        piece = self._rest or next(self._pieces, b"")
        taken, self._rest = piece[: len(room)], piece[len(room) :]
        room[: len(taken)] = taken
        return len(taken)


_STEPS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "": _plain,
    "identity": _plain,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
