"""Files that are whole or absent: atomic writes, and records in Parquet and JSONL.

Everything is written beside its final name and renamed, so that a full disk, Ctrl-C or a killed
process never leaves half a file under the final name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import typing
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.record import column, field_types, from_row, optional, to_row

R = TypeVar("R")
ROW_GROUP_ROWS = 1000


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path``; renames it when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary folder beside ``path``; puts it in the place of ``path`` at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    retired = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
    try:
        yield partial
        if path.exists():
            path.rename(retired)
        try:
            partial.rename(path)
        except BaseException:
            if retired.exists():
                retired.rename(path)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def arrow_schema(cls: type) -> Any:
    """Returns the pyarrow schema of a record class."""
    import pyarrow as pa

    return pa.schema(
        [
            _arrow_field(column(cls, name), annotation)
            for name, annotation in field_types(cls).items()
        ]
    )


def _arrow_field(name: str, annotation: Any) -> Any:
    import pyarrow as pa

    inner, nullable = optional(annotation)
    return pa.field(name, _arrow_type(inner), nullable=nullable)


def _arrow_type(annotation: Any) -> Any:
    import pyarrow as pa

    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return pa.struct(
            [_arrow_field(column(annotation, n), a) for n, a in field_types(annotation).items()]
        )
    if typing.get_origin(annotation) is tuple:
        return pa.list_(_arrow_type(typing.get_args(annotation)[0]))
    if typing.get_origin(annotation) is typing.Literal:
        return pa.string()
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[annotation]


def write_records(path: Path, records: Sequence[Any], cls: type) -> None:
    """Writes records of one class to Parquet, or to JSONL if the name ends so.

    The Parquet has a page index and row groups of at most 1,000 rows.
    """
    with atomic_path(path) as partial:
        if path.suffix == ".jsonl":
            _write_jsonl(partial, (to_row(r) for r in records))
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist([to_row(r) for r in records], schema=arrow_schema(cls))
        pq.write_table(
            table, partial, row_group_size=ROW_GROUP_ROWS, write_page_index=True, compression="zstd"
        )


def _write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_records(path: Path, cls: type[R], made_by: str = "") -> list[R]:
    """Reads records of one class from a Parquet or JSONL file, or a folder of such files.

    Args:
        path: File or folder.
        cls: The record class; every row is checked against it.
        made_by: The command that makes the file, for the error when it is absent.

    Raises:
        MissingInputError: There is nothing at ``path``.
        InputError: The file is damaged, empty of rows, or a row does not fit.
    """
    records = [from_row(cls, row, where) for where, row in read_rows(path, made_by)]
    if not records:
        raise InputError(
            f"{path}: no rows",
            f"run: {made_by}" if made_by else "give a file with at least one row",
        )
    return records


def read_rows(path: Path, made_by: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (file and row for errors, row) from a Parquet or JSONL file or a folder of them."""
    if path.is_dir():
        files = sorted(
            f
            for f in path.rglob("*")
            if f.suffix in (".parquet", ".jsonl") and not f.name.startswith(".")
        )
        if not files:
            raise MissingInputError(
                f"{path}: no Parquet or JSONL files in this folder",
                f"run: {made_by}" if made_by else "give a folder that holds some",
            )
        for file in files:
            yield from read_rows(file, made_by)
        return
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such file", f"run: {made_by}" if made_by else "check the path"
        )
    yield from (_parquet_rows(path) if path.suffix == ".parquet" else _jsonl_rows(path))


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=ROW_GROUP_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path} row {number}", row
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: not a whole Parquet file ({str(error)[:120]})",
            "delete it and run the stage that makes it again",
        ) from error


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{path} line {number}: not JSON ({str(error)[:80]})",
                    "mend or delete this line",
                ) from error
            if not isinstance(row, dict):
                raise InputError(
                    f"{path} line {number}: a {type(row).__name__}, not an object",
                    "write one JSON object per line",
                )
            yield f"{path} line {number}", row


def rows_sha256(records: Iterable[Any]) -> str:
    """Returns one hash for a sequence of records, whatever file format holds them."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(
            json.dumps(to_row(record), ensure_ascii=False, sort_keys=True).encode(
                "utf-8", "surrogatepass"
            )
            + b"\n"
        )
    return digest.hexdigest()


def read_yaml(path: Path, example: str = "recipes/configs/cw_10k.yaml") -> dict[str, Any]:
    """Reads a file of settings.

    Args:
        path: The YAML file.
        example: A file of the same form, named in errors.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: It is not YAML, or no mapping.
    """
    import yaml

    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such recipe or settings file", f"compare the name with {example}"
        )
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{path}: not YAML ({str(error)[:120]})", f"compare it with {example}"
        ) from error
    if not isinstance(settings, dict):
        raise ConfigError(
            f"{path}: holds {type(settings).__name__}, not keys and values",
            f"compare it with {example}",
        )
    return settings
