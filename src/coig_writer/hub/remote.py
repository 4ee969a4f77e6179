"""A repository on the Hub: the few requests that publication needs, and one kind of failure."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

from coig_writer.errors import PublicationError
from coig_writer.hub.release import File, Kind

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi
    from huggingface_hub.hf_api import RepoFile

T = TypeVar("T")
WAKES_S = 0.2  # how soon Ctrl-C is noticed at most
KEPT = (".gitattributes",)  # the Hub's own file: never removed, never compared
_TOKEN = re.compile(r"hf_\w{6,}|Bearer \S+")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A file as the Hub lists it; ``hash`` is its SHA-256, or its git blob id if it is small text."""

    path: str
    size: int
    hash: str
    is_sha256: bool

    def is_same(self, file: File) -> bool:
        """Whether a local file has the same content."""
        return self.hash == (file.sha256 if self.is_sha256 else file.blob)


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What a repository holds. ``head`` is None where there is no repository."""

    head: str | None
    entries: dict[str, Entry]
    tags: dict[str, str]
    pulls: tuple[str, ...]
    public: bool = False


class _Where(TypedDict):
    repo_id: str
    repo_type: Kind


class Repository:
    """One repository.

    Args:
        api: A ``huggingface_hub.HfApi``; its endpoint and token are used.
        repo_id: ``ORG/NAME``.
        kind: dataset, model or space.
        sdk: How a Space runs.
    """

    def __init__(self, api: HfApi, repo_id: str, kind: Kind, sdk: str | None = None) -> None:
        self.api, self.repo_id, self.kind, self.sdk = api, repo_id, kind, sdk
        self._where: _Where = {"repo_id": repo_id, "repo_type": kind}

    @property
    def url(self) -> str:
        """Where a person finds it."""
        prefix = "" if self.kind == "model" else f"{self.kind}s/"
        return f"{self.api.endpoint}/{prefix}{self.repo_id}"

    def state(self, revision: str | None = None) -> State:
        """Reads what is there now; an empty state if there is no repository."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with failing("reading the repository", "nothing was changed; run the same command again"):
            try:
                info = self.api.repo_info(**self._where, revision=revision)
            except RepositoryNotFoundError:
                return State(None, {}, {}, ())
            head = str(info.sha)
            refs = self.api.list_repo_refs(**self._where, include_pull_requests=True)
            pulls = tuple(ref.ref for ref in refs.pull_requests or ())
            tags = {ref.name: ref.target_commit for ref in refs.tags}
            return State(head, self._entries(head), tags, pulls, public=not info.private)

    def listed(self, revision: str) -> dict[str, Entry]:
        """Lists the files of a revision.

        Raises:
            PublicationError: The Hub cannot be read.
        """
        with failing("listing the files", "run the same command again: it compares first"):
            return self._entries(revision)

    def _entries(self, revision: str) -> dict[str, Entry]:
        from huggingface_hub import RepoFile

        listed = self.api.list_repo_tree(**self._where, recursive=True, revision=revision)
        files = [_entry(item) for item in listed if isinstance(item, RepoFile)]
        return {entry.path: entry for entry in files if entry.path not in KEPT}

    def create(self, *, private: bool) -> str:
        """Makes the repository, and returns its first commit."""
        with failing("making the repository", "run the same command again"):
            self.api.create_repo(**self._where, private=private, exist_ok=True, space_sdk=self.sdk)
            return str(self.api.repo_info(**self._where).sha)

    def commit(
        self,
        added: Sequence[File],
        removed: Sequence[str],
        parent: str,
        message: tuple[str, str],
        *,
        pull: bool,
    ) -> CommitInfo:
        """Makes one commit on top of ``parent``; the Hub refuses it if the head has moved."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(file.path, str(file.source)) for file in added),
            *(CommitOperationDelete(path) for path in removed),
        ]
        remedy = "whether it arrived is not known: run the same command again, it compares first"
        # A bar that cannot be written (publish 2>&1 | head) leaves tqdm's lock taken: its threads wait for ever.
        quiet = contextlib.nullcontext() if sys.stderr.isatty() else _quiet()
        with failing("the commit", remedy), quiet:
            return in_background(
                functools.partial(
                    self.api.create_commit,
                    **self._where,
                    operations=operations,
                    commit_message=message[0],
                    commit_description=message[1],
                    parent_commit=parent,
                    create_pr=pull,
                )
            )

    def tag(self, name: str, revision: str) -> None:
        """Tags a revision; a tag that is there already stays."""
        remedy = "the commit is there, its tag is not: run the same command again"
        with failing(f"tag {name}", remedy):
            self.api.create_tag(**self._where, tag=name, revision=revision, exist_ok=True)

    def fetch(self, paths: Sequence[str], revision: str, folder: Path, step: str) -> None:
        """Downloads some files of a revision into a folder, anew."""
        from tqdm import tqdm

        remedy = "run the same command again: it compares first and does what is missing"
        with failing(step, remedy), _quiet():
            for path in tqdm(paths, desc="read", unit="file", disable=None, leave=False):
                self.api.hf_hub_download(
                    **self._where, filename=path, revision=revision, local_dir=folder
                )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the client's bars, one per file."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    was = are_progress_bars_disabled()
    if not was:
        disable_progress_bars()
    try:
        yield
    finally:
        if not was:
            enable_progress_bars()


def in_background(call: Callable[[], T], timeout_s: float | None = None) -> T:
    """Returns what a call to the Hub returns, made in a thread that neither Ctrl-C nor the process's end waits for.

    Raises:
        TimeoutError: It takes longer; it may still arrive.
    """
    outcome = concurrent.futures.Future[T]()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    # In steps: a signal that comes while this thread falls asleep, or to another one, would not wake it.
    end = math.inf if timeout_s is None else time.monotonic() + timeout_s
    while not outcome.done() and (left := end - time.monotonic()) > 0:
        concurrent.futures.wait([outcome], min(left, WAKES_S))
    return outcome.result(0)


def _entry(item: RepoFile) -> Entry:
    if item.lfs:
        return Entry(item.path, item.size, item.lfs.sha256, is_sha256=True)
    return Entry(item.path, item.size, item.blob_id, is_sha256=False)


@contextlib.contextmanager
def failing(step: str, remedy: str) -> Iterator[None]:
    """Turns whatever the client raises into one sentence, without tokens.

    Raises:
        PublicationError: Always in place of the client's own exception.
        KeyboardInterrupt: Ctrl-C, with what was under way.
    """
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{step} was under way; {remedy}") from None
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            remedy = "log in with a token that may write there: hf auth login"
        if status == 412:
            remedy = "someone else committed meanwhile: run the same command again and look at the difference"
        raise PublicationError(f"{step} was refused ({status}): {_words(error)}", remedy) from error
    except (httpx.HTTPError, LocalEntryNotFoundError, RuntimeError, ValueError, OSError) as error:
        raise PublicationError(f"{step} failed: {_words(error)}", remedy) from error


def _words(error: Exception) -> str:
    root = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    text = " ".join(str(root).split()) or type(root).__name__
    return _TOKEN.sub("(token)", text)[:300]
