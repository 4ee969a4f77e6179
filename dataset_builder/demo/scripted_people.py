"""The scripted people of the demonstration: an annotator and five reviewers, who answer from the key.

They work through the same files as real ones would: ``work/reverse/answers``, ``work/review/answers``. What
they say (``written``, ``verdict``) is said at the workbench too, in its tests.
"""

from __future__ import annotations

from coig_writer.document import Document
from coig_writer.errors import InputError
from coig_writer.files import iterate, read_rows, write_rows
from coig_writer.workbench import annotation
from coig_writer.workbench.annotation import Writing
from coig_writer.workbench.review import CRITERIA, Assignment, Item, document_of, read_assignments
from dataset_builder.demo import answer_key
from dataset_builder.demo.scripted_endpoint import drafts_so_far
from dataset_builder.stages.parts import read_kept, work
from dataset_builder.stages.stage import Settings

EDIT = "（标注员补充：这一处原稿写得太满，改轻了。）"


def work_once(settings: Settings) -> bool:
    """Lets the scripted people answer what waits for them; says whether anyone did."""
    wrote = _annotate(settings)
    return _review(settings) or wrote


def _annotate(settings: Settings) -> bool:
    """Answers what waits; where a model writes alone, changes the drafts of a few documents, once."""
    place = work(settings.root, "reverse")
    path = place / "answers" / "scripted.jsonl"
    waiting = list(iterate(place / "items.jsonl", annotation.Item))
    if path.is_file() and not waiting:
        return False
    before = [row for _, row in read_rows(path)] if path.is_file() else []
    kept = () if waiting else read_kept(settings.root, "reverse")
    drafts: list[annotation.Item | Document] = [
        *waiting,
        *(d for d in kept if d.id in answer_key.EDITED),
    ]
    write_rows(path, [*before, *map(_answer, drafts)])
    return bool(drafts)


def _answer(draft: annotation.Item | Document) -> dict[str, object]:
    if isinstance(draft, annotation.Item):
        return {"id": draft.id, "round": draft.round, **written(draft.id, draft.draft)}
    fields = draft.prompt_fields or {}, draft.reasoning_fields or {}
    texts = ({name: str(text) for name, text in field.items()} for field in fields)
    return {"id": draft.id, "round": 1, **written(draft.id, Writing(draft.prompt or "", *texts))}


def written(document: str, draft: Writing | None) -> dict[str, object]:
    """Returns what the scripted annotator makes of a model's draft: a few are changed.

    Raises:
        InputError: There is no draft; the scripted annotator only edits.
    """
    if draft is None:
        raise InputError(f"{document}: there is no draft to edit", "use --author draft")
    fields = dict(draft.reasoning_fields)
    if document in answer_key.EDITED and EDIT not in fields["revision"]:
        fields["revision"] += EDIT
    return {
        "prompt": draft.prompt,
        "prompt_fields": draft.prompt_fields,
        "reasoning_fields": fields,
    }


def _review(settings: Settings) -> bool:
    """Answers every open item of every reviewer."""
    place = work(settings.root, "review")
    assigned = {a.item: a for a in read_assignments(place / "assignments.jsonl")}
    worked = False
    for name in answer_key.REVIEWERS:
        items = list(iterate(place / "items" / f"{name}.jsonl", Item))
        if not items:
            continue
        path = place / "answers" / f"{name}.jsonl"
        before = [row for _, row in read_rows(path)] if path.is_file() else []
        rows = ({"item": i.item, **verdict(i, name, assigned[i.item])} for i in items)
        write_rows(path, [*before, *rows])
        worked = True
    return worked


def verdict(item: Item, name: str, assignment: Assignment) -> dict[str, object]:
    """Returns what a scripted reviewer says about an item."""
    document = document_of(item.item)
    position = assignment.reviewers.index(name) if name in assignment.reviewers else -1
    draft = drafts_so_far(item.prompt or "")
    choice, note, cause = answer_key.review(document, draft, position)
    criteria = dict.fromkeys(CRITERIA, True) | {"coherence": choice == "accept"}
    answer: dict[str, object] = {
        "verdict": choice,
        "criteria": criteria,
        "note": note,
    }
    return answer | ({"cause": cause} if cause else {})
