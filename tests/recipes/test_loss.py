"""Losses beside a base: what the command prints, and what it refuses before it measures."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from transformers import AutoTokenizer

from coig_writer.errors import run_command
from recipes import loss
from tests.coig_writer.conftest import creative_row

ROWS = [creative_row(number) for number in range(3)]


@pytest.fixture
def measured(tmp_path, monkeypatch, once, capsys):
    """Runs the command on three rows, with a base, its copy ``cw`` and ids; returns code and output."""
    base, dataset, ids = tmp_path / "base", tmp_path / "rows.jsonl", tmp_path / "ids.txt"
    for folder in (base, tmp_path / "cw"):
        shutil.copytree(once("smoke/model", "recipes/smoke.py"), folder)
    dataset.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    ids.write_text("".join(f"{row['id']}\n" for row in ROWS[:2]), "utf-8")

    def run(*given, models=("cw",)):
        named = [str(tmp_path / model) for model in models]
        fixed = ["--base", base, "--dataset", dataset, "--ids", ids, "--max-length", 4096]
        monkeypatch.setattr(sys, "argv", ["loss.py", *named, *map(str, [*fixed, *given])])
        code = run_command(loss.main)
        out, err = capsys.readouterr()
        return code, out + err

    return run


def test_a_copy_of_the_base_gains_nothing_and_the_losses_are_kept(measured, tmp_path):
    out = tmp_path / "new" / "losses.json"
    code, said = measured("--out", out)
    assert code == 0, said
    assert "Loss on 2 held-out samples" in said
    assert "+0.000 to +0.000" in said
    found = json.loads(out.read_text("utf-8"))
    assert found["rows"] == sorted(row["id"] for row in ROWS[:2])
    assert found["losses"]["cw"] == found["losses"]["base"]
    assert measured("--out", out)[0] == 0  # its own file is written anew


def test_a_foreign_file_is_not_written_over(measured, tmp_path):
    theirs = tmp_path / "theirs.json"
    theirs.write_text('{"mine": 1}', "utf-8")
    code, said = measured("--out", theirs)
    assert (code, theirs.read_text("utf-8")) == (1, '{"mine": 1}')
    assert "holds something else" in said


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (f"{ROWS[0]['id']}\nmistyped\n", "1 of 2 ids are not in"),
        (f"{ROWS[0]['id']}\n", "a single row has no interval"),
        ("\n \n", "no id in it"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_ids_that_give_no_comparison_are_refused(measured, tmp_path, ids, said):
    (tmp_path / "wrong.txt").write_bytes(ids if isinstance(ids, bytes) else ids.encode())
    code, found = measured("--ids", tmp_path / "wrong.txt")
    assert code == 1
    assert said in found


def test_models_that_cannot_be_compared_are_refused(measured, tmp_path):
    assert "none: no model here" in measured(models=["none"])[1]
    shutil.copytree(tmp_path / "cw", tmp_path / "other" / "cw")
    assert "two models are called 'cw'" in measured(models=["cw", "other/cw"])[1]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "cw")
    tokenizer.add_tokens(["正文"])
    tokenizer.save_pretrained(tmp_path / "other" / "cw")
    code, said = measured(models=["other/cw"])
    assert code == 1
    assert "other tokens than" in said
