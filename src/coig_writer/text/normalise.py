"""Texts in one form: half surrogates mended, letters alone, and simplified Chinese alone, for comparing."""

from __future__ import annotations

import functools
import importlib.util
import re
import unicodedata
from typing import Any

LONGEST_MARKS = 4
REPLACEMENT = "\ufffd"
# These Han characters have one form and join with nothing.
_BETWEEN = re.compile(r"[^\u4e00-\u9fff]+")
_OTHER = re.compile(r"[\W_]+")  # all that is not ``str.isalnum``, in one pass
_SURROGATE = re.compile("[\ud800-\udfff]")


def reduced(text: str) -> str:
    """Returns the letters, digits and Han characters of a text, lower-cased and width-folded.

    Punctuation, spacing and width do not hide a copy then.
    """
    return _BETWEEN.sub(_reduced, text)


def _reduced(piece: re.Match[str]) -> str:
    between = piece[0]
    return _short(between) if len(between) <= LONGEST_MARKS else _plain(between)


def _plain(between: str) -> str:
    return _OTHER.sub("", unicodedata.normalize("NFKC", between).lower())


# The same marks stand between Han characters everywhere.
_short = functools.lru_cache(maxsize=1 << 12)(_plain)


def repaired(text: str) -> str:
    """Returns the text with every half surrogate pair replaced by U+FFFD."""
    return _SURROGATE.sub(REPLACEMENT, text)


def torn(text: str) -> bool:
    """Says whether a text holds half of a surrogate pair, which no file can store."""
    return _SURROGATE.search(text) is not None


@functools.cache
def opencc_installed() -> bool:
    """Says whether OpenCC is there; without it texts are compared as they are written."""
    return importlib.util.find_spec("opencc") is not None


@functools.cache
def _opencc() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


@functools.cache
def _changes(character: str) -> bool:
    return str(_opencc().convert(repaired(character))) != character


def folded(text: str) -> str:
    """Returns a text in simplified characters if every place in it stays the same; else as it is."""
    simple = simplified(text)
    return simple if len(simple) == len(text) else text


def simplified(text: str) -> str:
    """Returns a text in simplified characters (OpenCC, t2s); as it is where OpenCC is not installed.

    Only a text that holds a character which changes is converted.
    """
    return _simplified(text) if opencc_installed() else text


@functools.lru_cache(maxsize=8)  # the rules ask for the same text one after another
def _simplified(text: str) -> str:
    if not any(map(_changes, set(text))):
        return text
    return str(_opencc().convert(repaired(text)))
