"""A database that lasts: SQLAlchemy over SQLite in WAL mode, or over PostgreSQL.

What is written is on disk before it is acknowledged (``synchronous=FULL``). Which tables there are says
whoever keeps something here: the arena its ballots, the workbench its entries.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import itertools
import os
import re
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError

from coig_writer.errors import ConfigError, InputError, KitError

MIN_FREE_BYTES = 20_000_000  # some ten thousand records and the log of the database
LEASE_S = 1.0  # between two looks for a lease
RENEW_S = 0.25  # between two looks of who holds it: after a restart of the database they come first
BUSY_MS = 10_000  # for which SQLite waits for another process


class DuplicateError(KitError):
    """The store already holds this rater's vote on this item."""


class StoreError(KitError):
    """The database refused or could not be reached; nothing was acknowledged."""


class Database:
    """Tables that are only ever added to, one server at a time, and rows that a backup can carry.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql+psycopg://…``. A bare path is refused, so that a
            URL is never taken for a file name nor the reverse.
        metadata: The tables.
    """

    def __init__(self, url: str, metadata: sa.MetaData) -> None:
        self.url, self.metadata = url, metadata
        self._file = _file_of(url)
        self.engine = _engine(url, self._file)
        # Why this server may not write, once another serves its study.
        self._lost: str | None = None
        # SQLite has one writer. Waiting here is fair and short; inside SQLite it would be a sleep.
        self._writing: threading.Lock | contextlib.nullcontext[None] = (
            threading.Lock() if self.engine.dialect.name == "sqlite" else contextlib.nullcontext()
        )
        with self._clear_errors():
            _check_options(self.engine)
            _refuse_others_tables(self.engine, metadata)
            metadata.create_all(self.engine)
            _add_new_columns(self.engine, metadata)

    @property
    def place(self) -> str:
        """Where this is, for who runs it: the file, or the server and the name there."""
        url = self.engine.url  # nothing else of it is said: its options may hold the password too
        return str(self._file or f"database {url.database} on {url.host or 'this machine'}")

    def key(self, table: str, row: Mapping[str, object]) -> tuple[object, ...]:
        """Returns the primary key of a row."""
        return tuple(row[column.name] for column in self.metadata.tables[table].primary_key)

    def keys(self, table: str) -> set[tuple[object, ...]]:
        """Returns the primary keys of a table."""
        with self._reader() as connection:
            selected = sa.select(*self.metadata.tables[table].primary_key)
            return {tuple(row) for row in connection.execute(selected)}

    def rows_but(
        self, known: Mapping[str, set[tuple[object, ...]]]
    ) -> list[tuple[str, dict[str, object]]]:
        """Returns (table, row) of every row whose key is not in ``known``."""
        missing: list[tuple[str, dict[str, object]]] = []
        with self._reader() as connection:
            for table in self.metadata.sorted_tables:
                known_keys = known.get(table.name, set())
                if connection.scalar(sa.select(sa.func.count()).select_from(table)) == len(
                    known_keys
                ):
                    continue
                rows = (dict(row._mapping) for row in connection.execute(sa.select(table)))
                missing += [
                    (table.name, r) for r in rows if self.key(table.name, r) not in known_keys
                ]
        return missing

    def restore(self, table: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Adds rows that are not there yet; returns how many were new.

        Where two rows claim one unique key (two machines took the same vote), the earlier one counts.
        """
        target = self.metadata.tables[table]
        unique = _unique(target)
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
            if new:
                connection.execute(target.insert(), new)
                self._restored(connection)
        return len(new)

    def _restored(self, connection: sa.Connection) -> None:
        """Mends what a backup may hold as it was before something was taken back."""

    def trouble(self) -> str | None:
        """Says what would keep the next record from being stored: a lost store or a full disk; None if nothing."""
        if self._lost:
            return self._lost
        try:
            with self._reader() as connection:
                connection.execute(sa.select(self.metadata.sorted_tables[0]).limit(1))
        except StoreError:
            return "the store cannot be reached"
        if self._file and shutil.disk_usage(self._file.parent).free < MIN_FREE_BYTES:
            return "the disk is full"
        return None

    @contextlib.contextmanager
    def lease(self, study: str) -> Iterator[None]:
        """Lets one server at a time serve a study; another waits here, says so, and goes on when it ends.

        Two would hand out and remember seats each by itself. The lease ends with its process, however
        that ends: it is a lock of the database session, or on a file beside the SQLite store. A session
        that the database ended is opened anew; if another server has the lease by then, this one writes
        nothing more.
        """
        with contextlib.ExitStack() as held:
            taken = self._lock_of_file(held) if self._file else self._lock_of_session(held, study)
            for tries in itertools.count():
                with contextlib.suppress(StoreError):  # the database is started again meanwhile
                    if taken():
                        break
                if tries == 0:
                    sys.stderr.write(f"another server serves {study!r}; waiting for its end\n")
                time.sleep(LEASE_S)
            self._look_after(held, taken, study)
            yield

    def _look_after(
        self, held: contextlib.ExitStack, taken: Callable[[], bool], study: str
    ) -> None:
        """Takes a lease again that got lost, as with its session; notes if another server was quicker."""
        ended = threading.Event()

        def look() -> None:
            while not (ended.wait(RENEW_S) or self._lost):
                with contextlib.suppress(StoreError, sa.exc.DBAPIError):  # not back yet
                    if not taken():
                        self._lost = "another server serves this study"
                        sys.stderr.write(f"another server serves {study!r} now; stop this one\n")

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        held.callback(looking.join, LEASE_S)
        held.callback(ended.set)

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
        connection = held.enter_context(self.engine.connect())
        held.callback(connection.invalidate)  # back in the pool the session would keep the lock

        def taken() -> bool:
            # Of a lost connection the next `begin` makes a new one.
            with self._clear_errors(), connection.begin():
                return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))

        return taken

    def _empty_log(self) -> None:
        """Takes what was erased out of SQLite's log too, which else keeps it until the server stops.

        Votes wait meanwhile. Beside a long reader it gives up, and the log is emptied the next time.
        """
        if self._file:
            with self._writing, self._reader() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout=200")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _writer(self) -> Iterator[sa.Connection]:
        if self._lost:
            raise StoreError(self._lost, "stop this server")
        with self._clear_errors(), self._writing, self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sa.Connection]:
        with self._clear_errors(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            # The latter: a damaged file, or none of SQLite's.
            if type(error) not in (OperationalError, DatabaseError):
                raise
            said = _without_options(str(error.orig), self.engine.url)
            raise StoreError(
                f"the store cannot be written or read ({said[:120]})",
                "check the disk and the database server, then try again",
            ) from error


def now() -> str:
    """Returns the time in UTC, to the millisecond, sortable as text."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def sqlite_url(path: Path) -> str:
    """Returns the URL of a SQLite file; makes its folder, for its owner alone."""
    if not path.parent.exists() or path.exists():  # a folder of the arena's own
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # another user's, who let us in
            path.parent.chmod(0o700)
    named = str(path).replace("%", "%25").replace("?", "%3F")  # else an escape, and options
    return f"sqlite:///{named}"


def _file_of(url: str) -> Path | None:
    """Returns the file that a SQLite URL names; None of a database server."""
    if not url.startswith("sqlite:///"):
        return None
    named, options, _ = url.removeprefix("sqlite:///").partition("?")
    if options or named in ("", ":memory:"):
        raise ConfigError(
            "a SQLite database URL names a file, and takes no options", "use sqlite:///FILE alone"
        )
    return Path(unquote(named))


def _engine(url: str, file: Path | None) -> sa.Engine:
    if not (file or url.startswith("postgresql")):
        raise ConfigError(
            "unsupported database URL",
            "use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
        )
    unreadable = ConfigError(
        "the database URL cannot be read", "write : @ / in a password as %3A %40 %2F"
    )
    if not file and url.partition("?")[0].count("@") > 1:
        raise unreadable  # the driver would take a part of the password for the host, and name it
    try:
        if file:
            _owned(file)
            of_file = sa.URL.create("sqlite", database=str(file))
            engine = sa.create_engine(of_file, pool_size=8, max_overflow=24)
            sa.event.listen(engine, "connect", _set_pragmas)
            return engine
        return sa.create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the database driver {error.name!r} is not installed", f"pip install {error.name}"
        ) from error
    except (sa.exc.ArgumentError, ValueError):  # what they say may hold the password
        raise unreadable from None


def _check_options(engine: sa.Engine) -> None:
    """Connects once, to tell options that the driver does not take from a database that is not there."""
    try:
        engine.connect().close()
    except (sa.exc.StatementError, TypeError, ValueError) as error:
        if not engine.url.query or type(error) in (OperationalError, DatabaseError):
            raise
        raise ConfigError(  # without what the driver says, which repeats the option
            "the database URL has an option that its driver does not know, or cannot take the value of",
            "compare what follows the ? with PostgreSQL's connection parameters, as connect_timeout=10",
        ) from None


def _without_options(said: str, url: sa.URL) -> str:
    """Blanks what a database quotes of the URL's options: they may hold a password."""
    query = url.normalized_query
    options = " ".join(itertools.chain(query.keys(), *query.values()))
    return re.sub('"([^"]+)"', lambda quoted: '"…"' if quoted[1] in options else quoted[0], said)


def checked_row(
    metadata: sa.MetaData, table: object, row: object, place: str
) -> tuple[str, dict[str, object]]:
    """Returns table and row unchanged if the store can take the row.

    Raises:
        InputError: The store has no such table, or the row does not fit it.
    """
    columns = metadata.tables[table].c if isinstance(table, str) and table in metadata else None
    if (
        columns is None
        or not isinstance(row, dict)
        or not row.keys() <= set(columns.keys())
        or any(isinstance(value, dict | list) for value in row.values())
        or any(row.get(column.name) is None for column in columns if not column.nullable)
    ):
        raise InputError(f"{place}: not a row of the ballot store", "move the file away")
    return str(table), row


def _refuse_others_tables(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Leaves a database alone in which another program keeps tables of these names."""
    looked = sa.inspect(engine)
    for name in metadata.tables.keys() & set(looked.get_table_names()):
        there = {column["name"] for column in looked.get_columns(name)}
        missing = {column.name for column in metadata.tables[name].c if not column.nullable} - there
        if missing:
            raise ConfigError(
                f"the table {name} in this database belongs to another program: column {min(missing)} is missing",
                "name another folder, or another database in ARENA_STORE",
            )


def _add_new_columns(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Brings a store of an earlier version up to date: columns are only ever added."""
    for table in metadata.sorted_tables:
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
            f"the store {path} cannot be written or read ({error.strerror})",
            "check the folder",
        ) from error


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _unique(table: sa.Table) -> tuple[str, ...]:
    """Returns the columns of the one unique key beside the primary key; empty if there is none."""
    keys = [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    return tuple(column.name for column in keys[0].columns) if keys else ()
