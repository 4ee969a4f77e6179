"""Reads raw texts of any layout as documents: JSONL, CSV, Parquet, text folders, the official file.

Columns are those of the document record; ``id`` may be absent. A row that cannot be read is not
lost: it becomes a document whose history says why, and ``collect`` drops it with that reason.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coig_writer.document import Document
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_rows
from coig_writer.record import from_row
from coig_writer.text.normalise import repaired

COLUMNS = (
    "id", "text", "title", "url", "platform", "published_at", "published_at_other",
    "likes", "comments", "shares", "region", "license", "genre",
)  # fmt: skip
NUMBERS = ("likes", "comments", "shares")
OFFICIAL = {"query", "thought", "answer"}
LARGEST_NUMBER = 10**12
METADATA = "metadata.csv"


def read(path: Path, provenance: str) -> Iterator[Document]:
    """Yields the documents of a file or of a folder of ``.txt`` files.

    Args:
        path: ``.jsonl``, ``.csv``, ``.parquet``, the official ``.json`` array, or a folder.
        provenance: ``curated`` or ``sample``; rows of the official file are ``published``.

    Raises:
        MissingInputError: There is nothing to read.
        InputError: The kind of file is unknown, or a Parquet or JSON file is damaged.
    """
    for number, row in enumerate(_rows(path), 1):
        where = f"{path.name} row {number}"
        yield document(row, where, provenance)


def _rows(path: Path) -> Iterator[Mapping[str, Any] | str]:
    if path.is_dir():
        return _texts(path)
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file", "give a file or folder of raw texts")
    readers = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet, ".json": _array}
    if path.suffix not in readers:
        raise InputError(
            f"{path}: unknown kind {path.suffix!r}",
            f"give {', '.join(readers)} or a folder of .txt files",
        )
    return readers[path.suffix](path)


def _texts(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Reads ``FOLDER/**/*.txt``; a subfolder named after a genre gives the genre.

    Dates and the rest come from ``FOLDER/metadata.csv``, by id: the file's path without ``.txt``.
    """
    files = {f.relative_to(folder).with_suffix("").as_posix(): f for f in folder.rglob("*.txt")}
    if not files:
        raise MissingInputError(f"{folder}: no .txt files", "give a folder with one text per file")
    known = _metadata(folder / METADATA, files)
    for name, file in sorted(files.items()):
        yield {
            "id": name,
            "text": file.read_text(encoding="utf-8", errors="replace"),
            "title": file.stem,
            "genre": file.parent.name if file.parent != folder else None,
            **known.get(name, {}),
        }


def _metadata(path: Path, files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Reads what is known about the texts of a folder, by id; nothing if there is no such file."""
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(_csv(path) if path.is_file() else (), 1):
        if isinstance(row, str):
            raise InputError(f"{path} row {number}: {row}", "give every row a cell per column")
        if row.get("id") not in files:
            raise InputError(
                f"{path} row {number}: id {row.get('id')!r} is no text of the folder",
                "write its path below the folder, without .txt",
            )
        found[row["id"]] = {k: v for k, v in row.items() if v is not None}
    return found


def _jsonl(path: Path) -> Iterator[Mapping[str, Any] | str]:
    with path.open("rb") as handle:
        for line in handle:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield f"not JSON: {str(error)[:120]}"
                continue
            yield row if isinstance(row, dict) else f"a {type(row).__name__}, not an object"


def _csv(path: Path) -> Iterator[Mapping[str, Any] | str]:
    csv.field_size_limit(64 << 20)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        for row in csv.DictReader(handle):
            if None in row or None in row.values():
                yield "more or fewer cells than the header has columns"
                continue
            cells = {k: v if v != "" else None for k, v in row.items()}
            yield {k: _number(v) if k in NUMBERS else v for k, v in cells.items()}


def _number(cell: str | None) -> int | str | None:
    return int(cell) if cell and cell.isascii() and cell.isdigit() else cell


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    return (row for _, row in read_rows(path))


def _array(path: Path) -> Iterator[Mapping[str, Any] | str]:
    import ijson

    with path.open("rb") as handle:
        try:
            for row in ijson.items(handle, "item", use_float=True):
                yield row if isinstance(row, dict) else f"a {type(row).__name__}, not an object"
        except ijson.JSONError as error:
            raise InputError(
                f"{path}: not a JSON array ({str(error)[:120]})", "fetch the file again"
            ) from error


def document(row: Mapping[str, Any] | str, where: str, provenance: str) -> Document:
    """Turns one row into a document; a row that cannot be read becomes one that says why."""
    if isinstance(row, str):
        return _unreadable(where, row)
    if set(row) >= OFFICIAL:
        return _published(row, where)
    clean = {k: repaired(v) if isinstance(v, str) else v for k, v in row.items()}
    problem = _problem(clean)
    if problem:
        return _unreadable(where, problem, clean)
    clean["id"] = clean.get("id") or content_id(clean)
    try:
        made = from_row(Document, clean, where)
    except InputError as error:
        return _unreadable(where, error.message, clean)
    return made.noted("collect", provenance=provenance, source=where)


def _problem(row: Mapping[str, Any]) -> str:
    if unknown := sorted(str(k) for k in set(row) - set(COLUMNS)):
        return f"unknown column {unknown[0]!r}"
    if not isinstance(row.get("text"), str) or not row["text"].strip():
        return "no text"
    numbers = (row.get(name) for name in NUMBERS)
    if any(isinstance(n, int) and not 0 <= n <= LARGEST_NUMBER for n in numbers):
        return "a count below 0 or beyond reason"
    return ""


def _published(row: Mapping[str, Any], where: str) -> Document:
    """Turns a row of the official file into a document that has all three parts."""
    parts = {k: repaired(v) for k, v in row.items() if isinstance(v, str)}
    if any(not parts.get(name, "").strip() for name in OFFICIAL):
        return _unreadable(where, "query, thought or answer is empty")
    document = Document(
        id=parts.get("id") or content_id({"text": parts["answer"]}),
        text=parts["answer"],
        prompt=parts["query"],
        reasoning=parts["thought"],
        platform="COIG-Writer",
        genre=parts.get("genre"),
    )
    return document.noted("collect", provenance="published", source=where)


def _unreadable(where: str, problem: str, row: Mapping[str, Any] | None = None) -> Document:
    text = (row or {}).get("text")
    document = Document(id=f"unreadable: {where}", text=text if isinstance(text, str) else "")
    return document.noted("collect", source=where, unreadable=problem)


def content_id(row: Mapping[str, Any]) -> str:
    """Returns an id made of address and text, for rows that bring none."""
    content = f"{row.get('url') or ''}\n{row['text']}".encode()
    return "doc-" + hashlib.sha256(content).hexdigest()[:16]
