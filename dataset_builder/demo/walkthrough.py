"""The demonstration: 60 labelled raw texts through all stages, with a scripted model and scripted people.

Run it with ``python -m dataset_builder curate --demo``. The people answer through the same files as
real ones would: ``work/reverse/answers`` and ``work/review/answers``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coig_writer import taxonomy
from coig_writer.endpoint import Endpoint
from dataset_builder.demo import answer_key, scripted_endpoint
from dataset_builder.demo.scripted_endpoint import MODEL, Script, sample_texts, serving
from dataset_builder.people import review, reviewing
from dataset_builder.people.work_items import write_items
from dataset_builder.stages import collect, curate
from dataset_builder.stages.asking import Model
from dataset_builder.stages.flow import Counts, read_kept, work
from dataset_builder.stages.options import Settings

EDIT = "（标注员补充：这一处原稿写得太满，改轻了。）"


def plan() -> curate.Plan:
    """Returns the demonstration's options."""
    collected = collect.Options(
        (scripted_endpoint.SAMPLE,), "sample", thresholds=answer_key.THRESHOLDS
    )
    return curate.Plan(
        collect=collected,
        review=review.Options(answer_key.REVIEWERS),
        author="model",
        people=people,
    )


def run(root: Path, *, latency: float = 0.0) -> tuple[Settings, list[Counts]]:
    """Runs all stages over the samples."""
    with serving(Script(sample_texts()), latency=latency) as server:
        endpoint = Endpoint(server.url, MODEL, cache=root / "replies", concurrency=8, backoff=0.05)
        where = Settings(root, taxonomy.published(), Model(endpoint))
        return where, curate.run(where, plan())


def people(where: Settings) -> bool:
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
                "revision": (d.reasoning_fields or {})["revision"] + EDIT,
            },
        }
        for d in read_kept(where.root, "reverse")
        if d.id in answer_key.EDITED
    ]
    write_items(path, answers)
    return bool(answers)


def _review(where: Settings) -> bool:
    """Answers every open item of every reviewer."""
    place = work(where.root, "review")
    assigned = {a.item: a for a in reviewing.read_assignments(place / "assignments.jsonl")}
    worked = False
    for name in answer_key.REVIEWERS:
        items = _lines(place / "items" / f"{name}.jsonl")
        if not items:
            continue
        path = place / "answers" / f"{name}.jsonl"
        answers = [_verdict(item, name, assigned[item["item"]]) for item in items]
        write_items(path, [*_lines(path), *answers])
        worked = True
    return worked


def _verdict(item: dict[str, Any], name: str, assignment: reviewing.Assignment) -> dict[str, Any]:
    document = item["item"].rpartition("@")[0]
    position = assignment.reviewers.index(name) if name in assignment.reviewers else -1
    draft = scripted_endpoint.drafts_so_far(item["prompt"])
    verdict, note, cause = answer_key.review(document, draft, position)
    criteria = dict.fromkeys(reviewing.CRITERIA, True) | {"coherence": verdict == "accept"}
    answer = {"item": item["item"], "verdict": verdict, "criteria": criteria, "note": note}
    return answer | ({"cause": cause} if cause else {})


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
