from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import sqlite3
import sys
import threading
import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.arena.server.database import (
    MIN_FREE_BYTES,
    DuplicateError,
    StoreError,
    now,
    sqlite_url,
)
from coig_writer.arena.server.store import Store, as_ballot, ballot_row, standing
from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, DriftError, InputError, KitError


def ballot(number=0, **changes):
    base = Ballot(
        id=f"id{number}",
        study="s",
        protocol="pairwise",
        item=f"q{number}",
        query_id=f"q{number}",
        rater="r",
        repeat=0,
        shown=("a", "b"),
        verdict='"left"',
        created_at=now(),
    )
    return dataclasses.replace(base, **changes)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        made = Store(sqlite_url(tmp_path / "ballots.sqlite"))
    else:
        url = os.environ.get("ARENA_TEST_POSTGRESQL")
        if not url:
            pytest.skip("set ARENA_TEST_POSTGRESQL to the URL of an empty database")
        made = Store(url)
        with made.engine.begin() as connection:
            for table in reversed(made.metadata.sorted_tables):  # a run before this one left rows
                connection.execute(table.delete())
            _until(lambda: connection.scalar(sa.text(HOLDERS)) == 0)  # a lease that has just ended
    yield made
    made.close()


def test_what_was_added_is_read_back(store):
    full = ballot(tags=("x",), comment="好", dwell_s=1.5, scroll=0.5, velocity=2.0, consent=True)
    store.add(full)
    assert store.ballots("s") == [full]
    assert store.ballots("s", "nobody") == []
    assert store.ballots("another") == []


@pytest.mark.parametrize("same", [{"id": "other"}, {"item": "other", "query_id": "other"}])
def test_the_unique_key_and_the_id_refuse_a_second(store, same):
    store.add(ballot())
    with pytest.raises(DuplicateError):
        store.add(ballot(**same))
    assert len(store.ballots("s")) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"rater": "x"},
        {"repeat": 1},
        {"study": "t"},
        {"protocol": "ranking", "verdict": '["a", "b"]'},
    ],
)
def test_another_rater_repeat_study_or_protocol_is_another_vote(store, other):
    store.add(ballot())
    store.add(ballot(id="second", **other))


def test_a_verdict_that_does_not_fit_never_reaches_the_database(store):
    with pytest.raises(InputError):
        store.add(ballot(verdict='"best"'))
    assert store.ballots("s") == []


def test_a_withdrawn_comment_is_in_no_file_of_a_running_server(tmp_path):
    store = Store(sqlite_url(tmp_path / "arena" / "ballots.sqlite"))
    store.add(ballot(comment="a plain opinion"))

    def holding():
        files = (tmp_path / "arena").iterdir()
        return [file.name for file in files if b"a plain opinion" in file.read_bytes()]

    assert holding() == ["ballots.sqlite-wal"]
    store.withdraw("r", "id0")
    assert holding() == []


def test_withdrawing_adds_a_tombstone_once_and_leaves_a_husk(store):
    full = {"tags": ("cliched@a",), "comment": "private", "dwell_s": 3.0, "depths": (1.0, 0.5)}
    store.add(ballot(**full, reported=True))
    first = store.withdraw("r", "id0")
    assert store.withdraw("r", "id0") == first
    assert store.tombstones() == [first]
    (husk,) = store.ballots("s")
    assert husk == ballot(verdict='"skip"', created_at=husk.created_at)
    assert store.voted("s", "r", "pairwise") == {("q0", 0)}  # it is not asked again
    with pytest.raises(DuplicateError):
        store.add(ballot(7, item="q0"))
    assert store.restore("ballots", [ballot_row(ballot(9, **full))]) == 1
    assert [b.comment for b in store.ballots("s")] == [None, "private"]
    assert store.restore("tombstones", [{"ballot": "id9", "time": now()}]) == 1
    assert [b.comment for b in store.ballots("s")] == [None, None]
    assert standing(store.ballots("s"), store.tombstones()) == []
    assert store.count("s", "pairwise") == 0


def test_seats_are_given_in_turn_even_to_many_at_once(store):
    taken, errors = [], []

    def take(number):
        try:
            taken.append(store.take_seat("s", "pairwise", "zh", f"r{number}"))
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(taken) == list(range(12))


def test_one_of_many_simultaneous_equal_votes_wins(store):
    outcomes = []

    def cast(number):
        try:
            store.add(ballot(id=f"twin{number}"))
            outcomes.append("stored")
        except DuplicateError:
            outcomes.append("refused")

    threads = [threading.Thread(target=cast, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["stored"]


def test_votes_together_share_a_commit_and_a_bad_one_fails_alone(store):
    commits = []
    sa.event.listen(store.engine, "commit", lambda _: commits.append(1))
    store.add(ballot(1))
    commits.clear()
    new, again, other = store.add_all([ballot(2), ballot(1, id="x"), ballot(3)])
    assert (new, other) == (None, None)
    assert isinstance(again, DuplicateError)
    assert len(commits) == 1
    lone_half_of_a_pair = ballot(4, comment="\ud83d")
    bad, good, fine = store.add_all([lone_half_of_a_pair, ballot(5), ballot(6)])
    assert (good, fine) == (None, None)
    assert isinstance(bad, Exception)
    assert {b.id for b in store.ballots("s")} == {"id1", "id2", "id3", "id5", "id6"}


def test_sqlite_is_durable_by_setting(tmp_path):
    store = Store(sqlite_url(tmp_path / "b.sqlite"))
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.parametrize("url", ["ballots.sqlite", "mysql://u:secret@h/d", "sqlite://"])
def test_a_path_is_no_url_and_a_refused_url_is_not_repeated(url):
    with pytest.raises(ConfigError) as refused:
        Store(url)
    assert "secret" not in str(refused.value)


def test_a_store_that_cannot_be_opened_says_so(tmp_path):
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(StoreError, match="cannot be written or read"):
        Store(sqlite_url(tmp_path / "folder.sqlite"))


@given(st.text(max_size=50), st.lists(st.text(max_size=9), max_size=3))
@settings(max_examples=50)
def test_a_row_is_the_ballot(comment, tags):
    cast = ballot(comment=comment, tags=tuple(tags))
    assert as_ballot(ballot_row(cast)) == cast


def test_store_log_and_folder_are_for_their_owner_alone(tmp_path):
    path = tmp_path / "arena" / "ballots.sqlite"
    store = Store(sqlite_url(path))
    store.add(ballot())
    files = list(path.parent.iterdir())
    assert {f.name for f in files} >= {"ballots.sqlite", "ballots.sqlite-wal"}
    assert [f.name for f in (path.parent, *files) if f.stat().st_mode & 0o077] == []
    store.close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    Store(sqlite_url(path)).close()
    assert [f.name for f in (path.parent, path) if f.stat().st_mode & 0o077] == []


def test_a_folder_of_somebody_elses_things_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    Store(sqlite_url(tmp_path / "ballots.sqlite")).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "url",
    [
        "mysql://rater:pass-word@host/db",
        "postgresql://rater:pass-word@host:port/db",
        "postgresql://rater:x@y:pass-word@host/db",
        "postgresql+psycopg://rater:pass-word@127.0.0.1:1/db",
        "postgresql+psycopg://rater:x@pass-word@127.0.0.1:1/db",
        "postgresql+psycopg://rater:x@pass-word/y@127.0.0.1:1/db",
        "postgresqlrater:pass-word@host/db",
    ],
)
def test_a_password_in_a_url_is_never_said(url):
    with pytest.raises(KitError) as refused:
        Store(url)
    said = f"{refused.value} {refused.value.__cause__} {refused.value.__context__ if not refused.value.__suppress_context__ else ''}"
    assert "pass-word" not in said


OF_NO_SERVER = "postgresql+psycopg://rater:pass-word@127.0.0.1:1/db"


@pytest.mark.parametrize(
    "option",
    [
        "conect_timeout=hidden",
        "connect_timeout=hidden",
        "hidden=1",
        "prepare_threshold=hidden",
        "sslmode=hidden",
        "service=hidden",
    ],
)
def test_an_option_that_the_driver_does_not_take_is_told_and_never_repeated(option):
    url = os.environ.get("ARENA_TEST_POSTGRESQL", OF_NO_SERVER)
    if url == OF_NO_SERVER and "prepare" in option:
        pytest.skip("set ARENA_TEST_POSTGRESQL to the URL of an empty database")
    with pytest.raises((ConfigError, StoreError), match=r'has an option|"…"') as refused:
        Store(f"{url}?{option}")
    assert "hidden" not in str(refused.value)


def test_an_option_that_is_right_hides_no_failure():
    with pytest.raises(StoreError, match="Connection refused"):
        Store(f"{OF_NO_SERVER}?connect_timeout=5")


@pytest.mark.parametrize("named", ["b.sqlite?timeout=5", "b.sqlite?x=hidden", "", ":memory:"])
def test_a_sqlite_url_names_a_file_and_nothing_else(tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="names a file, and takes no options") as refused:
        Store(f"sqlite:///{named}")
    assert "hidden" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_any_folder_may_hold_the_store(tmp_path):
    path = tmp_path / "which? 50%25" / "ballots.sqlite"
    store = Store(sqlite_url(path))
    store.add(ballot())
    assert store.place == str(path)
    assert path.stat().st_size > 0
    assert Store(store.url).ballots("s") == store.ballots("s")
    assert [folder.name for folder in tmp_path.iterdir()] == ["which? 50%25"]


def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path):
    url = sqlite_url(tmp_path / "ballots.sqlite")
    old = ballot(1, schema_version=1)
    store = Store(url)
    store.add(old)
    with store.engine.begin() as connection:
        for column in ("elapsed_s", "depths", "sample"):
            connection.exec_driver_sql(f"ALTER TABLE ballots DROP COLUMN {column}")
    store.close()
    again = Store(url)
    again.add(ballot(2, elapsed_s=1.5, depths=(0.5, 1.0), sample=2))
    assert [(b.elapsed_s, b.depths, b.sample) for b in again.ballots("s")] == [
        (None, None, 0),
        (1.5, (0.5, 1.0), 2),
    ]
    row = {k: v for k, v in ballot_row(ballot(3)).items() if k not in ("elapsed_s", "depths")}
    assert again.restore("ballots", [row, ballot_row(ballot(4, elapsed_s=2.0))]) == 2


def _stderr(monkeypatch):
    """What goes to standard error; capsys would lose what a thread writes while it is read and emptied."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    return written


def test_one_server_at_a_time_serves_a_study(store, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.database.LEASE_S", 0.01)
    printed = _stderr(monkeypatch)
    url = store.engine.url.render_as_string(hide_password=False)
    second, order = Store(url), []

    def serve_too():
        with second.lease("s"):
            order.append("second")

    waiting = threading.Thread(target=serve_too)
    with store.lease("s"):
        waiting.start()
        _until(lambda: "waiting for its end" in "".join(order) + printed.getvalue())
        with Store(url).lease("another") if "postgresql" in url else contextlib.nullcontext():
            order.append("first ends")
    waiting.join()
    assert order == ["first ends", "second"]
    second.close()


def _until(holds):
    while not holds():
        time.sleep(0.005)


def _end_session_of_lease(connection):
    ended = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
    assert connection.scalar(sa.text(ended))


HOLDERS = "select count(*) from pg_locks where locktype = 'advisory' and granted"


def test_a_lease_that_its_database_ended_is_taken_again(store, monkeypatch):
    if store.engine.dialect.name == "sqlite":
        pytest.skip("a lock on a file ends with its process alone")
    monkeypatch.setattr("coig_writer.arena.server.database.RENEW_S", 0.01)
    with store.lease("s"), store.engine.connect() as connection:
        _end_session_of_lease(connection)
        _until(lambda: connection.scalar(sa.text(HOLDERS)) == 1)
        store.add(ballot())
        assert store.trouble() is None
        assert Store(store.url).ballots("s")


def test_a_server_whose_lease_another_has_writes_nothing_more(store, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.database.RENEW_S", 0.01)
    printed, other = _stderr(monkeypatch), threading.Thread(target=lambda: None)
    with store.lease("s"):
        store.add(ballot())
        if store.engine.dialect.name == "sqlite":
            monkeypatch.setattr("fcntl.flock", Mock(side_effect=BlockingIOError))
        else:
            second, ended = Store(store.url), threading.Event()

            def serve_too():
                # Queued for the lock, it gets it at once.
                with second.engine.connect() as connection:
                    key = "select (classid::int8 << 32) | objid::int8 from pg_locks where locktype = 'advisory'"
                    held = connection.scalar(sa.text(key))
                    connection.execute(sa.select(sa.func.pg_advisory_lock(held)))
                    ended.wait(300)

            other = threading.Thread(target=serve_too)
            other.start()
            with second.engine.connect() as connection:
                waiting = sa.text(HOLDERS.replace("granted", "not granted"))
                _until(lambda: connection.scalar(waiting) == 1)
                _end_session_of_lease(connection)
        _until(lambda: store.trouble() == "another server serves this study")
        with pytest.raises(StoreError, match="another server"):
            store.add(ballot(1))
        assert len(store.ballots("s")) == 1
        _until(lambda: "another server serves 's' now" in printed.getvalue())
    if other.ident:
        ended.set()
        other.join()
        second.close()


def test_a_full_disk_and_a_lost_store_are_told_before_a_vote_is_lost(store, monkeypatch):
    assert store.trouble() is None
    if store.engine.dialect.name == "sqlite":
        usage = {"free": MIN_FREE_BYTES}
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(**usage))
        assert store.trouble() is None
        usage["free"] -= 1
        assert store.trouble() == "the disk is full"

    def lost(*_, **__):
        raise sa.exc.OperationalError("SELECT", {}, OSError("no route to db.internal"))

    monkeypatch.setattr(store.engine, "connect", lost)
    assert store.trouble() == "the store cannot be reached"


def test_a_file_that_is_no_database_is_told_and_left(tmp_path):
    path = tmp_path / "ballots.sqlite"
    path.write_text("notes of somebody else, no database")
    with pytest.raises(StoreError, match="not a database"):
        Store(sqlite_url(path))
    assert path.read_text() == "notes of somebody else, no database"


def test_a_table_of_another_program_is_told_and_left(tmp_path):
    path = tmp_path / "ballots.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE studies (study TEXT, subject TEXT)")
    with pytest.raises(ConfigError, match=r"table studies .*column begun_at is missing"):
        Store(sqlite_url(path))
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        (kept,) = theirs.execute("SELECT sql FROM sqlite_master").fetchall()
    assert kept == ("CREATE TABLE studies (study TEXT, subject TEXT)",)


def test_an_invited_study_keeps_its_founders_and_one_begun_before_that_is_taken_over(store):
    store.begin("new", "design", ["a", "b"])
    store.begin("new", "design", ["a", "c"])
    assert store.founders("new") == ("a", "b")
    with pytest.raises(DriftError):
        store.begin("new", "other", ["a", "b"], before="design")
    store.begin("old", "as it was")  # the digest of an earlier version held the raters
    with pytest.raises(DriftError):
        store.begin("old", "design", ["a", "c"], before="with a and c")
    assert store.founders("old") == ()
    store.begin("old", "design", ["a", "b"], before="as it was")
    store.begin("old", "design", ["a", "c"], before="with a and c")
    assert store.founders("old") == ("a", "b")
