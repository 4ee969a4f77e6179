"""The state of all work, computed from the entries: who has each item, what was last written, what was submitted."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from coig_writer.workbench.server.entries import Entry, Key, Work

State = Literal["open", "submitted", "skipped", "released", "set_aside"]
CLOCKS_APART_S = 60  # by which a page's count of its work may exceed the server's
_STATES: dict[str, State] = {
    "assign": "open",
    "submit": "submitted",
    "skip": "skipped",
    "release": "released",
    "set_aside": "set_aside",
}


@dataclasses.dataclass(slots=True)
class Thread:
    """What one person did for one item in one round.

    Attributes:
        number: Of the last entry.
        state: What is submitted may be submitted again.
        content: What was last written.
        answer: What was last submitted and counts; None if nothing does.
        answered_by: The id of the entry with that answer.
        seconds: Of work.
        flags: What the operator was told.
        reason: Why it was skipped.
        drafted: What a model had drafted for this person before that answer; empty if they did not ask.
        drafted_by: The id of the entry with that draft.
        asked: The last draft of a model and its entry, whether an answer followed or not.
        began: When it was taken up.
        last: When it was last touched.
    """

    number: int = 0
    state: State = "open"
    content: dict[str, Any] = dataclasses.field(default_factory=dict)
    answer: dict[str, Any] | None = None
    answered_by: str | None = None
    seconds: float = 0.0
    flags: list[str] = dataclasses.field(default_factory=list)
    reason: str = ""
    drafted: dict[str, Any] = dataclasses.field(default_factory=dict)
    drafted_by: str | None = None
    asked: tuple[dict[str, Any], str | None] = ({}, None)
    began: str = ""
    last: str = ""

    def spare_seconds(self, at: str) -> float:
        """Returns how much work there may have been that is not counted yet: no more than time went by."""
        began, end = (datetime.datetime.fromisoformat(time) for time in (self.began or at, at))
        return max(0.0, (end - began).total_seconds() + CLOCKS_APART_S - self.seconds)

    def add(self, entry: Entry) -> None:
        """Takes one more entry in."""
        self.number = entry.number
        self.seconds += entry.seconds
        self.began, self.last = self.began or entry.created_at, entry.created_at
        if entry.kind == "flag":
            self.flags.append(str(entry.content.get("note", "")))
            return
        if entry.kind in ("draft", "submit"):
            self.content = entry.content
        if entry.kind == "submit":
            self.answer, self.answered_by = entry.content, entry.id
            self.drafted, self.drafted_by = self.asked
        if entry.kind == "assist":
            self.asked = entry.content, entry.id
            return
        if entry.kind == "set_aside":
            self.answer = self.answered_by = None
        if entry.kind == "skip":
            self.reason = str(entry.content.get("reason", ""))
        if entry.kind == "draft":
            self.state = "open" if self.state != "submitted" else "submitted"
        else:
            self.state = _STATES.get(entry.kind, self.state)


class Threads:
    """All threads, and what is known about the people themselves."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._threads: dict[Key, Thread] = {}
        self._of_item: dict[tuple[Work, str, int], list[str]] = {}
        self.consented: dict[str, str] = {}
        self.left: dict[str, str] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Takes one more entry in."""
        if entry.kind == "consent":
            self.consented[entry.person] = entry.created_at
        if entry.kind == "leave":
            self.left[entry.person] = entry.created_at
        if entry.thread not in self._threads:
            self._of_item.setdefault(entry.thread[:3], []).append(entry.person)
        self._threads.setdefault(entry.thread, Thread()).add(entry)

    def get(self, key: Key) -> Thread:
        """Returns a thread; a new one if nothing was done in it."""
        return self._threads.get(key) or Thread()

    def there(self, key: Key) -> bool:
        """Says whether somebody took an item up."""
        return key in self._threads

    def of_item(self, work: Work, item: str, number: int) -> list[tuple[str, Thread]]:
        """Returns who worked on an item, with their threads."""
        people = self._of_item.get((work, item, number), [])
        return [(p, self._threads[work, item, number, p]) for p in people]

    def answer_ids(self, person: str) -> list[str]:
        """Returns the ids of the entries that hold a person's submitted answers."""
        answered = [
            t for key, t in self._threads.items() if key[3] == person and t.answer is not None
        ]
        return [name for t in answered for name in (t.answered_by, t.drafted_by) if name]

    def forget(self, person: str) -> None:
        """Removes from every thread of a person what was not submitted."""
        for key, thread in self._threads.items():
            if key[3] == person:
                thread.content = thread.answer or {}
                thread.flags.clear()
                if thread.answer is None:
                    thread.drafted, thread.drafted_by = {}, None
                thread.asked = thread.drafted, thread.drafted_by

    def of(self, work: Work, person: str | None = None) -> Iterator[tuple[Key, Thread]]:
        """Yields the threads of one kind of work, of all or of one person, oldest first."""
        for key, thread in self._threads.items():
            if key[0] == work and person in (None, key[3]):
                yield key, thread
