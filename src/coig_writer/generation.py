"""What a model wrote: the generation record and how its reasoning is told from its article."""

from __future__ import annotations

import dataclasses
from typing import Literal

from coig_writer.triplet import Language

ReasoningState = Literal["closed", "unterminated", "absent"]
OPEN, CLOSE = "<think>", "</think>"


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding settings; temperature 0 is greedy."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """One answer of one variant to one query.

    ``text`` is what the model emitted; ``reasoning`` and ``article`` are its parts. An
    ``unterminated`` reasoning has no article: the article is empty, not guessed.
    """

    variant: str
    query_id: str
    language: Language
    genre: str | None
    prompt: str
    text: str
    reasoning: str | None
    article: str
    reasoning_state: ReasoningState
    finish_reason: str
    n_tokens: int | None
    seed: int | None
    sampling: Sampling | None
    model: str
    revision: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """A model's text taken apart."""

    reasoning: str | None
    article: str
    state: ReasoningState


def split(text: str) -> Parts:
    """Takes a model's text apart at ``<think>`` and ``</think>``.

    A template may pre-fill the opening tag, so a closing tag alone ends a reasoning too. Only the
    first closing tag counts; an opening tag without one leaves the article empty.
    """
    before, closing, after = text.partition(CLOSE)
    if closing:
        return Parts(before.replace(OPEN, "", 1).strip(), after.strip(), "closed")
    if text.lstrip().startswith(OPEN):
        return Parts(text.lstrip()[len(OPEN) :].strip(), "", "unterminated")
    return Parts(None, text.strip(), "absent")
