"""Facts: every number that a card may print, with where it came from.

A stage writes ``facts.json`` beside its output. A fact names the command that recomputes it and the
SHA-256 of the artefact it was read from; a card prints facts and nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from coig_writer import __version__
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_json, write_json
from coig_writer.record import from_row, to_row

MADE_AGAIN = "run the stage that made it again"


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One number or short text that a card may print.

    Attributes:
        id: What it is of, as a path.
        value: The number or text.
        n: Sample size.
        low: Lower end of its interval.
        high: Upper end.
        unit: Of the value.
        command: The argument list, space-joined, that recomputes it, or ``recorded`` for what only the run itself can know.
        artefact: SHA-256 of the file it was computed from.
        kit_version: Of the kit that computed it.
        time: When (UTC).
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
    _refuse_repeated(path, [row["id"] for row in rows])
    write_json(path, {"facts": rows})


def read(path: Path) -> dict[str, Fact]:
    """Reads a facts file by fact id.

    Raises:
        MissingInputError: The file is missing.
        InputError: It holds no facts.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no facts here",
            "run what makes this folder: recipes/sft.py a model, recipes/mix.py a mixture, python -m eval_tasks score scores",
        )
    try:
        rows = read_json(path).get("facts")
    except InputError as error:
        raise InputError(f"{path}: not a facts file ({error.message})", MADE_AGAIN) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: not a facts file (no list of facts)", MADE_AGAIN)
    facts = [from_row(Fact, row, f"{path} fact {i}") for i, row in enumerate(rows)]
    _refuse_repeated(path, [fact.id for fact in facts])
    for fact in facts:
        for number in (fact.value, fact.low, fact.high):
            if isinstance(number, float) and not math.isfinite(number):
                raise InputError(
                    f"{path}: fact {fact.id!r} is {number}, which is not a finite number",
                    MADE_AGAIN,
                )
    return {fact.id: fact for fact in facts}


def _refuse_repeated(path: Path, ids: Sequence[str]) -> None:
    for before, after in itertools.pairwise(sorted(ids)):
        if before == after:
            raise InputError(
                f"{path}: duplicate fact id {after!r}", "give each fact an id of its own"
            )


def part(name: str) -> str:
    """Returns a name as one part of a fact's id: a model's may hold the slash that parts ids."""
    return name.replace("%", "%25").replace("/", "%2F")


def name_of(part_of_id: str) -> str:
    """Returns the name that became a part of a fact's id."""
    return part_of_id.replace("%2F", "/").replace("%25", "%")
