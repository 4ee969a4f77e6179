"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference material beside the checkout; tests that need it skip without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` with reference material beside the checkout")
    return folder


@pytest.fixture(scope="session")
def packed_samples(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The samples, packed by the command that a user types."""
    folder = tmp_path_factory.mktemp("samples") / "COIG-Writer"
    pack = [sys.executable, "-m", "dataset_builder", "pack", "--out", str(folder)]
    subprocess.run(pack, cwd=root, check=True)
    return folder
