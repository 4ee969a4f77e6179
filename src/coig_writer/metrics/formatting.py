"""Markdown in an article: what a reader sees before reading."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)、．])[ \t]*(?=\S)(?!\*)", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+\*\*|__(?=\S)[^_\n]+__")


def headings(article: str) -> int:
    """Counts lines that are headings."""
    return len(_HEADING.findall(article))


def list_items(article: str) -> int:
    """Counts lines that open an item of a list, bulleted or numbered."""
    return len(_ITEM.findall(article))


def bold(article: str) -> int:
    """Counts bold spans."""
    return len(_BOLD.findall(article))
