"""Work items in Label Studio's task JSON, and its annotation JSON back as answers.

The format is the one it documents as "Label Studio JSON format of annotated tasks": a list of tasks with
``data``, and per annotation a list of results with ``from_name`` and ``value``. The labelling interface that
goes with the tasks is ``INTERFACE``; its names are the keys of an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from coig_writer.errors import InputError, MissingInputError
from coig_writer.text.normalise import repaired
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item

NAMES = (*PROMPT_FIELDS, "prompt", *DECISIONS)
INTERFACE = "\n".join(
    [
        "<View>",
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


def answers(path: Path) -> Iterator[dict[str, object]]:
    """Yields the annotations of an export as rows of an annotators' file; cancelled ones are passed over.

    Raises:
        MissingInputError: There is no such file.
        InputError: The file is no export of these tasks.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file", "export the project from Label Studio")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON", "export as JSON, not as JSON_MIN or CSV") from error
    if not isinstance(found, list):
        raise InputError(f"{path}: not a list of tasks", "export as JSON, not as JSON_MIN or CSV")
    for number, task in enumerate(found, 1):
        where = f"{path}, task {number}"
        try:
            data = task["data"]
            named = {"id": repaired(str(data["item"])), "round": int(data["round"])}
            done = [a for a in task["annotations"] if not a.get("was_cancelled")]
            yield from (named | _answer(annotation) for annotation in done)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise InputError(
                f"{where}: not a task of this kit ({type(error).__name__}: {error})",
                "export the tasks that label_studio.json was imported from",
            ) from error


def _answer(annotation: Mapping[str, Any]) -> dict[str, object]:
    texts = dict.fromkeys(NAMES, "")
    for result in annotation["result"]:
        if result["from_name"] in texts and result["type"] == "textarea":
            text = result["value"]["text"]  # a list, or in older exports the text itself
            text = text if isinstance(text, str) else "\n".join(map(str, text))
            texts[result["from_name"]] = repaired(text)
    by = annotation.get("completed_by", "")
    who = by.get("id", "") if isinstance(by, dict) else by
    return {
        "annotator": repaired(f"label-studio-{who}"),
        "prompt": texts["prompt"],
        "prompt_fields": {name: texts[name] for name in PROMPT_FIELDS},
        "reasoning_fields": {name: texts[name] for name in DECISIONS},
    }
