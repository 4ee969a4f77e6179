from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from coig_writer import paper
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.files import read_yaml
from coig_writer.mixture import VARIANTS
from coig_writer.training import recipe as recipes


def config(root, variant):
    return root / "recipes" / "configs" / f"{variant}.yaml"


@pytest.mark.parametrize("variant", [*VARIANTS, "paper", "demo"])
def test_every_shipped_recipe_parses(root, variant):
    recipe, sft, model = recipes.parse(
        ["--config", str(config(root, variant)), "--use_cpu", "true", "--bf16", "false"]
    )
    assert recipe.variants == ([variant] if variant in VARIANTS else list(VARIANTS))
    assert sft.assistant_only_loss
    assert not sft.packing
    assert model.dtype == "float32"
    assert recipe.mode == ("plain" if variant == "demo" else "fast")


def test_the_papers_values_stand_in_the_yaml(root):
    settings = read_yaml(config(root, "paper"))
    training = paper.TRAINING
    assert settings["learning_rate"] == training.learning_rate
    assert settings["global_batch_size"] == training.global_batch_size
    assert settings["num_train_epochs"] == training.epochs
    assert settings["warmup_steps"] == training.warmup_share
    assert settings["max_length"] == training.max_length_tokens
    assert settings["model_name_or_path"] == paper.BASE_MODEL
    assert settings["per_device_train_batch_size"] * settings["gradient_accumulation_steps"] == 32


def test_a_variants_name_stands_for_the_papers_recipe_with_that_variant(root, tmp_path):
    assert not any(config(root, v).exists() for v in VARIANTS)
    paper = str(config(root, "paper"))
    for variant in VARIANTS:
        named = recipes.by_variant(["--seed", "1", "--config", str(config(root, variant))])
        assert named == [f"--variants={variant}", "--seed", "1", "--config", paper]
    assert recipes.by_variant(["--config", paper]) == ["--config", paper]
    assert recipes.by_variant(["--seed", "1"]) == ["--seed", "1"]
    flags = ["--use_cpu", "true", "--bf16", "false"]
    given = ["--variants", "g", "seed_1", "--config", str(config(root, "cw")), *flags]
    recipe, _, _ = recipes.parse(given)
    assert recipe.variants == ["g", "seed_1"]  # named on the command line, they count
    # a file of one's own goes first, wherever it lies
    (tmp_path / "paper.yaml").write_text("variants: [cw, g]\n")
    assert recipes.parse(["--config", str(tmp_path / "cw.yaml"), *flags])[0].variants == ["cw"]
    (tmp_path / "cw.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(MissingInputError, match=r"cw\.yaml: no such recipe"):
        recipes.parse(["--config", str(tmp_path / "cw.yaml"), *flags])
    (tmp_path / "cw.yaml").unlink()
    (tmp_path / "cw.yaml").write_text("variants: [cw_5k]\n")
    assert recipes.parse(["--config", str(tmp_path / "cw.yaml"), *flags])[0].variants == ["cw_5k"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cw_20k.yaml", "/recipes/configs/cw_10k.yaml?"),
        ("cw_10k", "/recipes/configs/cw_10k.yaml?"),
        ("cw_10k.yml", "/recipes/configs/cw_10k.yaml?"),
        ("dmo.yaml", "/recipes/configs/demo.yaml?"),
        ("CW_10K.yaml", "/recipes/configs/cw_10k.yaml?"),
        ("seed_1.yaml", "a control goes after --variants"),
        ("gone/cw.yaml", "--config recipes/configs/cw.yaml?"),  # no paper.yaml beside it
    ],
)
def test_a_name_that_is_neither_a_file_nor_a_variant_is_an_error(root, name, said, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(MissingInputError, match="no such recipe") as caught:
        recipes.parse(["--config", str(root / "recipes" / "configs" / name)])
    assert said in caught.value.remedy
    assert "cw.yaml, cw_1k.yaml, cw_5k.yaml, cw_10k.yaml, g.yaml" in caught.value.remedy


def test_a_recipe_without_its_folder_is_found_and_another_folder_is_told(
    root, tmp_path, monkeypatch
):
    monkeypatch.chdir(root)
    for name, found in (("lora.yaml", "lora"), ("lora", "lora"), ("cw_10k", "cw_10k")):
        with pytest.raises(MissingInputError) as caught:
            recipes.by_variant(["--config", name])
        assert f"did you mean --config recipes/configs/{found}.yaml?" in caught.value.remedy
        assert "in the root" not in caught.value.remedy
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        MissingInputError, match="run the command in the root of the kit's checkout"
    ):
        recipes.by_variant(["--config", "recipes/configs/cw_10k.yaml"])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["q_proj"], ["q_proj"]),  # PEFT found none: TRL made a pattern of it
        (["q_proj", "v_proj"], ["q_proj", "v_proj"]),
        (["all-linear"], "all-linear"),
        ([r".*layers\.\d+\.mlp.*"], r".*layers\.\d+\.mlp.*"),
    ],
)
def test_one_target_of_an_adapter_is_a_name_and_no_pattern(root, written, read):
    flags = ["--mode", "plain", "--use_peft", "true", "--lora_target_modules", *written]
    model = recipes.parse(["--config", str(config(root, "demo")), *flags])[2]
    assert model.lora_target_modules == read


def test_a_mode_that_does_not_exist_and_a_word_without_a_key_are_errors(root):
    demo = ["--config", str(config(root, "demo"))]
    with pytest.raises(ConfigError, match="mode is 'fsat', not one of plain, fast, lean"):
        recipes.parse([*demo, "--mode", "fsat"])
    with pytest.raises(ConfigError, match="'cw_10k' belongs to no key"):
        recipes.parse(["cw_10k", *demo])


def test_the_help_of_a_training_command_opens_with_what_it_does(root):
    command = [sys.executable, "recipes/sft.py", "--help"]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    usage, _, said = told.stdout.partition("\n\n")
    assert usage == "usage: sft.py [--config RECIPE] [--KEY VALUE ...]"
    assert said.startswith("Fine-tunes on a mixture: accelerate launch recipes/sft.py --config")
    assert "torchao" not in told.stderr


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("warmup_ratio", 0.1, "removed key 'warmup_ratio'"),
        ("max_seq_length", 8192, "write max_length"),
        ("learning_rat", 1, "did you mean learning_rate"),
        ("overwrite_output_dir", True, "removed key"),
        ("use_liger_kernel", True, "use_kernels"),
    ],
)
def test_unknown_and_removed_keys_fail_with_the_fix(root, tmp_path, key, value, message):
    settings = read_yaml(config(root, "demo")) | {key: value}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(ConfigError) as caught:
        recipes.parse(["--config", str(tmp_path / "r.yaml")])
    assert message in str(caught.value)
    with pytest.raises(ConfigError):
        recipes.parse(["--config", str(config(root, "demo")), f"--{key}", str(value)])


def test_unknown_variant_and_bad_yaml(root, tmp_path):
    with pytest.raises(ConfigError, match="unknown variant 'cw_2k'"):
        recipes.parse(["--config", str(config(root, "demo")), "--variants", "cw_2k"])
    (tmp_path / "r.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="not YAML"):
        read_yaml(tmp_path / "r.yaml")
    with pytest.raises(MissingInputError, match="no such recipe"):
        read_yaml(tmp_path / "gone.yaml")


def test_config_may_be_one_word_and_must_name_a_file(root):
    demo = config(root, "demo")
    recipe, _, _ = recipes.parse([f"--config={demo}"], default_config=config(root, "cw"))
    assert recipe.variants == list(VARIANTS)
    with pytest.raises(ConfigError, match="--config names no file"):
        recipes.parse(["--seed", "1", "--config"])


def test_the_global_batch_is_checked_against_the_devices(root):
    recipe, sft, _ = recipes.parse(["--config", str(config(root, "demo"))])
    recipes.check_batch(recipe, sft, 1)
    with pytest.raises(ConfigError, match="add --gradient_accumulation_steps 2"):
        recipes.check_batch(recipe, sft, 2)
    with pytest.raises(ConfigError, match="divides 4 / 16 devices"):
        recipes.check_batch(recipe, sft, 16)


@pytest.mark.slow
def test_without_arguments_it_says_within_seconds_what_is_missing(root, tmp_path):
    done = subprocess.run(
        [sys.executable, str(root / "recipes" / "sft.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    # with a GPU it is the mixture that is missing, without one the GPU; each with its command
    missing = {"no GPU here": "demo.yaml", "no mixture 'cw_10k' here": "recipes/mix.py"}
    assert any(what in done.stderr and remedy in done.stderr for what, remedy in missing.items())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("variants", "cw", "'variants' is 'cw': Input should be a valid list"),
        ("gradient_accumulation_steps", 8.0, "is 8.0, not a whole number"),
        ("global_batch_size", True, "is True, not a whole number"),
        ("seed", "one", "'seed' is 'one': Input should be a valid integer"),
        ("learning_rate", "hot", "'learning_rate' is 'hot': Input should be a valid number"),
        ("save_strategy", False, "quotes around a word"),  # save_strategy: no
        ("use_cpu", "perhaps", "'use_cpu' is 'perhaps'"),
        ("sources", [], "'sources' is .*: Input should be a valid dictionary"),
        ("model_name_or_path", 7, "'model_name_or_path' is 7"),
        ("max_length", [8192], "'max_length' is"),
        ("dtype", "fp33", "'dtype' is 'fp33'"),
        (7, "seven", "unknown key '7'"),
    ],
)
def test_a_value_of_another_type_is_one_sentence(root, tmp_path, key, value, said):
    settings = read_yaml(config(root, "demo")) | {key: value}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(ConfigError, match=said) as caught:
        recipes.parse(["--config", str(tmp_path / "r.yaml")])
    assert str(tmp_path / "r.yaml") in caught.value.message


@pytest.mark.parametrize(
    ("key", "value"), [("learning_rate", "2e-5"), ("seed", "7"), ("bf16", False)]
)
def test_a_number_in_quotes_is_read_as_on_a_command_line(root, tmp_path, key, value):
    settings = read_yaml(config(root, "demo")) | {key: value}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(settings))
    recipes.parse(["--config", str(tmp_path / "r.yaml")])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--per_device_train_batch_size", "0"), "per_device_train_batch_size is 0, not 1 or more"),
        (("--global_batch_size", "0"), "global_batch_size is 0"),
        (("--gradient_accumulation_steps", "-1"), "gradient_accumulation_steps is -1"),
        (("--over_long_budget", "1.01"), "over_long_budget is 1.01, not a share"),
        (("--over_long", "crop"), "over_long is 'crop', not cut or drop"),
        (("--learning_rate", "0"), "learning_rate is 0.0, not above 0"),
        (("--learning_rate", "nan"), "learning_rate is nan, not above 0"),
        (("--num_train_epochs", "inf"), "num_train_epochs is inf, not above 0"),
        (("--max_grad_norm", "-1"), "max_grad_norm is -1.0, not 0 or more"),
        (("--warmup_steps", "1.5"), "warmup_steps is 1.5, not a share below 1 or a whole number"),
        (("--max_steps", "0"), "max_steps is 0, not 1 or more, or -1"),
        (("--max_length", "1"), "max_length is 1, not 2 tokens or more"),
        (("--seed", str(2**32)), "seed is 4294967296, not from 0"),
        (("--save_steps", "0"), "save_steps is 0"),
        (("--push_to_hub", "true"), "push_to_hub is not for these recipes: publish the finished"),
        (("--remove_unused_columns", "false"), "remove_unused_columns is not for these recipes"),
        (("--auto_find_batch_size", "true"), "auto_find_batch_size is not for these recipes"),
        (("--variants",), "command line: argument --variants: expected at least one argument"),
        (("--seed", "x"), "command line: argument --seed: invalid int value: 'x'"),
        (("--model_name_or_path", "", "--dtype", "fp33"), "--dtype: invalid choice: 'fp33'"),
    ],
)
def test_counts_and_shares_out_of_range_are_refused(root, flags, said):
    given = ["--config", str(config(root, "demo"))]
    with pytest.raises(ConfigError, match=said):
        recipes.parse([*given, *flags])
    recipes.parse([*given, "--over_long_budget", "1", "--over_long", "drop"])
    edges = ("--max_length", "2", "--seed", "0", "--max_grad_norm", "0", "--warmup_steps", "1")
    recipes.parse([*given, *edges, "--max_steps", "1", "--num_train_epochs", "0.1"])
    recipes.parse([*given, "--seed", str(2**32 - 1), "--max_steps", "-1"])


@pytest.mark.parametrize("tracker", ["wandbb", "clearml"])
def test_a_tracker_that_is_not_there_is_named_before_anything_slow(root, tracker):
    given = ["--config", str(config(root, "demo")), "--report_to", tracker]
    _, sft, model = recipes.parse(given)
    with pytest.raises(MissingInputError, match=f"report_to: {tracker} is not installed"):
        recipes.check_hardware(sft, recipes.base(model))
