"""Reads raw texts of any layout as documents: JSON, JSONL, CSV, Parquet, text folders, the official file.

Columns are those of the document record; ``--column`` says which of the file's own they are. Other
columns are kept aside in ``extra`` and named. A row that cannot be read is not lost: it becomes a
document whose history says why, and ``collect`` drops it with that reason.
"""

from __future__ import annotations

import codecs
import dataclasses
import datetime
import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypedDict

from coig_writer.document import Document
from coig_writer.errors import CONTROL, ConfigError, InputError, MissingInputError
from coig_writer.files import read_rows
from coig_writer.record import from_row
from coig_writer.tables import spreadsheet
from coig_writer.tables.encoding import DAMAGED, Encoding, detect
from coig_writer.text.normalise import repaired, torn
from dataset_builder.official.reader import NotANumber, Reader, without_trailing_commas

COLUMNS = (
    "id", "text", "title", "url", "platform", "published_at", "published_at_other",
    "likes", "comments", "shares", "region", "license", "genre", "finish_reason",
)  # fmt: skip
NUMBERS = ("likes", "comments", "shares")
DATES = ("published_at", "published_at_other")
OFFICIAL = {"query", "thought", "answer"}
LARGEST_NUMBER = 10**12
METADATA = "metadata.csv"
VERSION = 3  # of the rules of reading: a source is read again when they change
# What spreadsheets and pandas write where there is nothing.
NOTHING = {"", "nan", "nat", "null", "none", "<na>", "n/a", "#n/a", "-", "—", "无"}
# The index that pandas writes along; it says nothing about a text.
_INDEX = re.compile(r"(Unnamed: \d+|__index_level_\d+__|)$")
_COUNT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(万|亿|w|k|千|百)?\+?$")
_UNITS = {"百": 10**2, "千": 10**3, "k": 10**3, "万": 10**4, "w": 10**4, "亿": 10**8}
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(?=\.|$)")


def read_columns(given: Iterable[str]) -> dict[str, str]:
    """Reads ``--column text=正文``: the file's own name of a column → the kit's.

    Raises:
        ConfigError: It is not such a pair, names no column of the kit, or names one twice.
    """
    columns: dict[str, str] = {}
    for pair in given:
        name, equals, theirs = pair.partition("=")
        if not equals or name not in COLUMNS or not theirs:
            raise ConfigError(
                f"--column {pair}", f"write NAME=YOURS; NAME is one of {', '.join(COLUMNS)}"
            )
        if name in columns.values() or theirs in columns:
            raise ConfigError(f"--column {pair}: duplicate column", "name each column once")
        columns[theirs] = name
    return columns


class Note(TypedDict):
    """What was learnt about a source.

    Attributes:
        source: Its path.
        encodings: Encoding → how many files have it.
        columns: Columns that the kit knows.
        aside: Unknown column → how many rows have it.
    """

    source: str
    encodings: dict[str, int]
    columns: list[str]
    aside: dict[str, int]


@dataclasses.dataclass
class Source:
    """A file or folder of raw texts, and what is learnt about it while it is read.

    Attributes:
        path: ``.jsonl``, ``.json``, ``.csv``, ``.tsv``, ``.parquet``, or a folder of ``.txt`` files.
        provenance: ``curated`` or ``sample``; rows of the official file are ``published``.
        columns: The file's own name of a column → the kit's.
        label: What it is called in documents and errors; its name if empty.
        encodings: Encoding → how many files have it.
        aside: Unknown column → how many rows have it.
        seen: Columns of the file that the kit knows.
    """

    path: Path
    provenance: str
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    label: str = ""
    encodings: Counter[str] = dataclasses.field(default_factory=Counter)
    aside: Counter[str] = dataclasses.field(default_factory=Counter)
    seen: set[str] = dataclasses.field(default_factory=set)

    def documents(self) -> Iterator[Document]:
        """Yields the documents.

        Raises:
            MissingInputError: There is nothing to read.
            InputError: The kind of file or its encoding is unknown, or the file is damaged.
        """
        for number, row in enumerate(self._rows(), 1):
            yield self._document(row, f"{self.label or self.path.name} row {number}")

    def note(self) -> Note:
        """Returns what was learnt, for ``sources.json``."""
        return {
            "source": str(self.path),
            "encodings": dict(self.encodings),
            "columns": sorted(self.seen),
            "aside": dict(sorted(self.aside.items())),
        }

    def _rows(self) -> Iterator[Mapping[str, object] | str]:
        if self.path.is_dir():
            return self._texts()
        if not self.path.is_file():
            raise MissingInputError(
                f"{self.path}: no such file", "give a file or folder of raw texts"
            )
        readers = {
            ".jsonl": self._json,
            ".json": self._json,
            ".csv": self._table,
            ".tsv": self._table,
            ".parquet": self._parquet,
        }
        kind = self.path.suffix.lower()
        if kind not in readers:
            raise InputError(
                f"{self.path}: unknown kind {self.path.suffix!r}",
                f"give {', '.join(readers)} or a folder of .txt files (a workbook: save it as CSV UTF-8)",
            )
        return readers[kind]()

    def _json(self) -> Iterator[Mapping[str, object] | str]:
        try:
            encoding = self._encoding(self.path)
        except InputError:  # JSON is UTF-8: the reader names the rows that are not
            encoding = DAMAGED
            self.encodings[encoding.name] += 1
        with self.path.open("rb") as handle:
            reader = Reader(
                handle if encoding.codec.startswith("utf-8") else _AsUtf8(handle, encoding)
            )
            for piece in reader.pieces():
                row = without_trailing_commas(piece) if piece.row is None else piece.row
                if row is not None:
                    yield row
                elif piece.rule != "separator":  # commas too many or too few hide no row
                    yield f"{piece.rule}: {piece.detail}"

    def _table(self) -> Iterator[Mapping[str, object] | str]:
        table = spreadsheet.open_table(self.path)
        self.encodings[table.encoding.name] += 1
        self._check_text(table.columns)
        for _, row in table.rows():
            yield row

    def _check_text(self, columns: Sequence[str]) -> None:
        """Checks that a table has a column of texts.

        Raises:
            InputError: It has none, or calls it by another name.
        """
        known = {self.columns.get(column, column) for column in columns}
        if "text" not in {*known, *self.columns.values()} and not known >= OFFICIAL:
            raise InputError(
                f"{self.path}: no column 'text'",
                "say what the file calls it: --column text=YOURS; "
                f"YOURS is one of {', '.join(filter(None, columns))}",
            )

    def _parquet(self) -> Iterator[Mapping[str, object]]:
        return (row for _, row in read_rows(self.path))

    def _texts(self) -> Iterator[Mapping[str, object] | str]:
        """Reads ``FOLDER/**/*.txt``; a subfolder named after a genre gives the genre.

        Dates and the rest come from ``FOLDER/metadata.csv``, by id: the file's path without ``.txt``.
        """
        files = texts_of(self.path)
        if not files:
            raise MissingInputError(
                f"{self.path}: no .txt files", "give a folder with one text per file"
            )
        ids = [f.relative_to(self.path).with_suffix("").as_posix() for f in files]
        metadata = self._metadata(set(ids))
        for name, file in zip(ids, files, strict=True):
            with self._encoding(file).open(file) as handle:
                text = handle.read()
            yield {
                "id": name,
                "text": text,
                "title": file.stem,
                "genre": file.parent.name if file.parent != self.path else None,
                **metadata.get(name, {}),
            }

    def _metadata(self, ids: set[str]) -> dict[str, dict[str, str]]:
        """Reads what is known about the texts of a folder, by id; nothing if there is no such file."""
        path = self.path / METADATA
        metadata: dict[str, dict[str, str]] = {}
        if not path.is_file():
            return metadata
        table = spreadsheet.open_table(path)
        for number, (_, row) in enumerate(table.rows(), 1):
            location = f"{path} row {number}"
            if isinstance(row, str):
                raise InputError(f"{location}: {row}", "give every row a cell per column")
            cells = {self.columns.get(k, k): v for k, v in row.items()}
            name = cells.pop("id", "").replace("\\", "/")
            name = name[:-4] if name.lower().endswith(".txt") else name
            if name not in ids:
                raise InputError(
                    f"{location}: the folder has no text {name!r}",
                    "give the file's path below the folder, without .txt",
                )
            if name in metadata:
                raise InputError(f"{location}: duplicate id {name!r}", "keep one line")
            metadata[name] = {k: v for k, v in cells.items() if v != ""}
        return metadata

    def _encoding(self, path: Path) -> Encoding:
        encoding = detect(path)
        self.encodings[encoding.name] += 1
        return encoding

    def _document(self, row: Mapping[str, object] | str, location: str) -> Document:
        """Turns one row into a document; a row that cannot be read becomes one that says why."""
        if isinstance(row, str):
            return _unreadable(location, row)
        if set(row) >= OFFICIAL:
            return _published(row, location)
        named, extra = self._sorted(row)
        notes: dict[str, str] = {}
        if self.path.is_dir():
            by_folder = named.get("genre") == PurePosixPath(str(named["id"])).parent.name
            notes = {"id": "made", **({"genre": "folder"} if by_folder else {})}
        made = document(named, location, self.provenance, **notes)
        return made.changed(extra=extra) if extra else made

    def _sorted(self, row: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Returns the columns that the kit knows and, kept aside, the others."""
        given = {self.columns[column] for column in row if column in self.columns}
        named: dict[str, object] = {}
        extra: dict[str, object] = {}
        for column, value in row.items():
            name = self.columns.get(column, "" if column in given else column)
            if name in COLUMNS:
                named[name] = value
                self.seen.add(column)
            elif not _INDEX.match(column):
                self.aside[column] += 1
                extra[column] = _plain(value)
        return named, extra


def texts_of(folder: Path) -> list[Path]:
    """Returns the texts of a folder in order, without what systems leave there (``._x.txt``)."""
    return sorted(
        f
        for f in folder.rglob("*")
        if f.suffix.lower() == ".txt"
        and f.is_file()
        and not any(part.startswith((".", "~$")) for part in f.relative_to(folder).parts)
    )


class _AsUtf8:
    """A file in another encoding, read as UTF-8."""

    def __init__(self, handle: IO[bytes], encoding: Encoding) -> None:
        self._handle = handle
        self._decoder = codecs.getincrementaldecoder(encoding.codec)("strict")

    def read(self, length: int, /) -> bytes:
        """Returns about ``length`` bytes; none at the end."""
        while piece := self._handle.read(length):
            if text := self._decoder.decode(piece):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()


def document(row: Mapping[str, object], location: str, provenance: str, **notes: str) -> Document:
    """Turns a row of known columns into a document; one that cannot be read says why.

    Args:
        row: Column → value, as the file gives it.
        location: File and row.
        provenance: ``curated`` or ``sample``.
        notes: What the history says: ``id="made"`` where no curator chose it and another document may
            have it too, ``genre="folder"`` where it is a folder's name.
    """
    try:
        clean = {name: _value(name, value) for name, value in row.items()}
    except ValueError as error:
        return _unreadable(location, str(error), row)
    text = clean.get("text")
    if not isinstance(text, str) or not text.strip():
        return _unreadable(location, "no text", clean)
    note = notes if clean.get("id") else {**notes, "id": "made"}
    clean["id"] = clean.get("id") or content_id(clean)
    try:
        made = from_row(Document, clean, location)
    except InputError as error:
        return _unreadable(location, error.message, clean)
    return made.noted("collect", provenance=provenance, source=location, **note)


def _value(name: str, value: Any) -> object:
    """Reads a value as its column means it: numbers, dates and ids as the programs of curators write them.

    Raises:
        ValueError: It is nothing that the column could hold.
    """
    if isinstance(value, NotANumber) or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        value = _cleaned(name, value)
    if value is None or name == "text":
        return value
    if isinstance(value, (bool, list, dict, bytes)):
        raise ValueError(f"{name} is a {type(value).__name__}: {str(value)[:40]}")  # noqa: TRY004
    if name in NUMBERS:
        return number(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and (value.is_integer() or name in DATES):
        value = int(value)
    return str(value).strip()


def _cleaned(name: str, text: str) -> str | None:
    """Returns a cell without control characters and with plain line ends; None where nothing is said."""
    # Readers mark bytes that they cannot decode as lone low surrogates.
    if torn(text) and any("\udc80" <= c <= "\udcff" for c in text):
        raise ValueError(f"{name}: bytes that are not UTF-8")
    text = CONTROL.sub("", repaired(text).replace("\r\n", "\n").replace("\r", "\n"))
    return None if name != "text" and text.strip().lower() in NOTHING else text


def number(value: float | str) -> int:
    """Reads a count: ``1,205``, ``' 15 '``, ``1.2万``, ``10万+``, ``10.0``.

    Raises:
        ValueError: It is not a count, or out of range.
    """
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value[:40]).strip().lower()
        if _THOUSANDS.match(text):
            text = text.replace(",", "")
        match = _COUNT.match(text)
        if match is None:
            raise ValueError(f"not a count: {value[:40]!r}")
        value = round(float(match[1]) * _UNITS.get(match[2] or "", 1), 6)
    if not 0 <= value <= LARGEST_NUMBER or value != int(value):
        raise ValueError(f"a count must be a whole number from 0 to {LARGEST_NUMBER:,}: {value}")
    return int(value)


def _plain(value: object) -> object:
    """Returns a value that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return CONTROL.sub("", repaired(value))
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _published(row: Mapping[str, object], location: str) -> Document:
    """Turns a row of the official file into a document that has all three parts."""
    parts = {k: repaired(v) for k, v in row.items() if isinstance(v, str)}
    if type(row.get("id")) is int:
        parts["id"] = str(row["id"])
    if any(not parts.get(name, "").strip() for name in OFFICIAL):
        return _unreadable(location, "query, thought or answer is empty")
    document = Document(
        id=parts.get("id") or content_id({"text": parts["answer"]}),
        text=parts["answer"],
        prompt=parts["query"],
        reasoning=parts["thought"],
        platform="COIG-Writer",
        genre=parts.get("genre"),
    )
    note = {} if parts.get("id") else {"id": "made"}
    return document.noted("collect", provenance="published", source=location, **note)


def _unreadable(location: str, problem: str, row: Mapping[str, object] | None = None) -> Document:
    text = (row or {}).get("text")
    document = Document(
        id=f"unreadable: {location}", text=str(_plain(text)) if isinstance(text, str) else ""
    )
    return document.noted("collect", source=location, unreadable=problem)


def content_id(row: Mapping[str, object]) -> str:
    """Returns an id made of address and text, for rows that bring none."""
    content = f"{row.get('url') or ''}\n{row['text']}".encode()
    return "doc-" + hashlib.sha256(content).hexdigest()[:16]
