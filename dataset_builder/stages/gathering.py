"""Raw texts gathered once, in shares: a file of documents per source, then one of all, no id twice.

Under ``00-intake/``: ``documents.jsonl`` and ``sources.json`` (what was read, and the medians of likes,
comments and shares per platform). A source is read again only if it changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import atomic_path
from coig_writer.record import to_row
from dataset_builder.stages import intake
from dataset_builder.stages.steps import Step

Medians = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True)
class Gathering:
    """The sources of a curation and where their documents come to lie.

    Attributes:
        root: Folder of the whole curation.
        sources: Files and folders, one share each.
        provenance: Of all but official rows: ``curated`` or ``sample``.
    """

    root: Path
    sources: tuple[Path, ...]
    provenance: str

    @property
    def documents(self) -> Path:
        """All documents, in the order of the sources."""
        return self.root / "00-intake" / "documents.jsonl"

    @property
    def medians(self) -> Medians:
        """Platform → measure → median, of all documents."""
        found: Medians = self._note()["medians"]
        return found

    def steps(self) -> list[Step]:
        """Returns the steps: read the sources, put them together."""
        return [
            Step("read", self.read),
            Step("gather", lambda _rank, _world: self.gather(), alone=True),
        ]

    def parts(self) -> list[Path]:
        """Returns the file of each source's documents; its name changes when the source does."""
        place = self.root / ".00-intake.parts"
        return [place / f"{n:06d}-{self._stamp(s)}.jsonl" for n, s in enumerate(self.sources)]

    def _stamp(self, source: Path) -> str:
        files = [source]
        if source.is_dir():
            files = [*sorted(source.rglob("*.txt")), source / intake.METADATA]
        seen = [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.is_file()]
        content = json.dumps([self.provenance, seen], ensure_ascii=False).encode()
        return hashlib.sha256(content).hexdigest()[:16]

    def _note(self) -> dict[str, Any]:
        path = self.documents.with_name("sources.json")
        if not path.is_file():
            return {}
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return note

    def _done(self) -> bool:
        names = [path.name for path in self.parts()]
        return self.documents.is_file() and self._note().get("parts") == names

    def read(self, rank: int, world: int) -> None:
        """Reads every ``world``-th source that is new.

        Raises:
            MissingInputError: A source is not there.
            InputError: A source is of an unknown kind or damaged.
        """
        if self._done():
            return
        for number, (source, path) in enumerate(zip(self.sources, self.parts(), strict=True)):
            if number % world == rank and not path.is_file():
                with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as handle:
                    for document in intake.read(source, self.provenance):
                        handle.write(json.dumps(to_row(document), ensure_ascii=False) + "\n")

    def gather(self) -> None:
        """Puts the documents of all sources into one file.

        Raises:
            MissingInputError: A source is not read yet.
            InputError: Two documents share an id, or there is none at all.
        """
        if self._done():
            return
        parts = self.parts()
        if missing := [s for s, p in zip(self.sources, parts, strict=True) if not p.is_file()]:
            raise MissingInputError(
                f"collect: {missing[0]} is not read yet",
                f"run: python -m dataset_builder collect … --out {self.root}",
            )
        seen = array("Q")
        with atomic_path(self.documents) as partial:
            with partial.open("wb") as handle:
                found = medians(_copied(parts, handle, seen))
            if not seen:
                raise InputError("no documents in the sources", "check the sources")
            _check_ids(partial, seen)
        note = {"parts": [p.name for p in parts], "medians": found}
        with atomic_path(self.documents.with_name("sources.json")) as partial:
            partial.write_text(json.dumps(note, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(parts[0].parent, ignore_errors=True)


def _copied(parts: Iterable[Path], to: BinaryIO, seen: array[int]) -> Iterator[dict[str, Any]]:
    """Copies lines, notes the hash of each id, and yields the rows."""
    for path in parts:
        with path.open("rb") as handle:
            for line in handle:
                row = json.loads(line)
                seen.append(_hash(row["id"]))
                to.write(line)
                yield row


def medians(rows: Iterable[Mapping[str, Any]]) -> Medians:
    """Returns platform → measure → median over the texts that give it."""
    values: dict[str, dict[str, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("q")))
    for row in rows:
        for name in intake.NUMBERS:
            if row.get(name) is not None:
                values[row.get("platform") or "*"][name].append(row[name])
    return {
        platform: {name: float(statistics.median(v)) for name, v in measures.items()}
        for platform, measures in values.items()
    }


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _check_ids(path: Path, seen: array[int]) -> None:
    """Finds a repeated id from eight bytes per document, then its name in the file."""
    hashes = np.sort(np.frombuffer(seen, dtype=np.uint64))
    repeated = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not repeated:
        return
    first: dict[str, str] = {}
    with path.open(encoding="utf-8") as handle:
        for row in map(json.loads, handle):
            name, where = row["id"], str(row["history"][0].get("source", "?"))
            if name in first:
                raise InputError(
                    f"id {name!r} stands twice in the sources: {first[name]} and {where}",
                    "give each its own id, or leave the column out",
                )
            if _hash(name) in repeated:
                first[name] = where
