"""Votes on their way from the event loop to the store."""

from __future__ import annotations

import asyncio
import threading

import pytest

from coig_writer.arena.server.database import DuplicateError, StoreError, sqlite_url
from coig_writer.arena.server.store import Store
from coig_writer.arena.server.writer import BatchWriter
from coig_writer.ballot import Ballot


def ballot(number: int) -> Ballot:
    shown = ("a", "b")
    return Ballot(f"id{number}", "s", "pairwise", f"item{number}", "q", "r", 0, shown, '"left"')


class SlowStore(Store):
    """Remembers each write; holds the first until it is released."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.writes: list[list[str]] = []
        self.release = threading.Event()

    def add_all(self, ballots):
        first = not self.writes
        self.writes.append([b.id for b in ballots])
        if first:
            self.release.wait(300)
        return [DuplicateError("d", "r") if b.id == "id3" else None for b in ballots]


async def busy(store):
    """Returns a writer that is storing its first vote, and that vote."""
    writer = BatchWriter(store.add_all)
    first = asyncio.create_task(writer.add(ballot(1)))
    while not store.writes:
        await asyncio.sleep(0.001)
    return writer, first


def test_votes_that_arrive_during_a_write_go_into_the_next_one(tmp_path):
    store = SlowStore(sqlite_url(tmp_path / "b.sqlite"))

    async def run():
        writer, first = await busy(store)
        rest = [asyncio.create_task(writer.add(ballot(n))) for n in (2, 3, 4)]
        await asyncio.sleep(0)
        assert not first.done()  # nothing is acknowledged before the store has it
        store.release.set()
        return [await first, *[await vote for vote in rest]], await writer.add(ballot(5))

    (one, two, three, four), five = asyncio.run(run())
    assert (one, two, four, five) == (None, None, None, None)
    assert isinstance(three, DuplicateError)
    assert store.writes == [["id1"], ["id2", "id3", "id4"], ["id5"]]


def test_a_vote_whose_request_is_gone_takes_no_other_along(tmp_path):
    store = SlowStore(sqlite_url(tmp_path / "b.sqlite"))

    async def run():
        writer, gone = await busy(store)
        other = asyncio.create_task(writer.add(ballot(2)))
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        store.release.set()
        return await other

    assert asyncio.run(run()) is None
    assert store.writes == [["id1"], ["id2"]]


def test_a_store_that_breaks_is_told_to_every_vote_and_the_next_is_tried(tmp_path):
    class Broken(Store):
        def add_all(self, ballots):
            raise StoreError("no disk", "look")

    async def run():
        writer = BatchWriter(Broken(sqlite_url(tmp_path / "b.sqlite")).add_all)
        return await asyncio.gather(*(writer.add(ballot(n)) for n in (1, 2))), await writer.add(
            ballot(3)
        )

    together, later = asyncio.run(run())
    assert [type(error) for error in (*together, later)] == [StoreError] * 3
