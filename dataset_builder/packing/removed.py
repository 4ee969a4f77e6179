"""The log of removed rows: ``removed.jsonl`` in the dataset folder, kept by every later pack."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from coig_writer.facts import Fact
from coig_writer.files import read_records, rows_sha256

FILE = "removed.jsonl"
COMMAND = "python -m dataset_builder describe"


@dataclasses.dataclass(frozen=True, slots=True)
class Removal:
    """A row that was taken out; nothing of its text is kept.

    ``version`` is the first one without the row, ``time`` when it was made (UTC).
    """

    id: str
    reason: str
    version: str
    time: str


def read(folder: Path) -> list[Removal]:
    """Reads the log of a packed dataset; no file is an empty log."""
    path = folder / FILE
    return read_records(path, Removal) if path.is_file() else []


def version(log: Sequence[Removal]) -> str:
    """Returns the version of the rows: the last number counts the times that rows were removed."""
    return f"1.0.{len({removal.version for removal in log})}"


def facts(log: Sequence[Removal]) -> list[Fact]:
    """Returns version and number of removed rows; nothing where none was removed."""
    if not log:
        return []
    artefact = rows_sha256(log)
    return [
        Fact("removed/rows", len(log), command=COMMAND, artefact=artefact),
        Fact("removed/version", version(log), command=COMMAND, artefact=artefact),
    ]
