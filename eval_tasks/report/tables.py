"""Tables 2–4 of the paper, for the user's models and beside what the paper printed."""

from __future__ import annotations

import dataclasses
from collections import Counter

from coig_writer import paper
from coig_writer.ballot import Ballot, comparisons
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.means import Mean, mean
from coig_writer.preference.pairs import Pairs, encode, win_matrix
from coig_writer.preference.rankings import Friedman, per_query
from coig_writer.preference.rankings import encode as encode_rankings
from coig_writer.preference.rankings import friedman as test_friedman
from coig_writer.preference.rates import Rate, wilson
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
    pairs = encode(met)
    matrix = win_matrix(pairs)
    repeated = _repeated(pairs)
    drawn = bootstrap.win_rates(pairs) if repeated and len(pairs.query_ids) > 1 else {}
    return {
        (a, b): _clustered(drawn.get((a, b)), matrix.rate(a, b))
        if frozenset((a, b)) in repeated
        else matrix.rate(a, b)
        for i, a in enumerate(matrix.labels)
        for j, b in enumerate(matrix.labels)
        if i != j and matrix.games[i, j] > 0
    }


def _repeated(pairs: Pairs) -> set[frozenset[str]]:
    """Returns the pairs that met more than once on some query, so that votes are not independent."""
    seen: Counter[tuple[frozenset[str], int]] = Counter(
        (frozenset((pairs.labels[i], pairs.labels[j])), int(query))
        for i, j, query in zip(pairs.left, pairs.right, pairs.queries, strict=True)
    )
    return {pair for (pair, _), times in seen.items() if times > 1}


def _clustered(drawn: Interval | None, rate: Rate) -> Rate:
    """Replaces Wilson's interval; one prompt alone says nothing about others, so it spans all."""
    if drawn is None:
        return dataclasses.replace(rate, low=0.0, high=1.0, method="none: a single prompt")
    method = f"{drawn.method}, by {drawn.cluster}"
    return dataclasses.replace(rate, low=drawn.low, high=drawn.high, method=method)


CONFUSION = ("any", "mixed", "wrong")


def confusion(runs: Runs, language: Language) -> dict[tuple[str, str], Rate]:
    """Returns by (variant, threshold) the share of answers with text of the other language."""
    found: dict[tuple[str, str], Rate] = {}
    for threshold in CONFUSION:
        for variant, values in runs.values(f"language_confusion_{threshold}", language).items():
            hits = sum(value > 0 for value in values.values())
            found[variant, threshold] = wilson(hits, len(values))
    return found


def friedman(runs: Runs, language: Language) -> Friedman | None:
    """Returns mean places and Friedman's test, one ranking per query; None where there are too few."""
    rankings = [b for b in runs.voted(language) if b.protocol == "ranking"]
    ranked = {variant for b in rankings for variant in b.shown}
    labels = [v for v in runs.variants if v in ranked]
    try:
        return test_friedman(per_query(encode_rankings(rankings, labels)))
    except StatisticsError:
        return None  # no or one complete ranking, or all of them ties


def measures(runs: Runs, metric: str, language: Language) -> dict[str, Measure]:
    """Returns the column of a metric (``tokens``, ``chars``, ``ttr``…) by variant."""
    values, missing = runs.values(metric, language), runs.missing(metric, language)
    means, medians = published(metric, language)
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


def published(metric: str, language: Language) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the paper's means and medians of a metric by variant; empty where it printed none."""
    if metric == "ttr":
        return paper.TABLE_4_MEAN[language], paper.TABLE_4_MEDIAN[language]
    if metric == "tokens":
        return paper.TABLE_3_TOKENS[language], {}
    if metric == "chars":
        return {v: float(n) for v, n in paper.TABLE_3_CHARS[language].items()}, {}
    return {}, {}
