"""The board: the last results, made at most so often, so that readers cannot slow voters down."""

from __future__ import annotations

import dataclasses
import json
import threading
import time

from coig_writer.arena.server.tally import Tally, TallyProcess
from coig_writer.ballot import Protocol

FRESH_S = 5.0
STAYS = 9  # times as long as they took to make, at least


@dataclasses.dataclass(frozen=True, slots=True)
class CachedResults:
    """A view, and the same as the bytes of a reply; ``until`` by the monotonic clock."""

    view: dict[str, object]
    body: bytes
    until: float


class Board:
    """Keeps the last results of each protocol and language.

    One reader at a time has them made anew, the others get those that are there. Making them may take a
    tenth of the time at most: what took a second stays for ten.
    """

    def __init__(self, tally: Tally | TallyProcess) -> None:
        self._tally = tally
        self._kept: dict[tuple[str, str], CachedResults] = {}
        self._making = threading.Lock()

    def cached(self, protocol: Protocol, language: str) -> CachedResults | None:
        """Returns the last results if they are fresh or being made anew, without waiting for anything."""
        kept = self._kept.get((protocol, language))
        usable = kept and (time.monotonic() < kept.until or self._making.locked())
        return kept if usable else None

    def latest(self, protocol: Protocol, language: str) -> CachedResults:
        """Returns the results, made now if they have to be."""
        cached = self.cached(protocol, language)
        if cached:
            return cached
        with self._making:
            results = self._kept.get((protocol, language))  # perhaps made while this one waited
            began = time.monotonic()
            if results is None or began >= results.until:
                view = self._tally.view(protocol, language)
                ended = time.monotonic()
                until = ended + max(FRESH_S, STAYS * (ended - began))
                body = json.dumps(view, ensure_ascii=False).encode()
                results = self._kept[protocol, language] = CachedResults(view, body, until)
            return results

    def view(self, protocol: Protocol, language: str) -> dict[str, object]:
        """Returns what the public may see: counts, and results once there are enough ballots."""
        return self.latest(protocol, language).view

    def overview(self) -> dict[str, object]:
        """Returns how the whole study stands, made now, for who runs it."""
        return self._tally.overview()

    def close(self) -> None:
        """Ends what makes the results."""
        self._tally.close()
