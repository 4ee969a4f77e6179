"""The document: a text on its way to a triplet, as it flows through the stages of curation.

Every stage takes documents and either keeps or drops each (paper, section 2). What it drops keeps
stage, reason and evidence. Reasons that begin with ``unscored``, ``awaiting`` or ``returned`` are
*open*: nothing was decided yet, and the next run of the stage looks again. Fields that later stages
fill are None or empty until then. Six scores decide at the end (``decide``): each at least 8 of 10, their sum at
least 50 of 60.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, Literal

Author = Literal["human", "model", "model_edited"]
DateEvidence = Literal["typed", "two_dates_agree", "found_in_url"]
OPEN = ("unscored", "awaiting", "returned")
LONGEST_EVIDENCE = 300
# The paper's gate (section 2.2, Figure 2): because each of the six scores must be 8, the sum fails at 48 or 49 alone.
EACH_AT_LEAST = 8
SUM_AT_LEAST = 50
LOWEST, HIGHEST = 1, 10
DIMENSIONS = (
    "article_quality",
    "article_creativity",
    "prompt_quality",
    "prompt_creativity",
    "reasoning_quality",
    "reasoning_creativity",
)


@dataclasses.dataclass(frozen=True)
class Document:
    """One text and everything that is known about it.

    Fields that later stages fill are null or empty until then.

    Attributes:
        id: Of the document; unique within a curation.
        text: The article.
        title: Its title.
        url: Its address.
        platform: Where it was published.
        published_at: Date of publication; ``collect`` writes it as a year, month, day, or a time with its zone.
        published_at_other: The same from a second place.
        date_evidence: What speaks for the dates: ``typed`` (one, as given), ``two_dates_agree``, or
            ``found_in_url`` (the address carries the same day or month).
        likes: How many readers liked it.
        comments: How many comments it has.
        shares: How often it was shared.
        region: Where its author or platform is.
        license: Of the text, as its source states it.
        genre: A genre of the taxonomy.
        prompt: The prompt that was rebuilt from the text.
        prompt_fields: What the prompt was rebuilt from: theme, style, structure, culture.
        reasoning: The reasoning that leads from the prompt to the text.
        reasoning_fields: The five categories of decisions; joined, they are the reasoning.
        authorship: Who wrote each part: ``prompt``, ``reasoning``, ``article``.
        scores: Scores by stage (``assess``, ``screen``, ``score``).
        validation: ``rounds``: verdict and quotation per criterion, oldest first.
        reviews: One entry per round of review.
        history: What each stage noted, in order; flags are here.
        extra: Columns of the source that the kit does not know, as they were.
        finish_reason: Why the model stopped that wrote the text, where one did and the source says so.
    """

    id: str
    text: str
    title: str | None = None
    url: str | None = None
    platform: str | None = None
    published_at: str | None = None
    published_at_other: str | None = None
    date_evidence: DateEvidence | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    region: str | None = None
    license: str | None = None
    genre: str | None = None
    prompt: str | None = None
    prompt_fields: dict[str, object] | None = None
    reasoning: str | None = None
    reasoning_fields: dict[str, object] | None = None
    authorship: dict[str, Author] = dataclasses.field(default_factory=dict)
    scores: dict[str, Any] = dataclasses.field(default_factory=dict)
    validation: dict[str, Any] = dataclasses.field(default_factory=dict)
    reviews: tuple[Any, ...] = ()
    history: tuple[Any, ...] = ()
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    finish_reason: str | None = None

    @property
    def draft(self) -> str:
        """Twelve digits that change with the prompt or the reasoning: what a verdict is about."""
        content = f"{self.prompt}\x00{self.reasoning}".encode("utf-8", "replace")
        return hashlib.sha256(content).hexdigest()[:12]

    @property
    def judged(self) -> int:
        """How many drafts of this document validation has judged."""
        return len(self.validation.get("rounds", ()))

    def changed(self, **fields: object) -> Document:
        """Returns a copy with other values in some fields.

        ``dataclasses.replace`` sets all 25 one by one: with some ten changes a document, it took a tenth of a run.
        """
        assert fields.keys() <= self.__dict__.keys()
        copy = object.__new__(Document)
        copy.__dict__.update(self.__dict__, **fields)
        return copy

    def noted(self, stage: str, **details: object) -> Document:
        """Returns a copy whose history has one more entry."""
        return self.changed(history=(*self.history, {"stage": stage, **details}))

    def scored(self, stage: str, scores: dict[str, object]) -> Document:
        """Returns a copy with the scores of one stage."""
        return self.changed(scores={**self.scores, stage: scores})


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A document that a stage did not keep, and why.

    Attributes:
        document: As the stage read it, with what it noted.
        stage: The stage.
        reason: The rule; ``unscored…``, ``awaiting…`` and ``returned…`` are open: the stage looks again when it runs next.
        evidence: What broke the rule, at most 300 characters.
    """

    document: Document
    stage: str
    reason: str
    evidence: str

    @property
    def open(self) -> bool:
        """Nothing was decided: the stage looks again when it runs next."""
        return self.reason.startswith(OPEN)


def dropped(document: Document, stage: str, reason: str, evidence: str = "") -> Dropped:
    """Drops a document; evidence is cut to 300 characters."""
    return Dropped(document, stage, reason, evidence[:LONGEST_EVIDENCE])


@dataclasses.dataclass(frozen=True, slots=True)
class QualityScores:
    """The six scores, 1–10; None where a scorer refused or gave no usable answer."""

    article_quality: int | None
    article_creativity: int | None
    prompt_quality: int | None
    prompt_creativity: int | None
    reasoning_quality: int | None
    reasoning_creativity: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """Whether to keep a triplet, and why not; ``keep`` is None where a score is missing."""

    keep: bool | None
    reason: str


def decide(scores: QualityScores) -> Decision:
    """Applies the gate.

    Returns:
        ``Decision(None, "unscored_…")`` if a score is missing, ``Decision(False, …)`` naming the
        first dimension below 8 or the sum below 50, else ``Decision(True, "passed")``.
    """
    values = [(name, getattr(scores, name)) for name in DIMENSIONS]
    for name, value in values:
        if value is None:
            return Decision(None, f"unscored_{name}")
    for name, value in values:
        if value < EACH_AT_LEAST:
            return Decision(False, f"{name}_below_{EACH_AT_LEAST}")
    if sum(value for _, value in values) < SUM_AT_LEAST:
        return Decision(False, f"sum_below_{SUM_AT_LEAST}")
    return Decision(True, "passed")
