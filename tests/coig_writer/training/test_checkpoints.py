from __future__ import annotations

import logging
import shutil
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl import ModelConfig

from coig_writer.cards.recompute import RECORDED
from coig_writer.errors import ConfigError, InputError
from coig_writer.mixing import controls
from coig_writer.training import checkpoints, provenance, run
from coig_writer.training import recipe as recipes
from coig_writer.training.modes import Mode
from coig_writer.training.trainer import RecipeTrainer
from tests.coig_writer.training.mixtures import NAME, build, flags

MODEL = ModelConfig(dtype="bfloat16")
TRAINER: Any = SimpleNamespace(
    is_world_process_zero=lambda: True,
    is_fsdp_enabled=False,
    is_deepspeed_enabled=False,
    accelerator=SimpleNamespace(wait_for_everyone=lambda: None),
)


def saved(out, **states):
    """Lays checkpoints by step, each with the text of its trainer state; None leaves the file out."""
    out.mkdir(exist_ok=True)
    (out / "fingerprint").write_text("mark")
    for name, text in states.items():
        folder = out / f"checkpoint-{name.removeprefix('step')}"
        folder.mkdir()
        (folder / "optimizer.pt").touch()
        if text is not None:
            (folder / "trainer_state.json").write_text(text)


def test_a_run_resumes_from_its_last_checkpoint_by_number(tmp_path):
    saved(tmp_path, step9="{}", step10="{}")
    (tmp_path / "checkpoint-best").mkdir()
    assert checkpoints.last(tmp_path, ["mark"], TRAINER) == str(tmp_path / "checkpoint-10")


@pytest.mark.parametrize("cut", ["", '{"epoch": 1, "glo', None])
def test_a_checkpoint_cut_off_by_a_kill_is_passed_over_and_named(tmp_path, caplog, cut):
    saved(tmp_path, step1="{}", step2=cut)
    with caplog.at_level(logging.INFO):
        found = checkpoints.last(tmp_path, ["mark"], TRAINER)
    assert found == str(tmp_path / "checkpoint-1")
    assert "checkpoint-2 was cut off" in caplog.text


def test_with_no_whole_checkpoint_the_run_starts_anew(tmp_path):
    saved(tmp_path, step1="")
    assert checkpoints.last(tmp_path, ["mark"], TRAINER) is None
    assert checkpoints.last(tmp_path / "new", ["other"], TRAINER) is None
    assert (tmp_path / "new" / "fingerprint").read_text() == "other"


def test_checkpoints_of_other_settings_are_refused(tmp_path):
    saved(tmp_path, step1="{}")
    with pytest.raises(ConfigError, match="other settings"):
        checkpoints.last(tmp_path, ["changed"], TRAINER)


def test_how_a_run_computed_is_what_only_it_can_know():
    """A card refuses a number that neither is measured again nor belongs to the run alone."""
    sft: Any = SimpleNamespace(bf16=True)
    for mode in (Mode("plain"), Mode("lean", attention="varlen", compiled=True, lean=True)):
        stated = provenance.computed(mode, sft, MODEL)
        assert [fact.id for fact in stated if not RECORDED.fullmatch(fact.id)] == []


def test_a_finished_run_that_is_to_be_overwritten_loses_its_checkpoints_and_an_unfinished_one_goes_on(
    tmp_path,
):
    saved(tmp_path, step1="{}")
    checkpoints.clear(tmp_path, TRAINER)
    assert checkpoints.last(tmp_path, ["mark"], TRAINER) == str(tmp_path / "checkpoint-1")
    (tmp_path / "facts.json").write_text("{}")
    checkpoints.clear(tmp_path, TRAINER)
    assert checkpoints.last(tmp_path, ["mark"], TRAINER) is None


def test_another_number_of_devices_is_the_same_run_and_another_rate_is_not():
    settings = {"learning_rate": 1e-5, "gradient_accumulation_steps": 32, "seed": 42}
    (mark, old), (shared, _) = (
        checkpoints.marks(s) for s in (settings, settings | {"gradient_accumulation_steps": 4})
    )
    assert mark == shared != old
    assert mark != checkpoints.marks(settings | {"learning_rate": 2e-5})[0]


@pytest.mark.parametrize(("sharded", "file"), [(True, "fsdp2.yaml"), (False, "one_gpu.yaml")])
def test_states_of_another_form_are_refused_with_the_launch_to_type(tmp_path, sharded, file):
    if not sharded:
        (tmp_path / "optimizer.pt").touch()
    checkpoints._check_states(tmp_path, sharded=sharded)
    with pytest.raises(ConfigError, match=file):
        checkpoints._check_states(tmp_path, sharded=not sharded)


def test_the_licence_of_a_base_is_what_its_card_says(tmp_path):
    assert provenance.base_license(str(tmp_path), None) == "unknown"
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Model\n")
    assert provenance.base_license(str(tmp_path), None) == "apache-2.0"
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: qwen\n---\n")
    assert provenance.base_license(str(tmp_path), None) == "qwen"


def test_the_base_is_named_without_its_place_on_this_machine(tmp_path):
    model: Any = SimpleNamespace(config=SimpleNamespace())
    settings = ModelConfig(model_name_or_path=str(tmp_path / "base"), model_revision="main")
    stated = provenance.made_of(model, settings)
    found = {fact.id: fact.value for fact in stated}
    assert found["run/base_model"] == "base"
    assert "run/version/transformers" in found
    assert [fact.id for fact in stated if not RECORDED.fullmatch(fact.id)] == []


def test_sharded_gradients_are_summed_in_fp32_where_accelerate_would_take_bf16():
    from accelerate import FullyShardedDataParallelPlugin

    plugin = FullyShardedDataParallelPlugin(fsdp_version=2)
    plugin.set_mixed_precision("bf16")
    policy: Any = plugin.mixed_precision_policy
    assert policy.reduce_dtype == torch.bfloat16
    state = SimpleNamespace(fsdp_plugin=plugin)
    trainer: Any = SimpleNamespace(accelerator=SimpleNamespace(state=state))
    RecipeTrainer._sum_in_fp32(trainer)
    policy = plugin.mixed_precision_policy
    assert (policy.param_dtype, policy.reduce_dtype) == (torch.bfloat16, torch.float32)
    assert policy.output_dtype is None  # a loss in bf16 would have three digits


def test_facts_that_cannot_be_read_say_how_the_run_is_trained_again(tmp_path):
    assert not checkpoints.finished(tmp_path, ["mark"])
    (tmp_path / "facts.json").write_text('{"facts": [')
    with pytest.raises(InputError, match="not a facts file") as caught:
        checkpoints.finished(tmp_path, ["mark"])
    assert "remove that file and run the same command" in str(caught.value.remedy)


def test_a_damaged_checkpoint_is_one_sentence(root, tmp_path, smoke, smoke_tokenizer):
    build(tmp_path, smoke_tokenizer, controls.read(root / controls.FILE)[NAME])
    saving = ("--save_strategy", "steps", "--save_steps", "1", "--max_steps", "2")
    given = recipes.parse(flags(root, tmp_path, smoke, *saving))
    out = run.train(*given, NAME)
    (out / "facts.json").unlink()
    shutil.rmtree(out / "checkpoint-2")
    for name, data in (
        ("optimizer.pt", b"x"),
        ("optimizer.pt", b"PK\x03\x04"),
        ("model.safetensors", b""),
    ):
        whole = (out / "checkpoint-1" / name).read_bytes()
        (out / "checkpoint-1" / name).write_bytes(data)
        with pytest.raises(InputError, match="checkpoint-1: weights or optimizer states cannot be"):
            run.train(*given, NAME)
        (out / "checkpoint-1" / name).write_bytes(whole)
    run.train(*given, NAME)
