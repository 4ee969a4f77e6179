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

from coig_writer.arena.server.database import Records
from coig_writer.record import from_row, to_row

Work = Literal["annotate", "review", "exercise", "panel", "person"]
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
    def thread(self) -> tuple[str, str, int, str]:
        """What is numbered: work, item, round, person."""
        return self.work, self.item, self.round, self.person


class EntryStore(Records[Entry]):
    """Entries on disk.

    Args:
        url: See ``Database``.
    """

    taken = "another version was saved first", "compare the two, then save again"

    def __init__(self, url: str) -> None:
        super().__init__(url, ENTRIES)

    def _row(self, record: Entry) -> dict[str, object]:
        content = json.dumps(record.content, ensure_ascii=False, sort_keys=True)
        return to_row(record) | {"content": content}

    def _is_there(self, record: Entry, connection: sa.Connection) -> bool:
        row = connection.execute(sa.select(ENTRIES).filter_by(id=record.id)).first()
        found = None if row is None else _entry(row)
        return found is not None and (found.thread, found.kind, found.content) == (
            record.thread,
            record.kind,
            record.content,
        )

    def entries(self, person: str | None = None) -> Iterator[Entry]:
        """Yields all entries in the order in which they were made, or one person's."""
        query = sa.select(ENTRIES).order_by(ENTRIES.c.created_at, ENTRIES.c.number)
        if person is not None:
            query = query.where(ENTRIES.c.person == person)
        with self._reader() as connection:
            for row in connection.execute(query):
                yield _entry(row)

    def versions(self, thread: tuple[str, str, int, str]) -> list[Entry]:
        """Returns the entries of one thread, oldest first."""
        of = dict(zip(("work", "item", "round", "person"), thread, strict=True))
        query = sa.select(ENTRIES).filter_by(**of)
        with self._reader() as connection:
            return [_entry(row) for row in connection.execute(query.order_by(ENTRIES.c.number))]

    def erase(self, person: str, kept: Sequence[str]) -> None:
        """Empties what a person wrote, the entries ``kept`` excepted."""
        emptied = ENTRIES.update().where(ENTRIES.c.person == person, ENTRIES.c.id.not_in(kept))
        with self._writer() as connection:
            connection.execute(emptied.values(content=ERASED))
        self._empty_log()


def _entry(row: sa.Row[Any]) -> Entry:
    found = dict(row._mapping)
    return from_row(Entry, found | {"content": json.loads(found["content"])}, f"entry {row.id}")
