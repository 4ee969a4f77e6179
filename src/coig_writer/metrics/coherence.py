"""Coherence on the surface: do paragraphs share words, are terms taken up again, is there structure.

The paper reads incoherence off its texts as "topic shifts, inconsistent terminology, disconnection
between paragraphs" (section 4) and measures none of it. These are lexical stand-ins: cosine of
adjacent blocks (Hearst 1997, TextTiling), re-use of content words and names (Halliday and Hasan
1976), and paragraphs of readable length. They see repetition, not sense: inconsistent terminology
and plot holes are beyond them.

A content word is a Chinese token of at least two characters, or an English word of at least four
letters; shorter ones are mostly function words. A name is a Chinese token that jieba's dictionary
marks as person, place or organisation, or a capitalised English word inside a sentence.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence

from coig_writer.metrics.tokens import segment, tagged, tokenize
from coig_writer.text.language import HAN
from coig_writer.triplet import Language

_CAPITALISED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
READABLE = {"zh": 400, "en": 1200}  # characters without white space


def paragraphs(text: str) -> list[str]:
    """Returns the paragraphs: blocks between blank lines, or lines where there is no blank line."""
    text = text.strip()
    parts = (
        re.split(r"\n[ \t　]*\n", text) if re.search(r"\n[ \t　]*\n", text) else text.split("\n")
    )
    return [part.strip() for part in parts if part.strip()]


def content_words(text: str, language: Language) -> list[str]:
    """Returns the content words of a text, in order."""
    words = tokenize(text, language)
    if language == "en":
        return [word for word in words if len(word) >= 4]
    return [word for word in words if len(word) >= 2 and HAN.search(word)]


def names(text: str, language: Language) -> list[str]:
    """Returns the names in a text, in order."""
    if language == "en":
        return _CAPITALISED.findall(text)
    known = tagged("nr", "nrt", "ns", "nt")
    return [piece for piece in segment(text) if len(piece) >= 2 and piece in known]


def adjacent_cohesion(blocks: Sequence[Sequence[str]]) -> float | None:
    """Returns the mean cosine of the word counts of adjacent blocks; None for fewer than two."""
    if len(blocks) < 2:
        return None
    pairs = itertools.pairwise(blocks)
    return math.fsum(_cosine(Counter(a), Counter(b)) for a, b in pairs) / (len(blocks) - 1)


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    dot = sum(count * b[word] for word, count in a.items())
    norm = math.sqrt(sum(c * c for c in a.values()) * sum(c * c for c in b.values()))
    return dot / norm if norm else 0.0


def disconnected(blocks: Sequence[Sequence[str]]) -> float | None:
    """Returns the share of adjacent blocks without a word in common; None for fewer than two."""
    if len(blocks) < 2:
        return None
    pairs = itertools.pairwise(blocks)
    return sum(not set(a) & set(b) for a, b in pairs) / (len(blocks) - 1)


def reuse(blocks: Sequence[Sequence[str]]) -> float | None:
    """Returns the share of words after the first block that an earlier block has used.

    None if there is no word after the first block.
    """
    seen: set[str] = set()
    known = total = 0
    for number, block in enumerate(blocks):
        if number:
            total += len(block)
            known += sum(word in seen for word in block)
        seen.update(block)
    return known / total if total else None


def readable_share(text: str, language: Language) -> float | None:
    """Returns the share of characters in paragraphs of readable length; None for an empty text.

    At most 400 characters in Chinese, 1,200 in English (about 200 words).
    """
    sizes = [sum(not c.isspace() for c in part) for part in paragraphs(text)]
    total = sum(sizes)
    return sum(s for s in sizes if s <= READABLE[language]) / total if total else None
