"""What the public may see of a study's votes, made from the store: here, or by a process of its own.

Results take a second of a core once there are thousands of votes, and Python lends its threads one core
in all: made in the server's process they halve the votes it takes. ``TallyProcess`` makes them elsewhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pickle
import subprocess
import sys
import threading

from coig_writer.arena.server.database import StoreError
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.results import Results, overview, results
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.store import Store, standing
from coig_writer.ballot import Ballot, Protocol
from coig_writer.errors import run_command

NICE = 10  # votes come first


def ballots_of(service: StudyService, protocol: Protocol, language: str) -> list[Ballot]:
    """Returns the standing ballots of one protocol and language."""
    ballots = standing(service.store.ballots(service.study.study), service.store.tombstones())
    return [
        b
        for b in ballots
        if b.protocol == protocol
        and b.query_id in service.prompts
        and service.prompts[b.query_id].language == language
    ]


def compute(
    service: StudyService, protocol: Protocol, language: str, first: int | None = None
) -> Results:
    """Computes the results of one protocol and language from the store.

    Args:
        service: The study.
        protocol: What was asked.
        language: Language of the texts.
        first: How many votes count, oldest first, each with its repeats so far; None takes all.
    """
    return _computed(service, ballots_of(service, protocol, language), protocol, first)


def _computed(
    service: StudyService, ballots: list[Ballot], protocol: Protocol, first: int | None
) -> Results:
    if first is not None:
        last = [place for place, b in enumerate(ballots) if b.repeat == 0][first - 1]
        ballots = ballots[: last + 1]
    return results(
        ballots,
        protocol,
        sorted(service.collection.variants),
        genre={p.query_id: p.genre for p in service.collection.prompts},
        language={p.query_id: p.language for p in service.collection.prompts},
        known_by=service.known_by(),
    )


class Tally:
    """Makes the public view: counts, and results once there are enough votes.

    Results move in steps of as many votes as they need to be shown at all, and a withdrawal shows in the
    next step: who looked before and after a vote of their own would else read its authors off the difference.
    """

    def __init__(self, service: StudyService) -> None:
        self._service = service
        self._stepped: dict[tuple[str, str], tuple[int, dict[str, object]]] = {}

    def view(self, protocol: Protocol, language: str) -> dict[str, object]:
        """Returns what the public may see of one protocol and language, now."""
        study = self._service.study
        ballots = ballots_of(self._service, protocol, language)
        cast = [b for b in ballots if b.repeat == 0]
        needed = max(1, study.results_after)
        seats = self._service.seats(protocol, language)
        items = {self._service.item_name(task) for seat in seats for task in seat}
        view: dict[str, object] = {"ballots": len(cast), "needed": needed, "results": None}
        view |= {"judged": len({b.item for b in cast}), "items": len(items)}
        counted = len(cast) // needed * needed
        if study.mode == "public" and counted:
            view["models"] = sorted(self._service.collection.variants)
            step, shown = self._stepped.get((protocol, language), (0, {}))
            if counted > step:
                results = _computed(self._service, ballots, protocol, counted)
                shown = json.loads(json.dumps(dataclasses.asdict(results), default=float))
                self._stepped[protocol, language] = (counted, shown)
            view["results"] = shown
        return view

    def overview(self) -> dict[str, object]:
        """Returns how the study stands, for who runs it; see ``results.Overview``."""
        view: dict[str, object] = json.loads(
            json.dumps(dataclasses.asdict(overview(self._service)), default=float)
        )
        return view

    def close(self) -> None:
        """Ends nothing; see ``TallyProcess``."""


class TallyProcess:
    """The same tally in a process of its own, which ends with this one, however that ends.

    The texts stay here: the other process gets the study, the prompts' names and the store's address.
    """

    def __init__(self, service: StudyService) -> None:
        bare = tuple(
            dataclasses.replace(p, text="", answers=()) for p in service.collection.prompts
        )
        collection = dataclasses.replace(service.collection, prompts=bare, findings=())
        self._told = pickle.dumps((service.study, collection, service.store.url, service.raters))
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()

    def view(self, protocol: Protocol, language: str) -> dict[str, object]:
        """Returns what ``Tally.view`` returns; raises as ``_answer``."""
        return self._answer([protocol, language])

    def overview(self) -> dict[str, object]:
        """Returns what ``Tally.overview`` returns; raises as ``_answer``."""
        return self._answer([])

    def _answer(self, question: list[str]) -> dict[str, object]:
        """Asks the process.

        Raises:
            StoreError: The process failed; another one is started at the next call.
        """
        with self._asking:
            try:
                process = self._process or self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                answer: dict[str, object] = json.loads(process.stdout.readline())
            except (OSError, ValueError) as error:
                self._end()
                raise StoreError(
                    "the process that computes the results failed; its error is printed above",
                    "look again in a moment",
                ) from error
            return answer

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the server, which ends this
        )
        assert self._process.stdin is not None
        self._process.stdin.write(self._told)
        return self._process

    def close(self) -> None:
        """Ends the process; a view that waits for its answer ends with it, however long it would take."""
        if (process := self._process) is not None:
            process.kill()
        with self._asking:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(OSError):  # what was not sent is not wanted
                self._process.communicate()
            self._process = None


def main() -> None:
    """Answers each line, a protocol and a language or nothing, with a line of JSON, until the server is gone."""
    os.nice(NICE)
    study, collection, url, raters = pickle.load(sys.stdin.buffer)
    service = StudyService(study, collection, Store(url), Identity(b""))  # it signs nothing here
    service.raters = raters
    tally = Tally(service)
    for line in sys.stdin.buffer:
        question = json.loads(line)
        answer = tally.view(*question) if question else tally.overview()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run_command(main))
