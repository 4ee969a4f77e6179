"""What a stage reads and writes: each document that comes in is kept or dropped.

A stage reads the ``kept.jsonl`` of the stage before and writes, completely or not at all::

    ROOT/NN-stage/kept.jsonl      documents that go on
    ROOT/NN-stage/dropped.jsonl   the others: document, stage, reason, evidence
    ROOT/NN-stage/stage.json      counts by reason, options, hash of the input
    ROOT/work/STAGE/…             what people read and write; never replaced

The input is cut into parts. A finished part is one file of both outcomes, named after the hash of
its lines and of the stage's options, so that a killed run goes on where it stopped, each part is
decided once, and any number of processes may share the parts (``dataset_builder/cluster.py``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from coig_writer import __version__
from coig_writer.document import OPEN, Document, Dropped
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import file_sha256, iterate, read_json, write_json, write_rows
from coig_writer.folder import atomic_folder
from coig_writer.record import from_row, parse_line, to_row

STAGES = (
    "collect",
    "assess",
    "dedup",
    "screen",
    "reverse",
    "validate",
    "score",
    "review",
    "audit",
    "pack",
)
PART_SIZE = 1000
# What the audit adds to its own folder once the documents are decided.
AUDITED = ("triplets.jsonl", "taxonomy.json", "index.html", "facts.json", "*.png")
Outcome = Document | Dropped
Process = Callable[[list[Document]], Sequence[Outcome]]


def folder(root: Path, stage: str) -> Path:
    """Returns the folder of a stage, numbered in the order of the paper's section 2."""
    return root / f"{STAGES.index(stage) + 1:02d}-{stage}"


def work(root: Path, stage: str) -> Path:
    """Returns the folder for what people read and write in a stage."""
    return root / "work" / stage


def answers_digest(root: Path, stage: str) -> str:
    """Returns a hash of all that people answered in a stage, so that new answers make it run again."""
    digest = hashlib.sha256()
    for file in sorted((work(root, stage) / "answers").rglob("*.jsonl")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def made_by(root: Path, stage: str) -> str:
    """Returns the command that runs a stage."""
    return f"python -m dataset_builder {stage} --out {root}"


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a stage did with its documents.

    Attributes:
        stage: The stage.
        read: Documents it read.
        kept: Documents it kept.
        reasons: Reason → documents dropped for it; some reasons are open.
    """

    stage: str
    read: int
    kept: int
    reasons: dict[str, int]

    @property
    def open(self) -> int:
        """Documents that nothing was decided about yet."""
        return sum(n for reason, n in self.reasons.items() if reason.startswith(OPEN))

    @property
    def dropped(self) -> int:
        """Documents that were dropped for good."""
        return self.read - self.kept - self.open

    def __str__(self) -> str:
        open_ = f", {self.open} open" if self.open else ""
        return (
            f"{self.stage:<9} {self.read:>7} read, {self.kept} kept, {self.dropped} dropped{open_}"
        )


class Finished(TypedDict):
    """What a finished stage did, and with what: a second run with the same does nothing.

    Attributes:
        input_sha256: SHA-256 of the file of documents that it read.
        options: Whatever changes the outcome.
        kit_version: Of the kit that ran it.
        stage: The stage.
        read: Documents it read.
        kept: Documents it kept.
        reasons: Reason → documents dropped for it; some reasons are open.
    """

    input_sha256: str
    options: Mapping[str, object]
    kit_version: str
    stage: str
    read: int
    kept: int
    reasons: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Parts:
    """The input of one run of one stage, in parts, and what was decided about each.

    Attributes:
        root: Folder of the whole curation.
        stage: Name of the stage.
        options: Whatever changes the outcome; a change makes finished parts count for nothing.
        source: File of documents; the kept ones of the stage before if None.
        size: Documents per part.
    """

    root: Path
    stage: str
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    source: Path | None = None
    size: int = PART_SIZE

    @property
    def out(self) -> Path:
        """The stage's folder."""
        return folder(self.root, self.stage)

    @property
    def before(self) -> str:
        """The stage whose kept documents are read; the stage itself if it brings its own."""
        return self.stage if self.source else STAGES[STAGES.index(self.stage) - 1]

    @property
    def input(self) -> Path:
        """The file that is read."""
        return self.source or folder(self.root, self.before) / "kept.jsonl"

    @property
    def place(self) -> Path:
        """Where finished parts wait until all are there."""
        return self.out.with_name(f".{self.out.name}.parts")

    def lines(self) -> Iterator[tuple[Path, list[bytes]]]:
        """Yields (file of the part's outcomes, its input lines) in order.

        Raises:
            MissingInputError: The stage before has not run.
        """
        if not self.input.is_file():
            raise MissingInputError(
                f"{self.input}: no documents", f"run: {made_by(self.root, self.before)}"
            )
        # Another version of the kit, another option or another text: another file name.
        salt = json.dumps([__version__, self.options], sort_keys=True, ensure_ascii=False).encode()
        with self.input.open("rb") as handle:
            for number, lines in enumerate(_batches(handle, self.size)):
                digest = hashlib.sha256(salt)
                for line in lines:
                    digest.update(line)
                yield self.place / f"{number:06d}-{digest.hexdigest()[:16]}.jsonl", lines

    def documents(self) -> Iterator[Document]:
        """Yields all documents of the input."""
        return iterate(self.input, Document, made_by(self.root, self.before))

    def decide(self, process: Process, rank: int = 0, world: int = 1) -> None:
        """Decides every ``world``-th part that has no outcome yet, unless the stage is finished.

        Raises:
            InputError: ``process`` does not return one outcome per document, in order.
        """
        if self.finished() is not None:
            return
        for number, (path, lines) in enumerate(self.lines()):
            if number % world == rank and not path.is_file():
                documents = [
                    from_row(Document, parse_line(line, location), location)
                    for n, line in enumerate(lines, number * self.size + 1)
                    for location in [f"{self.input} line {n}"]
                ]
                outcomes = process(documents)
                ids = [o.document.id if isinstance(o, Dropped) else o.id for o in outcomes]
                if ids != [d.id for d in documents]:
                    raise InputError(
                        f"{self.stage}: {len(ids)} outcomes for {len(documents)} documents, or in another order",
                        "a stage must decide every document once: report this as a bug",
                    )
                write_rows(path, map(to_row, outcomes))

    def join(self) -> Counts:
        """Joins the finished parts into the stage's folder, unless the stage is finished.

        Raises:
            MissingInputError: A part is not decided yet.
        """
        if (finished := self.finished()) is not None:
            return finished
        paths = [path for path, _ in self.lines()]
        for path in paths:
            if not path.is_file():
                raise MissingInputError(
                    f"{self.stage}: part {path.stem[:6]} of {len(paths)} is not decided yet",
                    f"run: {made_by(self.root, self.stage)}",
                )
        with atomic_folder(self.out, "finished stage", AUDITED) as partial:
            counts = self._split(paths, partial)
            record: Finished = {
                "input_sha256": file_sha256(self.input),
                "options": self.options,
                "kit_version": __version__,
                "stage": counts.stage,
                "read": counts.read,
                "kept": counts.kept,
                "reasons": counts.reasons,
            }
            write_json(partial / "stage.json", record)
        # the parts, and what a join that was killed has left behind
        for left in (self.place, *self.out.parent.glob(f".{self.out.name}.????????.*")):
            shutil.rmtree(left, ignore_errors=True)
        return counts

    def _split(self, paths: Iterable[Path], target: Path) -> Counts:
        """Copies the lines of all parts, each to what is kept or to what is dropped."""
        reasons: Counter[str] = Counter()
        kept = 0
        with (
            (target / "kept.jsonl").open("wb") as keep,
            (target / "dropped.jsonl").open("wb") as drop,
        ):
            for path in paths:
                for line in path.read_bytes().splitlines(keepends=True):
                    # A dropped document's line begins with its first field; parsing every line costs more.
                    if line.startswith(b'{"document"'):
                        drop.write(line)
                        reasons[parse_line(line, str(path))["reason"]] += 1
                    else:
                        keep.write(line)
                        kept += 1
        return Counts(self.stage, kept + reasons.total(), kept, dict(sorted(reasons.items())))

    def done(self) -> Counts | None:
        """Returns the counts of the last run if input and options are the same."""
        record = _record(self.root, self.stage)
        if record is None or not self.input.is_file():
            return None
        same = (
            record["options"] == json.loads(json.dumps(self.options))
            and record["kit_version"] == __version__
            and record["input_sha256"] == file_sha256(self.input)
        )
        return _counts(record) if same else None

    def finished(self) -> Counts | None:
        """Returns the counts of the last run if it also left nothing open."""
        done = self.done()
        return None if done is None or done.open else done


def read_kept(root: Path, stage: str) -> list[Document]:
    """Reads the documents that a stage kept."""
    return list(iterate(folder(root, stage) / "kept.jsonl", Document, made_by(root, stage)))


def read_dropped(root: Path, stage: str) -> list[Dropped]:
    """Reads what a stage dropped."""
    return list(iterate(folder(root, stage) / "dropped.jsonl", Dropped, made_by(root, stage)))


def funnel(root: Path) -> list[Counts]:
    """Returns what each finished stage did, in order."""
    records = (_record(root, stage) for stage in STAGES)
    return [_counts(record) for record in records if record is not None]


def _counts(record: dict[str, Any]) -> Counts:
    return Counts(record["stage"], record["read"], record["kept"], record["reasons"])


def _record(root: Path, stage: str) -> dict[str, Any] | None:
    path = folder(root, stage) / "stage.json"
    return read_json(path, made_by(root, stage)) if path.is_file() else None


def _batches(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
