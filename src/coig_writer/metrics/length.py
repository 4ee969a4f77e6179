"""Lengths of texts, in the units a query or the paper's Table 3 uses."""

from __future__ import annotations

import re

from coig_writer.metrics.tokens import tokenize
from coig_writer.triplet import Language

_ENGLISH_WORD = re.compile(r"[A-Za-z0-9]+(?:['’-][A-Za-z0-9]+)*")


def characters(text: str) -> int:
    """Counts characters without white space (the unit of Tables 3 and 5–10)."""
    return sum(not c.isspace() for c in text)


def words(text: str) -> int:
    """Counts English words: runs of letters and digits, with inner apostrophes and hyphens."""
    return len(_ENGLISH_WORD.findall(text))


def lines(text: str) -> int:
    """Counts lines that are not blank."""
    return sum(bool(line.strip()) for line in text.splitlines())


def tokens(text: str, language: Language) -> int:
    """Counts the tokens that the type-token ratio is taken over."""
    return len(tokenize(text, language))
