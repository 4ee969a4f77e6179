"""Stage 5, reverse: from an article back to a prompt and to the reasoning between (section 2.2).

    python -m dataset_builder reverse --author people                # items out, answers back in
    python -m dataset_builder reverse --author draft --endpoint URL  # people edit a model's draft
    python -m dataset_builder reverse --author model --endpoint URL  # drafts stay, marked as such

Items lie in ``work/reverse/items.jsonl``; answers go into ``work/reverse/answers/``; then run the
stage again. An answer always wins over a draft. Who wrote each part (human, model, model_edited) is
found by comparison, never asked. A guide: docs/annotator-guide.md.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coig_writer.document import Document, Dropped, dropped
from coig_writer.files import write_rows
from coig_writer.record import to_row
from coig_writer.workbench import annotation
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item, Writing
from coig_writer.workbench.prompts import Answer, digests, slots
from dataset_builder.people import rounds
from dataset_builder.stages.parts import Outcome, Parts, answers_digest, read_dropped, work
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding, option

AIDS = ("usability", "analyse_article", "analyse_pair")
DRAFTS = ("reconstruct_prompt", "articulate_reasoning")


@dataclasses.dataclass(frozen=True)
class Options:
    """Who writes."""

    author: str = option(
        "people",
        "who writes: people (default), people from a model's draft, or the model alone",
        choices=("people", "draft", "model"),
    )


@dataclasses.dataclass(frozen=True)
class Task:
    """One document to write for, in one round."""

    document: Document
    round: int
    feedback: str = ""

    def unchanged(self, writing: Writing) -> str:
        """Says so if a draft that was sent back comes again as it was."""
        if not self.feedback or writing.into(self.document, None).draft != self.document.draft:
            return ""
        return f"round {self.round} is the draft that was sent back"


@dataclasses.dataclass(frozen=True)
class Draft:
    """What the model made of a task: a writing, or the state of having none."""

    writing: Writing | None
    reason: str = ""
    detail: str = ""


def steps(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: take in what was written, then hand out what is missing."""
    if options.author != "people":
        where.asks  # noqa: B018 - says what is missing before anything is read
    recorded: dict[str, Any] = {
        "author": options.author,
        "earlier": rounds.digest(where.root),
        "answers": answers_digest(where.root, "reverse"),
    }
    if where.model is not None:
        recorded |= {"model": where.model.name, "prompts": digests(*DRAFTS, *AIDS)}
    parts = where.parts("reverse", recorded)
    desk = Desk(where, options.author)
    return [
        *deciding(lambda: (parts, desk.decide)),
        alone("hand-out", lambda: desk.hand_out(parts)),
    ]


class Desk:
    """Where writings come in and items go out: by whom, and what was written and judged before."""

    def __init__(self, where: Settings, author: str) -> None:
        self.where, self.author = where, author

    @functools.cached_property
    def earlier(self) -> Mapping[str, rounds.Earlier]:
        """What later stages know about each document."""
        return rounds.earlier(self.where.root)

    @functools.cached_property
    def written(self) -> Mapping[tuple[str, int], Writing]:
        """What people wrote, by document and round."""
        return annotation.read_answers(work(self.where.root, "reverse") / "answers")

    def decide(self, documents: list[Document]) -> list[Outcome]:
        """Carries what was written before, and gets a writing for the rest."""
        found = [self.task(document) for document in documents]
        tasks = [task for task in found if isinstance(task, Task)]
        outcomes = self._outcomes(tasks)
        return [next(outcomes) if isinstance(f, Task) else f for f in found]

    def task(self, document: Document) -> Document | Task:
        """Returns what is to be written, or a document for which nothing is.

        A document that was judged is carried with its draft, unless it was sent back or a person
        has written something else since.
        """
        known = self.earlier.get(document.id)
        if known is None or known.document.text != document.text:
            if document.prompt and document.reasoning:
                return document.noted("reverse", flags=["published_row"])
            return Task(document, 1)
        document = rounds.carried(document, known)
        if known.feedback is not None:
            number = document.judged + 1
            return Task(document, number, f"第 {number} 稿。{known.feedback}")
        if not document.prompt:
            return Task(document, 1)
        number = max(1, document.judged)
        answer = self.written.get((document.id, number))
        rewritten = answer is not None and answer.into(document, None).draft != document.draft
        return Task(document, number) if rewritten else document

    def _outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yields the outcome of each task."""
        drafts = self._drafts(tasks)
        usable = self._ask("usability", dict(enumerate(self._slots(tasks))))
        for i, (task, draft) in enumerate(zip(tasks, drafts, strict=True)):
            outcome = self._outcome(task, draft)
            if isinstance(outcome, Document):
                specialised = i in usable and usable[i].data["specialised"]
                flags = ["specialised"] if specialised else []
                outcome = outcome.noted("reverse", round=task.round, flags=flags)
            yield outcome

    def _outcome(self, task: Task, draft: Draft) -> Outcome:
        """Takes a person's answer, or else the model's draft where no person is asked."""
        answer = self.written.get((task.document.id, task.round))
        if answer is not None:
            if problem := answer.problem() or task.unchanged(answer):
                return dropped(task.document, "reverse", "awaiting_complete_answer", problem)
            return answer.into(task.document, draft.writing)
        if self.author != "model":
            return dropped(task.document, "reverse", "awaiting_annotation", f"round {task.round}")
        return _drafted(task, draft)

    def hand_out(self, parts: Parts) -> None:
        """Writes an item for each document that has no writing yet."""
        lost = {x.document.id: x for x in read_dropped(parts.root, "reverse")}
        found = (self.task(d) for d in parts.documents() if d.id in lost)
        tasks = [task for task in found if isinstance(task, Task)]
        items = work(parts.root, "reverse") / "items.jsonl"
        write_rows(items, (to_row(item) for item in self._items(tasks, lost)))

    def _items(self, tasks: Sequence[Task], lost: Mapping[str, Dropped]) -> Iterator[Item]:
        drafts = self._drafts(tasks)
        for task, draft, aids in zip(tasks, drafts, self._aids(tasks, drafts), strict=True):
            document = task.document
            yield Item(
                id=document.id,
                round=task.round,
                genre=document.genre,
                title=document.title,
                article=document.text,
                feedback=task.feedback,
                waiting_for=lost[document.id].evidence,
                aids=aids,
                draft=draft.writing,
            )

    def _aids(self, tasks: Sequence[Task], drafts: Sequence[Draft]) -> list[dict[str, Any]]:
        """Asks for what helps a person: usability, and analyses of the article and of the pair."""
        aids: list[dict[str, Any]] = [{} for _ in tasks]
        asked = dict(enumerate(self._slots(tasks)))
        for i, answer in self._ask("usability", asked).items():
            aids[i]["usability"] = answer.data
        if self.author == "model":  # nobody waits for an analysis
            return aids
        for i, answer in self._ask("analyse_article", asked).items():
            aids[i]["article"] = answer.text
        drafted = {i: d.writing.prompt for i, d in enumerate(drafts) if d.writing}
        pairs = {i: {**asked[i], "prompt": prompt} for i, prompt in drafted.items()}
        for i, answer in self._ask("analyse_pair", pairs).items():
            aids[i]["pair"] = answer.text
        return aids

    def _drafts(self, tasks: Sequence[Task]) -> list[Draft]:
        """Asks for a prompt, then, with that prompt, for the reasoning; none from people alone."""
        if self.author == "people":
            return [Draft(None) for _ in tasks]
        asked = [
            {**s, "feedback": t.feedback} for s, t in zip(self._slots(tasks), tasks, strict=True)
        ]
        answers = self.where.asks.ask("reconstruct_prompt", asked)
        given = [i for i, answer in enumerate(answers) if answer.given]
        second = [{**asked[i], "prompt": answers[i].data["prompt"]} for i in given]
        thoughts = dict(
            zip(given, self.where.asks.ask("articulate_reasoning", second), strict=True)
        )
        return [_draft(prompt, thoughts.get(i, prompt)) for i, prompt in enumerate(answers)]

    def _slots(self, tasks: Sequence[Task]) -> list[dict[str, str | None]]:
        return [slots(task.document, self.where.names) for task in tasks]

    def _ask(self, prompt: str, asked: Mapping[int, Mapping[str, str | None]]) -> dict[int, Answer]:
        """Returns the answers that were given, by the number of the task; none without a model."""
        if self.where.model is None:
            return {}
        answers = self.where.model.ask(prompt, list(asked.values()))
        return {i: answer for i, answer in zip(asked, answers, strict=True) if answer.given}


def _drafted(task: Task, draft: Draft) -> Outcome:
    """Takes a model's draft as it is, if there is one and it is whole and new."""
    if draft.writing is None:
        return dropped(task.document, "reverse", draft.reason, draft.detail)
    if problem := draft.writing.problem():
        return dropped(task.document, "reverse", "unscored_incomplete_draft", problem)
    if problem := task.unchanged(draft.writing):
        return dropped(task.document, "reverse", "draft_unchanged", problem)
    return draft.writing.into(task.document, draft.writing)


def _draft(prompt: Answer, thought: Answer) -> Draft:
    if not thought.given:
        return Draft(None, thought.state, thought.detail)
    fields = {name: prompt.data[name] for name in PROMPT_FIELDS}
    decisions = {name: thought.data[name] for name in DECISIONS}
    return Draft(Writing(prompt.data["prompt"], fields, decisions))


STAGE = Stage(
    "reverse",
    __doc__,
    Options,
    steps,
    asks=True,
    closing=lambda where: [f"items for people: {work(where.root, 'reverse') / 'items.jsonl'}"],
)
main = STAGE.main
