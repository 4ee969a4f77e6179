"""One rater's way through a study, without HTTP: take a seat, see an item, vote, look back.

Everything a rater gets before a vote is built in ``TaskQueue.view``; it holds texts, positions and
opaque ids, and nothing that depends on a model's name.
"""

from __future__ import annotations

import dataclasses
import datetime
import hmac
import json
import random
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence

from coig_writer.arena.server.database import DuplicateError, now
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.answers import Collection
from coig_writer.arena.study.assignment import Task, Unit, refill, seats, turned, wanted_raters
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.verdicts import named_verdict, positions
from coig_writer.ballot import Ballot, Protocol
from coig_writer.errors import InputError

MAX_QUEUES = 5_000
HELD_S = 3600.0  # for which a visitor's open items count as about to be judged
TICK_S = 0.001  # of the page's clock; a page may send less, down to where a quotient is infinite
# os.urandom (and so uuid4) gives the interpreter away, and waits for the writer's thread to get it back
_IDS = random.Random()
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
    for a ranking; dimension to 0–3 for a rating. ``shown`` is what the item's view said.
    """

    item: str
    verdict: object
    tags: tuple[str, ...] = ()
    comment: str | None = None
    reported: bool = False
    dwell_s: float | None = None
    depths: tuple[float, ...] | None = None
    interface_language: str | None = None
    shown: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Authors:
    """Who wrote what in one item, in the order shown, beside the first words of each text."""

    prompt: str
    openings: tuple[str, ...]
    models: tuple[str, ...]


class TaskQueue:
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


class StudyService:
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
        self.raters = {identity.rater("invited", name): name for name in study.raters}
        self.founders = store.founders(study.study) or tuple(self.raters)
        self._seats: dict[tuple[str, str], list[list[Task]]] = {}
        self._queues: OrderedDict[tuple[str, str, str], TaskQueue] = OrderedDict()
        self._lock = threading.RLock()
        self.on_ballot: Callable[[], None] = lambda: None

    def seats(self, protocol: Protocol, language: str) -> list[list[Task]]:
        """Returns the tasks of every seat of one protocol and language."""
        with self._lock:
            key = (protocol, language)
            if key not in self._seats:
                prompts = self.collection.in_language(language)
                n_models = len(self.collection.variants)
                founders = len(self.founders)
                self._seats[key] = seats(self.study, prompts, protocol, n_models, founders)
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

    def admit(
        self, rater: str, protocol: Protocol, language: str, known_by: str | None = None
    ) -> TaskQueue:
        """Gives a rater a seat, or the one the rater has; a public rater who is done gets a further one.

        Args:
            rater: Who sits down.
            protocol: What is asked.
            language: Language of the texts.
            known_by: ``account`` or ``cookie``: what a visitor is known by.
        """
        with self._lock:
            queue = self.queue(rater, protocol, language)
            if queue is not None and (self.study.mode == "invited" or queue.next() is not None):
                return queue
            ordinal = self._seat_for(rater, protocol, language)
            if ordinal is None:
                assert queue is not None, "a rater without a queue has something left"
                return queue
            self.store.take_seat(self.study.study, protocol, language, rater, ordinal, known_by)
            self._queues.pop((rater, protocol, language), None)
            taken = self.queue(rater, protocol, language)
            assert taken is not None, "a seat was taken"
            return taken

    def _seat_for(self, rater: str, protocol: Protocol, language: str) -> int | None:
        """Returns the seat a visitor gets: of those with something left the one that lacks most votes.

        A seat that was taken lately lacks nothing: whoever took it is at it. In the first round the seats
        go in turn; None if the rater has judged everything.
        """
        assigned = self.seats(protocol, language)
        taken = self.store.seats(self.study.study, protocol, language)
        open_to = self._open_to(rater, protocol)
        free = [seat for seat, tasks in enumerate(assigned) if any(map(open_to, tasks))]
        untaken = [seat for seat in free if seat not in taken]
        if untaken or not free:
            return untaken[0] if untaken else None
        late = _held_since()
        rounds = Counter(ordinal % len(assigned) for ordinal in taken)
        held = {ordinal % len(assigned) for ordinal, at in taken.items() if at > late}
        lacking = self._lacking(protocol, language, [seat for seat in free if seat not in held])
        seat = min(free, key=lambda seat: (-lacking.get(seat, 0), rounds[seat], seat))
        return next(
            o
            for o in range(seat, seat + len(assigned) * (len(taken) + 1), len(assigned))
            if o not in taken
        )

    def _lacking(self, protocol: Protocol, language: str, chosen: Sequence[int]) -> dict[int, int]:
        """Returns how many votes the items of chosen seats lack; counts none where no seat is chosen."""
        if not chosen:
            return {}
        assigned = self.seats(protocol, language)
        votes = Counter(item for item, _ in self.store.answered(self.study.study, protocol))
        wanted = wanted_raters(assigned)
        return {
            seat: sum(
                max(0, wanted[task.unit] - votes[self.item_name(task)])
                for task in assigned[seat]
                if task.repeat == 0
            )
            for seat in chosen
        }

    def _open_to(self, rater: str, protocol: Protocol) -> Callable[[Task], bool]:
        voted = self.store.voted(self.study.study, rater, protocol)
        revealed = self.store.revealed(self.study.study, rater)
        return lambda task: (
            (self.item_name(task), task.repeat) not in voted
            and not (revealed and revealed & self._texts(task))
        )

    def _characters(self, task: Task) -> int:
        answers = self.prompts[task.unit.query_id].answers
        return sum(len(answers[model]) for model in task.shown)

    def _texts(self, task: Task) -> set[tuple[str, str]]:
        return {(task.unit.query_id, self.collection.variants[m]) for m in task.shown}

    def queue(self, rater: str, protocol: Protocol, language: str) -> TaskQueue | None:
        """Returns the queue of a rater who has a seat, else None; may read the store."""
        with self._lock:
            key = (rater, protocol, language)
            if key in self._queues:
                self._queues.move_to_end(key)
                return self._queues[key]
            if self.study.mode == "invited":
                held = [(self._ordinal(rater), self._invited_tasks(rater, protocol, language))]
            else:
                taken = self.store.seats_of(self.study.study, protocol, language, rater)
                held = [
                    (ordinal, self._tasks_of_seat(protocol, language, ordinal)) for ordinal in taken
                ]
            return self._opened(rater, protocol, language, held) if held else None

    def _ordinal(self, rater: str) -> int:
        """Returns the number of an invited rater's seat; -1 for one who came later.

        Raises:
            InputError: The rater was not invited, or is no longer.
        """
        if rater not in self.raters:
            raise InputError("this study is by invitation", "open the link that was sent to you")
        return self.founders.index(rater) if rater in self.founders else -1

    def _invited_tasks(self, rater: str, protocol: Protocol, language: str) -> Sequence[Task]:
        """Returns what an invited rater judges; who came later is assigned tasks now, and keeps it."""
        tasks = self.assigned(rater, protocol, language)
        if tasks is None:
            tasks = self._refilled(rater, protocol, language)
            rows = [(task.unit.query_id, task.shown, task.repeat) for task in tasks]
            self.store.keep_assignment(self.study.study, protocol, language, rater, rows)
        return tasks

    def assigned(self, rater: str, protocol: Protocol, language: str) -> Sequence[Task] | None:
        """Returns what was assigned to an invited rater; None to one who came later and has not begun."""
        if rater in self.founders:
            return self.seats(protocol, language)[self.founders.index(rater)]
        kept = self.store.assignment(self.study.study, protocol, language, rater)
        units = {
            (unit.query_id, frozenset(unit.models)): unit
            for unit in wanted_raters(self.seats(protocol, language))
        }
        return [
            Task(units[q, frozenset(shown)], shown, repeat) for q, shown, repeat in kept
        ] or None

    def covered(self, protocol: Protocol, language: str) -> dict[Unit, int]:
        """Returns by unit the raters who judged it or, being still invited, have it before them."""
        answered = self.store.answered(self.study.study, protocol)
        for rater in self.raters:
            tasks = self.assigned(rater, protocol, language) or ()
            answered |= {(self.item_name(task), rater) for task in tasks}
        counts = Counter(item for item, _ in answered)
        units = wanted_raters(self.seats(protocol, language))
        return {unit: counts[self.item_of(unit)] for unit in units}

    def _refilled(self, rater: str, protocol: Protocol, language: str) -> list[Task]:
        covered = self.covered(protocol, language)
        return refill(self.study, protocol, self.seats(protocol, language), covered, rater)

    def cached(self, rater: str, protocol: Protocol, language: str) -> TaskQueue | None:
        """Returns a queue that is open already, without waiting for anything."""
        return self._queues.get((rater, protocol, language))

    def _opened(
        self,
        rater: str,
        protocol: Protocol,
        language: str,
        held: Sequence[tuple[int, Sequence[Task]]],
    ) -> TaskQueue:
        voted = self.store.voted(self.study.study, rater, protocol)
        revealed = self.store.revealed(self.study.study, rater)
        tasks: dict[str, Task] = {}
        seen: set[tuple[str, int]] = set()
        done: set[str] = set()
        for ordinal, tasks_of_seat in held:
            for place, task in enumerate(tasks_of_seat):
                name = (self.item_name(task), task.repeat)
                author_known = name not in voted and revealed & self._texts(task)
                if name in seen or author_known:
                    continue
                seen.add(name)
                # Of study and texts too: the page gives a lost vote again by this id.
                of_task = (self.study.study, task.unit.query_id, task.shown, ordinal, place)
                token = self.identity.sign("item", rater, protocol, language, *of_task)
                tasks[token] = task
                if name in voted:
                    done.add(token)
        characters = {token: self._characters(task) for token, task in tasks.items()}
        queue = TaskQueue(tasks, done, characters)
        self._queues[rater, protocol, language] = queue
        if len(self._queues) > MAX_QUEUES:
            self._queues.popitem(last=False)
        return queue

    def _tasks_of_seat(self, protocol: Protocol, language: str, ordinal: int) -> Sequence[Task]:
        """Seats repeat when all are taken; each round turns every order by another row."""
        assigned = self.seats(protocol, language)
        return [
            turned(task, ordinal // len(assigned)) for task in assigned[ordinal % len(assigned)]
        ]

    def known_by(self) -> dict[str, str | None]:
        """Returns by what each rater is known: ``invitation``, ``account``, ``cookie``, or None if nobody wrote it down."""
        if self.study.mode == "public":
            return self.store.known_by(self.study.study)
        return {b.rater: "invitation" for b in self.store.ballots(self.study.study)}

    def item_name(self, task: Task) -> str:
        """Returns the name of an item in ballots: the query and, if not all models, which ones."""
        return self.item_of(task.unit)

    def item_of(self, unit: Unit) -> str:
        """Returns the same of a unit."""
        if len(unit.models) == len(self.collection.variants):
            return unit.query_id
        variants = sorted(self.collection.variants[m] for m in unit.models)
        return f"{unit.query_id}:{'+'.join(variants)}"

    def view(self, protocol: Protocol, queue: TaskQueue) -> dict[str, object]:
        """Returns what the page may know: the next item's texts by position, and progress."""
        token = queue.next()
        progress = {"done": len(queue.done), "total": len(queue.tasks)}
        progress["characters"] = queue.characters_left
        if token is None:
            return {"protocol": protocol, "progress": progress, "item": None}
        shown_at = queue.shown_at.setdefault(token, time.time())
        task = queue.tasks[token]
        prompt = self.prompts[task.unit.query_id]
        return {
            "protocol": protocol,
            "progress": progress,
            "item": {
                "id": token,
                "shown": self._signed(token, f"{shown_at:014.3f}"),
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
        queue = self.queue(rater, protocol, language) or TaskQueue({}, set())
        ballot = self.ballot(rater, protocol, queue, vote)
        (error,) = self.store.add_all([ballot])
        return self.receipt(queue, vote, ballot, error)

    def ballot(self, rater: str, protocol: Protocol, queue: TaskQueue, vote: Vote) -> Ballot:
        """Makes the ballot of a vote; it counts once the store has it.

        Raises:
            InputError: Not an item of this rater, or a verdict that does not fit.
        """
        if vote.item not in queue.tasks:
            raise InputError("this item is not yours", "open the page again")
        task = queue.tasks[vote.item]
        shown = tuple(self.collection.variants[m] for m in task.shown)
        tags = sorted({_named_tag(tag, shown) for tag in vote.tags})
        verdict = named_verdict(protocol, vote.verdict, shown, ties=self.study.ties)
        if vote.depths is not None and len(vote.depths) != len(shown):
            raise InputError(
                "the number of depths differs from the number of texts",
                "give one depth for each text",
            )
        elapsed = self._elapsed(queue, vote)
        return Ballot(
            id=f"{_IDS.getrandbits(128):032x}",
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
            sample=self.study.sample,
        )

    def _elapsed(self, queue: TaskQueue, vote: Vote) -> float | None:
        """Returns the seconds since a vote's item was first shown; None if it was not.

        The view of an item holds the moment, signed, and the vote brings it back: it outlives the server, whose
        restart would otherwise make those who read meanwhile too fast, and a vote that is given again after a loss.
        """
        moments = [queue.shown_at[vote.item]] if vote.item in queue.shown_at else []
        if vote.shown is not None:
            moment = vote.shown.partition(":")[0]
            signed = self._signed(vote.item, moment)
            if hmac.compare_digest(signed.encode(), vote.shown.encode()):
                moments.append(float(moment))
        return max(0.0, round(time.time() - min(moments), 3)) if moments else None

    def _signed(self, item: str, moment: str) -> str:
        return f"{moment}:{self.identity.sign('shown', item, moment)}"

    def receipt(self, queue: TaskQueue, vote: Vote, ballot: Ballot, error: Exception | None) -> str:
        """Returns the id of a ballot that the store took, or raises what it said instead."""
        if error is None or isinstance(error, DuplicateError):
            queue.finish(vote.item)
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
            queue = self.queue(rater, protocol, language)
            if self.study.mode != "public" or queue is None or queue.next() is not None:
                raise InputError(
                    "authors are revealed at the end of a sitting", "vote on every item"
                )
            first = [task for task in queue.tasks.values() if task.repeat == 0]
            self.store.reveal(
                self.study.study, rater, set().union(*(self._texts(task) for task in first))
            )
            for key in [key for key in self._queues if key[0] == rater]:
                del self._queues[key]
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


def _held_since() -> str:
    """Returns the time, as the store writes it, after which a taken seat counts as held."""
    late = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=HELD_S)
    return late.isoformat(timespec="milliseconds")


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
    # A page whose clock never ran says 0; the server's 0 is less than a millisecond.
    times = [seconds for seconds in (dwell_s or None, elapsed_s) if seconds is not None]
    if not times:
        return None
    return characters / max(min(times), TICK_S)
