"""What people did at the workbench, entry after entry: each is added once and never changed.

A thread is what one person does for one item in one round. Its entries are numbered from 1 without a gap: the
key (work, item, round, person, number) is unique, so that of two devices that save on the same version one is
told so, and an id that is sent twice is stored once. Who leaves takes the text of their drafts along.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coig_writer.arena.server.database import Database, DuplicateError
from coig_writer.record import from_row, to_row

Work = Literal["annotate", "review", "exercise", "panel", "person"]
Key = tuple[Work, str, int, str]  # of a thread: work, item, round, person
Kind = Literal[
    "assign",
    "draft",
    "submit",
    "assist",
    "skip",
    "flag",
    "release",
    "set_aside",
    "consent",
    "leave",
]
METADATA = sa.MetaData()
ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("work", sa.String(16), nullable=False),
    sa.Column("item", sa.String(500), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.UniqueConstraint("work", "item", "round", "person", "number"),
)
ERASED = "{}"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did.

    Attributes:
        id: Made by whoever sends it, so that it can be sent again.
        work: What it belongs to.
        item: The document, or the draft to review.
        round: Of the draft; 0 where there are none.
        person: A pseudonym.
        number: Counted from 1 within the thread.
        kind: What was done.
        content: What was written, as the page's form has it.
        seconds: Of work since the entry before.
        created_at: UTC.
    """

    id: str
    work: Work
    item: str
    round: int
    person: str
    number: int
    kind: Kind
    content: dict[str, Any]
    seconds: float
    created_at: str

    @property
    def thread(self) -> Key:
        """What is numbered."""
        return self.work, self.item, self.round, self.person


class EntryStore(Database):
    """Entries on disk.

    Args:
        url: See ``Database``.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, METADATA)
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        self._insert = dialect.insert(ENTRIES).on_conflict_do_nothing().returning(ENTRIES.c.id)

    def add(self, entry: Entry) -> None:
        """Stores an entry; when this returns it is on disk.

        Raises:
            DuplicateError: The thread already has an entry of that number.
            StoreError: The database failed; the entry is not stored.
        """
        (error,) = self.add_all([entry])
        if error:
            raise error

    def add_all(self, entries: Sequence[Entry]) -> list[Exception | None]:
        """Stores entries in one transaction; one that cannot be stored takes no other along.

        Returns:
            For each what ``add`` would raise, or None: it is on disk.
        """
        try:
            with self._writer() as connection:
                new = set(connection.scalars(self._insert, [_row(entry) for entry in entries]))
                old = [entry.id for entry in entries if entry.id not in new]
                there = sa.select(ENTRIES).where(ENTRIES.c.id.in_(old))
                known = {row.id: _entry(row) for row in connection.execute(there)} if old else {}
        except Exception as error:
            if len(entries) == 1:
                return [error]
            return [self.add_all([entry])[0] for entry in entries]
        return [None if e.id in new or _same(e, known.get(e.id)) else _taken() for e in entries]

    def entries(self, person: str | None = None) -> Iterator[Entry]:
        """Yields all entries in the order in which they were made, or one person's."""
        query = sa.select(ENTRIES).order_by(ENTRIES.c.created_at, ENTRIES.c.number)
        if person is not None:
            query = query.where(ENTRIES.c.person == person)
        with self._reader() as connection:
            for row in connection.execute(query):
                yield _entry(row)

    def versions(self, thread: Key) -> list[Entry]:
        """Returns the entries of one thread, oldest first."""
        key = zip(("work", "item", "round", "person"), thread, strict=True)
        query = sa.select(ENTRIES).where(*(ENTRIES.c[name] == value for name, value in key))
        with self._reader() as connection:
            return [_entry(row) for row in connection.execute(query.order_by(ENTRIES.c.number))]

    def erase(self, person: str, kept: Sequence[str]) -> None:
        """Empties what a person wrote, the entries ``kept`` excepted."""
        emptied = ENTRIES.update().where(ENTRIES.c.person == person, ENTRIES.c.id.not_in(kept))
        with self._writer() as connection:
            connection.execute(emptied.values(content=ERASED))
        if self.engine.dialect.name == "sqlite":  # its log still holds what was written
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(entry: Entry) -> dict[str, object]:
    content = json.dumps(entry.content, ensure_ascii=False, sort_keys=True)
    return to_row(entry) | {"content": content}


def _entry(row: sa.Row[Any]) -> Entry:
    fields = dict(row._mapping)
    return from_row(Entry, fields | {"content": json.loads(fields["content"])}, f"entry {row.id}")


def _same(sent: Entry, stored: Entry | None) -> bool:
    return stored is not None and (stored.thread, stored.kind, stored.content) == (
        sent.thread,
        sent.kind,
        sent.content,
    )


def _taken() -> DuplicateError:
    return DuplicateError("another version was saved first", "compare the two, then save again")
