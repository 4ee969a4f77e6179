from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def packed(tmp_path_factory, root):
    """The samples, packed once by the command that a user types; the folder above the dataset."""
    above = tmp_path_factory.mktemp("packed")
    subprocess.run(
        [sys.executable, "-m", "dataset_builder", "pack", "--out", str(above / "COIG-Writer")],
        cwd=root,
        check=True,
    )
    return above


@pytest.fixture(scope="session")
def python_above(packed):
    """Runs Python in the folder above the dataset, offline, with a cache of its own."""

    def run(code, **variables):
        environment = (
            os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(packed / "cache")} | variables
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=packed,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run
