"""Tables 2–4 of the paper, for the user's models and beside what the paper printed."""

from __future__ import annotations

import dataclasses

from coig_writer import paper
from coig_writer.ballot import Ballot, comparisons
from coig_writer.preference.means import Mean, mean
from coig_writer.preference.pairs import encode, win_matrix
from coig_writer.preference.rates import Rate
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One pair: ``ours`` is None before there are votes, ``paper`` where it published none."""

    row: str
    column: str
    ours: Rate | None
    paper: paper.Reported | None


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one variant: ``ours`` is None before scoring; ``missing`` counts absences."""

    variant: str
    metric: str
    ours: Mean | None
    missing: int
    paper_mean: float | None
    paper_median: float | None


def win_rates(runs: Runs, language: Language) -> dict[tuple[str, str], Cell]:
    """Returns Table 2: (row, column) to cell, for every ordered pair of variants."""
    met = _rates(runs.voted(language))
    return {
        (a, b): Cell(a, b, met.get((a, b)), paper.TABLE_2[language].get((a, b)))
        for a in runs.variants
        for b in runs.variants
        if a != b
    }


def _rates(ballots: tuple[Ballot, ...]) -> dict[tuple[str, str], Rate]:
    met = [comparison for ballot in ballots for comparison in comparisons(ballot)]
    if not met:
        return {}
    matrix = win_matrix(encode(met))
    return {
        (a, b): matrix.rate(a, b)
        for i, a in enumerate(matrix.labels)
        for j, b in enumerate(matrix.labels)
        if i != j and matrix.games[i, j] > 0
    }


def measures(runs: Runs, metric: str, language: Language) -> dict[str, Measure]:
    """Returns the column of a metric (``tokens``, ``chars``, ``ttr``…) by variant."""
    values, missing = runs.values(metric, language), runs.missing(metric, language)
    means, medians = _published(metric, language)
    return {
        v: Measure(
            v,
            metric,
            mean(list(values[v].values())) if v in values else None,
            missing.get(v, 0),
            means.get(v),
            medians.get(v),
        )
        for v in runs.variants
    }


def _published(metric: str, language: Language) -> tuple[dict[str, float], dict[str, float]]:
    if metric == "ttr":
        return paper.TABLE_4_MEAN[language], paper.TABLE_4_MEDIAN[language]
    if metric == "tokens":
        return paper.TABLE_3_TOKENS[language], {}
    if metric == "chars":
        return {v: float(n) for v, n in paper.TABLE_3_CHARS[language].items()}, {}
    return {}, {}
