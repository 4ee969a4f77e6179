"""How a recipe trains: ``plain``, ``fast`` or ``lean``.

``plain`` is TRL's trainer as it comes: one document after the other, or padded. ``fast`` computes the
same gradients in micro-batches without padding, with attention per document, compiled layers and
selective checkpointing. ``lean`` also changes the optimizer: 8-bit moments for the matrices of the
layers, and no checkpointing; with bf16 weights, updates are rounded stochastically and selective
checkpointing stays, which fits 7B on 80 GB, by arithmetic.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
from typing import TYPE_CHECKING, Literal

from coig_writer.errors import ConfigError, MissingInputError

if TYPE_CHECKING:
    from trl import SFTConfig

NAMES = ("plain", "fast", "lean")


@dataclasses.dataclass(frozen=True)
class Mode:
    """What a mode does on the hardware at hand.

    ``attention`` is per document; None leaves the recipe's own implementation. ``checkpointing`` says
    what is recomputed: nothing, all but attention and every second product of matrices (``selective``), all
    but attention (``attention``, less memory), or everything.
    """

    name: str
    attention: str | None = None
    compiled: bool = False
    checkpointing: Literal["none", "selective", "attention", "full"] = "none"
    lean: bool = False

    def arguments(self, sft: SFTConfig) -> SFTConfig:
        """Returns TRL's arguments for this mode; the trainer itself does the rest.

        A micro-batch slot for every document of a step: those that are not needed stay empty.
        """
        if self.attention is None:
            return sft
        sft = copy.copy(sft)
        # the trainer chooses its own after the model is made
        sft.activation_checkpointing = sft.gradient_checkpointing = False
        sft.gradient_accumulation_steps *= sft.per_device_train_batch_size
        sft.per_device_train_batch_size = 1
        sft.logging_nan_inf_filter = False  # it asks the device about every micro-batch
        return sft


def choose(name: str, sft: SFTConfig, dtype: str | None, *, lora: bool = False) -> Mode:
    """Checks that a mode can run here.

    Args:
        name: One of ``NAMES``.
        sft: TRL's arguments.
        dtype: Of the weights.
        lora: Whether an adapter is trained.

    Raises:
        ConfigError: The mode is unknown, or the recipe asks for what it cannot do.
        MissingInputError: A part is missing; the mode that needs none is named.
    """
    if name not in NAMES:
        raise ConfigError(f"unknown mode {name!r}", f"write mode: one of {', '.join(NAMES)}")
    if name == "plain":
        return Mode(name, checkpointing="full" if sft.gradient_checkpointing else "none")
    _check_keys(name, sft)
    lean = name == "lean"
    if lean:
        _check_lean(sft, lora=lora)
    checkpointing: Literal["none", "attention"] = (
        "none" if lean and dtype != "bfloat16" else "attention"
    )
    if sft.use_cpu:  # the reference, for tests and a look at the loss
        return Mode(name, "sdpa_per_document", False, checkpointing, lean)
    _check_gpu(name, sft)
    return Mode(name, "varlen_per_document", True, checkpointing, lean)


def _check_keys(name: str, sft: SFTConfig) -> None:
    for key in ("packing", "padding_free"):
        if getattr(sft, key):
            raise ConfigError(
                f"{key}: true has no use in mode {name}, which pads nothing as it is",
                f"leave {key} out, or add --mode plain",
            )
    if sft.max_length is None:
        raise ConfigError(
            f"mode {name} fills micro-batches up to max_length, and the recipe has none",
            "set max_length, or add --mode plain",
        )


def _check_lean(sft: SFTConfig, *, lora: bool) -> None:
    if lora:
        raise ConfigError(
            "mode lean saves optimizer states, and those of LoRA are small", "add --mode fast"
        )
    if str(getattr(sft.optim, "value", sft.optim)) not in ("adamw_torch", "adamw_torch_fused"):
        raise ConfigError(
            f"optim: {sft.optim} has no use in mode lean, which brings its own",
            "leave optim at adamw_torch_fused, or add --mode fast",
        )
    if importlib.util.find_spec("torchao") is None:
        raise MissingInputError(
            "mode lean needs torchao, which is not installed",
            "type: pip install torchao   or add --mode fast",
        )


def _check_gpu(name: str, sft: SFTConfig) -> None:
    import torch

    if not torch.cuda.is_available():
        raise MissingInputError(
            f"mode {name} needs a CUDA GPU", "add --mode plain --use_cpu true --bf16 false"
        )
    if importlib.util.find_spec("torch.nn.attention.varlen") is None:
        raise MissingInputError(
            f"mode {name} needs torch.nn.attention.varlen, and torch {torch.__version__} has none",
            "install torch 2.10 or newer, or add --mode plain",
        )
    if not sft.bf16:
        raise ConfigError(
            f"mode {name} attends in bf16 on a GPU, and the recipe says bf16: false",
            "add --bf16 true, or --mode plain",
        )
