"""Stage 5, reverse: from an article back to a prompt and to the reasoning between (section 2.2).

    python -m dataset_builder reverse --author people                # items out, answers back in
    python -m dataset_builder reverse --author draft --endpoint URL  # people edit a model's draft
    python -m dataset_builder reverse --author model --endpoint URL  # drafts stay, marked as such

Items lie in ``work/reverse/items.jsonl``; answers go into ``work/reverse/answers/``; then run the
stage again. An answer always wins over a draft. Who wrote each part (human, model, model_edited) is
found by comparison, never asked. A guide: docs/annotator-guide.md.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from coig_writer.document import Document, dropped
from dataset_builder.people import rounds, work_items
from dataset_builder.people.work_items import DECISIONS, PROMPT_FIELDS, Writing
from dataset_builder.stages.asking import options as prompts
from dataset_builder.stages.assess import slots
from dataset_builder.stages.flow import Counts, Flow, Outcome, work
from dataset_builder.stages.options import Settings, parser, report, settings

By = Literal["people", "draft", "model"]
AIDS = ("usability", "analyse_article", "analyse_pair")
DRAFTS = ("reconstruct_prompt", "articulate_reasoning")


@dataclasses.dataclass(frozen=True)
class Task:
    """One document to write for, in one round."""

    document: Document
    round: int
    feedback: str


@dataclasses.dataclass(frozen=True)
class Draft:
    """What the model made of a task: a writing, or the state of having none."""

    writing: Writing | None
    reason: str = ""
    detail: str = ""


def run(where: Settings, by: By = "people") -> Counts:
    """Reconstructs prompts and articulates reasoning."""
    answers = work(where.root, "reverse") / "answers"
    recorded: dict[str, Any] = {
        "author": by,
        "earlier": rounds.state(where.root),
        "answers": work_items.digest(answers),
    }
    if where.model is not None:
        recorded |= {"model": where.model.name, "prompts": prompts(*DRAFTS, *AIDS)}
    flow = Flow(where.root, "reverse", recorded, part_size=where.part_size)
    done = flow.done()
    if done is not None and not done.open:
        return done
    known = rounds.earlier(where.root)
    written = work_items.read_answers(answers)
    items: list[Mapping[str, Any]] = []

    def process(documents: list[Document]) -> list[Outcome]:
        return decide(documents, where, _Sources(by, known, written, items))

    counts = flow.run(process)
    work_items.write_items(work(where.root, "reverse") / "items.jsonl", items)
    return counts


@dataclasses.dataclass(frozen=True)
class _Sources:
    """Where writings come from, and where items for people are gathered."""

    by: By
    known: Mapping[str, rounds.Earlier]
    written: Mapping[tuple[str, int], Writing]
    items: list[Mapping[str, Any]]


def decide(documents: list[Document], where: Settings, sources: _Sources) -> list[Outcome]:
    """Carries what was written before, and gets a writing for the rest."""
    outcomes: dict[str, Outcome] = {}
    tasks: list[Task] = []
    for document in documents:
        known = sources.known.get(document.id)
        if known is not None and known.document.text == document.text:
            found = _known(rounds.carried(document, known), known.feedback, sources)
        elif document.prompt and document.reasoning:
            found = document.noted("reverse", flags=["published_row"])
        else:
            found = Task(document, 1, "")
        if isinstance(found, Task):
            tasks.append(found)
        else:
            outcomes[document.id] = found
    outcomes |= _written(tasks, where, sources)
    return [outcomes[d.id] for d in documents]


def _known(document: Document, feedback: str | None, sources: _Sources) -> Document | Task:
    """Carries a document that was judged, unless it was sent back or a person has rewritten it."""
    judged = rounds.judged(document)
    if feedback is not None:
        return Task(document, judged + 1, f"第 {judged + 1} 稿。{feedback}")
    if not document.prompt:
        return Task(document, 1, "")
    rewritten = _answered(document, sources.written.get((document.id, max(1, judged))))
    return Task(document, max(1, judged), "") if rewritten else document


def _answered(document: Document, answer: Writing | None) -> bool:
    """Says whether a person wrote something else for the draft that was judged."""
    if answer is None:
        return False
    return rounds.draft(_with(document, answer, None)) != rounds.draft(document)


def _written(tasks: list[Task], where: Settings, sources: _Sources) -> dict[str, Outcome]:
    drafts: list[Draft | None] = [None] * len(tasks)
    if sources.by != "people":
        drafts = _drafts(tasks, where)
    aids = _aids(tasks, drafts, where, sources.by)
    found: dict[str, Outcome] = {}
    for task, draft, aid in zip(tasks, drafts, aids, strict=True):
        answer = sources.written.get((task.document.id, task.round))
        outcome = _outcome(task, draft, answer, sources.by)
        if isinstance(outcome, Document):
            flags = ["specialised"] if aid.get("usability", {}).get("specialised") else []
            outcome = outcome.noted("reverse", round=task.round, flags=flags)
        else:
            sources.items.append(_item(task, draft, aid, outcome.evidence))
        found[task.document.id] = outcome
    return found


def _outcome(task: Task, draft: Draft | None, answer: Writing | None, by: By) -> Outcome:
    drafted = draft.writing if draft else None
    if answer is not None:
        problem = answer.problem() or _unchanged(task, answer)
        if not problem:
            return _with(task.document, answer, drafted)
        return dropped(task.document, "reverse", "awaiting_complete_answer", problem)
    if by != "model":
        return dropped(task.document, "reverse", "awaiting_annotation", f"round {task.round}")
    assert draft is not None
    return _drafted(task, draft)


def _drafted(task: Task, draft: Draft) -> Outcome:
    """Takes a model's draft as it is, if there is one and it is whole and new."""
    if draft.writing is None:
        return dropped(task.document, "reverse", draft.reason, draft.detail)
    if problem := draft.writing.problem():
        return dropped(task.document, "reverse", "unscored_incomplete_draft", problem)
    if problem := _unchanged(task, draft.writing):
        return dropped(task.document, "reverse", "draft_unchanged", problem)
    return _with(task.document, draft.writing, draft.writing)


def _unchanged(task: Task, writing: Writing) -> str:
    """Says so if a draft that was sent back comes again as it was."""
    if not task.feedback or rounds.draft(_with(task.document, writing, None)) != rounds.draft(
        task.document
    ):
        return ""
    return f"round {task.round} is the draft that was sent back"


def _with(document: Document, writing: Writing, draft: Writing | None) -> Document:
    return dataclasses.replace(
        document,
        prompt=writing.prompt.strip(),
        prompt_fields=dict(writing.prompt_fields),
        reasoning=writing.reasoning,
        reasoning_fields=dict(writing.reasoning_fields),
        authorship=work_items.authorship(writing, draft),
    )


def _drafts(tasks: list[Task], where: Settings) -> list[Draft | None]:
    """Asks for a prompt, then, with that prompt, for the reasoning."""
    asked = [{**slots(t.document, where), "feedback": t.feedback} for t in tasks]
    prompts_ = where.asks.ask("reconstruct_prompt", asked)
    given = [i for i, answer in enumerate(prompts_) if answer.given]
    second = [{**asked[i], "prompt": prompts_[i].data["prompt"]} for i in given]
    thoughts = dict(zip(given, where.asks.ask("articulate_reasoning", second), strict=True))
    found: list[Draft | None] = []
    for i, prompt in enumerate(prompts_):
        lost = prompt if not prompt.given else thoughts[i]
        if not lost.given:
            found.append(Draft(None, lost.state, lost.detail))
            continue
        fields = {name: prompt.data[name] for name in PROMPT_FIELDS}
        decisions = {name: thoughts[i].data[name] for name in DECISIONS}
        found.append(Draft(Writing(prompt.data["prompt"], fields, decisions)))
    return found


def _aids(
    tasks: list[Task], drafts: list[Draft | None], where: Settings, by: By
) -> list[dict[str, Any]]:
    """Asks for what helps a person: usability, analysis of the article, and of prompt and article."""
    if where.model is None:
        return [{} for _ in tasks]
    asked = [slots(t.document, where) for t in tasks]
    aids: list[dict[str, Any]] = [
        {"usability": a.data} if a.given else {} for a in where.model.ask("usability", asked)
    ]
    if by == "model":
        return aids  # nobody waits for an analysis
    for aid, answer in zip(aids, where.model.ask("analyse_article", asked), strict=True):
        aid.update({"article": answer.text} if answer.given else {})
    drafted = [i for i, d in enumerate(drafts) if d is not None and d.writing is not None]
    pairs = [
        {**asked[i], "prompt": d.writing.prompt} for i in drafted if (d := drafts[i]) and d.writing
    ]
    for i, answer in zip(drafted, where.model.ask("analyse_pair", pairs), strict=True):
        aids[i] |= {"pair": answer.text} if answer.given else {}
    return aids


def _item(
    task: Task, draft: Draft | None, aids: dict[str, Any], waiting_for: str
) -> Mapping[str, Any]:
    drafted = draft.writing if draft else None
    return {
        "id": task.document.id,
        "round": task.round,
        "genre": task.document.genre,
        "title": task.document.title,
        "article": task.document.text,
        "feedback": task.feedback,
        "waiting_for": waiting_for,
        "aids": aids,
        "draft": dataclasses.asdict(drafted) if drafted else None,
    }


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--author",
        choices=("people", "draft", "model"),
        default="people",
        help="who writes: people (default), people from a model's draft, or the model alone",
    )


def main() -> int | None:
    """Runs the stage."""
    command = parser(__doc__, model=True)
    add_options(command)
    given = command.parse_args()
    where = settings(given)
    if given.author != "people":
        where.asks  # noqa: B018 - says what is missing before anything is read
    report(run(where, given.author))
    print(f"items for people: {work(where.root, 'reverse') / 'items.jsonl'}")
    return None
