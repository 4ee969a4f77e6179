"""The lines: every stage runs a command of the clone and reads what stands there or an earlier one made."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import tomllib

from coig_writer.errors import KitError
from recipes import line
from recipes.line import Stage

VALUES = {
    "run": "cw_1k",
    "home": "build/reproduce",
    "config": "recipes/configs/paper.yaml",
    "decoding": "recipes/configs/generate.yaml",
}


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("demo", "smoke", 10),
        ("smollm2", "smoke", 6),
        ("reproduce", "smoke", 6),
        ("reproduce", "full", 6),
    ],
)
def test_each_stage_reads_what_is_there_or_was_made_before(root, name, kind, count):
    stages = line.stages(name, VALUES, kind)
    assert len(stages) == count
    made = {"build/import"}
    for stage in stages:
        program = next(word for word in stage.run.split() if not word.startswith("-"))
        assert (root / program).exists() or program == "accelerate.commands.launch"
        for path in stage.reads.split():
            lock = path.replace("mixture.lock.json", "facts.json")
            assert (root / path).exists() or any(m.startswith(lock) for m in made), path
        made |= set(stage.makes.split())


def test_each_stands_for_the_five_variants():
    score = next(s for s in line.stages("demo", {}, "smoke") if s.name == "cards")
    assert score.run == "-m model_cards render cw cw_1k cw_5k cw_10k g"
    assert len(score.makes.split()) == 5


def test_a_stage_is_up_to_date_while_all_it_makes_is_newer_than_all_it_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(line, "ROOT", tmp_path)
    (tmp_path / "in").mkdir()
    for name, time in (("in/a", 10), ("in/b", 20), ("x", 20), ("y", 30)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (time, time))
    assert line.up_to_date(Stage("s", "run", "in", "x y"))  # 20 is not older than 20
    os.utime(tmp_path / "in/b", (21, 21))
    assert not line.up_to_date(Stage("s", "run", "in", "x y"))
    assert line.up_to_date(Stage("s", "run", "in", "y"))
    assert not line.up_to_date(Stage("s", "run", "in", "y z"))
    assert not line.up_to_date(Stage("a check", "run", "in"))
    assert not line.up_to_date(Stage("s", "run", "in gone", "y"))


def test_seconds_are_told_and_a_failure_stops_the_line(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(line, "ROOT", tmp_path)
    (tmp_path / "make.py").write_text("open('made', 'w').close()")
    (tmp_path / "fail.py").write_text("raise SystemExit(3)")
    make, fail = Stage("make", "make.py", "make.py", "made"), Stage("fail", "fail.py")
    assert line.run([make], offline=True).splitlines()[2].split()[0] == "make"
    assert "make                     up to date" in line.run([make], offline=True)
    with pytest.raises(KitError, match="stage 'fail' ended with code 3"):
        line.run([make, fail, make], offline=True)
    assert "[2/3] fail: python fail.py\n" in capfd.readouterr().out


@pytest.mark.parametrize("target", ["demo", "install"])
def test_what_make_installs_are_extras_of_the_project(root, target):
    """Nothing is run: `make -n -W` says what it would do once its needs have changed."""
    command = ["make", "-n", "-W", "pyproject.toml", target]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"-e '\.\[([\w,]*)\]'", told)
    assert len(named) == 1
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert named[0]
    assert set(named[0].split(",")) <= set(extras["optional-dependencies"])
