"""What only a run itself knows of how it was made: device, mode, base model, library versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer.facts import Fact
from coig_writer.training.modes import Mode
from coig_writer.training.recipe import base

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainingArguments
    from trl import ModelConfig

    from coig_writer.training.checkpoints import Recorded

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "datasets", "peft", "torchao")
UNKNOWN = "unknown"


def stated(trainer: Recorded, mode: Mode, settings: ModelConfig, fingerprint: str) -> list[Fact]:
    """Returns what only the run itself can know; all else is measured from its files.

    The parameters are among it for an adapter, whose files do not hold its base.

    Args:
        trainer: What has trained.
        mode: How it trained.
        settings: TRL's model settings.
        fingerprint: The run's.
    """
    return [
        Fact("run/fingerprint", fingerprint),
        Fact("run/epochs", float(trainer.state.epoch or 0)),
        Fact("run/devices", trainer.accelerator.num_processes),
        Fact("run/hardware", hardware(use_cpu=trainer.args.use_cpu)),
        Fact("run/parameters", trainer.model.num_parameters()),
        *computed(mode, trainer.args, settings),
        *made_of(trainer.model, settings),
    ]


def computed(mode: Mode, sft: TrainingArguments, settings: ModelConfig) -> list[Fact]:
    """Returns how the run computed: what a number of it depends on beyond its settings.

    Args:
        mode: How it trained.
        sft: TRL's arguments.
        settings: TRL's model settings.
    """
    precision = "bf16 with fp32 master weights" if sft.bf16 else "fp32"
    dtype = settings.dtype
    if settings.load_in_4bit:
        precision = f"bf16 adapter on a frozen base in 4-bit {settings.bnb_4bit_quant_type}"
    elif settings.use_peft and dtype == "bfloat16":
        precision = "fp32 adapter on a frozen base in bf16"
    elif dtype == "bfloat16":
        precision = "bf16 weights, rounded " + ("stochastically" if mode.lean else "to nearest")
    values: dict[str, float | int | str] = {
        "run/mode": mode.name,
        "run/attention": mode.attention or "the recipe's",
        "run/compiled": mode.compiled,
        "run/checkpointing": mode.checkpointing,
        "run/optimizer_states": "8-bit moments, fp32 for embeddings, head and norms"
        if mode.lean
        else "fp32",
        "run/dtype": dtype or "the checkpoint's",
        "run/precision": precision,
    }
    return [Fact(key, value) for key, value in values.items()]


def made_of(model: PreTrainedModel, settings: ModelConfig) -> list[Fact]:
    """Returns base model, its licence and library versions.

    Args:
        model: What was trained.
        settings: TRL's model settings.
    """
    name, revision = base(settings), settings.model_revision
    commit = getattr(model.config, "_commit_hash", None)
    values: dict[str, float | int | str] = {
        # a folder's place on this machine means nothing on a card
        "run/base_model": Path(name).name if Path(name).is_absolute() else name,
        "run/base_model_revision": commit or (UNKNOWN if Path(name).is_dir() else revision),
        "run/base_model_license": base_license(name, commit or revision),
        **{f"run/version/{library}": version for library, version in versions().items()},
    }
    return [Fact(key, value) for key, value in values.items()]


def versions() -> dict[str, str]:
    """Returns which of the libraries that decide a run's numbers are installed, and their versions."""
    installed = (name for name in LIBRARIES if importlib.util.find_spec(name))
    return {name: importlib.metadata.version(name) for name in installed}


def base_license(name: str, revision: str | None) -> str:
    """Returns the licence that a model's card names: of its folder, or of the Hub where it can be reached."""
    from huggingface_hub import hf_hub_download, metadata_load

    try:
        folder = Path(name)
        card = folder / "README.md"
        if not folder.is_dir():
            card = Path(hf_hub_download(name, "README.md", revision=revision))
        stated = metadata_load(card) or {}
    except Exception:  # no card, no network, not its form: each means the same, nothing is stated
        return UNKNOWN
    return str(stated.get("license_name") or stated.get("license") or UNKNOWN)


def hardware(*, use_cpu: bool) -> str:
    """Names the device that the run was on."""
    import torch

    if torch.cuda.is_available() and not use_cpu:
        return str(torch.cuda.get_device_name())
    return f"CPU ({platform.machine()})"
