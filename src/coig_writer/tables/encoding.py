"""Which encoding a file of Chinese text has: found, named, and never papered over with U+FFFD.

A byte order mark decides; then UTF-8, if every byte fits; then UTF-16, by its zeros; then GB18030, which
Chinese Excel writes, or Big5, by which of the two makes everyday characters of the bytes.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
from pathlib import Path
from typing import IO

from coig_writer.errors import InputError

SAMPLE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8 with BOM", "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
)
# Where each standard keeps its everyday characters: the first of two bytes.
_EVERYDAY = {"gb18030": range(0xB0, 0xD8), "big5hkscs": range(0xA4, 0xC7)}
_CHINESE = {"gb18030": "GB18030", "big5hkscs": "Big5"}
# Beyond ASCII and the punctuation of Chinese texts: letters of all scripts; of emoji nothing follows.
_COUNTED = re.compile("[\u00a1-\u1fff\u2e80-\u2fff\u3040-\ud7ff\uf900-\ufaff]")
LEAST_EVERYDAY = 0.5  # of these letters; a wrong decoding makes about a tenth
LEAST_ZEROS = 0.05  # of the bytes of UTF-16 that is UTF-8 too: half of them, where all is ASCII
MOST_BROKEN = 0.05  # of what is not ASCII: then the file is UTF-8 with damage


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How a file is encoded: its name for people, its codec for ``open``.

    Of a damaged file, the broken bytes are read as half surrogates, so that who reads a row can tell.
    """

    name: str
    codec: str

    def open(self, path: Path, newline: str | None = None) -> IO[str]:
        """Opens a file for reading."""
        errors = "surrogateescape" if self.codec.startswith("utf-8") else "strict"
        return path.open(encoding=self.codec, errors=errors, newline=newline)


DAMAGED = Encoding("UTF-8, damaged", "utf-8")


def detect(path: Path) -> Encoding:
    """Finds the encoding of a file.

    Raises:
        InputError: It is none of those that Chinese texts come in; names the likeliest and the byte.
    """
    with path.open("rb") as handle:
        sample = handle.read(SAMPLE)
    for mark, name, codec in _MARKS:
        if sample.startswith(mark):
            return _whole(path, Encoding(name, codec))
    broken = _first_broken(path, "utf-8")
    stray = broken is None and sample.count(0) < LEAST_ZEROS * len(sample)
    if not stray and (codec := _utf_16(sample)):
        return _whole(path, Encoding("UTF-16", codec))
    if broken is None:
        return Encoding("UTF-8", "utf-8")
    scores = {codec: _everyday(sample, codec) for codec in _EVERYDAY}
    for codec in sorted(scores, key=lambda codec: -scores[codec]):
        if scores[codec] >= LEAST_EVERYDAY and _first_broken(path, codec) is None:
            return Encoding(_CHINESE[codec], codec)
    if _broken_share(sample) <= MOST_BROKEN:
        return DAMAGED
    raise InputError(
        f"{path}: byte {broken} is not UTF-8, and the file is not GB18030, Big5 or UTF-16{_likeliest(sample)}",
        "save it as UTF-8 (Excel: CSV UTF-8)",
    )


def _whole(path: Path, encoding: Encoding) -> Encoding:
    """Returns an encoding that every byte of a file fits; rows of damaged UTF-8 are told apart later."""
    if not encoding.codec.startswith("utf-8"):
        broken = _first_broken(path, encoding.codec)
        if broken is not None:
            raise InputError(
                f"{path}: byte {broken} is not {encoding.name}: the file is damaged, or no text",
                "save it as UTF-8 (Excel: CSV UTF-8)",
            )
    return encoding


def _utf_16(sample: bytes) -> str:
    """Returns the codec of UTF-16 without a mark, whose commas and line ends hold a zero."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) <= 10 * min(even, odd):
        return ""
    try:
        sample[: len(sample) // 2 * 2].decode(codec, "strict")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:  # half a pair at the end of the sample is none
            return ""
    return codec


def _first_broken(path: Path, codec: str) -> int | None:
    """Returns the place of the first byte that a codec cannot read; None if it reads the whole file."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    passed = 0
    with path.open("rb") as handle:
        while True:
            piece = handle.read(SAMPLE)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                # what the decoder kept from the piece before is in front of this one
                return passed + len(piece) - len(error.object) + error.start
            if not piece:
                return None
            passed += len(piece)


def _everyday(sample: bytes, codec: str) -> float:
    """Returns the share of everyday Han characters in a decoding, ASCII and punctuation apart, 0–1."""
    han = [c for c in sample.decode(codec, "ignore") if _COUNTED.match(c)]
    return sum(c.encode(codec)[0] in _EVERYDAY[codec] for c in han) / len(han) if han else 0.0


def _broken_share(sample: bytes) -> float:
    """Returns how much of what is not ASCII is no UTF-8, by characters, 0–1."""
    text = sample.decode("utf-8", "surrogateescape")
    beyond = [c for c in text if c > "\x7f"]
    return sum("\udc80" <= c <= "\udcff" for c in beyond) / len(beyond) if beyond else 0.0


def _likeliest(sample: bytes) -> str:
    import charset_normalizer

    best = charset_normalizer.from_bytes(sample[: 1 << 16]).best()
    return f"; it looks like {best.encoding}" if best else ""
