"""Saved generations: read from files and folders, grouped by variant, checked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records, write_rows
from coig_writer.generation import Generation, check
from coig_writer.text.normalise import repaired

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MADE_BY = "python recipes/generate.py"
GENERATIONS = "COIG_WRITER_GENERATIONS"  # where the replayed model looks
BENCHMARK = "COIG_WRITER_BENCHMARK"  # where the tasks look
LONGEST = "COIG_WRITER_MAX_NEW_TOKENS"  # how long an answer to the tasks may be


def read(paths: Sequence[Path]) -> list[Generation]:
    """Reads generation records from files and folders.

    Raises:
        MissingInputError: A path is not there.
        InputError: A record does not fit, two answers share variant, query and sample, two prompts a
            query id, or a variant's name cannot be a file name.
    """
    records = check(r for path in paths for r in read_records(path, Generation, MADE_BY))
    for record in records:
        if not _NAME.fullmatch(record.variant):
            raise InputError(
                f"variant {record.variant[:40]!r} is not a valid file name",
                "use letters, digits, dots, hyphens and underscores",
            )
    return records


def variants(records: Sequence[Generation]) -> dict[str, list[Generation]]:
    """Groups records by variant, sorted by name, query and sample."""
    ordered = sorted(records, key=lambda r: (r.variant, r.query_id, r.sample))
    return {
        name: list(group) for name, group in itertools.groupby(ordered, key=lambda r: r.variant)
    }


def of_variant(records: Sequence[Generation], name: str) -> list[Generation]:
    """Returns the records of one variant.

    Raises:
        MissingInputError: There are none.
    """
    by_variant = variants(records)
    if name not in by_variant:
        raise MissingInputError(
            f"no generations of variant {name!r}", f"variants here: {', '.join(by_variant)}"
        )
    return by_variant[name]


def write_queries(folder: Path, records: Sequence[Generation]) -> None:
    """Writes the answered queries as a dataset of the benchmark's layout, each query once.

    Raises:
        InputError: The records do not fit in one table (``generation.check``).
    """
    by_id = {record.query_id: record for record in check(records)}
    answered = sorted({record.language for record in by_id.values()})
    for language in answered:
        rows = (_row(r) for r in by_id.values() if r.language == language)
        write_rows(folder / language / "queries.jsonl", rows)
    (folder / "README.md").write_text(_header(answered), encoding="utf-8")


def _header(languages: Sequence[str]) -> str:
    """Returns the benchmark's dataset header for some of its splits: an empty split cannot load."""
    import yaml

    file = resources.files("coig_writer") / "data" / "benchmark" / "README.md"
    header = yaml.safe_load(file.read_text(encoding="utf-8").split("---")[1])
    (config,) = header["configs"]
    config["data_files"] = [part for part in config["data_files"] if part["split"] in languages]
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n"


def _row(record: Generation) -> dict[str, object]:
    empty = dict.fromkeys(
        ("length", "form", "style", "theme", "cultural_context", "difficulty", "probe")
    )
    return empty | {
        "id": record.query_id,
        "language": record.language,
        "genre": record.genre,
        "query": repaired(record.prompt),
        "required": [],
        "forbidden": [],
        "sections": [],
        "subset_104": None,
        "validation": None,
    }
