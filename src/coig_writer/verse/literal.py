"""What a request says literally: words that may not occur, counts, first characters, palindromes, who speaks, headings."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

from coig_writer.text.language import HAN
from coig_writer.text.normalise import simplified
from coig_writer.verse.verdict import Place, Rule

FORBIDDEN = "禁用"  # its places are lines of the text, not of the verse
_SPEAKER = re.compile(
    r"^[^\S\n]*(?:\*\*)?([^\s：:，。！？,.!?\"“]{1,12})(?:\*\*)?[^\S\n]*[：:]", re.MULTILINE
)
_LABELS = frozenset(
    [
        "时间",
        "地点",
        "人物",
        "场景",
        "背景",
        "标题",
        "题目",
        "主题",
        "日期",
        "time",
        "place",
        "date",
        "title",
        "scene",
    ]
)
_ASIDE = re.compile(r"[（(].*?[）)]")
_MARKS = re.compile(r"[#*\s【\[《<（(“\"]*")
_NUMBERED = re.compile(
    r"[#*\s【\[《<（(\d一二三四五六七八九十百、.）)]*(?:第[\d一二三四五六七八九十百]+[章节回部篇幕条]\s*)?"
)


@functools.cache
def _plain(character: str) -> str:
    """A character without case, width and script; never more than one, so that places stay."""
    folded = simplified(unicodedata.normalize("NFKC", character).casefold().replace("’", "'"))
    return folded if len(folded) == 1 else character


def _flat(text: str) -> str:
    return "".join(map(_plain, text))


def _found(text: str, word: str) -> tuple[Place, ...]:
    """The places of a word: a Latin word only as a whole word, a Chinese one anywhere; a space may be a line's end."""
    inner = r"\s+".join(map(re.escape, _flat(word).split()))
    pattern = re.compile(rf"(?<!\w){inner}(?!\w)" if word.isascii() else inner)
    flat = _flat("\n".join(text.splitlines()))
    return tuple(
        (flat.count("\n", 0, match.start()) + 1, match.start() - flat.rfind("\n", 0, match.start()))
        for match in pattern.finditer(flat)
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
                    FORBIDDEN,
                    "broken",
                    f"不许出现“{word}”：{zh}",
                    f"{word!r} may not occur: {at}",
                    places,
                )
            )
        else:
            rules.append(Rule(FORBIDDEN, "kept", f"没有“{word}”", f"no {word!r}"))
    return tuple(rules)


def counted(what: str, count: int, least: int | None, most: int | None) -> Rule:
    """Checks a count against its bounds; None is no bound."""
    kept = (least is None or count >= least) and (most is None or count <= most)
    bounds = f"{'' if least is None else least}–{'' if most is None else most}"
    return Rule(
        what, "kept" if kept else "broken", f"{count}，应为{bounds}", f"{count}, {bounds} asked"
    )


def heads(lines: Sequence[str], word: str) -> bool:
    """Says whether the first characters of lines spell a word, in either script."""
    return _flat("".join(line[0] for line in lines if line)) == _flat("".join(HAN.findall(word)))


def acrostic(lines: Sequence[str], word: str) -> Rule:
    """Checks that the first characters of the lines spell a word (藏头)."""
    first = "".join(line[0] for line in lines if line)
    wanted = "".join(HAN.findall(word))
    if heads(lines, word):
        return Rule("藏头", "kept", f"句首为“{first}”", f"first characters are {first!r}")
    wrong = tuple((i, 1) for i, c in enumerate(wanted, 1) if _flat(first[i - 1 : i]) != _flat(c))
    return Rule("藏头", "broken", f"句首为“{first}”，应为“{wanted}”", f"first characters are {first!r}, {wanted!r} asked", wrong)  # fmt: skip


def palindrome(lines: Sequence[str]) -> Rule:
    """Checks that each line, or all lines together, read the same from behind (回文)."""
    together = "".join(lines)
    bad = tuple((i, 0) for i, line in enumerate(lines, 1) if line != line[::-1])
    if together and (together == together[::-1] or not bad):
        return Rule("回文", "kept", "倒读相同", "reads the same from behind")
    return Rule("回文", "broken", "倒读不同", "does not read the same from behind", bad)


def one_sided(text: str) -> Rule:
    """Checks that one person alone speaks in a dialogue of which only one side is shown."""
    voices = {_ASIDE.sub("", match[1]) for match in _SPEAKER.finditer(text)}
    names = sorted(name for name in voices if name and name.casefold() not in _LABELS)
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
            zh, en = ("次序不对", "is out of order") if early else ("没有", "is missing")
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
    """Whether a line opens with a name, after marks or a number; a Latin word only as a whole word."""
    flat, wanted = _flat(line), re.compile(re.escape(_flat(name)) + r"(?!\w)" * name.isascii())
    return any(
        wanted.match(flat, mark.end())
        for mark in (_MARKS.match(line), _NUMBERED.match(line))
        if mark is not None
    )
