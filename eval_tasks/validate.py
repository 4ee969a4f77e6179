"""Which metrics predict what people prefer at equal length; the others only describe."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from coig_writer import __version__
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import rows_sha256, write_json
from coig_writer.metrics.catalogue import AMOUNTS_OF_TEXT
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.pairs import encode
from coig_writer.preference.validity import Better, Validity, validate
from coig_writer.record import from_row, to_row
from coig_writer.triplet import Language
from eval_tasks import runs as inputs
from eval_tasks.bilingual import plural
from eval_tasks.runs import LANGUAGES, Runs

OUT = Path("build/validation.json")
LENGTH = "chars"
DESCRIBES = "describes, does not rate"


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """The metrics of one language against people's preferences, and where those come from.

    Attributes:
        language: Of the texts.
        source: Where the preferences come from.
        models: How many models were compared.
        prompts: On how many prompts.
        raters: How many people judged.
        confounded: Nobody rated two answers to a prompt: a metric that goes with a rater's severity cannot be told
            from one that predicts preference.
        metrics: One entry per metric.
    """

    language: Language
    source: str
    models: int
    prompts: int
    raters: int
    confounded: bool
    metrics: tuple[Validity, ...]


class Validation(TypedDict):
    """What metrics are worth, for the report.

    Attributes:
        kit_version: Of the kit that measured.
        command: That measures it again.
        scores: SHA-256 of the scores that were read.
        ballots: SHA-256 of the ballots.
        tables: One per language.
    """

    kit_version: str
    command: str
    scores: str
    ballots: str
    tables: list[dict[str, object]]


def main(
    scores: inputs.Scores = None,
    ballots: inputs.Ballots = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="where the table goes, as JSON")] = OUT,
) -> None:
    """Prints one table per language, and writes it for python -m eval_tasks report --validation FILE.

    It gives how often of two answers to one prompt the one with more of the metric was preferred,
    Spearman's correlation within prompts, and the same at equal length. A metric earns a direction only
    at equal length, for other prompts and other models, after Holm's correction. All others describe
    and do not rate.
    """
    runs = inputs.read([], scores or [], ballots or [])
    tables = [t for language in LANGUAGES if (t := table(runs, language))]
    if not tables:
        raise InputError(
            "no scored answer has a ballot",
            "give --scores and --ballots of the same answers, length (chars) among the scores",
        )
    print("\n\n".join(map(render, tables)))
    content: Validation = {
        "kit_version": __version__,
        "command": inputs.command("validate", scores=scores, ballots=ballots),
        "scores": rows_sha256(runs.scores),
        "ballots": rows_sha256(runs.ballots),
        "tables": [to_row(t) for t in tables],
    }
    write_json(out, content)
    print(f"\n{out}: for python -m eval_tasks report --validation")


def table(runs: Runs, language: Language) -> Table | None:
    """Validates every metric that was scored; None without preferences, or without lengths."""
    preferred = runs.preferences(language)
    lengths = runs.by_answer(LENGTH, language)
    if not preferred.comparisons or not lengths:
        return None
    pairs = encode(preferred.comparisons)
    named = sorted({score.metric for score in runs.scores})
    values = {metric: runs.by_answer(metric, language) for metric in named}
    measured = validate(pairs, values, lengths, AMOUNTS_OF_TEXT)
    return Table(
        language, preferred.source, len(pairs.labels), len(pairs.query_ids),
        len({b.rater for b in runs.voted(language)}), not preferred.conclusive, tuple(measured.values()),
    )  # fmt: skip


def render(table: Table) -> str:
    """Returns a table as text."""
    head = f"{table.language}: {table.source} on {plural(table.prompts, 'prompt')}, {plural(table.models, 'model')}, {plural(table.raters, 'rater')}"
    if not table.metrics:
        return f"{head}\nToo few prompts with comparisons to hold any metric against them."
    width = max(len(v.metric) for v in table.metrics)
    lines = [
        head,
        f"{'metric':<{width}}  {'preferred, %':<20}{'rho':<22}{'rho given length':<22}{'p, Holm':<9}{'n':<7}",
    ]
    lines += [_line(row, width) for row in table.metrics]
    if table.confounded:
        lines.append(
            "No rater rated two answers to one prompt: a rater's severity and a model's quality cannot be told apart here."
        )
    return "\n".join(lines)


def _line(row: Validity, width: int) -> str:
    corrected = "–" if row.corrected is None else f"{row.corrected:.3f}"
    corrected = "< 0.001" if corrected == "0.000" else corrected
    verdict = f"{row.better} is better" if row.better else DESCRIBES
    cells = f"{_span(row.concordance, 100, 1):<20}{_span(row.rho):<22}{_span(row.given_length):<22}"
    return f"{row.metric:<{width}}  {cells}{corrected:<9}{row.answers:<7}{verdict}"


def _span(interval: Interval | None, scale: float = 1, digits: int = 2) -> str:
    if interval is None:
        return "–"
    value, low, high = (scale * x for x in (interval.estimate, interval.low, interval.high))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def read(path: Path) -> list[Table]:
    """Reads the tables of a validation.

    Raises:
        MissingInputError: The file is missing.
        InputError: It is no validation.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: missing file", f"run: python -m eval_tasks validate --out {path.name}"
        )
    made = "make it with python -m eval_tasks validate"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not a validation: not JSON ({error})", made) from error
    rows = content.get("tables") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f'{path}: not a validation: it has no list "tables"', made)
    return [from_row(Table, row, f"{path} table {i}") for i, row in enumerate(rows)]


def arrows(tables: Sequence[Table]) -> dict[tuple[Language, str], Better]:
    """Returns which metrics earned a direction, by language and metric."""
    return {(t.language, v.metric): v.better for t in tables for v in t.metrics if v.better}
