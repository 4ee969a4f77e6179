"""What lies in a curation's ``work/``: items in, answers out, in the files that scripts use too.

Annotators' answers are written to files of the workbench's own, one per person, made anew each time from what
is stored. A reviewer's file is theirs, whatever they write it with: rows are added to it, none is changed.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from coig_writer.arena.server.database import StoreError
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import iterate, read_json, read_rows, write_rows
from coig_writer.workbench import annotation, review

T = TypeVar("T")
OWN = "workbench-"


class Curation:
    """A curation's folder as the workbench sees it; files are read again when they changed.

    Args:
        root: The folder that ``curate --out`` names.

    Raises:
        MissingInputError: There is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise MissingInputError(
                f"{root}: no curation",
                "python -m dataset_builder curate TEXTS --out DIR makes one, curate --demo a small one",
            )
        self.root = root
        self._known: dict[Path, tuple[tuple[int, int], object]] = {}

    @property
    def annotating(self) -> Path:
        """What annotators read and write."""
        return self.root / "work" / "reverse"

    @property
    def reviewing(self) -> Path:
        """What reviewers read and write."""
        return self.root / "work" / "review"

    def to_annotate(self) -> Mapping[tuple[str, int], annotation.Item]:
        """Returns the items that wait for a writing, by document and round."""
        read = functools.partial(iterate, cls=annotation.Item)
        return self._read(
            self.annotating / "items.jsonl", lambda p: {(i.id, i.round): i for i in read(p)}, {}
        )

    def to_review(self, alias: str) -> Mapping[str, review.Item]:
        """Returns the drafts that wait for a reviewer, by their names."""
        read = functools.partial(iterate, cls=review.Item)
        path = self.reviewing / "items" / f"{alias}.jsonl"
        return self._read(path, lambda p: {i.item: i for i in read(p)}, {})

    def report(self) -> Mapping[str, Any]:
        """Returns what the review stage last reported: acceptance, agreement, workload."""
        return self._read(self.reviewing / "report.json", read_json, {})

    def write_annotations(self, person: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Writes all of a person's answers; without any, no file stays."""
        path = self.annotating / "answers" / f"{OWN}{person}.jsonl"
        if rows:
            write_rows(path, rows)
        else:
            path.unlink(missing_ok=True)

    def add_verdicts(self, alias: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Adds a reviewer's verdicts to their file, those that are its last word on an item excepted."""
        path = self.reviewing / "answers" / f"{alias}.jsonl"
        with _readable():
            before = [row for _, row in read_rows(path)] if path.is_file() else []
        last = {row["item"]: row for row in before}
        new = [row for row in rows if last.get(row["item"]) != row]
        if new:
            write_rows(path, [*before, *new])

    def submitted_files(self) -> list[Path]:
        """Returns the files that hold what people submitted, and which of their names go together or are withdrawn."""
        folders = self.annotating / "answers", self.reviewing / "answers"
        answers = [path for folder in folders for path in sorted(folder.glob("*.jsonl"))]
        people = self.reviewing / review.ANNOTATORS, self.reviewing / review.WITHDRAWN_FILE
        return [*answers, *filter(Path.is_file, people)]

    def reviewers(self) -> list[str]:
        """Returns the aliases for which there are drafts to review."""
        return sorted(path.stem for path in (self.reviewing / "items").glob("*.jsonl"))

    def name_annotators(self, aliases: Mapping[str, str]) -> None:
        """Notes under which alias an annotator reviews; ``review.annotators`` reads it."""
        path = self.reviewing / review.ANNOTATORS
        if aliases or path.is_file():
            rows = [review.Alias(annotator=p, reviewer=a) for p, a in sorted(aliases.items())]
            write_rows(path, rows)

    def forget(self, alias: str) -> None:
        """Notes that no later set may name a reviewer."""
        known = review.withdrawn(self.reviewing) | {alias}
        rows = (review.Withdrawn(reviewer=name) for name in sorted(known))
        write_rows(self.reviewing / review.WITHDRAWN_FILE, rows)

    def trouble(self) -> str | None:
        """Says what keeps people from their items, without a path; None if nothing."""
        if not self.root.is_dir():
            return "the curation is gone"
        try:
            for alias in self.reviewers():
                self.to_review(alias)
            self.to_annotate()
        except StoreError:
            return "a file of the curation cannot be read"
        return None

    def _read(self, path: Path, read: Callable[[Path], T], missing: T) -> T:
        try:
            stat = path.stat()
        except FileNotFoundError:
            return missing
        stamp = stat.st_mtime_ns, stat.st_ino
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            with _readable():
                known = self._known[path] = stamp, read(path)
        found: T = known[1]  # type: ignore[assignment]
        return found


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Tells a damaged file from a request that does not fit: it is for the operator to mend.

    Raises:
        StoreError: The file is damaged.
    """
    try:
        yield
    except InputError as error:
        raise StoreError(error.message, "restore the file; it is read again then") from error
