"""The recipe's own training step in its modes: python benchmarks/sft_recipe.py [--config FILE].

The trainer of ``recipes/sft.py`` with a recipe's settings and a model of random weights in the recipe's shape,
so nothing is downloaded. Rows are random tokens, synthetic, as long as those the planner draws for the mixture.
Each variant runs in a process of its own and leaves a JSON file in ``--out``; at the end a table sets them beside
plain. First of all ``attention`` shows that the kernel for all documents at once computes the gradients of one
document after the other; where it does not, the modes take the latter. All end within ``--budget`` minutes, for
which a borrowed device is lent: what is not begun by then is named, with the command that runs it. ``--smoke`` takes a tiny model on a CPU and
the kit's sample texts, which proves the code and no speed; with ``--counted 200`` it shows the losses of the modes
beside plain's. Results belong in benchmarks/sft.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from datasets import Dataset
from torch.profiler import ProfilerActivity, profile
from transformers import (
    PreTrainedTokenizerBase,
    Qwen2ForCausalLM,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import ModelConfig, SFTConfig

from coig_writer.errors import MissingInputError, run_command
from coig_writer.files import read_rows, write_json
from coig_writer.mixing import controls
from coig_writer.planning import lengths as planner_lengths
from coig_writer.planning import planner
from coig_writer.planning.planner import Shape
from coig_writer.training import attention, curves, modes, smoke, throughput
from coig_writer.training import recipe as recipes
from coig_writer.training.recipe import RecipeArguments
from coig_writer.training.trainer import RecipeTrainer, checkpoint_layers, compile_layers

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "recipes" / "configs" / "cw_10k.yaml"
TINY = Shape(2, 64, 128, 4, 2, 16, 4096, False)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to train: its flags, how many of its steps are not counted, how many at most are, what it recomputes.

    Where layers are compiled two are not counted: the first compiles, the second may meet other shapes.
    """

    flags: tuple[str, ...]
    warm_up: int = 2
    most: int | None = None
    checkpointing: Literal["none", "attention", "selective"] | None = None


VARIANTS = {  # the order in which they run: what no device has shown first, and plain before what was measured
    "fast_selective": Variant(("--mode", "fast"), checkpointing="selective"),
    "lean_bf16": Variant(("--mode", "lean", "--dtype", "bfloat16")),
    "plain": Variant(("--mode", "plain"), 1, most=1),  # a step of it is the longest
    "lean": Variant(("--mode", "lean")),
    "fast": Variant(("--mode", "fast")),
}
LEAST = 60  # seconds: a variant that has fewer is not begun
SHRINK = 40  # of lengths, for the smoke
TOLERANCE = 1e-2  # of the gradient's norm


def rows_of(lengths: tuple[int, ...], tokens: Sequence[int]) -> Dataset:
    """Cuts tokens into documents, from the start again where they run out; labelled from their second tenth on."""
    stream = itertools.cycle(tokens)
    rows = []
    for number, length in enumerate(lengths):
        ids = list(itertools.islice(stream, length))
        labels = [-100] * (length // 10) + ids[length // 10 :]
        rows.append({"input_ids": ids, "labels": labels, "row": number})
    return Dataset.from_list(rows)


def random_tokens(of: Shape, count: int) -> list[int]:
    """Returns random tokens, the same ones each time."""
    drawn_tokens: list[int] = np.random.default_rng(0).integers(0, of.vocab_size, count).tolist()
    return drawn_tokens


def sample_texts() -> list[str]:
    """Returns the kit's own samples: triplets, and general rows as they stand in their files."""
    files = [
        *ROOT.glob("dataset_builder/sample/triplets/*.txt"),
        *ROOT.glob("recipes/sample/*.jsonl"),
    ]
    return [file.read_text(encoding="utf-8") for file in sorted(files)]


def tokens_of(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Returns the tokens of texts, their paragraphs in one random order."""
    paragraphs = [line for text in texts for line in text.splitlines() if line.strip()]
    random.Random(0).shuffle(paragraphs)
    return [token for ids in tokenizer(paragraphs)["input_ids"] for token in ids]


def model_of(of: Shape, dtype: str, implementation: str | None, device: str) -> Qwen2ForCausalLM:
    """Makes a model of random weights, the same ones each time."""
    torch.manual_seed(0)
    with torch.device(device):
        config = of.config(attn_implementation=implementation)
        made: Qwen2ForCausalLM = Qwen2ForCausalLM._from_config(config, dtype=getattr(torch, dtype))
        return made


class Clock(TrainerCallback):
    """Notes when training began and each optimizer step ended, the device's queue drained."""

    def __init__(self, device: str, profiler: profile | None = None) -> None:
        self.device, self.profiler = device, profiler
        self.ends: list[float] = []

    def _note(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())

    def on_train_begin(self, *_: object, **__: object) -> None:
        """Starts the clock."""
        self._note()

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Starts the profiler before the last step."""
        if self.profiler is not None and state.global_step == state.max_steps - 1:
            self.profiler.start()

    def on_step_end(self, *_: object, **__: object) -> None:
        """Notes a step."""
        self._note()


def measure(own: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """Trains a few steps of one variant and returns what they took."""
    device = "cpu" if own.smoke else "cuda"
    recipe, sft, model = parsed(own, flags)
    mode = modes.choose(recipe.mode, sft, model.dtype, lora=model.use_peft)
    if own.attention and mode.attention:
        mode = dataclasses.replace(mode, attention=own.attention)
    variant = VARIANTS[own.variant]
    checkpointing: Literal["none", "attention", "selective"] | None
    if checkpointing := own.checkpointing or variant.checkpointing:
        mode = dataclasses.replace(mode, checkpointing=checkpointing)
    of = TINY if own.smoke else planner.shape_of(recipes.base(model))
    # as many rows for every variant, so that their order is one and losses can be set side by side
    most = own.counted + max(v.warm_up for v in VARIANTS.values())
    # on a GPU a step costs seconds; on a CPU all take as many, so that they also share their learning rates
    steps = most if own.smoke else variant.warm_up + min(own.counted, variant.most or own.counted)
    longest = recipes.longest(sft)
    lengths = drawn(recipe, longest, most * recipe.global_batch_size)
    if own.smoke:
        lengths = tuple(max(8, n // SHRINK) for n in lengths)
    texts = sample_texts() if own.smoke else ["雨落在瓦上。"]
    tokenizer = smoke.fit_tokenizer(texts, of.vocab_size if own.smoke else smoke.VOCABULARY)
    profiler = (
        profile(activities=[ProfilerActivity.CUDA]) if own.profile and not own.smoke else None
    )
    clock = Clock(device, profiler)
    with tempfile.TemporaryDirectory() as folder:
        sft = dataclasses.replace(
            sft,
            output_dir=folder,
            max_steps=steps,
            max_length=longest // SHRINK if own.smoke else longest,
            save_strategy="no",
            assistant_only_loss=False,  # the rows come with their labels
            logging_steps=1,
            disable_tqdm=True,
        )
        trainer = RecipeTrainer(
            row_names=[f"synthetic\t{i}" for i in range(len(lengths))],
            mode=mode,
            model=model_of(of, model.dtype or "float32", model.attn_implementation, device),
            args=sft,
            train_dataset=rows_of(
                lengths,
                tokens_of(texts, tokenizer) if own.smoke else random_tokens(of, sum(lengths)),
            ),
            processing_class=tokenizer,
            callbacks=[clock],
        )
        trainer.train()
        lines = [row for _, row in read_rows(trainer.consumed_file)]
    if profiler is not None:
        profiler.stop()
        print(throughput.kernels(profiler, clock.ends[-1] - clock.ends[-2], 24))
    found = steps_of(lines, lengths, trainer.state.log_history, clock)
    return result(found, own, of, device) | {"mode": dataclasses.asdict(mode), "dtype": model.dtype}


def steps_of(
    lines: list[dict[str, Any]],
    lengths: tuple[int, ...],
    logged: list[dict[str, Any]],
    clock: Clock,
) -> list[dict[str, Any]]:
    """Returns seconds, documents, tokens, micro-batches, loss and gradient norm of every step."""
    found = []
    for step, log in enumerate((entry for entry in logged if "loss" in entry), start=1):
        taken = [line for line in lines if line["step"] == step]
        rows = [row for line in taken for row in line["numbers"]]
        found.append(
            {
                "seconds": clock.ends[step] - clock.ends[step - 1],
                "documents": len(rows),
                "tokens": sum(lengths[row] for row in rows),
                "micro_batches": len(taken),
                "loss": log["loss"],
                "grad_norm": log["grad_norm"],
            }
        )
    return found


def result(
    steps: list[dict[str, Any]], own: argparse.Namespace, of: Shape, device: str
) -> dict[str, Any]:
    """Sums the steps after the warm-up; memory is 0 on a CPU."""
    counted = steps[VARIANTS[own.variant].warm_up :]
    tokens = sum(step["tokens"] for step in counted)
    speed = tokens / sum(step["seconds"] for step in counted)
    length = tokens / sum(step["documents"] for step in counted)
    cuda = device == "cuda"
    return {
        "variant": own.variant,
        "hardware": torch.cuda.get_device_name() if cuda else "CPU smoke",
        "versions": versions(),
        "steps": steps,
        "counted": len(counted),
        "tokens_per_second": speed,
        "mean_length": length,
        "strict_mfu": throughput.strict_mfu(of, speed, length) if cuda else None,
        "gib": torch.cuda.max_memory_allocated() / planner.GIB if cuda else 0.0,
        "reserved": torch.cuda.max_memory_reserved() / planner.GIB if cuda else 0.0,
        "graphs": dict(torch._dynamo.utils.counters["stats"]),
        "allocator": os.environ.get("PYTORCH_CUDA_ALLOC_CONF", ""),
    }


def versions() -> dict[str, str]:
    """Returns what is installed of the libraries that matter."""
    names = ("torch", "transformers", "trl", "accelerate", "torchao", "triton")
    present = importlib.metadata.packages_distributions()
    return {name: importlib.metadata.version(name) for name in names if name in present}


def prove(own: argparse.Namespace) -> dict[str, Any]:
    """Compares gradients of two layers: the reference against other ways to attend per document.

    On a GPU the others are the varlen kernel, eager and compiled with selective checkpointing, in bf16
    under autocast, beside what bf16 itself costs the reference. On a CPU it is transformers' dense mask.
    """
    device = "cpu" if own.smoke else "cuda"
    of = TINY if own.smoke else planner.SHAPES["Qwen/Qwen2.5-7B-Instruct"]
    of = dataclasses.replace(of, num_hidden_layers=2, vocab_size=1024)
    lengths = [n // SHRINK if own.smoke else n for n in (2913, 1500, 2579, 1200)]
    batch = document_batch(lengths, of.vocab_size, device)
    others: dict[str, tuple[str, bool]] = (
        {"dense mask": ("sdpa", False)}
        if own.smoke
        else {
            "varlen": (attention.VARLEN, False),
            "varlen, compiled and checkpointed": (attention.VARLEN, True),
        }
    )
    half = not own.smoke
    reference = gradient(of, attention.SDPA, batch, half=half)
    found: dict[str, float | str] = {}
    if half:
        found["reference in fp32"] = _error(
            gradient(of, attention.SDPA, batch, half=False), reference
        )
    for name, (implementation, compiled) in others.items():

        def other(implementation: str = implementation, compiled: bool = compiled) -> torch.Tensor:
            return gradient(of, implementation, batch, half=half, compiled=compiled)

        found[name] = tried(other, reference)
    errors = [found[name] for name in others]
    proven = all(isinstance(error, float) and error < TOLERANCE for error in errors)
    return {"variant": own.variant, "versions": versions(), "errors": found, "proven": proven}


def tried(other: Callable[[], torch.Tensor], reference: torch.Tensor) -> float | str:
    """Returns a gradient's relative error; where a kernel fails the modes take the reference, and the record says why."""
    try:
        return _error(other(), reference)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:600]


def document_batch(
    lengths: list[int], vocabulary: int, device: str
) -> dict[str, torch.Tensor | int]:
    """Returns documents of random tokens in one row, as TRL's collator lays them out."""
    torch.manual_seed(1)
    bounds = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    return {
        "input_ids": torch.randint(0, vocabulary, (1, sum(lengths))).to(device),
        "position_ids": torch.cat([torch.arange(n) for n in lengths])[None].to(device),
        "cu_seq_lens_q": bounds.to(device),
        "cu_seq_lens_k": bounds.to(device),
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }


def gradient(
    of: Shape,
    implementation: str,
    batch: Mapping[str, torch.Tensor | int],
    *,
    half: bool,
    compiled: bool = False,
) -> torch.Tensor:
    """Returns the gradient of a scalar of the last hidden states by all parameters of the layers."""
    device = next(v.device.type for v in batch.values() if isinstance(v, torch.Tensor))
    model: Any = model_of(of, "float32", "sdpa", device).train()
    model.set_attn_implementation(implementation)
    if compiled:
        checkpoint_layers(model, products=True)
        compile_layers(model)
    if implementation == "sdpa":  # transformers reads the documents off the positions
        batch = {k: v for k, v in batch.items() if k in ("input_ids", "position_ids")}
    with torch.autocast(device, torch.bfloat16, enabled=half):
        states = model.model(**batch, use_cache=False).last_hidden_state
    weights = torch.linspace(-1, 1, states.numel(), device=device).view_as(states)
    (states.float() * weights).sum().backward()
    return torch.cat([p.grad.flatten() for p in model.model.layers.parameters()])


def _error(found: torch.Tensor, reference: torch.Tensor) -> float:
    return float((found - reference).norm() / reference.norm())


def parsed(
    own: argparse.Namespace, flags: list[str]
) -> tuple[RecipeArguments, SFTConfig, ModelConfig]:
    """Reads the recipe with a variant's flags and the command's own."""
    cpu = ["--use_cpu", "true", "--bf16", "false"] if own.smoke else []
    return recipes.parse(["--config", str(own.config), *cpu, *VARIANTS[own.variant].flags, *flags])


def drawn(recipe: RecipeArguments, max_length: int, count: int) -> tuple[int, ...]:
    """Returns lengths of documents drawn from the recipe's first mixture."""
    control = controls.resolve(recipe.variants[0], Path(recipe.controls))
    tokens = planner_lengths.drawn(controls.counts(control), max_length).tokens
    return tuple(random.Random(0).sample(tokens, count))


def table(found: dict[str, dict[str, Any]], *, speeds: bool) -> str:
    """Renders the variants beside plain, as ratios; a CPU's speeds are not shown."""
    lines = [
        "| variant | tokens/s | × plain | strict MFU | GiB, peak | micro-batches | loss, first and last |",
        "|---|---|---|---|---|---|---|",
    ]
    base = found.get("plain", {}).get("tokens_per_second")
    for name, of in found.items():
        if "steps" not in of:
            continue
        ratio = f"{of['tokens_per_second'] / base:.2f}" if base else "–"
        mfu = "–" if of["strict_mfu"] is None else f"{of['strict_mfu']:.1%}"
        speed = "–" if not speeds else f"{of['tokens_per_second']:,.0f}"
        gib = "–" if not speeds else f"{of['gib']:.1f}"
        micro = sum(s["micro_batches"] for s in of["steps"]) / len(of["steps"])
        losses = f"{of['steps'][0]['loss']:.4f} → {of['steps'][-1]['loss']:.4f}"
        lines.append(f"| `{name}` | {speed} | {ratio} | {mfu} | {gib} | {micro:.1f} | {losses} |")
    return "\n".join(lines)


def losses(curve: Mapping[str, Sequence[float]]) -> str:
    """Renders how the losses of the variants fall, and how far from plain's they are at each step.

    Args:
        curve: The loss of every optimizer step, by variant; plain among them.
    """
    lines = [
        "| variant | steps | loss, mean of the first tenth | of the last tenth | beside plain, mean over steps | largest |",
        "|---|---|---|---|---|---|",
    ]
    for name, own in curve.items():
        tenth = max(1, len(own) // 10)
        first, last = (sum(part) / tenth for part in (own[:tenth], own[-tenth:]))
        apart = [abs(a - b) for a, b in zip(own, curve["plain"], strict=True)]
        lines.append(
            f"| `{name}` | {len(own)} | {first:.3f} | {last:.3f} "
            f"| {sum(apart) / len(apart):.4f} | {max(apart):.4f} |"
        )
    return "\n".join(lines)


def run_all(own: argparse.Namespace, flags: list[str]) -> None:
    """Runs every variant in its own process; one that fails says so and the next goes on.

    While one runs the next one loads its libraries, and waits with them for its turn.
    """
    measured: dict[str, dict[str, Any]] = {}
    names = own.variants or ["attention", *VARIANTS]
    end = time.monotonic() + own.budget * 60
    command = f"python benchmarks/sft_recipe.py --out {own.out} --variants"
    upcoming = [started(own, flags, names[0])]
    try:
        for number, name in enumerate(names):
            process, begun = upcoming.pop(), time.monotonic()
            if end - begun < LEAST and not own.smoke:
                process.kill()
                print(f"time is over; not run: {command} {' '.join(names[number:])}", flush=True)
                break
            if number + 1 < len(names):
                upcoming.append(started(own, flags, names[number + 1]))
            failed = "attention" in measured and not measured["attention"]["proven"]
            seconds = own.minutes * 60 if own.smoke else min(own.minutes * 60, end - begun)
            if problem := turn(process, attention.SDPA if failed else "", seconds):
                print(f"{name}: not run to its end: {problem}", flush=True)
            else:
                text = (Path(own.out) / f"{name}.json").read_text(encoding="utf-8")
                measured[name] = json.loads(text)
            print(f"{name}: {time.monotonic() - begun:.0f} s in all", flush=True)
    finally:
        for process in upcoming:
            process.kill()
    report(own, measured)


def started(own: argparse.Namespace, flags: list[str], name: str) -> subprocess.Popen[str]:
    """Starts the process of a variant, which loads its libraries and then waits for a line."""
    (Path(own.out) / f"{name}.json").unlink(missing_ok=True)  # of a run before
    given = {"--config": own.config, "--variant": name, "--out": own.out, "--counted": own.counted}
    command = [sys.executable, __file__, *(str(x) for pair in given.items() for x in pair)]
    command += [f"--{key}" for key in ("smoke", "profile") if getattr(own, key)]
    for key in ("attention", "checkpointing"):
        command += [f"--{key}", getattr(own, key)] if getattr(own, key) else []
    return subprocess.Popen([*command, "--wait", *flags], stdin=subprocess.PIPE, text=True)


def turn(process: subprocess.Popen[str], implementation: str, seconds: float) -> str:
    """Lets a process that waits go on, with another attention where one is given; returns what went wrong."""
    try:
        process.communicate(f"{implementation}\n", timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"not within {seconds:.0f} s"
    return f"exit code {process.returncode}" if process.returncode else ""


def report(own: argparse.Namespace, measured: dict[str, dict[str, Any]]) -> None:
    """Prints the variants side by side; on a CPU it also writes their losses."""
    if "attention" in measured:
        print(json.dumps(measured["attention"]["errors"]))
    print(table(measured, speeds=not own.smoke))
    curve = {n: [s["loss"] for s in of["steps"]] for n, of in measured.items() if "steps" in of}
    if own.smoke and "plain" in curve:  # on a GPU the variants take other numbers of steps
        print(losses(curve))
        write_json(
            Path(own.out) / "losses.json", {n: [round(x, 5) for x in c] for n, c in curve.items()}
        )
        points = {n: list(enumerate(c, 1)) for n, c in curve.items()}
        (Path(own.out) / curves.PLOT).write_text(curves.svg(points), encoding="utf-8")


def main() -> int | None:
    """Runs all variants, or the one that a process of its own was started for."""
    own, flags = options()
    # names no device: that would open a context, whose memory the variants want
    if not own.smoke and not torch.cuda.is_available():
        raise MissingInputError(
            "no GPU here", "for the code alone type: python benchmarks/sft_recipe.py --smoke"
        )
    if own.variant is None:
        where = "CPU smoke: proves the code, no speed" if own.smoke else "GPU"
        print(f"{where}; torch {torch.__version__}", flush=True)
        Path(own.out).mkdir(parents=True, exist_ok=True)
        run_all(own, flags)
        return None
    if own.wait:
        line = sys.stdin.readline()
        if not line:  # who started this process is gone
            return 1
        own.attention = line.strip() or own.attention
    torch.set_num_threads(1 if own.smoke else torch.get_num_threads())
    found = prove(own) if own.variant == "attention" else measure(own, flags)
    text = json.dumps(found, indent=1)
    (Path(own.out) / f"{own.variant}.json").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)
    return None


def options() -> tuple[argparse.Namespace, list[str]]:
    """Reads this script's flags; those left over are keys of the recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=CONFIG, help="a recipe")
    parser.add_argument("--variants", nargs="*", choices=["attention", *VARIANTS])
    parser.add_argument("--variant", help="run this one in this process")
    parser.add_argument("--out", default="build/sft_recipe", help="folder of the JSON files")
    parser.add_argument("--counted", type=int, default=2, help="optimizer steps after the warm-up")
    parser.add_argument("--minutes", type=float, default=3.0, help="most minutes of a variant")
    parser.add_argument("--budget", type=float, default=9.0, help="most minutes of all on a GPU")
    parser.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--attention", help="the modes' attention, where varlen is not proven")
    parser.add_argument(
        "--checkpointing", choices=["none", "attention", "selective"], help="instead of the mode's"
    )
    parser.add_argument("--smoke", action="store_true", help="a tiny model on the CPU: no speeds")
    parser.add_argument(
        "--profile", action="store_true", help="list the last step's longest kernels"
    )
    return parser.parse_known_args()


if __name__ == "__main__":
    sys.exit(run_command(main))
