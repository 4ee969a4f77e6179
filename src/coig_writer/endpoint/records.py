"""What is asked of a language-model server and what came back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from coig_writer.errors import ConfigError
from coig_writer.triplet import Message

State = Literal["answered", "refused", "unparsable", "failed", "skipped"]
# Raise when the same request would be sent or read differently: cached replies are then not used.
CLIENT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Request:
    """One conversation to complete.

    Attributes:
        messages: The turns, in order.
        schema: JSON schema that the reply must fit; None for free text.
        temperature: 0 asks for the likeliest reply.
        top_p: Nucleus.
        max_tokens: Longest reply.
        seed: Passed to servers that take one.
        top_k: Likeliest tokens to choose from, 0 for all; None leaves it to the server.
        repetition_penalty: None leaves it to the server, 1 turns it off.
        stop: Texts that end the reply.
        extra: Further keys of the body as a server wants them; None takes a key out, as for servers that
            refuse ``temperature``.
        repeat: Tells otherwise equal requests apart, to sample the same question again.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, object] | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None
    repeat: int = 0
    top_k: int | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] = ()
    extra: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        for name in ("model", "messages"):
            if self.extra and name in self.extra:
                raise ConfigError(f"{name!r} cannot be an extra key of the body", "leave it out")

    def key(self, model: str) -> str:
        """Returns the SHA-256 of all that decides the reply: model, messages, schema, sampling."""
        newer = ("top_k", "repetition_penalty", "stop", "extra")
        fields = {  # a newer field that is unset leaves the key of older kits
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) not in (None, ()) or field.name not in newer
        }
        content = [CLIENT_VERSION, model, fields]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a server counted; null where it gave none.

    Attributes:
        tokens_in: Of the request.
        tokens_out: Of the reply.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(_sum(self.tokens_in, other.tokens_in), _sum(self.tokens_out, other.tokens_out))


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


@dataclasses.dataclass(frozen=True)
class Reply:
    """The outcome of one request.

    Attributes:
        key: Hash of model, request and settings, and the file's name.
        state: Whether it was answered.
        text: What the model wrote; empty if nothing came.
        reasoning: What a server returns apart from it.
        data: The parsed JSON, where a schema was given.
        reason: Why there is no answer; null exactly when it is answered.
        finish_reason: Why the model stopped.
        usage: Tokens of all calls.
        cost: Of all calls, in the currency of the price that was given.
        calls: How often the server was called.
    """

    key: str
    state: State
    text: str = ""
    reasoning: str | None = None
    data: Any = None
    reason: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    cost: float | None = None
    calls: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Price:
    """Cost per million tokens, in any one currency."""

    tokens_in: float
    tokens_out: float

    def of(self, usage: Usage) -> float | None:
        """Returns the cost of some tokens; None where the server counted none."""
        if usage.tokens_in is None or usage.tokens_out is None:
            return None
        return (usage.tokens_in * self.tokens_in + usage.tokens_out * self.tokens_out) / 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take at most: nothing was called. Cost is None without a price."""

    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    cost: float | None

    def __str__(self) -> str:
        cost = "no price given" if self.cost is None else f"cost at most {self.cost:.4f}"
        return (
            f"{self.requests} requests, {self.cached} of them in the cache; at most "
            f"{self.tokens_in} tokens in (estimated), {self.tokens_out} out; {cost}"
        )


@dataclasses.dataclass
class Ledger:
    """What a run has used so far; ``uncounted`` calls came back without token counts."""

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    uncounted: int = 0

    def add(self, usage: Usage, cost: float | None) -> None:
        """Counts one call."""
        self.calls += 1
        self.uncounted += usage.tokens_in is None or usage.tokens_out is None
        self.tokens_in += usage.tokens_in or 0
        self.tokens_out += usage.tokens_out or 0
        self.cost += cost or 0.0


def estimated(request: Request, messages: Sequence[Message] | None = None) -> Usage:
    """Estimates tokens from above: one per wide character (Han, kana, full-width marks), one per two others.

    Args:
        request: What is asked.
        messages: The turns of this call, where it is a repair; those of the request else.
    """
    conversation = request.messages if messages is None else messages
    text = "".join(m["content"] for m in conversation)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    most = request.max_tokens
    if request.extra and type(longest := request.extra.get("max_completion_tokens")) is int:
        most = max(most, longest)
    return Usage(wide + (len(text) - wide + 1) // 2 + 8 * len(conversation), most)
