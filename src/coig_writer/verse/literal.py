"""What a request says literally: words that may not occur, counts, first characters, palindromes, who speaks, headings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from coig_writer.text.language import HAN
from coig_writer.verse.verdict import Place, Rule

_SPEAKER = re.compile(
    r"^[^\S\n]*(?:\*\*)?([^\s：:，。！？,.!?\"“]{1,12})(?:\*\*)?[^\S\n]*[：:]", re.MULTILINE
)
_HEADING = re.compile(r"[#*\s【\[《<（(第\d一二三四五六七八九十、.）)]*")


def _flat(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _found(text: str, word: str) -> tuple[Place, ...]:
    """The places of a word: a Latin word stands by itself, Chinese anywhere."""
    inner = re.escape(_flat(word))
    pattern = re.compile(rf"(?<!\w){inner}(?!\w)" if word.isascii() else inner)
    return tuple(
        (number, match.start() + 1)
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(_flat(line))
    )


def forbidden(text: str, words: Sequence[str]) -> tuple[Rule, ...]:
    """Checks words that may not occur; case and width do not matter. Lines are those of the text."""
    rules = []
    for word in words:
        places = _found(text, word)
        if places:
            at = ", ".join(f"line {line} character {char}" for line, char in places)
            zh = "、".join(f"第{line}行第{char}字" for line, char in places)
            rules.append(
                Rule(
                    "禁用",
                    "broken",
                    f"不许出现“{word}”：{zh}",
                    f"{word!r} may not occur: {at}",
                    places,
                )
            )
        else:
            rules.append(Rule("禁用", "kept", f"没有“{word}”", f"no {word!r}"))
    return tuple(rules)


def counted(what: str, found: int, least: int | None, most: int | None) -> Rule:
    """Checks a count against its bounds; None is no bound."""
    kept = (least is None or found >= least) and (most is None or found <= most)
    bounds = f"{'' if least is None else least}–{'' if most is None else most}"
    return Rule(
        what, "kept" if kept else "broken", f"{found}，应为{bounds}", f"{found}, {bounds} asked"
    )


def acrostic(lines: Sequence[str], word: str) -> Rule:
    """Checks that the first characters of the lines spell a word (藏头)."""
    heads = "".join(line[0] for line in lines if line)
    wanted = "".join(HAN.findall(word))
    wrong = tuple((i + 1, 1) for i, c in enumerate(wanted) if heads[i : i + 1] != c)
    if wrong or len(heads) != len(wanted):
        return Rule("藏头", "broken", f"句首为“{heads}”，应为“{wanted}”", f"first characters are {heads!r}, {wanted!r} asked", wrong)  # fmt: skip
    return Rule("藏头", "kept", f"句首为“{heads}”", f"first characters are {heads!r}")


def palindrome(lines: Sequence[str]) -> Rule:
    """Checks that each line, or all lines together, read the same from behind (回文)."""
    together = "".join(lines)
    bad = tuple((i, 0) for i, line in enumerate(lines, 1) if line != line[::-1])
    if together and (together == together[::-1] or not bad):
        return Rule("回文", "kept", "倒读相同", "reads the same from behind")
    return Rule("回文", "broken", "倒读不同", "does not read the same from behind", bad)


def one_sided(text: str) -> Rule:
    """Checks that one person alone speaks in a dialogue of which only one side is shown."""
    names = sorted({match[1] for match in _SPEAKER.finditer(text)})
    if len(names) > 1:
        return Rule("单边对话", "broken", f"有{len(names)}个说话人：{'、'.join(names)}", f"{len(names)} speakers: {', '.join(names)}")  # fmt: skip
    return Rule("单边对话", "kept" if names else "open", "只有一方说话" if names else "没有标出说话人", "one speaker" if names else "no speaker is marked")  # fmt: skip


def sections(text: str, names: Sequence[str]) -> tuple[Rule, ...]:
    """Checks that sections asked for by name are there, each opening a line, in this order."""
    rules, after = [], 0
    lines = text.splitlines()
    for name in names:
        hit = next((i for i, line in enumerate(lines) if i >= after and _opens(line, name)), None)
        if hit is None:
            early = any(_opens(line, name) for line in lines)
            zh, en = ("次序不对", "stands in another order") if early else ("没有", "is missing")
            rules.append(Rule("分节", "broken", f"“{name}”{zh}", f"section {name!r} {en}"))
        else:
            after = hit + 1
            rules.append(
                Rule(
                    "分节",
                    "kept",
                    f"“{name}”在第{hit + 1}行",
                    f"section {name!r} in line {hit + 1}",
                )
            )
    return tuple(rules)


def _opens(line: str, name: str) -> bool:
    opening = _HEADING.match(line)
    assert opening is not None
    flat = _flat(name)
    return _flat(line[opening.end() :]).startswith(flat) or _flat(line).startswith(flat)
