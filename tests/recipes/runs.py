"""Runs the real recipe on a handful of rows: shared by the trajectory tests and their recorder.

To record the committed trajectory anew: python -m tests.recipes.runs
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from coig_writer.training import smoke

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "trajectory.json"
ENVIRONMENT = os.environ | {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def creative(number):
    return {
        "id": f"c-{number}",
        "query": f"第{number}题：写雨。",
        "thought": f"想{number}：先写瓦，再写人。",
        "answer": f"雨落在第{number}片瓦上。" * (2 + number % 5),
    }


def general_zh(number):
    return {
        "input": f"{number}加{number}是多少？",
        "reasoning_content": f"{number}+{number}。",
        "content": f"等于{2 * number}。" * (1 + number % 3),
    }


def general_en(number):
    answer = f"<|begin_of_thought|>\n\n{number} twice\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nIt is {2 * number}.\n\n<|end_of_solution|>"
    return {
        "system": "s",
        "conversations": [
            {"from": "user", "value": f"Double {number}?"},
            {"from": "assistant", "value": answer},
        ],
    }


def prepare(folder: Path, creative_rows: int = 8, **changes) -> Path:
    """Writes sources, smoke model, recipe and mixture of 24 documents and the creative ones; returns the recipe."""
    for name, make, count in (
        ("creative", creative, creative_rows),
        ("zh", general_zh, 12),
        ("en", general_en, 12),
    ):
        lines = "".join(json.dumps(make(i), ensure_ascii=False) + "\n" for i in range(count))
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    settings = yaml.safe_load(
        (ROOT / "recipes" / "configs" / "demo.yaml").read_text(encoding="utf-8")
    )
    paths = {"creative": "creative", "general_zh": "zh", "general_en": "en"}
    for source, entry in settings["sources"].items():
        settings["sources"][source] = {
            "path": str(folder / f"{paths[source]}.jsonl"),
            "format": entry["format"],
        }
    settings |= {
        "variants": ["cw_10k"],
        "mixtures": str(folder / "mixtures"),
        "model_name_or_path": str(folder / "smoke"),
    }
    settings |= {
        "max_length": 512,
        "global_batch_size": 8,
        "per_device_train_batch_size": 2,  # what the tests' own accumulations multiply
        "gradient_accumulation_steps": 4,
        "num_train_epochs": 2,
        "logging_steps": 1,
        "output_dir": str(folder / "models"),
    } | changes
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    # fitted on these rows alone, so that the committed trajectory does not move with the samples
    smoke.make(folder / "smoke", [f.read_text(encoding="utf-8") for f in folder.glob("*.jsonl")])
    call("recipes/mix.py", "--config", str(recipe))
    return recipe


def call(*command: str) -> None:
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )


def train(
    recipe: Path,
    name: str,
    *flags: str,
    processes: int = 1,
    script: str = "recipes/sft.py",
    environment: dict[str, str] | None = None,
) -> Path:
    """Trains into a folder of its own, with further variables of the environment; returns the run's folder."""
    out = recipe.parent / name
    # accelerate's own launcher starts one process on a CPU whatever --num_processes says
    distributed = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    launcher = distributed if processes > 1 else []
    command = [
        sys.executable,
        *launcher,
        script,
        "--config",
        str(recipe),
        "--output_dir",
        str(out),
        *flags,
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=ENVIRONMENT | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out / "cw_10k"


def losses(run: Path) -> list[float]:
    """Returns the loss of every optimizer step."""
    history = json.loads((run / "trainer_state.json").read_text())["log_history"]
    return [float(entry["loss"]) for entry in history if "loss" in entry]


def consumed(run: Path) -> list[tuple[int, list[str]]]:
    """Returns the rows of every optimizer step, sorted within the step."""
    steps: dict[int, list[str]] = {}
    for file in run.glob("consumed-*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            steps.setdefault(entry["step"], []).extend(entry["rows"])
    return [(step, sorted(rows)) for step, rows in sorted(steps.items())]


def main() -> None:
    """Records the trajectory that the tests compare with."""
    with tempfile.TemporaryDirectory() as scratch:
        run = train(prepare(Path(scratch)), "straight")
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps({"losses": losses(run)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
