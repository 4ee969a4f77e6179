"""The workbench without HTTP: who works on what, and what becomes of what they send.

Everything runs in one thread, the event loop's. Whether a version may follow another is decided by the
store's key, so that no lock is needed and no order of requests loses anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from coig_writer.arena.server.database import now
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.study.people import Role, Roster
from coig_writer.errors import KitError
from coig_writer.taxonomy import published
from coig_writer.triplet import Language
from coig_writer.workbench import annotation, review
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Writing
from coig_writer.workbench.forms import (
    Form,
    exercises,
    next_of,
    of_exercise,
    of_query,
    queries,
    standing,
)
from coig_writer.workbench.qualification import Gold
from coig_writer.workbench.review import WITHDRAWN
from coig_writer.workbench.server.checks import check
from coig_writer.workbench.server.curation import Curation
from coig_writer.workbench.server.entries import Entry, Key, Kind, Work
from coig_writer.workbench.server.threads import Threads

# What a kind of work takes; everybody who annotates may do the exercises.
ROLE: Mapping[str, Role] = {
    "annotate": "annotate",
    "review": "review",
    "exercise": "annotate",
    "panel": "panel",
}
WorkItem = annotation.Item | review.Item | Form
ALREADY: Mapping[Language, str] = {"zh": "这一题已经答过", "en": "this exercise was answered"}
Outcome = Literal[
    "saved", "submitted", "skipped", "flagged", "stale", "changed", "removed", "incomplete"
]


@dataclasses.dataclass(frozen=True)
class Submission:
    """What a page sends about an item.

    Attributes:
        id: Made by the page; sent again, it is stored once.
        base: The number of the version that it follows.
        seen: The digest of the text that the page shows.
    """

    id: str
    work: Work
    item: str
    round: int
    base: int
    content: dict[str, Any]
    seconds: float
    seen: str
    language: Language = "zh"


@dataclasses.dataclass(frozen=True)
class PlannedEntry:
    """An entry to store, and what is said once it is."""

    entry: Entry
    outcome: Outcome
    reply: dict[str, object]


class GoneError(KitError):
    """There is no such item for this person."""


class Workbench:
    """A curation with its people.

    Args:
        curation: Its folder.
        roster: Who works there.
        threads: What they did so far.
        identity: Makes pseudonyms.
        gold: What reviewers are calibrated with.
    """

    def __init__(
        self,
        curation: Curation,
        roster: Roster,
        threads: Threads,
        identity: Identity,
        gold: Sequence[Gold] = (),
    ) -> None:
        self.curation, self.roster, self.threads = curation, roster, threads
        self.identity, self.gold = identity, {g.item: g for g in gold}
        self.people = {identity.rater("invited", p.alias): p for p in roster.people}
        self.on_entry: Callable[[], None] = lambda: None

    def may(self, person: str, role: Role) -> bool:
        """Says whether somebody has a role here and has not left."""
        known = self.people.get(person)
        return known is not None and role in known.roles and person not in self.threads.left

    # What somebody is given

    def next(self, person: str, work: Work) -> tuple[str, int] | None:
        """Returns item and round that a person goes on with or takes up; None if nothing is left."""
        if work in ("exercise", "panel"):
            forms = exercises() if work == "exercise" else queries()
            form = next_of(forms, self.chosen(person, work))
            return None if form is None else (form, 0)
        if work == "annotate":
            return None if self.held_back(person) else self._to_annotate(person)
        return self._to_review(person)

    def held_back(self, person: str) -> bool:
        """Says whether somebody gets no articles because of the exercises."""
        passed = set(standing(self.chosen(person)).values()) == {"passed"}
        return self.roster.qualify and not passed

    def chosen(self, person: str, work: Work = "exercise") -> dict[str, dict[str, Any]]:
        """Returns what a person chose, by form."""
        threads = self.threads.of(work, person)
        return {key[1]: t.answer for key, t in threads if t.answer is not None}

    def _to_annotate(self, person: str) -> tuple[str, int] | None:
        items = self.curation.to_annotate()
        for key, thread in self.threads.of("annotate", person):
            if thread.state == "open" and (key[1], key[2]) in items:
                return key[1], key[2]
        mine = [key for key in items if self._free_for(key, person)]
        returned = [key for key in mine if self._wrote_before(key, person)]
        return next(iter(returned or mine), None)

    def _free_for(self, key: tuple[str, int], person: str) -> bool:
        genres, genre = self.people[person].genres, self.curation.to_annotate()[key].genre
        if genres and genre and genre not in genres:
            return False
        taken = self.threads.of_item("annotate", *key)
        if any(p == person and t.state != "released" for p, t in taken):
            return False
        working = [p for p, t in taken if t.state in ("open", "submitted")]
        holding = [p for p in working if p not in self.threads.left or self._answered(key, p)]
        if len(holding) >= self.needed(*key):
            return False
        before = self._writers(key[0], key[1] - 1)
        return not before or person in before

    def _answered(self, key: tuple[str, int], person: str) -> bool:
        return self.threads.get(("annotate", *key, person)).answer is not None

    def _writers(self, document: str, number: int) -> set[str]:
        """Returns who wrote the draft of a round and is still here: a draft goes back to them."""
        threads = self.threads.of_item("annotate", document, number)
        return {p for p, t in threads if t.answer is not None and self.may(p, "annotate")}

    def _wrote_before(self, key: tuple[str, int], person: str) -> bool:
        return person in self._writers(key[0], key[1] - 1)

    def needed(self, document: str, number: int) -> int:
        """Returns how many annotators a document has: two for the share that overlaps, in its first round."""
        digest = hashlib.sha256(f"{self.roster.workbench}\0{document}".encode()).digest()
        drawn = int.from_bytes(digest[:6]) / 2**48
        return 2 if number == 1 and drawn < self.roster.overlap else 1

    def _to_review(self, person: str) -> tuple[str, int] | None:
        waiting = self._reviewable(person)
        states = {item: self.threads.get(("review", item, 0, person)).state for item in waiting}
        order = sorted(
            (item for item, state in states.items() if state != "submitted"),
            key=lambda item: (states[item] == "skipped", self._phase(item)),
        )
        return (order[0], 0) if order else None

    def _reviewable(self, person: str) -> Mapping[str, review.Item]:
        """Returns the drafts that wait for a person, but those of documents that they wrote for."""
        written_for = {
            key[1] for key, t in self.threads.of("annotate", person) if t.answer is not None
        }
        waiting = self.curation.to_review(self.people[person].alias)
        return {n: i for n, i in waiting.items() if review.document_of(n) not in written_for}

    def _phase(self, item: str) -> int:
        """Calibration comes first, then qualification, then what is to be judged."""
        gold = self.gold.get(item)
        if gold is None:
            return 1 if item.startswith(review.GOLD) else 2
        return 0 if gold.phase == "calibration" else 1

    def view(
        self, person: str, work: Work, item: str, number: int, language: Language
    ) -> dict[str, object]:
        """Returns an item as its page shows it, with what the person last wrote.

        Raises:
            GoneError: It does not exist, or is not assigned to this person.
        """
        thread = self.threads.get((work, item, number, person))
        shown_item = self._item(person, work, item, number, language)
        if shown_item is None:
            raise GoneError(f"{item}: this item is gone", "go on to the next one")
        shown = dataclasses.asdict(shown_item) | {
            "work": work,
            "item": item,
            "round": number,
            "seen": digest(shown_item),
            "genre_name": _genre(shown_item.genre, language),
            "number": thread.number,
            "content": thread.content,
            "state": thread.state,
            "flags": thread.flags,
        }
        if isinstance(shown_item, annotation.Item):
            shown["drafted"] = bool(thread.asked[0])
            shown["checks"] = self._checked(shown_item, thread.content, language)
        return shown

    def _item(
        self, person: str, work: str, item: str, number: int, language: Language
    ) -> WorkItem | None:
        if work == "annotate":
            return self.curation.to_annotate().get((item, number))
        if work == "exercise":
            return of_exercise(exercises()[item], language) if item in exercises() else None
        if work == "panel":
            return of_query(queries()[item], language) if item in queries() else None
        return self._reviewable(person).get(item)

    def _checked(
        self, item: annotation.Item, content: Mapping[str, Any], language: Language
    ) -> dict[str, object]:
        return dataclasses.asdict(check(item, writing(content), language))

    def progress(self, person: str, work: Work) -> dict[str, int]:
        """Returns how much a person submitted, and how much waits for them now."""
        threads = self.threads.of(work, person)
        done = {key[1:3] for key, t in threads if t.state == "submitted"}
        waiting: Iterable[tuple[str, int]]
        if work == "annotate":
            free = (key for key in self.curation.to_annotate() if self._free_for(key, person))
            waiting = () if self.held_back(person) else free
        elif work == "review":
            waiting = ((name, 0) for name in self._reviewable(person))
        else:
            waiting = ((name, 0) for name in (exercises() if work == "exercise" else queries()))
        return {"done": len(done), "waiting": sum(key not in done for key in waiting)}

    # What somebody sends

    def taken(self, person: str, work: Work, item: str, number: int) -> Entry | None:
        """Returns the entry by which a person takes an item up; None if it is theirs already."""
        key = (work, item, number, person)
        thread = self.threads.get(key)
        if self.threads.there(key) and thread.state != "released":
            return None
        name = f"assign:{work}:{digest_of(*key)}:{thread.number + 1}"
        return Entry(name, *key, thread.number + 1, "assign", {}, 0.0, now())

    def planned(self, person: str, kind: Kind, sent: Submission) -> PlannedEntry:
        """Decides what is stored of what a page sent, and what is said then.

        What is written is stored whatever else is the case; an answer for a text that changed or went
        away, or with something missing, is stored as a draft.

        Raises:
            GoneError: The person never had this item.
        """
        key: Key = (sent.work, sent.item, sent.round, person)
        if not self.threads.there(key):
            raise GoneError(
                f"{sent.item}: this item is not assigned to this person", "go on to the next one"
            )
        shown = self._item(person, sent.work, sent.item, sent.round, sent.language)
        outcome, reply = self._judged(person, kind, sent, shown)
        stored: Kind = "draft" if kind == "submit" and outcome != "submitted" else kind
        at = now()
        seconds = min(sent.seconds, self.threads.get(key).spare_seconds(at))
        entry = Entry(sent.id, *key, sent.base + 1, stored, sent.content, seconds, at)
        return PlannedEntry(entry, outcome, reply)

    def _judged(
        self,
        person: str,
        kind: Kind,
        sent: Submission,
        shown: WorkItem | None,
    ) -> tuple[Outcome, dict[str, object]]:
        if kind in ("skip", "flag"):
            return "skipped" if kind == "skip" else "flagged", {}
        if shown is None:
            return "removed", {}
        reply: dict[str, object] = {}
        if isinstance(shown, annotation.Item):
            reply["checks"] = self._checked(shown, sent.content, sent.language)
        if sent.seen != digest(shown):
            return "changed", reply | {
                "now": self.view(person, sent.work, sent.item, sent.round, sent.language)
            }
        if kind == "draft":
            return "saved", reply
        if problem := self._problem(person, shown, sent):
            return "incomplete", reply | {"problem": problem}
        return "submitted", reply | self._told(sent)

    def _problem(self, person: str, shown: WorkItem, sent: Submission) -> str:
        if isinstance(shown, Form):
            again = sent.work == "exercise" and sent.item in self.chosen(person)
            return ALREADY[sent.language] if again else shown.problem(sent.content, sent.language)
        if isinstance(shown, review.Item):
            given = verdict(self.people[person].alias, sent.item, sent.content)
            return given.problem(sent.language, shown)
        text = writing(sent.content)
        same = shown.earlier is not None and (text.prompt.strip(), text.reasoning) == (
            (shown.earlier.prompt or "").strip(),
            shown.earlier.reasoning,
        )
        unchanged = {"zh": "与退回的那一稿相同", "en": "this is the draft that was sent back"}
        return text.problem(sent.language) or (unchanged[sent.language] if same else "")

    def _told(self, sent: Submission) -> dict[str, object]:
        """What a reviewer learns after a calibration item, and an annotator after an exercise."""
        if sent.work == "exercise":
            exercise = exercises()[sent.item]
            right = sent.content["choice"] == str(exercise.gold)
            shown = exercise.choices[exercise.gold][sent.language]
            return {"told": {"right": right, "gold": shown, "why": exercise.why[sent.language]}}
        gold = self.gold.get(sent.item)
        if sent.work != "review" or gold is None or gold.phase != "calibration":
            return {}
        return {
            "feedback": {"yours": sent.content["verdict"], "gold": gold.verdict, "why": gold.note}
        }

    def stored(self, entry: Entry) -> None:
        """Takes an entry in that is on disk, and hands answers on to the curation."""
        if entry.number > self.threads.get(entry.thread).number:
            self.threads.add(entry)
        if entry.kind in ("submit", "set_aside", "leave"):
            self.write_answers(entry.person)
        if entry.kind == "leave":
            self._name_annotators()
        self.on_entry()

    # What goes on to the curation

    def write_answers(self, person: str) -> None:
        """Writes a person's answers where the stages of curation read them."""
        label = self.label(person)
        if label == WITHDRAWN:
            self.curation.write_annotations(person, ())
        rows = [row for p in self._labelled(label) for row in self._annotations(p, label)]
        if rows or (known := self.people.get(person)) is None or "annotate" in known.roles:
            self.curation.write_annotations(label, rows)
        verdicts = list(self._verdicts(person))
        if verdicts and person in self.people:
            self.curation.add_verdicts(self.people[person].alias, verdicts)
            if label == WITHDRAWN:
                self.curation.forget(self.people[person].alias)

    def write_all_answers(self) -> None:
        """Writes everybody's answers; what an earlier server stored and did not write is made good."""
        for person in {
            key[3] for work in ("annotate", "review") for key, _ in self.threads.of(work)
        }:
            self.write_answers(person)
        self._name_annotators()

    def _name_annotators(self) -> None:
        """Tells the curation which annotators review as well, so that nobody is assigned their own draft."""
        both = {p: k.alias for p, k in self.people.items() if {"annotate", "review"} <= {*k.roles}}
        self.curation.name_annotators({p: a for p, a in both.items() if p not in self.threads.left})

    def label(self, person: str) -> str:
        """Returns how a person is called in what leaves the workbench."""
        return WITHDRAWN if person in self.threads.left else person

    def _labelled(self, label: str) -> list[str]:
        return sorted(self.threads.left) if label == WITHDRAWN else [label]

    def _annotations(self, person: str, label: str) -> Iterator[dict[str, object]]:
        for (_, item, number, _), thread in self.threads.of("annotate", person):
            if thread.answer is not None:
                text = writing(thread.answer)
                drafted = {"draft": thread.drafted} if thread.drafted else {}
                yield drafted | {
                    "id": item,
                    "round": number,
                    "annotator": label,
                    "prompt": text.prompt,
                    "prompt_fields": text.prompt_fields,
                    "reasoning_fields": text.reasoning_fields,
                }

    def _verdicts(self, person: str) -> Iterator[dict[str, object]]:
        for (_, item, _, _), thread in self.threads.of("review", person):
            if thread.answer is not None:
                yield verdict_row(item, thread.answer)


def writing(content: Mapping[str, Any]) -> Writing:
    """Returns the writing of a page's form; missing fields are empty."""
    fields = content.get("prompt_fields"), content.get("reasoning_fields")
    known = [field if isinstance(field, dict) else {} for field in fields]
    return Writing(
        str(content.get("prompt", "")),
        {name: str(known[0].get(name, "")) for name in PROMPT_FIELDS},
        {name: str(known[1].get(name, "")) for name in DECISIONS},
    )


def verdict_row(item: str, content: Mapping[str, Any]) -> dict[str, object]:
    """Returns a verdict as a row of a reviewer's file."""
    row = {"item": item, **{k: content[k] for k in ("verdict", "criteria", "note") if k in content}}
    return row | {k: content[k] for k in ("cause", "spans") if content.get(k)}


def verdict(alias: str, item: str, content: Mapping[str, Any]) -> review.Verdict:
    """Returns the verdict of a page's form.

    Raises:
        InputError: A part of it is missing or of another kind.
    """
    return review.read_verdict(verdict_row(item, content), alias, "the form")


def _genre(slug: str | None, language: Language) -> str:
    known = {genre.slug: genre for genre in published().genres}
    if slug is None or slug not in known:
        return slug or ""
    return known[slug].zh if language == "zh" else known[slug].en


def digest(item: WorkItem) -> str:
    """Returns twelve digits that change with what is shown of an item."""
    if isinstance(item, annotation.Item):
        return digest_of(item.article)
    if isinstance(item, Form):
        return digest_of(item.text)
    return digest_of(item.article, item.prompt, item.reasoning)


def digest_of(*parts: object) -> str:
    """Returns twelve digits of a hash."""
    joined = "\x1f".join(map(str, parts))
    return hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()[:12]
