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
from typing import TypedDict

from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import read_json, read_rows
from coig_writer.mixture import MixtureRow, ids_hash

SETTINGS = ("learning_rate", "max_length", "seed", "global_batch_size")
ADAPTER = "adapter_config.json"
MERGED = "merged_adapter.json"  # so called lest a loader looks for an adapter there
SFT = "python recipes/sft.py"


class Step(TypedDict):
    """One line of ``consumed-*.jsonl``: the rows of one process in one optimizer step."""

    epoch: int
    step: int
    rows: list[str]


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
    seen = {name for step in steps if step["epoch"] == last for name in step["rows"]}
    lengths = {
        f"{row.source}\t{row.source_id}": min(row.n_tokens, settings["max_length"]) for row in rows
    }
    found = [
        Fact("run/variant", read_json(folder / "mixture.lock.json", SFT)["variant"]),
        Fact("run/steps", max(step["step"] for step in steps)),
        Fact("run/consumed_sha256", ids_hash(seen)),
        *(Fact(f"run/{name}", settings[name]) for name in SETTINGS),
        Fact("run/seeds", 1),  # a run is of one seed; what other seeds give, it cannot know
        *adapter(folder),
        *_ledger(steps, lengths),
    ]
    weights = sorted(folder.glob("model*.safetensors"))
    return found + ([Fact("run/parameters", parameters(weights))] if weights else [])


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
        Step(epoch=row["epoch"], step=row["step"], rows=row["rows"])
        for file in files
        for _, row in read_rows(file)
    ]


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
