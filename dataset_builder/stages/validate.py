"""Stage 6, validate: the four coherence criteria, each with a verdict and a quotation (section 2.2).

    python -m dataset_builder validate --out build/curation --endpoint http://127.0.0.1:8000/v1

What fails goes back to ``reverse`` with the criterion named, ``--rounds`` times at most; after that
it is dropped. A verdict whose quotation stands in none of the three parts is *unscored*.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from coig_writer.document import Document, dropped
from coig_writer.workbench.annotation import ROUNDS
from coig_writer.workbench.prompts import Answer, digests, quoted, slots
from dataset_builder.stages.parts import Outcome
from dataset_builder.stages.stage import Settings, Stage, Step, deciding, option

CRITERIA = {
    "i": "the prompt motivates the article without being overly deterministic",
    "ii": "each step of the reasoning follows from the prompt and earlier decisions",
    "iii": "the reasoning justifies the article's major creative choices",
    "iv": "prompt, reasoning and article do not contradict each other",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """When to give up."""

    rounds: int = option(ROUNDS, f"most drafts of one document ({ROUNDS})")


def steps(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage."""
    recorded = {
        "rounds": options.rounds,
        "model": where.asks.name,
        "prompts": digests("validate"),
    }
    parts = where.parts("validate", recorded)
    return deciding(lambda: (parts, lambda found: decide(found, where, options.rounds)))


def decide(documents: list[Document], where: Settings, limit: int) -> list[Outcome]:
    """Asks about the drafts that have no verdict yet, then reads all verdicts."""
    asked = [d for d in documents if last_round(d) is None]
    answers = where.asks.ask("validate", [slots(d, where.names) for d in asked])
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
    if judged and judged[-1]["draft"] == document.draft:
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
        "round": document.judged + 1,
        "draft": document.draft,
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


STAGE = Stage("validate", __doc__, Options, steps, asks=True)
main = STAGE.main
