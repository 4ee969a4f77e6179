"""One rater's way through a study, without HTTP: take a seat, see an item, vote, look back.

Everything a rater gets before a vote is built in ``Desk.view``; it holds texts, positions and
opaque ids, and nothing that depends on a model's name.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from coig_writer.arena.server.database import DuplicateError, now
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.answers import Collection
from coig_writer.arena.study.assignment import Task, seats, turned
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.verdicts import named_verdict, positions
from coig_writer.ballot import Ballot, Protocol
from coig_writer.errors import InputError

MAX_DESKS = 5_000
TICK_S = 0.001  # of the page's clock; a page may send less, down to where a quotient is infinite
OPENING = 60  # characters by which a rater knows a text again
TAGS = (
    "plot_holds",
    "structure_clear",
    "ending_earned",
    "language_precise",
    "voice_distinct",
    "imagery_fresh",
    "off_task",
    "incoherent",
    "cliched",
    "wrong_language",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Vote:
    """What a rater sends: an opaque item and a verdict over positions, counted from 0.

    A tag is ``NAME@POSITION``, or ``NAME`` about the item; ``depths`` is the share of each text that came
    into view. The verdict is ``"left"``…``"skip"`` side by side; a list of positions, best first, ties nested,
    for a ranking; dimension to 0–3 for a rating.
    """

    item: str
    verdict: object
    tags: tuple[str, ...] = ()
    comment: str | None = None
    reported: bool = False
    dwell_s: float | None = None
    depths: tuple[float, ...] | None = None
    interface_language: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Authors:
    """Who wrote what in one item, in the order shown, beside the first words of each text."""

    prompt: str
    openings: tuple[str, ...]
    models: tuple[str, ...]


class Desk:
    """The items of one rater in one protocol and language; knows which are done, and how much is left to read."""

    def __init__(
        self, tasks: Mapping[str, Task], done: set[str], characters: Mapping[str, int] | None = None
    ) -> None:
        self.tasks = tasks
        self._characters = characters or {}
        self.done = done
        self.characters_left = sum(n for t, n in self._characters.items() if t not in done)
        self.shown_at: dict[str, float] = {}
        self._order = list(tasks)
        self._reached = 0

    def finish(self, token: str) -> None:
        """Notes that an item is done."""
        if token not in self.done:
            self.done.add(token)
            self.characters_left -= self._characters.get(token, 0)

    def next(self) -> str | None:
        """Returns the opaque id of the next open item, or None."""
        while self._reached < len(self._order) and self._order[self._reached] in self.done:
            self._reached += 1
        return self._order[self._reached] if self._reached < len(self._order) else None


class Booth:
    """The study as raters meet it.

    Args:
        study: How it is run.
        collection: What it shows.
        store: Where ballots go.
        identity: Makes pseudonyms and opaque ids.
    """

    def __init__(
        self, study: Study, collection: Collection, store: Store, identity: Identity
    ) -> None:
        self.study, self.collection, self.store, self.identity = study, collection, store, identity
        self.prompts = {prompt.query_id: prompt for prompt in collection.prompts}
        self._seats: dict[tuple[str, str], list[list[Task]]] = {}
        self._desks: OrderedDict[tuple[str, str, str], Desk] = OrderedDict()
        self._lock = threading.RLock()
        self.on_ballot: Callable[[], None] = lambda: None

    def seats(self, protocol: Protocol, language: str) -> list[list[Task]]:
        """Returns the tasks of every seat of one protocol and language."""
        with self._lock:
            key = (protocol, language)
            if key not in self._seats:
                prompts = self.collection.in_language(language)
                n_models = len(self.collection.variants)
                self._seats[key] = seats(self.study, prompts, protocol, n_models)
            return self._seats[key]

    def checked(self, protocol: str, language: str) -> tuple[Protocol, str]:
        """Returns protocol and language if the study has them.

        Raises:
            InputError: It has not.
        """
        for known in self.study.protocols:
            if protocol == known and language in self.collection.languages:
                return known, language
        raise InputError(
            f"this study has no protocol {protocol!r} in {language!r}",
            f"protocols: {', '.join(self.study.protocols)}; languages: {', '.join(self.collection.languages)}",
        )

    def sit(self, rater: str, protocol: Protocol, language: str) -> Desk:
        """Gives a rater a seat, or the one the rater has; a public rater who is done gets a further one."""
        with self._lock:
            desk = self.desk(rater, protocol, language)
            if desk is None or (self.study.mode == "public" and desk.next() is None):
                desk = self._seated(rater, protocol, language)
            return desk

    def _seated(self, rater: str, protocol: Protocol, language: str) -> Desk:
        if self.study.mode == "invited":
            return self._opened(rater, protocol, language, [self._invited_seat(rater)])
        desk = self.desk(rater, protocol, language)
        if desk and not self._anything_left(rater, protocol, language):
            return desk
        for _ in self.seats(protocol, language):
            self.store.take_seat(self.study.study, protocol, language, rater)
            self._desks.pop((rater, protocol, language), None)
            desk = self.desk(rater, protocol, language)
            if desk and desk.next() is not None:
                break
        assert desk is not None, "a seat was taken"
        return desk

    def _anything_left(self, rater: str, protocol: Protocol, language: str) -> bool:
        voted = self.store.voted(self.study.study, rater, protocol)
        told = self.store.revealed(self.study.study, rater)
        return any(
            (self.item_name(task), task.repeat) not in voted and not told & self._texts(task)
            for seat in self.seats(protocol, language)
            for task in seat
        )

    def _characters(self, task: Task) -> int:
        answers = self.prompts[task.unit.query_id].answers
        return sum(len(answers[model]) for model in task.shown)

    def _texts(self, task: Task) -> set[tuple[str, str]]:
        return {(task.unit.query_id, self.collection.variants[m]) for m in task.shown}

    def _invited_seat(self, rater: str) -> int:
        pseudonyms = [self.identity.rater("invited", name) for name in self.study.raters]
        if rater not in pseudonyms:
            raise InputError("this study is by invitation", "open the link that was sent to you")
        return pseudonyms.index(rater)

    def desk(self, rater: str, protocol: Protocol, language: str) -> Desk | None:
        """Returns the desk of a rater who has a seat, else None; may read the store."""
        with self._lock:
            key = (rater, protocol, language)
            if key in self._desks:
                self._desks.move_to_end(key)
                return self._desks[key]
            if self.study.mode == "invited":
                held = [self._invited_seat(rater)]
            else:
                held = self.store.seats_of(self.study.study, protocol, language, rater)
            return self._opened(rater, protocol, language, held) if held else None

    def at_hand(self, rater: str, protocol: Protocol, language: str) -> Desk | None:
        """Returns a desk that is open already, without waiting for anything."""
        return self._desks.get((rater, protocol, language))

    def _opened(self, rater: str, protocol: Protocol, language: str, held: Sequence[int]) -> Desk:
        voted = self.store.voted(self.study.study, rater, protocol)
        told = self.store.revealed(self.study.study, rater)
        tasks: dict[str, Task] = {}
        seen: set[tuple[str, int]] = set()
        done: set[str] = set()
        for ordinal in held:
            for place, task in enumerate(self._dealt(protocol, language, ordinal)):
                name = (self.item_name(task), task.repeat)
                known = name not in voted and told & self._texts(task)
                if name in seen or known:
                    continue
                seen.add(name)
                token = self.identity.sign("item", rater, protocol, language, ordinal, place)
                tasks[token] = task
                if name in voted:
                    done.add(token)
        characters = {token: self._characters(task) for token, task in tasks.items()}
        desk = Desk(tasks, done, characters)
        self._desks[rater, protocol, language] = desk
        if len(self._desks) > MAX_DESKS:
            self._desks.popitem(last=False)
        return desk

    def _dealt(self, protocol: Protocol, language: str, ordinal: int) -> Sequence[Task]:
        """Seats repeat when all are taken; each round turns every order by another row."""
        dealt = self.seats(protocol, language)
        return [turned(task, ordinal // len(dealt)) for task in dealt[ordinal % len(dealt)]]

    def item_name(self, task: Task) -> str:
        """Returns the name of an item in ballots: the query and, if not all models, which ones."""
        if len(task.unit.models) == len(self.collection.variants):
            return task.unit.query_id
        names = sorted(self.collection.variants[m] for m in task.unit.models)
        return f"{task.unit.query_id}:{'+'.join(names)}"

    def view(self, protocol: Protocol, desk: Desk) -> dict[str, object]:
        """Returns what the page may know: the next item's texts by position, and progress."""
        token = desk.next()
        progress = {"done": len(desk.done), "total": len(desk.tasks)}
        progress["characters"] = desk.characters_left
        if token is None:
            return {"protocol": protocol, "progress": progress, "item": None}
        desk.shown_at.setdefault(token, time.monotonic())
        task = desk.tasks[token]
        prompt = self.prompts[task.unit.query_id]
        return {
            "protocol": protocol,
            "progress": progress,
            "item": {
                "id": token,
                "language": prompt.language,
                "genre": prompt.genre,
                "prompt": prompt.text,
                "answers": [prompt.answers[model] for model in task.shown],
            },
        }

    def vote(self, rater: str, protocol: Protocol, language: str, vote: Vote) -> str:
        """Stores a vote and returns its ballot's id; for raters without a server.

        Raises:
            InputError: Not an item of this rater, or a verdict that does not fit.
            DuplicateError: The rater already voted on it.
        """
        desk = self.desk(rater, protocol, language) or Desk({}, set())
        ballot = self.ballot(rater, protocol, desk, vote)
        (error,) = self.store.add_all([ballot])
        return self.receipt(desk, vote, ballot, error)

    def ballot(self, rater: str, protocol: Protocol, desk: Desk, vote: Vote) -> Ballot:
        """Makes the ballot of a vote; it counts once the store has it.

        Raises:
            InputError: Not an item of this rater, or a verdict that does not fit.
        """
        if vote.item not in desk.tasks:
            raise InputError("this item is not yours", "open the page again")
        task = desk.tasks[vote.item]
        shown = tuple(self.collection.variants[m] for m in task.shown)
        tags = sorted({_named_tag(tag, shown) for tag in vote.tags})
        verdict = named_verdict(protocol, vote.verdict, shown, ties=self.study.ties)
        if vote.depths is not None and len(vote.depths) != len(shown):
            raise InputError("depths of other texts than were shown", "give one for each text")
        since = desk.shown_at.get(vote.item)
        elapsed = None if since is None else round(time.monotonic() - since, 3)
        return Ballot(
            id=uuid.uuid4().hex,
            study=self.study.study,
            protocol=protocol,
            item=self.item_name(task),
            query_id=task.unit.query_id,
            rater=rater,
            repeat=task.repeat,
            shown=shown,
            verdict=json.dumps(verdict, ensure_ascii=False),
            tags=tuple(tags),
            comment=vote.comment or None,
            reported=vote.reported,
            created_at=now(),
            dwell_s=vote.dwell_s,
            scroll=min(vote.depths) if vote.depths else None,
            velocity=velocity(self._characters(task), vote.dwell_s, elapsed),
            interface_language=vote.interface_language,
            consent=True,
            elapsed_s=elapsed,
            depths=vote.depths,
        )

    def receipt(self, desk: Desk, vote: Vote, ballot: Ballot, error: Exception | None) -> str:
        """Returns the id of a ballot that the store took, or raises what it said instead."""
        if error is None or isinstance(error, DuplicateError):
            desk.finish(vote.item)
        if error is not None:
            raise error
        self.on_ballot()
        return ballot.id

    def authors(self, rater: str, protocol: Protocol, language: str) -> list[Authors]:
        """Tells a rater of a public study who wrote what, once a sitting is over.

        Texts whose authors a rater knows are no longer handed out to that rater, in any protocol.

        Raises:
            InputError: The study reveals nothing, or items of the sitting are still open.
        """
        with self._lock:
            desk = self.desk(rater, protocol, language)
            if self.study.mode != "public" or desk is None or desk.next() is not None:
                raise InputError("authors are told at the end of a sitting", "vote on every item")
            first = [task for task in desk.tasks.values() if task.repeat == 0]
            self.store.reveal(
                self.study.study, rater, set().union(*(self._texts(task) for task in first))
            )
            for key in [key for key in self._desks if key[0] == rater]:
                del self._desks[key]
        self.on_ballot()
        return [self._authors(task) for task in first]

    def _authors(self, task: Task) -> Authors:
        prompt = self.prompts[task.unit.query_id]
        return Authors(
            prompt.text,
            tuple(prompt.answers[m].split("\n")[0][:OPENING] for m in task.shown),
            tuple(self.collection.variants[m] for m in task.shown),
        )

    def history(self, rater: str) -> list[dict[str, object]]:
        """Returns a rater's own votes, newest first, over positions and without names."""
        gone = {t.ballot for t in self.store.tombstones()}
        return [
            {
                "id": b.id,
                "protocol": b.protocol,
                "prompt": self.prompts[b.query_id].text
                if b.query_id in self.prompts
                else b.query_id,
                "verdict": positions(b),
                "created_at": b.created_at,
                "dwell_s": b.dwell_s,
                "withdrawn": b.id in gone,
            }
            for b in reversed(self.store.ballots(self.study.study, rater))
        ]


def _named_tag(tag: str, shown: Sequence[str]) -> str:
    """Turns a tag about a position into one about a variant."""
    name, about, position = tag.partition("@")
    places = {str(place): variant for place, variant in enumerate(shown)}
    if name not in TAGS or (about and position not in places):
        raise InputError(f"unknown tag {tag!r}", f"tags are {', '.join(TAGS)}, with @POSITION")
    return f"{name}@{places[position]}" if about else name


def velocity(
    characters: int, dwell_s: float | None, elapsed_s: float | None = None
) -> float | None:
    """Returns characters shown per second of attention; None where no time was recorded.

    Nobody attends longer than the item was shown: of the two clocks the shorter time counts.
    """
    times = [seconds for seconds in (dwell_s, elapsed_s) if seconds]
    if not times:
        return None
    return characters / max(min(times), TICK_S)
