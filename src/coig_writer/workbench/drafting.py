"""A model's draft of a prompt and of the reasoning, and what it says about an article (Appendix D.1–D.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from coig_writer.taxonomy import Taxonomy
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item, Writing
from coig_writer.workbench.prompts import Answer, Model

# What is asked, by how the page calls it.
QUESTIONS = {"usability": "usability", "article": "analyse_article", "pair": "analyse_pair"}
Slots = Mapping[str, str | None]


@dataclasses.dataclass(frozen=True)
class Draft:
    """What the model made of an article: a writing, or the state of having none."""

    writing: Writing | None
    reason: str = ""
    detail: str = ""


def drafts(model: Model, asked: Sequence[Slots]) -> list[Draft]:
    """Asks for a prompt, then, with that prompt, for the reasoning.

    Args:
        model: Who drafts.
        asked: Per article what the prompts' slots are filled with, ``feedback`` among them.
    """
    answers = model.ask("reconstruct_prompt", asked)
    given = [i for i, answer in enumerate(answers) if answer.given]
    second = [{**asked[i], "prompt": answers[i].data["prompt"]} for i in given]
    thoughts = dict(zip(given, model.ask("articulate_reasoning", second), strict=True))
    return [_draft(prompt, thoughts.get(i, prompt)) for i, prompt in enumerate(answers)]


def _draft(prompt: Answer, thought: Answer) -> Draft:
    if not thought.given:
        return Draft(None, thought.state, thought.detail)
    fields = {name: prompt.data[name] for name in PROMPT_FIELDS}
    decisions = {name: thought.data[name] for name in DECISIONS}
    return Draft(Writing(prompt.data["prompt"], fields, decisions))


@dataclasses.dataclass(frozen=True)
class Assistant:
    """A model beside whoever writes: it answers when it is asked, one article at a time."""

    model: Model
    taxonomy: Taxonomy

    def draft(self, item: Item) -> Draft:
        """Drafts prompt and reasoning for an article."""
        (draft,) = drafts(self.model, [self._slots(item, "") | {"feedback": item.feedback}])
        return draft

    def says(self, what: Literal["usability", "article", "pair"], item: Item, prompt: str) -> str:
        """Returns what the model says about an article, or why it says nothing."""
        (answer,) = self.model.ask(QUESTIONS[what], [self._slots(item, prompt)])
        if not answer.given:
            return f"{answer.state}: {answer.detail}"
        if answer.data is None:
            return answer.text
        return "\n".join([str(answer.data["reason"]), *map(str, answer.data["difficulties"])])

    def _slots(self, item: Item, prompt: str) -> dict[str, str | None]:
        genre = self.taxonomy.genre(item.genre).zh if item.genre else None
        return {"genre": genre, "title": item.title, "article": item.article, "prompt": prompt}
