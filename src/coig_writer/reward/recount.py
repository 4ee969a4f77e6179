"""What a run on preferences learned from, with which settings, and how well: from its own files alone, without torch.

``recorded.train`` states these facts when it ends, and a card is checked against them again. Nothing is read from
``facts.json``: the numbers come from the pairs and their lock, ``consumed-*.jsonl``, ``recipe.json``, the weights'
headers, and the margins of the held-out pairs, of which the whole report follows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
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
DPO, REWARD = "python recipes/dpo.py", "python recipes/reward.py"
EITHER = f"{DPO}, or {REWARD}"
SETTINGS = {
    "beta": "dpo/beta",
    "center_rewards_coefficient": "reward/center_rewards_coefficient",
    "learning_rate": "run/learning_rate",
    "max_length": "run/max_length",
    "seed": "run/seed",
}
ANEW = f"remove that folder, and run again: {EITHER}"


@dataclasses.dataclass(frozen=True, slots=True)
class Margin:
    """How much more the chosen answer of a held-out pair is rewarded than its rejected one.

    Attributes:
        margin: The difference of the two rewards.
    """

    margin: float


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What one process consumed in one micro-batch of a run on preferences.

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


class LockOfOne(TypedDict, total=False):
    """The setting that only one of the two methods has.

    Attributes:
        beta: Of DPO: weight of staying near the base.
        center_rewards_coefficient: Of a reward model: weight of rewards near zero.
    """

    beta: float
    center_rewards_coefficient: float | None


class LockFile(LockOfOne):
    """What a run on preferences learns from and how, described so exactly that any drift shows.

    Attributes:
        train: The pairs that it is trained on.
        held_out: The pairs that it is measured on.
        share_held_out: Share of the prompts that is held out.
        base: The model that it starts from.
        learning_rate: At its highest.
        num_train_epochs: Passes over the pairs.
        seed: Of the split and the training.
        max_length: Longest text in tokens.
    """

    train: LockedPairs
    held_out: LockedPairs
    share_held_out: float
    base: str | None
    learning_rate: float
    num_train_epochs: float
    seed: int
    max_length: int | None


def write_margins(folder: Path, margins: Sequence[float]) -> None:
    """Writes the margins of the held-out pairs, in the pairs' order."""
    write_records(folder / MARGINS, [Margin(margin) for margin in margins], Margin)


def method(lock: Mapping[str, object]) -> str:
    """Tells by its lock what a run trained: ``dpo`` a writer, ``reward`` a reward model."""
    return "reward" if "center_rewards_coefficient" in lock else "dpo"


def run(folder: Path) -> list[Fact]:
    """Measures a run.

    Raises:
        MissingInputError: A file is missing.
        DriftError: The pairs are not those of the lock, an epoch but the last left one out, or margins are missing.
        InputError: The run consumed a pair that does not exist.
    """
    lock, settings = (read_json(folder / name, EITHER) for name in (LOCK, "recipe.json"))
    train, held_out = (
        read_records(folder / name, Preference, EITHER) for name in (TRAIN, HELD_OUT)
    )
    for name, part in (("train", train), ("held_out", held_out)):
        locked = lock.get(name)
        if not isinstance(locked, dict) or rows_sha256(part) != locked.get("content_sha256"):
            raise DriftError(f"{folder}: its pairs ({name}) are not those of {LOCK}", ANEW)
    margins = [row.margin for row in read_records(folder / MARGINS, Margin, ANEW)]
    if len(margins) != len(held_out):
        raise DriftError(
            f"{folder / MARGINS}: {len(margins)} margins of {len(held_out)} pairs", ANEW
        )
    weights, start = sorted(folder.glob("model*.safetensors")), method(lock)
    return [
        Fact(f"{start}/train_pairs", len(train)),
        Fact(f"{start}/train_prompts", len({p.prompt for p in train})),
        Fact(f"{start}/held_out_pairs", len(held_out)),
        Fact(f"{start}/train_sha256", rows_sha256(train)),
        Fact(f"{start}/held_out_sha256", rows_sha256(held_out)),
        # None is a weight of rewards near zero that is switched off
        *(Fact(key, settings[name] or 0) for name, key in SETTINGS.items() if name in settings),
        *training.adapter(folder),
        *([Fact("run/parameters", training.parameters(weights))] if weights else []),
        *consumed(folder, len(train), start),
        *report.facts(report.report(held_out, margins), start),
    ]


def consumed(folder: Path, pairs: int, start: str) -> list[Fact]:
    """Counts from a run's own record what its gradients were computed from.

    Args:
        folder: The run's folder.
        pairs: How many there were to train on.
        start: First part of the facts' ids.

    Raises:
        MissingInputError: It left no record.
        DriftError: An epoch but the last left a pair out.
        InputError: It consumed a pair that does not exist, or a line is not of the record's form.
    """
    files = sorted(folder.glob("consumed-*.jsonl"))
    lines = [line for file in files for line in read_records(file, Line, EITHER)]
    if not lines:
        raise MissingInputError(f"{folder}: no consumed-*.jsonl", ANEW)
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
        f"{start}/consumed": sum(c.total() for c in epochs.values()),
        # processes that do not share the pairs evenly take some twice
        f"{start}/repeated": sum(c.total() - len(c) for c in epochs.values()),
        f"{start}/tokens": sum(line.tokens for line in lines),
        f"{start}/padding": sum(line.padding for line in lines),
        f"{start}/pairs_per_step": max(steps.values()),
        "run/steps": max(steps),
    }
    return [Fact(name, count) for name, count in counts.items()]
