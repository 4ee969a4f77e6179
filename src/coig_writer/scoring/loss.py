"""The loss of models on texts that none was trained on, row beside row.

A row's loss is the mean over the tokens that training would put it on: the assistant turn, cut where the
recipe cuts. Models that share a tokenizer are compared row by row, so the interval is of the difference and
not of the texts' own difficulty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from coig_writer.errors import InputError
from coig_writer.mixing import chat
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Interval
from coig_writer.triplet import Message

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """How a model's loss on the same rows differs from another's, in nats per token; negative is better."""

    model: str
    beside: str
    loss: float
    difference: Interval


def of_rows(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Sequence[Message]],
    max_length: int,
) -> list[float]:
    """Returns the loss of each conversation's assistant turn, in nats per token.

    Args:
        model: In evaluation mode.
        tokenizer: The model's own.
        conversations: User and assistant turn.
        max_length: Tokens read of each, as in training.

    Raises:
        InputError: A conversation has no token of its assistant turn within ``max_length``.
    """
    import torch
    from tqdm import tqdm

    template = chat.training_template(tokenizer)
    means: list[float] = []
    for number, conversation in enumerate(tqdm(conversations, desc="loss", unit="row"), 1):
        encoded = chat.encode(tokenizer, list(conversation), template)
        trained = torch.tensor(encoded.trained[: max(0, max_length)])
        if not trained[1:].any():
            raise InputError(
                f"row {number}: its prompt fills the {max_length} tokens that are read",
                "raise max_length, or leave the row out",
            )
        ids = torch.tensor([encoded.ids[:max_length]])
        with torch.no_grad():
            logits = model(input_ids=ids.to(model.device)).logits[0, :-1].float().cpu()
        losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
        means.append(float(losses[trained[1:]].mean()))
    return means


def gaps(losses: Mapping[str, Sequence[float]], beside: str) -> list[Gap]:
    """Compares every model with one of them on the same rows, by the row (Student's t or bootstrap, the wider).

    Args:
        losses: Of each model, row for row.
        beside: The model that the others are compared with.

    Raises:
        StatisticsError: There is a single row.
    """
    base = np.array(losses[beside])
    rows = np.arange(len(base))
    return [
        Gap(
            model,
            beside,
            float(np.mean(row_losses)),
            bootstrap.mean(np.array(row_losses) - base, rows),
        )
        for model, row_losses in losses.items()
        if model != beside
    ]
