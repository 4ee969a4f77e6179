"""Reads a server's answer: hostile until proven to be a chat completion, then to fit the schema."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from coig_writer.endpoint.records import Usage
from coig_writer.generation import split
from coig_writer.text.normalise import repaired

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_FENCE = re.compile(r"\A```[a-zA-Z]*[ \t]*\n(.*)\n?```\Z", re.DOTALL)

MOST_TOKENS = 1 << 53  # what is more is no count, and may not fit a float


class Nonsense(Exception):
    """A body that is no chat completion: worth another try."""


class Unparsable(Exception):
    """A reply that is not the JSON that was asked for; its text describes the fault."""


@dataclasses.dataclass(frozen=True, slots=True)
class Completion:
    """One choice of a chat completion; ``refusal`` is the server's or model's own word for it."""

    text: str
    reasoning: str | None
    refusal: str | None
    finish_reason: str | None
    usage: Usage


def completion(body: bytes) -> Completion:
    """Reads the body of a chat completion.

    A reply without text that ran out of tokens, or that reasoned, has empty text; one that calls a tool
    is a refusal to answer.

    Raises:
        Nonsense: It is not one.
    """
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        message = choice["message"]
        text = _joined(message.get("content"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Nonsense(f"the body is no chat completion ({type(error).__name__})") from error
    refusal = _text(message.get("refusal"))
    finish = _text(choice.get("finish_reason"))
    reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    if finish == "content_filter":
        refusal = refusal or "the server's content filter stopped the reply"
    if message.get("tool_calls") and not text:
        refusal = refusal or "the model called a tool instead of answering"
    if text is None and refusal is None and finish != "length" and reasoning is None:
        raise Nonsense("the message has no content")
    return Completion(_text(text) or "", reasoning, refusal, finish, _usage(data.get("usage")))


def used(body: bytes) -> Usage:
    """Returns the usage that a reply reports, even if the rest is unreadable: nonsense is billed too."""
    try:
        return _usage(json.loads(body).get("usage"))
    except (ValueError, AttributeError, RecursionError):
        return Usage()


def _joined(content: object) -> str | None:
    """Returns content as text; some servers send a list of parts."""
    if isinstance(content, list):
        parts = [p.get("text") for p in content if isinstance(p, Mapping)]
        return "".join(p for p in parts if isinstance(p, str))
    return content if isinstance(content, str) else None


def _text(value: object) -> str | None:
    return repaired(value) if isinstance(value, str) and value else None


def _usage(value: object) -> Usage:
    if not isinstance(value, Mapping):
        return Usage()
    counts = (value.get("prompt_tokens"), value.get("completion_tokens"))
    return Usage(*(c if type(c) is int and 0 <= c < MOST_TOKENS else None for c in counts))


def structured(text: str, schema: Mapping[str, object]) -> Any:
    """Parses a reply as JSON that fits a schema; a reasoning block and one code fence are let off.

    Raises:
        Unparsable: With a sentence that can be sent back to the model.
    """
    bare = split(text).article
    fenced = _FENCE.match(bare)
    try:
        written = fenced.group(1) if fenced else bare
        data = json.loads(written, parse_constant=_no_constant)
        if "\\u" in written:  # "\\ud83d" in a string is half a character
            data = json.loads(repaired(json.dumps(data, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"not JSON: {str(error)[:120]}") from error
    problem = next(iter(_validator(json.dumps(schema)).iter_errors(data)), None)
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path)) or "the top level"
        raise Unparsable(f"does not fit the schema at {where}: {problem.message[:160]}")
    return data


@functools.lru_cache(maxsize=64)
def _validator(schema: str) -> Validator:
    """Returns what checks against a schema; one is made once, for the thousands of replies that it reads."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
