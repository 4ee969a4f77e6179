"""Ballots that last: SQLAlchemy over SQLite in WAL mode, or over PostgreSQL.

A vote is on disk before it is acknowledged (``synchronous=FULL``). Rows are only ever added; a
withdrawal empties its ballot, which stays as a husk so that the item is not asked again. The unique key (study, rater, item, protocol, repeat) makes a double submission and a
replay fail here, whatever the page or the network did.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from coig_writer.ballot import Ballot, Tombstone, check
from coig_writer.errors import ConfigError, DriftError, InputError, KitError
from coig_writer.record import from_row, to_row

_METADATA = sa.MetaData()
_JSON_COLUMNS = ("shown", "tags", "depths")
MIN_FREE_BYTES = 20_000_000  # some ten thousand ballots and the log of the database
LEASE_S = 1.0  # between two looks for a lease
_UNIQUE = ("study", "rater", "item", "protocol", "repeat")

BALLOTS = sa.Table(
    "ballots",
    _METADATA,
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
    sa.UniqueConstraint(*_UNIQUE),
)
TOMBSTONES = sa.Table(
    "tombstones",
    _METADATA,
    sa.Column("ballot", sa.String(32), primary_key=True),
    sa.Column("time", sa.String(40), nullable=False),
)
SEATS = sa.Table(
    "seats",
    _METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("protocol", sa.String(16), primary_key=True),
    sa.Column("language", sa.String(8), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rater", sa.String(64), nullable=False, index=True),
    sa.Column("claimed_at", sa.String(40), nullable=False),
)
REVEALS = sa.Table(  # texts whose authors a rater was told
    "reveals",
    _METADATA,
    sa.Column("study", sa.String(200), primary_key=True),
    sa.Column("rater", sa.String(64), primary_key=True),
    sa.Column("query_id", sa.String(200), primary_key=True),
    sa.Column("variant", sa.String(200), primary_key=True),
    sa.Column("told_at", sa.String(40), nullable=False),
)
STUDIES = sa.Table(
    "studies",
    _METADATA,
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


class DuplicateError(KitError):
    """The store already holds this rater's vote on this item."""


class StoreError(KitError):
    """The database refused or could not be reached; nothing was acknowledged."""


class Store:
    """Append-only ballots, tombstones, and the seats that raters took.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql+psycopg://…``. A bare path is refused, so that a
            URL is never taken for a file name nor the reverse.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None
        # SQLite has one writer. Waiting here is fair and short; inside SQLite it would be a sleep.
        self._writing: threading.Lock | contextlib.nullcontext[None] = (
            threading.Lock() if self.engine.dialect.name == "sqlite" else contextlib.nullcontext()
        )
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        self._insert_new = dialect.insert(BALLOTS).on_conflict_do_nothing().returning(BALLOTS.c.id)
        self._insert_told = dialect.insert(REVEALS).on_conflict_do_nothing()
        with _clear_errors():
            _refuse_others_tables(self.engine)
            _METADATA.create_all(self.engine)
            _add_new_columns(self.engine)

    def begin(self, study: str, design: str) -> None:
        """Notes the design of a study at its first start and holds it to it afterwards.

        Raises:
            DriftError: The study was begun with another design or on other texts.
        """
        with self._writer() as connection:
            begun = connection.execute(sa.select(STUDIES).where(STUDIES.c.study == study)).first()
            if begun is None:
                row = {"study": study, "design": design, "begun_at": now()}
                connection.execute(STUDIES.insert(), row)
        if begun is not None and begun.design != design:
            raise DriftError(
                f"study {study!r} was begun at {begun.begun_at[:16]} on other texts or with another design",
                "give the changed study a new name, or restore the files it was begun with",
            )

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
        own = sa.select(BALLOTS.c.id).where(BALLOTS.c.id == ballot_id, BALLOTS.c.rater == rater)
        tombstone = Tombstone(ballot_id, now())
        with self._writer() as connection:
            if connection.execute(own).first() is None:
                raise InputError("you have no such vote", "open your history again")
            there = connection.execute(
                sa.select(TOMBSTONES).where(TOMBSTONES.c.ballot == ballot_id)
            ).first()
            if there is None:
                connection.execute(TOMBSTONES.insert(), to_row(tombstone))
                connection.execute(_EMPTY_WITHDRAWN)
        return tombstone if there is None else Tombstone(there.ballot, there.time)

    def reveal(self, study: str, rater: str, texts: Collection[tuple[str, str]]) -> None:
        """Notes that a rater is told who wrote these texts, as (query, variant)."""
        told = {"study": study, "rater": rater, "told_at": now()}
        with self._writer() as connection:
            connection.execute(
                self._insert_told, [told | {"query_id": q, "variant": v} for q, v in texts]
            )

    def revealed(self, study: str, rater: str) -> set[tuple[str, str]]:
        """Returns the texts whose authors a rater knows, as (query, variant)."""
        query = sa.select(REVEALS.c.query_id, REVEALS.c.variant).where(
            REVEALS.c.study == study, REVEALS.c.rater == rater
        )
        with self._reader() as connection:
            return {(query_id, variant) for query_id, variant in connection.execute(query)}

    def take_seat(self, study: str, protocol: str, language: str, rater: str) -> int:
        """Gives a rater the next free seat number, counted from 0."""
        place = {"study": study, "protocol": protocol, "language": language}
        for _ in range(20):
            ordinal = self._next_seat(place, rater)
            if ordinal is not None:
                return ordinal
        raise StoreError("no free seat after 20 tries", "try again in a moment")

    def _next_seat(self, place: Mapping[str, str], rater: str) -> int | None:
        """Takes the seat after the last one; None if another process was quicker."""
        here = [SEATS.c[name] == value for name, value in place.items()]
        try:
            with self._writer() as connection:
                taken = connection.scalar(sa.select(sa.func.max(SEATS.c.ordinal)).where(*here))
                ordinal: int = 0 if taken is None else taken + 1
                row = {**place, "ordinal": ordinal, "rater": rater, "claimed_at": now()}
                connection.execute(SEATS.insert(), row)
        except IntegrityError:
            return None
        return ordinal

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

    def key(self, table: str, row: Mapping[str, object]) -> tuple[object, ...]:
        """Returns the primary key of a row."""
        return tuple(row[column.name] for column in _METADATA.tables[table].primary_key)

    def keys(self, table: str) -> set[tuple[object, ...]]:
        """Returns the primary keys of a table."""
        with self._reader() as connection:
            selected = sa.select(*_METADATA.tables[table].primary_key)
            return {tuple(row) for row in connection.execute(selected)}

    def rows_but(
        self, known: Mapping[str, set[tuple[object, ...]]]
    ) -> list[tuple[str, dict[str, object]]]:
        """Returns (table, row) of every row whose key is not in ``known``."""
        found: list[tuple[str, dict[str, object]]] = []
        with self._reader() as connection:
            for table in _METADATA.sorted_tables:
                there = known.get(table.name, set())
                if connection.scalar(sa.select(sa.func.count()).select_from(table)) == len(there):
                    continue
                rows = (dict(row._mapping) for row in connection.execute(sa.select(table)))
                found += [(table.name, r) for r in rows if self.key(table.name, r) not in there]
        return found

    def restore(self, table: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Adds rows that are not there yet; returns how many were new.

        Where two ballots claim one unique key (two machines took the same vote), the earlier one
        counts.
        """
        target = _METADATA.tables[table]
        unique = _UNIQUE if table == BALLOTS.name else ()
        ordered = sorted(rows, key=lambda row: str(row.get("created_at")))
        with self._writer() as connection:
            present = [dict(r._mapping) for r in connection.execute(sa.select(target))]
            keys = {self.key(table, row) for row in present}
            claims = {tuple(row[name] for name in unique) for row in present}
            new = []
            for row in ordered:
                claim = tuple(row[name] for name in unique)
                if self.key(table, row) in keys or (unique and claim in claims):
                    continue
                keys.add(self.key(table, row))
                claims.add(claim)
                new.append(dict.fromkeys(target.c.keys()) | dict(row))
            if new:  # the backup may hold a ballot as it was before it was withdrawn
                connection.execute(target.insert(), new)
                connection.execute(_EMPTY_WITHDRAWN)
        return len(new)

    def trouble(self) -> str | None:
        """Says what would keep the next vote from being stored: a lost store or a full disk; None if nothing."""
        try:
            with self._reader() as connection:
                connection.execute(sa.select(STUDIES.c.study).limit(1))
        except StoreError:
            return "the store cannot be reached"
        if self._file and shutil.disk_usage(self._file.parent).free < MIN_FREE_BYTES:
            return "the disk is full"
        return None

    @contextlib.contextmanager
    def lease(self, study: str) -> Iterator[None]:
        """Lets one server at a time serve a study; another waits here, says so, and goes on when it ends.

        Two would hand out and remember seats each by itself. The lease ends with its process, however
        that ends: it is a lock of the database session, or on a file beside the SQLite store.
        """
        with contextlib.ExitStack() as held:
            taken = self._lock_of_file(held) if self._file else self._lock_of_session(held, study)
            for tries in itertools.count():
                if taken():
                    break
                if tries == 0:
                    sys.stderr.write(
                        f"arena: another server serves {study!r}; waiting for its end\n"
                    )
                time.sleep(LEASE_S)
            yield

    def _lock_of_file(self, held: contextlib.ExitStack) -> Callable[[], bool]:
        assert self._file is not None
        path = self._file.with_name(f"{self._file.name}.lease")
        handle = held.enter_context(os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)))

        def taken() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        return taken

    def _lock_of_session(self, held: contextlib.ExitStack, study: str) -> Callable[[], bool]:
        key = int.from_bytes(hashlib.sha256(study.encode()).digest()[:8], signed=True)
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        connection = held.enter_context(alone.connect())
        held.callback(connection.invalidate)  # back in the pool the session would keep the lock
        return lambda: bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _writer(self) -> Iterator[sa.Connection]:
        with _clear_errors(), self._writing, self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sa.Connection]:
        with _clear_errors(), self.engine.connect() as connection:
            yield connection


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
    return from_row(Ballot, row | listed, f"ballot {row['id']}")


def now() -> str:
    """Returns the time in UTC, to the millisecond, sortable as text."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def sqlite_url(path: Path) -> str:
    """Returns the URL of a SQLite file; makes its folder, for its owner alone."""
    if not path.parent.exists() or path.exists():  # a folder of the arena's own
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # another user's, who let us in
            path.parent.chmod(0o700)
    return f"sqlite:///{path}"


def _engine(url: str) -> sa.Engine:
    if not url.startswith(("sqlite:///", "postgresql")):
        scheme = url.split("://", maxsplit=1)[0] if "://" in url else "no scheme"
        raise ConfigError(
            f"not a database URL the arena knows ({scheme})",
            "use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
        )
    try:
        if url.startswith("sqlite"):
            _owned(Path(url.removeprefix("sqlite:///")))
            engine = sa.create_engine(url, pool_size=8, max_overflow=24)
            sa.event.listen(engine, "connect", _set_pragmas)
            return engine
        return sa.create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the database driver {error.name!r} is not installed", f"pip install {error.name}"
        ) from error
    except (sa.exc.ArgumentError, ValueError):  # what they say may hold the password
        raise ConfigError(
            "the database URL cannot be read", "write : @ / in a password as %3A %40 %2F"
        ) from None


def checked_row(table: object, row: object, where: str) -> tuple[str, dict[str, object]]:
    """Returns table and row unchanged if the store can take the row.

    Raises:
        InputError: The store has no such table, or the row is none of its rows.
    """
    columns = _METADATA.tables[table].c if isinstance(table, str) and table in _METADATA else None
    if (
        columns is None
        or not isinstance(row, dict)
        or not row.keys() <= set(columns.keys())
        or any(isinstance(value, dict | list) for value in row.values())
        or any(row.get(column.name) is None for column in columns if not column.nullable)
    ):
        raise InputError(f"{where}: no row of a ballot store", "move the file away")
    return str(table), row


def _refuse_others_tables(engine: sa.Engine) -> None:
    """Leaves a database alone in which another program keeps tables of these names."""
    looked = sa.inspect(engine)
    for name in _METADATA.tables.keys() & set(looked.get_table_names()):
        there = {column["name"] for column in looked.get_columns(name)}
        missing = {
            column.name for column in _METADATA.tables[name].c if not column.nullable
        } - there
        if missing:
            raise ConfigError(
                f"the table {name} in the ballot store is another program's: it has no column {min(missing)}",
                "name another --folder, or another database in ARENA_STORE",
            )


def _add_new_columns(engine: sa.Engine) -> None:
    """Brings a store of an earlier version up to date: columns are only ever added."""
    for table in _METADATA.sorted_tables:
        there = {column["name"] for column in sa.inspect(engine).get_columns(table.name)}
        for column in table.c:
            if column.name not in there:
                kind = column.type.compile(engine.dialect)
                with engine.begin() as connection:
                    connection.exec_driver_sql(
                        f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"
                    )


def _owned(path: Path) -> None:
    """Makes the file readable by its owner alone; SQLite gives its log the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        for file in (path, *path.parent.glob(f"{path.name}-*")):
            with contextlib.suppress(FileNotFoundError):
                file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"the ballot store {path} cannot be written or read ({error.strerror})",
            "check the folder",
        ) from error


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if type(error) not in (
            OperationalError,
            DatabaseError,
        ):  # the latter: a damaged file, or none of SQLite's
            raise
        raise StoreError(
            f"the ballot store cannot be written or read ({str(error.orig)[:120]})",
            "check the disk and the database server, then try again",
        ) from error
