"""Stage 4, screen: Article_quality and Article_creativity, each at least 8 of 10 (section 2.1).

The paper names Qwen3-235B-A22B for this stage. Refusals and answers that cannot be read are unscored:
they wait among the dropped, counted, and the next run asks again.

Reads what dedup kept; writes 04-screen/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

from coig_writer.document import EACH_AT_LEAST, Document, dropped
from coig_writer.workbench.prompts import Answer, digests, slots
from dataset_builder.stages.options import NoOptions
from dataset_builder.stages.parts import Outcome
from dataset_builder.stages.stage import Settings, Stage, Step, deciding

SCORES = ("quality", "creativity")


def steps(settings: Settings, _options: NoOptions) -> list[Step]:
    """Returns the steps of the stage."""
    recorded = {
        "least": EACH_AT_LEAST,
        "model": settings.required_model.name,
        "prompts": digests("screen"),
        "again": settings.required_model.max_retries,
    }
    parts = settings.parts("screen", recorded)
    return deciding(lambda: (parts, lambda documents: decide(documents, settings)))


def decide(documents: list[Document], settings: Settings) -> list[Outcome]:
    """Asks for both scores and applies the threshold."""
    answers = settings.required_model.ask(
        "screen", [slots(d, settings.taxonomy) for d in documents]
    )
    return [
        by_scores(d, answer, settings.required_model.name)
        for d, answer in zip(documents, answers, strict=True)
    ]


def by_scores(document: Document, answer: Answer, model: str) -> Outcome:
    """Keeps a document with two scores of 8 or more."""
    if not answer.given:
        return dropped(document, "screen", answer.state, answer.detail)
    document = document.scored("screen", {**answer.data, "by": model})
    for name in SCORES:
        if answer.data[name] < EACH_AT_LEAST:
            shown = f"{answer.data[name]}: {answer.data['reason']}"
            return dropped(document, "screen", f"article_{name}_below_{EACH_AT_LEAST}", shown)
    return document.noted("screen")


STAGE = Stage("screen", __doc__, NoOptions, steps, uses_model=True)
main = STAGE.main
