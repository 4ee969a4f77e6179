"""The lighteval stage: what it adds to a command before lighteval sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer import command_line
from eval_tasks.__main__ import GROUP
from eval_tasks.lighteval import bounded


@pytest.mark.parametrize(
    ("command", "accelerator", "model"),
    [
        (["accelerate", "model_name=m,device=cpu"], True, "model_name=m,device=cpu,batch_size=1"),
        (["accelerate", "model_name=m,device=cpu,batch_size=4"], True, "model_name=m,device=cpu,batch_size=4"),
        (["accelerate", "model_name=m,device=cuda"], False, "model_name=m,device=cuda"),
        (["accelerate", "model_name=m"], True, "model_name=m"),
        (["accelerate", "model_name=m"], False, "model_name=m,batch_size=1"),
        (["custom", "device=cpu"], False, "device=cpu"),
    ],
)  # fmt: skip
def test_a_cpu_is_never_asked_for_the_largest_batch(
    command: list[str], accelerator: bool, model: str
) -> None:
    assert bounded([*command, "coig_writer|0"], accelerator) == [command[0], model, "coig_writer|0"]


@pytest.mark.parametrize("value", [[], ["0"], ["x"], ["-3"]])
def test_a_length_is_a_whole_number(value: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(GROUP, ["lighteval", "--max-new-tokens", *value]) == 2
    assert "max-new-tokens" in capsys.readouterr().err


# Peak memory of the command below was 0.8 GB; without a batch size lighteval took 22.7 GB and was killed.
MOST = 4 * 2**20  # KiB


@pytest.mark.slow
def test_a_model_runs_on_a_cpu_in_little_memory(root: Path, tmp_path: Path) -> None:
    measure = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]);"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measure, sys.executable, "-m", "eval_tasks", "lighteval", "--max-new-tokens", "8",
         "accelerate", "model_name=recipes/base", "coig_writer|0", "--max-samples", "1",
         "--output-dir", tmp_path],
        cwd=root, env=os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "coig_writer:en" in done.stdout
    peak = int(done.stdout.rpartition("peak ")[2])
    assert peak < MOST
