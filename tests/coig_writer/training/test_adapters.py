"""LoRA and QLoRA as recipes: what they state, what is refused, and a base in 4 bits."""

from __future__ import annotations

import shutil

import pytest
import torch

from coig_writer import facts
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.files import read_yaml
from coig_writer.mixing import controls
from coig_writer.training import recipe as recipes
from coig_writer.training import run
from tests.coig_writer.training.mixtures import NAME, build, flags

LORA = ("--use_peft", "true", "--lora_r", "4", "--lora_target_modules", "q_proj", "down_proj")
IN_4_BITS = ("--load_in_4bit", "true", "--dtype", "bfloat16")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--lora_r", "8"), "lora_r: 8 has no use where no adapter"),
        (("--load_in_4bit", "true"), "load_in_4bit: True has no use where no adapter"),
        ((*LORA, "--load_in_8bit", "true"), "is not supported"),
        ((*LORA, *IN_4_BITS, "--mode", "fast"), "does not run in mode fast"),
        ((*LORA, "--load_in_4bit", "true"), "computes in dtype, and that is float32"),
    ],
)
def test_keys_of_an_adapter_that_would_do_nothing_are_refused(root, tmp_path, smoke, more, said):
    with pytest.raises(ConfigError, match=said):
        recipes.parse(flags(root, tmp_path, smoke, *more))


def test_a_base_in_4_bits_names_what_to_install(root, tmp_path, smoke, monkeypatch):
    _, _, model = recipes.parse(flags(root, tmp_path, smoke, *LORA, *IN_4_BITS))
    recipes.check_quantization(model)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingInputError, match=r"coig-writer\[qlora\]"):
        recipes.check_quantization(model)


def test_the_shipped_adapters_change_the_adapters_keys_alone(root):
    configs = root / "recipes" / "configs"
    full, lora, qlora = (read_yaml(configs / f"{n}.yaml") for n in ("paper", "lora", "qlora_24gb"))
    full["variants"] = ["cw_10k"]
    changed = {key for key in lora if key not in full or lora[key] != full[key]}
    adapter = {"use_peft", "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules"}
    assert changed == adapter | {"dtype", "mode", "learning_rate", "output_dir"}
    assert not set(full) - set(lora)
    changed = {key for key in qlora if key not in lora or qlora[key] != lora[key]}
    bits = {"load_in_4bit", "bnb_4bit_quant_type", "use_bnb_nested_quant"}
    assert changed == bits | {"lora_r", "lora_alpha", "output_dir"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((*LORA[:4], "--lora_target_modules", "nothing"), "Target modules {'nothing'} not found"),
        (("--attn_implementation", "flash_attention_9"), "flash_attention_9.* is not supported"),
    ],
)
def test_what_the_libraries_refuse_is_one_sentence(
    root, tmp_path, smoke, smoke_tokenizer, more, said
):
    control = controls.read(root / controls.FILE)[NAME]
    build(tmp_path, smoke_tokenizer, control)
    with pytest.raises(
        ConfigError, match=f"cannot be trained as the recipe says: .*{said}"
    ) as caught:
        run.train(*recipes.parse(flags(root, tmp_path, smoke, *more)), NAME)
    assert len(caught.value.message.splitlines()) == 1


def test_torn_weights_are_one_sentence(root, tmp_path, smoke, smoke_tokenizer):
    torn = shutil.copytree(smoke, tmp_path / "torn")
    weights = torn / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    build(tmp_path, smoke_tokenizer, controls.read(root / controls.FILE)[NAME])
    with pytest.raises(
        ConfigError, match="torn cannot be trained as the recipe says: Error while deser"
    ):
        run.train(*recipes.parse(flags(root, tmp_path, torn)), NAME)


@pytest.mark.slow
def test_an_adapter_on_a_base_in_4_bits_is_trained_and_stated(
    root, tmp_path, smoke, smoke_tokenizer
):
    pytest.importorskip("bitsandbytes")
    from safetensors.torch import load_file

    build(tmp_path, smoke_tokenizer, controls.Control(NAME, "cw", "?", holdout=0.1))
    more = ("--num_train_epochs", "1", *LORA, *IN_4_BITS)
    out = run.train(*recipes.parse(flags(root, tmp_path, smoke, *more)), NAME)
    found = facts.read(out / "facts.json")
    assert found["run/precision"].value == "bf16 adapter on a frozen base in 4-bit nf4"
    assert found["run/lora_targets"].value == "down_proj, q_proj"
    assert found["run/lora_merged"].value is False
    moved = [
        w for name, w in load_file(out / "adapter_model.safetensors").items() if "lora_B" in name
    ]
    assert moved
    assert all(torch.any(weight != 0) for weight in moved)
