"""What a run on preferences is told, and the pairs that it reads and writes: for DPO and reward model alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from coig_writer.errors import ConfigError, InputError
from coig_writer.files import write_records
from coig_writer.reward import preferences as reward
from coig_writer.reward.preferences import Preference, Preferences, Split
from coig_writer.training import recipe as recipes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, TrainingArguments
    from trl import DPOConfig, ModelConfig, RewardConfig

A = TypeVar("A", bound="PreferenceArguments")
S = TypeVar("S", bound="TrainingArguments")
M = TypeVar("M", bound="ModelConfig")


@dataclass
class PreferenceArguments:
    """Where preferences come from, and how many prompts are held out."""

    preferences: list[str] = field(
        default_factory=list,
        metadata={"help": "Files of prompt, chosen, rejected (JSONL or Parquet)."},
    )
    ballots: list[str] = field(
        default_factory=list, metadata={"help": "Votes, as exported by the arena."}
    )
    generations: list[str] = field(
        default_factory=list, metadata={"help": "The answers that the ballots are about."}
    )
    sample: int = field(
        default=0,
        metadata={"help": "Which of several answers old ballots, which do not say, are on."},
    )
    held_out: float = field(
        default=0.2, metadata={"help": "Share of the prompts that is held out."}
    )


@dataclass
class RewardArguments(PreferenceArguments):
    """What a reward recipe says beyond TRL's own settings."""

    score: list[str] = field(
        default_factory=list,
        metadata={"help": "Answers to score with the trained model; default: --generations."},
    )
    scores: str = field(
        default="build/reward-scores", metadata={"help": "Folder for the score records."}
    )


def parse(
    arguments: Sequence[str] | None, default_config: Path
) -> tuple[RewardArguments, RewardConfig, ModelConfig]:
    """Reads ``--config FILE`` and the flags after it, as a recipe is read.

    Raises:
        ConfigError: A key is unknown, removed, or holds a wrong value.
    """
    from trl import ModelConfig, RewardConfig

    classes = (RewardArguments, RewardConfig, ModelConfig)
    preferences, settings, model = parse_as(classes, arguments, default_config, "reward")
    # TRL's default, CAUSAL_LM, would neither train nor save the one output, which begins at random. Set in
    # place: a copy is checked by TRL anew, which makes a pattern of one target again (recipes.parsed).
    model.lora_task_type = "SEQ_CLS"
    return preferences, settings, model


def parse_as(
    classes: tuple[type[A], type[S], type[M]],
    arguments: Sequence[str] | None,
    default_config: Path,
    name: str,
) -> tuple[A, S, M]:
    """Reads a run on preferences; settings that it could not or would not act on are refused.

    Args:
        classes: The dataclasses whose fields are its keys.
        arguments: The command line; None for the process's own.
        default_config: The recipe when no ``--config`` is given.
        name: Of the shipped recipe that a remedy names.

    Raises:
        ConfigError: Naming the key and what to write instead.
    """
    given = recipes.command_line(arguments, default_config)
    recipes.check_keys(given, classes)
    try:
        preferences, settings, model = recipes.parsed(classes, given)
    except (ValueError, TypeError, ImportError) as error:
        raise ConfigError(
            f"recipe: {error}", f"see recipes/configs/{name}.yaml; on a CPU, {name}_demo.yaml"
        ) from error
    recipes.check_ranges(preferences, settings, model)
    recipes.check_refused(settings)
    recipes.check_adapter("plain", model)
    if str(getattr(settings.eval_strategy, "value", settings.eval_strategy)) != "no":
        raise ConfigError(
            "eval_strategy has no use: the held-out prompts are measured at the end", "leave it out"
        )
    return preferences, settings, model


def read(
    arguments: PreferenceArguments,
    settings: RewardConfig | DPOConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    whole: bool = False,
) -> tuple[Preferences, Split]:
    """Returns the pairs that fit a run's length, and how they are split.

    Args:
        arguments: Where they come from.
        settings: TRL's, for length and seed.
        tokenizer: It counts their tokens.
        whole: Of ballots take the whole answers, not only their articles.

    Raises:
        InputError: There are too few pairs or prompts, or none fits the length.
    """
    paths = (
        [Path(p) for p in given]
        for given in (arguments.preferences, arguments.ballots, arguments.generations)
    )
    pairs = reward.read(*paths, whole=whole, sample=arguments.sample)
    usable = reward.fitting(pairs, tokenizer, recipes.longest(settings))
    if not usable.pairs:
        raise InputError(
            f"no pair fits max_length {settings.max_length}; left out: {dict(usable.left_out)}",
            "raise max_length",
        )
    return usable, reward.split(usable.pairs, arguments.held_out, settings.seed)


def load_tokenizer(model: ModelConfig) -> PreTrainedTokenizerBase:
    """Loads the tokenizer of the model to be trained.

    Raises:
        ConfigError: It has none.
    """
    from transformers import AutoTokenizer

    with recipes.loading(model):
        loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            model.model_name_or_path, revision=model.model_revision
        )
        return loaded


def write_pairs(out: Path, parts: Split) -> None:
    """Writes the pairs that were trained on and those that were held out."""
    write_records(out / reward.TRAIN, parts.train, Preference)
    write_records(out / reward.HELD_OUT, parts.held_out, Preference)
