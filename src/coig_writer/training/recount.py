"""Recounts what a mixture and a run claim, from their rows and weights alone.

Nothing is read from ``facts.json``, nor a count from the lock: the numbers come from
``train.parquet``, ``kept_aside.jsonl``, ``consumed-*.jsonl``, the weights and the run's settings.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import read_records, read_rows
from coig_writer.mixing.mixing import CONTAMINATED
from coig_writer.mixture import MixtureRow, ids_hash

SETTINGS = {
    "run/learning_rate": "learning_rate",
    "run/max_length": "max_length",
    "run/seed": "seed",
    "run/global_batch_size": "global_batch_size",
}


def mixture(folder: Path) -> list[Fact]:
    """Recounts rows, tokens and ids of a mixture, in all and per source.

    Args:
        folder: Holds ``train.parquet``, ``kept_aside.jsonl`` and ``mixture.lock.json``, whose
            rules say how long a row may be.
    """
    rows = read_records(folder / "train.parquet", MixtureRow, made_by="python recipes/mix.py")
    lock = _json(folder / "mixture.lock.json")
    limit = lock["rules"]["max_length_tokens"]
    told = ("name", "of", "question") if "control" in lock else ()
    found = [
        *(Fact(f"mixture/control/{key}", lock["control"][key]) for key in told),
        Fact("mixture/rows", len(rows)),
        Fact("mixture/tokens", sum(row.n_tokens for row in rows)),
        Fact("mixture/ids_sha256", ids_hash(_name(row) for row in rows)),
    ]
    kept_aside = [aside for _, aside in read_rows(folder / "kept_aside.jsonl")]
    for source in sorted({row.source for row in rows}):
        kept_out = sum(
            aside["source"] == source and aside["reason"].startswith(CONTAMINATED)
            for aside in kept_aside
        )
        own = [row for row in rows if row.source == source]
        found += [
            Fact(f"mixture/{source}/rows", len(own)),
            Fact(f"mixture/{source}/tokens", sum(row.n_tokens for row in own)),
            Fact(f"mixture/{source}/over_long", sum(row.n_tokens > limit for row in own)),
            Fact(f"mixture/{source}/contaminated", kept_out),
        ]
    return found


def run(folder: Path, rows: Sequence[MixtureRow]) -> list[Fact]:
    """Recounts what a run consumed and how large its model is, and reads its settings again.

    Args:
        folder: The trained model.
        rows: The rows of its mixture.
    """
    lines = list(_consumed(folder))
    settings = _json(folder / "recipe.json")
    last = max(line["epoch"] for line in lines)
    found = [
        Fact("run/variant", _json(folder / "mixture.lock.json")["variant"]),
        Fact("run/steps", max(line["step"] for line in lines)),
        Fact(
            "run/consumed_sha256",
            ids_hash({r for x in lines if x["epoch"] == last for r in x["rows"]}),
        ),
        *(Fact(name, settings[key]) for name, key in SETTINGS.items()),
        Fact("run/seeds", len({settings["seed"]})),
        *_ledger(lines, {_name(row): min(row.n_tokens, settings["max_length"]) for row in rows}),
    ]
    weights = sorted(folder.glob("model*.safetensors"))
    return found + ([Fact("run/parameters", parameters(weights))] if weights else [])


def parameters(files: Sequence[Path]) -> int:
    """Counts the parameters in safetensors files by reading their headers only."""
    total = 0
    for file in files:
        with file.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(size))
        for name, tensor in header.items():
            if name != "__metadata__":
                count = 1
                for length in tensor["shape"]:
                    count *= length
                total += count
    return total


def _ledger(lines: Sequence[dict[str, Any]], tokens: dict[str, int]) -> list[Fact]:
    documents: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for name in (row for line in lines for row in line["rows"]):
        source = name.partition("\t")[0]
        documents[source] += 1
        if name not in tokens:
            raise InputError(f"the run consumed {name!r}, which its mixture does not hold", "")
        spent[source] += tokens[name]
    return [
        fact
        for source in documents
        for fact in (
            Fact(f"ledger/{source}/documents", documents[source]),
            Fact(f"ledger/{source}/tokens", spent[source]),
            Fact(f"ledger/{source}/share_of_tokens", round(spent[source] / spent.total(), 6)),
        )
    ]


def _consumed(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.glob("consumed-*.jsonl"))
    if not files:
        raise MissingInputError(f"{folder}: no consumed-*.jsonl", "run: python recipes/sft.py")
    for file in files:
        yield from (row for _, row in read_rows(file))


def _name(row: MixtureRow) -> str:
    return f"{row.source}\t{row.source_id}"


def _json(path: Path) -> Any:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file", "run the stage that makes this folder")
    return json.loads(path.read_text(encoding="utf-8"))
