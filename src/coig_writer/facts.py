"""Facts: every number that a card may print, with where it came from.

A stage writes ``facts.json`` beside its output. A fact names the command that recomputes it and the
SHA-256 of the artefact it was read from; a card prints facts and nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

from coig_writer import __version__
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_json
from coig_writer.record import from_row, to_row


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One number or short text. ``low`` and ``high`` bound an interval; ``n`` is its sample size.

    ``command`` is the argument list, space-joined, that recomputes it, or ``recorded`` for what
    only the run itself can know. ``artefact`` is the SHA-256 of the file it was computed from.
    """

    id: str
    value: float | int | str
    n: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    command: str = "recorded"
    artefact: str | None = None
    kit_version: str = __version__
    time: str = ""


def write(path: Path, facts: Iterable[Fact]) -> None:
    """Writes facts to a JSON file, stamped with the time, sorted by id.

    Raises:
        InputError: Two facts share an id.
    """
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    rows = [
        to_row(dataclasses.replace(f, time=f.time or now))
        for f in sorted(facts, key=lambda f: f.id)
    ]
    for before, after in itertools.pairwise(rows):
        if before["id"] == after["id"]:
            raise InputError(
                f"{path}: fact {after['id']!r} stands twice", "give each fact an id of its own"
            )
    write_json(path, {"facts": rows})


def read(path: Path) -> dict[str, Fact]:
    """Reads a facts file by fact id.

    Raises:
        MissingInputError: The file is not there.
        InputError: It holds no facts.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no facts here", "run the stage that makes this folder again"
        )
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["facts"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a facts file ({error})", "run the stage that made it again"
        ) from error
    return {row["id"]: from_row(Fact, row, f"{path} fact {i}") for i, row in enumerate(rows)}
