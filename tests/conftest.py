"""Fixtures that more than one folder of tests uses, and the order and budget of the slow tests."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

import httpx
import hypothesis
import pytest

# No test is timed: hypothesis' own limits are 0.2 s an example, and some seconds to draw them.
_PROFILE = hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name())
hypothesis.settings.register_profile(
    "untimed", _PROFILE, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
STARTED = pytest.StashKey[float]()
NOT_STARTED = pytest.StashKey[list[str]]()
SPENT = "not started: it would not end within the budget of"
# The longest slow test of a file, in minutes on two quiet cores; one minute where no figure stands.
LONGEST = {"test_demo.py": 5.0, "test_guide.py": 4.0, "test_controls.py": 3.0}
COMMITS = 10  # looked back on the default branch itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget", type=float, metavar="MINUTES", help="start no test that would end after this"
    )
    parser.addoption(
        "--pace", type=float, default=1.0, help="how many times slower than two quiet cores"
    )


def pytest_sessionstart() -> None:
    # Where nothing is named, httpx gives up after 5 s: less than a busy machine may take.
    vars(httpx._config.DEFAULT_TIMEOUT_CONFIG).update(httpx.Timeout(300.0).as_dict())


def git(*words: str) -> str:
    """What a git command prints; nothing where it fails, as outside a checkout."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_paths() -> list[str]:
    """The files that differ from the default branch, or on it from some commits ago."""
    head = git("rev-parse", "HEAD")
    bases = (git("merge-base", "HEAD", name) for name in ("origin/HEAD", "origin/main", "main"))
    base = next((b for b in bases if b and b != head), f"HEAD~{COMMITS}")
    return git("diff", "--name-only", base).splitlines()


def room(path: str) -> tuple[str, ...]:
    """The folder of a file as both trees name it, without ``src`` and ``tests``."""
    folders = PurePath(path).parts[:-1]
    return folders[1:] if folders[:1] in (("src",), ("tests",)) else folders


def touched(test: str, changed: Iterable[str]) -> bool:
    """Tells whether a test's file changed, or a module in the folder that it mirrors or above it."""
    own = room(test)
    rooms = (room(path) for path in changed if path.endswith((".py", ".jinja", ".md", ".json")))
    return test in changed or any(r and own[: len(r)] == r for r in rooms)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--budget"):  # what changed comes first, then the README's first command
        changed = changed_paths()
        files = {item.path: str(item.path.relative_to(ROOT)) for item in items}
        first = {path: not touched(name, changed) for path, name in files.items()}
        items.sort(key=lambda item: (first[item.path], item.path.name != "test_demo.py"))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = time.monotonic()
    config.stash[NOT_STARTED] = []


def fits(file: str, spent: float, budget: float, pace: float) -> bool:
    """Tells whether a file's longest test, started after some minutes, ends within the budget."""
    return spent + LONGEST.get(file, 1.0) * pace <= budget


@pytest.hookimpl(tryfirst=True)  # before fixtures that train
def pytest_runtest_setup(item: pytest.Item) -> None:
    budget, pace = (item.config.getoption(name) for name in ("--budget", "--pace"))
    spent = (time.monotonic() - item.config.stash[STARTED]) / 60
    if budget and not fits(item.path.name, spent, budget, pace):
        pytest.skip(f"{SPENT} {budget:g} minutes on this machine")
    if torch := sys.modules.get("torch"):  # lighteval, once imported, has them off in the process
        torch.set_grad_enabled(True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.config.stash[NOT_STARTED] = [
        report.nodeid for report in skipped if SPENT in str(report.longrepr)
    ]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line: the tests that were not started."""
    if left := config.stash.get(NOT_STARTED, []):
        sys.stdout.write(f"not started for lack of time: {', '.join(left)}\n")


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
def once(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Callable[..., Path]:
    """Runs one of the kit's commands that writes ``--out``, once for all workers."""

    def made(name: str, *command: str) -> Path:
        base = tmp_path_factory.getbasetemp()
        base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
        folder, done = base / "once" / name, base / "once" / f"{name}.done"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                argv = [sys.executable, *command, "--out", str(folder)]
                subprocess.run(argv, cwd=root, check=True)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def packed_samples(once: Callable[..., Path]) -> Path:
    """The samples, packed by the command that a user types; never written to."""
    return once("samples/COIG-Writer", "-m", "dataset_builder", "pack")
