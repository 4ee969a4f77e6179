"""The Hub double refuses, hangs, loses its answer and comes back; nothing is lost or doubled."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coig_writer.arena.server.backup import HANG_S, Backup, Folder, HubRepository
from coig_writer.arena.server.service import Vote
from coig_writer.errors import ConfigError, DriftError, PublicationError
from tests.hub_double.client import hub, patient
from tests.hub_double.server import TOKEN

__all__ = ["hub", "patient"]


class Double:
    """A remote that keeps files in memory and misbehaves on request."""

    def __init__(self):
        self.kept: dict[str, bytes] = {}
        self.behaviour: list[str] = []
        self.hanging, self.released = threading.Event(), threading.Event()
        self.history: list[int] = []
        self.forgotten: list[str] = []

    def files(self):
        self._misbehave(reading=True)
        return list(self.kept)

    def read(self, path):
        return self.kept[path]

    def forget(self, path):
        self.kept.pop(path, None)
        if self.behaviour[:1] == ["history stays"]:
            self.behaviour.pop(0)
            raise ConnectionError("503")
        self.forgotten.append(path)

    def write(self, path, content):
        assert path not in self.kept, "a file name was used twice"
        how = self.behaviour.pop(0) if self.behaviour else "good"
        if how == "refuse":
            raise ConnectionError("503 with a token in it: hf_secret")
        if how == "hang":
            self.hanging.set()
            self.released.wait(300)
        self.kept[path] = content[: len(content) // 2] if how == "corrupt" else content
        if how == "corrupt":
            del self.kept[path]
            raise ConnectionError("cut off half-way")
        if how == "lost answer":
            raise TimeoutError("written, but the answer never came")
        self.history.append(len(self.kept))

    def _misbehave(self, *, reading):
        if reading and self.behaviour and self.behaviour[0] == "unreadable":
            raise ConnectionError("down")


def vote(service, rater, n=1):
    for _ in range(n):
        item = service.admit(rater, "pairwise", "zh").next()
        service.vote(rater, "pairwise", "zh", Vote(item, "left"))


def hung(backup, remote):
    """Pushes to a remote that hangs; the pushes after it have all the time they need."""
    remote.behaviour, backup._hang_s = ["hang"], 0.1
    assert not backup.push()
    assert remote.hanging.wait(300)
    backup._hang_s = HANG_S


def restored(make_service, remote, folder):
    service = make_service(folder=folder)
    Backup(service.store, remote).restore()
    return service


def ids_on(remote):
    lines = b"".join(remote.kept.values()).splitlines()
    rows = [json.loads(line) for line in lines]
    return {(r["table"], r["row"].get("id") or str(sorted(r["row"].items()))) for r in rows}


def test_a_restart_on_an_empty_disk_loses_nothing_and_adds_files(make_service, tmp_path):
    remote = Double()
    for boot in range(3):
        service = restored(make_service, remote, tmp_path / f"disk{boot}")
        assert len(service.store.ballots("demo")) == 2 * boot
        vote(service, f"rater{boot}", 2)
        assert Backup(service.store, remote).push()
        before = ids_on(remote)
        service.store.withdraw(f"rater{boot}", service.store.ballots("demo", f"rater{boot}")[0].id)
        backup = Backup(service.store, remote)
        backup.restore()
        assert backup.status().pending == 1
        assert backup.push()
        assert before < ids_on(remote)  # a withdrawal adds its tombstone, and no row goes
    service = restored(make_service, remote, tmp_path / "last")
    assert len(service.store.ballots("demo")) == 6
    assert len(service.store.tombstones()) == 3
    assert service.store.seats_of("demo", "pairwise", "zh", "rater2") == [2]


def test_a_rater_goes_on_with_the_same_items_after_a_restart(make_service, tmp_path, clock):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    vote(service, "r", 2)
    Backup(service.store, remote).push()
    again = restored(make_service, remote, tmp_path / "two")
    view = service.view("pairwise", service.admit("r", "pairwise", "zh"))
    assert again.view("pairwise", again.admit("r", "pairwise", "zh")) == view


def test_a_restart_on_an_empty_disk_still_knows_the_design(make_service, tmp_path):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    service.store.begin("demo", "design one")
    Backup(service.store, remote).push()
    again = restored(make_service, remote, tmp_path / "two")
    again.store.begin("demo", "design one")
    with pytest.raises(DriftError):
        again.store.begin("demo", "design two")


@pytest.mark.parametrize("how", ["refuse", "corrupt", "lost answer"])
def test_a_failed_push_is_told_and_made_good(make_service, tmp_path, how, capsys):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    backup = Backup(service.store, remote)
    vote(service, "r", 3)
    remote.behaviour = [how, "refuse"]
    assert not backup.push()
    assert not backup.push()
    assert backup.status().pending == 4  # three ballots and a seat
    assert "hf_secret" not in capsys.readouterr().err + str(backup.status())
    assert backup.push()
    assert backup.status().pending == 0
    assert backup.status().last_error is None
    again = restored(make_service, remote, tmp_path / "two")
    assert again.store.ballots("demo") == service.store.ballots("demo")


def test_a_push_that_hangs_blocks_no_vote_and_no_later_push(make_service, tmp_path):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    backup = Backup(service.store, remote)
    vote(service, "r")
    hung(backup, remote)
    vote(service, "r")
    assert backup.push()
    remote.released.set()
    again = restored(make_service, remote, tmp_path / "two")
    assert again.store.ballots("demo") == service.store.ballots("demo")


def test_a_push_that_hangs_for_ever_does_not_keep_a_process_from_ending(tmp_path):
    program = """
import sys, threading
from pathlib import Path
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.store import Store

class Deaf:
    def files(self):
        return []
    def write(self, path, content):
        threading.Event().wait()

store = Store(f"sqlite:///{sys.argv[1]}")
store.begin("demo", "design")
backup = Backup(store, Deaf(), hang_s=0.1)
backup.close()
sys.exit(0 if backup.complete else 3)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "ballots.sqlite")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 3, ended.stderr
    assert "in the store alone" in ended.stderr


def test_a_comment_may_hold_any_separator_of_lines(make_service, tmp_path):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    item = service.admit("r", "pairwise", "zh").next()
    comment = "一\u2028二\x85三"
    service.vote("r", "pairwise", "zh", Vote(item, "left", comment=comment))
    assert Backup(service.store, remote).push()
    (again,) = restored(make_service, remote, tmp_path / "two").store.ballots("demo")
    assert again.comment == comment


def test_the_arena_does_not_start_on_ballots_it_cannot_read(make_service):
    remote = Double()
    service = make_service()
    remote.behaviour = ["unreadable"]
    with pytest.raises(PublicationError, match="cannot be read"):
        Backup(service.store, remote).restore()
    remote.behaviour = []
    remote.kept["ballots/x.jsonl"] = b'{"table": "ballots"'
    with pytest.raises(PublicationError, match="damaged"):
        Backup(service.store, remote).restore()


def test_closing_pushes_what_the_background_has_not(make_service, tmp_path):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    backup = Backup(service.store, remote, every_s=3600)
    service.on_ballot = backup.notice
    backup.start()
    vote(service, "r", 3)
    assert not backup.complete  # nor would it be if closing never came to its end
    backup.close()
    assert backup.complete
    again = restored(make_service, remote, tmp_path / "two")
    assert len(again.store.ballots("demo")) == 3


def test_what_a_killed_server_had_not_pushed_is_pushed_at_the_next_start(make_service, tmp_path):
    remote = Double()
    service = make_service(folder=tmp_path / "one")
    vote(service, "r", 3)  # and the server was killed before its push
    backup = Backup(service.store, remote, every_s=3600)
    backup.restore()
    backup.start()
    while backup.status().pending:
        time.sleep(0.01)
    assert len([i for table, i in ids_on(remote) if table == "ballots"]) == 3
    backup.close()


@given(st.lists(st.sampled_from(["vote", "push", "refuse", "lost answer", "restart"]), max_size=14))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_the_remote_never_shrinks_and_ends_complete(
    make_service, tmp_path_factory, events
):
    remote = Double()
    disk = tmp_path_factory.mktemp("disk")
    service = make_service(folder=disk)
    backup = Backup(service.store, remote)
    held = 0
    for number, event in enumerate(events):
        if event == "vote":
            vote(service, f"rater{number}")
        elif event == "restart":  # an orderly one: pushes, then starts on an empty disk
            assert backup.push()
            service = make_service(folder=tmp_path_factory.mktemp("disk"))
            backup = Backup(service.store, remote)
            backup.restore()
        else:
            remote.behaviour = [] if event == "push" else [event]
            backup.push()
            remote.behaviour = []
        assert len(remote.kept) >= held
        held = len(remote.kept)
    assert backup.push()
    again = restored(make_service, remote, tmp_path_factory.mktemp("disk"))
    assert len(again.store.ballots("demo")) == events.count("vote")


class HubApi:
    """What the arena asks of ``huggingface_hub.HfApi``, kept in memory."""

    made: list[dict[str, object]] = []  # noqa: RUF012
    kept: dict[str, bytes] = {}  # noqa: RUF012

    def __init__(self, token):
        self.token = token

    private = True

    def repo_info(self, _repo_id, *, repo_type):
        assert repo_type == "dataset"
        return SimpleNamespace(private=self.private)

    def create_repo(self, repo_id, **how):
        self.made.append({"repo_id": repo_id, **how})

    def list_repo_files(self, _repo_id, *, repo_type):
        return [".gitattributes", *self.kept] if repo_type == "dataset" else []

    def upload_file(self, *, path_or_fileobj, path_in_repo, **how):
        assert how["repo_type"] == "dataset"
        self.kept[path_in_repo] = path_or_fileobj

    def hf_hub_download(self, _repo_id, path, *, local_dir, repo_type, force_download):
        assert repo_type == "dataset"
        assert force_download
        target = Path(local_dir, path)
        target.parent.mkdir(parents=True)
        target.write_bytes(self.kept[path])
        return str(target)


def test_on_the_hub_ballots_go_to_a_private_dataset(make_service, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", HubApi)
    service = make_service(folder=tmp_path / "one")
    vote(service, "r", 2)
    assert Backup(service.store, HubRepository("org/ballots", "token")).push()
    wanted = {"repo_id": "org/ballots", "repo_type": "dataset", "private": True, "exist_ok": True}
    assert HubApi.made == [wanted]
    again = restored(make_service, HubRepository("org/ballots", "token"), tmp_path / "two")
    assert again.store.ballots("demo") == service.store.ballots("demo")


def test_a_public_dataset_is_refused_before_anything_is_pushed(monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", HubApi)
    monkeypatch.setattr(HubApi, "private", False)
    kept = dict(HubApi.kept)
    with pytest.raises(ConfigError, match="is public"):
        HubRepository("org/ballots", "token")
    assert HubApi.kept == kept


def test_a_withdrawn_vote_leaves_the_remote_too_and_takes_no_other_along(make_service, tmp_path):
    service, remote = make_service(folder=tmp_path / "one"), Double()
    backup = Backup(service.store, remote)
    for rater, comment in (("a", "a private remark"), ("b", "another's remark")):
        item = service.admit(rater, "pairwise", "zh").next()
        service.vote(rater, "pairwise", "zh", Vote(item, "left", comment=comment))
    assert backup.push()
    (before,) = remote.kept
    (own,) = service.store.ballots("demo", "a")
    service.store.withdraw("a", own.id)
    remote.behaviour = ["good", "refuse"]  # the tombstone is there, the emptied file is not
    assert not backup.push()
    assert before in remote.kept
    assert backup.push()
    held = b"".join(remote.kept.values())
    assert before not in remote.kept
    assert b"a private remark" not in held
    assert b"another's remark" in held
    again = restored(make_service, remote, tmp_path / "two")
    assert again.store.ballots("demo") == service.store.ballots("demo")
    assert again.store.tombstones() == service.store.tombstones()
    files = set(remote.kept)
    assert Backup(again.store, remote).restore() == 0
    assert backup.push()
    assert set(remote.kept) == files


@pytest.fixture
def of_double(hub, patient, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", functools.partial(HfApi, hub.url))
    return lambda: HubRepository("org/ballots", TOKEN)


def history_of(hub):
    """Everything that the repository's commits hold."""
    trees = hub.repository("org/ballots").commits.values()
    return b"".join(blob.content for tree in trees for blob in tree.values())


def squashes(hub):
    return sum("super-squash" in request for request in hub.requests)


def end_after(api, writes):
    """Lets the process end before it writes to the Hub once more than so many times."""
    left = iter(range(writes))

    def write(call, *given, **settings):
        if next(left, None) is None:
            raise SystemExit
        return call(*given, **settings)

    for name in ("create_commit", "super_squash_history"):
        setattr(api, name, functools.partial(write, getattr(api, name)))


# The tombstone, the emptied file, the deletion of the full one, the squash, what is left after it.
@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_withdrawn_vote_leaves_the_hubs_history_too_wherever_the_server_ends_meanwhile(
    make_service, tmp_path, hub, of_double, writes
):
    service = make_service(folder=tmp_path / "one")
    item = service.admit("a", "pairwise", "zh").next()
    service.vote("a", "pairwise", "zh", Vote(item, "left", comment="a private remark"))
    repository = of_double()
    backup = Backup(service.store, repository)
    assert backup.push()
    (own,) = service.store.ballots("demo", "a")
    service.store.withdraw("a", own.id)
    end_after(repository._api, writes)
    with pytest.raises(SystemExit):
        backup.push()
    assert (b"a private remark" in history_of(hub)) == (writes < 4)
    again = make_service(folder=tmp_path / "two")
    backup, repository = Backup(again.store, of_double()), of_double()
    backup.restore()
    assert backup.push()
    assert b"a private remark" not in history_of(hub)
    assert again.store.ballots("demo") == service.store.ballots("demo")
    files, done = repository.files(), squashes(hub)
    assert [file for file in files if not file.endswith(".jsonl")] == [".gitattributes"]
    repository.forget("ballots/x.jsonl")  # which another server was faster to do
    assert backup.push()
    assert (repository.files(), squashes(hub)) == (files, done)


def test_a_mounted_bucket_holds_whole_files_alone_and_gives_them_back(make_service, tmp_path):
    with pytest.raises(ConfigError, match="no bucket is mounted"):
        Folder(tmp_path / "data")
    (tmp_path / "data").mkdir()
    bucket = Folder(tmp_path / "data")
    service = make_service(folder=tmp_path / "one")
    vote(service, "r", 3)
    assert Backup(service.store, bucket).push()
    written = tmp_path / "data" / "ballots"
    cut_off = written / ".x.jsonl.0a.partial"  # the machine ended here
    cut_off.write_bytes(b'{"table": "ball')
    service = restored(make_service, bucket, tmp_path / "two")
    (own, *_) = service.store.ballots("demo", "r")
    assert len(service.store.ballots("demo")) == 3
    service.store.withdraw("r", own.id)
    backup = Backup(service.store, bucket)
    backup.restore()
    assert backup.push()
    again = restored(make_service, bucket, tmp_path / "three")
    assert again.store.ballots("demo") == service.store.ballots("demo")
    assert len(again.store.tombstones()) == 1


def test_a_vote_is_emptied_though_another_server_has_rewritten_its_file(make_service, tmp_path):
    """Two servers overlap at a restart: the new one has read the files that the old one then empties."""
    (tmp_path / "data").mkdir()
    bucket = Folder(tmp_path / "data")
    service = make_service(folder=tmp_path / "one")
    vote(service, "r", 3)
    first, second, third = service.store.ballots("demo", "r")
    old, new = Backup(service.store, bucket), Backup(service.store, bucket)
    assert old.push()
    new.restore()
    service.store.withdraw("r", first.id)
    assert old.push()
    service.store.withdraw("r", second.id)
    assert new.push()
    rows = [json.loads(line) for f in bucket.files() for line in bucket.read(f).splitlines()]
    told = {r["row"]["id"]: r["row"]["verdict"] for r in rows if r["table"] == "ballots"}
    assert told == {first.id: '"skip"', second.id: '"skip"', third.id: '"left"'}


def test_a_withdrawn_vote_leaves_every_file_that_holds_it(make_service, tmp_path):
    """A push whose answer is lost is made again: its rows are there twice."""
    service, remote = make_service(folder=tmp_path / "one"), Double()
    backup = Backup(service.store, remote)
    item = service.admit("a", "pairwise", "zh").next()
    service.vote("a", "pairwise", "zh", Vote(item, "left", comment="a private remark"))
    remote.behaviour = ["lost answer"]
    assert not backup.push()
    assert backup.push()
    assert len(remote.kept) == 2
    (own,) = service.store.ballots("demo", "a")
    service.store.withdraw("a", own.id)
    assert backup.push()
    assert b"a private remark" not in b"".join(remote.kept.values())
    assert len(remote.forgotten) == 2


def test_a_withdrawn_vote_leaves_a_push_too_that_arrives_after_all(make_service, tmp_path):
    service, remote = make_service(folder=tmp_path / "one"), Double()
    backup = Backup(service.store, remote)
    item = service.admit("a", "pairwise", "zh").next()
    service.vote("a", "pairwise", "zh", Vote(item, "left", comment="a private remark"))
    hung(backup, remote)
    assert backup.push()
    (own,) = service.store.ballots("demo", "a")
    service.store.withdraw("a", own.id)
    assert backup.push()
    emptied = set(remote.kept)
    assert b"a private remark" not in b"".join(remote.kept.values())
    remote.released.set()
    while remote.kept.keys() == emptied:
        time.sleep(0.01)
    assert b"a private remark" in b"".join(remote.kept.values())
    assert backup.push()
    assert b"a private remark" not in b"".join(remote.kept.values())
    assert emptied <= remote.kept.keys()


def test_a_withdrawn_vote_that_a_damaged_file_keeps_there_is_told_at_every_push(
    make_service, tmp_path
):
    service, remote = make_service(folder=tmp_path / "one"), Double()
    backup = Backup(service.store, remote)
    item = service.admit("a", "pairwise", "zh").next()
    service.vote("a", "pairwise", "zh", Vote(item, "left", comment="a private remark"))
    assert backup.push()
    remote.kept["ballots/0-of-another-server.jsonl"] = b"{"
    (own,) = service.store.ballots("demo", "a")
    service.store.withdraw("a", own.id)
    assert [backup.push(), backup.push()] == [False, False]
    del remote.kept["ballots/0-of-another-server.jsonl"]
    assert backup.push()
    assert b"a private remark" not in b"".join(remote.kept.values())


def test_a_history_that_was_not_deleted_is_tried_again(make_service, tmp_path):
    service, remote = make_service(folder=tmp_path / "one"), Double()
    backup = Backup(service.store, remote)
    vote(service, "a")
    assert backup.push()
    (own,), (before,) = service.store.ballots("demo", "a"), remote.kept
    service.store.withdraw("a", own.id)
    remote.behaviour = ["good", "good", "history stays"]  # tombstone, emptied file
    assert not backup.push()
    assert backup.status().last_error
    assert backup.push()
    assert remote.forgotten == [before]
    assert backup.status().last_error is None


def test_a_bucket_that_is_full_keeps_no_half_files(tmp_path, monkeypatch):
    bucket = Folder(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "no space")))
    with pytest.raises(OSError, match="no space"):
        bucket.write("ballots/x.jsonl", b"{}")
    assert list((tmp_path / "ballots").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        {"a": 1},
        {"table": "cats", "row": {}},
        {"table": ["ballots"], "row": {}},
        {"table": "tombstones", "row": ["x"]},
        {"table": "tombstones", "row": {"ballot": "x"}},
        {"table": "tombstones", "row": {"ballot": ["x"], "time": "t"}},
        {"table": "tombstones", "row": {"ballot": "x", "time": "t", "why": "w"}},
    ],
)
def test_a_file_that_the_arena_did_not_write_is_named(make_service, content):
    remote, service = Double(), make_service()
    remote.kept["ballots/x.jsonl"] = json.dumps(content).encode() + b"\n"
    with pytest.raises(
        PublicationError, match=r"ballots/x.jsonl .*line 1: not a row of the ballot store"
    ):
        Backup(service.store, remote).restore()
    row = {"ballot": "x", "time": "t"}
    remote.kept["ballots/x.jsonl"] = json.dumps({"table": "tombstones", "row": row}).encode()
    assert Backup(service.store, remote).restore() == 1


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_vote(tmp_path):
    (tmp_path / "ballots").write_text("a file of somebody else")
    with pytest.raises(ConfigError, match="cannot be written"):
        Folder(tmp_path)
    assert (tmp_path / "ballots").read_text() == "a file of somebody else"


def test_a_hub_that_refuses_is_told_without_what_it_said(monkeypatch):
    def refuses(*_given, **_settings):
        raise OSError("401 for hf_secret")

    api = SimpleNamespace(create_repo=refuses)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda **_: api)
    with pytest.raises(PublicationError, match=r"org/ballots cannot be .*OSError") as refused:
        HubRepository("org/ballots", "hf_secret")
    assert "hf_secret" not in str(refused.value)
