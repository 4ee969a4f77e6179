"""Checks, offline, that the Hub's dataset viewer and ``load_dataset`` will show a packed folder.

Limits are the viewer's own: rows of at most 2 MB, row groups of at most 286 MiB uncompressed, a page
index, first rows that fit a response, fewer than 10,000 files in a folder.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.files import read_rows
from coig_writer.hub.problem import Problem

MAX_ROW_BYTES = 2_000_000
MAX_FIRST_ROW_BYTES = 1_000_000
MAX_ROW_GROUP_BYTES = 286 * 1024 * 1024
MAX_FILES = 10_000
CONFIGS = "README.md configs"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SPLIT = re.compile(r"\w+(\.\w+)*")


def problems(folder: Path, metadata: Mapping[str, object]) -> Iterator[Problem]:
    """Yields everything that the viewer would stumble over."""
    files = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*.parquet"))
    yield from configs(metadata.get("configs"), files)
    for path in files:
        yield from parquet(folder / path, path)
    yield from _crowded(folder)


def configs(listed: object, files: Sequence[str]) -> Iterator[Problem]:
    """Yields problems of the card's ``configs:`` against the Parquet files that are there."""
    if not isinstance(listed, list) or not all(isinstance(c, dict) for c in listed):
        yield Problem(CONFIGS, "is not a list of configs", "render the card again")
        return
    yield from _names([str(config.get("config_name")) for config in listed])
    defaults = [str(c.get("config_name")) for c in listed if c.get("default")]
    if len(defaults) != 1:
        listed_defaults = " and ".join(defaults) or "none"
        yield Problem(
            CONFIGS,
            f"one config must be the default, not {listed_defaults}",
            "set default: true once",
        )
    reached: set[str] = set()
    for config in listed:
        yield from _files(config, files, reached)
    for path in sorted(set(files) - reached):
        yield Problem(path, "no config reaches it", "add it to a config, or take it out")


def _names(config_names: Sequence[str]) -> Iterator[Problem]:
    for name, times in Counter(config_names).items():
        if times > 1:
            yield Problem(CONFIGS, f"names config {name!r} {times} times", "give each its own name")
        if not _NAME.fullmatch(name):
            yield Problem(CONFIGS, f"{name!r} is not a config name", "use letters, digits and -_.")


def _files(
    config: Mapping[str, object], files: Sequence[str], reached: set[str]
) -> Iterator[Problem]:
    from fsspec.utils import glob_translate  # the globs of datasets: a star stops at a slash

    place = f"{CONFIGS} {config.get('config_name')}"
    for entry in _splits(config):
        if entry is None:
            yield Problem(
                place, "data_files is not a list of split and path", "render the card again"
            )
            continue
        split, patterns = entry
        if not _SPLIT.fullmatch(split):
            yield Problem(place, f"{split!r} is not a split name", "use word characters")
        for pattern in patterns:
            fits = re.compile(glob_translate(pattern))
            fitting = [file for file in files if fits.match(file)]
            reached.update(fitting)
            if not fitting:
                yield Problem(place, f"no file fits {pattern}", "pack it again")


def _splits(config: Mapping[str, object]) -> Iterator[tuple[str, list[str]] | None]:
    """Yields each split with its globs; None for an entry of ``data_files`` of another form."""
    listed = config.get("data_files")
    for entry in listed if isinstance(listed, list) else [None]:
        fields = entry if isinstance(entry, dict) else {}
        path = fields.get("path")
        globs = [path] if isinstance(path, str) else path
        if isinstance(globs, list) and all(isinstance(g, str) for g in globs):
            yield str(fields.get("split")), globs
        else:
            yield None


def parquet(file: Path, path: str) -> Iterator[Problem]:
    """Yields problems of one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(file)
    except (pa.ArrowInvalid, OSError):
        yield Problem(path, "is not a whole Parquet file", "pack it again")
        return
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    if not metadata.num_rows:
        yield Problem(path, "has no rows", "take the file out")
    for number, group in enumerate(groups):
        if group.total_byte_size > MAX_ROW_GROUP_BYTES:
            size = f"{group.total_byte_size / 2**20:.0f} MiB"
            yield Problem(
                path, f"row group {number} is {size}, the limit 286", "write smaller groups"
            )
    if not all(g.column(c).has_offset_index for g in groups for c in range(g.num_columns)):
        yield Problem(path, "has no page index", "write it with write_page_index=True")
    yield from _rows(file, path)


def _rows(file: Path, path: str) -> Iterator[Problem]:
    try:
        for number, (_, row) in enumerate(read_rows(file), 1):
            size = len(json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace"))
            limit = MAX_FIRST_ROW_BYTES if number == 1 else MAX_ROW_BYTES
            if size > limit:
                yield Problem(
                    f"{path} row {number}", f"is {size:,} bytes, the limit {limit:,}", "shorten it"
                )
    except InputError:
        yield Problem(path, "breaks off inside", "pack it again")


def _crowded(folder: Path) -> Iterator[Problem]:
    held = Counter(f.parent for f in folder.rglob("*") if f.is_file())
    for place, count in held.items():
        if count >= MAX_FILES:
            name = place.relative_to(folder).as_posix()
            yield Problem(name, f"holds {count:,} files, the limit is 9,999", "shard into folders")
