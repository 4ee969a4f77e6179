"""The document: a text on its way to a triplet, as it flows through the stages of curation.

Every stage takes and returns documents; what it drops keeps its stage, reason and evidence
(paper, section 2). Fields that later stages fill are None until then.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

Author = Literal["human", "model", "model_edited"]


@dataclasses.dataclass(frozen=True)
class Document:
    """One text and everything known about it. Stored as JSONL, one object per line."""

    id: str
    text: str
    title: str | None = None
    url: str | None = None
    platform: str | None = None
    published_at: str | None = None
    published_at_other: str | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    region: str | None = None
    license: str | None = None
    genre: str | None = None
    prompt: str | None = None
    prompt_fields: dict[str, Any] | None = None
    reasoning: str | None = None
    authorship: dict[str, Author] = dataclasses.field(default_factory=dict)
    scores: dict[str, Any] = dataclasses.field(default_factory=dict)
    validation: dict[str, Any] = dataclasses.field(default_factory=dict)
    reviews: tuple[Any, ...] = ()
    history: tuple[Any, ...] = ()


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A document that a stage did not keep, and why."""

    document: Document
    stage: str
    reason: str
    evidence: str
