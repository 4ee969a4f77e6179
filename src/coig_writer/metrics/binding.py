"""Does the reasoning bind: what a reasoning settles on, and how much of that an article contains.

It looks for what can be found again word for word: quoted strings, numbers with what they count, and
names. Plans without such a thing ("end on a silence") are for a judge (rubric ``decisions``). What a
sentence weighs, asks or rejects ("原想……，删") is not settled on, and numbers that speak of the text
("三段", "800 words") are no content. docs/decisions/0046-binding.md says how far the extraction is right.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import statistics
import unicodedata
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Literal

from coig_writer.metrics.tokens import segment, tagged
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Language

Kind = Literal["quoted", "number", "name"]
Number = tuple[float, str]  # a value and what it counts, empty where nothing is said

_QUOTED = re.compile(
    r"“([^“”\n]{1,80})”|「([^「」\n]{1,80})」|『([^『』\n]{1,80})』|《([^《》\n]{1,80})》|\"([^\"\n]{2,80})\""
)
# A sentence ends at its mark, not inside quotation marks.
_SENTENCE = re.compile(
    r"(?:“[^“”\n]{0,200}”|「[^「」\n]{0,200}」|\"[^\"\n]{0,200}\"|\d(?:\.\d+)+|[^。！？!?；;.\n])+[。！？!?；;.]*"
)
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_NUMERAL = "".join({**_DIGITS, **_TENS})
# What is divided is working, its result is content: 60.9/76.4＝79.7.
# A match opens where its number does: tried from every digit, a run of digits would take the square of its length.
_DIVISION = re.compile(
    rf"(?<![\d.])[\d.]+\s*[/÷]\s*[\d.]+(?=\s*[=＝≈])|(?<![\d.{_NUMERAL}])[\d.{_NUMERAL}]+除以[\d.{_NUMERAL}]+"
)
_NOT_HALF = "天夜个年月日空路边身"  # 三天，半夜 is no 三天半
LONGEST_LISTED = 4  # characters of a word in “恁、中、俺、弄啥”
LONGEST = 16  # Chinese characters of a number
OTHERS = 20  # other reasonings that an article is compared with
# From here on a value is its own sign; "三" or "10" is found in any text.
_SMALLEST_KNOWN_ALONE = 13


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """Something that a reasoning settles on, in its own words.

    ``number`` is set for numbers alone.
    """

    kind: Kind
    text: str
    number: Number | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Lexicon:
    """What rejects, turns, counts and names in one language; see ``data/metrics/binding.json``."""

    rejected: re.Pattern[str]
    negated: re.Pattern[str]
    turned: re.Pattern[str]
    named: re.Pattern[str]
    number: re.Pattern[str]
    about_the_text: frozenset[str]
    no_names: frozenset[str]
    surnames: frozenset[str]
    places: frozenset[str]
    place_endings: frozenset[str]
    values: dict[str, float]


@functools.cache
def _lexicon(language: Language) -> _Lexicon:
    file = resources.files("coig_writer") / "data" / "metrics" / "binding.json"
    entries = json.loads(file.read_text(encoding="utf-8"))[language]
    units = "|".join(sorted(entries["units"], key=len, reverse=True))
    if language == "zh":
        # No number: 三分之一, 大年三十; 六点几 is no hour, 2023.3.5 no decimal.
        number = (
            rf"(?<![第几数好半\d.{_NUMERAL}])(?<!1/)(?<!分之)(?!(?<=年)三十(?!岁)|三十晚上)"
            rf"(?P<value>\d[\d,]*(?:\.\d+(?!\.?\d))?[{''.join(_TENS)}]?|[{_NUMERAL}]++)(?!分之)(?:多|余|来|几)?"
            rf"(?P<unit>(?!点几)(?:{units}))?(?P<half>半(?![{_NOT_HALF}]))?(?P<tail>(?<=[块米])[一二三四五六七八九]{{1,2}}(?![{_NUMERAL}]))?"
        )
    else:
        words = "|".join(sorted(entries["values"], key=len, reverse=True))
        number = rf"(?<![\w.$#-])(?P<value>\d[\d,]*(?:\.\d+)?|\b(?:{words})\b)(?:[ -]?(?P<unit>%|[a-z]{{2,}}))?"
    rejected, negated, turned, named = (
        re.compile("|".join(entries[key]), 0 if key == "named" else re.IGNORECASE)
        for key in ("rejected", "negated", "turned", "named")
    )
    return _Lexicon(
        rejected,
        negated,
        turned,
        named,
        re.compile(number, re.IGNORECASE),
        frozenset(entries["about_the_text"]),
        frozenset(entries["no_names"]),
        frozenset(entries["surnames"]),
        frozenset(entries["places"]),
        frozenset(entries["place_endings"]),
        entries["values"],
    )


def settled(reasoning: str, prompt: str, language: Language) -> list[Item]:
    """Returns what a reasoning settles on and the prompt does not contain, each once, in order.

    Args:
        reasoning: The reasoning.
        prompt: The prompt; what it contains is no decision of the reasoning.
        language: Of both.
    """
    held_by_prompt = Holder(prompt, language)
    items: dict[tuple[Kind, str], Item] = {}
    for sentence in _decided(reasoning, language):
        for item in _items(sentence, language):
            key = (item.kind, repr(item.number) if item.number else reduced(item.text))
            if not held_by_prompt.holds(item):
                items.setdefault(key, item)
    return list(items.values())


def _decided(reasoning: str, language: Language) -> Iterator[str]:
    """Yields sentences, or what of them is decided: no question, nothing rejected, no clause that negates."""
    lexicon = _lexicon(language)
    for sentence in _SENTENCE.findall(reasoning):
        bare = _QUOTED.sub(lambda m: "“" + "_" * (len(m.group()) - 2) + "”", sentence)
        if re.search(r"[?？][”」\s]*$", bare):
            continue
        start = 0
        if lexicon.rejected.search(bare):
            turns = list(lexicon.turned.finditer(bare))
            if not turns or lexicon.rejected.search(bare, turns[-1].end()):
                continue
            start = turns[-1].end()
        for clause in re.finditer(r"[^，,]+", bare[start:]):
            if not lexicon.negated.search(clause.group()):
                yield sentence[start + clause.start() : start + clause.end()]


def _items(clause: str, language: Language) -> Iterator[Item]:
    for match in _QUOTED.finditer(clause):
        text = next(group for group in match.groups() if group)
        words = text.split("、")
        listed = len(words) > 2 and max(map(len, words)) <= LONGEST_LISTED
        for word in words if listed else [text]:
            if len(reduced(word)) >= 2:
                yield Item("quoted", word)
    bare = _DIVISION.sub("，", _QUOTED.sub("，", clause))
    for text, number in _numbers(bare, language):
        if _telling(number, language):
            yield Item("number", text, number)
    for name in _names(bare, language):
        yield Item("name", name)


def _numbers(text: str, language: Language) -> Iterator[tuple[str, Number]]:
    """Yields every number of a text with its value and what it counts."""
    lexicon = _lexicon(language)
    flat = unicodedata.normalize("NFKC", text)
    for match in lexicon.number.finditer(flat):
        value = _value(match["value"].lower(), lexicon.values)
        if value is not None:
            value = _with_rest(value, match) if language == "zh" else value
            unit = (match["unit"] or "").lower()
            unit = unit if language == "zh" or len(unit) < 4 else unit.removesuffix("s")
            yield match.group().strip(), (value, unit)


def _with_rest(value: float, match: re.Match[str]) -> float:
    """Adds what follows the unit: 七斤半 is 7.5, 两块五 is 2.5, 一米七二 is 1.72."""
    if match["tail"]:
        digits = "".join(str(_DIGITS[c]) for c in match["tail"])
        return float(f"{value:.0f}.{digits}")
    return value + 0.5 if match["half"] and match["unit"] else value


def _value(text: str, words: dict[str, float]) -> float | None:
    """Reads a number in digits, in English words or in Chinese characters; None for no number."""
    if text in words:
        return words[text]
    figure = re.fullmatch(r"([\d,]+(?:\.\d+)?)([十百千万亿]?)", text)
    if figure:
        digits = figure[1].replace(",", "")
        return float(digits) * _TENS.get(figure[2], 1) if digits else None
    # 二〇一二, 一七〇: digit by digit; 三四 is "three or four".
    if not any(c in _TENS for c in text):
        spelt = len(text) in (1, 4) or (len(text) == 3 and text[-1] in "〇零")
        return float("".join(str(_DIGITS[c]) for c in text)) if spelt else None
    return _characters(text) if len(text) <= LONGEST else None


def _characters(text: str) -> float:
    """Reads a number in Chinese characters with tens, hundreds and so on."""
    total = section = digit = 0
    last = 1
    for c in text:
        if c in _DIGITS:
            digit, last = _DIGITS[c], last if digit == 0 else 1
            continue
        tens = _TENS[c]
        if tens >= 10_000:
            part = section + digit
            # 三万五千亿 multiplies all before it, 二亿三千万 only what follows the 亿; a bare 万 is one.
            total = (total + part or 1) * tens if total <= tens else total + (part or 1) * tens
            section = digit = 0
        else:
            section, digit = section + (digit or 1) * tens, 0
        last = tens
    if digit and last >= 100 and "零" not in text and "〇" not in text:
        digit *= last // 10  # 一百二 is 120
    return float(total + section + digit)


def _telling(number: Number, language: Language) -> bool:
    """Whether a number is a decision about the content: no "one", none about the text, none that is anywhere."""
    value, unit = number
    if unit in _lexicon(language).about_the_text or value in (0, 1):
        return False
    return (
        bool(unit and language == "zh")
        or value >= _SMALLEST_KNOWN_ALONE
        or value % 1 != 0
        or bool(unit)
    )


def _names(text: str, language: Language) -> Iterator[str]:
    """Yields the names in a text."""
    lexicon = _lexicon(language)
    for match in lexicon.named.finditer(text):
        name = next(filter(None, match.groups()))  # each pattern has a group of its own
        if name.casefold() not in lexicon.no_names:
            yield name
    if language == "en":
        return
    places, people = tagged("ns", "nt"), tagged("nr", "nrt", "nrfg")
    for piece in segment(text):
        surname, last = piece[0] in lexicon.surnames, piece[-1] in lexicon.place_endings
        familiar = piece[0] in "小老阿" and piece[1:] in lexicon.surnames
        full = len(piece) == 3 and surname and piece in people
        place = piece in lexicon.places or (3 <= len(piece) <= 6 and last and piece in places)
        if (familiar or full or place) and piece not in lexicon.no_names:
            yield piece


@dataclasses.dataclass(frozen=True)
class Holder:
    """A text in which items are looked for."""

    text: str
    language: Language

    @functools.cached_property
    def _flat(self) -> str:
        return reduced(self.text)

    @functools.cached_property
    def _numbers(self) -> frozenset[Number]:
        return frozenset(number for _, number in _numbers(self.text, self.language))

    @functools.cached_property
    def _values(self) -> frozenset[float]:
        return frozenset(value for value, _ in self._numbers)

    def holds(self, item: Item) -> bool:
        """Whether the text contains an item.

        A string or name word for word but for case, width and punctuation; a number in any spelling, a
        small one with what it counts.
        """
        if item.number is None:
            return reduced(item.text) in self._flat
        value, unit = item.number
        alone = not unit or value >= _SMALLEST_KNOWN_ALONE or value % 1 != 0
        return value in self._values if alone else item.number in self._numbers


def kept(items: Sequence[Item], article: Holder) -> float | None:
    """Returns the share of items that an article contains; None without items."""
    return statistics.fmean(map(article.holds, items)) if items else None


def beyond(
    items: Sequence[Item], others: Sequence[Sequence[Item]], article: Holder, prompt: Holder
) -> float | None:
    """Returns the share of items kept, less the mean share of what other reasonings settle on; -1 to 1.

    Args:
        items: What the article's own reasoning settles on.
        others: The same of other reasonings, of which the first ``OTHERS`` with any item count.
        article: Where all are looked for.
        prompt: The article's: an item of another reasoning that it contains is left out.

    Returns:
        The difference; None without items, own or other.
    """
    own_share = kept(items, article)
    foreign = ([item for item in other if not prompt.holds(item)] for other in others)
    shares = [share for other in foreign if (share := kept(other, article)) is not None][:OTHERS]
    return own_share - statistics.fmean(shares) if own_share is not None and shares else None
