"""Stage 4, screen: Article_quality and Article_creativity, each at least 8 of 10 (section 2.1).

    python -m dataset_builder screen --out build/curation --endpoint http://127.0.0.1:8000/v1

The paper names Qwen3-235B-A22B for this stage. Refusals and unparsable answers are *unscored*: they
wait among the dropped, counted, and the next run asks again.
"""

from __future__ import annotations

from collections.abc import Sequence

from coig_writer.document import Document, dropped
from coig_writer.quality import EACH_AT_LEAST
from dataset_builder.stages import steps
from dataset_builder.stages.asking import Answer, options
from dataset_builder.stages.assess import slots
from dataset_builder.stages.flow import Counts, Flow, Outcome, Process
from dataset_builder.stages.options import Settings, parser, report, settings
from dataset_builder.stages.steps import Step

SCORES = ("quality", "creativity")


def prepared(where: Settings) -> tuple[Flow, Process]:
    """Returns the flow of the stage and what it does to documents."""
    recorded = {
        "least": EACH_AT_LEAST,
        "model": where.asks.name,
        "prompts": options("screen"),
        "again": where.asks.again,
    }
    flow = Flow(where.root, "screen", recorded, part_size=where.part_size)
    return flow, lambda found: decide(found, where)


def run(where: Settings) -> Counts:
    """Screens."""
    flow, process = prepared(where)
    return flow.run(process)


def decide(documents: list[Document], where: Settings) -> list[Outcome]:
    """Asks for both scores and applies the threshold."""
    answers = where.asks.ask("screen", [slots(d, where) for d in documents])
    return [
        by_scores(d, answer, where.asks.name) for d, answer in zip(documents, answers, strict=True)
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


def from_command_line(arguments: Sequence[str] | None = None) -> list[Step]:
    """Returns the steps as the command line says; ``cluster`` calls it in every worker."""
    made = prepared(settings(parser(__doc__, model=True).parse_args(arguments)))
    return steps.deciding(lambda: made)


def main() -> int | None:
    """Runs the stage."""
    report(steps.run(from_command_line()))
    return None
