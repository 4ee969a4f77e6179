"""Markdown in a text: what a reader sees before reading."""

from __future__ import annotations

import re

_HEADING = r" {0,3}#{1,6}[ \t]+(?=\S)"
# The look-ahead passes over rules between parts (---, * * *).
_ITEM = r"(?![-*+ \t]*$)[ \t]*(?:[-*+][ \t]+|•[ \t]*|\d{1,3}[.)、．](?!\d)[ \t]*)(?=\S)"
_QUOTE = r"[ \t]*>[ \t]?"
_HEADINGS = re.compile(f"^{_HEADING}", re.MULTILINE)
_ITEMS = re.compile(f"^{_ITEM}", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+\*\*|__(?=\S)[^_\n]+__")
_MARKED = re.compile(rf"{_HEADING}|{_ITEM}|{_QUOTE}|[ \t]*\|")
_MARKS = re.compile(rf"^(?:{_HEADING}|{_ITEM}|{_QUOTE})|[*_`]{{1,3}}|~~", re.MULTILINE)


def headings(article: str) -> int:
    """Counts lines that are headings."""
    return len(_HEADINGS.findall(article))


def list_items(article: str) -> int:
    """Counts lines that open an item of a list, bulleted or numbered."""
    return len(_ITEMS.findall(article))


def bold(article: str) -> int:
    """Counts bold spans."""
    return len(_BOLD.findall(article))


def marked(article: str) -> float:
    """Returns the share of lines with a heading, item, quotation, table or bold span; 0 without a line."""
    lines = [line for line in article.splitlines() if line.strip()]
    return sum(bool(_MARKED.match(line) or _BOLD.search(line)) for line in lines) / max(
        1, len(lines)
    )


def unmarked(text: str) -> str:
    """Returns a text without Markdown's marks; the words stay."""
    return _MARKS.sub("", text)
