r"""The chat format as tokens: what the model reads and which of it is trained.

The assistant turn is ``<think>\n{reasoning}\n</think>\n\n{article}``; the loss is on that turn
and its end-of-turn token. TRL swaps in its training variant of the Qwen2.5 template, which puts
both newlines around the turn under the loss too (docs/decisions/0005-chat-format.md).
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from coig_writer.errors import InputError
from coig_writer.generation import CLOSE
from coig_writer.triplet import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Tokenizer(Protocol):
    """What the kit asks of a tokenizer of transformers, whose own type leaves open what a chat becomes."""

    def apply_chat_template(self, *given: Any, **settings: Any) -> Any: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation in tokens; ``trained[i]`` says whether token i carries loss."""

    ids: list[int]
    trained: list[bool]


def training_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Returns the template that marks the assistant turn, or None if the tokenizer's own does."""
    from trl.chat_template_utils import get_training_chat_template

    template: str | None = get_training_chat_template(tokenizer)
    return template


def encode(tokenizer: Tokenizer, conversation: list[Message], template: str | None) -> Encoded:
    """Encodes a conversation exactly as the trainer does.

    Raises:
        InputError: The template marks no assistant token, so nothing would be learned.
    """
    encoded = tokenizer.apply_chat_template(
        conversation,
        chat_template=template,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    trained = [bool(bit) for bit in encoded["assistant_masks"]]
    if not any(trained):
        raise InputError(
            "the chat template marks no assistant token",
            "use a tokenizer whose template TRL knows, such as Qwen2.5's",
        )
    return Encoded(list(encoded["input_ids"]), trained)


def count(tokenizer: Tokenizer, conversation: list[Message]) -> int:
    """Counts the tokens of a conversation under the tokenizer's own template."""
    return len(
        tokenizer.apply_chat_template(conversation, tokenize=True, return_dict=True)["input_ids"]
    )


def reasoning_end(tokenizer: Tokenizer, conversation: list[Message]) -> int:
    """Counts the tokens up to and with the end of the reasoning block (0 if there is none)."""
    turn = conversation[-1]["content"]
    if CLOSE not in turn:
        return 0
    head = turn[: turn.index(CLOSE) + len(CLOSE)]
    cut = [*conversation[:-1], Message(role="assistant", content=head)]
    return count(tokenizer, cut) - 2  # without the end-of-turn token and its newline


def tokenizer_sha256(tokenizer: PreTrainedTokenizerBase) -> str:
    """Returns one hash for a tokenizer: its vocabulary, merges and chat template."""
    state = tokenizer.backend_tokenizer.to_str() + str(tokenizer.chat_template)
    return hashlib.sha256(state.encode()).hexdigest()
