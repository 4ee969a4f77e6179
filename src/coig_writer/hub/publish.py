"""The steps of a publication, in an order in which each can fail and be run again.

Compare, commit once, tag, read back. Running it again after any failure compares first, so that what
arrived is not sent twice: an unchanged release makes no commit, and only what is missing is done.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coig_writer import __version__
from coig_writer.errors import DriftError, PublicationError
from coig_writer.hub import versions
from coig_writer.hub.release import File, Release, read_file
from coig_writer.hub.remote import Repository, State

READ_BACK_BYTES = 256 * 2**20  # larger files are compared by the SHA-256 that the Hub verified


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """What a publication would do to the remote."""

    state: State
    files: tuple[File, ...]
    added: tuple[File, ...]
    changed: tuple[File, ...]
    removed: tuple[str, ...]
    rows: versions.Changes | None

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What is on the Hub at the end. ``commit`` is None if nothing had to be sent."""

    revision: str
    commit: str | None
    tag: str | None
    pull_request: str | None
    files: int
    rows: int


def difference(
    release: Release, remote: Repository, version: str | None, scratch: Path
) -> Difference:
    """Compares a release with what the repository holds.

    A dataset's change log is written here, from the rows of the version that is there.

    Raises:
        PublicationError: The Hub cannot be read, or the version is taken by another commit, or sorts
            before the newest one; or private texts would go to a public repository.
    """
    state = remote.state()
    if release.private and state.public:
        raise PublicationError(
            f"{remote.url} is public, and people still work on these texts",
            "make it private in its settings, or give another name with --to",
        )
    files, rows = release.files, None
    if release.kind == "dataset" and version:
        rows, file = _change_log(release, remote, state, version, scratch)
        files = (*(f for f in files if f.path != versions.LOG), file)
    there = state.entries
    changes = Difference(
        state,
        files,
        tuple(f for f in files if f.path not in there),
        tuple(f for f in files if f.path in there and not there[f.path].is_same(f)),
        tuple(sorted(set(there) - {f.path for f in files})),
        rows,
    )
    if version is None:
        return changes
    tagged = state.tags.get(version)
    if tagged is not None and (changes or tagged != state.head):
        raise PublicationError(
            f"{version} is already the tag of commit {tagged[:12]}, which holds something else",
            "give the release a version of its own with --tag",
        )
    if changes:
        _refuse_older(version, state)
    return changes


def _refuse_older(version: str, state: State) -> None:
    """Refuses a version that would sort before one that is there, as a takedown after it must not."""
    newest = max(filter(versions.order, state.tags), key=versions.order, default=None)
    if newest and () < versions.order(version) <= versions.order(newest):
        raise PublicationError(
            f"{version} would sort before {newest}, the newest version there",
            f"give a later one with --tag; for rows taken out: dataset_builder remove … --published-version {newest}",
        )


def _change_log(
    release: Release, remote: Repository, state: State, version: str, scratch: Path
) -> tuple[versions.Changes, File]:
    old = scratch / "before"
    wanted = [p for p in state.entries if p == versions.LOG or _holds_rows(p)]
    if state.head:
        remote.fetch(wanted, state.head, old, "reading the version that is there")
    new_rows = versions.row_hashes(f.source for f in release.files if _holds_rows(f.path))
    changes = versions.compare(
        versions.row_hashes(old / p for p in wanted if _holds_rows(p)), new_rows
    )
    before = old / versions.LOG
    previous = before.read_text(encoding="utf-8") if before.is_file() else None
    text = versions.log(previous, version, changes) if changes or previous is None else previous
    log = scratch / versions.LOG
    log.write_text(text, encoding="utf-8")
    return changes, read_file(log, versions.LOG)


def _holds_rows(path: str) -> bool:
    return path.startswith("data/") and path.endswith(".parquet")


def publish(
    changes: Difference,
    remote: Repository,
    version: str | None,
    description: str,
    *,
    private: bool,
) -> Outcome:
    """Commits a difference to the main branch, tags it if it has a version, and reads it back.

    Raises:
        PublicationError: A step failed; the remedy says what is there and what to type.
        DriftError: What was read back is not what was sent.
    """
    revision, commit = changes.state.head, None
    if changes:
        parent = revision or remote.create(private=private)
        message = (f"Release {version}" if version else "Items of a curation", description)
        sent = (*changes.added, *changes.changed)
        commit = revision = remote.commit(sent, changes.removed, parent, message, pull=False).oid
    assert revision is not None
    if version and changes.state.tags.get(version) != revision:
        remote.tag(version, revision)
    rows = read_back(changes.files, remote, revision)
    return Outcome(revision, commit, version, None, len(changes.files), rows)


def propose(changes: Difference, remote: Repository, version: str, description: str) -> Outcome:
    """Opens a pull request with the difference, or finds the one that holds it already.

    Raises:
        PublicationError: There is no repository, nothing differs, or a step failed.
        DriftError: What was read back is not what was sent.
    """
    if changes.state.head is None:
        raise PublicationError(f"{remote.repo_id}: no such repository", "publish it with --commit")
    if not changes:
        raise PublicationError("nothing differs from the remote", "there is nothing to propose")
    for ref in changes.state.pulls:
        entries = remote.listed(ref)
        if set(entries) == {f.path for f in changes.files} and all(
            entries[f.path].is_same(f) for f in changes.files
        ):
            return Outcome(
                ref, None, None, ref, len(changes.files), read_back(changes.files, remote, ref)
            )
    message = (f"Release {version}", description)
    sent = (*changes.added, *changes.changed)
    info = remote.commit(sent, changes.removed, changes.state.head, message, pull=True)
    rows = read_back(changes.files, remote, info.oid)
    return Outcome(info.oid, info.oid, None, info.pr_url, len(changes.files), rows)


def read_back(files: Sequence[File], remote: Repository, revision: str) -> int:
    """Reads a revision back and compares every file, and every row of Parquet, with what was sent.

    Returns:
        The number of rows read back.

    Raises:
        DriftError: Something differs.
    """
    there = remote.listed(revision)
    small = [f for f in files if f.size <= READ_BACK_BYTES]
    wrong = [f.path for f in files if f.path not in there or not there[f.path].is_same(f)]
    wrong += sorted(set(there) - {f.path for f in files})
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        if not wrong:
            remote.fetch([f.path for f in small], revision, Path(folder), "reading back")
        for file in small if not wrong else ():
            returned = Path(folder) / file.path
            if read_file(returned, file.path).sha256 != file.sha256:
                wrong.append(file.path)
            elif file.path.endswith(".parquet"):
                sent = versions.row_digests(file.source)
                rows += len(sent)
                wrong += [] if versions.row_digests(returned) == sent else [file.path]
    if wrong:
        raise DriftError(
            f"{remote.repo_id} at {revision[:12]} is not what was sent: {', '.join(wrong[:5])}",
            "run the same command again; if it stays, look at the commit on the Hub",
        )
    return rows


def describe(commit: str | None) -> str:
    """Returns the description of the commit: what made it."""
    made_from = f", from its commit {commit}" if commit else ""
    return f"Made by the COIG-Writer kit {__version__}{made_from}."
