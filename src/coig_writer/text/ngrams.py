"""Overlap between texts: shared character n-grams, for contamination and memorisation.

Texts are first reduced to lower-case letters, digits and Han characters, so that punctuation,
spacing and width do not hide a copy.
"""

from __future__ import annotations

import re
import unicodedata

from coig_writer.triplet import Language

_OTHER = re.compile(r"[\W_]+")  # all that is not ``str.isalnum``, in one pass
# 13 Han characters or about eight English words: long enough that stock phrases do not count.
GRAM = {"zh": 13, "en": 40}


def reduced(text: str) -> str:
    """Returns the letters, digits and Han characters of a text, lower-cased and width-folded."""
    return _OTHER.sub("", unicodedata.normalize("NFKC", text).lower())


def grams(text: str, size: int) -> set[str]:
    """Returns the character n-grams of a reduced text; a shorter text is its own only gram."""
    flat = reduced(text)
    if not flat:
        return set()
    return {flat[i : i + size] for i in range(max(1, len(flat) - size + 1))}


def contained(part: str, whole: str, language: Language) -> float:
    """Returns the share of the n-grams of ``part`` that stand in ``whole``; 0 for an empty part."""
    of_part = grams(part, GRAM[language])
    if not of_part:
        return 0.0
    flat = reduced(whole)
    return sum(gram in flat for gram in of_part) / len(of_part)
