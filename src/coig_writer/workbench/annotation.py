"""Items to annotate, and what annotators write: a prompt and a reasoning for an article.

As JSONL: ``work/reverse/items.jsonl`` holds one item per line. Whoever writes, in whatever tool, puts
files of answers into ``work/reverse/answers/``::

    {"id": …, "round": 1, "prompt": …, "prompt_fields": {theme, style, structure, culture},
     "reasoning_fields": {planning, structure_style, culture_context, development, revision}}

Other keys are refused, but for ``annotator``, which is read by nothing and stored nowhere.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from coig_writer.document import Author, Document
from coig_writer.errors import InputError
from coig_writer.files import read_rows
from coig_writer.record import from_row
from coig_writer.text.normalise import reduced, repaired

PROMPT_FIELDS = ("theme", "style", "structure", "culture")
DECISIONS = ("planning", "structure_style", "culture_context", "development", "revision")
SHORTEST_DECISION = 20
SHORTEST_PROMPT = 10
ROUNDS = 3  # drafts of one document, at most


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

    def into(self, document: Document, draft: Writing | None) -> Document:
        """Returns a document with this prompt and reasoning, and who wrote each part."""
        return dataclasses.replace(
            document,
            prompt=self.prompt.strip(),
            prompt_fields=dict(self.prompt_fields),
            reasoning=self.reasoning,
            reasoning_fields=dict(self.reasoning_fields),
            authorship=authorship(self, draft),
        )


@dataclasses.dataclass(frozen=True)
class Item:
    """One article to write for, in one round.

    Attributes:
        id: The document.
        round: 1, and one more each time a draft is sent back.
        feedback: Why the last draft was sent back; empty in the first round.
        waiting_for: What is missing, in words.
        aids: What a model says about the article: ``usability``, ``article``, ``pair``.
        draft: A model's draft, to change or to discard.
    """

    id: str
    round: int
    genre: str | None
    title: str | None
    article: str
    feedback: str
    waiting_for: str
    aids: dict[str, Any]
    draft: Writing | None


@dataclasses.dataclass(frozen=True)
class _Answer(Writing):
    """A row of an annotator's file."""

    id: str
    round: int
    annotator: str | None = None


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


def read_answers(folder: Path) -> dict[tuple[str, int], Writing]:
    """Reads what people wrote, by (document, round); the last answer of a pair counts.

    Raises:
        InputError: A row is not an answer.
    """
    found: dict[tuple[str, int], Writing] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for where, row in read_rows(file):
            answer = from_row(_Answer, row, where)
            for key, names in (("prompt_fields", PROMPT_FIELDS), ("reasoning_fields", DECISIONS)):
                if unknown := sorted(set(getattr(answer, key)) - set(names)):
                    raise InputError(
                        f"{where}: {key} has the unknown key {unknown[0]!r}",
                        f"use {', '.join(names)}; see docs/annotator-guide.md",
                    )
            found[answer.id, answer.round] = Writing(
                repaired(answer.prompt), answer.prompt_fields, answer.reasoning_fields
            )
    return found
