"""Items to annotate, and what annotators write: a prompt and a reasoning for an article.

As JSONL: ``work/reverse/items.jsonl`` holds one item per line. Whoever writes, in whatever tool, puts
files of answers into ``work/reverse/answers/``::

    {"id": …, "round": 1, "prompt": …, "prompt_fields": {theme, style, structure, culture},
     "reasoning_fields": {planning, structure_style, culture_context, development, revision}}

``draft``, if the annotator asked a model for one, is that draft: who wrote what is found by comparison.
Other keys are refused. ``annotator`` says who answers, the file's name where it is missing; it tells two
people on one item apart and is stored nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from coig_writer.document import Author, Document
from coig_writer.errors import InputError
from coig_writer.files import read_rows
from coig_writer.record import from_row
from coig_writer.text.copying import RUN, copied
from coig_writer.text.normalise import reduced, repaired
from coig_writer.triplet import Language

PROMPT_FIELDS = ("theme", "style", "structure", "culture")
DECISIONS = ("planning", "structure_style", "culture_context", "development", "revision")
SHORTEST_DECISION = 20
SHORTEST_PROMPT = 10
_SAID: Mapping[str, Mapping[Language, str]] = {
    "missing": {"en": "{fields} {are} missing", "zh": "{fields} 没有填"},
    "short": {"en": "{fields} {are} too short", "zh": f"{{fields}} 不足 {SHORTEST_DECISION} 字"},
    "short_prompt": {
        "en": f"the prompt has fewer than {SHORTEST_PROMPT} characters",
        "zh": f"提示不足 {SHORTEST_PROMPT} 字",
    },
}
ROUNDS = 3  # drafts of one document, at most


@dataclasses.dataclass(frozen=True)
class Writing:
    """A prompt and a reasoning with the fields they rest on.

    Attributes:
        prompt: The prompt.
        prompt_fields: Field of the prompt (theme, style, …) → what it says of it.
        reasoning_fields: Category of decisions → what was decided.
    """

    prompt: str
    prompt_fields: dict[str, str]
    reasoning_fields: dict[str, str]

    @property
    def reasoning(self) -> str:
        """The five categories of decisions, in order, one paragraph each."""
        paragraphs = (self.reasoning_fields.get(name, "").strip() for name in DECISIONS)
        return "\n\n".join(text for text in paragraphs if text)

    def problem(self, language: Language = "en") -> str:
        """Names all that is missing or too short; empty if nothing is (paper, section 2.2, step 2)."""
        comma, semicolon = {"en": (", ", "; "), "zh": ("、", "；")}[language]
        return semicolon.join(
            _SAID[fault][language].format(
                fields=comma.join(fields), are="is" if len(fields) == 1 else "are"
            )
            for fault, fields in self._faults()
        )

    def _faults(self) -> list[tuple[str, list[str]]]:
        lengths = {name: len(reduced(self.reasoning_fields.get(name, ""))) for name in DECISIONS}
        missing = [
            f"prompt_fields.{name}"
            for name in PROMPT_FIELDS
            if not self.prompt_fields.get(name, "").strip()
        ]
        missing += [f"reasoning_fields.{name}" for name, length in lengths.items() if not length]
        short = [
            f"reasoning_fields.{name}"
            for name, length in lengths.items()
            if 0 < length < SHORTEST_DECISION
        ]
        prompt = ["prompt"] if len(reduced(self.prompt)) < SHORTEST_PROMPT else []
        faults = [("missing", missing), ("short_prompt", prompt), ("short", short)]
        return [(fault, fields) for fault, fields in faults if fields]

    def into(self, document: Document, draft: Writing | None) -> Document:
        """Returns a document with this prompt and reasoning, and who wrote each part.

        Args:
            document: For which it was written; what it holds of an earlier draft tells how much of that is left.
            draft: A model's draft that the writer had before them.
        """
        earlier = {"prompt": document.prompt, "reasoning": document.reasoning}
        authors = {
            part: _inherited(author, text, earlier[part], document.authorship.get(part))
            for (part, author), text in zip(
                authorship(self, draft).items(), (self.prompt, self.reasoning), strict=True
            )
        }
        return dataclasses.replace(
            document,
            prompt=self.prompt.strip(),
            prompt_fields=dict(self.prompt_fields),
            reasoning=self.reasoning,
            reasoning_fields=dict(self.reasoning_fields),
            authorship=authors,
        )


@dataclasses.dataclass(frozen=True)
class Returned:
    """One reason why a draft came back.

    Attributes:
        criterion: ``i`` to ``iv`` of validation, or ``review``.
        note: What was said.
        quotations: Passages that it is about.
    """

    criterion: str
    note: str
    quotations: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Item:
    """One article to write for, in one round.

    Attributes:
        id: The document.
        round: 1, and one more each time a draft is sent back.
        genre: Of the article.
        title: Of the article.
        article: Its text.
        feedback: Why the last draft was sent back; empty in the first round.
        waiting_for: What is missing, in the annotators' words.
        aids: What a model says about the article: ``usability``, ``article``, ``pair``.
        draft: A model's draft, to change or to discard.
        earlier: The draft that was sent back.
        returned: Why, reason by reason.
    """

    id: str
    round: int
    genre: str | None
    title: str | None
    article: str
    feedback: str
    waiting_for: str
    aids: dict[str, object]
    draft: Writing | None
    earlier: Writing | None = None
    returned: tuple[Returned, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Answer(Writing):
    """What an annotator wrote for one item.

    Attributes:
        id: The document.
        round: The item's.
        annotator: Who wrote it; the file's name if it is missing.
        draft: The draft that the annotator started from, where it is not the item's.
    """

    id: str
    round: int
    annotator: str | None = None
    draft: Writing | None = None


def authorship(writing: Writing, draft: Writing | None) -> dict[str, Author]:
    """Says who wrote each part, by comparing what came back with what the model had drafted.

    A part in which no run of eight letters of the draft is left is a person's own.
    """
    if draft is None:
        return {"prompt": "human", "reasoning": "human"}
    pairs = {
        "prompt": (writing.prompt, draft.prompt),
        "reasoning": (writing.reasoning, draft.reasoning),
    }
    return {part: _author(text, drafted) for part, (text, drafted) in pairs.items()}


def _author(text: str, drafted: str) -> Author:
    if text.split() == drafted.split():
        return "model"
    gone = len(reduced(drafted)) >= RUN and not copied(text, drafted)
    return "human" if gone else "model_edited"


def _inherited(author: Author, text: str, earlier: str | None, wrote: Author | None) -> Author:
    """Returns who wrote a part of a refined draft: a model's share in the earlier one is still a model's."""
    if author != "human" or not earlier or wrote in (None, "human"):
        return author
    if text.split() == earlier.split():
        return wrote
    return "model_edited" if copied(text, earlier) else "human"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one annotator wrote for one item, and where it stands."""

    id: str
    round: int
    annotator: str
    writing: Writing
    where: str
    draft: Writing | None = None

    @property
    def key(self) -> tuple[str, int]:
        """The document and the round."""
        return self.id, self.round


def each_answer(folder: Path) -> Iterator[Answer]:
    """Yields what people wrote, file after file.

    Raises:
        InputError: A row is not an answer.
    """
    for file in sorted(folder.glob("*.jsonl")):
        for place, row in read_rows(file):
            answer = from_row(_Answer, row, place)
            for key, known in (("prompt_fields", PROMPT_FIELDS), ("reasoning_fields", DECISIONS)):
                if unknown := sorted(set(getattr(answer, key)) - set(known)):
                    raise InputError(
                        f"{place}: {key} has the unknown key {unknown[0]!r}",
                        f"use {', '.join(known)}; see docs/annotator-guide.md",
                    )
            writing = Writing(
                repaired(answer.prompt), answer.prompt_fields, answer.reasoning_fields
            )
            who = answer.annotator or file.stem
            yield Answer(answer.id, answer.round, who, writing, place, answer.draft)


def read_answers(folder: Path) -> dict[tuple[str, int], Writing]:
    """Returns what people wrote, by (document, round); the last answer of an annotator counts.

    What two annotators answered differently is not among them: ``disputed`` returns it.

    Raises:
        InputError: A row is not an answer.
    """
    last = {(a.key, a.annotator): a for a in each_answer(folder)}
    unclear = disputed(last.values())
    return {a.key: a.writing for a in last.values() if a.key not in unclear}


def disputed(answers: Iterable[Answer]) -> dict[tuple[str, int], str]:
    """Returns who answered one item of one round differently, by (document, round)."""
    last = {(a.key, a.annotator): a for a in answers}
    given: dict[tuple[str, int], list[Answer]] = {}
    for answer in last.values():
        given.setdefault(answer.key, []).append(answer)
    return {
        key: " and ".join(f"{a.annotator} ({a.where.rpartition('/')[2]})" for a in of_item)
        for key, of_item in given.items()
        if any(a.writing != of_item[0].writing for a in of_item)
    }
