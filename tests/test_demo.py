"""The README's first command, from a fresh clone: what stands at its end, and what a second run does."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from coig_writer import facts
from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.mixture import VARIANTS, MixtureRow, ids_hash
from coig_writer.paper import TABLE_4_MEAN
from coig_writer.score import Score

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """A clone of the last commit in which `make demo` has run.

    Its environment is this one, which `make install` made, with the clone's own package before it:
    installing everything a second time would prove nothing more and take as long as the demo.
    """
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], check=True)
    (folder / ".venv").symlink_to(sys.prefix)
    for stamp in ("installed", "installed-demo"):
        (folder / ".venv" / stamp).touch()
    return folder, make(folder, "demo")


def make(folder, *words):
    """What a target of the clone's Makefile prints."""
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    environment["PYTHONPATH"] = str(folder / "src")
    done = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "pip install" not in done.stdout
    return done.stdout


def test_seconds_per_stage_paths_and_next_command_are_printed(clone):
    folder, out = clone
    for words in (
        "stage",
        "seconds",
        "in all",
        "train five models",
        "COIG-Writer/README.md",
        "build/report/report.html",
        "Open the arena:   .venv/bin/python space/app.py",
    ):
        assert words in out
    for place in (
        "COIG-Writer/README.md",
        "build/report/report.html",
        *(f"build/cards/{v}/README.md" for v in VARIANTS),
    ):
        assert (folder / place).stat().st_size > 1000


def test_five_locks_five_models_and_what_was_consumed(clone):
    folder, _ = clone
    locks = [
        json.loads((folder / "build" / "mixtures" / v / "mixture.lock.json").read_text())
        for v in VARIANTS
    ]
    assert len({lock["ids_sha256"] for lock in locks}) == 5
    assert [lock["sources"].get("general_zh", {}).get("rows", 0) for lock in locks] == [
        0,
        2,
        10,
        20,
        20,
    ]
    never = set((folder / "recipes" / "base" / "held_out.txt").read_text().split())
    for variant in VARIANTS:
        rows = read_records(folder / "build" / "mixtures" / variant / "train.parquet", MixtureRow)
        assert not never & {row.source_id for row in rows}
    weights = {
        (folder / "build" / "models" / v / "model.safetensors").read_bytes() for v in VARIANTS
    }
    assert len(weights) == 5
    for variant, lock in zip(VARIANTS, locks, strict=True):
        lines = (
            (folder / "build" / "models" / variant / "consumed-0.jsonl")
            .read_text(encoding="utf-8")
            .splitlines()
        )
        consumed = [row for line in lines for row in json.loads(line)["rows"]]
        assert ids_hash(consumed) == lock["ids_sha256"]
        assert len(consumed) == lock["rows"]


def test_training_lowers_the_loss_on_samples_that_no_model_saw(clone):
    folder, out = clone
    found = json.loads((folder / "build" / "models" / "held_out_loss.json").read_text())
    mean = {model: sum(values) / len(values) for model, values in found["losses"].items()}
    assert len(found["rows"]) == 20
    assert mean["cw"] < mean["base"] < 7
    assert "Loss on 20 held-out samples" in out


def test_generations_and_scores(clone):
    folder, _ = clone
    answers = read_records(folder / "build" / "generations", Generation)
    assert {a.variant for a in answers} == {*VARIANTS, "base"}
    assert {a.language for a in answers} == {"zh", "en"}
    scores = [
        s
        for v in (*VARIANTS, "base")
        for s in read_records(folder / "build" / "scores" / f"{v}.parquet", Score)
    ]
    assert all((s.value is None) == (s.state == "missing") for s in scores)
    unterminated = sum(a.reasoning_state == "unterminated" for a in answers)
    assert unterminated == sum(s.value == 1 for s in scores if s.metric == "reasoning_unterminated")
    found = facts.read(folder / "build" / "scores" / "facts.json")
    assert any(key.startswith("style-plain/zh/ttr") for key in found)


def test_smoke_outputs_say_so(clone):
    folder, _ = clone
    for variant in VARIANTS:
        assert "Smoke-scale model" in (
            folder / "build" / "cards" / variant / "README.md"
        ).read_text(encoding="utf-8")
    assert "not rows of COIG-Writer" in (folder / "COIG-Writer" / "README.md").read_text(
        encoding="utf-8"
    )


def test_a_second_run_builds_nothing(clone):
    folder, _ = clone
    before = {p: p.stat().st_mtime_ns for p in (folder / "build").rglob("*.parquet")}
    out = make(folder, "demo")
    ran = [line for line in out.splitlines() if line.startswith("[") and "up to date" not in line]
    assert ["recompute a card" in line for line in ran] == [True]  # a check, run every time
    assert {p: p.stat().st_mtime_ns for p in (folder / "build").rglob("*.parquet")} == before


def test_reproduce_ends_with_the_scores_beside_the_papers(clone):
    folder, _ = clone
    out = make(folder, "reproduce", "RUN=g", "SMOKE=1")
    for stage in ("mix", "train", "generate", "score", "card"):
        assert f"] {stage}: " in out
    table = out.partition("| Language | Metric | Mean | n | Paper | Difference |")[2]
    (ttr,) = (row for row in table.splitlines() if row.startswith("| zh | `ttr` |"))
    *_, mean, _, paper, difference, _ = (cell.strip() for cell in ttr.split("|"))
    assert float(paper) == TABLE_4_MEAN["zh"]["g"]
    assert float(difference) == pytest.approx(float(mean.split()[0]) - float(paper), abs=0.001)
    assert out.rstrip().endswith("build/reproduce-smoke/cards/g/README.md")
