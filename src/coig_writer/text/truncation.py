"""Texts that are not whole: cut off in mid-sentence, or too short to be one."""

from __future__ import annotations

import re
import unicodedata

from coig_writer.text.verdict import Verdict

SHORTEST = 12  # characters with punctuation: the shortest article of the paper (section 2.5)
LONGEST_SIGNATURE = 20  # a last line up to this length may be a signature, a date or a place
ENDS = "。！？!?…”’」』）)】》〉~～.;；—♪⋯．"
GOES_ON = "，,、"

_TAGS = re.compile(r"</?[a-zA-Z][^<>\n]{0,40}>|\[\d{1,3}\]|[*_`]+")
# Lines that end by what they are: tags, a link, an emoticon, a field or list of keywords, a date,
# a particle, the number of what follows.
_APART = re.compile(
    r"(?:#\S{1,40}\s*)+|[^\n]{0,60}https?://\S+|.{0,200}[)）][^\s，,、]{0,3}"
    r"|[^，,。：:]{1,8}[：:].{0,30}[^，,、]|[^。]{0,100}；[^，,。]{0,20}[^，,。、]"
    r"|.{0,12}[年月].{0,12}[月日号].{0,8}[^，,、]|.{0,300}[呢吗吧啊呀嘛啦]|.{0,300}[。！？][一二三四五六七八九十\d]"
)
# Words after which a sentence must go on; verse is told apart by its other lines.
_UNFINISHED = re.compile(
    r"(?:再也|只是|因为|但是|可是|然后|并且|而且|以及|如果|虽然|所以|不是|仿佛|好像|[和与或被把向从像就也才却])$"
)


def too_short(text: str) -> Verdict | None:
    """Fewer than twelve characters, punctuation included, white space not."""
    length = sum(not c.isspace() for c in text)
    return Verdict("too_short", f"{length} characters") if length < SHORTEST else None


def cut_off(text: str, *, finish_reason: str | None = None) -> Verdict | None:
    """The last line stops without an end, while the lines before it have one.

    Markup, tags, links, emoticons and invisible characters at the end are no part of the sentence. A
    short last line that no comma or conjunction leaves open is taken for a signature or a date.
    Verse and slogans, whose lines end without punctuation, are left to the model.

    Args:
        text: The text.
        finish_reason: Why its model stopped, where that is known: ``length`` and ``stop`` decide.
    """
    if finish_reason in ("length", "stop"):
        return Verdict("cut_off", "the model's length was spent") if finish_reason == "length" else None  # fmt: skip
    lines = [bare for line in text.splitlines() if (bare := _bare(line))]
    if not lines or _finished(lines[-1]):
        return None
    *others, last = lines
    ended = sum(_finished(line) or line[-1] in "：:" for line in others)
    in_prose = ended * 2 >= len(others) if others else any(c in "。！？" for c in last)
    if not in_prose or (len(last) <= LONGEST_SIGNATURE and not _open(last)):
        return None
    return Verdict("cut_off", f"ends with …{last[-20:]}")


def _bare(line: str) -> str:
    """Returns a line without markup, and without what no eye sees at its end."""
    bare = _TAGS.sub("", line).strip()
    while bare and (bare[-1].isspace() or unicodedata.category(bare[-1]) in ("Cf", "Mn")):
        bare = bare[:-1]
    return bare


def _finished(line: str) -> bool:
    """Says whether a line ends: in a mark, a symbol or anything else but letters and commas."""
    if line[-1] in ENDS or _APART.fullmatch(line):
        return True
    return not (line[-1].isalnum() or line[-1] in GOES_ON + "：:")


def _open(line: str) -> bool:
    return bool(set(GOES_ON) & set(line)) or _UNFINISHED.search(line) is not None
