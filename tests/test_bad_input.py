"""Every command without its input, with a broken one, on a full disk and after Ctrl-C.

One clear sentence, the next command to type, a non-zero exit code, nothing half-made under a final name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
ENVIRONMENT = os.environ | {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
DEMO = "recipes/configs/demo.yaml"

# command, what its broken input file is called under the scratch folder
READERS = {
    "pack": (
        ["-m", "dataset_builder", "pack", "--source", "{in}", "--out", "{out}"],
        "triplets.{kind}",
    ),
    "describe": (["-m", "dataset_builder", "describe", "{in}"], "data/x.{kind}"),
    "score": (["-m", "eval_tasks", "score", "--generations", "{in}", "--out", "{out}"], "g.{kind}"),
    "report": (
        [
            "-m",
            "eval_tasks",
            "report",
            "--generations",
            "{in}",
            "--scores",
            "{in}",
            "--out",
            "{out}",
        ],
        "g.{kind}",
    ),
    "sft": (
        [
            "recipes/sft.py",
            "--config",
            DEMO,
            "--variants",
            "cw",
            "--mixtures",
            "{in}",
            "--output_dir",
            "{out}",
        ],
        "cw/train.{kind}",
    ),
    "arena": (["space/app.py", "--generations", "{in}"], "g.{kind}"),
}
FAULTS = {
    "absent": None,
    "empty": ("jsonl", b""),
    "wrong column": ("jsonl", b'{"colour": "red"}\n'),
    "half-written": ("parquet", b"PAR1\x15\x04\x15"),
}


def run(root, command, **changes):
    return subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env=ENVIRONMENT | changes,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def sentence(done):
    """The error sentence; fails on a traceback or a missing remedy."""
    assert done.returncode not in (0, None), done.stdout[-500:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr[-2000:]
    assert "\n  → " in done.stderr
    return errors[0]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", READERS)
def test_a_broken_input_ends_in_one_sentence(root, tmp_path, name, fault):
    command, file = READERS[name]
    source, out = tmp_path / "in", tmp_path / "out"
    broken = FAULTS[fault]
    if broken is not None:
        kind, data = broken
        place = source / file.format(kind=kind)
        place.parent.mkdir(parents=True)
        place.write_bytes(data)
    sentence(
        run(
            root, [part.replace("{in}", str(source)).replace("{out}", str(out)) for part in command]
        )
    )
    assert not out.exists() or not any(p.is_file() for p in out.rglob("*"))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["recipes/mix.py", "--config", DEMO, "--out", "{tmp}/m"], "no tokenizer for recipes/base"),
        (["recipes/generate.py", "--models", "{tmp}/models"], "train it first"),
        (["-m", "model_cards", "render", "cw", "--models", "{tmp}/models"], "no facts here"),
        (["recipes/mix.py", "--config", "{tmp}/gone.yaml"], "no such recipe"),
        (["recipes/show.py", "--mixture", "{tmp}/m"], "no such file"),
    ],
)
def test_a_missing_input_names_the_command_that_makes_it(root, tmp_path, command, expected):
    filled = [part.replace("{tmp}", str(tmp_path)) for part in command]
    # recipes name recipes/base relative to the checkout: run where there is none
    done = subprocess.run(
        [
            sys.executable,
            *[str(root / p) if p.startswith("recipes/") else p for p in filled],
        ],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected in sentence(done) + done.stderr


HALTS = """
import os, runpy, signal, sys
left = [3]  # files that it begins in its new folder before it stands still
def halt(event, given):
    if event == "open" and ".partial/" in str(given[0]) and left:
        left[0] -= 1
        if not left[0]:
            left.clear()
            os.kill(os.getpid(), signal.SIGSTOP)
sys.addaudithook(halt)
runpy.run_module("dataset_builder", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_leaves_nothing_half_made(root, tmp_path):
    out = tmp_path / "COIG-Writer"
    process = subprocess.Popen(
        [sys.executable, "-c", HALTS, "pack", "--out", str(out)],
        cwd=root,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    assert list(tmp_path.glob(".COIG-Writer.*.partial"))
    for number in (signal.SIGINT, signal.SIGCONT):
        process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "nothing half-made" in errors
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_in_a_sentence(root, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        done = run(root, ["-m", "dataset_builder", "pack", "--out", str(disk / "COIG-Writer")])
        assert done.returncode == 1
        assert "no space left on the device" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
