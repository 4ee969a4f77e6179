"""A writer taught by preferences: TRL's DPOTrainer, a lock of its pairs, and figures on unseen prompts.

The loss is -log σ(β·(log-ratio of the chosen answer - log-ratio of the rejected one)), each ratio of the model to
what it was before. β times a log-ratio is a reward, so the same report as a reward model's says how well
it agrees with the votes on prompts that it never saw.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coig_writer import facts
from coig_writer.errors import ConfigError, DriftError
from coig_writer.facts import Fact
from coig_writer.files import read_json, rows_sha256, write_json
from coig_writer.reward import preferences as reward
from coig_writer.reward import report as reward_report
from coig_writer.reward import run
from coig_writer.reward.preferences import Preference, Preferences, Split
from coig_writer.reward.report import Report
from coig_writer.reward.run import PreferenceArguments
from coig_writer.training import recipe as recipes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from trl import DPOConfig, DPOTrainer, ModelConfig

LOCK = "preferences.lock.json"


def parse(
    arguments: Sequence[str] | None, default_config: Path
) -> tuple[PreferenceArguments, DPOConfig, ModelConfig]:
    """Reads ``--config FILE`` and the flags after it, as a recipe is read.

    Raises:
        ConfigError: A key is unknown, removed, or holds a wrong value; or the loss is another than the report's.
    """
    from trl import DPOConfig, ModelConfig

    classes = (PreferenceArguments, DPOConfig, ModelConfig)
    given = recipes.command_line(arguments, default_config)
    recipes.check_keys(given, classes)
    try:
        own, settings, model = recipes.parsed(classes, given)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"recipe: {error}", "see recipes/configs/dpo.yaml; on a CPU, dpo_demo.yaml"
        ) from error
    if settings.loss_type != ["sigmoid"]:
        raise ConfigError(
            f"loss_type: {settings.loss_type}: the figures are those of the sigmoid loss",
            "leave loss_type out",
        )
    return own, settings, model


def lock(
    parts: Split, own: PreferenceArguments, settings: DPOConfig, model: ModelConfig
) -> dict[str, object]:
    """Describes what a run learns from and how, so exactly that any drift shows."""
    keys = ("beta", "learning_rate", "num_train_epochs", "seed", "max_length")
    return {
        "train": {"pairs": len(parts.train), "content_sha256": rows_sha256(parts.train)},
        "held_out": {"pairs": len(parts.held_out), "content_sha256": rows_sha256(parts.held_out)},
        "share_held_out": own.held_out,
        "base": model.model_name_or_path,
        **{key: getattr(settings, key) for key in keys},
    }


def train(own: PreferenceArguments, settings: DPOConfig, model: ModelConfig) -> Report:
    """Trains, measures on held-out prompts, and writes model, pairs, lock and facts.

    Raises:
        InputError: There are too few pairs or prompts.
        DriftError: A model of other pairs or settings lies in the folder.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        model.model_name_or_path, revision=model.model_revision
    )
    paths = ([Path(p) for p in given] for given in (own.preferences, own.ballots, own.generations))
    found = reward.fitting(
        reward.read(*paths, whole=True, sample=own.sample), tokenizer, recipes.longest(settings)
    )
    parts = reward.split(found.pairs, own.held_out, settings.seed)
    out, locked = recipes.out(settings), lock(parts, own, settings, model)
    if (out / LOCK).is_file() and read_json(out / LOCK) != locked:
        raise DriftError(
            f"{out} holds a model of other preferences or settings than these",
            "give --output_dir another folder, or remove that one",
        )
    trainer = _trainer(parts, settings, model, tokenizer)
    trainer.train()
    trainer.save_model(str(out))
    trainer.save_state()
    report = measure(trainer, parts.held_out)
    if trainer.is_world_process_zero():
        run.write_pairs(out, parts)
        facts.write(out / "facts.json", _facts(report, parts, found, trainer))
        write_json(out / LOCK, locked)
    return report


def _trainer(
    parts: Split, settings: DPOConfig, model: ModelConfig, tokenizer: PreTrainedTokenizerBase
) -> DPOTrainer:
    from datasets import Dataset
    from trl import DPOTrainer, get_peft_config, get_quantization_config

    chosen = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
    }
    init = {key: value for key, value in chosen.items() if value is not None}
    return DPOTrainer(
        model=recipes.base(model),
        args=dataclasses.replace(settings, model_init_kwargs=init),
        train_dataset=Dataset.from_list(reward.conversations(parts.train)),
        processing_class=tokenizer,
        quantization_config=get_quantization_config(model),
        peft_config=get_peft_config(model),
    )


def measure(trainer: Any, pairs: Sequence[Preference]) -> Report:
    """Reports on held-out pairs, with β times the log-ratio as the reward."""
    return reward_report.report(pairs, list(margins(trainer, pairs)))


def margins(trainer: Any, pairs: Sequence[Preference]) -> Iterator[float]:
    """Yields how much more each chosen answer is rewarded than its rejected one, as the loss computes it."""
    import torch
    from datasets import Dataset

    prepared = trainer._prepare_dataset(
        Dataset.from_list(reward.conversations(pairs)),
        trainer.processing_class,
        trainer.args,
        "held out",
    )
    trainer.model.eval()
    for row in prepared:
        batch = trainer._prepare_inputs(trainer.data_collator([row]))
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
        given = {key: batch[key] for key in ("input_ids", "attention_mask")}
        with torch.no_grad(), trainer.compute_loss_context_manager():
            now = trainer.model(**given, labels=labels, fused_lm_head=True, use_cache=False)
        before = trainer.compute_ref_log_probs(trainer.ref_model or trainer.model, batch)
        chosen, rejected = now.log_probs.sum(dim=1) - torch.cat(before)
        yield trainer.beta * float(chosen - rejected)


def _facts(report: Report, parts: Split, found: Preferences, trainer: Any) -> list[Fact]:
    counts = {
        "dpo/train_pairs": len(parts.train),
        "dpo/train_prompts": len({p.prompt for p in parts.train}),
        "dpo/held_out_pairs": len(parts.held_out),
        "dpo/steps": trainer.state.global_step,
        "dpo/epochs": float(trainer.state.epoch or 0),
        "dpo/seed": trainer.args.seed,
        "dpo/beta": trainer.beta,
        "dpo/parameters": trainer.model.num_parameters(),
        "dpo/tokens": int(trainer._total_train_tokens),  # the state counts none unless told to
    }
    left_out = [Fact(f"dpo/left_out/{reason}", n) for reason, n in found.left_out.items()]
    measured = reward_report.facts(report, "dpo")
    return [*(Fact(k, v) for k, v in counts.items()), *left_out, *measured]
