"""Runs of characters that one text has from another."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from coig_writer.text.normalise import reduced

RUN = 8  # characters; the annotators' guide allows fewer


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run of text that both texts have: where it starts and ends, and its number of letters."""

    start: int
    end: int
    source_start: int
    source_end: int
    letters: int


def copied(text: str, source: str, least: int = RUN) -> tuple[Run, ...]:
    """Returns the runs that a text has from a source, the longest first; none overlap in the text.

    Punctuation, spacing and width do not hide a copy, and do not count.

    Args:
        text: What may be copied.
        source: What it may be copied from.
        least: Letters that make a run.
    """
    letters, places = _letters(text)
    flat, source_places = _letters(source)
    known = _places(flat, least)
    runs, at = [], 0
    while at + least <= len(letters):
        starts = known.get(letters[at : at + least], ())
        length, start = max(((_shared(letters, at, flat, s), -s) for s in starts), default=(0, 0))
        if length:
            last = at + length - 1
            first = source_places[-start]
            end = source_places[length - start - 1] + 1
            runs.append(Run(places[at], places[last] + 1, first, end, length))
        at += max(1, length)
    return tuple(sorted(runs, key=lambda run: -run.letters))


def _letters(text: str) -> tuple[str, list[int]]:
    """Returns the letters of a text in one form, and the place of each."""
    pairs = [(letter, place) for place, sign in enumerate(text) for letter in reduced(sign)]
    return "".join(letter for letter, _ in pairs), [place for _, place in pairs]


@functools.lru_cache(maxsize=32)
def _places(flat: str, size: int) -> Mapping[str, tuple[int, ...]]:
    by_gram: dict[str, list[int]] = {}
    for at in range(len(flat) - size + 1):
        places = by_gram.setdefault(flat[at : at + size], [])
        if len(places) < 50:  # a text of one word repeated would make this a square
            places.append(at)
    return {gram: tuple(places) for gram, places in by_gram.items()}


def _shared(first: str, at: int, second: str, start: int) -> int:
    """Returns how many letters two texts share from two places on."""
    length = 0
    most = min(len(first) - at, len(second) - start)
    while length < most and first[at + length] == second[start + length]:
        length += 1
    return length
