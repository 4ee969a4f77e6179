"""The record of what a run consumed: cut back to a checkpoint, and read for the facts."""

from __future__ import annotations

import json
import logging

import pytest

from coig_writer.errors import DriftError, InputError
from coig_writer.mixture import MixtureRow, Turn
from coig_writer.training import recount, run


def line(step, *names, loss=0.5, epoch=0):
    rows = [f"creative\t{name}" for name in names]
    return {
        "epoch": epoch, "step": step, "padding": 0, "rows": rows,
        "numbers": list(range(len(rows))), "loss": loss, "seconds": 2.0 * step,
    }  # fmt: skip


def write(file, *lines, end=""):
    file.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines) + end)
    return file


def test_a_record_keeps_the_steps_up_to_its_checkpoint(tmp_path):
    file = write(tmp_path / "consumed-0.jsonl", *(line(step, f"题{step}") for step in (1, 2, 2, 3)))
    assert [kept["step"] for kept in recount.cut(file, 2)] == [1, 2, 2]
    assert [step["step"] for step in recount.consumed(tmp_path)] == [1, 2, 2]
    assert recount.cut(file, 0) == []
    assert not file.exists()
    assert recount.cut(file, 2) == []


def test_a_torn_last_line_is_left_out_and_named(tmp_path, caplog):
    whole = json.dumps(line(2, "题"), ensure_ascii=False).encode()
    file = write(tmp_path / "consumed-0.jsonl", line(1, "a"))
    for end in (1, whole.index("题".encode()) + 1, len(whole) - 1):  # within a character, too
        write(file, line(1, "a"))
        with file.open("ab") as handle:
            handle.write(whole[:end])
        with caplog.at_level(logging.WARNING):
            assert len(recount.cut(file, 2)) == 1
        assert "torn last line cut off" in caplog.text


def test_other_torn_lines_and_those_of_an_older_version_are_refused(tmp_path):
    file = tmp_path / "consumed-0.jsonl"
    file.write_text('{"epoch": 0, "st\n' + json.dumps(line(1, "a")) + "\n")
    with pytest.raises(InputError, match="line 1: not JSON"):
        recount.cut(file, 1)
    old = line(1, "a")
    del old["loss"], old["seconds"]
    with pytest.raises(InputError, match="line 1: without loss and seconds"):
        recount.cut(write(file, old), 1)


def rows(*names):
    turns = (Turn("user", "问"), Turn("assistant", "答"))
    return [MixtureRow(turns, "creative", name, 20) for name in names]


def facts_of(folder, *lines, **changes):
    write(folder / "consumed-0.jsonl", *lines)
    settings = {"learning_rate": 1e-3, "max_length": 44, "seed": 42, "global_batch_size": 2}
    (folder / "recipe.json").write_text(json.dumps(settings | changes))
    source = {"path": "COIG-Writer", "revision": None, "config": "creative"}
    lock = {"variant": "cw", "sources": {"creative": source}}
    (folder / "mixture.lock.json").write_text(json.dumps(lock))
    return {fact.id: fact.value for fact in recount.run(folder, rows("a", "b"))}


def test_the_loss_is_the_mean_over_all_steps_of_all_processes(tmp_path):
    write(tmp_path / "consumed-1.jsonl", line(1, loss=1.0), line(2, loss=0.25))
    found = facts_of(tmp_path, line(1, "a", loss=2.0), line(2, "b", loss=0.75), optim="adamw_torch")
    assert found["run/train_loss"] == 2.0  # (3 + 1) / 2
    assert found["run/optim"] == "adamw_torch"
    assert found["run/source/creative"] == "COIG-Writer, creative, revision not stated"
    assert "run/weight_decay" not in found  # this recipe.json does not say it


def test_a_run_of_before_states_no_loss_again(tmp_path):
    old = line(1, "a", "b")
    del old["loss"], old["seconds"]
    assert "run/train_loss" not in facts_of(tmp_path, old)


def test_a_row_that_is_trained_twice_in_an_epoch_is_found(tmp_path):
    write(tmp_path / "consumed-0.jsonl", line(1, "a"))
    write(tmp_path / "consumed-1.jsonl", line(1, "b"))
    run.check_consumed(tmp_path, rows("a", "b"), 1, 1.0)
    write(tmp_path / "consumed-1.jsonl", line(1, "b"), line(1, "a"))
    with pytest.raises(DriftError, match="consumed 3 rows, 1 of them again, the lock names 2"):
        run.check_consumed(tmp_path, rows("a", "b"), 1, 1.0)


def test_a_record_of_another_run_or_of_fewer_steps_is_not_gone_on_from(tmp_path):
    recount.check_kept(tmp_path, [], 0)
    write(tmp_path / "consumed-0.jsonl", line(1, "a", "b"), line(2, "c"), line(3, "a", epoch=1))
    kept = recount.cut(tmp_path / "consumed-0.jsonl", 3)
    recount.check_kept(tmp_path, kept, 3)
    with pytest.raises(DriftError, match="ends with step 3, and the checkpoint is of step 4"):
        recount.check_kept(tmp_path, kept, 4)
    with pytest.raises(DriftError, match="ends with step 0, and the checkpoint is of step 3"):
        recount.check_kept(tmp_path, [], 3)
    write(tmp_path / "consumed-1.jsonl", line(2, "b"))  # left by another run
    kept += recount.cut(tmp_path / "consumed-1.jsonl", 3)
    with pytest.raises(DriftError, match=r"row 'creative\\tb' twice in epoch 1, 1 rows"):
        recount.check_kept(tmp_path, kept, 3)
