"""What a run consumed, with which settings, and how large its model is: from its own files alone.

``train`` states these facts when it ends, and a card is checked against them again. Nothing is read
from ``facts.json``: the numbers come from ``consumed-*.jsonl``, the weights' headers and ``recipe.json``.
"""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from coig_writer.errors import DriftError, InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import appending, read_json, read_rows, write_rows
from coig_writer.mixture import MixtureRow, ids_hash

SETTINGS = ("learning_rate", "max_length", "seed", "global_batch_size")
ADAPTER = "adapter_config.json"
MERGED = "merged_adapter.json"  # so called lest a loader looks for an adapter there
# What older runs did not write down is not stated of them.
HYPERPARAMETERS = (
    "optim",
    "weight_decay",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "lr_scheduler_type",
    "warmup_steps",
    "num_train_epochs",
)
SFT = "python recipes/sft.py"
ANEW = "remove that folder, or add --output_dir with another one, and train again"


class Step(TypedDict):
    """What one process consumed in one micro-batch; ``loss`` is its part of the step's, None in older files."""

    epoch: int
    step: int
    rows: list[str]
    loss: float | None


class Line(TypedDict):
    """What one process consumed in one micro-batch of a fine-tune.

    Attributes:
        epoch: From 0.
        step: Optimizer step, from 1.
        padding: Tokens of padding.
        rows: ``source<TAB>source_id`` of each document; empty where a process had none left.
        numbers: Their numbers in the mixture.
        loss: The micro-batch's part of the step's loss: a step's sum over all processes is its loss.
        seconds: Since the run began, without what was lost to an interruption.
    """

    epoch: int
    step: int
    padding: int
    rows: list[str]
    numbers: list[int]
    loss: float
    seconds: float


def run(folder: Path, rows: Sequence[MixtureRow]) -> list[Fact]:
    """Measures a run.

    Args:
        folder: The trained model.
        rows: The rows of its mixture.

    Raises:
        MissingInputError: It has no consumed rows, settings or lock.
        InputError: It consumed a row that its mixture does not hold.
    """
    steps = consumed(folder)
    settings = read_json(folder / "recipe.json", SFT)
    last = max(step["epoch"] for step in steps)
    seen = [name for step in steps if step["epoch"] == last for name in step["rows"]]
    lock = read_json(folder / "mixture.lock.json", SFT)
    lengths = {
        f"{row.source}\t{row.source_id}": min(row.n_tokens, settings["max_length"]) for row in rows
    }
    measured = [
        Fact("run/variant", lock["variant"]),
        Fact("run/steps", max(step["step"] for step in steps)),
        *_train_loss(steps),
        Fact("run/consumed_sha256", ids_hash(seen)),
        *(Fact(f"run/{name}", settings[name]) for name in SETTINGS),
        *(Fact(f"run/{name}", settings[name]) for name in HYPERPARAMETERS if name in settings),
        *(_source(name, entry) for name, entry in lock["sources"].items()),
        Fact("run/seeds", 1),  # a run is of one seed; what other seeds give, it cannot know
        *adapter(folder),
        *_ledger(steps, lengths),
    ]
    weights = sorted(folder.glob("model*.safetensors"))
    return measured + ([Fact("run/parameters", parameters(weights))] if weights else [])


def adapter(folder: Path) -> list[Fact]:
    """Returns what a LoRA adapter is, of its own or merged into this model; nothing where there is none."""
    files = [folder / name for name in (ADAPTER, MERGED) if (folder / name).is_file()]
    if not files:
        return []
    settings = read_json(files[0], SFT)
    return [
        Fact("run/lora_targets", ", ".join(sorted(settings["target_modules"]))),
        Fact("run/lora_merged", files[0].name == MERGED),
    ]


def consumed(folder: Path) -> list[Step]:
    """Reads which rows every step of every process consumed.

    Raises:
        MissingInputError: The run left no such file.
    """
    files = sorted(folder.glob("consumed-*.jsonl"))
    if not files:
        raise MissingInputError(f"{folder}: no consumed-*.jsonl", f"run: {SFT}")
    return [
        Step(epoch=row["epoch"], step=row["step"], rows=row["rows"], loss=row.get("loss"))
        for file in files
        for _, row in read_rows(file)
    ]


def cut(file: Path, step: int) -> list[Line]:
    """Cuts a record back to the step of a checkpoint, and removes it where nothing of it is left.

    Args:
        file: ``consumed-RANK.jsonl``, which need not be there.
        step: Last step to keep; 0 for a run that starts anew.

    Returns:
        The lines that were kept.

    Raises:
        InputError: A line other than the last is torn, or an older version of the kit wrote it.
    """
    kept = rows_until(file, step)
    for where, row in kept:
        if "seconds" not in row:
            raise InputError(f"{where}: without loss and seconds, by an older version", ANEW)
    keep(file, [row for _, row in kept])
    return [
        Line(
            epoch=row["epoch"],
            step=row["step"],
            padding=row["padding"],
            rows=row["rows"],
            numbers=row["numbers"],
            loss=row["loss"],
            seconds=row["seconds"],
        )
        for _, row in kept
    ]


def rows_until(file: Path, step: int) -> list[tuple[str, dict[str, Any]]]:
    """Reads the rows of a record up to a step, each with its place; a last line that a kill has torn is cut off.

    Raises:
        InputError: A line other than the last is torn.
    """
    if not (step and file.is_file()):
        return []
    with appending(file):
        pass
    try:
        rows = list(read_rows(file)) if file.is_file() else []
    except InputError as error:
        raise InputError(error.message, ANEW) from error
    return [(where, row) for where, row in rows if row["step"] <= step]


def check_kept(folder: Path, lines: Sequence[Line], step: int) -> None:
    """Refuses to go on from a record that does not reach its checkpoint, or holds a row twice in an epoch.

    The first is so where a file was removed, the second where one of another run lies there.

    Args:
        folder: The run's.
        lines: Of its first process, and of processes that are there no more.
        step: Of the checkpoint; 0 where a run begins.

    Raises:
        DriftError: Naming the step or the row.
    """
    last = max((line["step"] for line in lines), default=0)
    if last != step:
        raise DriftError(
            f"{folder}: consumed-0.jsonl ends with step {last}, and the checkpoint is of step {step}",
            f"restore that file; else {ANEW}",
        )
    seen = Counter((line["epoch"], row) for line in lines for row in line["rows"])
    twice = [(epoch, row) for (epoch, row), count in seen.items() if count > 1]
    if twice:
        epoch, row = twice[0]
        raise DriftError(
            f"{folder}: consumed-*.jsonl holds row {row!r} twice in epoch {epoch + 1}, {len(twice)} rows in all",
            f"remove the file that is of another run; else {ANEW}",
        )


def keep(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes a record anew with these rows, and removes it where there are none."""
    if rows:
        write_rows(file, rows)
    else:
        file.unlink(missing_ok=True)


def _train_loss(steps: Sequence[Step]) -> list[Fact]:
    """Averages the loss over all optimizer steps; nothing where an older run did not write it down."""
    losses = [step["loss"] for step in steps if step["loss"] is not None]
    if len(losses) < len(steps):
        return []
    number = max(step["step"] for step in steps)
    return [Fact("run/train_loss", round(math.fsum(losses) / number, 6))]


def _source(name: str, entry: Mapping[str, str | None]) -> Fact:
    config = f", {entry['config']}" if entry.get("config") else ""
    revision = entry.get("revision") or "not stated"
    return Fact(f"run/source/{name}", f"{entry['path']}{config}, revision {revision}")


def parameters(files: Sequence[Path]) -> int:
    """Counts the parameters in safetensors files by reading their headers only."""
    total = 0
    for file in files:
        with file.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(size))
        total += sum(math.prod(t["shape"]) for n, t in header.items() if n != "__metadata__")
    return total


def _ledger(steps: Sequence[Step], lengths: Mapping[str, int]) -> list[Fact]:
    documents: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for name in (row for step in steps for row in step["rows"]):
        if name not in lengths:
            raise InputError(
                f"the run consumed {name!r}, which its mixture does not hold",
                "give the mixture that the run was trained on",
            )
        source = name.partition("\t")[0]
        documents[source] += 1
        tokens[source] += lengths[name]
    return [
        Fact(f"ledger/{source}/{name}", value)
        for source in documents
        for name, value in (
            ("documents", documents[source]),
            ("tokens", tokens[source]),
            ("share_of_tokens", round(tokens[source] / tokens.total(), 6)),
        )
    ]
