"""The state of a run: finished, to resume from a checkpoint, or of other settings and so refused.

What its steps consumed is recorded in ``consumed-RANK.jsonl`` beside its checkpoints, by each process for itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from safetensors import SafetensorError
from transformers import PreTrainedModel, Trainer, TrainingArguments
from trl import ModelConfig

from coig_writer import facts
from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.training import recipe as recipes

logger = logging.getLogger(__name__)
# How an optimizer step is shared out: a run resumes, or counts as finished, on another number of devices.
SHARING = ("per_device_train_batch_size", "gradient_accumulation_steps")
PLACES = (
    "output_dir",
    "run_name",
    "hub_token",
    "logging_steps",
    "report_to",
    "disable_tqdm",
    "save_steps",
    "save_total_limit",
)


def settings(args: TrainingArguments, model: ModelConfig) -> dict[str, object]:
    """Returns the settings that can change the weights; places and logging cannot."""
    return {k: v for k, v in {**args.to_dict(), **vars(model)}.items() if k not in PLACES}


def marks(settings: Mapping[str, object]) -> tuple[str, str]:
    """Returns a run's fingerprint, and the one that an older version gave it."""
    shared = {key: value for key, value in settings.items() if key not in SHARING}
    return recipes.fingerprint(shared), recipes.fingerprint(settings)


def finished(out: Path, fingerprints: Collection[str]) -> bool:
    """Tells whether a run with one of these fingerprints ended in a folder.

    Raises:
        InputError: Its facts cannot be read.
    """
    try:
        return facts.read(out / "facts.json")["run/fingerprint"].value in fingerprints
    except (MissingInputError, KeyError):
        return False
    except InputError as error:
        raise InputError(
            error.message,
            "remove that file and run the same command: it goes on from the last checkpoint, or trains again",
        ) from error


def clear(out: Path, trainer: Trainer) -> None:
    """Removes what would keep a finished run from being trained again; an unfinished one goes on."""
    if trainer.is_world_process_zero() and (out / "facts.json").is_file():
        for checkpoint in _numbered(out):
            shutil.rmtree(checkpoint)
        (out / "facts.json").unlink()
    trainer.accelerator.wait_for_everyone()


def last(out: Path, fingerprints: Sequence[str], trainer: Trainer) -> str | None:
    """Returns the last whole checkpoint of the same run, or marks the folder as this run's.

    Args:
        out: The run's folder.
        fingerprints: Its fingerprints; the first is written.
        trainer: What would go on.

    Raises:
        ConfigError: The folder's checkpoints are of a run with other settings, or their states of another form.
    """
    stamp = out / "fingerprint"
    checkpoints = _numbered(out)
    if checkpoints and not (stamp.is_file() and stamp.read_text() in fingerprints):
        raise ConfigError(
            f"{out} holds checkpoints of a run with other settings",
            f"remove that folder, or add --output_dir with another one (kept: {checkpoints[-1].name})",
        )
    while checkpoints and not _whole(checkpoints[-1]):
        logger.warning(
            f"{checkpoints.pop()} was cut off while it was written and is not resumed from"
        )
    if checkpoints:
        _check_states(
            checkpoints[-1], sharded=trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
        )
        logger.info(f"resuming from {checkpoints[-1]}")
        return str(checkpoints[-1])
    if trainer.is_world_process_zero():
        out.mkdir(parents=True, exist_ok=True)
        stamp.write_text(fingerprints[0])
    return None


def _check_states(checkpoint: Path, *, sharded: bool) -> None:
    """Refuses optimizer states of another form, in whose place transformers would begin with none.

    Raises:
        ConfigError: The checkpoint is of whole weights and this launch shards them, or the other way round.
    """
    if (checkpoint / "optimizer.pt").is_file() == sharded:
        raise ConfigError(
            f"{checkpoint} holds {'whole' if sharded else 'sharded'} optimizer states, and this launch keeps {'sharded' if sharded else 'whole'} ones",
            f"go on with: accelerate launch --config_file recipes/accelerate/{'ddp.yaml (or one_gpu.yaml)' if sharded else 'fsdp2.yaml (or zero3.yaml)'} recipes/sft.py …",
        )


def _numbered(out: Path) -> list[Path]:
    numbered = [p for p in out.glob("checkpoint-*") if p.name.partition("-")[2].isdecimal()]
    return sorted(numbered, key=lambda path: int(path.name.partition("-")[2]))


def _whole(checkpoint: Path) -> bool:
    """Tells whether a checkpoint was written to its end: the trainer's state is its last file."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _reading(checkpoint: str | None) -> Iterator[None]:
    """Says which checkpoint cannot be read, and what the run then goes on from.

    Raises:
        InputError: A file of it is damaged.
    """
    try:
        yield
    except (pickle.UnpicklingError, EOFError, RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and "PytorchStreamReader" not in str(error):
            raise
        raise InputError(
            f"{checkpoint}: weights or optimizer states cannot be read",
            "remove that folder: the run then goes on from the checkpoint before it, or begins anew",
        ) from error


class Recorded(Trainer):
    """A trainer of which each process records what it consumed: batches keep the column that says so."""

    column: ClassVar[str]
    model: PreTrainedModel

    def _set_signature_columns_if_needed(self) -> None:
        chosen: Callable[[], None] = super()._set_signature_columns_if_needed
        chosen()
        columns: Any = self._signature_columns  # transformers declares the None it begins with
        if self.column not in columns:
            columns.append(self.column)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        load: Callable[[str | None], None] = super()._load_optimizer_and_scheduler
        with _reading(checkpoint):
            load(checkpoint)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load: Callable[[str, Any], None] = super()._load_from_checkpoint
        with _reading(resume_from_checkpoint):
            load(resume_from_checkpoint, model)

    @property
    def consumed_file(self) -> Path:
        """Where this process records what it consumed."""
        return recipes.out(self.args) / f"consumed-{self.args.process_index}.jsonl"

    def records(self) -> list[Path]:
        """Returns this process's record; for the first also those of processes that are there no more."""
        record, ranks = self.consumed_file, self.args.world_size
        record.parent.mkdir(parents=True, exist_ok=True)
        if self.args.process_index:
            return [record]
        numbers = {f: f.stem.partition("-")[2] for f in record.parent.glob("consumed-*.jsonl")}
        return [record, *sorted(f for f, n in numbers.items() if n.isdecimal() and int(n) >= ranks)]


def step_of(checkpoint: str | bool | None) -> int:
    """Returns the step after which a checkpoint was written; 0 where a run begins."""
    return int(str(checkpoint).rpartition("-")[2]) if checkpoint else 0
