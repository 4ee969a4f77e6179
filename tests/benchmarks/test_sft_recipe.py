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


STAND_IN = """
import json, pathlib, sys, time
out, name, line = pathlib.Path(sys.argv[1]), sys.argv[2], sys.stdin.readline()
if name == "plain":
    sys.exit(3)
if name == "lean":
    time.sleep(600)
proof = {"errors": {}, "proven": False} if name == "attention" else {}
(out / f"{name}.json").write_text(json.dumps(proof | {"line": line}))
"""


class Hanging(subprocess.Popen[str]):
    """A process whose time is over within a second, however long it is."""

    def communicate(self, told=None, timeout=None):
        return super().communicate(told, timeout and 1.0)


@pytest.fixture
def variants(monkeypatch, tmp_path):
    """Runs variants whose processes only write down what they are told."""

    def begun(own, flags, name):
        command = [sys.executable, "-c", STAND_IN, str(own.out), name]
        kind = Hanging if name == "lean" else subprocess.Popen
        return kind(command, stdin=subprocess.PIPE, text=True)

    def run(*names, budget=9.0):
        given = ["--out", str(tmp_path), "--budget", str(budget), "--minutes", "3"]
        monkeypatch.setattr("sys.argv", ["sft_recipe.py", *given, "--variants", *names])
        sft_recipe.run_all(*sft_recipe.options())
        files = (f for f in tmp_path.glob("*.json"))
        return {f.stem: json.loads(f.read_text())["line"].strip() for f in files}

    monkeypatch.setattr(sft_recipe, "started", begun)
    return run


def test_a_variant_that_fails_or_hangs_does_not_keep_the_next_from_running(variants, capsys):
    told = variants("attention", "plain", "lean", "fast")
    # the kernel was not proven, so who comes after it attends by the reference
    assert told == {"attention": "", "fast": "sdpa_per_document"}
    printed = capsys.readouterr().out
    assert "plain: not run to its end: exit code 3" in printed
    assert "lean: not run to its end: not within 180 s" in printed


@pytest.mark.parametrize(("budget", "begun"), [(sft_recipe.LEAST / 60 - 0.01, False), (9.0, True)])
def test_what_the_time_does_not_reach_is_named_with_its_command(variants, capsys, budget, begun):
    told = variants("attention", "fast", budget=budget)
    assert bool(told) is begun
    words = "time is over; not run: python benchmarks/sft_recipe.py --out "
    assert (words in capsys.readouterr().out) is not begun


@pytest.mark.slow
def test_the_recipes_own_step_runs_on_a_cpu_and_claims_no_speed(tmp_path):
    command = [sys.executable, "benchmarks/sft_recipe.py", "--smoke", "--counted", "1"]
    command += [
        "--out",
        str(tmp_path),
        "--variants",
        "attention",
        "fast",
        "fast_selective",
        "plain",
    ]
    flags = ["--global_batch_size", "4", "--gradient_accumulation_steps", "4"]
    done = subprocess.run(
        [*command, *flags], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "proves the code, no speed" in done.stdout
    proof, fast, selective, plain = (
        json.loads((tmp_path / f"{name}.json").read_text())
        for name in ("attention", "fast", "fast_selective", "plain")
    )
    assert proof["proven"]
    assert [of["mode"]["checkpointing"] for of in (fast, selective)] == ["attention", "selective"]
    first = [of["steps"][0] for of in (fast, selective, plain)]
    for other in first[:2]:
        assert other["grad_norm"] == pytest.approx(first[2]["grad_norm"], rel=1e-4)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("|")[2].strip() for row in rows] == [
        *("–", "–", "–"),
        *("3", "3", "3"),
    ]  # no tokens per second; steps
    assert json.loads((tmp_path / "losses.json").read_text())["fast"] == pytest.approx(
        [step["loss"] for step in plain["steps"]], rel=1e-5
    )
