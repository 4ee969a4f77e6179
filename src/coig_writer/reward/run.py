"""One reward model: TRL's RewardTrainer (Bradley–Terry), its report, and its scores.

The loss is -log σ(r(chosen) - r(rejected)); the reward is one number read at the last token of prompt
and article. Rewards have no zero: only differences on the same prompt mean anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from coig_writer import facts
from coig_writer.errors import ConfigError
from coig_writer.facts import Fact
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.reward import preferences as reward
from coig_writer.reward import report as reward_report
from coig_writer.reward.preferences import Preference, Preferences, Split
from coig_writer.reward.report import Report
from coig_writer.score import Score
from coig_writer.training import recipe as recipes

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments
    from trl import DPOConfig, ModelConfig, RewardConfig, RewardTrainer

A = TypeVar("A", bound="PreferenceArguments")
S = TypeVar("S", bound="TrainingArguments")
M = TypeVar("M", bound="ModelConfig")
METRIC = "reward"
IN_TRAINING = "reward_in_training"


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
    return parse_as(classes, arguments, default_config, "reward")


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


def train(
    arguments: RewardArguments, settings: RewardConfig, model: ModelConfig
) -> tuple[Report, RewardTrainer]:
    """Trains, measures on held-out prompts, and writes model, pairs and facts.

    Returns:
        The report and the trainer.

    Raises:
        InputError: There are too few pairs or prompts.
    """
    tokenizer = load_tokenizer(model)
    usable, parts = read(arguments, settings, tokenizer)
    with recipes.loading(model):
        trainer: Any = _trainer(parts, settings, model, tokenizer)
    trainer.train()
    out = recipes.out(settings)
    trainer.save_model(str(out))
    report = measure(trainer.model, tokenizer, parts.held_out)
    if trainer.is_world_process_zero():
        write_pairs(out, parts)
        facts.write(out / "facts.json", _facts(report, parts, usable, trainer))
    return report, trainer


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
        InputError: There are too few pairs or prompts.
    """
    paths = (
        [Path(p) for p in given]
        for given in (arguments.preferences, arguments.ballots, arguments.generations)
    )
    pairs = reward.read(*paths, whole=whole, sample=arguments.sample)
    usable = reward.fitting(pairs, tokenizer, recipes.longest(settings))
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


def _trainer(
    parts: Split, settings: RewardConfig, model: ModelConfig, tokenizer: PreTrainedTokenizerBase
) -> RewardTrainer:
    from datasets import Dataset
    from trl import RewardTrainer, get_peft_config, get_quantization_config

    return RewardTrainer(
        model=recipes.base(model),
        args=dataclasses.replace(settings, model_init_kwargs=recipes.init_kwargs(model)),
        train_dataset=Dataset.from_list(reward.conversations(parts.train)),
        processing_class=tokenizer,
        quantization_config=get_quantization_config(model),
        peft_config=get_peft_config(model),
    )


def rewards(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[tuple[str, str]]
) -> Iterator[float]:
    """Yields the reward of each (prompt, article), one at a time so that padding plays no part."""
    import torch

    model.eval()
    with torch.inference_mode():
        for prompt, article in texts:
            ids = torch.tensor([reward.tokens(tokenizer, prompt, article)], device=model.device)
            yield float(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, 0])


def measure(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Preference]
) -> Report:
    """Reports on held-out pairs; each text is scored once."""
    from tqdm import tqdm

    texts = list(dict.fromkeys((p.prompt, a) for p in pairs for a in (p.chosen, p.rejected)))
    bar = tqdm(rewards(model, tokenizer, texts), total=len(texts), desc="held out", unit="text")
    value = dict(zip(texts, bar, strict=True))
    margins = [value[p.prompt, p.chosen] - value[p.prompt, p.rejected] for p in pairs]
    return reward_report.report(pairs, margins)


def write_pairs(out: Path, parts: Split) -> None:
    """Writes the pairs that were trained on and those that were held out."""
    write_records(out / reward.TRAIN, parts.train, Preference)
    write_records(out / reward.HELD_OUT, parts.held_out, Preference)


def prompts(out: Path) -> set[str]:
    """Returns the prompts that the model in a folder was trained on."""
    return {p.prompt for p in read_records(out / reward.TRAIN, Preference)}


def score(trainer: Any, answers: Sequence[Generation], trained_on: set[str]) -> list[Score]:
    """Scores answers; an empty or over-long article has no score, with the reason.

    The metric is ``reward`` on prompts the model never saw and ``reward_in_training`` on those it was
    trained on: beside the votes it was learned from, a reward proves nothing.
    """
    tokenizer = trainer.processing_class
    missing = [_missing(answer, trainer, tokenizer) for answer in answers]
    texts = [(a.prompt, a.article) for a, why in zip(answers, missing, strict=True) if not why]
    values = rewards(trainer.model, tokenizer, texts)
    return [
        Score(a.variant, a.query_id, metric, None, "missing", why, a.sample)
        if why
        else Score(a.variant, a.query_id, metric, next(values), "scored", sample=a.sample)
        for a, why in zip(answers, missing, strict=True)
        for metric in [IN_TRAINING if a.prompt in trained_on else METRIC]
    ]


def _missing(answer: Generation, trainer: Any, tokenizer: PreTrainedTokenizerBase) -> str:
    if not answer.article.strip():
        return "empty_article"
    length = len(reward.tokens(tokenizer, answer.prompt, answer.article))
    return "over_long" if length > trainer.args.max_length else ""


def _facts(report: Report, parts: Split, usable: Preferences, trainer: Any) -> list[Fact]:
    counts = {
        "reward/train_pairs": len(parts.train),
        "reward/train_prompts": len({p.prompt for p in parts.train}),
        "reward/held_out_pairs": len(parts.held_out),
        "reward/steps": trainer.state.global_step,
        "reward/seed": trainer.args.seed,
        "reward/parameters": trainer.model.num_parameters(),
    }
    left_out = [Fact(f"reward/left_out/{reason}", n) for reason, n in usable.left_out.items()]
    return [*(Fact(k, v) for k, v in counts.items()), *left_out, *reward_report.facts(report)]
