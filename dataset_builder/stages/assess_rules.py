"""What characters alone can decide about a Chinese text: checks that drop, and what is masked.

Each check takes a document and returns the evidence, or an empty string. They are narrow on
purpose: a text that only might be broken goes on to the model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from coig_writer.document import Document
from coig_writer.text.language import confusion, han_share
from coig_writer.text.normalise import reduced

SHORTEST = 12  # characters: the shortest article of the paper (section 2.5)
TERMINAL = "。！？!?…”’」』）)】》〉~～.;；—♪⋯"
LONGEST_SIGNATURE = 20
ADVERTISING = frozenset({"advertising"})

_KANA = re.compile(r"[\u3041-\u30ff]")
_PLACEHOLDERS = re.compile(r"\ufffd+|(?:锟斤拷)+|(?:烫烫)+烫?|(?:屯屯)+屯?")
# UTF-8 that was read as Latin-1 or cp1252: a lead byte's letter and two continuation characters.
_AS_LATIN = re.compile(r"(?:[\u00e2-\u00ef][^\x00-\x7f\u2e80-\u9fff]{1,2}){3,}")
# UTF-8 that was read as GBK: written back to GBK it is UTF-8 again, several characters in a row.
_UTF8_HAN = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){4,}")
_BOILERPLATE = re.compile(
    r"\A\W*(?:(?:好的|当然|没问题|可以的)[，,。！!].{0,30}(?:为您|为你|给您|给你|根据您|根据你|按照您|按照你|以下|下面)"
    r"|(?:以下|下面)(?:是|将|就是|我将|我会|为您|为你|给您|给你).{0,40}(?:[：:]|为您|为你|希望|介绍|创作|一篇|内容)"
    r"|(?:根据|按照)(?:您|你)的(?:要求|需求|描述|提示)"
    r"|作为(?:一个|一名)?(?:人工智能|AI|大语言模型|语言模型)"
    r"|为了满足(?:您|你)的)"
)
_SELLING = re.compile(
    r"点击.{0,6}链接|下方链接|领取?.{0,8}(?:优惠)?券|到手价|闭眼入|秒杀|扫码|扫.{0,6}二维码|加(?:微信|我|[vV])|"
    r"微信号?[：: ]|私信|进群|拉你进|前\s*\d+\s*名|限时|报名立减|咨询热线|现价|原价|立减|免费领|关注.{0,6}公众号|"
    r"下单|团购|包邮|名额有限|赠送|特惠|暗号|热线|报名"
)
_TAIL = 220
_INSTRUCTION = re.compile(
    r"(?:忽略|无视|忘记)(?:之前|以上|上面|前面)(?:的|所有)*(?:指令|要求|提示|规则|内容)"
    r"|ignore (?:all )?(?:previous|prior|above) instructions"
    r"|请(?:给|为)(?:本文|这篇文章|我|此文)?.{0,6}打(?:满分|10\s*分|十分)",
    re.IGNORECASE,
)
_OTHER_SCRIPTS = re.compile(r"[\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff\u0e00-\u0e7f\uac00-\ud7af]")
# Frequent characters that differ between the two scripts, in the same order.
_SIMPLIFIED = "这个们说国时会对为么还来过样没问间话现开实门车书长东发点听见马鸟鱼写学习觉亲爱"
_TRADITIONAL = "這個們說國時會對為麼還來過樣沒問間話現開實門車書長東發點聽見馬鳥魚寫學習覺親愛"
MIXED_SHARE, MIXED_KINDS = 0.2, 5


def too_short(document: Document) -> str:
    """Fewer than twelve letters, digits and Han characters."""
    length = len(reduced(document.text))
    return f"{length} characters" if length < SHORTEST else ""


def wrong_language(document: Document) -> str:
    """Less than half of the letters are Han, or kana stand among them."""
    share = han_share(document.text)
    kana = len(_KANA.findall(document.text))
    if share is None or share < 0.5:
        return f"Han characters are {0 if share is None else share:.0%} of the letters"
    letters = sum(c.isalpha() for c in document.text)
    return f"kana are {kana / letters:.0%} of the letters" if kana > 0.05 * letters else ""


def mojibake(document: Document) -> str:
    """Text that went through a wrong encoding, or the fill characters of one."""
    for pattern in (_PLACEHOLDERS, _AS_LATIN):
        if found := pattern.search(document.text):
            return document.text[max(0, found.start() - 10) : found.start() + 40]
    if found_bytes := _UTF8_HAN.search(document.text.encode("gb18030", "replace")):
        return f"read as GBK, was UTF-8: {found_bytes.group().decode('utf-8', 'replace')[:40]}"
    return ""


def boilerplate_opening(document: Document) -> str:
    """The opening of an assistant's answer (以下是…, 好的，根据您的要求…)."""
    found = _BOILERPLATE.search(document.text[:120])
    return document.text.strip()[:40] if found else ""


def advertisement_tail(document: Document) -> str:
    """Two or more phrases of selling in the last paragraph, outside the genre of advertising."""
    if document.genre in ADVERTISING:
        return ""
    tail = document.text.strip().rsplit("\n", 1)[-1][-_TAIL:]
    hits = sorted(set(_SELLING.findall(tail)))
    return f"{'、'.join(hits)}: {tail[:60]}" if len(hits) >= 2 else ""


def repeated_paragraphs(document: Document) -> str:
    """A paragraph of twenty characters or more stands three times, or repeats make a third."""
    lines = [line.strip() for line in document.text.splitlines() if len(line.strip()) >= 20]
    if not lines:
        return ""
    line, times = Counter(lines).most_common(1)[0]
    repeated = sum(map(len, lines)) - sum(map(len, set(lines)))
    if times >= 3 or repeated > sum(map(len, lines)) / 3:
        return f"{times} times: {line[:40]}"
    return ""


def cut_off(document: Document) -> str:
    """The last line stops without an end, while the lines before it have one.

    A short last line without a comma is taken for a signature or a date; verse and slogans, whose
    lines end without punctuation, are left to the model.
    """
    lines = [line.strip() for line in document.text.splitlines() if line.strip()]
    last = lines[-1]
    if last[-1] in TERMINAL:
        return ""
    if len(last) <= LONGEST_SIGNATURE and not set("，,、") & set(last):
        return ""
    others = lines[:-1]
    ended = sum(line[-1] in TERMINAL + "：:" for line in others)
    in_prose = ended * 2 >= len(others) if others else any(c in "。！？" for c in last)
    return f"ends with …{last[-20:]}" if in_prose else ""


def mixed_scripts(document: Document) -> str:
    """Traditional and simplified characters by turns, or a script that is neither Han nor Latin."""
    text = document.text
    other = len(_OTHER_SCRIPTS.findall(text))
    letters = max(1, sum(c.isalpha() for c in text))
    if other > 0.1 * letters:
        return f"{other} letters of other scripts"
    mixed = confusion(text, "zh")
    if mixed is not None and mixed.share > 0.4:
        return f"Latin letters are {mixed.share:.0%}"
    return _both_scripts(text)


def _both_scripts(text: str) -> str:
    only = {s: t for s, t in zip(_SIMPLIFIED, _TRADITIONAL, strict=True) if s != t}
    simple = Counter(c for c in text if c in only)
    full = Counter(c for c in text if c in set(only.values()))
    fewer = min(simple.total(), full.total())
    if min(len(simple), len(full)) >= MIXED_KINDS and fewer > MIXED_SHARE * (
        simple.total() + full.total()
    ):
        return f"simplified {''.join(simple)[:10]} beside traditional {''.join(full)[:10]}"
    return ""


def addresses_model(document: Document) -> str:
    """The text gives orders to whoever scores it."""
    found = _INSTRUCTION.search(document.text)
    return found.group() if found else ""


CHECKS: tuple[Callable[[Document], str], ...] = (
    too_short,
    wrong_language,
    mojibake,
    mixed_scripts,
    boilerplate_opening,
    addresses_model,
    advertisement_tail,
    repeated_paragraphs,
    cut_off,
)

_PERSONAL = {
    "身份证号": re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),
    "手机号": re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
    "电话": re.compile(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"),
    "邮箱": re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"),
    "微信号": re.compile(r"(?<=微信号)[：: ]?\s*[A-Za-z][A-Za-z0-9_-]{5,19}"),
    "QQ号": re.compile(r"(?<=QQ)[号：: ]*[1-9]\d{4,10}(?!\d)"),
}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def first_failure(document: Document) -> tuple[str, str] | None:
    """Returns (reason, evidence) of the first check that fails."""
    for check in CHECKS:
        if evidence := check(document):
            return check.__name__, evidence
    return None


def masked(text: str) -> tuple[str, dict[str, int]]:
    """Replaces personal data by its kind in brackets.

    Returns:
        The text, and how many of each kind were masked; never the data.
    """
    counts: dict[str, int] = {}
    for kind, pattern in _PERSONAL.items():
        found = [m for m in pattern.finditer(text) if kind != "身份证号" or _is_identity(m.group())]
        for match in reversed(found):
            text = f"{text[: match.start()]}［{kind}］{text[match.end() :]}"
        if found:
            counts[kind] = len(found)
    return text, counts


def _is_identity(number: str) -> bool:
    """Checks the last digit of an identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[-1].upper()
