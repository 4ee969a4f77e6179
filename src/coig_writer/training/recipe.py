"""A recipe: one YAML file that is both the mixture's and the training run's settings.

The keys are the fields of three dataclasses: ``RecipeArguments`` here, TRL's ``SFTConfig`` and TRL's
``ModelConfig``. Any other key is an error with the remedy named; so are keys that transformers or
TRL have removed or renamed, which their own command line drops without a word.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import errno
import importlib.util
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_type_hints

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.files import read_yaml
from coig_writer.mixing import controls
from coig_writer.mixture import VARIANTS
from coig_writer.training import modes

if TYPE_CHECKING:
    from transformers import TrainingArguments
    from trl import DPOConfig, ModelConfig, RewardConfig, SFTConfig

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

PAPER = "paper.yaml"  # the recipe of the published five, in the folder where a variant's name is asked for
EXAMPLE = f"recipes/configs/{PAPER}"

# Keys of older releases and what replaces them (transformers 5.15 and TRL 1.0 removed them).
REMOVED = {
    "warmup_ratio": "write warmup_steps: 0.1 (a number below 1 is a share of the steps)",
    "overwrite_output_dir": "leave it out; a finished run is kept, --overwrite_run true trains again",
    "logging_dir": "leave it out; trackers choose their own folder",
    "max_seq_length": "write max_length",
    "evaluation_strategy": "write eval_strategy",
    "dataset_mixer": "write sources: and build the mixture with recipes/mix.py",
    "dataset_name": "write sources: and build the mixture with recipes/mix.py",
    "torch_dtype": "write dtype",
    "no_cuda": "write use_cpu: true",
    "tokenizer": "leave it out; the model's own tokenizer is used",
    "neftune_noise_alpha": "leave it out; the paper does not use it",
    "use_liger_kernel": "write model_init_kwargs: {use_kernels: true}",
}
# Keys beside which a run would not be what its records say.
REFUSED = {
    "auto_find_batch_size": "the batch would no longer be global_batch_size; python recipes/plan.py says what fits",
    "chat_template_path": "the chat format is the one that the mixture's lengths were counted in",
    "dataloader_drop_last": "every row is trained once in an epoch",
    "dataset_kwargs": "the rows are prepared as their lock says",
    "eos_token": "the tokenizer is the one of the mixture's lock",
    "ignore_data_skip": "a run that goes on would train some rows twice",
    "load_best_model_at_end": "the model that is kept is the last one",
    "push_to_hub": "publish the finished model: coig-writer publish",
    "remove_unused_columns": "the trainer reads tokens, labels and row numbers alone",
}
# What numbers may be: keys, the smallest, the largest, and in words; "above" leaves the smallest out.
RANGES = (
    (
        (
            "global_batch_size",
            "per_device_train_batch_size",
            "gradient_accumulation_steps",
            "lora_r",
        ),
        (1, math.inf, "1 or more"),
    ),
    (("max_length",), (2, math.inf, "2 tokens or more")),
    (
        ("learning_rate", "num_train_epochs", "beta", "save_steps", "logging_steps"),
        (0, math.inf, "above 0"),
    ),
    (
        (
            "weight_decay",
            "max_grad_norm",
            "warmup_steps",
            "epoch_samples",
            "sample",
            "dataloader_num_workers",
        ),
        (0, math.inf, "0 or more"),
    ),
    (("seed",), (0, 2**32 - 1, "from 0 to 4,294,967,295")),
    (("over_long_budget",), (0, 1, "a share from 0 to 1")),
    (("held_out",), (0, 1, "above 0 and below 1")),
)


@dataclass
class RecipeArguments:
    """What a recipe says beyond TRL's own settings."""

    variants: list[str] = field(
        default_factory=lambda: ["cw_10k"],
        metadata={
            "help": f"Which mixtures to build or train on, one run each: {', '.join(VARIANTS)}, or a control."
        },
    )
    controls: str = field(
        default="recipes/configs/controls.yaml",
        metadata={"help": "The named controls that `variants` may hold beside the published five."},
    )
    sources: dict[str, object] = field(
        default_factory=dict,
        metadata={
            "help": "creative, general_zh, general_en: {path, format, revision, config} each."
        },
    )
    mixtures: str = field(
        default="build/mixtures",
        metadata={"help": "Folder of the built mixtures, one subfolder per variant."},
    )
    mixture_seed: int = field(
        default=42, metadata={"help": "Seed of the sampling and the shuffle by hash."}
    )
    over_long: str = field(
        default="cut",
        metadata={
            "help": "Creative rows above max_length: cut (the trainer sees their first tokens) or drop."
        },
    )
    over_long_budget: float = field(
        default=0.15,
        metadata={
            "help": "Largest share of a mixture's tokens that may be cut before the run refuses to start."
        },
    )
    mode: str = field(
        default="plain",
        metadata={
            "help": "plain (TRL as it comes), fast (the same gradients without padding, compiled) or lean (fast, with 8-bit moments)."
        },
    )
    sample_scale: bool = field(
        default=False,
        metadata={
            "help": "Shrink the counts to the rows at hand: all general rows stand for 10k per language. For samples only."
        },
    )
    global_batch_size: int = field(
        default=32,
        metadata={
            "help": "Documents per optimizer step; must equal devices × per-device batch × accumulation."
        },
    )
    epoch_samples: int = field(
        default=0,
        metadata={"help": "Benchmark queries answered at each epoch's end, to log TTR and MATTR."},
    )
    overwrite_run: bool = field(
        default=False,
        metadata={"help": "Train again although output_dir holds the finished run."},
    )


def classes() -> tuple[type[RecipeArguments], type[SFTConfig], type[ModelConfig]]:
    """Returns the three dataclasses whose fields are the keys of a recipe."""
    from trl import ModelConfig, SFTConfig

    return RecipeArguments, SFTConfig, ModelConfig


def parse(
    arguments: Sequence[str] | None = None, default_config: Path | None = None
) -> tuple[RecipeArguments, SFTConfig, ModelConfig]:
    """Reads ``--config FILE`` and the flags after it.

    Args:
        arguments: The command line; None for the process's own.
        default_config: The recipe when no ``--config`` is given.

    Returns:
        Recipe, SFT and model settings.

    Raises:
        ConfigError: A key is unknown, removed, or holds a wrong value.
        MissingInputError: There is no such recipe, or it trains on a GPU and there is none.
    """
    given = by_variant(command_line(arguments, default_config))
    check_keys(given)
    try:
        recipe, sft, model = parsed(classes(), given)
    except (ValueError, TypeError, ImportError) as error:
        if "support bf16" in str(error):
            raise _no_gpu() from error
        raise ConfigError(
            f"recipe: {error}", f"see {EXAMPLE} for every key with its reason"
        ) from error
    check_ranges(recipe, sft, model)
    check_variants(recipe)
    check_unused(recipe, sft)
    check_adapter(recipe.mode, model)
    return recipe, sft, model


def parsed(classes: tuple[type[A], type[B], type[C]], given: Sequence[str]) -> tuple[A, B, C]:
    """Reads a command line into three dataclasses with TRL's parser, whose own types say nothing.

    Raises:
        ValueError, TypeError: A value does not fit.
    """
    from trl import TrlParser

    reader: Any = TrlParser
    parser = reader(
        classes,
        usage="%(prog)s [--config RECIPE] [--KEY VALUE ...]",  # its own names every key there is
        description=sys.modules["__main__"].__doc__,  # the command's
        formatter_class=_Help,
    )
    parser.error = _not_read  # argparse prints the usage before it says what is wrong
    first, second, third, rest = parser.parse_args_and_config(given, return_remaining_strings=True)
    if rest:
        raise ConfigError(
            f"command line: {rest[0]!r} belongs to no key",
            f"write --KEY VALUE for a key and --config {EXAMPLE} for a recipe; --help lists the keys",
        )
    # TRL takes a list of one apart, and PEFT reads a string as a pattern of whole module names.
    alone = getattr(third, "lora_target_modules", None)
    if isinstance(alone, str) and alone.isidentifier():
        vars(third)["lora_target_modules"] = [alone]
    return first, second, third


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, and the description as it is written."""


def _not_read(message: str) -> NoReturn:
    raise ConfigError(f"command line: {message}", "--help lists every key with its form")


def base(model: ModelConfig) -> str:
    """Returns the model that a recipe starts from.

    Raises:
        ConfigError: It names none.
    """
    if not model.model_name_or_path:
        raise ConfigError("model_name_or_path: none is named", "write a folder or a Hub id")
    return model.model_name_or_path


def init_kwargs(model: ModelConfig) -> dict[str, object]:
    """Returns how a recipe wants its base loaded, as TRL's ``model_init_kwargs``."""
    chosen = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
    }
    return {key: value for key, value in chosen.items() if value is not None}


def out(settings: TrainingArguments) -> Path:
    """Returns the folder that a run writes to; transformers names one where the recipe does not."""
    return Path(settings.output_dir or "trainer_output")


def longest(settings: SFTConfig | DPOConfig | RewardConfig) -> int:
    """Returns the longest document that a recipe trains on, in tokens.

    Raises:
        ConfigError: It sets no limit.
    """
    if settings.max_length is None:
        raise ConfigError("max_length: there is no limit", "write a number of tokens, such as 8192")
    return settings.max_length


def command_line(arguments: Sequence[str] | None, default_config: Path | None) -> list[str]:
    """Returns the flags with ``--config FILE`` as two of them, the default added where none is given.

    Raises:
        ConfigError: ``--config`` names no file.
    """
    given: list[str] = []
    for flag in sys.argv[1:] if arguments is None else arguments:
        given += flag.split("=", 1) if flag.startswith("--config=") else [flag]
    if "--config" not in given:
        return given if default_config is None else ["--config", str(default_config), *given]
    if given[-1] == "--config":
        raise ConfigError("--config names no file", f"write --config {EXAMPLE}, or another recipe")
    return given


def by_variant(arguments: Sequence[str]) -> list[str]:
    """Puts the paper's recipe with one variant where ``--config`` names that variant.

    ``FOLDER/cw_10k.yaml`` stands for ``FOLDER/paper.yaml`` with ``--variants cw_10k``, unless there is a file of
    that name. Variants that the command line names itself stay: the last ones given count.

    Raises:
        MissingInputError: It names neither a file nor a published variant.
    """
    given = list(arguments)
    if "--config" not in given:
        return given
    place = given.index("--config") + 1
    config = Path(given[place])
    if config.exists() or config.is_symlink():  # a link that leads nowhere was meant as a file
        return given
    paper = config.with_name(PAPER)
    if config.suffix == ".yaml" and config.stem in VARIANTS and paper.is_file():
        given[place] = str(paper)
        return [f"--variants={config.stem}", *given]
    known = {
        name: folder / f"{name}.yaml"
        for folder in (Path(EXAMPLE).parent, config.parent)
        for name in (
            *(VARIANTS if (folder / PAPER).is_file() else ()),
            *(file.stem for file in sorted(folder.glob("*.yaml"))),
        )
    }
    close = difflib.get_close_matches(config.stem.lower(), known, 1)
    raise MissingInputError(
        f"{config}: no such recipe",
        (f"did you mean --config {known[close[0]]}? " if close else "")
        + ("" if known else "run the command in the root of the kit's checkout; ")
        + f"the paper's recipe is {EXAMPLE}, and there {', '.join(f'{v}.yaml' for v in VARIANTS)} stand for "
        "one variant of it each; a control goes after --variants",
    )


def check_keys(arguments: Sequence[str], classes_read: Sequence[type] | None = None) -> None:
    """Refuses keys that no dataclass knows, in the YAML and on the command line alike.

    Args:
        arguments: The command line.
        classes_read: The dataclasses that the keys are fields of; None for a recipe's.

    Raises:
        ConfigError: Naming the key and what to write instead.
    """
    classes_read = classes() if classes_read is None else classes_read
    known = {f.name for cls in classes_read for f in dataclasses.fields(cls)}
    path, settings = Path(), dict[str, object]()
    keys: dict[str, str] = {
        a[2:].split("=")[0].replace("-", "_"): "command line"
        for a in arguments
        if a.startswith("--")
    }
    keys.pop("help", None)
    if keys.pop("config", None):
        path = Path(arguments[list(arguments).index("--config") + 1])
        settings = read_yaml(path)
        keys |= dict.fromkeys(map(str, settings), str(path))
    for key, place in keys.items():
        if key in known and key not in REMOVED:
            continue
        close = difflib.get_close_matches(key, known, 1)
        hint = REMOVED.get(key) or (
            f"did you mean {close[0]}?" if close else f"see {EXAMPLE} for every key"
        )
        raise ConfigError(
            f"{place}: {'removed' if key in REMOVED else 'unknown'} key {key!r}", hint
        )
    check_types(settings, classes_read, path)


def check_types(settings: Mapping[str, object], classes_read: Sequence[type], path: Path) -> None:
    """Holds the values of a YAML against the types of the dataclasses.

    The parser of transformers takes a text for a list of letters, and 8.0 for a count until a step fails.

    Raises:
        ConfigError: A value is of another type; a number in quotes passes, as on a command line.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = {name: hint for cls in classes_read for name, hint in get_type_hints(cls).items()}
    choices: dict[str, Sequence[str]] = {
        f.name: f.metadata.get("choices") or ()
        for cls in classes_read
        for f in dataclasses.fields(cls)
    }
    for key, value in settings.items():
        if value is not None and choices[key] and value not in choices[key]:
            raise ConfigError(
                f"{path}: key {key!r} is {value!r:.80}", f"write one of {', '.join(choices[key])}"
            )
        try:
            parsed_value = TypeAdapter(hints[key]).validate_python(value)
            wrong = type(parsed_value) is int and type(value) in (bool, float)
            problem = f"{value!r}, not a whole number"
        except ValidationError as error:
            wrong, problem = True, f"{value!r}: {error.errors()[0]['msg']}"
        if wrong:
            quoted = " (no, yes, on and off are switches in YAML: put quotes around a word)"
            raise ConfigError(
                f"{path}: key {key!r} is {problem:.160}{quoted if type(value) is bool else ''}",
                f"see {EXAMPLE} for every key with its form",
            )


def check_ranges(*settings: object) -> None:
    """Refuses numbers out of range, in a recipe's or any other run's settings.

    Raises:
        ConfigError: Naming the key, its value and the range.
    """
    numbers = {key: value for part in settings for key, value in vars(part).items()}
    for keys, (least, most, words) in RANGES:
        above, below = words.startswith("above"), words.endswith(f"below {most}")
        for key in (key for key in keys if isinstance(numbers.get(key), (int, float))):
            number = numbers[key]
            if (
                not least <= number <= most
                or (above and number == least)
                or number == math.inf
                or (below and number == most)
            ):
                raise _out_of_range(key, number, words)
    if (steps := numbers.get("max_steps", -1)) != -1 and steps < 1:
        raise _out_of_range("max_steps", steps, "1 or more, or -1 for whole epochs")
    if (warm_up := numbers.get("warmup_steps", 0)) > 1 and warm_up != int(warm_up):
        raise _out_of_range("warmup_steps", warm_up, "a share below 1 or a whole number")


def _out_of_range(key: str, value: object, words: str) -> ConfigError:
    return ConfigError(
        f"recipe: {key} is {value}, not {words}", f"see {EXAMPLE} for every key with its reason"
    )


def check_variants(recipe: RecipeArguments) -> None:
    """Refuses a recipe without a variant, and a mode or a rule for long rows that does not exist.

    Raises:
        ConfigError: Naming the key.
    """
    if not recipe.variants:
        raise _out_of_range("variants", "empty", "one variant or more")
    if recipe.over_long not in ("cut", "drop"):
        raise _out_of_range("over_long", repr(recipe.over_long), "cut or drop")
    if recipe.mode not in modes.NAMES:
        raise _out_of_range("mode", repr(recipe.mode), f"one of {', '.join(modes.NAMES)}")


def check_refused(settings: TrainingArguments) -> None:
    """Refuses keys beside which a run would not be what its records say.

    Raises:
        ConfigError: Naming the key and what holds in its place.
    """
    usual = {f.name: f.default for f in dataclasses.fields(settings)}
    for key, why in REFUSED.items():
        if key in usual and getattr(settings, key) != usual[key]:
            raise ConfigError(f"{key} is not for these recipes: {why}", f"leave {key} out")
    if settings.resume_from_checkpoint:
        raise ConfigError(
            "resume_from_checkpoint has no use: an unfinished run resumes by itself",
            "leave it out; --overwrite_run true trains again",
        )


def check_unused(recipe: RecipeArguments, sft: SFTConfig) -> None:
    """Refuses keys that the run would not act on.

    Raises:
        ConfigError: Naming the key and what does what it was meant for.
    """
    chosen = [controls.resolve(variant, Path(recipe.controls)) for variant in recipe.variants]
    nothing = [control.name for control in chosen if control.holdout is None]
    strategy = str(getattr(sft.eval_strategy, "value", sft.eval_strategy))
    if strategy not in ("no", "epoch") or (strategy == "epoch" and nothing):
        raise ConfigError(
            f"eval_strategy: {strategy} has no use: {f'of {nothing[0]} nothing is held out' if nothing else 'what is held out is measured after every epoch'}",
            "leave it out; a control with holdout measures by itself, as cw_held_out",
        )
    check_refused(sft)
    order = str(getattr(sft.train_sampling_strategy, "value", sft.train_sampling_strategy))
    if order != "random":
        raise ConfigError(
            f"train_sampling_strategy: {order} has no use: every step's documents are drawn by the seed alone",
            "leave it out; mode fast fills micro-batches by length within a step",
        )
    if sft.padding_free and recipe.mode == "plain":
        raise ConfigError(
            "padding_free: true has no use in mode plain, where TRL refuses it beside max_length",
            "add --mode fast, which pads nothing",
        )


def check_adapter(mode: str, model: ModelConfig) -> None:
    """Refuses keys of an adapter where none is trained, and a quantised base where it cannot run.

    Raises:
        ConfigError: Naming the key and what to write instead.
    """
    ours = ("lora_", "use_rslora", "use_dora", "load_in_4bit", "bnb_4bit_", "use_bnb_")
    set_here = [
        f.name
        for f in dataclasses.fields(model)
        if f.name.startswith(ours) and getattr(model, f.name) != f.default
    ]
    if model.load_in_8bit:
        raise ConfigError(
            "load_in_8bit: true is not supported, and its memory is not planned",
            "write load_in_4bit: true, as recipes/configs/qlora_24gb.yaml, or leave it out",
        )
    if set_here and not model.use_peft:
        raise ConfigError(
            f"{set_here[0]}: {getattr(model, set_here[0])} has no use where no adapter is trained",
            "add --use_peft true, or leave it out; a whole recipe is recipes/configs/lora.yaml",
        )
    if model.load_in_4bit and mode != "plain":
        raise ConfigError(
            f"load_in_4bit: true does not run in mode {mode}: its layers are not compiled",
            "add --mode plain",
        )
    if model.load_in_4bit and model.dtype != "bfloat16":
        raise ConfigError(
            f"load_in_4bit: true computes in dtype, and that is {model.dtype}",
            "add --dtype bfloat16",
        )


def check_quantization(model: ModelConfig) -> None:
    """Refuses to load a base in 4 bits without the library that does it.

    Raises:
        MissingInputError: Naming what to install.
    """
    if model.load_in_4bit and importlib.util.find_spec("bitsandbytes") is None:
        raise MissingInputError(
            "load_in_4bit: true needs bitsandbytes, which is not installed",
            "type: pip install 'coig-writer[qlora]'   or take recipes/configs/lora.yaml",
        )


def check_batch(recipe: RecipeArguments, sft: TrainingArguments, processes: int) -> None:
    """Checks that an optimizer step sees the stated number of documents.

    Raises:
        ConfigError: devices × per-device batch × accumulation is another number.
    """
    product = processes * sft.per_device_train_batch_size * sft.gradient_accumulation_steps
    if product == recipe.global_batch_size:
        return
    fitting = recipe.global_batch_size // (processes * sft.per_device_train_batch_size)
    remedy = (
        f"add --gradient_accumulation_steps {fitting}"
        if fitting
        and fitting * processes * sft.per_device_train_batch_size == recipe.global_batch_size
        else f"choose a per-device batch that divides {recipe.global_batch_size} / {processes} devices"
    )
    raise ConfigError(
        f"global batch is {processes} devices × {sft.per_device_train_batch_size} rows × {sft.gradient_accumulation_steps} steps = {product}, the recipe says {recipe.global_batch_size}",
        remedy,
    )


@contextlib.contextmanager
def loading(model: ModelConfig) -> Iterator[None]:
    """Says in one sentence why a model, its tokenizer or its trainer could not be made.

    Raises:
        ConfigError: With the library's own words.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:  # no fault of the recipe
            raise
        words = " ".join(str(error).split())
        raise ConfigError(
            f"{model.model_name_or_path} cannot be trained as the recipe says: {words:.300}",
            "mend the recipe's key or the model's folder that this names",
        ) from error
    except AttributeError as error:  # TRL looks for what only a model that writes has
        if "ForSequenceClassification" not in str(error):
            raise
        raise ConfigError(
            f"{model.model_name_or_path} is a reward model and writes no text",
            "write model_name_or_path: a model that writes, such as one of recipes/sft.py",
        ) from error


def check_hardware(sft: TrainingArguments, model_name: str) -> None:
    """Refuses a run for which there is no GPU or no model, before anything slow starts.

    Raises:
        MissingInputError: Naming what is missing and what to type instead.
    """
    import torch
    from transformers.integrations.integration_utils import get_available_reporting_integrations

    if not sft.use_cpu and not torch.cuda.is_available():
        raise _no_gpu()
    trackers = get_available_reporting_integrations()
    for tracker in sft.report_to or []:
        if tracker not in trackers:
            raise MissingInputError(
                f"report_to: {tracker} is not installed, or is no tracker",
                f"install it, or write report_to: none{''.join(f', {name}' for name in trackers)}",
            )
    if Path(model_name).exists():
        return
    if "/" not in model_name or model_name.startswith(("build/", ".", "/")):
        raise MissingInputError(
            f"no model {model_name!r} on this machine",
            "for the smoke model type: python recipes/smoke.py",
        )
    if not _on_hub(model_name):
        raise MissingInputError(
            f"model {model_name} is neither in the local cache nor within reach on the Hub",
            f"download it while online, then add --model_name_or_path FOLDER, or type: hf download {model_name}",
        )


def _no_gpu() -> MissingInputError:
    return MissingInputError(
        "no GPU here, and the recipe trains on one",
        "for a smoke run on this machine type: accelerate launch recipes/sft.py --config recipes/configs/demo.yaml",
    )


def _on_hub(model_name: str) -> bool:
    from huggingface_hub import HfApi, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(model_name, "config.json"), str):
        return True
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    try:
        HfApi().model_info(model_name, timeout=5)
    except Exception:  # any failure to reach it means the same: it is not here
        return False
    return True


def fingerprint(settings: Mapping[str, object]) -> str:
    """Returns one hash for the settings that decide a run's weights."""
    import hashlib
    import json

    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
