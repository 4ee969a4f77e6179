"""The triplet: prompt, reasoning, article, and what is known about each.

In code the three parts are ``prompt``, ``reasoning`` and ``article``; the Hub columns keep the
published names ``query``, ``thought`` and ``answer``. Unknown is None, never an empty string or 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, TypedDict

from coig_writer.document import Author, DateEvidence
from coig_writer.errors import InputError
from coig_writer.record import field_types
from coig_writer.taxonomy import Taxonomy

Provenance = Literal["published", "sample", "curated"]
Language = Literal["zh", "en"]


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


@dataclasses.dataclass(frozen=True, slots=True)
class Triplet:
    """One row of the dataset (paper, section 2.2).

    The six scores are integers from 1 to 10 (Appendix D); the published rows carry none.

    Attributes:
        id: Of the row; unique within the set.
        prompt: What somebody asks for.
        reasoning: How the article is thought out.
        article: The text that answers the prompt.
        category: Slug of the genre's category.
        genre: Slug of the genre; null where it is not known.
        genre_zh: The genre's Chinese name.
        language: Of the article.
        source: Where the row comes from.
        license: Under which it may be used.
        provenance: ``published`` by the authors, a ``sample`` of the kit, or ``curated`` by its users.
        article_quality: Score of the article's quality.
        article_creativity: Score of its creativity.
        prompt_quality: Score of the prompt's quality.
        prompt_creativity: Score of its creativity.
        reasoning_quality: Score of the reasoning's quality.
        reasoning_creativity: Score of its creativity.
    """

    COLUMNS: ClassVar[dict[str, str]] = {
        "prompt": "query",
        "reasoning": "thought",
        "article": "answer",
    }

    id: str
    prompt: str
    reasoning: str
    article: str
    category: str | None
    genre: str | None
    genre_zh: str | None
    language: Language
    source: str
    license: str
    provenance: Provenance
    article_quality: int | None = None
    article_creativity: int | None = None
    prompt_quality: int | None = None
    prompt_creativity: int | None = None
    reasoning_quality: int | None = None
    reasoning_creativity: int | None = None

    @staticmethod
    def class_of(row: Mapping[str, object]) -> type[Triplet]:
        """Returns the class that a row's columns are those of."""
        return Curated if KNOWN_TO_CURATION & row.keys() else Triplet


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What one reviewer said.

    Attributes:
        reviewer: Their alias.
        verdict: ``accept``, ``refine`` or ``remove``.
        unmet: The criteria that the draft did not meet.
        note: What they wrote beside it.
        cause: Why it is to be removed.
    """

    reviewer: str
    verdict: str
    unmet: tuple[str, ...]
    note: str | None
    cause: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """One round of review.

    Attributes:
        decision: What was decided.
        adjudicated: Whether the adjudicator had to break a tie.
        verdicts: Who said what.
    """

    decision: str
    adjudicated: bool
    verdicts: tuple[Verdict, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Curated(Triplet):
    """A row of a curated set: beside the published columns, what its curation knows.

    Attributes:
        title: Of the article.
        url: Its address.
        published_at: When the article was published, as far as known.
        published_at_other: The same from a second place.
        date_evidence: What speaks for the dates: as typed, two that agree, or the address.
        prompt_author: Who wrote the prompt: a person, a model, or a person after a model.
        reasoning_author: Who wrote the reasoning.
        article_author: Who wrote the article.
        reviews: Rounds of review, oldest first.
    """

    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    published_at_other: str | None = None
    date_evidence: DateEvidence | None = None
    prompt_author: Author | None = None
    reasoning_author: Author | None = None
    article_author: Author | None = None
    reviews: tuple[Review, ...] | None = None


KNOWN_TO_CURATION = field_types(Curated).keys() - field_types(Triplet).keys()


def alike(triplets: Sequence[Triplet]) -> list[Triplet]:
    """Returns rows of one class: if any is of a curated set, all are."""
    if not any(isinstance(t, Curated) for t in triplets):
        return list(triplets)
    columns = [field.name for field in dataclasses.fields(Triplet)]
    return [
        t if isinstance(t, Curated) else Curated(**{name: getattr(t, name) for name in columns})
        for t in triplets
    ]


def check(triplet: Triplet, taxonomy: Taxonomy) -> Triplet:
    """Returns the triplet unchanged if it keeps the invariants.

    Raises:
        InputError: A part is empty, or genre, category and Chinese name do not belong together.
    """
    for part in ("id", "prompt", "reasoning", "article"):
        if not getattr(triplet, part).strip():
            raise InputError(
                f"triplet {triplet.id or '?'}: {part} is empty",
                "give it a text or leave the row out",
            )
    if triplet.genre is not None:
        genre = taxonomy.genre(triplet.genre)
        if (triplet.category, triplet.genre_zh) != (genre.category, genre.zh):
            raise InputError(
                f"triplet {triplet.id}: genre {genre.slug} does not go with category {triplet.category!r} and name {triplet.genre_zh!r}",
                f"use category {genre.category} and name {genre.zh}",
            )
    elif triplet.category is not None:
        taxonomy.category(triplet.category)
    return triplet


def assistant_turn(reasoning: str | None, article: str) -> str:
    """Joins reasoning and article as the models see them.

    The wrapper is the kit's decision (docs/decisions/0005-chat-format.md); the paper names none.
    """
    return article if reasoning is None else f"<think>\n{reasoning}\n</think>\n\n{article}"


def messages(prompt: str, reasoning: str | None, article: str) -> list[Message]:
    """Returns the conversation a model is trained on: one user turn, one assistant turn."""
    return [
        Message(role="user", content=prompt),
        Message(role="assistant", content=assistant_turn(reasoning, article)),
    ]
