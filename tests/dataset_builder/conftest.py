from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def packed(packed_samples):
    """The folder above the packed samples."""
    return packed_samples.parent


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
