"""Stage 2, assess: five dimensions, by rule where characters decide, by model where they do not.

    python -m dataset_builder assess --out build/curation --endpoint http://127.0.0.1:8000/v1

Completeness, format, errors, logic and creativity (paper, section 2.1), each 1–10 with the words of
the text that gave the score; a score whose quotation does not stand in the text is *unscored*.
Personal data is masked before anything is sent. ``--rules-only`` asks no model.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from coig_writer.document import Document, Dropped, dropped
from coig_writer.text import (
    advertising,
    framing,
    injection,
    language,
    mojibake,
    refusal,
    repetition,
    truncation,
)
from coig_writer.text.masking import masked
from coig_writer.text.verdict import Verdict
from dataset_builder.stages import steps
from dataset_builder.stages.asking import Answer, options, quoted
from dataset_builder.stages.flow import Counts, Flow, Outcome, Process
from dataset_builder.stages.options import Settings, parser, report, settings
from dataset_builder.stages.steps import Step

DIMENSIONS = ("completeness", "format", "errors", "logic", "creativity")
LEAST = 6
RULES_VERSION = 2


def prepared(
    where: Settings, least: int = LEAST, *, rules_only: bool = False
) -> tuple[Flow, Process]:
    """Returns the flow of the stage and what it does to documents."""
    recorded: dict[str, Any] = {"least": least, "rules": RULES_VERSION, "rules_only": rules_only}
    if not rules_only:
        recorded |= {"model": where.asks.name, "prompts": options("assess")}
    flow = Flow(where.root, "assess", recorded, part_size=where.part_size)
    return flow, lambda found: decide(found, where, least, rules_only=rules_only)


def run(where: Settings, least: int = LEAST, *, rules_only: bool = False) -> Counts:
    """Assesses."""
    flow, process = prepared(where, least, rules_only=rules_only)
    return flow.run(process)


def decide(
    documents: list[Document], where: Settings, least: int, *, rules_only: bool
) -> list[Outcome]:
    """Applies the rules to all, and asks the model about those that pass."""
    outcomes: list[Outcome] = [by_rule(document) for document in documents]
    open_ = [i for i, o in enumerate(outcomes) if isinstance(o, Document)]
    if rules_only:
        return outcomes
    slots = [_slots(outcomes[i], where) for i in open_]
    for i, answer in zip(open_, where.asks.ask("assess", slots), strict=True):
        document = outcomes[i]
        assert isinstance(document, Document)
        outcomes[i] = by_model(document, answer, least, where.asks.name)
    return outcomes


def by_rule(document: Document) -> Outcome:
    """Masks personal data, then drops what a rule can decide."""
    hidden = masked(document.text)
    document = dataclasses.replace(document, text=hidden.text)
    if broken := first_broken(document):
        return dropped(document, "assess", broken.rule, broken.evidence)
    return document.noted("assess", masked=hidden.counts) if hidden.counts else document


def first_broken(document: Document) -> Verdict | None:
    """Returns the verdict of the first rule that a document breaks."""
    return next(filter(None, _verdicts(document.text, document.genre)), None)


def _verdicts(text: str, genre: str | None) -> Iterator[Verdict | None]:
    """Yields what each rule says, in order; a text that only might be broken goes on to the model."""
    yield truncation.too_short(text)
    yield refusal.refusal(text)
    yield language.wrong_language(text)
    yield mojibake.mojibake(text)
    yield language.mixed_scripts(text)
    yield framing.opening(text)
    yield framing.closing(text)
    yield injection.addresses_model(text)
    yield advertising.advertisement_tail(text, genre=genre)
    yield repetition.repeated_paragraphs(text)
    yield repetition.loop(text)
    yield truncation.cut_off(text)


def _slots(document: Outcome, where: Settings) -> dict[str, str | None]:
    assert isinstance(document, Document)
    return slots(document, where)


def slots(document: Document, where: Settings) -> dict[str, str | None]:
    """Returns what any prompt may ask about a document."""
    genre = where.names.genre(document.genre).zh if document.genre else None
    return {
        "genre": genre,
        "title": document.title,
        "article": document.text,
        "prompt": document.prompt,
        "reasoning": document.reasoning,
    }


def by_model(document: Document, answer: Answer, least: int, model: str) -> Outcome:
    """Reads the model's scores and drops what lies below ``least`` in any dimension."""
    if not answer.given:
        return dropped(document, "assess", answer.state, answer.detail)
    if lost := _unquoted(document, answer):
        return lost
    found = {name: answer.data[name] for name in DIMENSIONS}
    document = document.scored("assess", {**found, "unsafe": answer.data["unsafe"], "by": model})
    if answer.data["unsafe"]:
        return dropped(document, "assess", "unsafe_content", "the model's judgement")
    for name, verdict in found.items():
        if verdict["score"] < least:
            shown = f"{verdict['score']}: {verdict['evidence']}"
            return dropped(document, "assess", f"{name}_below_{least}", shown)
    return document.noted("assess")


def _unquoted(document: Document, answer: Answer) -> Dropped | None:
    for name in DIMENSIONS:
        evidence = answer.data[name]["evidence"]
        if not quoted(evidence, document.text, document.title):
            reason = "unscored_evidence_not_in_text"
            return dropped(document, "assess", reason, f"{name}: {evidence}")
    return None


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--assess-least", type=int, default=LEAST, help=f"least score of each dimension ({LEAST})"
    )
    to.add_argument("--rules-only", action="store_true", help="ask no model in this stage")


def from_command_line(arguments: Sequence[str] | None = None) -> list[Step]:
    """Returns the steps as the command line says; ``cluster`` calls it in every worker."""
    command = parser(__doc__, model=True)
    add_options(command)
    given = command.parse_args(arguments)
    made = prepared(settings(given), given.assess_least, rules_only=given.rules_only)
    return steps.deciding(lambda: made)


def main() -> int | None:
    """Runs the stage."""
    report(steps.run(from_command_line()))
    return None
