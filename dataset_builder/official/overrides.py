"""What a person decided about genres: ``overrides.csv`` with the columns id, genre, note.

``assign`` lists each undecided row there; fill in the genre (slug or Chinese name) and run it again.
Filled lines win over everything and are never changed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.files import atomic_path
from coig_writer.taxonomy import Taxonomy

COLUMNS = ["id", "genre", "note"]


def read(path: Path, names: Taxonomy, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Reads the filled lines: id → (genre slug, note). No file is no override.

    Raises:
        InputError: Wrong columns, an unknown genre or id, or an id with two genres.
    """
    if not path.is_file():
        return {}
    found: dict[str, tuple[str, str]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            _read_into(found, csv.DictReader(handle), path, names)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: not readable as CSV in UTF-8 ({str(error)[:80]})",
            "save it as CSV UTF-8, not in the spreadsheet's own encoding",
        ) from error
    unknown = [row_id for row_id in found if row_id not in ids]
    if unknown:
        raise InputError(
            f"{path}: no imported row has id {unknown[0]!r}", "correct or delete this line"
        )
    return found


def _read_into(
    found: dict[str, tuple[str, str]], reader: csv.DictReader[str], path: Path, names: Taxonomy
) -> None:
    if reader.fieldnames != COLUMNS:
        raise InputError(
            f"{path}: columns are {reader.fieldnames}", f"the first line is {','.join(COLUMNS)}"
        )
    for row in reader:
        if (row["genre"] or "").strip():
            _add(found, row, f"{path} line {reader.line_num}", names)


def _add(
    found: dict[str, tuple[str, str]], row: dict[str, str], where: str, names: Taxonomy
) -> None:
    try:
        genre = names.genre(row["genre"].strip()).slug
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.remedy) from error
    if found.get(row["id"], (genre, ""))[0] != genre:
        raise InputError(f"{where}: id {row['id']!r} has two genres", "keep one of the lines")
    found[row["id"]] = (genre, row["note"] or "")


def write(path: Path, decided: Mapping[str, tuple[str, str]], open_: Mapping[str, str]) -> None:
    """Writes the filled lines, then one line with a note for each row that is still open."""
    with (
        atomic_path(path) as partial,
        partial.open("w", encoding="utf-8", newline="") as handle,
    ):
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        writer.writerows([row_id, genre, note] for row_id, (genre, note) in decided.items())
        writer.writerows([row_id, "", note] for row_id, note in open_.items())
