"""The scripted people of the demonstration: an annotator and five reviewers, who answer from the key.

They work through the same files as real ones would: ``work/reverse/answers``, ``work/review/answers``.
"""

from __future__ import annotations

from coig_writer.files import iterate, read_rows, write_rows
from coig_writer.workbench.review import CRITERIA, Assignment, Item, read_assignments
from dataset_builder.demo import answer_key
from dataset_builder.demo.scripted_endpoint import drafts_so_far
from dataset_builder.stages.parts import read_kept, work
from dataset_builder.stages.stage import Settings

EDIT = "（标注员补充：这一处原稿写得太满，改轻了。）"


def work_once(where: Settings) -> bool:
    """Lets the scripted people answer what waits for them; says whether anyone did."""
    wrote = _annotate(where)
    return _review(where) or wrote


def _annotate(where: Settings) -> bool:
    """Changes the drafts of a few documents, once."""
    path = work(where.root, "reverse") / "answers" / "scripted.jsonl"
    if path.is_file():
        return False
    answers = [
        {
            "id": d.id,
            "round": 1,
            "prompt": d.prompt,
            "prompt_fields": d.prompt_fields,
            "reasoning_fields": {
                **(d.reasoning_fields or {}),
                "revision": f"{(d.reasoning_fields or {})['revision']}{EDIT}",
            },
        }
        for d in read_kept(where.root, "reverse")
        if d.id in answer_key.EDITED
    ]
    write_rows(path, answers)
    return bool(answers)


def _review(where: Settings) -> bool:
    """Answers every open item of every reviewer."""
    place = work(where.root, "review")
    assigned = {a.item: a for a in read_assignments(place / "assignments.jsonl")}
    worked = False
    for name in answer_key.REVIEWERS:
        items = list(iterate(place / "items" / f"{name}.jsonl", Item))
        if not items:
            continue
        path = place / "answers" / f"{name}.jsonl"
        before = [row for _, row in read_rows(path)] if path.is_file() else []
        write_rows(path, [*before, *(_verdict(i, name, assigned[i.item]) for i in items)])
        worked = True
    return worked


def _verdict(item: Item, name: str, assignment: Assignment) -> dict[str, object]:
    document = item.item.rpartition("@")[0]
    position = assignment.reviewers.index(name) if name in assignment.reviewers else -1
    draft = drafts_so_far(item.prompt or "")
    verdict, note, cause = answer_key.review(document, draft, position)
    criteria = dict.fromkeys(CRITERIA, True) | {"coherence": verdict == "accept"}
    answer: dict[str, object] = {
        "item": item.item,
        "verdict": verdict,
        "criteria": criteria,
        "note": note,
    }
    return answer | ({"cause": cause} if cause else {})
