"""Runs recipes/sft.py under recipes/accelerate/fsdp2.yaml on CPU processes, which accelerate would give DDP.

The settings are those that ``accelerate launch`` makes of the file; only the device differs. Weights are computed
in fp32, so that one process can be compared with; gradients are left to be summed as accelerate does under bf16.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import accelerate
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from accelerate.utils.launch import prepare_multi_gpu_env
from torch.distributed.fsdp import MixedPrecisionPolicy

from coig_writer.training.trainer import RecipeTrainer

RECIPES = Path(__file__).parents[2] / "recipes"


def settings() -> dict[str, str]:
    """Returns the variables that accelerate's launcher sets from the file for FSDP."""
    made = prepare_multi_gpu_env(launched("fsdp2"))
    return {k: v for k, v in made.items() if k.startswith("FSDP_") or k == "ACCELERATE_USE_FSDP"}


def launched(name: str) -> argparse.Namespace:
    """Returns what ``accelerate launch --config_file`` makes of a file, on any free port."""
    file = str(RECIPES / "accelerate" / f"{name}.yaml")
    given = launch_command_parser().parse_args(["--config_file", file, "sft.py"])
    read: argparse.Namespace = _validate_launch_command(given)[0]
    read.main_process_port = 0
    return read


class Sharded(accelerate.Accelerator):
    """An accelerator that takes CPU processes for what FSDP2 may shard over."""

    def __init__(self, **named: Any) -> None:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        super().__init__(**named)
        assert self.is_fsdp2
        self.state.fsdp_plugin.mixed_precision_policy = MixedPrecisionPolicy(
            param_dtype=torch.float32, reduce_dtype=torch.bfloat16, output_dtype=torch.float32
        )


def main() -> None:
    """Trains; ``SUMS=bf16`` leaves the gradients' sums as accelerate makes them."""
    os.environ |= settings()
    sys.argv[0] = str(RECIPES / "sft.py")
    with contextlib.ExitStack() as changed:
        changed.enter_context(mock.patch("transformers.trainer.Accelerator", Sharded))
        if os.environ.get("SUMS") == "bf16":
            changed.enter_context(mock.patch.object(RecipeTrainer, "_sum_in_fp32"))
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
