"""Repetition that no writer means: paragraphs over and over, and loops of a few characters."""

from __future__ import annotations

import re
from collections import Counter

from coig_writer.text.normalise import reduced
from coig_writer.text.verdict import Verdict

PARAGRAPH = 20  # letters of a paragraph that counts; separators and table rules have none
TIMES = 3
SHARE = 1 / 3  # of all such paragraphs' characters
LOOP_TIMES = 12  # rounds in a row of the same 2 to 30 characters
_LOOP = re.compile(rf"(?=(.{{2,30}}?)\1{{{LOOP_TIMES - 1}}})", re.DOTALL)


def repeated_paragraphs(text: str) -> Verdict | None:
    """A paragraph of twenty letters stands three times, or two repeat and that is over a third."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if len(line) >= PARAGRAPH and len(reduced(line)) >= PARAGRAPH]
    if not lines:
        return None
    counted = Counter(lines)
    line, times = counted.most_common(1)[0]
    whole = sum(map(len, lines))
    again = sum(n > 1 for n in counted.values())
    copied = again > 1 and whole - sum(map(len, counted)) > SHARE * whole
    if times >= TIMES or copied:
        return Verdict("repeated_paragraphs", f"{times} times: {line[:40]}")
    return None


def loop(text: str) -> Verdict | None:
    """The same few characters, at least two different letters, twelve times in a row."""
    for found in _LOOP.finditer(text):
        if len(set(reduced(found[1]))) > 1:
            start = found.start()
            return Verdict("repetition", f"over and over: {found[1]}", start, start + LOOP_TIMES * len(found[1]))  # fmt: skip
    return None
