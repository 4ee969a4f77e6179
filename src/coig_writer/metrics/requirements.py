"""What a query asks for in so many words, checked on the article.

Only what can be decided is: the length in the query's own unit, the literal strings it requires, and
the outer form of a script. Whether the style was kept is for people and judges.
"""

from __future__ import annotations

import re
import unicodedata

from coig_writer.benchmark import Length, Query
from coig_writer.metrics import length

COUNT = {"chars": length.characters, "words": length.words, "lines": length.lines}

_SCENE = re.compile(
    r"(?:第[一二三四五六七八九十百\d]+[场幕集]|场景|\d+[.、\s]*(?:内|外|内外)[.景·\s]|INT\.|EXT\.|SCENE\b|ACT\b)",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"(?:\*\*)?[^\s：:，。！？,.!?]{1,12}(?:[ ·][^\s：:，。！？,.!?]{1,12}){0,2}(?:\*\*)?\s*(?:[（(][^）)\n]{1,30}[）)]\s*)?[：:]"
)
_DIRECTION = re.compile(r"[（(\[【△▲].*")
# An all-capitals cue on a line of its own, as in screenplays.
_CUE = re.compile(r"[A-Z][A-Z .'’-]{1,30}(?:\s*\([^)\n]{1,30}\))?")


def length_error(article: str, wanted: Length) -> float:
    """Returns how far the length lies outside the wanted bounds, as a share of the bound it breaks.

    0 within the bounds; −0.3 is three tenths under the lower one, 0.5 half over the upper one.
    """
    length = COUNT[wanted.unit](article)
    if wanted.min and length < wanted.min:
        return length / wanted.min - 1
    if wanted.max and length > wanted.max:
        return length / wanted.max - 1
    return 0.0


def required_share(article: str, required: tuple[str, ...]) -> float:
    """Returns the share of the required strings that the article contains.

    Case, width and white space do not matter; every other character does.
    """
    flat = _flat(article)
    return sum(_flat(item) in flat for item in required) / len(required)


def _flat(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_script(query: Query) -> bool:
    """Whether a query asks for a script."""
    return query.genre == "script"


def script_share(article: str) -> float:
    """Returns the share of non-blank lines that have a script's form.

    Scene headings, lines that open with a speaker's name and a colon, stage directions in brackets,
    and speaker cues in capitals with the line below them.
    """
    rows = [row for line in article.splitlines() if (row := line.strip())]
    formed, spoken = 0, False
    for row in rows:
        cue = _CUE.fullmatch(row) is not None
        form = _SCENE.match(row) or _SPEAKER.match(row) or _DIRECTION.match(row)
        formed += spoken or cue or form is not None
        spoken = cue
    return formed / len(rows) if rows else 0.0
