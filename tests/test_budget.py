"""The order of the slow tests and the line that names what was left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import conftest


@pytest.mark.parametrize(
    ("changed", "test", "expected"),
    [
        (
            "src/coig_writer/arena/server/app.py",
            "tests/coig_writer/arena/server/test_kill.py",
            True,
        ),
        (
            "src/coig_writer/arena/study/deal.py",
            "tests/coig_writer/arena/server/test_kill.py",
            False,
        ),
        ("src/coig_writer/files.py", "tests/coig_writer/arena/server/test_kill.py", True),
        ("recipes/sft.py", "tests/recipes/test_trajectories.py", True),
        ("recipes/sft.py", "tests/space/test_app.py", False),
        ("tests/space/test_app.py", "tests/space/test_app.py", True),
        ("README.md", "tests/space/test_app.py", False),
    ],
)
def test_what_changed_is_found_by_its_folder(changed, test, expected):
    assert conftest.touched(test, [changed]) is expected


@pytest.mark.parametrize(
    ("file", "spent", "pace", "expected"),
    [
        ("test_app.py", 29.0, 1.0, True),
        ("test_app.py", 29.1, 1.0, False),
        ("test_app.py", 25.0, 5.0, True),
        ("test_app.py", 25.0, 5.1, False),
        ("test_demo.py", 25.0, 1.0, True),
        ("test_demo.py", 25.1, 1.0, False),
    ],
)
def test_a_test_is_started_if_it_ends_within_the_budget(file, spent, pace, expected):
    assert conftest.fits(file, spent, 30.0, pace) is expected


def test_the_last_line_names_what_was_not_started_in_any_worker(root):
    own = ["tests/test_budget.py", "-k", "found_by_its_folder and recipes", "--budget", "0.5"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *own]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("not started for lack of time: tests/test_budget.py::")
    assert last.count("found_by_its_folder[recipes/sft.py") == 2
