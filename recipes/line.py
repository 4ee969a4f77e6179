"""Runs the whole line: python recipes/line.py demo.

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
BUILD = Path("build")
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
    written = tuple(f"build/generations/{v}.parquet" for v in VARIANTS)
    cards = tuple(f"build/cards/{v}/README.md" for v in VARIANTS)
    return [
        Stage(
            "pack the samples",
            ("-m", "dataset_builder", "pack"),
            ("dataset_builder", "src/coig_writer/data"),
            ("COIG-Writer/README.md",),
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
    if not all(path.is_file() for path in outputs):
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


def summary(taken: Sequence[tuple[str, float | None]]) -> str:
    """Renders the closing table, the paths made and the command that opens the arena."""
    lines = ["", f"{'stage':<22}{'seconds':>9}"]
    lines += [
        f"{name:<22}{'up to date' if seconds is None else f'{seconds:.1f}':>9}"
        for name, seconds in taken
    ]
    lines += [f"{'in all':<22}{sum(s or 0 for _, s in taken):>9.1f}", ""]
    places = {
        "dataset": "COIG-Writer/README.md",
        "models (smoke)": "build/models/",
        "generations (smoke)": "build/generations/",
        "scores": "build/scores/",
        "report": "build/report/report.html",
        "model cards": "build/cards/",
    }
    lines += [f"{what:<22}{where}" for what, where in places.items()]
    lines += ["", "Open the arena:   .venv/bin/python space/app.py"]
    return "\n".join(lines)


def main() -> int | None:
    """Runs one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "line", choices=["demo"], help="demo: everything at sample scale on the smoke model"
    )
    parser.parse_args()
    print(summary(run(demo())))
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
