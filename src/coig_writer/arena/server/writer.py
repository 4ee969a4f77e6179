"""Votes and other entries from the event loop to the disk, many in one durable write.

Votes that arrive while others are being written form the next write, so that a slow disk costs each
vote two waits at most, and not one for every vote before it. One thread writes; a thread for every
vote would spend more time on taking turns than on storing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio

R = TypeVar("R")
AddAll = Callable[[Sequence[R]], list[Exception | None]]


class BatchWriter(Generic[R]):
    """Stores records for the coroutines of one event loop.

    Args:
        add_all: Stores records in one transaction; says for each why it is not on disk, or None.
    """

    def __init__(self, add_all: AddAll[R]) -> None:
        self._add_all = add_all
        self._thread = anyio.CapacityLimiter(1)  # not from the pool that everything else waits for
        self._waiting: list[tuple[R, asyncio.Future[Exception | None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, record: R) -> Exception | None:
        """Returns None once the record is on disk, or why it is not; see ``Store.add``."""
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                outcomes = await anyio.to_thread.run_sync(
                    self._add_all, [record for record, _ in batch], limiter=self._thread
                )
            except Exception as error:
                outcomes = [error] * len(batch)
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if not done.done():  # its request may have been cancelled
                    done.set_result(outcome)
        self._writing = None
