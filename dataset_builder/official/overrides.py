"""What a person decided about genres: ``overrides.csv`` with the columns id, genre, note.

``assign`` lists each undecided row there; fill in the genre (slug or Chinese name) and run it again.
Filled lines win over everything and are never changed. A spreadsheet may open and save the file as it does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.tables import spreadsheet
from coig_writer.taxonomy import Taxonomy

COLUMNS = ["id", "genre", "note"]


def read(path: Path, taxonomy: Taxonomy, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Reads the filled lines: id → (genre slug, note). Without a file there are none.

    Raises:
        InputError: Wrong columns, an unknown genre or id, or an id with two genres.
    """
    if not path.is_file():
        return {}
    overrides: dict[str, tuple[str, str]] = {}
    table = spreadsheet.open_table(path)
    if [name for name in table.columns if name] != COLUMNS:
        raise InputError(
            f"{path}: columns are {', '.join(table.columns)[:200]}",
            f"the first line is {','.join(COLUMNS)}",
        )
    for line, row in table.rows():
        if isinstance(row, str):
            raise InputError(
                f"{path} line {line}: {row}", "every line needs three cells: id, genre, note"
            )
        if row["genre"].strip():
            _add(overrides, row, f"{path} line {line}", taxonomy)
    unknown = [row_id for row_id in overrides if row_id not in ids]
    if unknown:
        raise InputError(
            f"{path}: no imported row has id {unknown[0]!r}", "correct or delete this line"
        )
    return overrides


def _add(
    overrides: dict[str, tuple[str, str]], row: dict[str, str], location: str, taxonomy: Taxonomy
) -> None:
    try:
        genre = taxonomy.genre(row["genre"].strip()).slug
    except InputError as error:
        raise InputError(f"{location}: {error.message}", error.remedy) from error
    if overrides.get(row["id"], (genre, ""))[0] != genre:
        raise InputError(f"{location}: id {row['id']!r} has two genres", "keep one of the lines")
    overrides[row["id"]] = (genre, row["note"] or "")


def write(path: Path, decided: Mapping[str, tuple[str, str]], open_: Mapping[str, str]) -> None:
    """Writes the filled lines, then one line with a note for each row that is still open."""
    lines = [
        *((row_id, genre, note) for row_id, (genre, note) in decided.items()),
        *((row_id, "", note) for row_id, note in open_.items()),
    ]
    spreadsheet.write(path, COLUMNS, (dict(zip(COLUMNS, line, strict=True)) for line in lines))
