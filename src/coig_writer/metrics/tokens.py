"""Word tokens for lexical metrics: jieba for Chinese, words for English.

The paper names jieba and nothing else. The kit's choices (docs/decisions/0012-tokens.md): tokens
without a letter or digit (punctuation, space, symbols) are left out, Latin letters are lower-cased,
and English text is cut into runs of letters and digits with inner apostrophes and hyphens.
"""

from __future__ import annotations

import functools
import logging
import re
import warnings
from typing import Any

from coig_writer.triplet import Language

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@functools.cache
def _jieba() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42.1 imports pkg_resources and has bad escapes
        import jieba
    jieba.setLogLevel(logging.WARNING)
    return jieba


def segment(text: str) -> list[str]:
    """Cuts Chinese text with jieba's default mode; every character is in some piece."""
    pieces: list[str] = _jieba().lcut(text)
    return pieces


def tokenize(text: str, language: Language) -> list[str]:
    """Returns the word tokens of a text, lower-cased, without punctuation."""
    if language == "en":
        return [word.lower() for word in _WORD.findall(text)]
    return [piece.lower() for piece in segment(text) if any(c.isalnum() for c in piece)]
