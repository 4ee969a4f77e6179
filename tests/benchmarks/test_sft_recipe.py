from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.recipes.runs import ENVIRONMENT, ROOT


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
    assert [row.split("|")[2].strip() for row in rows] == ["–", "–"]  # tokens per second
