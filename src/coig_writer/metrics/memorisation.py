"""Memorisation: what an answer copies from the rows its model was trained on.

Texts are reduced to letters, digits and Han characters first, so that punctuation does not hide a
copy; n-grams are 13 characters in both languages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from coig_writer.text.ngrams import hashes, within
from coig_writer.text.normalise import reduced

GRAM = 13
Hashes = NDArray[np.uint64]


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """What an answer shares with the training rows.

    ``share`` is of its 13-grams; ``longest`` is the longest run of characters all of whose 13-grams
    occur in training rows (not always one row), 0 if none does.
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
        hashes = _hashes(text)
        if not hashes.size:
            return None
        hits = within(hashes, self.hashes)
        run = _longest_run(hits)
        return Copied(float(hits.mean()), run + GRAM - 1 if run else 0)


def _hashes(text: str) -> Hashes:
    """Returns the hashes of a text's 13-grams; none of a text too short for one."""
    flat = reduced(text)
    return hashes(flat, GRAM) if len(flat) >= GRAM else np.zeros(0, dtype=np.uint64)


def _distinct(parts: Iterator[Hashes]) -> Hashes:
    """Merges hashes in batches, so that no more than the distinct ones and one batch are held."""
    merged = np.zeros(0, dtype=np.uint64)
    batch: list[Hashes] = []
    size = 0
    for part in parts:
        batch.append(part)
        size += part.size
        if size > 4_000_000:
            merged, batch, size = np.unique(np.concatenate([merged, *batch])), [], 0
    return np.unique(np.concatenate([merged, *batch]))


def _longest_run(hits: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hits.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
