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
_LETTER = "[A-Za-zÀ-ÖØ-öø-ɏ]"
_LATIN = re.compile(_LETTER)
_LATIN_RUN = re.compile(f"{_LETTER}+(?:['’-]{_LETTER}+)*")
_LOWER = re.compile(r"\b[a-z]")
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

    ``share`` is of letters in English; in Chinese of characters, where a Latin word counts as one.
    ``spans`` are the runs of the other language outside quotations and names.
    """

    share: float
    spans: tuple[str, ...]

    @property
    def any(self) -> bool:
        """At least one span, or enough in all to be mixed."""
        return bool(self.spans) or self.mixed

    @property
    def mixed(self) -> bool:
        """A share of at least 5 %."""
        return self.share >= MIXED

    @property
    def wrong(self) -> bool:
        """A share of at least half."""
        return self.share >= WRONG


def han_share(text: str) -> float | None:
    """Returns the share of Han characters among letters; None for a text without letters."""
    letters = sum(c.isalpha() for c in text)
    return len(_HAN.findall(text)) / letters if letters else None


def latin_share(text: str) -> float | None:
    """Returns the share of Latin words among Latin words and other letters; None without either.

    A word counts as one, so that a product's name in a Chinese text is not weighed by its spelling.
    """
    words = len(_LATIN_RUN.findall(text))
    others = sum(c.isalpha() and not _LATIN.match(c) for c in text)
    return words / (words + others) if words + others else None


def confusion(text: str, language: Language) -> Confusion | None:
    """Looks for the language that was not asked for.

    In English, a run of Han characters counts unless it stands in quotation marks or brackets, or
    right after a capitalised word with at most four characters (a name in both scripts). In
    Chinese, a run of at least three Latin words outside quotation marks and brackets counts if two
    of them begin in lower case (else it is a name). The shares are over the whole text.

    Args:
        text: An article.
        language: The language of the query.

    Returns:
        Share and spans; None for a text without letters.
    """
    share = han_share(text) if language == "en" else latin_share(text)
    if share is None:
        return None
    bare = _EXCUSED.sub("\n", text)
    if language == "zh":
        runs = _LATIN_SPAN.findall(bare)
        return Confusion(share, tuple(run for run in runs if len(_LOWER.findall(run)) >= 2))
    spans = (match.group() for match in _HAN_SPAN.finditer(bare) if not _is_name(bare, match))
    return Confusion(share, tuple(spans))


def _is_name(text: str, span: re.Match[str]) -> bool:
    before = text[max(0, span.start() - 40) : span.start()]
    return len(span.group()) <= 4 and _CAPITALISED.search(before) is not None
