"""DPO by its command, on the smoke model."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import pytest

from coig_writer import facts
from tests.recipes.runs import ENVIRONMENT, ROOT


def dpo(folder, *flags):
    command = (
        *("--config", "recipes/configs/dpo_demo.yaml", "--output_dir", str(folder / "model")),
        *("--model_name_or_path", str(folder / "smoke")),
    )
    return subprocess.run(
        [sys.executable, "recipes/dpo.py", *command, *flags],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_planted_preference_is_learned_on_unseen_prompts_locked_and_not_mixed(tmp_path):
    command = [sys.executable, "recipes/smoke.py", "--out", str(tmp_path / "smoke")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    lines = [
        {
            "prompt": f"第{i}题，第{j}次。",
            "chosen": "好！" * (3 + (i + j) % 5),
            "rejected": "坏。" * (3 + (i * j) % 5),
        }
        for i, j in itertools.product(range(12), range(3))
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))
    done = dpo(tmp_path, "--preferences", str(file))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "interval by prompt" in done.stdout
    found = facts.read(tmp_path / "model" / "facts.json")
    assert found["dpo/accuracy"].n == 7
    assert float(found["dpo/accuracy"].value) > 0.9
    assert found["dpo/train_pairs"].value == 29
    assert (
        int(found["dpo/tokens"].value) > 29 * 2 * 20
    )  # both answers of a pair, with system turn and prompt
    locked = json.loads((tmp_path / "model" / "preferences.lock.json").read_text())
    assert (locked["train"]["pairs"], locked["held_out"]["pairs"]) == (29, 7)
    file.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines[1:]))
    other = dpo(tmp_path, "--preferences", str(file))
    assert other.returncode == 1
    assert "other preferences or settings" in other.stderr
