"""The flow that all stages of curation share: documents in, every one kept or dropped, never both.

A stage reads the ``kept.jsonl`` of the stage before and writes, whole or not at all::

    ROOT/NN-stage/kept.jsonl      documents that go on
    ROOT/NN-stage/dropped.jsonl   the others: document, stage, reason, evidence
    ROOT/NN-stage/stage.json      counts by reason, options, hash of the input
    ROOT/work/STAGE/…             what people read and write; never replaced

The input is cut into parts. A finished part is one file of both outcomes, named after the hash of
its lines and of the stage's options, so that a killed run goes on where it stopped, each part is
decided once, and any number of processes may share the parts (``dataset_builder/stages/cluster.py``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from coig_writer import __version__
from coig_writer.document import Document, Dropped
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import atomic_folder, atomic_path, file_sha256
from coig_writer.record import from_row, to_row

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
Outcome = Document | Dropped
Process = Callable[[list[Document]], Sequence[Outcome]]


def folder(root: Path, stage: str) -> Path:
    """Returns the folder of a stage, numbered in the order of the paper's section 2."""
    return root / f"{STAGES.index(stage) + 1:02d}-{stage}"


def work(root: Path, stage: str) -> Path:
    """Returns the folder for what people read and write in a stage."""
    return root / "work" / stage


def before(stage: str) -> str:
    """Returns the stage whose kept documents a stage reads."""
    return STAGES[STAGES.index(stage) - 1]


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a stage did: ``reasons`` counts its dropped documents; some of them are open."""

    stage: str
    read: int
    kept: int
    reasons: dict[str, int]

    @property
    def open(self) -> int:
        """Documents that nothing was decided about yet."""
        from coig_writer.document import OPEN

        return sum(n for reason, n in self.reasons.items() if reason.startswith(OPEN))

    @property
    def dropped(self) -> int:
        """Documents that were dropped for good."""
        return self.read - self.kept - self.open


@dataclasses.dataclass(frozen=True)
class Flow:
    """One run of one stage.

    Attributes:
        root: Folder of the whole curation.
        stage: Name of the stage.
        options: Whatever changes the outcome; a change makes finished parts count for nothing.
        source: File of documents; the kept ones of the stage before if None.
        part_size: Documents per part.
    """

    root: Path
    stage: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    source: Path | None = None
    part_size: int = PART_SIZE

    @property
    def out(self) -> Path:
        """The stage's folder."""
        return folder(self.root, self.stage)

    @property
    def input(self) -> Path:
        """The file that is read."""
        return self.source or folder(self.root, before(self.stage)) / "kept.jsonl"

    @property
    def part_folder(self) -> Path:
        """Where finished parts wait until all are there."""
        return self.out.with_name(f".{self.out.name}.parts")

    def parts(self) -> Iterator[tuple[Path, list[bytes]]]:
        """Yields (file of the part's outcomes, its input lines) in order.

        Raises:
            MissingInputError: The stage before has not run.
        """
        if not self.input.is_file():
            raise MissingInputError(
                f"{self.input}: no documents",
                f"run: python -m dataset_builder {before(self.stage)} --out {self.root}",
            )
        salt = json.dumps([__version__, self.options], sort_keys=True, ensure_ascii=False).encode()
        with self.input.open("rb") as handle:
            for number, lines in enumerate(_batches(handle, self.part_size)):
                digest = hashlib.sha256(salt)
                for line in lines:
                    digest.update(line)
                yield self.part_folder / f"{number:06d}-{digest.hexdigest()[:16]}.jsonl", lines

    def decide(self, process: Process, rank: int = 0, world: int = 1) -> None:
        """Decides every ``world``-th part that has no outcome yet."""
        for number, (path, lines) in enumerate(self.parts()):
            if number % world == rank and not path.is_file():
                documents = [
                    from_row(Document, json.loads(line), str(self.input)) for line in lines
                ]
                outcomes = checked(self.stage, documents, process(documents))
                with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as handle:
                    handle.writelines(_line(outcome) for outcome in outcomes)

    def assemble(self) -> Counts:
        """Joins the finished parts into the stage's folder.

        Raises:
            MissingInputError: A part is not decided yet.
        """
        paths = [path for path, _ in self.parts()]
        for path in paths:
            if not path.is_file():
                raise MissingInputError(
                    f"{self.stage}: part {path.stem[:6]} of {len(paths)} is not decided",
                    f"run: python -m dataset_builder {self.stage} --out {self.root}",
                )
        with atomic_folder(self.out) as partial:
            counts = self._join(paths, partial)
            record = {
                "input_sha256": file_sha256(self.input),
                "options": self.options,
                "kit_version": __version__,
                **dataclasses.asdict(counts),
            }
            (partial / "stage.json").write_text(
                json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
        shutil.rmtree(self.part_folder, ignore_errors=True)
        return counts

    def _join(self, paths: Sequence[Path], target: Path) -> Counts:
        reasons: Counter[str] = Counter()
        kept = 0
        with (
            (target / "kept.jsonl").open("wb") as keep,
            (target / "dropped.jsonl").open("wb") as drop,
        ):
            for path in paths:
                for line in path.read_bytes().splitlines(keepends=True):
                    reason = _reason(line)
                    (keep if reason is None else drop).write(line)
                    kept += reason is None
                    reasons.update([] if reason is None else [reason])
        return Counts(self.stage, kept + reasons.total(), kept, dict(sorted(reasons.items())))

    def run(self, process: Process) -> Counts:
        """Runs the stage, or returns what it did if nothing changed and nothing is open."""
        done = self.done()
        if done is not None and not done.open:
            return done
        self.decide(process)
        return self.assemble()

    def work(self, process: Process, rank: int, world: int) -> None:
        """Decides this process's share, unless the stage is finished."""
        done = self.done()
        if done is None or done.open:
            self.decide(process, rank, world)

    def done(self) -> Counts | None:
        """Returns the counts of a finished run with the same input and options."""
        record = _record(self.out / "stage.json")
        if record is None or not self.input.is_file():
            return None
        same = (
            record["options"] == json.loads(json.dumps(self.options))
            and record["kit_version"] == __version__
            and record["input_sha256"] == file_sha256(self.input)
        )
        return _counts(record) if same else None


def checked(
    stage: str, documents: Sequence[Document], outcomes: Sequence[Outcome]
) -> Sequence[Outcome]:
    """Returns the outcomes if there is exactly one per document, in order.

    Raises:
        InputError: An outcome is missing, doubled, or belongs to another document.
    """
    found = [o.document.id if isinstance(o, Dropped) else o.id for o in outcomes]
    if found != [d.id for d in documents]:
        raise InputError(
            f"{stage}: {len(found)} outcomes for {len(documents)} documents, or in another order",
            "a stage must decide every document once: report this as a bug",
        )
    return outcomes


def read_kept(root: Path, stage: str) -> list[Document]:
    """Reads the documents that a stage kept."""
    return list(iterate(folder(root, stage) / "kept.jsonl", Document, stage, root))


def read_dropped(root: Path, stage: str) -> list[Dropped]:
    """Reads what a stage dropped."""
    return list(iterate(folder(root, stage) / "dropped.jsonl", Dropped, stage, root))


def iterate(path: Path, cls: type[Any], stage: str, root: Path) -> Iterator[Any]:
    """Yields the records of a stage's file; the file may be empty, but must be there."""
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such file", f"run: python -m dataset_builder {stage} --out {root}"
        )
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            yield from_row(cls, json.loads(line), f"{path} line {number}")


def funnel(root: Path) -> list[Counts]:
    """Returns what each finished stage did, in order."""
    records = [_record(folder(root, stage) / "stage.json") for stage in STAGES]
    return [_counts(record) for record in records if record is not None]


def _counts(record: dict[str, Any]) -> Counts:
    return Counts(record["stage"], record["read"], record["kept"], record["reasons"])


def _record(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _batches(lines: Any, size: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _line(outcome: Outcome) -> str:
    return json.dumps(to_row(outcome), ensure_ascii=False) + "\n"


def _reason(line: bytes) -> str | None:
    """Returns why a line's document was dropped, None if it was kept."""
    reason: str | None = json.loads(line)["reason"] if line.startswith(b'{"document"') else None
    return reason
