from __future__ import annotations

import runpy
from subprocess import CompletedProcess

import pytest

from tests.recipes.runs import ROOT


@pytest.fixture
def script(monkeypatch, capsys):
    """Runs a script as its command line does, in this process: one of its own would load TRL again, for ten seconds."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(path, *arguments):
        words = [path, *map(str, arguments)]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name="__main__")
        return CompletedProcess(words, int(ended.value.code or 0), *capsys.readouterr())

    return run
