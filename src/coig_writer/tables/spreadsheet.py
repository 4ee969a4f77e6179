"""CSV as spreadsheets write and open it: any encoding and separator in, one safe form out.

Out goes UTF-8 with a byte order mark, which Excel needs to see Chinese. A text that a spreadsheet would
run as a formula gets an apostrophe in front, which is taken away when it is read.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from coig_writer.errors import CONTROL, InputError
from coig_writer.files import atomic_path
from coig_writer.tables.encoding import Encoding, detect

LARGEST_CELL = 64 << 20
SEPARATORS = ",;\t"
# ``'`` before them: so that a text which has one already comes back as it was.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?")

Cell = str | int | float | bool | None


@dataclasses.dataclass(frozen=True)
class Table:
    """A CSV file, its columns known and its rows still to be read.

    Attributes:
        path: The file.
        encoding: As it was found.
        separator: Comma, semicolon or tab.
        columns: The header, blanks around names taken off; the last are without name where lines end in separators.
    """

    path: Path
    encoding: Encoding
    separator: str
    columns: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, dict[str, str] | str]]:
        """Yields (line, column → cell), or (line, what is wrong) in place of a row.

        Empty cells beyond the header are left out; so are lines without anything.

        Raises:
            InputError: The file cannot be cut into cells.
        """
        with self.encoding.open(self.path, newline="") as handle:
            reader = csv.reader(_told(handle), delimiter=self.separator)
            try:
                next(reader, None)
                for cells in reader:
                    if any(cells):
                        yield reader.line_num, self._row(cells)
            except csv.Error as error:
                raise InputError(
                    f"{self.path} line {reader.line_num}: not CSV ({error})",
                    "save it again as CSV UTF-8",
                ) from error

    def _row(self, cells: Sequence[str]) -> dict[str, str] | str:
        width = len(self.columns)
        if any(cells[width:]) or len(cells) < width - self.columns[::-1].index(self._last):
            return f"{len(cells)} cells, and the header has {width} columns"
        return {name: _read(cell) for name, cell in zip(self.columns, cells, strict=False) if name}

    @property
    def _last(self) -> str:
        """The last column that has a name."""
        return next(name for name in reversed(self.columns) if name)


def open_table(path: Path) -> Table:
    """Finds encoding, separator and columns of a CSV file.

    Raises:
        InputError: The encoding is unknown, there is no header, or a column has its name twice.
    """
    csv.field_size_limit(LARGEST_CELL)
    encoding = detect(path)
    with encoding.open(path, newline="") as handle:
        lines = _told(handle)
        headers = [
            next(csv.reader([line], delimiter=s), [])
            for line in [next(lines, "")]
            for s in SEPARATORS
        ]
    header = max(headers, key=len)
    columns = tuple(CONTROL.sub("", name).strip("\ufeff \r\n") for name in header)
    if not any(columns):
        raise InputError(f"{path}: no header", "give the names of the columns in the first line")
    for name in columns:
        if name and columns.count(name) > 1:
            raise InputError(f"{path}: duplicate column {name!r}", "rename one of them")
    return Table(path, encoding, SEPARATORS[headers.index(header)], columns)


def _told(lines: Iterable[str]) -> Iterator[str]:
    """Passes over Excel's own first line, which names the separator."""
    for number, line in enumerate(lines):
        if number or not re.fullmatch(r"sep=.\s*", line):
            yield line


def _read(cell: str) -> str:
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


def cell(value: Cell) -> Cell:
    """Returns a value as a spreadsheet may see it: text stays text, and control characters go."""
    if not isinstance(value, str):
        return value
    text = CONTROL.sub("", value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def write(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Cell]], mark: bool = True
) -> None:
    """Writes a CSV file that a spreadsheet opens as it is meant; without ``mark``, for programs first."""
    encoding = "utf-8-sig" if mark else "utf-8"
    with atomic_path(path) as partial, partial.open("w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
