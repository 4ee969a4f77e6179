"""Work items in Label Studio's task JSON, and its annotation JSON back as answers or verdicts.

The format is the one it documents as "Label Studio JSON format of annotated tasks": a list of tasks with
``data``, and per annotation a list of results with ``from_name`` and ``value``. The labelling interfaces that
go with the tasks are ``INTERFACE`` and ``REVIEW_INTERFACE``; their names are the keys of an answer and of a verdict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from coig_writer.errors import InputError, MissingInputError
from coig_writer.text.normalise import repaired
from coig_writer.workbench import review
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item
from coig_writer.workbench.review import CAUSES, CRITERIA, PARTS, VERDICTS

NAMES = (*PROMPT_FIELDS, "prompt", *DECISIONS)
_STYLE = "  <Style>.htx-text { white-space: pre-wrap; }</Style>"  # or spaces and line ends are lost
INTERFACE = "\n".join(
    [
        "<View>",
        _STYLE,
        '  <Header value="$title"/>',
        '  <Text name="article" value="$article"/>',
        '  <Text name="feedback" value="$feedback"/>',
        *(
            f'  <TextArea name={quoteattr(name)} toName="article" rows="3" editable="true" maxSubmissions="1" required="true"/>'
            for name in NAMES
        ),
        "</View>",
    ]
)


def _choices(name: str, values: Iterable[str], *, required: bool) -> str:
    """Returns buttons of which one is chosen, under a heading with the same name."""
    choices = "".join(f"<Choice value={quoteattr(value)}/>" for value in values)
    return (
        f'  <Header value={quoteattr(name)}/>\n  <Choices name={quoteattr(name)} toName="article" '
        f'choice="single" required="{str(required).lower()}">{choices}</Choices>'
    )


REVIEW_INTERFACE = "\n".join(
    [
        "<View>",
        _STYLE,
        *(
            f'  <Header value="{part}"/>\n  <Labels name="marked_{part}" toName="{part}"><Label value="marked"/></Labels>\n'
            f'  <Text name="{part}" value="${part}"/>'
            for part in PARTS
        ),
        *(_choices(name, ("met", "unmet"), required=True) for name in CRITERIA),
        _choices("verdict", VERDICTS, required=True),
        _choices("cause", CAUSES, required=False),
        '  <Header value="note"/>\n  <TextArea name="note" toName="article" rows="3" editable="true" maxSubmissions="1"/>',
        "</View>",
    ]
)


def tasks(items: Iterable[Item]) -> str:
    """Returns items as a task file; a model's draft is a prediction, for the annotator to change."""
    return json.dumps([_task(item) for item in items], ensure_ascii=False, indent=1)


def _task(item: Item) -> dict[str, object]:
    data = {
        "item": item.id,
        "round": item.round,
        "genre": item.genre or "",
        "title": item.title or "",
        "article": item.article,
        "feedback": item.feedback,
    }
    if item.draft is None:
        return {"data": data}
    texts = {
        **item.draft.prompt_fields,
        "prompt": item.draft.prompt,
        **item.draft.reasoning_fields,
    }
    results = [
        {
            "from_name": name,
            "to_name": "article",
            "type": "textarea",
            "value": {"text": [texts[name]]},
        }
        for name in NAMES
        if texts.get(name)
    ]
    return {"data": data, "predictions": [{"model_version": "draft", "result": results}]}


def review_tasks(items: Iterable[review.Item], reviewer: str) -> str:
    """Returns one reviewer's items as a task file; each reviewer needs a project that the others cannot open."""
    data = (
        {
            "item": item.item,
            "reviewer": reviewer,
            "genre": item.genre or "",
            "prompt": item.prompt or "",
            "reasoning": item.reasoning or "",
            "article": item.article,
        }
        for item in items
    )
    return json.dumps([{"data": row} for row in data], ensure_ascii=False, indent=1)


def answers(path: Path) -> Iterator[dict[str, object]]:
    """Yields the annotations of an export as rows of an annotators' file; cancelled ones are passed over.

    Raises:
        MissingInputError: There is no such file.
        InputError: The file is no export of these tasks.
    """
    return _rows(path, _item, _answer)


def verdicts(path: Path) -> dict[str, list[dict[str, object]]]:
    """Returns the annotations of an export of review tasks as rows of reviewers' files, by reviewer.

    Raises:
        MissingInputError: There is no such file.
        InputError: The file is no export of these tasks, or a verdict is incomplete.
    """
    by_reviewer: dict[str, list[dict[str, object]]] = {}
    for row in _rows(path, _draft, _verdict):
        by_reviewer.setdefault(str(row.pop("reviewer")), []).append(row)
    return by_reviewer


def holds_reviews(path: Path) -> bool:
    """Says whether an export is one of review tasks.

    Raises:
        MissingInputError: There is no such file.
        InputError: The file is no export.
    """
    told = (task.get("data") for task in _tasks_of(path))
    return any(isinstance(data, dict) and "reviewer" in data for data in told)


def _tasks_of(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file", "export the project from Label Studio")
    try:
        exported = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON", "export as JSON, not as JSON_MIN or CSV") from error
    if not isinstance(exported, list) or not all(isinstance(task, dict) for task in exported):
        raise InputError(f"{path}: not a list of tasks", "export as JSON, not as JSON_MIN or CSV")
    return exported


def _rows(
    path: Path,
    item_of: Callable[[Mapping[str, Any]], dict[str, object]],
    row_of: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, object]],
) -> Iterator[dict[str, object]]:
    for number, task in enumerate(_tasks_of(path), 1):
        place = f"{path}, task {number}"
        try:
            done = [a for a in task["annotations"] if not a.get("was_cancelled")]
            item = item_of(task["data"])
            yield from (item | row_of(task["data"], annotation) for annotation in done)
        except InputError as error:
            raise InputError(f"{place}: {error.message}", error.remedy) from error
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise InputError(
                f"{place}: not a task of this kit ({type(error).__name__}: {error})",
                "export the tasks that were imported from this kit's task file",
            ) from error


def _item(data: Mapping[str, Any]) -> dict[str, object]:
    return {"id": repaired(str(data["item"])), "round": int(data["round"])}


def _answer(_data: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, object]:
    texts = dict.fromkeys(NAMES, "")
    for result in annotation["result"]:
        if result["from_name"] in texts and result["type"] == "textarea":
            texts[result["from_name"]] = _typed(result)
    by = annotation.get("completed_by", "")
    who = by.get("id", "") if isinstance(by, dict) else by
    return {
        "annotator": repaired(f"label-studio-{who}"),
        "prompt": texts["prompt"],
        "prompt_fields": {name: texts[name] for name in PROMPT_FIELDS},
        "reasoning_fields": {name: texts[name] for name in DECISIONS},
    }


def _typed(result: Mapping[str, Any]) -> str:
    """Returns what was typed: a list of texts, or in older exports the text itself."""
    text = result["value"]["text"]
    return repaired(text if isinstance(text, str) else "\n".join(map(str, text)))


def _draft(data: Mapping[str, Any]) -> dict[str, object]:
    return {"item": repaired(str(data["item"])), "reviewer": str(data["reviewer"])}


def _verdict(data: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, object]:
    """Returns what one verdict says; who gave it is the reviewer whose tasks these are, whatever account was used.

    Raises:
        InputError: Something is missing that a verdict needs.
    """
    chosen: dict[str, str] = {}
    spans: list[dict[str, object]] = []
    note = ""
    for result in annotation["result"]:
        name, value = result["from_name"], result["value"]
        if name == "note":
            note = _typed(result)
        elif result["type"] == "choices":
            (chosen[name],) = value["choices"]
        elif result["type"] == "labels":
            spans.append(_span(name.removeprefix("marked_"), data, value))
    row: dict[str, object] = {
        "verdict": chosen.get("verdict", ""),
        "criteria": {name: chosen[name] == "met" for name in CRITERIA if name in chosen},
        "note": note,
    }
    if "cause" in chosen and chosen["verdict"] == "remove":
        row["cause"] = chosen["cause"]
    if spans:
        row["spans"] = spans
    whole = review.read_verdict(row | {"item": str(data["item"])}, "", str(data["item"]))
    if problem := whole.problem():
        raise InputError(problem, "finish it in Label Studio, then export the project again")
    return row


def _span(part: str, data: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, object]:
    """Returns a marked passage.

    Versions of Label Studio count differently (UTF-16 units, characters), so the passage itself decides: of
    the places where it occurs, the one next to the offset. Where the export holds no passage, offsets count.
    """
    text, start = str(data[part]), int(value["start"])
    passage = str(value.get("text") or text[start : int(value["end"])])
    places = [match.start() for match in re.finditer(re.escape(passage), text)]
    if not passage or not places:
        raise InputError(
            f"the marked passage {passage[:30]!r} is not in the {part}",
            "import the tasks of this kit's task file anew: the texts were changed since",
        )
    first = min(places, key=lambda place: abs(place - start))
    return {"part": part, "start": first, "end": first + len(passage), "quotation": passage}
