"""Stage 6, validate: the four coherence criteria, each with a verdict and a quotation (section 2.2).

    python -m dataset_builder validate --out build/curation --endpoint http://127.0.0.1:8000/v1

What fails goes back to ``reverse`` with the criterion named, ``--rounds`` times at most; after that
it is dropped. A verdict whose quotation stands in none of the three parts is *unscored*.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from coig_writer.document import Document, dropped
from dataset_builder.people import rounds
from dataset_builder.stages import steps
from dataset_builder.stages.asking import Answer, options, quoted
from dataset_builder.stages.assess import slots
from dataset_builder.stages.flow import Counts, Flow, Outcome, Process
from dataset_builder.stages.options import Settings, parser, report, settings
from dataset_builder.stages.steps import Step

CRITERIA = {
    "i": "the prompt motivates the article without being overly deterministic",
    "ii": "each step of the reasoning follows from the prompt and earlier decisions",
    "iii": "the reasoning justifies the article's major creative choices",
    "iv": "prompt, reasoning and article do not contradict each other",
}
ROUNDS = 3


def prepared(where: Settings, limit: int = ROUNDS) -> tuple[Flow, Process]:
    """Returns the flow of the stage and what it does to documents."""
    recorded = {"rounds": limit, "model": where.asks.name, "prompts": options("validate")}
    flow = Flow(where.root, "validate", recorded, part_size=where.part_size)
    return flow, lambda found: decide(found, where, limit)


def run(where: Settings, limit: int = ROUNDS) -> Counts:
    """Validates."""
    flow, process = prepared(where, limit)
    return flow.run(process)


def decide(documents: list[Document], where: Settings, limit: int) -> list[Outcome]:
    """Asks about the drafts that have no verdict yet, then reads all verdicts."""
    asked = [d for d in documents if last_round(d) is None]
    answers = where.asks.ask("validate", [slots(d, where) for d in asked])
    found = {
        d.id: with_round(d, answer, where.asks.name)
        for d, answer in zip(asked, answers, strict=True)
    }
    outcomes: list[Outcome] = []
    for document in documents:
        outcome = found.get(document.id, document)
        outcomes.append(by_verdict(outcome, limit) if isinstance(outcome, Document) else outcome)
    return outcomes


def last_round(document: Document) -> dict[str, Any] | None:
    """Returns the verdicts on the draft that a document now holds, if there are any."""
    judged = document.validation.get("rounds", [])
    if judged and judged[-1]["draft"] == rounds.draft(document):
        found: dict[str, Any] = judged[-1]
        return found
    return None


def with_round(document: Document, answer: Answer, model: str) -> Outcome:
    """Adds a round to a document's validation; an invented quotation is no verdict."""
    if not answer.given:
        return dropped(document, "validate", answer.state, answer.detail)
    for name in CRITERIA:
        quotation = answer.data[name]["quotation"]
        if not quoted(quotation, document.prompt, document.reasoning, document.text):
            reason = "unscored_quotation_not_in_triplet"
            return dropped(document, "validate", reason, f"{name}: {quotation}")
    judged = [*document.validation.get("rounds", [])]
    entry = {
        "round": len(judged) + 1,
        "draft": rounds.draft(document),
        "by": model,
        "verdicts": {name: answer.data[name] for name in CRITERIA},
    }
    return dataclasses.replace(document, validation={"rounds": [*judged, entry]})


def by_verdict(document: Document, limit: int) -> Outcome:
    """Keeps a coherent triplet, sends another one back, and gives up after ``limit`` rounds."""
    entry = last_round(document)
    assert entry is not None
    unmet = [name for name in CRITERIA if entry["verdicts"][name]["verdict"] == "unmet"]
    if not unmet:
        return document.noted("validate", round=entry["round"])
    notes = "; ".join(
        f"criterion {name} ({CRITERIA[name]}): {entry['verdicts'][name]['note']}" for name in unmet
    )
    verb = "returned" if entry["round"] < limit else "unmet"
    return dropped(document, "validate", f"{verb}_criterion_{unmet[0]}", notes)


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"most drafts of one document ({ROUNDS})"
    )


def from_command_line(arguments: Sequence[str] | None = None) -> list[Step]:
    """Returns the steps as the command line says; ``cluster`` calls it in every worker."""
    command = parser(__doc__, model=True)
    add_options(command)
    given = command.parse_args(arguments)
    made = prepared(settings(given), given.rounds)
    return steps.deciding(lambda: made)


def main() -> int | None:
    """Runs the stage."""
    report(steps.run(from_command_line()))
    return None
