"""Attention document by document over a micro-batch without padding, as attention functions of transformers.

A micro-batch is one row of several documents; ``cu_seq_lens_q`` of TRL's collator says where each
starts and, last, where the row ends. ``SDPA`` is the reference: causal SDPA for one document after the
other. ``VARLEN`` is one kernel for all of them, on a GPU. Batches without those bounds (generation)
take transformers' own sdpa.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SDPA, VARLEN = "sdpa_per_document", "varlen_per_document"
# By name, since torch before 2.10 has no such module, and torch 2.11 and 2.13 disagree on its signature.
varlen_attn: Callable[..., torch.Tensor] | None = (
    importlib.import_module("torch.nn.attention.varlen").varlen_attn
    if importlib.util.find_spec("torch.nn.attention.varlen")
    else None
)
# torch 2.13 asks for a word where query heads share keys; 2.11 takes grouped heads without it.
_GROUPED = (
    {"enable_gqa": True}
    if varlen_attn and "enable_gqa" in inspect.signature(varlen_attn).parameters
    else {}
)


def per_document_sdpa(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bounds: torch.Tensor, scale: float
) -> torch.Tensor:
    """Attends causally within each document.

    Args:
        query: (1, query heads, tokens, head size).
        key: (1, key heads, tokens, head size), as ``value``.
        value: As ``key``.
        bounds: Where documents start and, last, end; documents + 1 integers.
        scale: Of the scores.

    Returns:
        (1, tokens, query heads, head size).
    """
    lengths = bounds.diff().tolist()
    documents = zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True)
    grouped = query.shape[1] != key.shape[1]
    attended = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=grouped)
        for q, k, v in documents
    ]
    return torch.cat(attended, dim=2).transpose(1, 2)


def per_document_varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: torch.Tensor,
    scale: float,
    longest: int,
) -> torch.Tensor:
    """Does what ``per_document_sdpa`` does in one kernel; ``longest`` is the longest document."""
    # under autocast the rotation leaves queries and keys in fp32, and the kernel takes half precision alone
    q, k, v = (
        states[0].transpose(0, 1).to(value.dtype).contiguous() for states in (query, key, value)
    )
    assert varlen_attn is not None, "modes.choose refuses a torch without it"
    return varlen_attn(
        q, k, v, bounds, bounds, longest, longest, scale=scale, window_size=(-1, 0), **_GROUPED
    )[None]


def saved_operators() -> list[torch._ops.OpOverload]:
    """Returns the attention operators whose outputs selective checkpointing keeps."""
    fused = ("flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu")
    packets = [getattr(torch.ops.aten, f"_scaled_dot_product_{name}", None) for name in fused]
    if varlen_attn:
        packets.append(torch.ops.torch_attn._varlen_attn)
    return [packet.default for packet in packets if packet is not None]


_plain: Callable[..., tuple[torch.Tensor, None]] = sdpa_attention_forward
_reference = torch.compiler.disable(per_document_sdpa)  # it reads the bounds on the host


def _sdpa(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    bounds = settings.get("cu_seq_lens_q")
    if bounds is None:
        return _plain(module, query, key, value, attention_mask, **settings)
    return _reference(query, key, value, bounds, settings["scaling"]), None


def _varlen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    bounds = settings.get("cu_seq_lens_q")
    if bounds is None:
        return _plain(module, query, key, value, attention_mask, **settings)
    longest = settings["max_length_q"]
    return per_document_varlen(query, key, value, bounds, settings["scaling"], longest), None


def _mask(*, attention_mask: torch.Tensor | None = None, **settings: Any) -> torch.Tensor | None:
    """Makes no mask where the bounds are all there is to know; a padded batch gets sdpa's."""
    if attention_mask is None:
        return None
    return sdpa_mask(attention_mask=attention_mask, **settings)


for _name, _function in ((SDPA, _sdpa), (VARLEN, _varlen)):
    AttentionInterface.register(_name, _function)
    AttentionMaskInterface.register(_name, _mask)
