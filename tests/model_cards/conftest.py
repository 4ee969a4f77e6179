from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def packed_samples(tmp_path_factory, root):
    """The samples, packed by the command that a user types."""
    folder = tmp_path_factory.mktemp("samples") / "COIG-Writer"
    subprocess.run(
        [sys.executable, "-m", "dataset_builder", "pack", "--out", str(folder)],
        cwd=root,
        check=True,
    )
    return folder
