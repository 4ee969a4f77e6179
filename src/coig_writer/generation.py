"""What a model wrote: the generation record and how its reasoning is told from its article."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from coig_writer.errors import InputError
from coig_writer.triplet import Language

ReasoningState = Literal["closed", "unterminated", "absent"]
OPEN, CLOSE = "<think>", "</think>"


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """Every setting that decides a text beside weights, prompt and seed.

    A checkpoint's own ``generation_config`` has no say. None stands in records that were made before
    a key was recorded: what applied then is unknown.

    Attributes:
        temperature: 0 is greedy.
        top_p: Nucleus, above 0; 1 keeps all tokens.
        max_new_tokens: Longest answer.
        top_k: Only so many of the likeliest tokens; 0 keeps all.
        repetition_penalty: Divides the logits of tokens that were there before; 1 leaves them as they are.
        stop: Tokens that end the answer, by their text.

    Raises:
        InputError: A value is out of range.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    top_k: int | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        wrong = {
            f"temperature {self.temperature} is not 0 or above": not 0
            <= self.temperature
            < math.inf,
            f"top_p {self.top_p} is not above 0 and at most 1": not 0 < self.top_p <= 1,
            f"max_new_tokens {self.max_new_tokens} is not 1 or more": self.max_new_tokens < 1,
            f"top_k {self.top_k} is not 0 or more": (self.top_k or 0) < 0,
            f"repetition_penalty {self.repetition_penalty} is not above 0": not 0
            < (1 if self.repetition_penalty is None else self.repetition_penalty)
            < math.inf,
            "stop names an empty token": "" in (self.stop or ()),
        }
        for what in (text for text, is_so in wrong.items() if is_so):
            raise InputError(what, "see docs/decisions/0008-decoding.md for the values and why")


# What the benchmark is answered with (docs/decisions/0008-decoding.md).
DECODING = Sampling(0.7, 0.9, 4096, 0, 1.0, ("<|im_end|>", "<|endoftext|>"))


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """One answer of one variant to one query.

    ``text`` is what the model emitted; ``reasoning`` and ``article`` are its parts, taken apart once,
    when the answer is made (``split``). Who reads a record takes them as they stand. An
    ``unterminated`` reasoning has no article: the article is empty, not guessed.

    Raises:
        InputError: The parts are not those of the text.
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

    def __post_init__(self) -> None:
        parts = split(self.text)
        own = (self.reasoning_state, (self.reasoning or "").strip(), self.article.strip())
        if own != (parts.state, parts.reasoning or "", parts.article):
            raise InputError(
                f"{self.variant} to {self.query_id}: the record contradicts itself: its reasoning is "
                f"{self.reasoning_state} and its article has {len(self.article)} characters, but its text "
                f"has {parts.state} reasoning and {len(parts.article)} characters of article",
                "generate the answer again, or store what coig_writer.generation.split gives of its text",
            )


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
