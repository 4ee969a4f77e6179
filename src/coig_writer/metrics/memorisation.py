"""Memorisation: what an answer copies from the rows its model was trained on.

Texts are reduced to letters, digits and Han characters first, so that punctuation does not hide a
copy; n-grams are 13 characters in both languages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from coig_writer.text.ngrams import reduced

GRAM = 13
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """What an answer shares with the training rows.

    ``share`` is of its 13-grams; ``longest`` is the longest run of characters all of whose 13-grams
    stand in training rows (not always one row), 0 if none does.
    """

    share: float
    longest: int


class Index:
    """The 13-grams of training texts, as sorted 64-bit hashes (8 bytes for each distinct one).

    Args:
        texts: What the model was trained to write: the assistant turns of the run's mixture.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.hashes = _distinct(_hashes(text) for text in texts)

    def copied(self, text: str) -> Copied | None:
        """Looks a text up; None if it has fewer than 13 letters, digits and Han characters."""
        own = _hashes(text)
        if not own.size:
            return None
        if not self.hashes.size:
            return Copied(0.0, 0)
        place = np.searchsorted(self.hashes, own).clip(max=self.hashes.size - 1)
        hits = self.hashes[place] == own
        run = _longest_run(hits)
        return Copied(float(hits.mean()), run + GRAM - 1 if run else 0)


def _hashes(text: str) -> Any:
    """Returns one polynomial hash modulo 2**64 per 13-gram, in order."""
    codes = np.frombuffer(reduced(text).encode("utf-32-le", "replace"), dtype=np.uint32)
    count = max(0, codes.size - GRAM + 1)
    found = np.zeros(count, dtype=np.uint64)
    for offset in range(GRAM):
        found = found * _BASE + codes[offset : offset + count]
    return found


def _distinct(parts: Iterator[Any]) -> Any:
    """Merges hashes in batches, so that no more than the distinct ones and one batch are held."""
    merged = np.zeros(0, dtype=np.uint64)
    batch: list[Any] = []
    size = 0
    for part in parts:
        batch.append(part)
        size += part.size
        if size > 4_000_000:
            merged, batch, size = np.unique(np.concatenate([merged, *batch])), [], 0
    return np.unique(np.concatenate([merged, *batch]))


def _longest_run(hits: Any) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hits.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
