"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget", type=float, metavar="MINUTES", help="start no test after this time"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--budget"):  # what matters most comes first: the README's first command
        items.sort(key=lambda item: item.path.name != "test_demo.py")


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[STARTED] = time.monotonic()


def pytest_runtest_setup(item: pytest.Item) -> None:
    budget = item.config.getoption("--budget")
    if budget and time.monotonic() - item.config.stash[STARTED] > 60 * budget:
        pytest.skip(f"not started: the budget of {budget:g} minutes is spent on this machine")


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
