"""Character n-grams of reduced texts as 64-bit hashes, for overlap, memorisation and duplicates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coig_writer.text.normalise import reduced
from coig_writer.triplet import Language

# 13 Han characters or about eight English words: long enough that stock phrases do not count.
GRAM: dict[Language, int] = {"zh": 13, "en": 40}
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def hashes(flat: str, size: int) -> NDArray[np.uint64]:
    """Returns the hash of every character n-gram of a reduced text, in order.

    A shorter text, also an empty one, is its own only n-gram.
    """
    codes = np.frombuffer(flat.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < size:
        codes = np.pad(codes, (0, size - len(codes)))
    count = len(codes) - size + 1
    hashed = np.zeros(count, dtype=np.uint64)
    for start in range(size):
        hashed = (hashed ^ codes[start : start + count]) * _FACTOR
    mixed: NDArray[np.uint64] = (hashed ^ (hashed >> np.uint64(31))) * _MIX
    return mixed


def grams(text: str, size: int) -> NDArray[np.uint64]:
    """Returns the hashes of the distinct n-grams of a text, sorted; none of a text without letters."""
    flat = reduced(text)
    return np.unique(hashes(flat, size)) if flat else np.zeros(0, dtype=np.uint64)


def within(own: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Says of each hash whether it is among the known ones, which are sorted."""
    if not known.size:
        return np.zeros(own.shape, dtype=np.bool_)
    inside: NDArray[np.bool_] = known[np.searchsorted(known, own).clip(max=known.size - 1)] == own
    return inside


def contained(part: str, whole: str, language: Language) -> float:
    """Returns the share of the n-grams of ``part`` that ``whole`` has too; 0 for an empty part.

    A part shorter than an n-gram is looked for whole.
    """
    size = min(GRAM[language], len(reduced(part)))
    own = grams(part, size)
    return float(within(own, grams(whole, size)).mean()) if own.size else 0.0


def similarity(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    """Returns the Jaccard similarity of two sets of distinct hashes."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
