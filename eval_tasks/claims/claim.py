"""A claim of the paper, what the data say about it, and the three verdicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Literal, TypedDict

from eval_tasks.bilingual import Text
from eval_tasks.claims.quotes import QUOTES

Verdict = Literal["supported", "not supported", "not testable here"]
VERDICTS: tuple[Verdict, ...] = ("supported", "not supported", "not testable here")
Unit = Literal["share", "points", "r", "ratio", "score", "count"]
ALPHA = 0.05
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What data say: shares are from 0 to 1, ``p`` is corrected within its declared family.

    A field is None where the question has no such number (a count of genres has no interval).
    ``unit`` says how the page shows the estimate, ``subject`` what it is where the claim does not.
    """

    verdict: Verdict
    reason: Text
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    p: float | None = None
    unit: Unit = "share"
    subject: Text | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One statement of the paper in this kit's words, with its place in the paper.

    ``source`` is where in the paper it stands, ``plot`` SVG or empty, ``own`` the same question asked of the user's runs.
    """

    id: str
    chapter: str
    claim: Text
    source: str
    finding: Finding
    plot: str = ""
    own: Finding | None = None

    @property
    def quote(self) -> str:
        """The paper's sentence that is judged."""
        return QUOTES[self.id]

    def row(self) -> Judged:
        """Returns the claim as a JSON object, in English."""
        judged: Judged = {
            "id": self.id,
            "claim": self.claim.en,
            "quote": self.quote,
            "source": self.source,
            **_flat(self.finding),
        }
        return JudgedTwice(**judged, own=_flat(self.own)) if self.own else judged


class Found(TypedDict):
    """What data say about a claim, in English.

    Attributes:
        estimate: The number that decides; null where the question has none.
        low: Lower end of its interval.
        high: Upper end.
        n: Sample size.
        p: Corrected within its declared family.
        verdict: Whether the claim holds.
        reason: Why, in a sentence.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int | None
    p: float | None
    verdict: Verdict
    reason: str


class Judged(Found):
    """A claim of the paper and what data say about it.

    Attributes:
        id: Of the claim.
        claim: In this kit's words.
        quote: The paper's sentence.
        source: Where in the paper it is.
    """

    id: str
    claim: str
    quote: str
    source: str


class JudgedTwice(Judged):
    """A claim of the paper, what data say about it, and what your own runs say.

    Attributes:
        own: The same question asked of your own runs.
    """

    own: Found


def _flat(finding: Finding) -> Found:
    return {
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "n": finding.n,
        "p": finding.p,
        "verdict": finding.verdict,
        "reason": finding.reason.en.replace(NO_BREAK, " "),
    }


def unanswered(chapter: str, rows: Iterable[tuple[str, Text, str, Text]]) -> list[Claim]:
    """Makes claims that published counts cannot decide; a row is id, claim, source and what would settle it."""
    return [
        Claim(name, chapter, claim, source, Finding("not testable here", reason))
        for name, claim, source, reason in rows
    ]


def decide(holds: bool) -> Verdict:
    """Returns the verdict of a question that the data can answer."""
    return "supported" if holds else "not supported"


def percent(share: float, digits: int = 1) -> str:
    """Formats a share as a percentage."""
    return f"{100 * share:.{digits}f}%"


def span(low: float, high: float) -> str:
    """Formats an interval of shares."""
    return f"{100 * low:.1f}–{100 * high:.1f}%"


def points(
    low: float, high: float, scale: float = 100, digits: int = 1, between: str = ", "
) -> str:
    """Formats the ends of an interval that may be negative, with a true minus sign."""
    return f"{scale * low:.{digits}f}{between}{scale * high:.{digits}f}".replace(
        "-", "\N{MINUS SIGN}"
    )


def p_value(p: float) -> str:
    """Formats a p-value with its sign, held together by no-break spaces."""
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return shown.replace(" ", NO_BREAK)


def powers(p: float) -> str:
    """Formats a small number with a power of ten."""
    digits, exponent = f"{p:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}".replace(" ", NO_BREAK)
