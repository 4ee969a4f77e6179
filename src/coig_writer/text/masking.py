"""Personal data, replaced by its kind in brackets; numbers of other kinds stay."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import re

# Width-folded one to one, so that places in the folded text are places in the text.
_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F)))
_NARROW = str.maketrans(_WIDE + "\u3000", "".join(map(chr, range(0x21, 0x7F))) + " ")
# A quantity: what counts the number follows it, or a decimal point.
_NO_QUANTITY = r"(?![\d%％]|\.\d|\s?(?:[亿万千百]|公里|千米|米|公斤|斤|吨|元|字|步|秒|分钟|小时|件|双|票|页|克|毫|海里|比特|像素|人民币|股|亩|块钱|美元|光年|年|岁|个|次|人|字节|平方|立方|度|位|分(?!机)|份|条|号(?!码)))"
_NO_AMOUNT = r"(?<![\d.¥￥$/第])(?<!人民币)(?<![编单水]号)(?<![编单水]号[: ])(?<![金总]额)(?<![金总]额[为是: ])"
_NUMERAL = "[〇零幺一二三四五六七八九]"
_DIGIT = rf"[\d{_NUMERAL[1:-1]}]"
_MIXED = rf"[1一幺][- ]?[3-9三四五六七八九](?:[- ]?{_DIGIT}){{9}}(?![- ]?\d|{_NUMERAL})"
_NAME = "[A-Za-z][A-Za-z0-9_-]{5,19}"
_NAME_WITH_DIGIT = rf"(?=[A-Za-z_-]{{1,19}}\d){_NAME}"
_IS = "[号码是为: ]{0,4}"
# Where a label says what a number is, the number alone is hidden: the group ``data``.
_PERSONAL = {
    "身份证号": re.compile(
        rf"身份证{_IS}(?P<data>\d{{17}}[\dXx](?!\d)|\d{{15}}(?!\d))"
        r"|(?<!\d)(?:\d{17}|\d{6}([- ])\d{8}\2\d{3})[\dXx](?!\d)"
    ),
    "手机号": re.compile(
        rf"(?:电话|手机|联系方式|致电|拨打|[Tt]el){_IS}(?P<data>{_MIXED}){_NO_QUANTITY}"
        rf"|{_NO_AMOUNT}(?:(?:\+?86|0086)[- ]?)?(?:1[3-9]\d{{9}}|1[3-9]\d([-. ])\d{{4}}\2\d{{4}}|1[3-9]\d[- ]\d{{8}}|1[3-9]\d-\d{{3}}-\d{{5}}){_NO_QUANTITY}"
        rf"|(?<!{_NUMERAL})[一幺][三四五六七八九]{_NUMERAL}([-,、 ]?){_NUMERAL}{{4}}\3{_NUMERAL}{{4}}(?!{_NUMERAL})"
        rf"|\+85[23][- ]?\d{{4}}[- ]?\d{{4}}{_NO_QUANTITY}|{_NO_AMOUNT}09\d\d-\d{{3}}-\d{{3}}(?!\d)"
    ),
    "电话": re.compile(
        rf"(?:(?:电话|座机|固话|致电|拨打|热线|传真|[Tt]el){_IS}|(?:[Cc]all|[Tt]ext|[Rr]ing|[Pp]hone|[Cc]ell|[Nn]umber)(?: \w{{1,4}}){{0,2}}:? (?=\d{{3}}[-.]\d{{3}}[-.]))"
        rf"(?P<data>0\d{{9,11}}|[2-8]\d{{2,3}}[- ]?\d{{4}}|[2-9]\d\d([-.])[2-9]\d\d\2\d{{4}}){_NO_QUANTITY}"
        rf"|{_NO_AMOUNT}(?:(?:(?:\+|00)86[- ]?0?|0)(?:10|2\d|[3-9]\d\d)[- ]|\(0(?:10|2\d|[3-9]\d\d)\)\s?)\d{{3,4}}[- ]?\d{{4}}{_NO_QUANTITY}"
        rf"|{_NO_AMOUNT}[48]00(?:([- ])\d{{3}}\3\d{{4}}|-\d{{4}}-\d{{3}}|\d-\d{{3}}-\d{{3}}|\d{{7}}){_NO_QUANTITY}"
        r"|(?<![\d+-])(?:(?:\+1[- ]?)?\([2-9]\d\d\) ?|\+1[- ]?[2-9]\d\d[- ])[2-9]\d\d-\d{4}(?![\d-])|(?<!\d)07\d{3} \d{3} ?\d{3}(?!\d)"
    ),
    "邮箱": re.compile(
        r"(?:(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}|(?<=[:\s])[\u4e00-\u9fff]{2,4})"
        r"(?:@(?:[A-Za-z0-9-]{1,63}\.){1,4}(?:[A-Za-z][A-Za-z0-9-]{0,62})"
        # As it is spelled to hide it from robots.
        r"|(?: ?[(\[{](?:at|AT|@)[)\]}] ?| AT | @ )(?:[A-Za-z0-9-]{1,63}(?:\.| ?[(\[{](?:dot|DOT|\.)[)\]}] ?| DOT )){1,4}"
        r"(?:com|cn|net|org|edu|gov|hk|tw|uk|io)(?![A-Za-z]))"
    ),
    "微信号": re.compile(
        rf"(?:微信号?|[Ww]e[Cc]hat|(?<![A-Za-z])[Ww][Xx]|[+加我][Vv]|薇信?[^\w,。!?]{{0,3}})(?: ?[Ii][Dd])?[是为: ]{{1,3}}(?P<data>{_NAME_WITH_DIGIT})|(?<![A-Za-z0-9_])wxid_[a-z0-9]{{8,20}}"
        rf"|(?:(?<=微信号)[: ]?|(?<=微信): ?|(?<=微信) |(?<=加[Vv]): ?|(?<=[Vv][Xx]): ?|(?<=[Ww]e[Cc]hat): ?)\s{{0,3}}{_NAME}"
        rf"|(?:(?<=微信)|(?<=[Vv薇]信)|(?<=[Vv][Xx])) ?{_NAME_WITH_DIGIT}"
    ),
    "银行卡号": re.compile(
        r"(?:[卡账帐户]号[是为: ]{0,3}|(?:卡|[账帐]户|[工农中建交招]行|(?:转|打款|汇款?)到)[^\d\n,。;]{0,6}(?=[3-6]))(?P<data>\d(?: ?\d){15,18})(?!\d)"
        r"|(?<!\d)62\d\d([- ])\d{4}\2\d{4}\2\d{4}(?:\2\d{1,3})?(?!\d)"
    ),
    "护照号": re.compile(r"(?:护照|通行证)(?:号码?)?[是为: ]{0,3}(?P<data>[A-Za-z]\d{8})(?!\d)"),
    "QQ号": re.compile(
        r"(?:(?:[Qq][Qq]|扣扣)[号码是为: ]{0,4}|(?:[Qq][Qq]群|[Qq]号|企鹅号)[号码是为: ]{1,4}|加[Qq]群?[号码是为: ]{0,4})"
        r"(?P<data>[1-9]\d{4,10}|[1-9]\d\d \d{3} \d{3,4})(?!\d|\s?(?:[万亿]|人|个|级|元|次|年|天|款))"
    ),
    "住址": re.compile(
        r"(?:住址|(?:家庭|户籍|收[货件]|快递|邮寄)地址|家住|寄[到往至])[是为在: ]{0,3}(?P<data>[\u4e00-\u9fffA-Za-z\d-]{6,60}\d[室户]?)"
    ),
}
# An address is somebody's down to the door; a street and a number are a scene, or a shop.
_DOOR = re.compile(r"(?:号楼|单元|[幢栋座])[^\d]{0,4}\d{1,4}|\d室")
# What must be there for a kind to be there; most texts have none. Each begins with a set of characters, which is quick.
_LONG_NUMBER = re.compile(r"\d(?:\d{6}|\d{3}[- ]\d|[-. ]\d{3})")
_SIGNS = {
    "手机号": re.compile(
        rf"{_DIGIT}(?:{_DIGIT}{{6}}|\d{{3}}[- ]\d|[-. ]\d{{3}}|[- ]\d[- ]\d|{_NUMERAL}{{2}})"
    ),
    "邮箱": re.compile(r"@|[(\[{](?:at|AT)[)\]}]| AT "),
    "微信号": re.compile("[A-Za-z]"),
    "QQ号": re.compile("[Qq扣企]"),
    "住址": re.compile("[址住寄]"),
}
_PLUS = re.compile(r"\+\d")
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
        sign = _PLUS if pattern is _FROM_ABROAD else _SIGNS.get(kind, _LONG_NUMBER)
        if not sign.search(narrow):
            continue
        told = "data" in pattern.groupindex
        spans = [
            match.span("data" if told and match["data"] else 0)
            for match in pattern.finditer(narrow)
            if _holds(kind, pattern, match)
        ]
        for start, end in reversed(spans):
            text = f"{text[:start]}［{kind}］{text[end:]}"
        if spans:
            narrow, counts[kind] = text.translate(_NARROW), counts.get(kind, 0) + len(spans)
    return Masked(text, counts)


def _holds(kind: str, pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    """Checks what a pattern cannot: the last digit of an identity number, whether a country has a number."""
    if kind == "身份证号":
        return match["data"] is not None or _is_identity(re.sub("[- ]", "", match.group()))
    if kind == "住址":
        return _DOOR.search(match["data"]) is not None
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
