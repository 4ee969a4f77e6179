"""Tables, figures and intervals of your models beside the paper's, as one HTML page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from coig_writer import facts
from coig_writer.errors import InputError
from coig_writer.files import file_sha256
from coig_writer.folder import atomic_folder
from coig_writer.metrics.reference import reference
from eval_tasks import human, validate
from eval_tasks import runs as inputs
from eval_tasks.report import measured, page
from eval_tasks.report.analysis import analyse
from eval_tasks.report.cases import cases
from eval_tasks.report.gallery import gallery
from eval_tasks.report.tables import SHOWN

OUT = Path("build/report")


def main(  # noqa: PLR0913 - a command line
    *,
    generations: inputs.Generations = None,
    scores: inputs.Scores = None,
    ballots: inputs.Ballots = None,
    judgements: inputs.Judgements = None,
    case_ids: Annotated[
        list[str] | None,
        typer.Option("--cases", metavar="ID…", help="queries whose answers to show side by side"),
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option(metavar="NAME…", help="further metrics to show in tables")
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="validation.json of python -m eval_tasks validate: which metrics may rate",
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--human",
            metavar="FILE",
            help="human.parquet of python -m eval_tasks human: where models stand among people",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the report goes")] = OUT,
) -> None:
    """Writes report.html (one page, nothing loaded from elsewhere), its figures as PNG, and facts.json.

    Without --ballots the preference tables say "no votes yet"; the rest is the same.
    """
    runs = inputs.read(generations or [], scores or [], ballots or [], judgements or [])
    chosen = cases(runs, case_ids or [])
    tables = validate.read(validation) if validation else []
    doubtful = [t.language for t in tables if t.confounded]
    known = _known(runs, metrics or [])
    shown = page.Options(validate.arrows(tables), doubtful, known, chosen)
    if people:
        beside = human.places(reference(human.read_people(people)), runs)
        shown = dataclasses.replace(shown, beside=beside, people=file_sha256(people))
    command = inputs.command(
        "report", generations=generations, scores=scores, ballots=ballots, judgements=judgements,
        validation=validation, human=people, metrics=metrics,
    )  # fmt: skip
    with atomic_folder(out, "report") as folder:
        write(folder, runs, command, shown)
    print(f"{out}/report.html: {len(runs.variants)} models, {len(runs.ballots)} ballots")


def write(folder: Path, runs: inputs.Runs, command: str, options: page.Options) -> None:
    """Writes the page, its figures and its facts into a folder."""
    languages = tqdm(page.languages(runs), desc="analysing", unit="language", disable=None)
    analyses = {language: analyse(runs, language) for language in languages}
    shown = tqdm(analyses.items(), desc="drawing", unit="language", disable=None)
    drawn = {x: gallery(runs, analysis, folder / "figures") for x, analysis in shown}
    measurements = [
        *human.facts(options.beside, command, options.people),
        *measured.facts(runs, analyses, command, options.more),
    ]
    facts.write(folder / "facts.json", measurements)
    html = page.render(runs, analyses, drawn, command, options)
    (folder / "report.html").write_text(html, encoding="utf-8")


def _known(runs: inputs.Runs, metrics: list[str]) -> list[str]:
    """Returns the metrics asked for that the page does not show anyway.

    Raises:
        InputError: One was not scored.
    """
    scored = {score.metric for score in runs.scores}
    if unknown := [metric for metric in metrics if metric not in scored]:
        raise InputError(f"no score of {unknown[0]!r}", f"scored: {', '.join(sorted(scored))}")
    return [metric for metric in metrics if metric not in SHOWN]
