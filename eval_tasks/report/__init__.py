"""Reports on your models beside the paper: python -m eval_tasks report --generations PATH… --scores PATH… --out DIR.

Writes ``report.html`` (one page, nothing loaded from elsewhere), its figures as PNG, and
``facts.json``. A path is a Parquet or JSONL file, or a folder of them. Without ``--ballots`` the
preference tables say *no votes yet*; the rest stands. ``--cases zh-wuxia-1`` puts all answers to a
query side by side.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

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


def main() -> int | None:
    """Writes one report."""
    arguments = _parser().parse_args()
    runs = inputs.read(
        arguments.generations, arguments.scores, arguments.ballots, arguments.judgements
    )
    chosen = cases(runs, arguments.cases)
    tables = validate.read(arguments.validation) if arguments.validation else []
    doubtful = [t.language for t in tables if t.confounded]
    shown = page.Options(validate.arrows(tables), doubtful, _known(runs, arguments.metrics), chosen)
    if arguments.human:
        beside = human.places(reference(human.read_people(arguments.human)), runs)
        shown = dataclasses.replace(shown, beside=beside, people=file_sha256(arguments.human))
    with atomic_folder(arguments.out, "report") as folder:
        write(folder, runs, inputs.command("report", arguments), shown)
    print(f"{arguments.out}/report.html: {len(runs.variants)} models, {len(runs.ballots)} ballots")
    return None


def write(folder: Path, runs: inputs.Runs, command: str, options: page.Options) -> None:
    """Writes the page, its figures and its facts into a folder."""
    languages = tqdm(page.languages(runs), desc="analysing", unit="language", disable=None)
    analyses = {language: analyse(runs, language) for language in languages}
    shown = tqdm(analyses.items(), desc="drawing", unit="language", disable=None)
    drawn = {x: gallery(runs, analysis, folder / "figures") for x, analysis in shown}
    found = [
        *human.facts(options.beside, command, options.people),
        *measured.facts(runs, analyses, command, options.more),
    ]
    facts.write(folder / "facts.json", found)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    inputs.add_arguments(parser, judgements=True)
    parser.add_argument(
        "--cases", nargs="+", default=[], metavar="ID", help="queries whose answers to show"
    )
    parser.add_argument(
        "--metrics", nargs="+", default=[], metavar="NAME", help="further metrics to show in tables"
    )
    parser.add_argument(
        "--validation",
        type=Path,
        metavar="FILE",
        help="validation.json of python -m eval_tasks validate: which metrics may rate",
    )
    parser.add_argument(
        "--human",
        type=Path,
        metavar="FILE",
        help="human.parquet of python -m eval_tasks human: where models stand among people",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/report"), help="folder (default: build/report)"
    )
    return parser
