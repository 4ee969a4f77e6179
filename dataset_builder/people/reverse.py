"""Stage 5, reverse: from an article back to a prompt and to the reasoning between (section 2.2).

Somebody writes a prompt and a reasoning for each article:

  --author people   people write: items out, answers back in
  --author draft    people edit a model's draft
  --author model    the drafts stay, marked as a model's

Items are in work/reverse/items.jsonl; answers go into work/reverse/answers/; then run the stage again.
An answer always wins over a draft. Two annotators who answer one item differently are reported, and
the item waits. Who wrote each part (human, model, model_edited) is found by comparison, never asked. A
text that the model calls unusable (Appendix D.1) is dropped, unless somebody wrote for it. An answer
that has only its prompt gets the analysis of both texts (D.3) before the reasoning is written.
A guide: docs/annotator-guide.md

Reads what screen kept; writes 05-reverse/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from coig_writer.document import Document, Dropped, dropped
from coig_writer.errors import InputError
from coig_writer.files import write_rows
from coig_writer.record import to_row
from coig_writer.workbench import annotation, drafting
from coig_writer.workbench import prompts as model_prompts
from coig_writer.workbench.annotation import Answer, Item, Returned, Writing
from coig_writer.workbench.drafting import Draft
from coig_writer.workbench.prompts import digests, slots
from dataset_builder.people import inbox, rounds
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Outcome, Parts, answers_digest, read_dropped, work
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding

AIDS = ("usability", "analyse_article", "analyse_pair")
DRAFTS = ("reconstruct_prompt", "articulate_reasoning")


Author = Literal["people", "draft", "model"]


@dataclasses.dataclass(frozen=True)
class Options:
    """Who writes."""

    author: Author = option(
        "people", "who writes: people, people who edit a model's draft, or the model alone"
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


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: take in what was written, then hand out what is missing."""
    if options.author != "people":
        settings.required_model  # noqa: B018 - says what is missing before anything is read
    recorded: dict[str, object] = {
        "author": options.author,
        "earlier": rounds.digest(settings.root),
        "answers": answers_digest(settings.root, "reverse"),
    }
    if settings.model is not None:
        recorded |= {"model": settings.model.name, "prompts": digests(*DRAFTS, *AIDS)}
    inbox.check(settings.root)
    parts = settings.parts("reverse", recorded)
    queue = AnnotationQueue(settings, options.author, parts)
    return [
        *deciding(lambda: (parts, queue.decide)),
        alone("hand-out", lambda: queue.hand_out(parts)),
    ]


class AnnotationQueue:
    """The documents that wait for a prompt and a reasoning: items out, answers and drafts in."""

    def __init__(self, settings: Settings, author: Author, parts: Parts) -> None:
        self.settings, self.author, self.parts = settings, author, parts

    @functools.cached_property
    def earlier(self) -> Mapping[str, rounds.Earlier]:
        """What later stages know about each document."""
        return rounds.earlier(self.settings.root)

    @functools.cached_property
    def written(self) -> Mapping[tuple[str, int], Writing]:
        """What people wrote, by document and round."""
        self._check(self.answers)
        return annotation.read_answers(self._place)

    @functools.cached_property
    def answers(self) -> Sequence[Answer]:
        """All that people wrote."""
        return list(annotation.each_answer(self._place))

    @functools.cached_property
    def drafted(self) -> Mapping[tuple[str, int], Writing]:
        """The drafts that people asked a model for while they wrote."""
        return {a.key: a.draft for a in self.answers if a.draft is not None}

    @functools.cached_property
    def disputed(self) -> Mapping[tuple[str, int], str]:
        """Who answered one item differently."""
        return annotation.disputed(self.answers)

    @property
    def _place(self) -> Path:
        return work(self.settings.root, "reverse") / "answers"

    def _check(self, answers: Sequence[Answer]) -> None:
        """Checks that each answer is to an item that was handed out.

        Raises:
            InputError: It is to another document, or to a round that has not begun.
        """
        wanted = {answer.id for answer in answers}
        rounds_of = {d.id: self._last_round(d) for d in self.parts.documents() if d.id in wanted}
        for answer in answers:
            if answer.id not in rounds_of:
                raise InputError(
                    f"{answer.where}: no document of this stage has id {answer.id!r}",
                    "copy the id from the item; if the text was dropped since, delete the line",
                )
            if not 1 <= answer.round <= rounds_of[answer.id]:
                raise InputError(
                    f"{answer.where}: round {answer.round} of {answer.id!r}, which has {rounds_of[answer.id]} so far",
                    "copy the round from the item",
                )

    def _last_round(self, document: Document) -> int:
        """Returns the number of the draft that is wanted or was judged last; 0 if none is written here."""
        known = self.earlier.get(document.id)
        if known is None or known.document.text != document.text:
            return 0 if document.prompt and document.reasoning else 1
        judged = known.document.judged
        return judged + 1 if known.feedback is not None else max(1, judged)

    def decide(self, documents: list[Document]) -> list[Outcome]:
        """Carries what was written before, and gets a writing for the rest."""
        documents_or_tasks = [self.task(document) for document in documents]
        tasks = [task for task in documents_or_tasks if isinstance(task, Task)]
        outcomes = self._outcomes(tasks)
        return [next(outcomes) if isinstance(f, Task) else f for f in documents_or_tasks]

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
            validation = {**document.validation, rounds.FEEDBACK: known.feedback}
            document = dataclasses.replace(document, validation=validation)
            return Task(document, number, f"第 {number} 稿。{known.feedback}")
        if not document.prompt:
            return Task(document, 1)
        number = max(1, document.judged)
        answer = self.written.get((document.id, number))
        # A person may have answered again since the draft was judged.
        rewritten = answer is not None and answer.into(document, None).draft != document.draft
        return Task(document, number) if rewritten else document

    def _outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yields the outcome of each task."""
        verdicts = self._ask("usability", dict(enumerate(self._slots(tasks))))
        usable = [
            i not in verdicts or verdicts[i].data["usable"] or self._answered(task)
            for i, task in enumerate(tasks)
        ]
        # One call for all drafts, so that the server works on them together.
        drafts = iter(self._drafts([t for t, good in zip(tasks, usable, strict=True) if good]))
        for i, task in enumerate(tasks):
            if not usable[i]:
                yield dropped(task.document, "reverse", "unusable", verdicts[i].data["reason"])
                continue
            outcome = self._outcome(task, next(drafts))
            if isinstance(outcome, Document):
                flags = [
                    name
                    for name, holds in (
                        ("specialised", i in verdicts and verdicts[i].data["specialised"]),
                        ("called_unusable", i in verdicts and not verdicts[i].data["usable"]),
                    )
                    if holds
                ]
                outcome = outcome.noted("reverse", round=task.round, flags=flags)
            yield outcome

    def _answered(self, task: Task) -> bool:
        key = task.document.id, task.round
        return key in self.written or key in self.disputed

    def _outcome(self, task: Task, draft: Draft) -> Outcome:
        """Takes a person's answer, or else the model's draft where no person is asked."""
        key = task.document.id, task.round
        if key in self.disputed:
            return dropped(task.document, "reverse", "awaiting_one_answer", self.disputed[key])
        answer = self.written.get(key)
        if answer is not None:
            if problem := answer.problem() or task.unchanged(answer):
                return dropped(task.document, "reverse", "awaiting_complete_answer", problem)
            return answer.into(task.document, self.drafted.get(key, draft.writing))
        if self.author != "model":
            return dropped(task.document, "reverse", "awaiting_annotation", f"round {task.round}")
        return _drafted(task, draft)

    def hand_out(self, parts: Parts) -> None:
        """Writes an item for each document that has no writing yet."""
        lost = {x.document.id: x for x in read_dropped(parts.root, "reverse")}
        waiting = (self.task(d) for d in parts.documents() if d.id in lost and lost[d.id].open)
        tasks = [task for task in waiting if isinstance(task, Task)]
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
                waiting_for=self._waiting_for(task, lost[document.id]),
                aids=aids,
                draft=draft.writing,
                earlier=_earlier(task),
                returned=_returned(task),
            )

    def _waiting_for(self, task: Task, lost: Dropped) -> str:
        """Says to an annotator what is missing."""
        key = task.document.id, task.round
        if key in self.disputed:
            return f"两份不同的答案，请商定一份，删去另一份：{self.disputed[key]}"
        if written := self.written.get(key):
            return written.problem("zh") or f"与退回的第 {task.round - 1} 稿相同"
        if lost.reason == "awaiting_annotation":
            return f"第 {task.round} 稿"
        return f"模型没有起草：{lost.reason} {lost.evidence}".strip()

    def _aids(self, tasks: Sequence[Task], drafts: Sequence[Draft]) -> list[dict[str, object]]:
        """Asks for what helps a person: usability, and analyses of the article and of the pair."""
        aids: list[dict[str, object]] = [{} for _ in tasks]
        questions = dict(enumerate(self._slots(tasks)))
        for i, answer in self._ask("usability", questions).items():
            aids[i]["usability"] = answer.data
        if self.author == "model":  # nobody waits for an analysis
            return aids
        for i, answer in self._ask("analyse_article", questions).items():
            aids[i]["article"] = answer.text
        prompts = {i: d.writing.prompt for i, d in enumerate(drafts) if d.writing}
        for i, task in enumerate(tasks):  # a person's own prompt goes before the model's
            if written := self.written.get((task.document.id, task.round)):
                prompts[i] = written.prompt
        pairs = {i: {**questions[i], "prompt": prompt} for i, prompt in prompts.items()}
        for i, answer in self._ask("analyse_pair", pairs).items():
            aids[i]["pair"] = answer.text
        return aids

    def _drafts(self, tasks: Sequence[Task]) -> list[Draft]:
        """Asks for a prompt, then, with that prompt, for the reasoning; none from people alone."""
        if self.author == "people":
            return [Draft(None) for _ in tasks]
        questions = [
            {**s, "feedback": t.feedback} for s, t in zip(self._slots(tasks), tasks, strict=True)
        ]
        return drafting.drafts(self.settings.required_model, questions)

    def _slots(self, tasks: Sequence[Task]) -> list[dict[str, str | None]]:
        return [slots(task.document, self.settings.taxonomy) for task in tasks]

    def _ask(
        self, prompt: str, questions: Mapping[int, Mapping[str, str | None]]
    ) -> dict[int, model_prompts.Answer]:
        """Returns the answers that were given, by the number of the task; none without a model."""
        if self.settings.model is None:
            return {}
        answers = self.settings.model.ask(prompt, list(questions.values()))
        return {i: answer for i, answer in zip(questions, answers, strict=True) if answer.given}


def _earlier(task: Task) -> Writing | None:
    document = task.document
    if not task.feedback:
        return None
    fields = document.prompt_fields or {}, document.reasoning_fields or {}
    return Writing(document.prompt or "", *({k: str(v) for k, v in f.items()} for f in fields))


def _returned(task: Task) -> tuple[Returned, ...]:
    """Returns what validation, or the reviewers who decided, had against the draft."""
    document = task.document
    if not task.feedback:
        return ()
    for review in document.reviews:
        if review["draft"] == document.draft and review["decision"] == "refine":
            return tuple(
                Returned("review", v["note"], tuple(s["quotation"] for s in v.get("spans", ())))
                for v in review["verdicts"]
                if v["verdict"] == "refine"
            )
    judged = document.validation["rounds"][-1]["verdicts"]
    return tuple(
        Returned(name, v["note"], (v["quotation"],) if v["quotation"] else ())
        for name, v in judged.items()
        if v["verdict"] == "unmet"
    )


def _drafted(task: Task, draft: Draft) -> Outcome:
    """Takes a model's draft as it is, if there is one and it is complete and new."""
    if draft.writing is None:
        return dropped(task.document, "reverse", draft.reason, draft.detail)
    if problem := draft.writing.problem():
        return dropped(task.document, "reverse", "unscored_incomplete_draft", problem)
    if problem := task.unchanged(draft.writing):
        return dropped(task.document, "reverse", "draft_unchanged", problem)
    return draft.writing.into(task.document, draft.writing)


STAGE = Stage(
    "reverse",
    __doc__,
    Options,
    steps,
    uses_model=True,
    closing=lambda settings: [
        f"items for people: {work(settings.root, 'reverse') / 'items.jsonl'}"
    ],
)
main = STAGE.main
