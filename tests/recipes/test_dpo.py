"""DPO by its command, on the smoke model."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys

import pytest

from coig_writer import command_line, facts
from model_cards.__main__ import GROUP
from tests.recipes.runs import ENVIRONMENT, ROOT


def dpo(folder, pairs, *flags, out=None):
    command = (
        *(
            "--config",
            "recipes/configs/dpo_demo.yaml",
            "--output_dir",
            str(out or folder / "model"),
        ),
        *("--model_name_or_path", str(folder / "smoke")),
        *("--preferences", str(folder / f"{pairs}.jsonl")),
    )
    return subprocess.run(
        [sys.executable, "recipes/dpo.py", *command, *flags],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip


CHECKPOINTS = ("--save_strategy", "steps", "--save_steps", "1", "--save_total_limit", "2")


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A finished run on planted preferences: its folder, what it printed, and the pairs."""
    folder = tmp_path_factory.mktemp("dpo")
    command = [sys.executable, "recipes/smoke.py", "--out", str(folder / "smoke")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    lines = [
        {
            "prompt": f"第{i}题，第{j}次。",
            "chosen": "好！" * (3 + (i + j) % 5),
            "rejected": "坏。" * (3 + (i * j) % 5),
        }
        for i, j in itertools.product(range(12), range(3))
    ]
    pairs(folder, "pairs", lines)
    done = dpo(folder, "pairs")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout, lines


def pairs(folder, name, lines):
    text = "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines)
    (folder / f"{name}.jsonl").write_text(text)


def consumed(run):
    return [json.loads(line) for line in (run / "consumed-0.jsonl").open()]


@pytest.mark.slow
def test_a_planted_preference_is_learned_on_unseen_prompts(taught):
    folder, printed, _ = taught
    assert "interval by prompt" in printed
    found = facts.read(folder / "model" / "facts.json")
    assert found["dpo/accuracy"].n == 7
    assert float(found["dpo/accuracy"].value) > 0.9
    assert found["dpo/train_pairs"].value == 29
    seen = consumed(folder / "model")
    epochs = seen[-1]["epoch"] + 1
    assert sorted(i for x in seen for i in x["pairs"]) == sorted([*range(29)] * epochs)
    assert (found["dpo/consumed"].value, found["dpo/repeated"].value) == (29 * epochs, 0)
    # both answers of a pair, with system turn and prompt
    assert int(found["dpo/tokens"].value) > epochs * 29 * 2 * 20


@pytest.mark.slow
def test_its_card_is_measured_again(taught, capsys):
    folder, _, _ = taught
    made = ["dpo", str(folder / "model"), "--out", str(folder / "card")]
    assert command_line.run(GROUP, made) is None
    words = ["reproduce", str(folder / "card"), "--build", str(folder / "model")]
    assert command_line.run(GROUP, words) == 0
    assert " 0 differ, " in capsys.readouterr().out


@pytest.mark.slow
def test_pairs_are_locked_a_finished_run_stands_and_other_pairs_are_not_mixed_in(taught):
    folder, _, lines = taught
    locked = json.loads((folder / "model" / "preferences.lock.json").read_text())
    assert (locked["train"]["pairs"], locked["held_out"]["pairs"]) == (29, 7)
    assert "holds the finished run" in dpo(folder, "pairs").stderr
    pairs(folder, "fewer", lines[1:])
    other = dpo(folder, "fewer")
    assert other.returncode == 1
    assert "other preferences or settings" in other.stderr


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights_and_record(taught):
    folder, _, _ = taught
    run = folder / "saved"
    saved = dpo(folder, "pairs", *CHECKPOINTS, out=run)
    assert saved.returncode == 0, saved.stderr[-3000:]
    *_, before, last = sorted(run.glob("checkpoint-*"), key=lambda f: int(f.name[11:]))
    shutil.rmtree(last)  # as if it had been killed in its last step
    (run / "facts.json").unlink()
    written = (run / "consumed-0.jsonl").read_text().splitlines(keepends=True)
    (run / "consumed-1.jsonl").write_text(written[-1])  # of a process that is there no more
    assert f"resuming from {before}" in dpo(folder, "pairs", *CHECKPOINTS, out=run).stderr
    weights = [(f / "model.safetensors").read_bytes() for f in (run, folder / "model")]
    assert weights[0] == weights[1]
    assert consumed(run) == consumed(folder / "model")
    assert not (run / "consumed-1.jsonl").exists()
