"""The recipe's own training step beside the planner's prediction: python benchmarks/sft_recipe.py [CONFIG].

The trainer of ``recipes/sft.py`` with a recipe's settings and a Qwen2.5-7B of random weights, so nothing is
downloaded. Rows are random tokens, synthetic, as long as the planner draws them. Prints memory and tokens per
second without padding as predicted and as measured, with the error. ``--smoke`` takes the steps of a tiny model
on a CPU, which proves the code and no speed. Results belong in benchmarks/sft.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from coig_writer.errors import MissingInputError, run_command
from coig_writer.mixing import controls
from coig_writer.planning import lengths as planner_lengths
from coig_writer.planning import planner
from coig_writer.planning.planner import Shape
from coig_writer.training import kernels, throughput
from coig_writer.training import recipe as recipes
from coig_writer.training.trainer import RecipeTrainer

CONFIG = Path(__file__).parent.parent / "recipes" / "configs" / "cw_10k.yaml"
TINY = Shape(2, 64, 128, 4, 2, 16, 4096, False)


def rows_of(lengths: tuple[int, ...], vocabulary: int) -> Any:
    """Returns tokenised documents of random tokens, labelled from their second tenth on."""
    import numpy as np
    from datasets import Dataset

    draw = np.random.default_rng(0)
    rows = []
    for number, length in enumerate(lengths):
        ids = draw.integers(0, vocabulary, length).tolist()
        labels = [-100] * (length // 10) + ids[length // 10 :]
        rows.append({"input_ids": ids, "labels": labels, "row": number})
    return Dataset.from_list(rows)


def model_of(of: Shape, model: Any, device: str) -> Any:
    """Makes a model of random weights in the recipe's dtype and attention."""
    import torch
    from transformers import Qwen2ForCausalLM

    config = of.config(attn_implementation=model.attn_implementation)
    with torch.device(device):
        return Qwen2ForCausalLM._from_config(config, dtype=getattr(torch, str(model.dtype)))


def step_clock(ends: list[float], wait: Any, profile: Any = None) -> Any:
    """Returns a callback that notes when each optimizer step ended, the device's queue drained.

    ``profile`` is started before the last step.
    """
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, _: Any, state: Any, *__: Any, **___: Any) -> None:
            if profile is not None and state.global_step == state.max_steps - 1:
                profile.start()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            wait()
            ends.append(time.perf_counter())

    return Clock()


@dataclasses.dataclass(frozen=True)
class Measured:
    """Useful tokens per second after the first step, peak GiB in use and reserved (0 on a CPU)."""

    tokens_per_second: float
    mean_length: float
    gib: float
    reserved: float


def measure(
    sft: Any,
    model: Any,
    of: Shape,
    lengths: tuple[int, ...],
    tokenizer: Any,
    *,
    profiled: bool = False,
) -> Measured:
    """Trains on documents of these lengths; the first step is a warm-up and not counted."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    cuda = torch.cuda.is_available() and not sft.use_cpu
    trainer = RecipeTrainer(
        row_names=[f"synthetic\t{i}" for i in range(len(lengths))],
        model=model_of(of, model, "cuda" if cuda else "cpu"),
        args=sft,
        train_dataset=rows_of(lengths, of.vocab_size),
        processing_class=tokenizer,
    )
    ends: list[float] = []
    watch = profile(activities=[ProfilerActivity.CUDA]) if profiled and cuda else None
    trainer.add_callback(step_clock(ends, torch.cuda.synchronize if cuda else lambda: None, watch))
    trainer.train()
    if watch is not None:
        watch.stop()
        print(kernels.table(watch, ends[-1] - ends[-2], 24))
    lines = map(json.loads, trainer.consumed_file.read_text(encoding="utf-8").splitlines())
    rows = [row for line in lines if line["step"] > 1 for row in line["numbers"]]
    tokens = sum(lengths[row] for row in rows)
    gib = torch.cuda.max_memory_allocated() / planner.GIB if cuda else 0.0
    reserved = torch.cuda.max_memory_reserved() / planner.GIB if cuda else 0.0
    return Measured(tokens / (ends[-1] - ends[0]), tokens / len(rows), gib, reserved)


def compared(plan: planner.Plan, found: Measured, of: Shape) -> str:
    """Renders prediction, measurement and error as a table."""
    mfu = throughput.strict_mfu(of, found.tokens_per_second, found.mean_length)
    # the plan's reserve stands for what the allocator does not count
    planned = plan.gib - planner.RESERVE
    lines = [
        "| | predicted | measured | error of the prediction |",
        "|---|---|---|---|",
        f"| GiB in use at the peak, without the plan's reserve | {planned:.1f} | {found.gib:.1f} | {planned / found.gib - 1:+.1%} |",
        f"| GiB in all, beside what the allocator reserved | {plan.gib:.1f} | {found.reserved:.1f} | {plan.gib / found.reserved - 1:+.1%} |",
        f"| tokens/s without padding | {plan.tokens_per_second:,.0f} | {found.tokens_per_second:,.0f} | {plan.tokens_per_second / found.tokens_per_second - 1:+.1%} |",
    ]
    if mfu is not None:
        lines.append(f"| strict MFU | {plan.gpu.mfu:.1%} | {mfu:.1%} | |")
    return "\n".join(lines)


def main() -> int | None:
    """Trains a few steps and prints them beside the plan."""
    own, flags = options()
    import torch

    if not own.smoke and not torch.cuda.is_available():
        raise MissingInputError(
            "no GPU here", "for the code alone type: python benchmarks/sft_recipe.py --smoke"
        )
    cpu = ["--use_cpu", "true", "--bf16", "false"] if own.smoke else []
    recipe, sft, model = recipes.parse(["--config", str(own.config), *cpu, *flags])
    of = TINY if own.smoke else planner.shape(model.model_name_or_path)
    run = run_of(recipe, sft)
    plan = planner.plan(of, planner.setup(sft, model, of), planner.GPUS[own.gpu], 1, run)
    micro = max(1, plan.micro_batch)
    taken = run.lengths.tokens[: own.steps * recipe.global_batch_size]
    if own.smoke:
        taken = tuple(max(8, n // 200) for n in taken)
    with tempfile.TemporaryDirectory() as folder:
        sft = dataclasses.replace(
            sft,
            output_dir=folder,
            max_steps=own.steps,
            save_strategy="no",
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=recipe.global_batch_size // micro,
            assistant_only_loss=False,  # the rows come with their labels
            logging_steps=1,
        )
        tokenizer = tokenizer_of(own.smoke, model.model_name_or_path)
        found = measure(sft, model, of, taken, tokenizer, profiled=own.profile)
    where = "CPU smoke: proves the code, no speed" if own.smoke else torch.cuda.get_device_name()
    print(
        f"{where}; torch {torch.__version__}; {recipe.variants[0]}, {micro} row(s) per micro-batch, {own.steps - 1} steps counted"
    )
    if own.smoke:
        print(f"{found.mean_length:,.0f} tokens per document; no speed or memory from a CPU")
    else:
        print(compared(plan, found, of))
    return None


def options() -> tuple[argparse.Namespace, list[str]]:
    """Reads this script's flags; those left over are keys of the recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", type=Path, default=CONFIG, help="a recipe")
    parser.add_argument("--gpu", default="h200", choices=sorted(planner.GPUS), help="of the plan")
    parser.add_argument(
        "--steps", type=int, default=4, help="optimizer steps, the first not counted"
    )
    parser.add_argument("--smoke", action="store_true", help="a tiny model on the CPU: no speeds")
    parser.add_argument(
        "--profile", action="store_true", help="list the last step's longest kernels"
    )
    return parser.parse_known_args()


def run_of(recipe: Any, sft: Any) -> planner.Run:
    """Returns what the recipe's first variant would train on, at drawn lengths."""
    control = controls.resolve(recipe.variants[0], Path(recipe.controls))
    lengths = planner_lengths.drawn(controls.counts(control), sft.max_length)
    return planner.Run(lengths, recipe.global_batch_size, 1.0, sft.per_device_train_batch_size)


def tokenizer_of(smoke: bool, name: str) -> Any:
    """Returns the model's tokenizer: where it is at hand, the one that ``make tokenizer`` fetched."""
    from transformers import AutoTokenizer

    at_hand = Path("build/smoke") if smoke else Path("build/tokenizer")
    return AutoTokenizer.from_pretrained(str(at_hand) if at_hand.is_dir() else name)


if __name__ == "__main__":
    sys.exit(run_command(main))
