"""The controls' command on a handful of rows: they build, lock and train."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coig_writer import facts
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
def test_every_control_builds_and_locks_and_some_train(tmp_path):
    recipe = prepare(tmp_path, num_train_epochs=1)
    built = command("all", "--config", str(recipe), "--mix-only")
    assert built.returncode == 0, built.stderr[-3000:]
    locks = [
        json.loads(file.read_text()) for file in (tmp_path / "mixtures").glob("*/mixture.lock.json")
    ]
    named = {lock["control"]["name"] for lock in locks if "control" in lock}
    assert len(named) == 17
    trained = command("prompt_article", "cw_step_matched", "seed_2", "--config", str(recipe))
    assert trained.returncode == 0, trained.stderr[-3000:]
    found = {
        name: facts.read(tmp_path / "models" / name / "facts.json")
        for name in ("prompt_article", "cw_step_matched", "seed_2")
    }
    assert {name: run["run/steps"].value for name, run in found.items()} == dict.fromkeys(found, 4)
    assert found["seed_2"]["run/seed"].value == 2
    assert found["seed_2"]["run/seeds"].value == 1
