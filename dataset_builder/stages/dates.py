"""When a text was published: any form that people, spreadsheets and programs write, as a span in China.

A day without a time is the whole day in China (UTC+8), a month or a year without a day is the whole
month or year, and a time without a zone is Chinese time. So dates are compared as spans, and
none is made more exact than it is. Nothing is guessed: ``昨天`` and ``1/5/2023`` are not dates.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import functools
import re
import unicodedata

CHINA = datetime.timezone(datetime.timedelta(hours=8), "UTC+8")
DAY = datetime.timedelta(days=1)
# Years that a publication can carry; the ends keep identifiers and telephone numbers out.
EARLIEST, LATEST = 1900, 2100
LONGEST = 80
_EXCEL_ZERO = datetime.date(1899, 12, 30)
_EXCEL_DAYS = range(36526, 73051)  # 2000-01-01 to 2099-12-31 as Excel counts days
_CHINESE_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_CHINESE_NUMBER = re.compile(r"[一二三四五六七八九]?十[一二三四五六七八九]?")
_AFTERNOON, _MORNING = ("下午", "晚上", "傍晚", "pm"), ("上午", "早上", "凌晨", "am")
_MONTHS = {
    name: number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(map(str.lower, names))
    if name
} | {"sept": 9}

_BEFORE = re.compile(r"^(?:(?:首次)?(?:发布|发表|刊发)(?:于|时间|日期)?|published(?: on)?)[:\s]*")
_WEEKDAY = re.compile(
    r"[(\s]*(?:星期[一二三四五六日天]|周[一二三四五六日]|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,?)[)\s]*"
)
_CLOCK = re.compile(
    r"(?:(?P<half>上午|早上|凌晨|下午|晚上|傍晚|中午)\s*)?"
    r"(?P<hour>\d{1,2})[:点时](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?秒?|分)?"
    r"\s*(?P<half_after>am|pm)?\s*"
    r"(?P<zone>z|utc|gmt|北京时间|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?)?$"
)
_CLOCK_ONLY_DIGITS = re.compile(r"(\d{2})(\d{2})(\d{2})?(?:\.\d+)?(z|[+-]\d{2}:?\d{2})?$")
_NUMERIC = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?)?(?P<rest>(?![\d/.-]).*)$",
    re.DOTALL,
)
_CHINESE = re.compile(
    r"(?P<year>\d{4})\s*年(?:\s*(?P<month>\d{1,2})\s*月(?:份|\s*(?P<day>\d{1,2})\s*[日号])?)?(?P<rest>.*)$",
    re.DOTALL,
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})?(?P<rest>(?:t|\s).*|)$", re.DOTALL
)
_WEEK = re.compile(r"\d{4}-?w\d{2}-?\d$")
_NAMED = re.compile(
    r"(?:(?P<month>[a-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?|(?P<day2>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month2>[a-z]{3,9})\.?),?"
    r"(?:\s+(?P<clock>\d{1,2}:\d{2}:\d{2}\s+[+-]\d{4}))?\s+(?P<year>\d{4})(?P<rest>,?\s.*|)$",
    re.DOTALL,
)
_NAMED_MONTH = re.compile(r"(?P<month>[a-z]{3,9})\.?,?\s+(?P<year>\d{4})(?P<rest>)$")
# A date in an address: /2023/05/01/, /2023-05-01, /20230501, /202305/, /2023/.
_IN_URL = re.compile(
    r"(?<![\d.])(?P<year>20[0-3]\d)(?:(?P<mark>[-/_]?)(?P<month>0[1-9]|1[0-2])(?:(?P=mark)(?P<day>0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)


@dataclasses.dataclass(frozen=True, order=True)
class Published:
    """A span of time in which a text was published; an instant has no length.

    The order is that of ``end``, the time by which the text was public for certain, then of ``start``.

    Attributes:
        end: First instant after the span, in Chinese time; of an instant, that instant.
        start: First instant of the span.
        form: The date as the kit writes it: ``2023``, ``2022-10``, ``2023-03-05`` or a time with its zone.
    """

    end: datetime.datetime
    start: datetime.datetime
    form: str

    @functools.cached_property
    def first_day(self) -> datetime.date:
        """The first day in China on which it may have been published."""
        return self.start.date()

    @functools.cached_property
    def last_day(self) -> datetime.date:
        """The last such day."""
        last = self.end if self.end == self.start else self.end - datetime.timedelta(microseconds=1)
        return last.date()

    @property
    def exact(self) -> bool:
        """Whether the day is known."""
        return self.first_day == self.last_day

    @property
    def month_known(self) -> bool:
        """Whether it is more than a year."""
        return (self.last_day - self.first_day).days < 31

    def days_from(self, other: Published) -> int:
        """Returns the least number of days between two dates; 0 if both may be the same day."""
        gap = max(self.first_day - other.last_day, other.first_day - self.last_day)
        return max(0, gap.days)


@functools.lru_cache(maxsize=1 << 12)  # most texts share their day with others
def read(given: str) -> Published:
    """Reads a date of publication.

    Args:
        given: As it was typed, exported or computed.

    Raises:
        ValueError: It is not a date, or could be two.
    """
    if len(given) > LONGEST:
        raise ValueError(f"not a date: {given[:LONGEST]!r}…")
    text = unicodedata.normalize("NFKC", given).strip().lower()
    text = _WEEKDAY.sub(" ", _BEFORE.sub("", text)).strip()
    # A number where others are missing.
    text = re.sub(r"^(\d{5,})\.\d+$|^(\d{4})\.0$", r"\1\2", text)
    if text.isascii() and text.isdigit():
        return _digits(text)
    if _WEEK.match(text):
        return _day(datetime.datetime.strptime(text.replace("-", ""), "%Gw%V%u").date())  # noqa: DTZ007
    if "年" in text:
        text = _arabic(text)
    for pattern in (_CHINESE, _NUMERIC, _COMPACT, _NAMED, _NAMED_MONTH):
        if match := pattern.match(text):
            return _matched(match)
    raise ValueError(f"not a date: {given!r}")


def read_or_none(given: str | None) -> Published | None:
    """Reads a date; None where there is none or where it cannot be read."""
    try:
        return read(given) if given else None
    except ValueError:
        return None


def first(*given: str | None) -> Published | None:
    """Returns the earliest of several dates; None if none can be read."""
    return min(filter(None, map(read_or_none, given)), default=None)


def in_url(url: str) -> Published | None:
    """Returns the date that an address carries, the most exact one; None without any."""
    spans = []
    for match in _IN_URL.finditer(url):
        bare_month = match["month"] and not match["day"] and not match["mark"]
        if bare_month and url[match.end() : match.end() + 1] != "/":
            continue  # six digits are as likely an identifier
        try:
            spans.append(
                _span(*(int(n) if n else None for n in match.group("year", "month", "day")))
            )
        except ValueError:
            continue
    return min(spans, key=lambda span: span.end - span.start, default=None)


def _digits(text: str) -> Published:
    """Reads a date of digits alone: 2023, 202301, 20230105, with a time, Excel's days, an epoch."""
    number, length = int(text), len(text)
    if length == 5 and number in _EXCEL_DAYS:
        return _day(_EXCEL_ZERO + number * DAY)
    if length in (9, 10, 13, 16, 19):  # seconds, milli-, micro- and nanoseconds since 1970
        seconds = number / 10 ** max(0, length - 10)
        return _instant(datetime.datetime.fromtimestamp(seconds, CHINA))
    if length in (4, 6, 8):
        return _span(*(int(n) if n else None for n in (text[:4], text[4:6], text[6:8])))
    if length in (12, 14):
        return _timed(_span(int(text[:4]), int(text[4:6]), int(text[6:8])), text[8:])
    raise ValueError(f"not a date: {text!r}")


def _arabic(text: str) -> str:
    """Turns the Chinese numerals of a date into digits: 二〇二三年十月二十一日."""

    def tens(match: re.Match[str]) -> str:
        before, _, after = match[0].partition("十")
        return f"{before or '一'}{after or '〇'}"

    return _CHINESE_NUMBER.sub(tens, text).translate(_CHINESE_DIGITS)


def _matched(match: re.Match[str]) -> Published:
    """Builds the span of a matched date and of the time that follows it."""
    parts = match.groupdict()
    month, day = parts["month"] or parts.get("month2"), parts.get("day") or parts.get("day2")
    if month and not month.isdigit():
        month = str(_MONTHS.get(month, 0))
    span = _span(int(parts["year"]), int(month) if month else None, int(day) if day else None)
    rest = f"{parts.get('clock') or ''}{parts['rest']}".strip(" ,\n")
    return _timed(span, rest) if rest else span


def _span(year: int | None, month: int | None = None, day: int | None = None) -> Published:
    """Returns a year, a month or a day.

    Raises:
        ValueError: There is no such day, or the year is out of reach.
    """
    if year is None or not EARLIEST <= year < LATEST:
        raise ValueError(f"not a year of publication: {year}")
    if day is not None:
        return _day(datetime.date(year, month or 0, day))
    if month is not None:
        after = datetime.date(year + month // 12, month % 12 + 1, 1)
        return _days(datetime.date(year, month, 1), after, f"{year}-{month:02d}")
    return _days(datetime.date(year, 1, 1), datetime.date(year + 1, 1, 1), str(year))


def _day(day: datetime.date) -> Published:
    return _days(day, day + DAY, day.isoformat())


def _days(start: datetime.date, end: datetime.date, form: str) -> Published:
    midnight = datetime.time(tzinfo=CHINA)
    return Published(
        datetime.datetime.combine(end, midnight), datetime.datetime.combine(start, midnight), form
    )


def _instant(at: datetime.datetime) -> Published:
    at = at.astimezone(CHINA)
    if not EARLIEST <= at.year < LATEST:
        raise ValueError(f"not a year of publication: {at.year}")
    return Published(at, at, at.isoformat())


def _timed(span: Published, rest: str) -> Published:
    """Adds a time to a day; midnight without a zone is how programs write the day alone."""
    if span.end - span.start != DAY:
        raise ValueError(f"{span.form} has a time but no day: {rest!r}")
    rest = rest.removeprefix("t").strip()
    if match := _CLOCK_ONLY_DIGITS.match(rest):
        hour, minute, second, zone = match.groups()
        fraction, half = "", ""
    elif match := _CLOCK.match(rest):
        hour, minute, second, zone = match.group("hour", "minute", "second", "zone")
        fraction = match["fraction"] or ""
        half = match["half"] or match["half_after"] or ""
    else:
        raise ValueError(f"unexpected {rest!r} after {span.form}")
    hours = int(hour)
    if half in _AFTERNOON and hours < 12:
        hours += 12
    if half in _MORNING and hours == 12:
        hours = 0
    # A fraction has one to nine digits; datetime keeps six.
    micro = int(fraction[:6].ljust(6, "0"))
    clock = datetime.time(hours, int(minute), int(second or 0), micro, _zone(zone))
    if zone is None and clock.replace(tzinfo=None) == datetime.time():
        return span
    return _instant(datetime.datetime.combine(span.first_day, clock))


def _zone(given: str | None) -> datetime.timezone:
    if given is None or given == "北京时间":
        return CHINA
    offset = re.sub(r"utc|gmt|z|:", "", given)
    if not offset:
        return datetime.timezone.utc
    digits = offset[1:]
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    delta = datetime.timedelta(hours=int(hours), minutes=int(minutes))
    return datetime.timezone(-delta if offset[0] == "-" else delta)
