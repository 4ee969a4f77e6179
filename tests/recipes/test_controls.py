"""The controls' command on a handful of rows: they build, lock and train."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coig_writer import facts
from coig_writer.mixing import controls
from tests.recipes.runs import ENVIRONMENT, ROOT, prepare


def command(*arguments):
    return subprocess.run(
        [sys.executable, "recipes/controls.py", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_names_it_lists_questions_and_an_unknown_name_is_refused():
    listed = command()
    assert listed.returncode == 0, listed.stderr
    assert "reasoning_shuffled" in listed.stdout
    assert "2,034" in listed.stdout
    refused = command("reasoning_suffled")
    assert refused.returncode == 1
    assert "controls are prompt_article" in refused.stderr


@pytest.mark.slow
def test_every_control_builds_locks_and_trains(tmp_path):
    recipe = prepare(tmp_path, num_train_epochs=1)
    done = command("all", "--config", str(recipe))
    assert done.returncode == 0, done.stderr[-3000:]
    names = controls.read(ROOT / controls.FILE)
    assert len(names) == 19
    rows = {}
    for name, control in names.items():
        lock = json.loads((tmp_path / "mixtures" / name / "mixture.lock.json").read_text())
        assert lock["control"]["question"] == control.question
        found = facts.read(tmp_path / "models" / name / "facts.json")
        assert found["run/consumed_sha256"].value == lock["ids_sha256"]
        assert found["run/seed"].value == (control.seed or 42)
        assert found["run/seeds"].value == 1
        rows[name] = lock["rows"]
        steps = 4 if name == "cw_step_matched" else -(-rows[name] // 8)
        assert found["run/steps"].value == steps
    assert rows["cw_step_matched"] == 8
    assert rows["creative_416"] < rows["creative_832"] < 32
    places = [f"--{name}={tmp_path / name}" for name in ("mixtures", "models", "out", "scores")]
    rendered = subprocess.run(
        [sys.executable, "-m", "model_cards", "render", "seed_2", *places],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rendered.returncode == 0, rendered.stderr[-3000:]
    card = (tmp_path / "out" / "seed_2" / "README.md").read_text(encoding="utf-8")
    assert "One run, with one seed (2)" in card
    assert names["seed_2"].question in card
