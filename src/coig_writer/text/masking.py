"""Personal data, replaced by its kind in brackets; numbers of other kinds stay."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import re

# Width-folded one to one, so that places in the folded text are places in the text.
_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F)))
_NARROW = str.maketrans(_WIDE, "".join(map(chr, range(0x21, 0x7F))))
# A quantity: what counts the number follows it, or a decimal point.
_NO_QUANTITY = r"(?![\d%％]|\.\d|\s?(?:[亿万千百]|公里|千米|米|公斤|斤|吨|元|字|步|秒|分钟|小时|件|双|票|页|克|毫|海里|比特|像素|人民币|股|亩|块钱|美元|光年|年|岁|个|次|人|字节|平方|立方|度|位|分(?!机)|份|条|号(?!码)))"
_NO_AMOUNT = r"(?<![\d.¥￥$/第])(?<!人民币)(?<![编单水]号)(?<![编单水]号[: ])(?<![金总]额)(?<![金总]额[为是: ])"
_NUMERAL = "[〇零幺一二三四五六七八九]"
_PERSONAL = {
    "身份证号": re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),
    "手机号": re.compile(
        rf"{_NO_AMOUNT}(?:\+?86[- ]?)?(?:1[3-9]\d{{9}}|1[3-9]\d([-. ])\d{{4}}\1\d{{4}}|1[3-9]\d[- ]\d{{8}}){_NO_QUANTITY}"
        rf"|(?<!{_NUMERAL})[一幺][三四五六七八九](?:{_NUMERAL}){{9}}(?!{_NUMERAL})"
        rf"|\+85[23][- ]?\d{{4}}[- ]?\d{{4}}{_NO_QUANTITY}|{_NO_AMOUNT}09\d\d-\d{{3}}-\d{{3}}(?!\d)"
    ),
    "电话": re.compile(
        rf"{_NO_AMOUNT}(?:0(?:10|2\d|[3-9]\d\d)[- ]|\(0(?:10|2\d|[3-9]\d\d)\)\s?)\d{{3,4}}[- ]?\d{{4}}{_NO_QUANTITY}"
        rf"|{_NO_AMOUNT}[48]00(?:([- ])\d{{3}}\1\d{{4}}|-\d{{4}}-\d{{3}}|\d{{7}}){_NO_QUANTITY}"
    ),
    "邮箱": re.compile(
        r"(?:(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}|(?<=[:\s])[\u4e00-\u9fff]{2,4})"
        r"@(?:[A-Za-z0-9-]{1,63}\.){1,4}(?:[A-Za-z][A-Za-z0-9-]{0,62})"
    ),
    "微信号": re.compile(
        r"(?:(?<=微信号)[: ]?|(?<=微信): ?|(?<=微信) |(?<=加[Vv]): ?|(?<=[Vv][Xx]): ?|(?<=[Ww]e[Cc]hat): ?)\s{0,3}[A-Za-z][A-Za-z0-9_-]{5,19}"
        r"|(?:(?<=微信)|(?<=[Vv薇]信)|(?<=[Vv][Xx])) ?(?=[A-Za-z_-]{1,19}\d)[A-Za-z][A-Za-z0-9_-]{5,19}"
    ),
    "银行卡号": re.compile(r"(?:(?<=卡号)|(?<=账号))[是为: ]{0,3}\d(?: ?\d){15,18}(?!\d)"),
    "护照号": re.compile(
        r"(?:(?<=护照)|(?<=护照号)|(?<=护照号码))[是为: ]{0,3}[A-Za-z]\d{8}(?!\d)"
    ),
    "QQ号": re.compile(
        r"(?:(?:(?<=[Qq][Qq])|(?<=扣扣))[号是为: ]{0,4}|(?:(?<=[Qq][Qq]群)|(?<=[Qq]号))[号是为: ]{1,4})[1-9]\d{4,10}(?!\d|\s?(?:[万亿]|人|个|级|元|次|年|天|款))"
    ),
}
# What must be there for a kind to be there, four digits in a row for the others. Most texts have none of these.
_SIGNS = {
    "手机号": re.compile(rf"\d{{4}}|{_NUMERAL}{{9}}"),
    "邮箱": re.compile("@"),
    "微信号": re.compile("[A-Za-z]"),
    "银行卡号": re.compile("[卡账]号"),
}
_PLUS = re.compile(r"\+\d")
_FOUR_DIGITS = re.compile(r"\d{4}")
# A number as it is dialled from abroad; whether some country has such a number, phonenumbers knows.
_FROM_ABROAD = re.compile(rf"\+\d[\d ().-]{{6,22}}\d(?!:\d){_NO_QUANTITY}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data, and how many of each kind were hidden; never the data."""

    text: str
    counts: dict[str, int]


def masked(text: str) -> Masked:
    """Replaces personal data by its kind in brackets.

    Numbers with a country code other than China's, Hong Kong's and Macau's are found where ``phonenumbers`` is installed.
    """
    counts: dict[str, int] = {}
    narrow = text.translate(_NARROW)
    for kind, pattern in (*_PERSONAL.items(), ("电话", _FROM_ABROAD)):
        sign = _PLUS if pattern is _FROM_ABROAD else _SIGNS.get(kind, _FOUR_DIGITS)
        if not sign.search(narrow):
            continue
        spans = [match.span() for match in pattern.finditer(narrow) if _holds(kind, pattern, match)]
        for start, end in reversed(spans):
            text = f"{text[:start]}［{kind}］{text[end:]}"
        if spans:
            narrow, counts[kind] = text.translate(_NARROW), counts.get(kind, 0) + len(spans)
    return Masked(text, counts)


def _holds(kind: str, pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    """Checks what a pattern cannot: the last digit of an identity number, whether a country has a number."""
    if kind == "身份证号":
        return _is_identity(match.group())
    return pattern is not _FROM_ABROAD or _is_telephone(match.group())


@functools.cache
def _phonenumbers_installed() -> bool:
    return importlib.util.find_spec("phonenumbers") is not None


def _is_telephone(number: str) -> bool:
    """Says whether a number with a country code is one that the country gives out."""
    if not _phonenumbers_installed():
        return False
    import phonenumbers

    matches = phonenumbers.PhoneNumberMatcher(number, None)  # no dates, unlike parse()
    return any(match.raw_string == number for match in matches)


def _is_identity(number: str) -> bool:
    """Checks the last digit of an identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[-1].upper()
