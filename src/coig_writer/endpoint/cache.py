"""Replies kept by the hash of their request, and a ledger of every call.

One small JSON file per reply under ``FOLDER/ab/abcdef….json``; ``FOLDER/ledger.jsonl`` gets a line
per call, with time, tokens and cost. Neither holds a key, a header or a server's address.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import threading
import weakref
from pathlib import Path
from typing import BinaryIO, TypedDict

from coig_writer.endpoint.records import Reply, Usage
from coig_writer.errors import InputError
from coig_writer.files import line, write_small
from coig_writer.record import from_row, to_row

DECIDED = ("answered", "refused", "unparsable")


class Call(TypedDict):
    """One call of a model's server.

    Attributes:
        time: When (UTC).
        model: The model that was asked.
        key: Of the request, and the name of its reply's file.
        tokens_in: Of the request; null where the server told none.
        tokens_out: Of the reply.
        cost: In the currency of the price that was given; null without one.
    """

    time: str
    model: str
    key: str
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None


class Cache:
    """Replies on disk, safe to share between threads and processes; without a folder it is empty."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def get(self, key: str) -> Reply | None:
        """Returns the kept reply; None where there is none or its file is damaged."""
        if self.folder is None:
            return None
        try:
            row = json.loads(self._path(key).read_text(encoding="utf-8"))
            usage = from_row(Usage, row.pop("usage"))
            reply = Reply(**row, usage=usage)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, InputError):
            return None
        return reply if reply.key == key else None

    def put(self, reply: Reply) -> None:
        """Keeps a reply that the server decided; failures and skips are tried again next time."""
        if self.folder is None or reply.state not in DECIDED:
            return
        text = json.dumps(to_row(reply), ensure_ascii=True, sort_keys=True)
        write_small(self._path(reply.key), f"{text}\n".encode())

    def record(self, key: str, model: str, usage: Usage, cost: float | None) -> None:
        """Adds a call to the ledger."""
        if self.folder is None:
            return
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        row: Call = {
            "time": now,
            "model": model,
            "key": key,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "cost": cost,
        }
        with self._lock:  # one write: the line of another process stands before or after it
            if os.fstat(self._ledger.fileno()).st_nlink == 0:  # deleted meanwhile: a new one
                del self._ledger
            self._ledger.write(line(row).encode())
            self._ledger.flush()

    @functools.cached_property
    def _ledger(self) -> BinaryIO:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = (self.folder / "ledger.jsonl").open("ab")
        weakref.finalize(self, handle.close)
        return handle

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.json"
