"""Stage 3, dedup: exact and near duplicates go, and what overlaps the benchmark.

    python -m dataset_builder dedup --out build/curation

Candidates come from MinHash over Chinese character 4-grams (datatrove); each is then measured: a
document is dropped if it shares half of its 4-grams (Jaccard) with one that stays. Of two, the one
published first stays, then the one with the smaller id. Nothing is dropped on a hash alone.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence

from coig_writer.document import Document, dropped
from coig_writer.errors import ConfigError
from coig_writer.text import contamination
from dataset_builder.stages import steps
from dataset_builder.stages.duplicates import Duplicate, Search
from dataset_builder.stages.flow import Counts, Flow, Outcome
from dataset_builder.stages.options import Settings, parser, report, settings
from dataset_builder.stages.steps import Step

LEAST = 0.5


def run(where: Settings, least: float = LEAST) -> Counts:
    """Deduplicates."""
    return steps.run(shared(where, least))


def shared(where: Settings, least: float = LEAST) -> list[Step]:
    """Returns the steps of the stage: the search for duplicates, then the decisions.

    Raises:
        ConfigError: ``least`` is no similarity.
    """
    if not 0 < least <= 1:
        raise ConfigError(f"--similar is {least}", "give a Jaccard similarity above 0, 1 at most")
    recorded = {"least": least, "benchmark": contamination.SHARE}
    flow = Flow(where.root, "dedup", recorded, part_size=where.part_size)
    search = Search(flow, least)

    def process(documents: list[Document]) -> list[Outcome]:
        return [decide(d, search.found) for d in documents]

    *ending, join = steps.deciding(lambda: (flow, process))

    def finish(rank: int, world: int) -> Counts | None:
        counts = join.run(rank, world)
        for folder in where.root.glob(f".{flow.out.name}.search-*"):
            shutil.rmtree(folder, ignore_errors=True)
        return counts

    searching = [_unless_done(flow, step) for step in search.steps()]
    return [*searching, *ending, Step("join", finish, alone=True)]


def _unless_done(flow: Flow, step: Step) -> Step:
    """Skips a step of the search when the stage is finished: what it made is gone by then."""

    def share(rank: int, world: int) -> None:
        if flow.done() is None:
            step.run(rank, world)

    return Step(step.name, share, step.alone)


def decide(document: Document, found: Mapping[str, Duplicate]) -> Outcome:
    """Drops a duplicate, or a text that holds half of a benchmark query."""
    duplicate = found.get(document.id)
    if duplicate is not None:
        shown = f"{duplicate.similarity:.2f} of the 4-grams shared with {duplicate.of}"
        return dropped(document, "dedup", duplicate.reason, shown)
    if repeats := contamination.contaminated(document.text):
        return dropped(document, "dedup", "overlaps_benchmark", repeats.evidence)
    return document.noted("dedup")


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--similar",
        type=float,
        default=LEAST,
        help=f"least Jaccard similarity of a duplicate ({LEAST})",
    )


def from_command_line(arguments: Sequence[str] | None = None) -> list[Step]:
    """Returns the steps as the command line says; ``cluster`` calls it in every worker."""
    command = parser(__doc__, model=False)
    add_options(command)
    given = command.parse_args(arguments)
    return shared(settings(given), given.similar)


def main() -> int | None:
    """Runs the stage."""
    report(steps.run(from_command_line()))
    return None
