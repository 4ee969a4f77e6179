"""What a DPO run learned from, with which settings, and how well: from its own files alone, without torch.

``dpo.train`` states these facts when it ends, and a card is checked against them again. Nothing is read from
``facts.json``: the numbers come from the pairs and their lock, ``consumed-*.jsonl``, ``recipe.json``, the weights'
headers, and the margins of the held-out pairs, of which the whole report follows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from coig_writer.errors import DriftError, InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import read_json, read_records, rows_sha256, write_records
from coig_writer.reward import report
from coig_writer.reward.preferences import HELD_OUT, TRAIN, Preference
from coig_writer.training import recount as training

LOCK = "preferences.lock.json"
MARGINS = "held-out-margins.jsonl"
DPO = "python recipes/dpo.py"
SETTINGS = {
    "beta": "dpo/beta",
    "learning_rate": "run/learning_rate",
    "max_length": "run/max_length",
    "seed": "run/seed",
}
ANEW = f"remove that folder, and run: {DPO}"


@dataclasses.dataclass(frozen=True, slots=True)
class Margin:
    """How much more the chosen answer of a held-out pair is rewarded than its rejected one.

    Attributes:
        margin: The difference of the two rewards.
    """

    margin: float


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What one process consumed in one micro-batch of a DPO run.

    Attributes:
        epoch: From 0.
        step: Optimizer step, from 1.
        pairs: Numbers of the pairs in ``preferences-train.jsonl``.
        tokens: Without padding.
        padding: Tokens of padding.
    """

    epoch: int
    step: int
    pairs: tuple[int, ...]
    tokens: int
    padding: int


class LockedPairs(TypedDict):
    """Pairs, described so exactly that any drift shows.

    Attributes:
        pairs: How many.
        content_sha256: Of every text and id.
    """

    pairs: int
    content_sha256: str


class LockFile(TypedDict):
    """What a DPO run learns from and how, described so exactly that any drift shows.

    Attributes:
        train: The pairs that it is trained on.
        held_out: The pairs that it is measured on.
        share_held_out: Share of the prompts that is held out.
        base: The model that it starts from.
        beta: Weight of staying near that model.
        learning_rate: At its highest.
        num_train_epochs: Passes over the pairs.
        seed: Of the split and the training.
        max_length: Longest text in tokens.
    """

    train: LockedPairs
    held_out: LockedPairs
    share_held_out: float
    base: str | None
    beta: float
    learning_rate: float
    num_train_epochs: float
    seed: int
    max_length: int | None


def write_margins(folder: Path, margins: Sequence[float]) -> None:
    """Writes the margins of the held-out pairs, in the pairs' order."""
    write_records(folder / MARGINS, [Margin(margin) for margin in margins], Margin)


def run(folder: Path) -> list[Fact]:
    """Measures a run.

    Raises:
        MissingInputError: A file is missing.
        DriftError: The pairs are not those of the lock, an epoch but the last left one out, or margins are missing.
        InputError: The run consumed a pair that does not exist.
    """
    lock, settings = (read_json(folder / name, DPO) for name in (LOCK, "recipe.json"))
    train, held_out = (read_records(folder / name, Preference, DPO) for name in (TRAIN, HELD_OUT))
    for name, part in (("train", train), ("held_out", held_out)):
        locked = lock.get(name)
        if not isinstance(locked, dict) or rows_sha256(part) != locked.get("content_sha256"):
            raise DriftError(f"{folder}: its pairs ({name}) are not those of {LOCK}", ANEW)
    margins = [row.margin for row in read_records(folder / MARGINS, Margin, ANEW)]
    if len(margins) != len(held_out):
        raise DriftError(
            f"{folder / MARGINS}: {len(margins)} margins of {len(held_out)} pairs", ANEW
        )
    weights = sorted(folder.glob("model*.safetensors"))
    return [
        Fact("dpo/train_pairs", len(train)),
        Fact("dpo/train_prompts", len({p.prompt for p in train})),
        Fact("dpo/held_out_pairs", len(held_out)),
        Fact("dpo/train_sha256", rows_sha256(train)),
        Fact("dpo/held_out_sha256", rows_sha256(held_out)),
        *(Fact(key, settings[name]) for name, key in SETTINGS.items() if name in settings),
        *training.adapter(folder),
        *([Fact("run/parameters", training.parameters(weights))] if weights else []),
        *consumed(folder, len(train)),
        *report.facts(report.report(held_out, margins), "dpo"),
    ]


def consumed(folder: Path, pairs: int) -> list[Fact]:
    """Counts from a run's own record what its gradients were computed from.

    Args:
        folder: The run's folder.
        pairs: How many there were to train on.

    Raises:
        MissingInputError: It left no record.
        DriftError: An epoch but the last left a pair out.
        InputError: It consumed a pair that does not exist, or a line is not of the record's form.
    """
    files = sorted(folder.glob("consumed-*.jsonl"))
    lines = [line for file in files for line in read_records(file, Line, DPO)]
    if not lines:
        raise MissingInputError(f"{folder}: no consumed-*.jsonl", f"run: {DPO}")
    epochs: dict[int, Counter[int]] = {}
    steps: Counter[int] = Counter()
    for line in lines:
        epochs.setdefault(line.epoch, Counter()).update(line.pairs)
        steps[line.step] += len(line.pairs)
    last = max(epochs)
    for epoch, seen in epochs.items():
        if odd := set(seen) - set(range(pairs)):
            raise InputError(f"{folder}: consumed pair {min(odd)} of {pairs}", ANEW)
        if epoch < last and len(seen) != pairs:
            raise DriftError(
                f"{folder}: epoch {epoch} trained on {len(seen)} of {pairs} pairs", ANEW
            )
    counts = {
        "dpo/consumed": sum(c.total() for c in epochs.values()),
        # processes that do not share the pairs evenly take some twice
        "dpo/repeated": sum(c.total() - len(c) for c in epochs.values()),
        "dpo/tokens": sum(line.tokens for line in lines),
        "dpo/padding": sum(line.padding for line in lines),
        "dpo/pairs_per_step": max(steps.values()),
        "run/steps": max(steps),
    }
    return [Fact(name, count) for name, count in counts.items()]
