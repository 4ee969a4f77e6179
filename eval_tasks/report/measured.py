"""The report's numbers as facts, under names that cards can rely on."""

from __future__ import annotations

from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.triplet import Language
from eval_tasks.report.inputs import LANGUAGES, Runs
from eval_tasks.report.tables import friedman, measures, win_rates

METRICS = {"tokens": "tokens", "chars": "characters", "ttr": None}


def facts(runs: Runs, command: str) -> list[Fact]:
    """Returns ``table-2/LANGUAGE/ROW/COLUMN`` and ``table-{3,4}/LANGUAGE/VARIANT/METRIC`` facts."""
    votes, scores = rows_sha256(runs.ballots), rows_sha256(runs.scores)
    found: list[Fact] = []
    for language in LANGUAGES:
        found += _preferences(runs, language, command, votes)
        found += _places(runs, language, command, votes)
        for metric in METRICS:
            found += _means(runs, metric, language, command, scores)
    return found


def _preferences(runs: Runs, language: Language, command: str, artefact: str) -> list[Fact]:
    return [
        Fact(
            f"table-2/{language}/{cell.row}/{cell.column}",
            100 * cell.ours.value,
            cell.ours.n,
            100 * cell.ours.low,
            100 * cell.ours.high,
            "percent",
            command,
            artefact,
        )
        for cell in win_rates(runs, language).values()
        if cell.ours is not None
    ]


def _places(runs: Runs, language: Language, command: str, artefact: str) -> list[Fact]:
    result = friedman(runs, language)
    if result is None:
        return []
    values = {f"mean-place/{language}/{v}": place for v, place in result.mean_places.items()}
    values |= {
        f"friedman/{language}/statistic": result.statistic,
        f"friedman/{language}/p": result.p,
        f"friedman/{language}/kendall-w": result.kendall_w,
    }
    return [
        Fact(name, value, result.n, command=command, artefact=artefact)
        for name, value in values.items()
    ]


def _means(runs: Runs, metric: str, language: Language, command: str, artefact: str) -> list[Fact]:
    table = "table-4" if metric == "ttr" else "table-3"
    found: list[Fact] = []
    for variant, measure in measures(runs, metric, language).items():
        ours = measure.ours
        if ours is None:
            continue
        name = f"{table}/{language}/{variant}/{metric}"
        unit = METRICS[metric]
        found.append(Fact(name, ours.value, ours.n, ours.low, ours.high, unit, command, artefact))
        if metric == "ttr":
            median = Fact(f"{name}-median", ours.median, ours.n, unit=unit, command=command)
            found.append(median)
    return found
