"""Text that went through a wrong encoding."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

# 锟斤拷 once is a programmers' joke; 烫烫烫烫！ is somebody who burns their tongue.
_PLACEHOLDERS = re.compile(
    r"\ufffd+|(?:锟斤拷){2,}|锟斤拷[\ufffd锟]|(?<!烫)烫{4,}(?![烫，,。！!~～…”\"」])|(?<!屯)屯{4,}"
)
# UTF-8 that was read as Latin-1 or cp1252: a lead byte's letter and two continuation characters.
_AS_LATIN = re.compile(r"(?:[\u00e2-\u00ef][^\x00-\x7f\u2e80-\u9fff]{1,2}){3,}")
# Quotation marks and letters with an accent of that kind are far apart; one of them is a joke.
_MARKS = re.compile("\u00e2(?:\u20ac|\u0080).|\u00c3[\u00a0-\u00bf]|\u00c2[\u00a0-\u00bf]")
MOST_MARKS = 2
# UTF-8 that was read as GBK: written back to GBK it is UTF-8 again, several characters in a row.
_UTF8_HAN = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){4,}")


def mojibake(text: str) -> Verdict | None:
    """Text that went through a wrong encoding, or the fill characters of one.

    A word may hold two or three of a fill character (热烫烫); four in a row are none.
    """
    for pattern in (_PLACEHOLDERS, _AS_LATIN):
        if match := pattern.search(text):
            shown = text[max(0, match.start() - 10) : match.start() + 40]
            return Verdict("mojibake", shown, match.start(), match.end())
    if len(marks := _MARKS.findall(text)) > MOST_MARKS:
        return Verdict("mojibake", f"{len(marks)} times: {''.join(marks)[:40]}")
    if read := _UTF8_HAN.search(text.encode("gb18030", "replace")):
        shown = read.group().decode("utf-8", "replace")[:40]
        return Verdict("mojibake", f"read as GBK, was UTF-8: {shown}")
    return None
