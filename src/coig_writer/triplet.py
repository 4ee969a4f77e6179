"""The triplet: prompt, reasoning, article, and what is known about each.

In code the three parts are ``prompt``, ``reasoning`` and ``article``; the Hub columns keep the
published names ``query``, ``thought`` and ``answer``. Unknown is None, never an empty string or 0.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal, TypedDict

from coig_writer.errors import InputError
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
