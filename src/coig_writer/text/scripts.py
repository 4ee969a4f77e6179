"""Traditional and simplified Chinese as one text, for comparing (OpenCC, t2s)."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

from coig_writer.text.normalise import repaired


@functools.cache
def installed() -> bool:
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
    """Returns a text in simplified characters; as it is where OpenCC is not installed.

    Only a text that holds a character which changes is converted.
    """
    if not installed() or not any(map(_changes, set(text))):
        return text
    return str(_opencc().convert(repaired(text)))
