"""Files that are whole or absent: atomic writes, records in Parquet and JSONL, JSON and settings.

Everything is written beside its final name and renamed, so that a full disk, Ctrl-C or a killed
process never leaves half a file under the final name. The one exception is a log, which grows line
by line (``appending``): a line that was torn when its writer was killed is named, never glued to the next.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import itertools
import json
import logging
import os
import typing
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.record import column, field_types, from_row, optional, parse_line, to_row

if TYPE_CHECKING:
    import pyarrow as pa
    import yaml
    from _typeshed import DataclassInstance

R = TypeVar("R")
ROW_GROUP_ROWS = 1000
DEEPEST_SETTINGS = 50
logger = logging.getLogger(__name__)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path``; renames it when the block ends well.

    Raises:
        InputError: There is a folder at ``path``.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", "name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.touch()  # refused here, the path is in the error: pyarrow and others leave it out
        yield partial
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_small(path: Path, content: bytes) -> None:
    """Writes a small file as ``atomic_path`` does, in a third of the time: for folders of many."""
    folder, name = os.path.split(path)  # a Path costs as much as the file itself
    partial = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.partial")  # noqa: PTH118
    try:
        try:
            handle = open(partial, "xb")  # noqa: PTH123, SIM115
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = open(partial, "xb")  # noqa: PTH123, SIM115
        with handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, path)  # noqa: PTH105
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def arrow_schema(cls: type) -> pa.Schema:
    """Returns the pyarrow schema of a record class."""
    import pyarrow as pa

    return pa.schema(
        [
            _arrow_field(column(cls, name), annotation)
            for name, annotation in field_types(cls).items()
        ]
    )


def _arrow_field(name: str, annotation: object) -> pa.Field:
    import pyarrow as pa

    inner, nullable = optional(annotation)
    return pa.field(name, _arrow_type(inner), nullable=nullable)


def _arrow_type(annotation: Any) -> pa.DataType:
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


def write_records(path: Path, records: Sequence[DataclassInstance], cls: type) -> None:
    """Writes records of one class to Parquet, or to JSONL if the name ends so.

    The Parquet has a page index and row groups of at most 1,000 rows.
    """
    rows = [to_row(r) for r in records]
    if path.suffix == ".jsonl":
        write_rows(path, rows)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows, schema=arrow_schema(cls))
    with atomic_path(path) as partial:
        pq.write_table(
            table, partial, row_group_size=ROW_GROUP_ROWS, write_page_index=True, compression="zstd"
        )


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Writes plain rows to JSONL; rows may come from a generator, one at a time."""
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as handle:
        for row in rows:
            handle.write(line(row))


def line(row: Mapping[str, object], default: Callable[[object], str] | None = None) -> str:
    """Returns a row as a line of JSONL; ``default`` renders values that JSON does not know."""
    return json.dumps(row, ensure_ascii=False, default=default) + "\n"


@contextlib.contextmanager
def appending(path: Path) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """Gives a function that adds one row to a JSONL log; each line reaches the file at once.

    A log that gets no line leaves no file. Only a log's own writer calls this. A last line without its end was torn when an earlier process
    was killed: it is cut off with a warning, and the writer writes that row again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as handle:
        whole = _end_of_last_line(handle)
        torn = handle.tell() - whole
        if torn:
            handle.truncate(whole)
            logger.warning(
                f"{path}: {torn} bytes of a torn last line cut off; its row is written again"
            )

        def add(row: Mapping[str, object]) -> None:
            handle.write(line(row).encode("utf-8"))
            handle.flush()

        try:
            yield add
        finally:
            if handle.seek(0, os.SEEK_END) == 0:
                path.unlink()


def _end_of_last_line(handle: BinaryIO) -> int:
    """Returns the place after the last line end; leaves the handle at the end of the file."""
    end = start = handle.seek(0, os.SEEK_END)
    while start > 0:
        start = max(0, start - (1 << 16))
        handle.seek(start)
        at = handle.read(1 << 16).rfind(b"\n")
        handle.seek(end)
        if at >= 0:
            return start + at + 1
    return 0


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
    records = list(iterate(path, cls, made_by))
    if not records:
        raise InputError(
            f"{path}: no rows",
            f"run: {made_by}" if made_by else "give a file with at least one row",
        )
    return records


def iterate(path: Path, cls: type[R], made_by: str = "") -> Iterator[R]:
    """Yields records as ``read_records`` reads them, one at a time; there may be none."""
    for where, row in read_rows(path, made_by):
        yield from_row(cls, row, where)


def read_rows(path: Path, made_by: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (file and row for errors, row) from a Parquet or JSONL file (gzipped: ``.gz``) or a folder of them."""
    if path.is_dir():
        files = sorted(
            f
            for f in path.rglob("*")
            if f.suffix in (".parquet", ".jsonl")
            and not any(part.startswith(".") for part in f.relative_to(path).parts)
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
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
            yield from parsed(handle, str(path))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{path}: not whole gzip-compressed JSONL ({error})", "fetch it again"
        ) from error


def parsed(lines: Iterable[bytes], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (file and line for errors, row) of lines of JSONL, each with its end, wherever they come from; blank ones are none.

    Raises:
        InputError: A line is not JSON, or no object.
    """
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        where = f"{name} line {number}"
        try:
            yield where, parse_line(text, where)
        except InputError as error:
            if text.endswith(b"\n"):
                raise
            torn = f"{error.message}; the last line, torn as it was written"
            raise InputError(torn, error.remedy) from error


def rows_sha256(records: Iterable[DataclassInstance]) -> str:
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


@dataclasses.dataclass(frozen=True, slots=True)
class Checksums:
    """Size in bytes, SHA-256, and the id that git gives the content."""

    size: int
    sha256: str
    git_blob: str


class Digesting:
    """A file to read from that takes checksums on the way, so that one pass is enough."""

    def __init__(self, handle: BinaryIO, size: int) -> None:
        self._handle = handle
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._size = 0

    def read(self, length: int) -> bytes:
        """Reads up to ``length`` bytes."""
        piece = self._handle.read(length)
        self._sha256.update(piece)
        self._git.update(piece)
        self._size += len(piece)
        return piece

    def finish(self) -> Checksums:
        """Returns the checksums of everything that was read."""
        return Checksums(self._size, self._sha256.hexdigest(), self._git.hexdigest())


def checksums(path: Path) -> Checksums:
    """Returns the checksums of a file, read once and in pieces."""
    with path.open("rb") as handle:
        digesting = Digesting(handle, path.stat().st_size)
        while digesting.read(1 << 20):
            pass
    return digesting.finish()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file alone, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file for people and programs: indented, Chinese as it is."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path, made_by: str = "") -> dict[str, Any]:
    """Reads a JSON file that holds one object.

    Args:
        path: The file.
        made_by: The command that makes it, for the errors.

    Raises:
        MissingInputError: There is no such file.
        InputError: It is not JSON, or no object.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such file", f"run: {made_by}" if made_by else "check the path"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not JSON ({str(error)[:80]})",
            f"restore it, or run: {made_by}" if made_by else "restore it, or make it again",
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a {type(content).__name__}, not an object", "restore it")
    return content


def read_yaml(path: Path, example: str = "recipes/configs/paper.yaml") -> dict[str, Any]:
    """Reads a file of settings: each key once, and nothing said by reference.

    Aliases (``*name``) are refused: a dozen lines of them stand for gigabytes once they are written out.

    Args:
        path: The YAML file.
        example: A file of the same form, named in errors.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: It is not YAML, or no mapping, or holds an alias or a key twice.
    """
    import yaml

    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such recipe or settings file", f"compare the name with {example}"
        )
    try:
        settings = parse_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8", "save it as UTF-8 in your editor") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path}: not YAML as settings use it ({' '.join(str(error).split())[:160]})",
            f"compare it with {example}",
        ) from error
    if not isinstance(settings, dict):
        raise ConfigError(
            f"{path}: holds {type(settings).__name__}, not keys and values",
            f"compare it with {example}",
        )
    return settings


def parse_yaml(text: str) -> object:
    """Parses YAML by the rules of ``read_yaml``.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: It is not such YAML.
    """
    import yaml

    if _deepest(text) > DEEPEST_SETTINGS:  # the scanner takes the square of the depth
        raise ValueError(f"nested deeper than {DEEPEST_SETTINGS} levels")
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            at = token.start_mark
            raise yaml.MarkedYAMLError(problem="an alias: write it out", problem_mark=at)
    parsed: object = yaml.load(text, _settings_loader())
    return parsed


def _deepest(text: str) -> int:
    """Returns the most brackets that are open at once, those in texts and comments too."""
    steps = (1 if mark in "[{" else -1 for mark in text if mark in "[]{}")
    return max(itertools.accumulate(steps), default=0)


def read_settings(path: Path, cls: type[R], example: str = "recipes/configs/paper.yaml") -> R:
    """Reads a file of settings into a dataclass, every key checked against its type.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: It is not YAML, or a key is unknown, missing or of another type or range.
    """
    settings = read_yaml(path, example)
    try:
        return from_row(cls, settings, str(path), "key")
    except InputError as error:
        place = "" if error.message.startswith(str(path)) else f"{path}: "
        raise ConfigError(
            f"{place}{error.message}", f"{error.remedy}; compare it with {example}"
        ) from error


@functools.cache
def _settings_loader() -> type[yaml.SafeLoader]:
    """Returns YAML's safe loader, which here refuses keys given twice."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(
            self, node: yaml.MappingNode, deep: bool = False
        ) -> dict[object, object]:
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
            return super().construct_mapping(node, deep)

    return Loader
