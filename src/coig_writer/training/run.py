"""One training run: a mixture, TRL's SFTTrainer, and proof of what was consumed.

The trainer writes down which rows every optimizer step consumed. At the end of a whole epoch those
are exactly the rows of the mixture's lock, or the run fails.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets import Dataset
from transformers import AutoTokenizer
from trl import ModelConfig, SFTConfig, get_peft_config, get_quantization_config

from coig_writer import facts
from coig_writer.errors import ConfigError, DriftError
from coig_writer.facts import Fact
from coig_writer.files import write_json
from coig_writer.mixing import controls, mixing
from coig_writer.mixture import Lock, MixtureRow, ids_hash
from coig_writer.record import to_row
from coig_writer.training import checkpoints, curves, ledger, modes, provenance, recount
from coig_writer.training import recipe as recipes
from coig_writer.training.modes import Mode
from coig_writer.training.recipe import RecipeArguments
from coig_writer.training.samples import EpochSamples
from coig_writer.training.trainer import RecipeTrainer

logger = logging.getLogger(__name__)


def mixture_folder(recipe: RecipeArguments, variant: str) -> Path:
    """Returns the folder of a variant's mixture."""
    return Path(recipe.mixtures) / variant


def read_mixture(
    recipe: RecipeArguments, variant: str, max_length: int
) -> tuple[list[MixtureRow], Lock]:
    """Reads a mixture and checks it against its lock and the run's length.

    Raises:
        MissingInputError: The mixture was not built.
        DriftError: Its rows are not those of its lock.
        ConfigError: It was built for another length or scale, or too many tokens would be cut.
    """
    folder = mixture_folder(recipe, variant)
    rows, lock = mixing.read(folder, max_length, sample_scale=recipe.sample_scale)
    cut = sum(max(0, r.n_tokens - max_length) for r in rows) / sum(r.n_tokens for r in rows)
    if cut > recipe.over_long_budget:
        raise ConfigError(
            f"{folder}: {cut:.1%} of the tokens would be cut at {max_length}, the budget is {recipe.over_long_budget:.1%}",
            "set over_long: drop and build again, or raise over_long_budget knowingly",
        )
    return rows, lock


def train(recipe: RecipeArguments, sft: SFTConfig, model: ModelConfig, variant: str) -> Path:
    """Trains one variant, or returns at once where the run is finished.

    Returns:
        The folder with weights, tokenizer, lock, consumed rows and facts.
    """
    rows, lock = read_mixture(recipe, variant, recipes.longest(sft))
    sft = controls.applied(controls.resolve(variant, Path(recipe.controls)), recipe, sft)
    out = recipes.out(sft) / variant
    settings = checkpoints.settings(sft, model) | {
        "lock": lock,
        "global_batch_size": recipe.global_batch_size,
    }
    if recipe.mode != "plain":  # runs of before there were modes keep their fingerprint
        settings["mode"] = recipe.mode
    marks = checkpoints.marks(settings)
    if not recipe.overwrite_run and checkpoints.finished(out, marks):
        logger.info(f"{variant}: {out} holds the finished run; --overwrite_run true trains again")
        return out
    recipes.check_batch(recipe, sft, sft.world_size)  # before a large model is loaded
    mode = modes.choose(recipe.mode, sft, model.dtype, lora=model.use_peft)
    held_out = mixing.read_held_out(mixture_folder(recipe, variant), lock)
    trainer = _trainer(
        dataclasses.replace(sft, output_dir=str(out)), model, rows, lock, mode, held_out
    )
    if recipe.epoch_samples:
        trainer.add_callback(EpochSamples(recipe.epoch_samples, trainer))
    if recipe.overwrite_run:
        checkpoints.clear(out, trainer)
    trainer.train(resume_from_checkpoint=checkpoints.last(out, marks, trainer))
    seconds, spent = trainer.seconds, trainer.spent()
    trainer.save_model(str(out))
    trainer.save_state()
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        check_consumed(out, rows, trainer.state.num_train_epochs, trainer.state.epoch or 0.0)
        _write_settings(out, settings)
        stated = [
            *provenance.stated(trainer, trainer.mode, model, marks[0]),
            Fact("run/seconds", round(seconds, 1)),
            *held_out_facts(trainer.state.log_history),
            *ledger.facts(spent),
            *recount.run(out, rows),  # last: what its files show goes before what it says of itself
        ]
        facts.write(out / "facts.json", {fact.id: fact for fact in stated}.values())
        curves.write(out, trainer.state.log_history)
    return out


def _write_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Writes the lock of the mixture and, apart, every other setting."""
    write_json(out / "mixture.lock.json", settings["lock"])
    kept = json.dumps({k: v for k, v in settings.items() if k != "lock"}, default=str)
    write_json(out / "recipe.json", json.loads(kept))


def _trainer(
    sft: SFTConfig,
    model: ModelConfig,
    rows: Sequence[MixtureRow],
    lock: Lock,
    mode: Mode,
    held_out: Sequence[MixtureRow],
) -> RecipeTrainer:
    if held_out:  # a row alone, so that each has its own loss
        sft = dataclasses.replace(sft, eval_strategy="epoch", per_device_eval_batch_size=1)
    own = sft.model_init_kwargs
    sft.model_init_kwargs = (own if isinstance(own, dict) else {}) | recipes.init_kwargs(model)
    base = recipes.base(model)
    with recipes.loading(model):
        tokenizer = AutoTokenizer.from_pretrained(base, revision=model.model_revision)
        mixing.check_tokenizer(lock, tokenizer)
        return RecipeTrainer(
            row_names=[f"{r.source}\t{r.source_id}" for r in rows],
            model=base,
            args=sft,
            train_dataset=_conversations(rows),
            eval_dataset=_conversations(held_out) if held_out else None,
            processing_class=tokenizer,
            quantization_config=get_quantization_config(model),
            peft_config=get_peft_config(model),
            mode=mode,
        )


def _conversations(rows: Sequence[MixtureRow]) -> Dataset:
    return Dataset.from_list(
        [{"messages": to_row(row)["messages"], "row": number} for number, row in enumerate(rows)]
    )


def held_out_facts(history: Sequence[Mapping[str, float]]) -> list[Fact]:
    """Returns the loss on held-out rows, in nats per token, after every epoch and, last, at the end."""
    measured = [entry for entry in history if "eval_loss" in entry]
    if not measured:
        return []
    return [
        *(
            Fact(f"held_out/loss/epoch_{round(entry['epoch'], 2):g}", entry["eval_loss"])
            for entry in measured
        ),
        Fact("held_out/loss", measured[-1]["eval_loss"]),
    ]


def check_consumed(out: Path, rows: Sequence[MixtureRow], epochs: int, reached: float) -> None:
    """Compares what was consumed with the mixture, epoch by epoch.

    Raises:
        DriftError: A whole epoch consumed other rows than the lock names.
    """
    expected = ids_hash(f"{r.source}\t{r.source_id}" for r in rows)
    seen: dict[int, list[str]] = {}
    for step in recount.consumed(out):
        seen.setdefault(step["epoch"], []).extend(step["rows"])
    for epoch in sorted(seen):
        if epoch < int(reached + 1e-6) and ids_hash(seen[epoch]) != expected:
            twice = len(seen[epoch]) - len(set(seen[epoch]))
            raise DriftError(
                f"{out}: epoch {epoch + 1} of {epochs} consumed {len(seen[epoch])} rows, {twice} of them again, the lock names {len(rows)}",
                "report it with consumed-*.jsonl and mixture.lock.json",
            )
