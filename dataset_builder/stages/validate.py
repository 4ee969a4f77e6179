"""Stage 6, validate: the four coherence criteria, each with a verdict and a quotation (section 2.2).

What fails goes back to reverse with the criterion named, --rounds times at most; after that it is
dropped. A verdict whose quotation is in none of the three parts is unscored; --max-retries 1 asks for
it again.

Reads what reverse kept; writes 06-validate/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from coig_writer.document import Document, dropped
from coig_writer.workbench.annotation import ROUNDS
from coig_writer.workbench.prompts import Answer, digests, quoted, slots
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Outcome
from dataset_builder.stages.stage import Settings, Stage, Step, deciding

# In the words of the paper, and as annotators are told about them.
CRITERIA = {
    "i": (
        "the prompt motivates the article without being overly deterministic",
        "提示引得出文章，又不写死",
    ),
    "ii": (
        "each step of the reasoning follows from the prompt and earlier decisions",
        "构思的每一步都从提示和前面的决定推得出来",
    ),
    "iii": (
        "the reasoning justifies the article's major creative choices",
        "构思说明了文章主要取舍的理由",
    ),
    "iv": (
        "prompt, reasoning and article do not contradict each other",
        "提示、构思与文章互不矛盾",
    ),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """When to give up."""

    rounds: int = option(ROUNDS, "most drafts of one document", min=1)


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage."""
    recorded = {
        "rounds": options.rounds,
        "model": settings.required_model.name,
        "prompts": digests("validate"),
    }
    parts = settings.parts("validate", recorded)
    return deciding(lambda: (parts, lambda documents: decide(documents, settings, options.rounds)))


def decide(documents: list[Document], settings: Settings, limit: int) -> list[Outcome]:
    """Asks about the drafts that have no verdict yet, then reads all verdicts."""
    to_judge = [d for d in documents if last_round(d) is None]
    answers = settings.required_model.ask(
        "validate",
        [slots(d, settings.taxonomy) for d in to_judge],
        lambda i, answer: _invented(to_judge[i], answer) is None,
    )
    judged = {
        d.id: with_round(d, answer, settings.required_model.name)
        for d, answer in zip(to_judge, answers, strict=True)
    }
    outcomes: list[Outcome] = []
    for document in documents:
        outcome = judged.get(document.id, document)
        outcomes.append(by_verdict(outcome, limit) if isinstance(outcome, Document) else outcome)
    return outcomes


def last_round(document: Document) -> dict[str, Any] | None:
    """Returns the verdicts on the draft that a document now holds, if there are any."""
    judged = document.validation.get("rounds", [])
    if judged and judged[-1]["draft"] == document.draft:
        newest: dict[str, Any] = judged[-1]
        return newest
    return None


def with_round(document: Document, answer: Answer, model: str) -> Outcome:
    """Adds a round to a document's validation; a verdict with an invented quotation does not count."""
    if not answer.given:
        return dropped(document, "validate", answer.state, answer.detail)
    if invented := _invented(document, answer):
        return dropped(document, "validate", "unscored_quotation_not_in_triplet", invented)
    judged = [*document.validation.get("rounds", [])]
    entry = {
        "round": document.judged + 1,
        "draft": document.draft,
        "by": model,
        "verdicts": {name: answer.data[name] for name in CRITERIA},
    }
    return dataclasses.replace(document, validation={"rounds": [*judged, entry]})


def _invented(document: Document, answer: Answer) -> str | None:
    """Returns the first quotation that is in none of the three parts."""
    for name in CRITERIA:
        quotation = answer.data[name]["quotation"]
        if not quoted(quotation, document.prompt, document.reasoning, document.text):
            return f"{name}: {quotation}"
    return None


def by_verdict(document: Document, limit: int) -> Outcome:
    """Keeps a coherent triplet, sends another one back, and gives up after ``limit`` rounds."""
    entry = last_round(document)
    assert entry is not None
    unmet = [name for name in CRITERIA if entry["verdicts"][name]["verdict"] == "unmet"]
    if not unmet:
        return document.noted("validate", round=entry["round"])
    notes = "；".join(
        f"准则 {name}（{CRITERIA[name][1]}）：{entry['verdicts'][name]['note']}" for name in unmet
    )
    verb = "returned" if entry["round"] < limit else "unmet"
    return dropped(document, "validate", f"{verb}_criterion_{unmet[0]}", notes)


STAGE = Stage("validate", __doc__, Options, steps, uses_model=True)
main = STAGE.main
