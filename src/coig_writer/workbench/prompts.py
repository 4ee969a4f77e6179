"""What curation asks of a language model: prompts from files, answers that fit a schema or none.

A prompt is ``data/prompts/NAME.txt`` (Chinese, sections ``system`` and ``user``, slots ``{{name}}``) and
``prompts/NAME.schema.json``; without a schema the answer is free text. Long slots stand inside a
fence that no text can close (``endpoint.fence``), title and feedback too: none speaks as the curator.
Whatever is not an answer is ``unscored_STATE`` with the server's reason: never a number.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coig_writer.document import Document
from coig_writer.endpoint import Endpoint, Reply, Request, fence
from coig_writer.errors import InputError, MissingInputError
from coig_writer.taxonomy import Taxonomy
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Message

FOLDER = Path(__file__).parents[1] / "data" / "prompts"
FENCED = ("article", "prompt", "reasoning", "title", "feedback")
UNKNOWN = "未注明"
_SECTION = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)
_SLOT = re.compile(r"\{\{(\w+)\}\}")
MAX_TOKENS = {"reconstruct_prompt": 2048, "articulate_reasoning": 4096, "validate": 2048}


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A question: what the model is, what it is given, what its answer must look like."""

    name: str
    system: str
    user: str
    schema: Mapping[str, Any] | None

    @property
    def digest(self) -> str:
        """Twelve digits that change when the wording or the schema does."""
        content = [self.system, self.user, self.schema]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def request(self, slots: Mapping[str, str | None], repeat: int = 0) -> Request:
        """Fills the slots, in one pass: a slot's name inside a text stays as it is.

        Raises:
            InputError: The prompt has a slot that is not given.
        """
        wanted = set(_SLOT.findall(self.user))
        if missing := sorted(wanted - set(slots)):
            raise InputError(
                f"prompts/{self.name}.txt has the slot {missing[0]!r}, which this stage lacks",
                f"use {', '.join(sorted(slots))}",
            )
        digits = fence.code(slots[name] or "" for name in FENCED if name in wanted)
        user = _SLOT.sub(lambda slot: _filled(slot[1], slots[slot[1]], digits), self.user)
        turns = (Message(role="system", content=self.system), Message(role="user", content=user))
        tokens = MAX_TOKENS.get(self.name, 1024)
        return Request(turns, schema=self.schema, max_tokens=tokens, repeat=repeat)


def _filled(name: str, text: str | None, digits: str) -> str:
    if text is None or not text.strip():
        return UNKNOWN
    if name not in FENCED:
        return " ".join(text.split())[:500]
    return fence.closed(name, text, digits)


@functools.cache
def load(name: str) -> Prompt:
    """Reads a prompt and its schema.

    Raises:
        MissingInputError: There is no such prompt.
        InputError: Its sections are not system and user.
    """
    path = FOLDER / f"{name}.txt"
    if not path.is_file():
        raise MissingInputError(f"{path}: no such prompt", "restore src/coig_writer/data/prompts")
    pieces = _SECTION.split(path.read_text(encoding="utf-8"))
    sections = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if tuple(sections) != ("system", "user"):
        raise InputError(f"{path}: sections are {', '.join(sections)}", "write system, then user")
    schema = FOLDER / f"{name}.schema.json"
    shape = json.loads(schema.read_text(encoding="utf-8")) if schema.is_file() else None
    return Prompt(name, sections["system"].strip(), sections["user"].strip(), shape)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back: ``data`` (or ``text`` for a free answer), or the state of being unscored."""

    data: Any
    text: str
    state: str
    detail: str = ""

    @property
    def given(self) -> bool:
        """The model answered as asked."""
        return self.state == "answered"


@dataclasses.dataclass(frozen=True)
class Model:
    """An endpoint and how often it is asked again after a refusal or an unparsable answer."""

    endpoint: Endpoint
    max_retries: int = 0

    @property
    def name(self) -> str:
        """The model, as its server knows it."""
        return self.endpoint.model

    def ask(
        self,
        name: str,
        slots: Sequence[Mapping[str, str | None]],
        sound: Callable[[int, Answer], bool] = lambda _i, _answer: True,
    ) -> list[Answer]:
        """Asks one question about many texts; one answer each, in order.

        Args:
            name: Of the question.
            slots: What its slots are filled with, one mapping per text.
            sound: Whether an answer that was given, to the text of that position, can be used, so that
                an invented quotation is asked for again like a refusal.
        """
        prompt = load(name)
        answers = self._ask(prompt, slots, 0)
        for repeat in range(1, self.max_retries + 1):
            open_ = [i for i, a in enumerate(answers) if not (a.given and sound(i, a))]
            repeated = self._ask(prompt, [slots[i] for i in open_], repeat)
            for i, answer in zip(open_, repeated, strict=True):
                answers[i] = answer
        return answers

    def _ask(
        self, prompt: Prompt, slots: Sequence[Mapping[str, str | None]], repeat: int
    ) -> list[Answer]:
        if not slots:
            return []
        requests = [prompt.request(s, repeat) for s in slots]
        return [_answer(reply) for reply in self.endpoint.complete_all(requests)]


def _answer(reply: Reply) -> Answer:
    if reply.state == "answered":
        return Answer(reply.data, reply.text, "answered")
    return Answer(None, "", f"unscored_{reply.state}", reply.reason or "")


def quoted(quotation: str, *texts: str | None) -> bool:
    """Says whether one of the texts contains a quotation, punctuation and spacing apart."""
    wanted = reduced(quotation)
    given = [text for text in texts if text]
    # Most quotations are to the letter, and reducing a long text costs more than all else here.
    return bool(wanted) and (
        any(quotation in text for text in given) or any(wanted in reduced(text) for text in given)
    )


def slots(document: Document, taxonomy: Taxonomy) -> dict[str, str | None]:
    """Returns what any prompt may be filled with about a document."""
    return {
        "genre": taxonomy.genre(document.genre).zh if document.genre else None,
        "title": document.title,
        "article": document.text,
        "prompt": document.prompt,
        "reasoning": document.reasoning,
    }


def digests(*names: str) -> dict[str, str]:
    """Returns name → digest of prompts, for the options that a stage records."""
    return {name: load(name).digest for name in names}
