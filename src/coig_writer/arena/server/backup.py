"""Ballots as files in a private Hub repository or a mounted bucket, for machines whose disk does not last.

Every push writes the rows that are not there yet to a file with a name of its own; no file is ever
changed. One that holds a withdrawn vote is written anew under another name, emptied of it, and then deleted
with the repository's history; nothing else is. At start all
files are read back into the store before the first vote is taken. A push that fails, hangs or is
cut off is tried again with all that is missing; rows that arrive twice are one row when read back.

A vote is acknowledged when it is on the local disk; a normal stop pushes first. If machine *and* disk
vanish without a signal, the votes since the last push (``every_s``, 30 s by default) are gone from
both; the page keeps each rater's last votes and gives them again when their items are handed out
again. 30 s is as often as the Hub takes commits to one repository (128 an hour); a mounted folder is
written every second.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from coig_writer.arena.server.database import checked_row, now
from coig_writer.arena.server.store import BALLOTS, HUSK, METADATA, Store
from coig_writer.errors import ConfigError, InputError, PublicationError
from coig_writer.files import line, parsed, write_small
from coig_writer.hub.remote import in_background

FOLDER = "ballots"
FORGOTTEN = (
    ".forgotten"  # ends the name of a mark: the file before it is deleted, its history is not yet
)
EVERY_S = 30.0
EVERY_S_ON_DISK = 1.0  # where no Hub counts commits
HANG_S = 120.0
IN_STORE_ALONE = "is in the store alone; keep that, and start the server on it again"


class BackupTarget(Protocol):
    """Where files go: what the arena needs of a Hub repository."""

    def files(self) -> list[str]:
        """Returns the paths of all files, and of those not wholly deleted with ``FORGOTTEN`` behind them."""

    def read(self, path: str) -> bytes:
        """Returns the content of one file."""

    def write(self, path: str, content: bytes) -> None:
        """Adds one new file; returns when the remote has it."""

    def forget(self, path: str) -> None:
        """Deletes a file, also from the remote's history; may be asked again after a failure."""


class HubRepository:
    """A private dataset repository on the Hub.

    Args:
        repo_id: ``ORG/NAME``; created if it does not exist.
        token: A token that may write to it.

    Raises:
        ConfigError: Everybody can read it; ballots hold pseudonyms and comments.
        PublicationError: The Hub does not let it be made or looked at.
    """

    def __init__(self, repo_id: str, token: str) -> None:
        from huggingface_hub import HfApi

        self._repo_id = repo_id
        self._api = HfApi(token=token)
        try:
            self._api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
            private = self._api.repo_info(repo_id, repo_type="dataset").private
        except Exception as error:  # what it says may hold more than the log should
            raise PublicationError(
                f"the dataset {repo_id} cannot be made or read ({type(error).__name__})",
                "check its name, ORG/NAME, that HF_TOKEN may write to it, and the network; a folder's path starts with /",
            ) from error
        if not private:
            raise ConfigError(
                f"the dataset {repo_id} is public: ballots and comments would be too",
                "make it private in its settings on the Hub, or name another one",
            )

    def files(self) -> list[str]:
        """Returns the paths of all files."""
        return list(self._api.list_repo_files(self._repo_id, repo_type="dataset"))

    def read(self, path: str) -> bytes:
        """Returns the content of one file, fetched anew."""
        with tempfile.TemporaryDirectory() as folder:
            local = self._api.hf_hub_download(
                self._repo_id, path, repo_type="dataset", local_dir=folder, force_download=True
            )
            return Path(local).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Adds one new file in one commit."""
        self._api.upload_file(
            path_or_fileobj=content,
            path_in_repo=path,
            repo_id=self._repo_id,
            repo_type="dataset",
            commit_message=f"Add {path}",
        )

    def forget(self, path: str) -> None:
        """Deletes a file; the history that held it becomes one commit.

        The commit of the deletion adds a mark, by which the next start finishes what this one does not.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        mark, there = path + FORGOTTEN, self.files()
        if path in there:
            self._api.create_commit(
                self._repo_id,
                [CommitOperationDelete(path), CommitOperationAdd(mark, b"")],
                commit_message=f"Delete {path}",
                repo_type="dataset",
            )
        elif mark not in there:
            return
        self._api.super_squash_history(self._repo_id, repo_type="dataset")
        self._api.delete_file(mark, self._repo_id, repo_type="dataset")


class Folder:
    """A folder that outlives the machine, such as a Storage Bucket mounted into a Space.

    Files are written whole and never changed: a bucket is no disk for a database, which changes its file in
    place.

    Raises:
        ConfigError: The folder does not exist (nothing is mounted there) or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise ConfigError(
                f"{path} is not a folder: no bucket is mounted there",
                "mount one first (space/README.md), or name a private dataset ORG/NAME",
            )
        try:
            (path / FOLDER).mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=path / FOLDER):
                pass
        except OSError as error:
            raise ConfigError(
                f"{path / FOLDER} cannot be written ({error.strerror})",
                "mount the bucket for writing, or name another folder",
            ) from error
        self._path = path

    def files(self) -> list[str]:
        """Returns the paths of all files that were written whole."""
        return [f"{FOLDER}/{file.name}" for file in (self._path / FOLDER).glob("*.jsonl")]

    def read(self, path: str) -> bytes:
        """Returns the content of one file."""
        return (self._path / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Adds one new file; it takes its name when all of it is on the disk."""
        target = self._path / path
        target.parent.mkdir(mode=0o700, exist_ok=True)
        write_small(target, content)

    def forget(self, path: str) -> None:
        """Deletes a file."""
        (self._path / path).unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """How the backup stands: rows not yet on the remote, and how the last push ended."""

    pending: int
    last_push: str | None
    last_error: str | None


class Backup:
    """Keeps a remote in step with a store.

    Args:
        store: The local store.
        remote: Where the files go.
        every_s: Seconds between pushes while there is something to push.
        hang_s: Seconds after which a push counts as failed.
    """

    def __init__(
        self,
        store: Store,
        remote: BackupTarget,
        *,
        every_s: float = EVERY_S,
        hang_s: float = HANG_S,
    ) -> None:
        self._store, self._remote = store, remote
        self._every_s, self._hang_s = every_s, hang_s
        self._boot = uuid.uuid4().hex[:12]
        self._pushes = 0
        self._sent: dict[str, set[tuple[object, ...]]] = {}
        self._full: dict[str, set[str]] = {}  # file there: the ballots that it may hold in full
        self._forgotten: set[str] = set()  # files that are emptied and not deleted yet
        self._late: set[str] = set()  # files whose push failed: it may arrive at any time
        self.complete = False  # True once the last push, at the end, has brought all to the remote
        self._last_push: str | None = None
        self._last_error: str | None = None
        self._pushing = threading.Lock()
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="arena-backup", daemon=True)

    def restore(self) -> int:
        """Reads everything on the remote into the store; returns how many rows were new.

        Raises:
            PublicationError: The remote cannot be read, or a file there is damaged. The arena must
                not start then: it would ask raters for what they already gave.
        """
        added = 0
        for table, rows in self._read_all().items():
            added += self._store.restore(table, rows)
            remote = {self._store.key(table, row) for row in rows}
            self._sent[table] = remote & self._store.keys(table)
        return added

    def _read_all(self) -> dict[str, list[dict[str, object]]]:
        """Returns the rows of all files by table, and notes which file holds which ballot."""
        try:
            contents = [(path, self._remote.read(path)) for path in sorted(self._paths())]
        except Exception as error:
            raise PublicationError(
                f"the ballots in the backup cannot be read ({type(error).__name__})",
                "check repository, token and network, or the mounted folder, then start again",
            ) from error
        read = {path: list(_parsed(path, content)) for path, content in contents}
        self._full.clear()  # not before: of a damaged file every push has to say that it is in the way
        rows: dict[str, list[dict[str, object]]] = {}
        for path, held in read.items():
            for table, row in held:
                rows.setdefault(table, []).append(row)
            self._note(path, held)
        return rows

    def _paths(self) -> set[str]:
        """Returns the files that hold rows; notes those that a server ended in the middle of deleting."""
        paths = {path for path in self._remote.files() if path.startswith(f"{FOLDER}/")}
        marks = {path for path in paths if path.endswith(FORGOTTEN)}
        self._forgotten |= {mark.removesuffix(FORGOTTEN) for mark in marks}
        return paths - marks - self._forgotten

    def start(self) -> None:
        """Starts pushing in the background, first what a server that was killed left behind."""
        self._wake.set()
        self._thread.start()

    def notice(self) -> None:
        """Says that there is something new."""
        self._wake.set()

    def push(self) -> bool:
        """Pushes what is missing on the remote; returns whether the remote now has all.

        A failure is kept for ``status`` and written to standard error; it is never raised, because
        the votes are safe here and the next push takes them along.
        """
        with self._pushing:
            try:
                self._push_missing()
                self._empty_withdrawn()
                self._last_error = None
            except Exception as error:
                self._last_error = f"{now()} {type(error).__name__}"
                sys.stderr.write(f"backup: push failed, will try again ({self._last_error})\n")
                return False
            return True

    def _push_missing(self) -> None:
        missing = self._missing()
        if not missing:
            return
        name = self._new_name()
        self._within_time(name, _rendered(missing))
        for table, row in missing:
            self._sent.setdefault(table, set()).add(self._store.key(table, row))
        self._note(name, missing)
        self._last_push = now()

    def _empty_withdrawn(self) -> None:
        """Takes withdrawn votes out of the files that still hold them."""
        gone = {t.ballot for t in self._store.tombstones()}
        if gone and (self._late or self._holding(gone)) and self._paths() != self._full.keys():
            self._read_all()  # another server emptied or added files, or a push arrived that had failed
            self._late -= self._full.keys()
        for path in self._holding(gone):
            rows = [
                (table, {**row, **HUSK} if table == BALLOTS.name and row["id"] in gone else row)
                for table, row in _parsed(path, self._remote.read(path))
            ]
            name = self._new_name()
            self._within_time(name, _rendered(rows))
            self._note(name, rows)
            del self._full[path]
            self._forgotten.add(path)
        for path in sorted(self._forgotten):
            self._remote.forget(path)
            self._forgotten.remove(path)

    def _holding(self, gone: set[str]) -> list[str]:
        """Returns the files that may hold a ballot of these in full."""
        return sorted(path for path, held in self._full.items() if held & gone)

    def _note(self, path: str, rows: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        ballots = [row for table, row in rows if table == BALLOTS.name]
        full = {str(r["id"]) for r in ballots if any(r.get(name) != HUSK[name] for name in HUSK)}
        self._full[path] = full

    def _new_name(self) -> str:
        self._pushes += 1
        return f"{FOLDER}/{now()[:19].replace(':', '')}-{self._boot}-{self._pushes:06d}.jsonl"

    def _within_time(self, name: str, content: bytes) -> None:
        self._late.add(name)
        in_background(functools.partial(self._written, name, content), self._hang_s)
        self._late.remove(name)

    def _written(self, name: str, content: bytes) -> None:
        self._remote.write(name, content)
        if self._remote.read(name) != content:
            raise PublicationError(f"{name} differs from what was written")

    def status(self) -> Status:
        """Returns how the backup stands."""
        return Status(len(self._missing()), self._last_push, self._last_error)

    def close(self) -> None:
        """Stops the background pushes and pushes once more; says what did not arrive."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(self._hang_s)
        self.complete = self.push()
        if not self.complete:
            sys.stderr.write(f"backup: the last push failed, and what it lacks {IN_STORE_ALONE}\n")

    def _missing(self) -> list[tuple[str, dict[str, object]]]:
        return self._store.rows_but(self._sent)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._stopped.is_set() and not self.push():
                self._wake.set()
            self._stopped.wait(self._every_s)


def _rendered(missing: Sequence[tuple[str, Mapping[str, object]]]) -> bytes:
    return "".join(line({"table": table, "row": row}) for table, row in missing).encode()


def _parsed(path: str, content: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        for place, entry in parsed(content.splitlines(keepends=True), path):
            yield checked_row(METADATA, entry.get("table"), entry.get("row"), place)
    except InputError as error:
        raise PublicationError(
            f"{path} in the backup is damaged or not the arena's ({error.message})",
            "restore it (on the Hub from the repository's history), or move it away if the arena did not "
            "write it, then start again",
        ) from error
