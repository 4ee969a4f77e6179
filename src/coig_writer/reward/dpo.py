"""A writer taught by preferences: TRL's DPOTrainer, recorded, and its figures on unseen prompts.

The loss is -log σ(β·(log-ratio of the chosen answer - log-ratio of the rejected one)), each ratio of the model to
what it was before. β times a log-ratio is a reward, so the same report as a reward model's says how well
it agrees with the votes on prompts that it never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, ModelConfig

from coig_writer.errors import ConfigError
from coig_writer.reward import preferences as reward
from coig_writer.reward import recorded, run
from coig_writer.reward.preferences import Preference
from coig_writer.reward.report import Report
from coig_writer.reward.run import PreferenceArguments


def parse(
    arguments: Sequence[str] | None, default_config: Path
) -> tuple[PreferenceArguments, DPOConfig, ModelConfig]:
    """Reads ``--config FILE`` and the flags after it, as a recipe is read.

    Raises:
        ConfigError: A key is unknown, removed, or holds a wrong value; or the loss is another than the report's.
    """
    classes = (PreferenceArguments, DPOConfig, ModelConfig)
    preferences, settings, model = run.parse_as(classes, arguments, default_config, "dpo")
    if settings.loss_type != ["sigmoid"]:
        raise ConfigError(
            f"loss_type: {settings.loss_type}: the figures are those of the sigmoid loss",
            "leave loss_type out",
        )
    return preferences, settings, model


class WriterTrainer(recorded.PreferenceTrainer, DPOTrainer):
    """A DPOTrainer that is recorded, and that rewards answers as its loss does."""

    method = "dpo"
    whole = True
    args: DPOConfig

    def margins(self, pairs: Sequence[Preference]) -> Iterator[float]:
        """Yields how much more each chosen answer is rewarded than its rejected one, as the loss computes it."""
        trainer: Any = self
        prepared = trainer._prepare_dataset(
            Dataset.from_list(reward.conversations(pairs)),
            trainer.processing_class,
            trainer.args,
            "held out",
        )
        trainer.model.eval()
        for row in prepared:
            batch = trainer.data_collator([row])
            del batch["pair"]
            batch = trainer._prepare_inputs(batch)
            labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
            given = {key: batch[key] for key in ("input_ids", "attention_mask")}
            with torch.no_grad(), trainer.compute_loss_context_manager():
                now = trainer.model(**given, labels=labels, fused_lm_head=True, use_cache=False)
            before = trainer.compute_ref_log_probs(trainer.ref_model or trainer.model, batch)
            chosen, rejected = now.log_probs.sum(dim=1) - torch.cat(before)
            yield trainer.beta * float(chosen - rejected)


def train(arguments: PreferenceArguments, settings: DPOConfig, model: ModelConfig) -> Report | None:
    """Trains as ``recorded.train`` does; returns the report, None where the run was finished before."""
    done = recorded.train(WriterTrainer, arguments, settings, model)
    return done[0] if done else None
