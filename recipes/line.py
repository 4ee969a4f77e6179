"""Runs the whole line: python recipes/line.py demo | smollm2 | reproduce RUN [--smoke].

Texts in; dataset, five models, scores, report and cards out. Each stage is a command that also runs
alone; a stage whose outputs are newer than its inputs is skipped. Seconds per stage are printed at the
end.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coig_writer.errors import KitError, run_command
from coig_writer.mixture import VARIANTS

ROOT = Path(__file__).parents[1]
DEMO_PACK = "space/data/demo_pack.jsonl"


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One command of the line; it is up to date if every output is newer than every input."""

    name: str
    command: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def demo() -> list[Stage]:
    """Returns the line at sample scale, on the smoke model: smoke outputs, made in minutes."""
    config = "recipes/configs/demo.yaml"
    models = tuple(f"build/models/{v}/facts.json" for v in VARIANTS)
    written = tuple(f"build/generations/{v}.parquet" for v in (*VARIANTS, "base"))
    cards = tuple(f"build/cards/{v}/README.md" for v in VARIANTS)
    return [
        Stage(
            "pack the samples",
            ("-m", "dataset_builder", "pack"),
            ("dataset_builder", "src/coig_writer/data"),
            ("COIG-Writer/README.md",),
        ),
        Stage(
            "curate raw texts",
            ("-m", "dataset_builder", "curate", "--demo"),
            ("dataset_builder", "src/coig_writer/document.py"),
            ("build/curation/09-audit/index.html",),
        ),
        Stage(
            "smoke model",
            ("recipes/smoke.py",),
            ("dataset_builder/sample", "recipes/sample", "src/coig_writer/training/smoke.py"),
            ("build/smoke/config.json",),
        ),
        Stage(
            "mix",
            ("recipes/mix.py", config),
            ("COIG-Writer", "recipes/sample", config, "build/smoke/tokenizer.json"),
            tuple(f"build/mixtures/{v}/facts.json" for v in VARIANTS),
        ),
        Stage(
            "train five models",
            ("recipes/sft.py", "--config", config),
            tuple(f"build/mixtures/{v}/mixture.lock.json" for v in VARIANTS),
            models,
        ),
        Stage(
            "generate",
            (
                "recipes/generate.py",
                "--config",
                "recipes/configs/generate_demo.yaml",
                "--variants",
                *VARIANTS,
                "--base",
                "build/smoke",
            ),
            models,
            written,
        ),
        Stage(
            "score",
            ("-m", "eval_tasks", "score", "--generations", "build/generations", DEMO_PACK),
            (*written, DEMO_PACK),
            ("build/scores/facts.json",),
        ),
        Stage(
            "report",
            (
                "-m",
                "eval_tasks",
                "report",
                "--generations",
                "build/generations",
                DEMO_PACK,
                "--scores",
                "build/scores",
                "--out",
                "build/report",
            ),
            ("build/scores/facts.json",),
            ("build/report/report.html",),
        ),
        Stage(
            "cards",
            ("model_cards/render.py", *VARIANTS),
            (*models, "build/scores/facts.json", "model_cards"),
            cards,
        ),
        # no output of its own: a check, run every time
        Stage(
            "recompute a card",
            ("model_cards/reproduce.py", "build/cards/cw_10k", "--brief"),
            (),
            (),
        ),
    ]


def smollm2() -> list[Stage]:
    """Returns the line for a real small model: LoRA for two steps, English answers before and after."""
    config, run = "recipes/configs/smollm2.yaml", "build/smollm2-run"
    answers = (f"{run}/generations/g.parquet", f"{run}/generations/base.parquet")
    generate = (
        "recipes/generate.py",
        "--config",
        "recipes/configs/generate_smollm2.yaml",
        "--models",
        f"{run}/models",
        "--variants",
        "g",
        "--base",
        "build/smollm2",
        "--out",
        f"{run}/generations",
    )
    return [
        Stage(
            "fetch SmolLM2",
            ("recipes/smollm2.py",),
            ("recipes/smollm2.py",),
            ("build/smollm2/config.json",),
        ),
        Stage(
            "mix",
            ("recipes/mix.py", config),
            ("recipes/sample", config),
            (f"{run}/mixtures/g/facts.json",),
        ),
        Stage(
            "train with LoRA",
            ("recipes/sft.py", "--config", config),
            (f"{run}/mixtures/g/mixture.lock.json",),
            (f"{run}/models/g/facts.json",),
        ),
        Stage("generate", generate, (f"{run}/models/g/facts.json",), answers),
        Stage(
            "score",
            (
                "-m",
                "eval_tasks",
                "score",
                "--generations",
                f"{run}/generations",
                "--out",
                f"{run}/scores",
            ),
            answers,
            (f"{run}/scores/facts.json",),
        ),
        Stage(
            "report",
            (
                "-m",
                "eval_tasks",
                "report",
                "--generations",
                f"{run}/generations",
                "--scores",
                f"{run}/scores",
                "--out",
                f"{run}/report",
            ),
            (f"{run}/scores/facts.json",),
            (f"{run}/report/report.html",),
        ),
    ]


def reproduce(variant: str, *, smoke: bool) -> list[Stage]:
    """Returns the line of one published configuration, from sources to card."""
    config = "recipes/configs/demo.yaml" if smoke else f"recipes/configs/{variant}.yaml"
    decoding = "recipes/configs/generate_demo.yaml" if smoke else "recipes/configs/generate.yaml"
    root = Path("build") / ("reproduce-smoke" if smoke else "reproduce")
    mixtures, models, answers, scores, cards = (
        str(root / name) for name in ("mixtures", "models", "generations", "scores", "cards")
    )
    chosen = ("--variants", variant)
    makers = (
        [
            Stage(
                "smoke model",
                ("recipes/smoke.py",),
                ("dataset_builder/sample",),
                ("build/smoke/config.json",),
            )
        ]
        if smoke
        else []
    )
    packed = [
        Stage(
            "pack",
            ("-m", "dataset_builder", "pack", "--source", "samples" if smoke else "import"),
            ("dataset_builder/sample",) if smoke else ("build/import",),
            ("COIG-Writer/README.md",),
        )
    ]
    return [
        *packed,
        *makers,
        Stage(
            "mix",
            ("recipes/mix.py", config, "--out", mixtures, *chosen),
            ("COIG-Writer", config),
            (f"{mixtures}/{variant}/facts.json",),
        ),
        Stage(
            "train",
            (
                "-m",
                "accelerate.commands.launch",
                "recipes/sft.py",
                "--config",
                config,
                "--mixtures",
                mixtures,
                "--output_dir",
                models,
                *chosen,
            ),
            (f"{mixtures}/{variant}/mixture.lock.json",),
            (f"{models}/{variant}/facts.json",),
        ),
        Stage(
            "generate",
            (
                "recipes/generate.py",
                "--config",
                decoding,
                "--models",
                models,
                *chosen,
                "--out",
                answers,
            ),
            (f"{models}/{variant}/facts.json",),
            (f"{answers}/{variant}.parquet",),
        ),
        Stage(
            "score",
            ("-m", "eval_tasks", "score", "--generations", answers, "--out", scores),
            (f"{answers}/{variant}.parquet",),
            (f"{scores}/facts.json",),
        ),
        Stage(
            "card",
            (
                "model_cards/render.py",
                variant,
                "--models",
                models,
                "--mixtures",
                mixtures,
                "--scores",
                scores,
                "--generations",
                answers,
                "--out",
                cards,
            ),
            (f"{scores}/facts.json", "model_cards"),
            (f"{cards}/{variant}/README.md",),
        ),
    ]


def newest(paths: Sequence[str]) -> float:
    """Returns the time of the newest file at or under the paths; 0 where there is none."""
    found = 0.0
    for path in paths:
        place = ROOT / path
        files = (
            [place]
            if place.is_file()
            else [f for f in place.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
        )
        found = max([found, *(f.stat().st_mtime for f in files)])
    return found


def up_to_date(stage: Stage) -> bool:
    """Whether every output stands and is newer than every input."""
    outputs = [ROOT / path for path in stage.outputs]
    if not outputs or not all(path.is_file() for path in outputs):
        return False
    return min(path.stat().st_mtime for path in outputs) >= newest(stage.inputs)


def run(stages: Sequence[Stage]) -> list[tuple[str, float | None]]:
    """Runs stages in order.

    Returns:
        Name and seconds of each; None for one that was up to date.

    Raises:
        KitError: A stage failed; its own message stands above.
    """
    taken: list[tuple[str, float | None]] = []
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    for number, stage in enumerate(stages, 1):
        title = f"[{number}/{len(stages)}] {stage.name}"
        if up_to_date(stage):
            print(f"{title}: up to date", flush=True)
            taken.append((stage.name, None))
            continue
        print(f"{title}: python {' '.join(stage.command)}", flush=True)
        started = time.monotonic()
        code = subprocess.run(
            [sys.executable, "-W", "ignore::FutureWarning", *stage.command],
            cwd=ROOT,
            env=environment,
            check=False,
        ).returncode
        if code:
            raise KitError(
                f"stage '{stage.name}' ended with code {code}",
                "mend what its message says, then run the same command again: finished stages are kept",
            )
        for output in stage.outputs:
            if (ROOT / output).is_file():
                (ROOT / output).touch()
        taken.append((stage.name, time.monotonic() - started))
    return taken


def timings(taken: Sequence[tuple[str, float | None]]) -> str:
    """Renders seconds per stage."""
    lines = ["", f"{'stage':<24}{'seconds':>11}"]
    lines += [
        f"{name:<24}{'up to date' if seconds is None else f'{seconds:.1f}':>11}"
        for name, seconds in taken
    ]
    return "\n".join([*lines, f"{'in all':<24}{sum(s or 0 for _, s in taken):>11.1f}"])


def demo_places() -> str:
    """Renders what the demo made and how to go on."""
    places = {
        "dataset": "COIG-Writer/README.md",
        "models (smoke)": "build/models/",
        "generations (smoke)": "build/generations/",
        "scores": "build/scores/",
        "report": "build/report/report.html",
        "model cards": "build/cards/",
    }
    lines = [f"{what:<24}{where}" for what, where in places.items()]
    return "\n".join(["", *lines, "", "Open the arena:   .venv/bin/python space/app.py"])


def answers(folder: Path) -> str:
    """Renders the answers to the first query side by side, for a person to read."""
    from coig_writer.files import read_records
    from coig_writer.generation import Generation

    records = read_records(ROOT / folder, Generation)
    first = records[0].query_id
    shown = [f"--- {r.variant}:\n{r.text.strip()}" for r in records if r.query_id == first]
    return "\n".join(["", f"{first}: {records[0].prompt}", *shown])


def results(card: Path) -> str:
    """Returns the part of a model card that stands beside the paper's numbers."""
    text = (ROOT / card).read_text(encoding="utf-8")
    return "\n" + text[text.index("## Results") : text.index("## Use")].strip() + f"\n\n{card}"


def main() -> int | None:
    """Runs one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    lines = parser.add_subparsers(dest="line", required=True)
    lines.add_parser("demo", help="everything at sample scale on the smoke model")
    lines.add_parser("smollm2", help="a real 135M-parameter model with LoRA for two steps")
    one = lines.add_parser("reproduce", help="one published configuration, from sources to card")
    one.add_argument("run", choices=VARIANTS)
    one.add_argument("--smoke", action="store_true", help="on the samples and the smoke model")
    chosen = parser.parse_args()
    if chosen.line == "demo":
        print(timings(run(demo())) + demo_places())
    elif chosen.line == "smollm2":
        print(timings(run(smollm2())) + answers(Path("build/smollm2-run/generations")))
    else:
        taken = run(reproduce(chosen.run, smoke=chosen.smoke))
        place = Path("build") / ("reproduce-smoke" if chosen.smoke else "reproduce") / "cards"
        print(timings(taken) + results(place / chosen.run / "README.md"))
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
