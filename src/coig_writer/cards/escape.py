"""The one rule by which a card shows a text that the kit did not write: a name, an answer, a licence.

Such a text may hold line ends, HTML, backticks, pipes or marks that turn the writing direction. On a card
it shows as it is and does nothing.
"""

from __future__ import annotations

import re
import unicodedata

# Marks that reorder what a reader sees (Unicode annex 9) and cannot be seen themselves.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NONE = ("Cc", "Cs")  # control characters and halves of a pair
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
# An underscore inside a word is no emphasis; elsewhere it may be. At the start: headings, lists, rules.
_MARKS = re.compile(
    r"[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])|^(?:[#+-](?=[\s#+-]|$)|=|\d{1,9}(?=[.)](?:\s|$)))"
)
_BACKTICKS = re.compile("`+")


def plain(text: str) -> str:
    """Returns a text on one line, without what cannot be seen."""
    visible = (
        c for c in _INVISIBLE.sub("", text) if c.isspace() or unicodedata.category(c) not in _NONE
    )
    return " ".join("".join(visible).split())


def inline(text: str) -> str:
    """Returns a text as Markdown, in prose or in a cell of a table."""
    entities = "".join(_ENTITIES.get(c, c) for c in plain(text))
    return _MARKS.sub(_escaped, entities)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return f"{character}\\" if character.isdecimal() else f"\\{character}"


def code(text: str) -> str:
    """Returns a text as a code span, in prose or in a cell of a table; a dash for an empty one."""
    content = plain(text) or "–"
    if "|" in content:  # a cell ends at a pipe even within backticks
        return f"<code>{inline(content)}</code>"
    fence = "`" * (_longest(content) + 1)
    space = " " if "`" in (content[0], content[-1]) else ""
    return f"{fence}{space}{content}{space}{fence}"


def block(text: str, language: str = "text") -> str:
    """Returns a text as a fenced block of a language, its lines kept."""
    lines = [_INVISIBLE.sub("", line).rstrip() for line in text.strip().splitlines()]
    fence = "`" * max(3, _longest(text) + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
