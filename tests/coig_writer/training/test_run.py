from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from coig_writer.cards.recompute import RECORDED
from coig_writer.errors import ConfigError
from coig_writer.training import run
from coig_writer.training.modes import Mode

MODEL = SimpleNamespace(dtype="bfloat16", use_peft=False, load_in_4bit=False)
TRAINER = SimpleNamespace(is_world_process_zero=lambda: True)


def checkpoints(out, **states):
    """Lays checkpoints by step, each with the text of its trainer state; None leaves the file out."""
    out.mkdir(exist_ok=True)
    (out / "fingerprint").write_text("mark")
    for name, text in states.items():
        folder = out / f"checkpoint-{name.removeprefix('step')}"
        folder.mkdir()
        if text is not None:
            (folder / "trainer_state.json").write_text(text)


def test_a_run_resumes_from_its_last_checkpoint_by_number(tmp_path):
    checkpoints(tmp_path, step9="{}", step10="{}")
    (tmp_path / "checkpoint-best").mkdir()
    assert run._checkpoint(tmp_path, "mark", TRAINER) == str(tmp_path / "checkpoint-10")


@pytest.mark.parametrize("cut", ["", '{"epoch": 1, "glo', None])
def test_a_checkpoint_cut_off_by_a_kill_is_passed_over_and_named(tmp_path, caplog, cut):
    checkpoints(tmp_path, step1="{}", step2=cut)
    with caplog.at_level(logging.INFO):
        found = run._checkpoint(tmp_path, "mark", TRAINER)
    assert found == str(tmp_path / "checkpoint-1")
    assert "checkpoint-2 was cut off" in caplog.text


def test_with_no_whole_checkpoint_the_run_starts_anew(tmp_path):
    checkpoints(tmp_path, step1="")
    assert run._checkpoint(tmp_path, "mark", TRAINER) is None
    assert run._checkpoint(tmp_path / "new", "other", TRAINER) is None
    assert (tmp_path / "new" / "fingerprint").read_text() == "other"


def test_checkpoints_of_other_settings_are_refused(tmp_path):
    checkpoints(tmp_path, step1="{}")
    with pytest.raises(ConfigError, match="other settings"):
        run._checkpoint(tmp_path, "changed", TRAINER)


def test_how_a_run_computed_is_what_only_it_can_know():
    """A card refuses a number that neither is measured again nor belongs to the run alone."""
    for mode in (Mode("plain"), Mode("lean", attention="varlen", compiled=True, lean=True)):
        stated = run._computed(mode, SimpleNamespace(bf16=True), MODEL)
        assert [fact.id for fact in stated if not RECORDED.fullmatch(fact.id)] == []
