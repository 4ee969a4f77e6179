"""The averages of saved generations by the kit's own metrics, from the texts alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.scoring import generations as answers
from coig_writer.scoring import recount
from eval_tasks.score import GENERATIONS, MIXTURES, Answers, Mixtures


def main(
    generations: Answers = None,
    mixtures: Mixtures = MIXTURES,
    facts_file: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FILE", help="also write the averages to this facts file"),
    ] = None,
) -> None:
    """Reads no facts file and no score file."""
    averages = recount.facts(answers.read(generations or [GENERATIONS]), mixtures)
    for fact in averages:
        print(f"{fact.id:<52}{fact.value:<22}n={fact.n}")
    if facts_file:
        facts.write(facts_file, averages)
