"""Versions of a dataset: which rows were added, changed and removed, by id, and the log of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from coig_writer.errors import PublicationError
from coig_writer.files import read_rows

LOG = "CHANGELOG.md"
REMOVED = "removed.jsonl"  # the log of rows taken out, which is public
NOTES = ".takedown-notes.jsonl"  # ends the name of what is said of them in words, beside the folder
# Why a row was taken out, as far as the public log tells: no word of whoever asked, or of whoever typed.
REASONS: Mapping[str, str] = {
    "author": "its author or rights holder asked",
    "personal-data": "it tells of a person",
    "licence": "its licence does not allow it",
    "unlawful": "its content is unlawful",
    "quality": "it is wrong, or below the set's standard",
    "duplicate": "another row has the same text",
    "other": "none of these",
}
TITLE = "# Versions\n\nRows added, changed and removed, by id. Load one: `load_dataset(…, revision=VERSION)`.\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Ids, sorted. ``before`` counts the rows of the version before."""

    before: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def __str__(self) -> str:
        return f"{len(self.added)} rows added, {len(self.changed)} changed, {len(self.removed)} removed"


def checked(version: str) -> str:
    """Returns a version unchanged if it can be a tag.

    Raises:
        PublicationError: Git takes no such tag, or it is the name of the main branch. Told after the commit, it
            would leave a release that has no version.
    """
    if (
        not re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,99}", version, re.ASCII)
        or ".." in version
        or version.endswith((".", ".lock"))
        or version == "main"
    ):
        raise PublicationError(f"--tag {version!r} cannot be a tag", "write a version: v1.0.0")
    return version


def order(version: str) -> tuple[int, ...]:
    """Returns what versions sort by: the numbers of ``v1.2.3``; nothing for another name."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", version, re.ASCII)
    return tuple(int(number) for number in match.groups()) if match else ()


def row_hashes(files: Iterable[Path]) -> dict[str, str]:
    """Returns row id → SHA-256 of the row, over some Parquet files."""
    return {str(row["id"]): digest(row) for file in files for _, row in read_rows(file)}


def row_digests(file: Path) -> list[str]:
    """Returns the SHA-256 of every row of a Parquet file, in order."""
    return [digest(row) for _, row in read_rows(file)]


def digest(row: Mapping[str, object]) -> str:
    """Returns the SHA-256 of a row, whatever the order of its columns."""
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def compare(old: Mapping[str, str], new: Mapping[str, str]) -> Changes:
    """Compares the row hashes of two versions."""
    return Changes(
        before=len(old),
        added=tuple(sorted(set(new) - set(old))),
        changed=tuple(sorted(i for i in set(new) & set(old) if new[i] != old[i])),
        removed=tuple(sorted(set(old) - set(new))),
    )


def log(previous: str | None, version: str, changes: Changes) -> str:
    """Returns the change log with one more entry on top; the first version lists no ids."""
    lines = [f"## {version}", ""]
    if changes.before:
        lines += [f"{changes}.", ""]
        for name in ("added", "changed", "removed"):
            lines += [f"- {name} `{row}`" for row in getattr(changes, name)]
    else:
        lines.append(f"First version: {len(changes.added)} rows.")
    old = (previous or TITLE).removeprefix(TITLE).strip()
    return "\n".join([TITLE, *lines, *(["", old] if old else [])]) + "\n"
