"""Language confusion: Chinese text in an answer to an English query, and the reverse.

The paper reports one rate (section 3.2, "contamination", 12.18 % for one model) and no definition.
The kit reports three thresholds, and keeps the word *contamination* for overlap of training and
test data. Language identification misses short intrusions, so characters decide.
"""

from __future__ import annotations

import dataclasses
import re

from coig_writer.triplet import Language

_HAN_CLASS = r"㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f"
_HAN = re.compile(f"[{_HAN_CLASS}]")
_HAN_SPAN = re.compile(f"[{_HAN_CLASS}]+")
# Three words in a row: single Latin words, acronyms and names are ordinary in Chinese prose.
_LATIN_WORD = r"[A-Za-z]+(?:['’-][A-Za-z]+)*"
# The look-behind keeps the search linear on a megabyte of letters.
_LATIN_SPAN = re.compile(rf"(?<![A-Za-z'’-]){_LATIN_WORD}(?:[ \t,]+{_LATIN_WORD}){{2,}}")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]")
_PAIRS = ("“”", "‘’", "「」", "『』", "《》", "〈〉", '""', "()", "（）", "[]", "【】")
# At most 200 characters, so that one stray mark cannot excuse a whole page.
_EXCUSED = re.compile(
    "|".join(
        f"{re.escape(pair[0])}[^{re.escape(pair)}\n]{{0,200}}{re.escape(pair[1])}"
        for pair in _PAIRS
    )
)
# A name in both scripts: at most four Han characters right after a capitalised word.
_CAPITALISED = re.compile(r"\b[A-Z][a-z]+ $")

MIXED, WRONG = 0.05, 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Confusion:
    """How much of a text is in the other language.

    ``share`` is over letters (a Latin word counts as several); ``spans`` are the runs of the other
    language outside quotation marks and brackets, and beside no name given in both scripts.
    """

    share: float
    spans: tuple[str, ...]

    @property
    def any(self) -> bool:
        """At least one span, or enough of the letters to be mixed."""
        return bool(self.spans) or self.mixed

    @property
    def mixed(self) -> bool:
        """At least 5 % of the letters."""
        return self.share >= MIXED

    @property
    def wrong(self) -> bool:
        """At least half of the letters."""
        return self.share >= WRONG


def han_share(text: str) -> float | None:
    """Returns the share of Han characters among letters; None for a text without letters."""
    return _share(_HAN, text)


def confusion(text: str, language: Language) -> Confusion | None:
    """Looks for the language that was not asked for.

    In English, a run of Han characters counts unless it stands in quotation marks or brackets, or
    right after a capitalised word with at most four characters (a name in both scripts). In
    Chinese, a run of at least three Latin words outside quotation marks and brackets counts.
    The shares are over all letters, quoted or not.

    Args:
        text: An article.
        language: The language of the query.

    Returns:
        Share and spans; None for a text without letters.
    """
    share = _share(_HAN if language == "en" else _LATIN, text)
    if share is None:
        return None
    bare = _EXCUSED.sub("\n", text)
    if language == "zh":
        return Confusion(share, tuple(_LATIN_SPAN.findall(bare)))
    spans = (match.group() for match in _HAN_SPAN.finditer(bare) if not _is_name(bare, match))
    return Confusion(share, tuple(spans))


def _share(pattern: re.Pattern[str], text: str) -> float | None:
    letters = sum(c.isalpha() for c in text)
    return len(pattern.findall(text)) / letters if letters else None


def _is_name(text: str, span: re.Match[str]) -> bool:
    before = text[max(0, span.start() - 40) : span.start()]
    return len(span.group()) <= 4 and _CAPITALISED.search(before) is not None
