"""The board: results for the page, hidden until there are enough votes, computed at most so often."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from typing import Any

from coig_writer.arena.server.booth import Booth
from coig_writer.arena.server.results import Results, results
from coig_writer.arena.server.store import standing
from coig_writer.ballot import Ballot, Protocol

FRESH_S = 5.0
STAYS = 9  # times as long as they took to make, at least


def ballots_of(booth: Booth, protocol: Protocol, language: str) -> list[Ballot]:
    """Returns the standing ballots of one protocol and language."""
    ballots = standing(booth.store.ballots(booth.study.study), booth.store.tombstones())
    return [
        b
        for b in ballots
        if b.protocol == protocol
        and b.query_id in booth.prompts
        and booth.prompts[b.query_id].language == language
    ]


def compute(booth: Booth, protocol: Protocol, language: str) -> Results:
    """Computes the results of one protocol and language from the store."""
    return results(
        ballots_of(booth, protocol, language),
        protocol,
        sorted(booth.collection.variants),
        genre={p.query_id: p.genre for p in booth.collection.prompts},
        language={p.query_id: p.language for p in booth.collection.prompts},
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    view: dict[str, Any]
    until: float


class Board:
    """Keeps the last results, so that readers cannot slow voters down.

    One reader at a time makes them anew, the others get those that are there. Making them may take a
    tenth of the time at most: what took a second stays for ten.
    """

    def __init__(self, booth: Booth) -> None:
        self._booth = booth
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._making = threading.Lock()

    def view(self, protocol: Protocol, language: str) -> dict[str, Any]:
        """Returns what the public may see: counts, and results once there are enough ballots."""
        kept = self._kept.get((protocol, language))
        if kept and (time.monotonic() < kept.until or self._making.locked()):
            return kept.view
        with self._making:
            kept = self._kept.get((protocol, language))  # perhaps made while this one waited
            began = time.monotonic()
            if kept is None or began >= kept.until:
                view = self._made(protocol, language)
                ended = time.monotonic()
                kept = _Kept(view, ended + max(FRESH_S, STAYS * (ended - began)))
                self._kept[protocol, language] = kept
            return kept.view

    def _made(self, protocol: Protocol, language: str) -> dict[str, Any]:
        of = self._booth.study
        cast = [b for b in ballots_of(self._booth, protocol, language) if b.repeat == 0]
        needed = max(1, of.results_after)
        seats = self._booth.seats(protocol, language)
        items = {self._booth.item_name(task) for seat in seats for task in seat}
        view: dict[str, Any] = {"ballots": len(cast), "needed": needed, "results": None}
        view |= {"judged": len({b.item for b in cast}), "items": len(items)}
        if of.mode == "public" and len(cast) >= needed:
            found = compute(self._booth, protocol, language)
            view["models"] = sorted(self._booth.collection.variants)
            view["results"] = json.loads(json.dumps(dataclasses.asdict(found), default=float))
        return view
