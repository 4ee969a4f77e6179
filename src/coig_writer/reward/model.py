"""A reward model: TRL's RewardTrainer (Bradley–Terry), recorded, and the scores it gives.

The loss is -log σ(r(chosen) - r(rejected)); the reward is one number read at the last token of prompt
and article. Rewards have no zero: only differences on the same prompt mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from trl import ModelConfig, RewardConfig, RewardTrainer

from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.reward import preferences as reward
from coig_writer.reward import recorded
from coig_writer.reward.preferences import Preference
from coig_writer.reward.report import Report
from coig_writer.reward.run import RewardArguments
from coig_writer.score import Score
from coig_writer.training import recipe as recipes

METRIC = "reward"
IN_TRAINING = "reward_in_training"


class ModelTrainer(recorded.PreferenceTrainer, RewardTrainer):
    """A RewardTrainer that is recorded; each held-out text is rewarded once."""

    method = "reward"
    whole = False
    args: RewardConfig
    processing_class: PreTrainedTokenizerBase

    def margins(self, pairs: Sequence[Preference]) -> Iterator[float]:
        """Yields how much more each chosen article is rewarded than its rejected one."""
        texts = list(dict.fromkeys((p.prompt, a) for p in pairs for a in (p.chosen, p.rejected)))
        values = rewards(self.model, self.processing_class, texts)
        bar = tqdm(values, total=len(texts), desc="held out", unit="text")
        value = dict(zip(texts, bar, strict=True))
        for p in pairs:
            yield value[p.prompt, p.chosen] - value[p.prompt, p.rejected]


def train(
    arguments: RewardArguments, settings: RewardConfig, model: ModelConfig
) -> tuple[Report | None, PreTrainedModel, PreTrainedTokenizerBase]:
    """Trains as ``recorded.train`` does.

    Returns:
        The report, None where the run was finished before; the reward model; its tokenizer.
    """
    done = recorded.train(ModelTrainer, arguments, settings, model)
    if done:
        report, trainer = done
        return report, trainer.model, trainer.processing_class
    return None, *load(recipes.out(settings), settings.device)


def load(folder: Path, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a reward model, be it whole or an adapter, and its tokenizer."""
    loaded: Any = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return loaded.to(device), tokenizer


def rewards(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[tuple[str, str]]
) -> Iterator[float]:
    """Yields the reward of each (prompt, article), one at a time so that padding plays no part."""
    model.eval()
    with torch.inference_mode():
        for prompt, article in texts:
            ids = torch.tensor([reward.tokens(tokenizer, prompt, article)], device=model.device)
            yield float(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, 0])


def prompts(out: Path) -> set[str]:
    """Returns the prompts that the model in a folder was trained on."""
    return {p.prompt for p in read_records(out / reward.TRAIN, Preference)}


def score(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    answers: Sequence[Generation],
    trained_on: set[str],
    longest: int,
) -> list[Score]:
    """Scores answers; an empty or over-long article has no score, with the reason.

    The metric is ``reward`` on prompts the model never saw and ``reward_in_training`` on those it was
    trained on: beside the votes it was learned from, a reward proves nothing.

    Args:
        model: The reward model.
        tokenizer: Its tokenizer.
        answers: What it scores.
        trained_on: The prompts that it was trained on.
        longest: Prompt and article in tokens at most.
    """
    missing = [_missing(answer, tokenizer, longest) for answer in answers]
    texts = [(a.prompt, a.article) for a, why in zip(answers, missing, strict=True) if not why]
    values = rewards(model, tokenizer, texts)
    return [
        Score(a.variant, a.query_id, metric, None, "missing", why, a.sample)
        if why
        else Score(a.variant, a.query_id, metric, next(values), "scored", sample=a.sample)
        for a, why in zip(answers, missing, strict=True)
        for metric in [IN_TRAINING if a.prompt in trained_on else METRIC]
    ]


def _missing(answer: Generation, tokenizer: PreTrainedTokenizerBase, longest: int) -> str:
    if not answer.article.strip():
        return "empty_article"
    return (
        "over_long"
        if len(reward.tokens(tokenizer, answer.prompt, answer.article)) > longest
        else ""
    )
