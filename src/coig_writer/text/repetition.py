"""Repetition that no writer means: paragraphs over and over, and loops of a few characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from coig_writer.text.ngrams import hashes
from coig_writer.text.normalise import reduced
from coig_writer.text.verdict import Verdict

PARAGRAPH = 20  # letters of a paragraph that counts; separators and table rules have none
TIMES = 3
SHARE = 1 / 3  # of all such paragraphs' characters
SUNG = frozenset({"poetry", "hip-hop-rap", "slogan"})  # genres with choruses
CHORUS = 6  # times that a song may repeat a line
LONGEST_VERSE, VERSE_SHARE, STOPS = 30, 0.8, "。！？!?…."  # most lines of a song are short and open
LONGEST_ROUND = 150
# Rounds in a row that are a loop, by the most characters of a round: a cry or a hook may come more often than a sentence.
TIMES_BY_ROUND = {15: 12, 30: 8, LONGEST_ROUND: 5}
MANY_TIMES = 30  # rounds after which a single letter between marks (错，错，错), or a row of a table, is a loop
SIGNS = 300  # characters of the same marks or emoji in a row; rules and blanks may be longer

_RULES = frozenset("-_=*~—–─━═·.…。＿－～#|+•○●□■☆★▁▔┄┈╌`/\\ 　\t\n")
_NUMBERED = re.compile(r"[（(]?\d{1,3}[.、)）]\s*")
_LATIN = re.compile("[A-Za-z ]")
_FORM = re.compile(r"__|＿|□|\.{3}|…|[\[（(]\s*[\])）]")  # blanks to fill in


def repeated_paragraphs(text: str, *, genre: str | None = None) -> Verdict | None:
    """A paragraph of twenty letters occurs three times, or two repeat and make up over a third.

    Numbers before paragraphs do not make them differ. Lines of a song may come back, and lines of a table or a form hold fields, not paragraphs.
    """
    lines = [_NUMBERED.sub("", line.strip()) for line in text.splitlines()]
    sung = genre in SUNG or (genre is None and _is_verse(lines))
    lines = [line for line in lines if len(line) >= PARAGRAPH and not line.startswith("|")]
    if len(set(lines)) == len(lines):  # most texts end here
        return None
    lines = [line for line in lines if _size(reduced(line)) >= PARAGRAPH]
    if not lines:
        return None
    counted = Counter(lines)
    line, times = counted.most_common(1)[0]
    whole = sum(map(len, lines))
    again = sum(n > 1 for n in counted.values())
    copied = again > 1 and whole - sum(map(len, counted)) > SHARE * whole
    if times >= (CHORUS if sung else TIMES) or (copied and not sung):
        return Verdict("repeated_paragraphs", f"{times} times: {line[:40]}")
    return None


def _is_verse(lines: Iterable[str]) -> bool:
    """Says whether lines are short and end without a stop, as those of songs do."""
    written = [line for line in lines if line]
    short = sum(_size(line) <= LONGEST_VERSE and line[-1] not in STOPS for line in written)
    return short > VERSE_SHARE * len(written)


def _size(line: str) -> float:
    """Returns the length of a line in Han characters, of which one says as much as two letters or more."""
    return len(line) - len(_LATIN.findall(line)) / 2


def loop(text: str) -> Verdict | None:
    """The same characters in a row over and over: no rule, form, laughter or chorus."""
    grams = np.sort(hashes(text, 4))
    fewest = min(TIMES_BY_ROUND.values())
    if not (grams[fewest - 2 :] == grams[: len(grams) - fewest + 2]).any():
        return None  # in five rounds every four characters occur four times: most texts end here
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    for size in range(1, LONGEST_ROUND + 1):
        for start, length in _runs(codes, size):
            if _hangs(text[start : start + size], length):
                shown = f"over and over: {text[start : start + min(size, 30)]}"
                return Verdict("repetition", shown, start, start + length)
    return None


def _runs(codes: NDArray[np.uint32], size: int) -> Iterator[tuple[int, int]]:
    """Yields where characters repeat those ``size`` before them, and how long that goes on."""
    least = size * (next(n for most, n in TIMES_BY_ROUND.items() if size <= most) - 1)
    same = codes[size:] == codes[:-size]
    if np.count_nonzero(same) < least:
        return
    edges = np.flatnonzero(np.diff(same, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= least
    yield from zip(starts[long].tolist(), (ends - starts + size)[long].tolist(), strict=True)


def _hangs(part: str, length: int) -> bool:
    # Digits are signs: a machine in a story says 01010101.
    rounds, letters = length // len(part), len({c for c in reduced(part) if not c.isdigit()})
    if _FORM.search(part) or ("|" in part and rounds < MANY_TIMES):
        return False
    if letters > 1 or (letters and len(set(part)) > 1 and rounds >= MANY_TIMES):
        return True
    return length >= SIGNS and not any(c.isalpha() or c in _RULES for c in part)
