"""Style: idioms, repetition, compression, worn phrases; and sameness across a model's answers."""

from __future__ import annotations

import functools
import json
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from importlib import resources

from coig_writer.metrics.length import characters
from coig_writer.metrics.tokens import tagged
from coig_writer.triplet import Language

OVERUSED_IN = 3  # a phrase in answers to this many queries is overused
Grams = Counter[tuple[str, ...]]


def idiom_density(tokens: Sequence[str]) -> float | None:
    """Returns four-character idioms per 100 tokens; None without tokens.

    An idiom is a token of four characters that jieba's dictionary tags ``i`` (22,192 of them).
    """
    if not tokens:
        return None
    known = tagged("i")
    return 100 * sum(len(t) == 4 and t in known for t in tokens) / len(tokens)


def ngrams(tokens: Sequence[str], n: int) -> Grams:
    """Counts the n-grams of a token sequence."""
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def repetition(tokens: Sequence[str], n: int = 4) -> float | None:
    """Returns the share of n-grams that repeat an earlier one; None for fewer than n tokens."""
    total = len(tokens) - n + 1
    return 1 - len(ngrams(tokens, n)) / total if total > 0 else None


def compression_ratio(text: str) -> float | None:
    """Returns the bytes of a text over its bytes under zlib, level 9; None for an empty text.

    Higher is more repetitive (Shaib et al. 2024, arXiv 2403.00553). Rises with length.
    """
    data = text.encode("utf-8", "replace")
    return len(data) / len(zlib.compress(data, 9)) if data else None


@functools.cache
def worn_phrases(language: Language) -> tuple[str, ...]:
    """Returns the list of worn phrases (docs/decisions/0043-lexicons.md says how it was made)."""
    file = resources.files("coig_writer") / "data" / "metrics" / "worn_phrases.json"
    phrases: list[str] = json.loads(file.read_text(encoding="utf-8"))[language]
    return tuple(phrases)


def worn_density(text: str, language: Language) -> float | None:
    """Returns worn phrases per 1,000 characters; None for a text without characters.

    Overlapping phrases count once each.
    """
    size = characters(text)
    if not size:
        return None
    flat = text.casefold().replace("’", "'")
    return 1000 * sum(flat.count(phrase) for phrase in worn_phrases(language)) / size


def self_bleu(texts: Sequence[Sequence[str]], order: int = 4) -> list[float | None]:
    """Returns for each text its BLEU against all others (Zhu et al. 2018, arXiv 1802.01886).

    Uniform weights over 1- to ``order``-grams, counts clipped by the best single reference, the
    reference length closest to the text's, and 0.1 in place of zero matches (Chen and Cherry 2014,
    method 1). Higher means more alike.

    Args:
        texts: Token sequences, one per answer of one model.
        order: Longest n-gram.

    Returns:
        None where a text has fewer than ``order`` tokens, or there is no other text.
    """
    if len(texts) < 2:
        return [None] * len(texts)
    precisions = [_clipped([ngrams(text, n) for text in texts]) for n in range(1, order + 1)]
    lengths = [len(text) for text in texts]
    return [
        _bleu([p[i] for p in precisions], lengths, i) if len(text) >= order else None
        for i, text in enumerate(texts)
    ]


def _clipped(counts: Sequence[Grams]) -> list[tuple[int, int]]:
    """Returns (matches, n-grams) of each text, matches clipped by the other texts' largest count."""
    largest: dict[tuple[str, ...], tuple[int, int, int]] = {}  # largest, whose, second largest
    for i, grams in enumerate(counts):
        for gram, count in grams.items():
            top, owner, second = largest.get(gram, (0, -1, 0))
            if count > top:
                largest[gram] = (count, i, top)
            elif count > second:
                largest[gram] = (top, owner, count)
    clipped = []
    for i, grams in enumerate(counts):
        matches = 0
        for gram, count in grams.items():
            top, owner, second = largest[gram]
            matches += min(count, second if owner == i else top)
        clipped.append((matches, sum(grams.values())))
    return clipped


def _bleu(precisions: Sequence[tuple[int, int]], lengths: Sequence[int], i: int) -> float:
    mean = math.fsum(math.log((hits or 0.1) / total) for hits, total in precisions)
    size = lengths[i]
    closest = min((n for j, n in enumerate(lengths) if j != i), key=lambda n: (abs(n - size), n))
    penalty = 1.0 if size > closest else math.exp(1 - closest / size)
    return penalty * math.exp(mean / len(precisions))


def overuse(texts: Sequence[Sequence[str]], n: int = 4) -> list[float | None]:
    """Returns for each text the share of its n-grams that the model uses across prompts.

    An n-gram is overused if it occurs in at least three of the answers, this one included. Each
    distinct n-gram of a text counts once.

    Returns:
        None where a text has fewer than n tokens, or there are fewer than three texts.
    """
    spread: dict[tuple[str, ...], int] = defaultdict(int)
    grams = [set(ngrams(text, n)) for text in texts]
    for distinct in grams:
        for gram in distinct:
            spread[gram] += 1
    if len(texts) < OVERUSED_IN:
        return [None] * len(texts)
    return [
        sum(spread[gram] >= OVERUSED_IN for gram in distinct) / len(distinct) if distinct else None
        for distinct in grams
    ]
