"""Trains the demo's base from nothing: python recipes/pretrain.py --corpus FOLDER [--out recipes/base].

The corpus is your folder of public-domain texts (.jsonl or .jsonl.gz with a field `text`, or .txt) and the
kit's own CC0 texts. Traditional characters are written as simplified ones (OpenCC). Samples whose loss the
demo reports are left out, and so is every paragraph that shares thirteen characters in a row with one of them.
On a GPU it takes minutes, on two cores about half an hour. `--prepare` or `--train` does one half alone, so
that the second can run elsewhere.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from coig_writer.errors import ConfigError, InputError, MissingInputError, run_command
from coig_writer.files import read_rows
from coig_writer.training import pretraining
from coig_writer.training.pretraining import Shape, Text

ROOT = Path(__file__).parents[1]
KIT_WEIGHT = 3  # modern prose is a tenth of the corpus; three readings each
REPORTED = 20  # samples whose loss the demo reports


def sample_files() -> list[Path]:
    """Returns the files of the kit's own triplets."""
    return sorted((ROOT / "dataset_builder" / "sample" / "triplets").glob("*.txt"))


def reported(files: list[Path]) -> set[str]:
    """Returns the names of the samples that are left out: those with the lowest hashes."""
    ranked = sorted(files, key=lambda file: hashlib.sha256(file.stem.encode()).hexdigest())
    return {file.stem for file in ranked[:REPORTED]}


def of_folder(folder: Path) -> Iterator[Text]:
    """Yields the texts of a folder, in the order of file names, as simplified Chinese."""
    import opencc

    simplified = opencc.OpenCC("t2s")
    files = sorted(p for p in folder.rglob("*") if p.name.endswith((".jsonl", ".jsonl.gz", ".txt")))
    if not files:
        raise MissingInputError(
            f"{folder}: no .jsonl, .jsonl.gz or .txt file", "name a folder of texts"
        )
    for file in files:
        if file.suffix == ".txt":
            bodies: Iterable[str] = [file.read_text(encoding="utf-8")]
        else:
            bodies = (_body(where, row) for where, row in read_rows(file))
        for body in bodies:
            yield Text("corpus", simplified.convert(body))


def _body(where: str, row: dict[str, Any]) -> str:
    title, text = row.get("title"), row.get("text")
    if not isinstance(text, str) or not isinstance(title, str | None):
        raise InputError(f"{where}: no text", "give each row a field text, and a title or none")
    return f"{title}\n{text}" if title else text


def of_kit() -> tuple[list[Text], list[str]]:
    """Returns the kit's own texts, and those whose loss is reported."""
    files = sample_files()
    out = reported(files)
    texts: list[Text] = []
    kept_out: list[str] = []
    for file in files:
        parts = file.read_text(encoding="utf-8").split("=== ")
        bodies = [part.partition("===\n")[2].strip() for part in parts[1:]]
        if file.stem in out:
            kept_out += bodies
        else:
            texts += [Text("samples", body, KIT_WEIGHT) for body in bodies]
    for _, row in read_rows(ROOT / "dataset_builder/sample/raw_texts.jsonl"):
        texts.append(Text("raw texts", row["text"], KIT_WEIGHT))
    for _, row in read_rows(ROOT / "recipes" / "sample"):
        texts.append(Text("general rows", "\n".join(_strings(row)), KIT_WEIGHT))
    return texts, kept_out


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def main() -> int | None:
    """Prepares, trains, or both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="your folder of public-domain texts")
    parser.add_argument(
        "--prepared", type=Path, default=Path("build/pretraining"), help="the prepared corpus"
    )
    parser.add_argument("--out", type=Path, default=Path("recipes/base"), help="the model to write")
    parser.add_argument("--epochs", type=int, default=Shape().epochs, help="passes over the corpus")
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--prepare", action="store_true", help="prepare only")
    half.add_argument("--train", action="store_true", help="train only, on what was prepared")
    given = parser.parse_args()
    if given.epochs < 1:
        raise ConfigError(f"--epochs {given.epochs} trains nothing", "give at least 1")
    shape = dataclasses.replace(Shape(), epochs=given.epochs)
    if not given.train:
        if given.corpus is None:
            raise MissingInputError("no corpus", "give --corpus FOLDER")
        texts, kept_out = of_kit()
        left_out = [f"sample-{name}" for name in sorted(reported(sample_files()))]
        pretraining.prepare(
            given.prepared, [*of_folder(given.corpus), *texts], kept_out, left_out, shape
        )
        print(f"{given.prepared}: tokenizer and corpus")
    if not given.prepare:
        given.out.mkdir(parents=True, exist_ok=True)
        loss = pretraining.train(given.prepared, given.out, shape, log=given.out / "training.jsonl")
        print(f"{given.out}: {loss:.3f} nats per piece on held-out documents")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
