from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import sft_recipe
from tests.recipes.runs import ENVIRONMENT, ROOT


def test_the_pages_losses_are_those_of_its_file() -> None:
    folder = ROOT / "benchmarks"
    curve = json.loads((folder / "sft" / "losses.json").read_text())
    assert list(curve) == ["plain", "fast", "lean", "lean_bf16"]
    assert sft_recipe.losses(curve) in (folder / "sft.md").read_text(encoding="utf-8")
    apart = [abs(a - b) for a, b in zip(curve["plain"], curve["fast"], strict=True)]
    assert max(apart) < 2e-4


@pytest.mark.slow
def test_the_recipes_own_step_runs_on_a_cpu_and_claims_no_speed(tmp_path):
    command = [sys.executable, "benchmarks/sft_recipe.py", "--smoke", "--counted", "1"]
    command += ["--out", str(tmp_path), "--variants", "attention", "fast", "plain"]
    flags = ["--global_batch_size", "4", "--gradient_accumulation_steps", "4"]
    done = subprocess.run(
        [*command, *flags], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "proves the code, no speed" in done.stdout
    proof, fast, plain = (
        json.loads((tmp_path / f"{name}.json").read_text())
        for name in ("attention", "fast", "plain")
    )
    assert proof["proven"]
    first = [of["steps"][0] for of in (fast, plain)]
    assert first[0]["grad_norm"] == pytest.approx(first[1]["grad_norm"], rel=1e-4)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("|")[2].strip() for row in rows] == [
        "–",
        "–",
        "3",
        "3",
    ]  # no tokens per second; steps
    assert json.loads((tmp_path / "losses.json").read_text())["fast"] == pytest.approx(
        [step["loss"] for step in plain["steps"]], rel=1e-5
    )
