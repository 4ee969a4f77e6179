"""Work for people as JSONL: items out, answers of any annotation tool back in, checked row by row.

``work/reverse/items.jsonl`` holds one object per document to write for: id, round, genre, title,
article, feedback, aids, draft. Whoever writes puts files into ``work/reverse/answers/``::

    {"id": …, "round": 1, "prompt": …, "prompt_fields": {theme, style, structure, culture},
     "reasoning_fields": {planning, structure_style, culture_context, development, revision}}

Other keys are refused, but for ``annotator``, which is read by nothing and stored nowhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coig_writer.document import Author
from coig_writer.errors import InputError
from coig_writer.files import atomic_path, read_rows
from coig_writer.text.normalise import reduced, repaired

PROMPT_FIELDS = ("theme", "style", "structure", "culture")
DECISIONS = ("planning", "structure_style", "culture_context", "development", "revision")
SHORTEST_DECISION = 20
SHORTEST_PROMPT = 10
KEYS = {"id", "round", "prompt", "prompt_fields", "reasoning_fields"}


@dataclasses.dataclass(frozen=True)
class Writing:
    """A prompt and a reasoning with the fields they rest on."""

    prompt: str
    prompt_fields: dict[str, str]
    reasoning_fields: dict[str, str]

    @property
    def reasoning(self) -> str:
        """The five categories of decisions, in order, one paragraph each."""
        found = (self.reasoning_fields.get(name, "").strip() for name in DECISIONS)
        return "\n\n".join(text for text in found if text)

    def problem(self) -> str:
        """Names what is missing or too short; empty if nothing is (paper, section 2.2, step 2)."""
        for name in PROMPT_FIELDS:
            if not self.prompt_fields.get(name, "").strip():
                return f"prompt_fields.{name} is missing"
        if len(reduced(self.prompt)) < SHORTEST_PROMPT:
            return f"the prompt has fewer than {SHORTEST_PROMPT} characters"
        for name in DECISIONS:
            length = len(reduced(self.reasoning_fields.get(name, "")))
            if length < SHORTEST_DECISION:
                return f"reasoning_fields.{name} is {'missing' if length == 0 else 'too short'}"
        return ""


def authorship(writing: Writing, draft: Writing | None) -> dict[str, Author]:
    """Says who wrote each part, by comparing what came back with what the model had drafted."""
    if draft is None:
        return {"prompt": "human", "reasoning": "human"}
    pairs = {
        "prompt": (writing.prompt, draft.prompt),
        "reasoning": (writing.reasoning, draft.reasoning),
    }
    return {
        part: "model" if " ".join(a.split()) == " ".join(b.split()) else "model_edited"
        for part, (a, b) in pairs.items()
    }


def write_items(path: Path, items: Iterable[Mapping[str, Any]]) -> int:
    """Writes work items, whole or not at all, and returns how many."""
    count = 0
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as handle:
        for item in items:
            handle.write(json.dumps(item, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_answers(folder: Path) -> dict[tuple[str, int], Writing]:
    """Reads what people wrote, by (document, round); the last answer of a pair counts.

    Raises:
        InputError: A row is not an answer.
    """
    found: dict[tuple[str, int], Writing] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for where, row in read_rows(file):
            _check(row, where)
            texts = {k: repaired(str(v)) for k, v in row.items() if k == "prompt"}
            found[row["id"], row["round"]] = Writing(
                texts["prompt"], dict(row["prompt_fields"]), dict(row["reasoning_fields"])
            )
    return found


def _check(row: Mapping[str, Any], where: str) -> None:
    if missing := sorted(KEYS - set(row)):
        raise InputError(f"{where}: {missing[0]!r} is missing", f"give {', '.join(sorted(KEYS))}")
    if unknown := sorted(set(row) - KEYS - {"annotator"}):
        raise InputError(f"{where}: unknown key {unknown[0]!r}", f"use {', '.join(sorted(KEYS))}")
    if type(row["round"]) is not int or not isinstance(row["prompt"], str):
        raise InputError(
            f"{where}: round is no integer or prompt no text", "see docs/annotator-guide.md"
        )
    for key, names in (("prompt_fields", PROMPT_FIELDS), ("reasoning_fields", DECISIONS)):
        fields = row[key]
        texts = isinstance(fields, dict) and all(isinstance(v, str) for v in fields.values())
        if not texts or set(fields) - set(names):
            raise InputError(
                f"{where}: {key} must map {', '.join(names)} to texts",
                "see docs/annotator-guide.md",
            )


def digest(folder: Path) -> str:
    """Returns a hash of all answers in a folder, so that new ones make a stage run again."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.jsonl")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
