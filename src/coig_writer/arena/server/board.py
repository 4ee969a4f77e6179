"""The board: results for the page, hidden until there are enough votes, computed at most so often."""

from __future__ import annotations

import dataclasses
import json
import threading
import time

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


def compute(booth: Booth, protocol: Protocol, language: str, first: int | None = None) -> Results:
    """Computes the results of one protocol and language from the store.

    Args:
        booth: The study.
        protocol: What was asked.
        language: Language of the texts.
        first: How many votes count, oldest first, each with its repeats so far; None takes all.
    """
    ballots = ballots_of(booth, protocol, language)
    if first is not None:
        last = [place for place, b in enumerate(ballots) if b.repeat == 0][first - 1]
        ballots = ballots[: last + 1]
    return results(
        ballots,
        protocol,
        sorted(booth.collection.variants),
        genre={p.query_id: p.genre for p in booth.collection.prompts},
        language={p.query_id: p.language for p in booth.collection.prompts},
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    view: dict[str, object]
    until: float


class Board:
    """Keeps the last results, so that readers cannot slow voters down.

    One reader at a time makes them anew, the others get those that are there. Making them may take a
    tenth of the time at most: what took a second stays for ten.

    Results move in steps of as many votes as they need to be shown at all, and a withdrawal shows in the
    next step: who looked before and after a vote of their own would else read its authors off the difference.
    """

    def __init__(self, booth: Booth) -> None:
        self._booth = booth
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._making = threading.Lock()
        self._stepped: dict[tuple[str, str], tuple[int, dict[str, object]]] = {}

    def view(self, protocol: Protocol, language: str) -> dict[str, object]:
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

    def _made(self, protocol: Protocol, language: str) -> dict[str, object]:
        of = self._booth.study
        cast = [b for b in ballots_of(self._booth, protocol, language) if b.repeat == 0]
        needed = max(1, of.results_after)
        seats = self._booth.seats(protocol, language)
        items = {self._booth.item_name(task) for seat in seats for task in seat}
        view: dict[str, object] = {"ballots": len(cast), "needed": needed, "results": None}
        view |= {"judged": len({b.item for b in cast}), "items": len(items)}
        counted = len(cast) // needed * needed
        if of.mode == "public" and counted:
            view["models"] = sorted(self._booth.collection.variants)
            step, shown = self._stepped.get((protocol, language), (0, {}))
            if counted > step:
                found = compute(self._booth, protocol, language, counted)
                shown = json.loads(json.dumps(dataclasses.asdict(found), default=float))
                self._stepped[protocol, language] = (counted, shown)
            view["results"] = shown
        return view
