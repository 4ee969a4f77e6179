"""Ballots that last: SQLAlchemy over SQLite in WAL mode, or over PostgreSQL.

A vote is on disk before it is acknowledged (``synchronous=FULL``). Rows are only ever added; a
withdrawal empties its ballot, which stays as a husk so that the item is not asked again. The unique key (study, rater, item, protocol, repeat) makes a double submission and a
replay fail here, whatever the page or the network did.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from coig_writer.arena.server.database import Database, DuplicateError, StoreError, now
from coig_writer.ballot import Ballot, Tombstone, check
from coig_writer.errors import DriftError, InputError
from coig_writer.record import from_row, to_row

METADATA = sa.MetaData()
_JSON_COLUMNS = ("shown", "tags", "depths")
_UNIQUE = ("study", "rater", "item", "protocol", "repeat")

BALLOTS = sa.Table(
    "ballots",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("study", sa.String(200), nullable=False),
    sa.Column("protocol", sa.String(16), nullable=False),
    sa.Column("item", sa.String(500), nullable=False),
    sa.Column("query_id", sa.String(200), nullable=False),
    sa.Column("rater", sa.String(64), nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("reported", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.Column("dwell_s", sa.Float),
    sa.Column("scroll", sa.Float),
    sa.Column("velocity", sa.Float),
    sa.Column("interface_language", sa.String(8)),
    sa.Column("consent", sa.Boolean, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("elapsed_s", sa.Float),
    sa.Column("depths", sa.Text),
    sa.Column("sample", sa.Integer),  # null in rows from before it: the first
    sa.UniqueConstraint(*_UNIQUE),
)
TOMBSTONES = sa.Table(
    "tombstones",
    METADATA,
    sa.Column("ballot", sa.String(32), primary_key=True),
    sa.Column("time", sa.String(40), nullable=False),
)
SEATS = sa.Table(
    "seats",
    METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("protocol", sa.String(16), primary_key=True),
    sa.Column("language", sa.String(8), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rater", sa.String(64), nullable=False, index=True),
    sa.Column("claimed_at", sa.String(40), nullable=False),
    sa.Column("known_by", sa.String(16)),
)
FOUNDERS = sa.Table(  # who an invited study began with
    "founders",
    METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("design", sa.String(64), nullable=False),
    sa.Column("raters", sa.Text, nullable=False),
)
HANDS = sa.Table(  # what was assigned to raters who came later
    "hands",
    METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("protocol", sa.String(16), primary_key=True),
    sa.Column("language", sa.String(8), primary_key=True),
    sa.Column("rater", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("query_id", sa.String(200), nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
)
REVEALS = sa.Table(  # texts whose authors a rater was told
    "reveals",
    METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("rater", sa.String(64), primary_key=True),
    sa.Column("query_id", sa.String(200), primary_key=True),
    sa.Column("variant", sa.String(200), primary_key=True),
    sa.Column("told_at", sa.String(40), nullable=False),
)
STUDIES = sa.Table(
    "studies",
    METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("design", sa.String(64), nullable=False),
    sa.Column("begun_at", sa.String(40), nullable=False),
)


# What a withdrawal leaves of a ballot: who was asked what and when, and nothing of the answer.
HUSK: Mapping[str, str | bool | None] = {
    "verdict": '"skip"',
    "tags": "[]",
    "reported": False,
    **dict.fromkeys(
        ("comment", "dwell_s", "scroll", "velocity", "interface_language", "elapsed_s", "depths")
    ),
}
_EMPTY_WITHDRAWN = (
    BALLOTS.update().where(BALLOTS.c.id.in_(sa.select(TOMBSTONES.c.ballot))).values(**HUSK)
)


AssignedTask = tuple[str, tuple[int, ...], int]  # query, model numbers as shown, repeat


class Store(Database):
    """Append-only ballots, tombstones, and the seats that raters took.

    Args:
        url: See ``Database``.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, METADATA)
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        self._insert_new = dialect.insert(BALLOTS).on_conflict_do_nothing().returning(BALLOTS.c.id)
        self._insert_told = dialect.insert(REVEALS).on_conflict_do_nothing()

    def begin(
        self, study: str, design: str, founders: Sequence[str] = (), before: str | None = None
    ) -> None:
        """Notes the design of a study at its first start and holds it to it afterwards.

        Args:
            study: Its name.
            design: Digest of what must not change.
            founders: Pseudonyms of the raters it begins with, in the order of the study file.
            before: The digest as an earlier version made it, for a study that was begun with that.

        Raises:
            DriftError: The study was begun with another design or on other texts.
        """
        with self._writer() as connection:
            begun = connection.execute(sa.select(STUDIES).where(STUDIES.c.study == study)).first()
            known = connection.scalar(sa.select(FOUNDERS.c.design).where(FOUNDERS.c.study == study))
            if begun is None:
                row = {"study": study, "design": design, "begun_at": now()}
                connection.execute(STUDIES.insert(), row)
            fits = begun is None or (known or begun.design) in (
                {design} if known else {design, before}
            )
            if fits and founders and not known:
                first = {"study": study, "design": design, "raters": json.dumps([*founders])}
                connection.execute(FOUNDERS.insert(), first)
        if begun is not None and not fits:
            raise DriftError(
                f"study {study!r} was begun at {begun.begun_at[:16]} on other texts or with another design",
                "give the changed study a new name, or restore the files it was begun with",
            )

    def founders(self, study: str) -> tuple[str, ...]:
        """Returns the pseudonyms of the raters an invited study began with; empty before it began."""
        with self._reader() as connection:
            raters = connection.scalar(
                sa.select(FOUNDERS.c.raters).where(FOUNDERS.c.study == study)
            )
        return tuple(json.loads(raters)) if raters else ()

    def keep_assignment(
        self, study: str, protocol: str, language: str, rater: str, tasks: Sequence[AssignedTask]
    ) -> None:
        """Keeps what is assigned to a rater who came later."""
        key = {"study": study, "protocol": protocol, "language": language, "rater": rater}
        rows = [
            key | {"place": place, "query_id": q, "shown": json.dumps(shown), "repeat": repeat}
            for place, (q, shown, repeat) in enumerate(tasks)
        ]
        with self._writer() as connection:
            connection.execute(HANDS.insert(), rows)

    def assignment(
        self, study: str, protocol: str, language: str, rater: str
    ) -> list[AssignedTask]:
        """Returns what was assigned to a rater who came later, in its order; empty if nothing was."""
        key = {"study": study, "protocol": protocol, "language": language, "rater": rater}
        query = sa.select(HANDS).where(*(HANDS.c[name] == value for name, value in key.items()))
        with self._reader() as connection:
            rows = connection.execute(query.order_by(HANDS.c.place))
            return [(row.query_id, tuple(json.loads(row.shown)), row.repeat) for row in rows]

    def add(self, ballot: Ballot) -> None:
        """Stores a vote; when this returns it is on disk.

        Raises:
            InputError: The verdict does not fit what was shown.
            DuplicateError: The rater already voted on this item.
            StoreError: The database failed; the vote is not stored.
        """
        (error,) = self.add_all([ballot])
        if error:
            raise error

    def add_all(self, ballots: Sequence[Ballot]) -> list[Exception | None]:
        """Stores votes in one transaction; one that cannot be stored takes no other along.

        Returns:
            For each vote what ``add`` would raise, or None: it is on disk.
        """
        try:
            rows = [ballot_row(check(ballot)) for ballot in ballots]
            with self._writer() as connection:
                new = set(connection.scalars(self._insert_new, rows))
        except Exception as error:
            if len(ballots) == 1:
                return [error]
            return [self.add_all([ballot])[0] for ballot in ballots]
        return [None if ballot.id in new else _taken() for ballot in ballots]

    def withdraw(self, rater: str, ballot_id: str) -> Tombstone:
        """Empties a rater's own ballot and adds a tombstone; a second time changes nothing.

        Raises:
            InputError: The rater has no such ballot.
        """
        of_this_rater = sa.select(BALLOTS.c.id).where(
            BALLOTS.c.id == ballot_id, BALLOTS.c.rater == rater
        )
        tombstone = Tombstone(ballot_id, now())
        with self._writer() as connection:
            if connection.execute(of_this_rater).first() is None:
                raise InputError("you have no such vote", "open your history again")
            earlier = connection.execute(
                sa.select(TOMBSTONES).where(TOMBSTONES.c.ballot == ballot_id)
            ).first()
            if earlier is None:
                connection.execute(TOMBSTONES.insert(), to_row(tombstone))
                connection.execute(_EMPTY_WITHDRAWN)
        self._empty_log()
        return tombstone if earlier is None else Tombstone(earlier.ballot, earlier.time)

    def reveal(self, study: str, rater: str, texts: Collection[tuple[str, str]]) -> None:
        """Notes that a rater is told who wrote these texts, as (query, variant)."""
        row = {"study": study, "rater": rater, "told_at": now()}
        with self._writer() as connection:
            connection.execute(
                self._insert_told, [row | {"query_id": q, "variant": v} for q, v in texts]
            )

    def revealed(self, study: str, rater: str) -> set[tuple[str, str]]:
        """Returns the texts whose authors a rater knows, as (query, variant)."""
        query = sa.select(REVEALS.c.query_id, REVEALS.c.variant).where(
            REVEALS.c.study == study, REVEALS.c.rater == rater
        )
        with self._reader() as connection:
            return {(query_id, variant) for query_id, variant in connection.execute(query)}

    def take_seat(
        self,
        study: str,
        protocol: str,
        language: str,
        rater: str,
        ordinal: int | None = None,
        known_by: str | None = None,
    ) -> int:
        """Gives a rater a seat, by default the next free number, counted from 0.

        Args:
            study: Whose seat.
            protocol: Of what.
            language: Of the texts.
            rater: Who takes it.
            ordinal: The seat that is wanted, if nobody was quicker.
            known_by: ``account`` or ``cookie``: what the arena knows the rater by.
        """
        place = {"study": study, "protocol": protocol, "language": language}
        for _ in range(20):
            taken = self._next_seat(place, rater, ordinal, known_by)
            if taken is not None:
                return taken
            ordinal = None
        raise StoreError("no free seat after 20 tries", "try again in a moment")

    def _next_seat(
        self, place: Mapping[str, str], rater: str, wanted: int | None, known_by: str | None
    ) -> int | None:
        """Takes the seat that is wanted, or the one after the last; None if another process was quicker."""
        here = [SEATS.c[name] == value for name, value in place.items()]
        try:
            with self._writer() as connection:
                taken = connection.scalar(sa.select(sa.func.max(SEATS.c.ordinal)).where(*here))
                ordinal = (0 if taken is None else taken + 1) if wanted is None else wanted
                row = {**place, "ordinal": ordinal, "rater": rater, "claimed_at": now()}
                connection.execute(SEATS.insert(), row | {"known_by": known_by})
        except IntegrityError:
            return None
        return ordinal

    def seats(self, study: str, protocol: str, language: str) -> dict[int, str]:
        """Returns when each seat was taken, by its number."""
        key = {"study": study, "protocol": protocol, "language": language}
        query = sa.select(SEATS.c.ordinal, SEATS.c.claimed_at)
        with self._reader() as connection:
            rows = connection.execute(
                query.where(*(SEATS.c[name] == value for name, value in key.items()))
            )
            return {row.ordinal: row.claimed_at for row in rows}

    def known_by(self, study: str) -> dict[str, str | None]:
        """Returns by what each rater who took a seat is known; None for seats of earlier versions."""
        query = sa.select(SEATS.c.rater, SEATS.c.known_by).where(SEATS.c.study == study)
        with self._reader() as connection:
            return {row.rater: row.known_by for row in connection.execute(query)}

    def seats_of(self, study: str, protocol: str, language: str, rater: str) -> list[int]:
        """Returns the seat numbers a rater holds, in the order they were taken."""
        query = sa.select(SEATS.c.ordinal).where(
            SEATS.c.study == study,
            SEATS.c.protocol == protocol,
            SEATS.c.language == language,
            SEATS.c.rater == rater,
        )
        with self._reader() as connection:
            return list(connection.scalars(query.order_by(SEATS.c.ordinal)))

    def ballots(self, study: str, rater: str | None = None) -> list[Ballot]:
        """Returns a study's ballots, withdrawn ones included, oldest first."""
        query = sa.select(BALLOTS).where(BALLOTS.c.study == study)
        if rater is not None:
            query = query.where(BALLOTS.c.rater == rater)
        query = query.order_by(BALLOTS.c.created_at, BALLOTS.c.id)
        with self._reader() as connection:
            return [as_ballot(dict(row._mapping)) for row in connection.execute(query)]

    def voted(self, study: str, rater: str, protocol: str) -> set[tuple[str, int]]:
        """Returns (item, repeat) of everything a rater voted on; read off the unique key alone."""
        query = sa.select(BALLOTS.c.item, BALLOTS.c.repeat).where(
            BALLOTS.c.study == study, BALLOTS.c.rater == rater, BALLOTS.c.protocol == protocol
        )
        with self._reader() as connection:
            return {(item, repeat) for item, repeat in connection.execute(query)}

    def answered(self, study: str, protocol: str) -> set[tuple[str, str]]:
        """Returns (item, rater) of every first showing whose vote stands."""
        query = sa.select(BALLOTS.c.item, BALLOTS.c.rater).where(
            BALLOTS.c.study == study,
            BALLOTS.c.protocol == protocol,
            BALLOTS.c.repeat == 0,
            BALLOTS.c.id.not_in(sa.select(TOMBSTONES.c.ballot)),
        )
        with self._reader() as connection:
            return {(item, rater) for item, rater in connection.execute(query)}

    def tombstones(self) -> list[Tombstone]:
        """Returns all withdrawals, oldest first."""
        query = sa.select(TOMBSTONES).order_by(TOMBSTONES.c.time, TOMBSTONES.c.ballot)
        with self._reader() as connection:
            return [Tombstone(row.ballot, row.time) for row in connection.execute(query)]

    def count(self, study: str, protocol: str) -> int:
        """Returns how many ballots of a protocol stand, withdrawn ones taken out."""
        standing = sa.select(sa.func.count()).where(
            BALLOTS.c.study == study,
            BALLOTS.c.protocol == protocol,
            BALLOTS.c.id.not_in(sa.select(TOMBSTONES.c.ballot)),
        )
        with self._reader() as connection:
            return int(connection.scalar(standing) or 0)

    def _restored(self, connection: sa.Connection) -> None:
        connection.execute(_EMPTY_WITHDRAWN)


def _taken() -> DuplicateError:
    return DuplicateError("this item already has your vote", "go on to the next one")


def standing(ballots: Sequence[Ballot], tombstones: Sequence[Tombstone]) -> list[Ballot]:
    """Returns the ballots that were not withdrawn."""
    gone = {t.ballot for t in tombstones}
    return [b for b in ballots if b.id not in gone]


def ballot_row(ballot: Ballot) -> dict[str, object]:
    """Returns a ballot as a row of the table."""
    row = to_row(ballot)
    listed = {name: row[name] for name in _JSON_COLUMNS if row[name] is not None}
    return row | {name: json.dumps(value, ensure_ascii=False) for name, value in listed.items()}


def as_ballot(row: dict[str, object]) -> Ballot:
    """Returns the ballot of a row of the table."""
    listed = {name: json.loads(str(row[name])) for name in _JSON_COLUMNS if row[name] is not None}
    sample = row.get("sample") or 0
    return from_row(Ballot, row | listed | {"sample": sample}, f"ballot {row['id']}")
