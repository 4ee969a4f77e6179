"""A recorded run on preferences: a lock of its pairs, which of them each step consumed, margins of those held out.

DPO and reward model share it: both maximise log σ of how much more the chosen answer is rewarded than the rejected one.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from transformers.trainer_utils import TrainOutput
from trl import DPOConfig, ModelConfig, RewardConfig, get_peft_config, get_quantization_config

from coig_writer import facts
from coig_writer.errors import DriftError
from coig_writer.facts import Fact
from coig_writer.files import appending, read_json, rows_sha256, write_json
from coig_writer.reward import preferences as reward
from coig_writer.reward import recount, run
from coig_writer.reward import report as reward_report
from coig_writer.reward.preferences import Preference, Split
from coig_writer.reward.report import Report
from coig_writer.reward.run import PreferenceArguments
from coig_writer.training import checkpoints, curves, provenance
from coig_writer.training import recipe as recipes
from coig_writer.training import recount as training
from coig_writer.training.modes import Mode

logger = logging.getLogger(__name__)
T = TypeVar("T", bound="PreferenceTrainer")


class PreferenceTrainer(checkpoints.Recorded):
    """What is added to a trainer of TRL: it writes down which pairs each optimizer step consumed.

    As with a fine-tune, a pair counts when its gradient is computed, and lines of steps after the checkpoint are
    cut off when a run resumes. Pairs are named by their number in ``preferences-train.jsonl``.

    Attributes:
        method: ``dpo`` or ``reward``, the first part of its facts' ids.
        whole: Whether it learns from whole answers or, as raters saw them, from articles.
    """

    column = "pair"
    method: ClassVar[str]
    whole: ClassVar[bool]

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.data_collator: Any = _WithPairs(self.data_collator)
        self._open: list[_Taken] = []

    def margins(self, pairs: Sequence[Preference]) -> Iterator[float]:
        """Yields how much more each chosen answer is rewarded than its rejected one."""
        raise NotImplementedError

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *rest: Any, **arguments: Any
    ) -> TrainOutput:
        """Trains; a resumed run keeps the record up to its checkpoint and no further."""
        step = checkpoints.step_of(resume_from_checkpoint)
        for file in self.records():
            training.keep(file, [row for _, row in training.rows_until(file, step)])
        return super().train(resume_from_checkpoint, *rest, **arguments)

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Computes one gradient; with the step's last one it records the pairs they all came from."""
        pairs, mask = inputs.pop("pair"), inputs["attention_mask"]
        step: Callable[..., torch.Tensor] = super().training_step
        loss = step(model, inputs, num_items_in_batch)
        self._open.append(_Taken(pairs, int(mask.sum()), mask.numel()))
        if self.accelerator.sync_gradients:
            with appending(self.consumed_file) as add:
                for taken in self._open:
                    add(
                        {
                            "epoch": int((self.state.epoch or 0) + 1e-9),
                            "step": self.state.global_step + 1,
                            "pairs": taken.pairs,
                            "tokens": taken.tokens,
                            "padding": taken.width - taken.tokens,
                        }
                    )
            self._open = []
        return loss


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """A micro-batch whose gradient is computed: its pairs, their tokens, and its size with padding."""

    pairs: list[int]
    tokens: int
    width: int


class _WithPairs:
    """A collator that passes the numbers of a batch's pairs through, as a list that stays on the host."""

    def __init__(self, collator: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self.collator = collator

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        return self.collator(examples) | {"pair": [e["pair"] for e in examples if "pair" in e]}


def lock(
    parts: Split,
    preferences: PreferenceArguments,
    settings: DPOConfig | RewardConfig,
    model: ModelConfig,
) -> recount.LockFile:
    """Describes what a run learns from and how."""
    locked: recount.LockFile = {
        "train": {"pairs": len(parts.train), "content_sha256": rows_sha256(parts.train)},
        "held_out": {"pairs": len(parts.held_out), "content_sha256": rows_sha256(parts.held_out)},
        "share_held_out": preferences.held_out,
        "base": model.model_name_or_path,
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.num_train_epochs,
        "seed": settings.seed,
        "max_length": settings.max_length,
    }
    if isinstance(settings, DPOConfig):
        return {**locked, "beta": settings.beta}
    return {**locked, "center_rewards_coefficient": settings.center_rewards_coefficient}


def train(
    trainer_class: type[T],
    arguments: PreferenceArguments,
    settings: DPOConfig | RewardConfig,
    model: ModelConfig,
) -> tuple[Report, T] | None:
    """Trains, measures on held-out prompts, and writes model, pairs, lock and facts.

    An unfinished run goes on from its last checkpoint.

    Args:
        trainer_class: How it trains.
        arguments: Where the pairs come from.
        settings: TRL's.
        model: TRL's, of the base.

    Returns:
        The report and the trainer; None where the run was finished before.

    Raises:
        InputError: There are too few pairs or prompts.
        DriftError: The folder holds a model of other pairs or settings.
        ConfigError: Its checkpoints are of a run with other settings.
    """
    tokenizer = run.load_tokenizer(model)
    usable, parts = run.read(arguments, settings, tokenizer, whole=trainer_class.whole)
    out, locked = recipes.out(settings), lock(parts, arguments, settings, model)
    if (out / recount.LOCK).is_file() and read_json(out / recount.LOCK) != locked:
        raise DriftError(
            f"{out} holds a model of other preferences or settings than these",
            "give --output_dir another folder, or remove that one",
        )
    stated = checkpoints.settings(settings, model) | {"lock": locked}
    marks = checkpoints.marks(stated)
    if checkpoints.finished(out, marks):
        logger.info(f"{out} holds the finished run; remove that folder to train again")
        return None
    with recipes.loading(model):
        trainer = _trainer(trainer_class, parts, settings, model, tokenizer)
    checkpoint = checkpoints.last(out, marks, trainer)
    if trainer.is_world_process_zero():
        write_json(out / recount.LOCK, locked)
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model(str(out))
    trainer.save_state()
    measured = list(trainer.margins(parts.held_out))
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        run.write_pairs(out, parts)
        write_json(out / "recipe.json", {k: v for k, v in stated.items() if k != "lock"})
        recount.write_margins(out, measured)
        numbers = [
            *provenance.stated(trainer, Mode("plain"), model, marks[0]),
            *(
                Fact(f"{trainer_class.method}/left_out/{why}", n)
                for why, n in usable.left_out.items()
            ),
            *recount.run(out),  # last: what its files show goes before what it says of itself
        ]
        facts.write(out / "facts.json", {fact.id: fact for fact in numbers}.values())
        curves.write(out, trainer.state.log_history, per="pair")
    return reward_report.report(parts.held_out, measured), trainer


def _trainer(
    trainer_class: type[T],
    parts: Split,
    settings: DPOConfig | RewardConfig,
    model: ModelConfig,
    tokenizer: PreTrainedTokenizerBase,
) -> T:
    rows = [row | {"pair": i} for i, row in enumerate(reward.conversations(parts.train))]
    return trainer_class(
        model=recipes.base(model),
        args=dataclasses.replace(settings, model_init_kwargs=recipes.init_kwargs(model)),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        quantization_config=get_quantization_config(model),
        peft_config=get_peft_config(model),
    )
