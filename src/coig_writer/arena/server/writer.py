"""Votes from the event loop to the disk, many in one durable write.

Votes that arrive while others are being written form the next write, so that a slow disk costs each
vote two waits at most, and not one for every vote before it. One thread writes; a thread for every
vote would spend more time on taking turns than on storing.
"""

from __future__ import annotations

import asyncio

import anyio

from coig_writer.arena.server.store import Store
from coig_writer.ballot import Ballot

_Waiting = tuple[Ballot, "asyncio.Future[Exception | None]"]


class Writer:
    """Stores ballots for the coroutines of one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = anyio.CapacityLimiter(1)  # not from the pool that everything else waits for
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, ballot: Ballot) -> Exception | None:
        """Returns None once the ballot is on disk, or why it is not; see ``Store.add``."""
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ballot, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                outcomes = await anyio.to_thread.run_sync(
                    self._store.add_all, [ballot for ballot, _ in batch], limiter=self._thread
                )
            except Exception as error:
                outcomes = [error] * len(batch)
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if not done.done():  # its request may have been cancelled
                    done.set_result(outcome)
        self._writing = None
