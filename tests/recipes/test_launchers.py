"""Accelerate configs and the Slurm script: parsed and validated, since the hardware is not here."""

from __future__ import annotations

import subprocess

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from coig_writer.files import write_records
from coig_writer.mixture import MixtureRow, Turn
from coig_writer.training import smoke
from tests.recipes import fsdp2

EXPECTED = {"one_gpu": "NO", "ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero3": "DEEPSPEED"}


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_reads_the_config(root, name):
    config = load_config_from_file(str(root / "recipes" / "accelerate" / f"{name}.yaml"))
    assert config.distributed_type == EXPECTED[name]
    assert config.mixed_precision == "bf16"
    if name == "fsdp2":
        assert config.fsdp_config["fsdp_version"] == 2
    if name == "zero3":
        assert config.deepspeed_config["zero_stage"] == 3


def test_accelerates_own_plugins_take_what_its_launcher_makes_of_the_files(monkeypatch):
    """DeepSpeed is not installed: its plugin reads the settings, no engine runs."""
    from accelerate.utils import DeepSpeedPlugin, FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_deepspeed_cmd_env
    from torch.distributed.fsdp import StateDictType

    zero3 = fsdp2.launched("zero3")
    fields = load_config_from_file(zero3.config_file).deepspeed_config
    zero3.deepspeed_fields_from_accelerate_config = list(fields)
    for variables in (prepare_deepspeed_cmd_env(zero3)[1], fsdp2.settings()):
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
    plugin = DeepSpeedPlugin()
    plugin.set_mixed_precision("bf16")
    states = plugin.deepspeed_config["zero_optimization"]
    assert (states["stage"], plugin.zero3_init_flag) == (3, True)
    assert states["stage3_gather_16bit_weights_on_model_save"] is True
    assert plugin.deepspeed_config["bf16"] == {"enabled": True}
    sharded = FullyShardedDataParallelPlugin()
    assert (sharded.fsdp_version, sharded.reshard_after_forward) == (2, True)
    assert sharded.state_dict_type == StateDictType.FULL_STATE_DICT
    assert sharded.cpu_ram_efficient_loading


def test_every_config_is_covered(root):
    assert {f.stem for f in (root / "recipes" / "accelerate").glob("*.yaml")} == set(EXPECTED)


@pytest.mark.parametrize(
    ("nodes", "code", "accumulation"), [(1, 0, "4"), (4, 0, "1"), (3, 1, None)]
)
def test_the_slurm_script_divides_the_batch(root, tmp_path, nodes, code, accumulation):
    """srun and scontrol are stand-ins on the path that print what they are given."""
    (tmp_path / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "scontrol").write_text("#!/bin/bash\necho node-1\n")
    for name in ("srun", "scontrol"):
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "SLURM_NNODES": str(nodes),
        "SLURM_JOB_NODELIST": "node-[1-4]",
    }
    done = subprocess.run(
        ["bash", str(root / "recipes" / "slurm" / "sft.sh"), "recipes/configs/cw_10k.yaml", "--seed", "7"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    if code:
        assert "do not divide" in done.stderr
    else:
        one_row = "--per_device_train_batch_size 1 --gradient_accumulation_steps "
        assert f'{one_row}"$4"' in done.stdout
        assert done.stdout.splitlines()[-6:] == [
            str(8 * nodes),
            "node-1",
            "recipes/configs/cw_10k.yaml",
            accumulation,
            "--seed",
            "7",
        ]


def test_show_colours_trained_tokens(script, tmp_path):
    row = MixtureRow(
        (Turn("user", "问"), Turn("assistant", "<think>\n想\n</think>\n\n答")), "creative", "a", 20
    )
    write_records(tmp_path / "train.parquet", [row], MixtureRow)
    smoke.make(tmp_path / "smoke", ["雨落在瓦上。"])
    out = script("recipes/show.py", "--mixture", tmp_path, "--model", tmp_path / "smoke").stdout
    grey, green = out.split("\x1b[32m", 1)
    assert "You are Qwen" in grey.replace("\x1b[90m", "").replace("\x1b[0m", "").replace("·", "")
    assert "<|im_end|>" in green
    assert "\x1b[90m" not in green
