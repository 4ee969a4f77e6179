"""Imports the authors' file by streaming, in flat memory: sound rows to Parquet, problems to files."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import __version__
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import Checksums, Digesting, arrow_schema, atomic_path, line, write_json
from coig_writer.record import to_row
from coig_writer.triplet import Triplet
from dataset_builder.official.reader import Reader
from dataset_builder.official.rows import RULES, Checker, Outcome
from dataset_builder.official.source import REPOSITORY, Download, fetch, known

OUT = Path("build/import")
SHOWN = 20
BATCH_ROWS, BATCH_BYTES = 1000, 16 << 20
FILES = ("triplets.parquet", "rejected.jsonl", "warnings.jsonl", "extra.jsonl")


@dataclasses.dataclass(frozen=True)
class Imported:
    """What an import read and found.

    Attributes:
        file: Name of the file.
        repository: On the Hub; null for a local file.
        revision: Its commit there; null for a local file.
        bytes: Size of the file.
        sha256: Its checksum.
        git_blob: Its id in git.
        known: Whether the checksum is a recorded one.
        pieces: Rows of the file, broken ones too.
        rows: Rows that were imported.
        rejected: Rows that were not.
        rules: Broken rule → rows that break it.
        repairs: Repair → how often it was made.
        kit_version: Of the kit that imported.
    """

    file: str
    repository: str | None
    revision: str | None
    bytes: int
    sha256: str
    git_blob: str
    known: bool
    pieces: int
    rows: int
    rejected: int
    rules: dict[str, int]
    repairs: dict[str, int]
    kit_version: str = __version__


def import_file(
    path: Path, out: Path, *, download: Download | None = None, strict: bool = False
) -> Imported:
    """Imports one file into a folder.

    Args:
        path: A JSON array or JSONL.
        out: The folder to write; ``overrides.csv`` in it stays.
        download: Where the file came from, if from the Hub.
        strict: Fail at the end if any row has an error; nothing is written then.

    Raises:
        MissingInputError: There is no such file.
        InputError: No sound row, UTF-16, or a row with an error under ``strict``.
    """
    if not path.is_file():
        what = "a folder, not a file" if path.is_dir() else "no such file"
        raise MissingInputError(f"{path}: {what}", "give the path of all_human_data.json")
    if path.name in FILES and path.resolve().parent == out.resolve():
        raise InputError(f"{path}: the import would overwrite this file", "give another --out")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty", "fetch it again and compare its size")
    source = f"{download.repository}@{download.revision}" if download else path.name
    counts = _Counts(strict)
    checker = Checker(source)
    with path.open("rb") as raw, _outputs(out) as writer:
        digesting = Digesting(raw, path.stat().st_size)
        reader = Reader(digesting)
        for outcome in _outcomes(reader, checker, path):
            counts.add(outcome)
            writer.write(outcome)
        checksums = digesting.finish()
        counts.close(path)
    repairs = {name: checker.repairs[name] for name in checker.repairs if checker.repairs[name]}
    if reader.had_bom:
        repairs["byte order mark of the file removed"] = 1
    imported = _imported(path, download, checksums, counts, repairs)
    if (out / "import.json").is_file():
        # It belongs to the rows of the import before.
        (out / "assignments.jsonl").unlink(missing_ok=True)
    write_json(out / "import.json", dataclasses.asdict(imported))
    return imported


def _imported(
    path: Path,
    download: Download | None,
    checksums: Checksums,
    counts: _Counts,
    repairs: dict[str, int],
) -> Imported:
    return Imported(
        file=path.name,
        repository=download.repository if download else None,
        revision=download.revision if download else None,
        bytes=checksums.size,
        sha256=checksums.sha256,
        git_blob=checksums.git_blob,
        known=known(checksums),
        pieces=counts.pieces,
        rows=counts.rows,
        rejected=counts.rejected,
        rules=dict(sorted(counts.rules.items())),
        repairs=repairs,
    )


def _outcomes(reader: Reader, checker: Checker, path: Path) -> Iterator[Outcome]:
    from tqdm import tqdm

    with tqdm(
        total=path.stat().st_size, unit="B", unit_scale=True, disable=not sys.stderr.isatty()
    ) as bar:
        try:
            for piece in reader.pieces():
                bar.update(len(piece.raw))
                yield checker.check(piece)
        except InputError as error:
            raise InputError(f"{path}: {error.message}", error.remedy) from error


class _Counts:
    """Counts outcomes and shows the first problems."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.pieces = self.rows = self.rejected = 0
        self.rules: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        self.pieces += outcome.triplet is not None or any(p.raw for p in outcome.problems)
        self.rows += outcome.triplet is not None
        self.rejected += outcome.triplet is None and any(
            RULES[p.rule].level == "error" for p in outcome.problems
        )
        for problem in outcome.problems:
            if sum(self.rules.values()) < SHOWN:
                print(problem, file=sys.stderr)
            self.rules[problem.rule] += 1

    def close(self, path: Path) -> None:
        """Prints what was not shown; fails where there is nothing to keep."""
        fails = not self.rows or bool(self.strict and self.rejected)
        hidden = sum(self.rules.values()) - SHOWN
        if hidden > 0:
            files = "" if fails else ", in rejected.jsonl and warnings.jsonl"
            print(f"… and {hidden} more{files}", file=sys.stderr)
        if self.strict and self.rejected:
            have = "row has an error" if self.rejected == 1 else "rows have errors"
            raise InputError(
                f"{path}: {self.rejected} {have}, and --strict allows none; nothing was written",
                "mend the file, or leave out --strict to keep the sound rows",
            )
        if not self.rows:
            raise InputError(
                f"{path}: no sound row among {self.pieces} (first problem: {next(iter(self.rules), 'none')})",
                "give a JSON array or JSONL with id, query, thought and answer",
            )


class _Writer:
    """Writes outcomes as they come."""

    def __init__(self, paths: dict[str, Path], stack: contextlib.ExitStack) -> None:
        import pyarrow.parquet as pq

        self._parquet = stack.enter_context(
            pq.ParquetWriter(
                paths["triplets.parquet"],
                arrow_schema(Triplet),
                compression="zstd",
                write_page_index=True,
            )
        )
        self._lines = {
            name: stack.enter_context(
                path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
            )
            for name, path in paths.items()
            if name.endswith(".jsonl")
        }
        self._batch: list[Mapping[str, object]] = []
        self._bytes = 0

    def write(self, outcome: Outcome) -> None:
        for problem in outcome.problems:
            rejected = RULES[problem.rule].level == "error"
            row = {k: v for k, v in to_row(problem).items() if rejected or k != "raw"}
            self._line("rejected.jsonl" if rejected else "warnings.jsonl", row)
        if outcome.triplet is None:
            return
        if outcome.extra:
            self._line("extra.jsonl", {"id": outcome.triplet.id, **outcome.extra})
        self._batch.append(to_row(outcome.triplet))
        self._bytes += len(outcome.triplet.article)
        if len(self._batch) >= BATCH_ROWS or self._bytes > BATCH_BYTES:
            self.flush()

    def _line(self, name: str, row: Mapping[str, object]) -> None:
        self._lines[name].write(line(row, default=repr))

    def flush(self) -> None:
        import pyarrow as pa

        if self._batch:
            self._parquet.write_table(
                pa.Table.from_pylist(self._batch, schema=arrow_schema(Triplet))
            )
        self._batch, self._bytes = [], 0


@contextlib.contextmanager
def _outputs(out: Path) -> Iterator[_Writer]:
    """Opens the four files; all appear under their names at the end, or none."""
    with contextlib.ExitStack() as renames:
        paths = {name: renames.enter_context(atomic_path(out / name)) for name in FILES}
        with contextlib.ExitStack() as handles:
            writer = _Writer(paths, handles)
            yield writer
            writer.flush()


def main(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="all_human_data.json, or JSONL")
    ] = None,
    hub: Annotated[bool, typer.Option("--hub", help="fetch the file from the Hub instead")] = False,
    repository: Annotated[
        str, typer.Option(metavar="ORG/NAME", help="with --hub: the dataset repository")
    ] = REPOSITORY,
    revision: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="with --hub: branch, tag or commit (default: main)"),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="folder to write")] = OUT,
    strict: Annotated[bool, typer.Option("--strict", help="fail if any row has an error")] = False,
) -> None:
    """Reads a JSON array or JSONL by streaming, in flat memory.

    The schema is the current one (id, query, thought, answer) or the older one (query_type, link,
    source_date). Writes into a folder:

      triplets.parquet  the sound rows, no genre yet (next: python -m dataset_builder assign FOLDER)
      rejected.jsonl    rows with an error: place, rule, remedy and the row as it was
      warnings.jsonl    what looks wrong in rows that were kept
      extra.jsonl       fields that no column takes, by row id
      import.json       revision, checksums, counts, repairs
    """
    if (path is None) != hub:
        raise typer.BadParameter("give either a FILE or --hub (and its --repository)")
    if not hub and (revision or repository != REPOSITORY):
        raise typer.BadParameter("--revision and --repository go with --hub")
    download = fetch(repository, revision) if hub else None
    source = download.path if download else path
    assert source is not None
    imported = import_file(source, out, download=download, strict=strict)
    _report(imported, out)


def _report(imported: Imported, out: Path) -> None:
    print(f"{imported.file}: {imported.rows} rows kept, {imported.rejected} rejected → {out}")
    if imported.revision:
        print(f"revision {imported.revision}")
    note = (
        "a recorded version of the authors' file"
        if imported.known
        else "not a recorded version of the authors' file: changed upstream, or another file"
    )
    print(f"sha256 {imported.sha256} ({note})")
    for name, count in imported.rules.items():
        print(f"  {RULES[name].level:<7}  {name:<20}{count:>7}")
    for name, count in imported.repairs.items():
        print(f"  repaired {name}: {count}")
    print(f"next: python -m dataset_builder assign {out}")
