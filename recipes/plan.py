"""Predicts a run before it is paid for: python recipes/plan.py --config CONFIG --gpu h200 --count 1 [--gpu-price 3.5].

Prints memory by part with its arithmetic, the micro-batch that fits, steps, tokens, hours and cost. Any key
of the recipe can follow as a flag, such as --gradient_checkpointing false or --use_peft true. Row lengths are
counted where the mixture is built, and else drawn and called synthetic. A plan says whether the speed behind
it was measured with this recipe or is a published run's. Training alone is planned: the answers of
recipes/generate.py, one or several to a prompt, are not in it.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer.errors import ConfigError, run_command
from coig_writer.files import write_json
from coig_writer.mixing import controls
from coig_writer.mixture import PUBLISHED, steps
from coig_writer.planning import lengths as planner_lengths
from coig_writer.planning import planner
from coig_writer.planning.planner import Gpu, PlannedRun, Run
from coig_writer.training import recipe as recipes
from coig_writer.training.recipe import RecipeArguments

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig


def status(plan: PlannedRun) -> str:
    """Says what a plan rests on."""
    if plan.measured:
        return "predicted from one measured run (benchmarks/sft.md)"
    return "predicted, not measured"


def planned(
    recipe: RecipeArguments,
    sft: SFTConfig,
    model: ModelConfig,
    variant: str,
    devices: tuple[Gpu, int],
) -> tuple[PlannedRun, Run, list[str], list[str]]:
    """Predicts one variant of a recipe on so many GPUs of a kind.

    Returns:
        The planned run and what it was planned from, ways out if it does not fit, and what the plan cannot vouch for.
    """
    control = controls.resolve(variant, Path(recipe.controls))
    folder = Path(recipe.mixtures) / variant
    length = recipes.longest(sft)
    lengths = planner_lengths.counted(
        folder, length, sample_scale=recipe.sample_scale
    ) or planner_lengths.drawn(controls.trained(control), length)
    batch, epochs = recipe.global_batch_size, float(sft.num_train_epochs)
    if control.steps_of in PUBLISHED:
        taken = steps(PUBLISHED[str(control.steps_of)].total, batch, int(epochs))
        epochs = taken / steps(len(lengths.tokens), batch, 1)
    run = planner.Run(lengths, batch, epochs, sft.per_device_train_batch_size)
    shape = planner.shape_of(recipes.base(model))
    how, (gpu, count) = planner.setup(sft, model, shape, recipe.mode), devices
    plan = planner.plan(shape, how, gpu, count, run)
    adapter = planner.lora(shape, model)
    ways = [] if plan.fits else planner.ways(shape, how, gpu, count, run, adapter)
    return plan, run, ways, planner.doubts(shape, how, plan)


def rendered(
    plan: PlannedRun, run: Run, variant: str, price: float | None, ways: Sequence[str] = ()
) -> str:
    """Renders a plan as text, every number with how it came about."""
    lines = [
        f"{variant} on {plan.devices} × {plan.gpu.name}: {status(plan)}",
        "",
        f"memory of one device, at {max(1, plan.micro_batch)} row(s) of full length per micro-batch",
    ]
    lines += [f"  {p.name:<14}{p.gib:>8.1f} GiB   {p.arithmetic}" for p in plan.parts]
    lines.append(f"  {'in all':<14}{plan.gib:>8.1f} GiB   of {plan.gpu.gib:g} GiB")
    if not plan.fits:
        short = f"does not fit: {plan.gib - plan.gpu.gib:.1f} GiB too much"
        return "\n".join([*lines, "", short, "  → what would:", *(f"    {way}" for way in ways)])
    return "\n".join([*lines, "", *spent(plan, run, price)])


def spent(plan: PlannedRun, run: Run, price: float | None) -> list[str]:
    """Renders batch, steps, tokens, hours and cost."""
    hours, what = plan.hours, "rows" if plan.rows == len(run.lengths.tokens) else "packed rows"
    cost = (
        "give --gpu-price, for a GPU and hour"
        if price is None
        else f"{hours * plan.devices * price:,.0f}   {hours:.1f} h × {plan.devices} × {price:g}"
    )
    micro = f"{plan.micro_batch} rows × {plan.accumulation} accumulation steps × {plan.devices} devices; up to {plan.fits} rows fit"
    if plan.mode != "plain":
        micro = f"whole documents, together up to max_length tokens; {run.global_batch} a step over {plan.devices} devices"
    return [
        f"micro-batch    {micro}",
        f"steps          {plan.steps:,}   {plan.rows:,} {what}, {run.global_batch} per step, {run.epochs:g} epochs",
        f"tokens         {plan.tokens:,}   mean {run.lengths.mean:,.0f} per row; {run.lengths.origin}",
        f"processed      {plan.processed:,}   with padding, {plan.processed / plan.tokens:.2f} × the tokens",
        *unpadded(plan, run),
        f"tokens/s       {plan.tokens_per_second:,.0f} per device, without padding, at {plan.mfu:.1%} strict MFU",
        f"               ({plan.gpu.why})",
        f"hours          {hours:,.1f}   {plan.tokens:,} ÷ {plan.tokens_per_second:,.0f} ÷ {plan.devices} ÷ 3,600",
        f"cost           {cost}",
    ]


def unpadded(plan: PlannedRun, run: Run) -> list[str]:
    """Says how the same steps are taken without padding, where it costs more than a tenth."""
    if plan.processed < 1.1 * plan.tokens:
        return []
    share = run.global_batch // plan.devices
    flags = f"--per_device_train_batch_size 1 --gradient_accumulation_steps {share}"
    return [f"               {flags} has no padding"]


def as_json(plan: PlannedRun, variant: str) -> dict[str, object]:
    """Returns a plan for programs; hours are null where nothing fits."""
    row = dataclasses.asdict(plan) | {"variant": variant, "gib": plan.gib, "status": status(plan)}
    if math.isnan(plan.hours):
        row["hours"] = None
    return row


def main() -> int | None:
    """Predicts every variant of a recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("recipes/configs/cw_10k.yaml"),
        help="the recipe (default: recipes/configs/cw_10k.yaml)",
    )
    parser.add_argument("--gpu", default="h200", choices=list(planner.GPUS), help="default: h200")
    parser.add_argument(
        "--count", type=int, default=1, help="devices; states are sharded, an adapter is copied"
    )
    parser.add_argument("--gpu-memory", type=float, help="GiB of a GPU that --gpu does not name")
    parser.add_argument("--gpu-tflops", type=float, help="its dense bf16 peak, for hours and cost")
    parser.add_argument("--gpu-price", type=float, help="of one GPU for an hour, in your currency")
    parser.add_argument("--json", type=Path, help="also write the plan of the last variant here")
    arguments, flags = parser.parse_known_args()
    # a plan is made on any machine; the recipe's own GPU check belongs to the run
    recipe, sft, model = recipes.parse(
        ["--config", str(arguments.config), "--use_cpu", "true", *flags]
    )
    gpu = planner.gpu(arguments.gpu, arguments.gpu_memory, arguments.gpu_tflops)
    if arguments.gpu_price is not None and not 0 <= arguments.gpu_price < math.inf:
        raise ConfigError(
            f"--gpu-price {arguments.gpu_price:g} is no price", "give a number, 0 or more"
        )
    for variant in recipe.variants:
        plan, run, ways, doubts = planned(recipe, sft, model, variant, (gpu, arguments.count))
        print(rendered(plan, run, variant, arguments.gpu_price, ways))
        print("\n".join(["", *(f"not vouched for: {doubt}" for doubt in doubts), ""]))
        if arguments.json:
            write_json(arguments.json, as_json(plan, variant))
    print(
        "planned: training alone; answers, --samples to each prompt, come on top (recipes/generate.py)"
    )
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
