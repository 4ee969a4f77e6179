"""Texts in one form: half surrogates mended, and letters alone for comparing."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"
_OTHER = re.compile(r"[\W_]+")  # all that is not ``str.isalnum``, in one pass
_SURROGATE = re.compile("[\ud800-\udfff]")


def reduced(text: str) -> str:
    """Returns the letters, digits and Han characters of a text, lower-cased and width-folded.

    Punctuation, spacing and width do not hide a copy then.
    """
    return _OTHER.sub("", unicodedata.normalize("NFKC", text).lower())


def repaired(text: str) -> str:
    """Returns the text with every half surrogate pair replaced by U+FFFD."""
    return _SURROGATE.sub(REPLACEMENT, text)


def torn(text: str) -> bool:
    """Says whether a text holds half of a surrogate pair, which no file can store."""
    return _SURROGATE.search(text) is not None
