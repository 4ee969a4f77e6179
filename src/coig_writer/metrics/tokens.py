"""Word tokens for lexical metrics: jieba for Chinese, words for English.

The paper names jieba and nothing else. The kit's choices (docs/decisions/0012-tokens.md): tokens
without a letter or digit (punctuation, space, symbols) are left out, Latin letters are lower-cased,
and English text is cut into runs of letters and digits with inner apostrophes and hyphens.

Where the package ``rjieba`` is installed, it looks up the words of the dictionary in runs of Han characters,
and all else goes to jieba: the tokens are the same and prose is cut about three times faster (benchmarks/segmentation.py). ``audit``
compares the two on texts of one's own; ``COIG_WRITER_SEGMENTER=jieba`` turns the fast path off.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import re
import warnings
from collections.abc import Sequence
from typing import Any

from coig_writer.triplet import Language

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# jieba cuts text into blocks first and each block for itself; this is its own class of characters.
_BLOCK = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]+)")
_PURE_HAN = re.compile(r"[\u4E00-\u9FD5]+")
_NO_HAN = re.compile(r"[a-zA-Z0-9+#&\._%\-]+")


@functools.cache
def _jieba() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42.1 imports pkg_resources and has bad escapes
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()  # else its dictionary is empty until it cuts a text itself, and `_unknown` reads it
    return jieba


@functools.cache
def _rjieba() -> Any:
    """Returns the fast segmenter, or None where it is absent or turned off."""
    if os.environ.get("COIG_WRITER_SEGMENTER") == "jieba":
        return None
    try:
        import rjieba
    except ImportError:
        return None
    return rjieba


def segment(text: str) -> list[str]:
    """Cuts Chinese text with jieba's default mode; every character is in some piece."""
    return segment_plain(text) if _rjieba() is None else segment_fast(text)


def segment_plain(text: str) -> list[str]:
    """Cuts text with jieba alone."""
    pieces: list[str] = _jieba().lcut(text)
    return pieces


@functools.cache
def _words_without_han() -> re.Pattern[str]:
    """Returns the words of jieba's dictionary of two or more characters and no Han (five of them)."""
    jieba = _jieba()
    known = [w for w, n in jieba.dt.FREQ.items() if n and len(w) > 1 and _NO_HAN.fullmatch(w)]
    return re.compile("(" + "|".join(map(re.escape, sorted(known))) + ")")


def _latin(block: str) -> list[str]:
    """Cuts a block without Han characters as jieba does: its words, and runs between them.

    jieba looks every character up and carries a path of them; a megabyte of letters takes it long.
    """
    words, runs = _words_without_han(), _jieba().finalseg.re_skip
    pieces: list[str] = []
    for part in words.split(block):
        pieces += [part] if words.fullmatch(part) else filter(None, runs.split(part))
    return pieces


@functools.lru_cache(65536)
def _unknown(run: str) -> tuple[str, ...]:
    """Cuts a run of single characters as jieba does: as a word it does not know, by its hidden Markov model.

    The model's paths can tie (常在: one word, or two), and rjieba breaks ties the other way.
    """
    jieba = _jieba()
    if len(run) == 1 or jieba.dt.FREQ.get(run):
        return tuple(run)
    return tuple(jieba.finalseg.cut(run))


def _han(block: str) -> list[str]:
    """Cuts a block of Han characters: rjieba finds the words of the dictionary, jieba guesses the others."""
    pieces: list[str] = []
    run = ""
    for piece in _rjieba().cut(block, False):
        if len(piece) == 1:
            run += piece
            continue
        if run:
            pieces += _unknown(run)
            run = ""
        pieces.append(piece)
    return pieces + list(_unknown(run)) if run else pieces


def segment_fast(text: str) -> list[str]:
    """Cuts text with rjieba where a block is all Han, by rule where it has none, else with jieba."""
    rest = _jieba().lcut
    pieces: list[str] = []
    for block in _BLOCK.split(text):
        if _PURE_HAN.fullmatch(block):
            pieces += _han(block)
        elif len(block) == 1:
            pieces.append(block)
        elif _NO_HAN.fullmatch(block):
            pieces += _latin(block)
        elif block:
            pieces += rest(block)
    return pieces


@dataclasses.dataclass(frozen=True, slots=True)
class Audit:
    """A comparison of the fast path with plain jieba; ``differing`` texts are given by number."""

    texts: int
    differing: tuple[int, ...]


def audit(texts: Sequence[str], sample: int = 50) -> Audit:
    """Cuts an evenly spaced sample of texts both ways and compares the tokens.

    Without the fast path there is nothing to compare, and the audit holds no texts.
    """
    if _rjieba() is None:
        return Audit(0, ())
    chosen = range(0, len(texts), max(1, len(texts) // sample))
    odd = tuple(i for i in chosen if segment_fast(texts[i]) != segment_plain(texts[i]))
    return Audit(len(chosen), odd)


def tokenize(text: str, language: Language) -> list[str]:
    """Returns the word tokens of a text, lower-cased, without punctuation."""
    if language == "en":
        return [word.lower() for word in _WORD.findall(text)]
    return [piece.lower() for piece in segment(text) if any(c.isalnum() for c in piece)]


@functools.cache
def tagged(*tags: str) -> frozenset[str]:
    """Returns the words of jieba's dictionary that carry one of some part-of-speech tags.

    ``i`` marks idioms, ``nr`` persons, ``ns`` places, ``nt`` organisations.
    """
    with _jieba().dt.get_dict_file() as file:
        entries = (line.decode("utf-8").split() for line in file)
        return frozenset(entry[0] for entry in entries if len(entry) == 3 and entry[2] in tags)
