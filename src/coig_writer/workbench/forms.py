"""Questions with choices: the exercises of the annotators' training, and the panel on benchmark queries.

The paper trained annotators for eight hours on four topics (section 2.1) and had experts look at the clarity,
precision and difficulty of each query (section 2.4). The exercises are this kit's own, three for each topic: one to
practise, two that decide. Who chooses otherwise than the gold on one of those is not given articles until an
operator lets them try again.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, Literal

from coig_writer import benchmark
from coig_writer.benchmark import Query
from coig_writer.errors import InputError
from coig_writer.files import parsed
from coig_writer.record import from_row
from coig_writer.triplet import Language

TOPICS = ("good_text", "prompt", "reasoning", "culture")
Said = dict[Language, str]


@dataclasses.dataclass(frozen=True)
class Exercise:
    """A question about a text.

    Attributes:
        id: Its name.
        topic: Which of the guide's four it is about.
        phase: ``gold`` counts, and is answered once.
        text: What is asked about.
        question: By language of the page.
        choices: In the order shown.
        gold: The number of the right one, from 0.
        why: Shown after the answer.
    """

    id: str
    topic: str
    phase: Literal["practice", "gold"]
    text: str
    question: Said
    choices: tuple[Said, ...]
    gold: int
    why: Said


@dataclasses.dataclass(frozen=True)
class Group:
    """One thing to choose: its name in the answer, what is asked, and (value, label) of each choice."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Form:
    """What the page shows: a text and what to choose; of an exercise also its topic, and whether it counts."""

    id: str
    genre: str | None
    text: str
    groups: tuple[Group, ...]
    note: bool
    topic: str | None = None
    counts: bool = False

    def problem(self, content: Mapping[str, Any], language: Language) -> str:
        """Names the first thing that was not chosen; empty if everything was."""
        for group in self.groups:
            if content.get(group.name) not in [value for value, _ in group.choices]:
                return {"zh": f"没有选“{group.label}”", "en": f"choose: “{group.label}”"}[language]
        return ""


@functools.cache
def exercises() -> Mapping[str, Exercise]:
    """Returns the kit's exercises by id, topic by topic.

    Raises:
        InputError: A line of the package data is no exercise.
    """
    file = resources.files("coig_writer") / "data" / "exercises.jsonl"
    by_id = {}
    for place, row in parsed(file.read_bytes().splitlines(keepends=True), file.name):
        exercise = from_row(Exercise, row, place)
        if exercise.topic not in TOPICS or not 0 <= exercise.gold < len(exercise.choices):
            raise InputError(f"{place}: no such topic or choice", "restore the package's data")
        by_id[exercise.id] = exercise
    return by_id


def of_exercise(exercise: Exercise, language: Language) -> Form:
    """Returns an exercise as a form; every second one has its choices turned round, so that no place is always right."""
    choices = [(str(n), choice[language]) for n, choice in enumerate(exercise.choices)]
    if list(exercises()).index(exercise.id) % 2:
        choices.reverse()
    group = Group("choice", exercise.question[language], tuple(choices))
    counts = exercise.phase == "gold"
    return Form(exercise.id, None, exercise.text, (group,), False, exercise.topic, counts)


def missed(name: str, answer: Mapping[str, Any]) -> bool:
    """Says whether an answer to an exercise that counts is another than the gold."""
    exercise = exercises()[name]
    return exercise.phase == "gold" and answer.get("choice") != str(exercise.gold)


def standing(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Returns ``passed``, ``failed`` or ``open`` for each topic.

    Args:
        answers: What somebody chose, by exercise.
    """
    topics = {}
    for topic in TOPICS:
        gold = [e for e in exercises().values() if e.topic == topic and e.phase == "gold"]
        right = [not missed(e.id, answers[e.id]) for e in gold if e.id in answers]
        state = "passed" if len(right) == len(gold) else "open"
        topics[topic] = state if all(right) else "failed"
    return topics


@functools.cache
def queries() -> Mapping[str, Query]:
    """Returns all benchmark queries by id."""
    return {q.id: q for language in benchmark.LANGUAGES for q in benchmark.queries(language)}


_PANEL: Mapping[Language, tuple[Group, ...]] = {
    "zh": (
        Group("clarity", "清楚：读一遍就知道要写什么", (("yes", "是"), ("no", "否"))),
        Group("precision", "准确：要求可以核对，互不矛盾", (("yes", "是"), ("no", "否"))),
        Group("difficulty", "难度", (("easy", "易"), ("medium", "中"), ("hard", "难"))),
    ),
    "en": (
        Group("clarity", "Clear: one reading says what is wanted", (("yes", "yes"), ("no", "no"))),
        Group(
            "precision", "Precise: demands can be checked and agree", (("yes", "yes"), ("no", "no"))
        ),
        Group(
            "difficulty", "Difficulty", (("easy", "easy"), ("medium", "medium"), ("hard", "hard"))
        ),
    ),
}


def of_query(query: Query, language: Language) -> Form:
    """Returns a query as a form for the panel; its own label of difficulty is not shown."""
    return Form(query.id, query.genre, query.query, _PANEL[language], note=True)


def validated(query: Query, verdicts: Sequence[Mapping[str, Any]]) -> Query:
    """Returns a query whose ``validation`` says what the panel said; unchanged without a verdict."""
    if not verdicts:
        return query
    n = len(verdicts)
    clear, precise = (sum(v[name] == "yes" for v in verdicts) for name in ("clarity", "precision"))
    level, times = Counter(v["difficulty"] for v in verdicts).most_common(1)[0]
    validation = f"panel of {n}: clear {clear}/{n}, precise {precise}/{n}, {level} {times}/{n}"
    return dataclasses.replace(query, validation=validation)


def next_of(forms: Iterable[str], done: Iterable[str]) -> str | None:
    """Returns the first form that is not done; None if all are."""
    finished = set(done)
    return next((form for form in forms if form not in finished), None)
