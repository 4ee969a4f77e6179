"""Tables 2–4 of the paper, for the user's models and beside what the paper printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from coig_writer import paper
from coig_writer.metrics.averages import interval, over_answers
from coig_writer.metrics.catalogue import KINDS
from coig_writer.mixture import VARIANTS
from coig_writer.preference import bootstrap, bradley_terry
from coig_writer.preference.board import Board
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.pairs import WinMatrix
from coig_writer.preference.rates import Rate, wilson
from coig_writer.triplet import Language
from eval_tasks.runs import Runs

SHOWN = (
    "tokens",
    "chars",
    "ttr",
    "mattr_100",
    "length_met",
    "required_share",
    "reasoning_kept",
    "reasoning_bound",
)
CONFUSION = ("any", "mixed", "wrong")


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one variant over ``n`` prompts; ``missing`` counts absences.

    ``mean`` and ``median`` are None before scoring, ``interval`` also where one prompt has no spread.
    """

    variant: str
    metric: str
    mean: float | None
    median: float | None
    interval: Interval | None
    n: int
    missing: int
    paper_mean: float | None
    paper_median: float | None


def published_strengths(board: Board, language: Language) -> dict[str, float]:
    """Returns the strengths that the paper's Table 2 implies for the published variants on a board.

    Shifted so that their mean equals that of the same variants on the board; empty for fewer than two.
    """
    ours = {s.model: s.strength.estimate for s in board.standings if s.model in VARIANTS}
    here = [v for v in VARIANTS if v in ours]
    if len(here) < 2:
        return {}
    wins = np.array(
        [[0.0 if a == b else paper.TABLE_2[language][a, b].wins for b in here] for a in here]
    )
    fitted = bradley_terry.fit(WinMatrix(tuple(here), wins, np.zeros_like(wins)))
    shift = sum(ours.values()) / len(here)
    return {v: s + shift for v, s in zip(here, fitted.log_strengths, strict=True)}


def confusion(runs: Runs, language: Language) -> dict[tuple[str, str], Rate]:
    """Returns by (variant, threshold) the share of answers with text of the other language."""
    rates: dict[tuple[str, str], Rate] = {}
    for threshold in CONFUSION:
        for variant, values in runs.sampled(f"language_confusion_{threshold}", language).items():
            hits = [float(value > 0) for value in values.values()]
            rate = wilson(sum(hits), len(hits))
            low, high = interval(hits, "share", list(values))
            if low is not None and high is not None:
                rate = dataclasses.replace(rate, low=low, high=high)
            rates[variant, threshold] = rate
    return rates


def measures(runs: Runs, metric: str, language: Language) -> dict[str, Measure]:
    """Returns the column of a metric (``tokens``, ``chars``, ``ttr``…) by variant."""
    values, missing = runs.sampled(metric, language), runs.missing(metric, language)
    means, medians = published(metric, language)
    return {
        v: _measure(
            v, metric, values.get(v, {}), missing.get(v, 0), means.get(v), medians.get(v)
        )
        for v in runs.variants
    }  # fmt: skip


def _measure(
    variant: str,
    metric: str,
    values: Mapping[tuple[str, int], float],
    missing: int,
    *paper: float | None,
) -> Measure:
    if not values:
        return Measure(variant, metric, None, None, None, 0, missing, *paper)
    data = np.array(list(values.values()))
    _, queries = np.unique([query for query, _ in values], return_inverse=True)
    interval = None
    if queries.max():
        scale = bootstrap.SHARE if KINDS.get(metric, "amount") != "amount" else None
        interval = bootstrap.mean(data, queries, scale=scale)
        half = over_answers(list(values.values()), list(values)).half()
        least, most = scale or (-np.inf, np.inf)
        low, high = max(least, interval.estimate - half), min(most, interval.estimate + half)
        interval = bootstrap.at_least(interval, low, high, "student t over prompts and samples")
    middle = float(np.median(data))
    return Measure(
        variant, metric, float(data.mean()), middle, interval, len(data), missing, *paper
    )


def published(metric: str, language: Language) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the paper's means and medians of a metric by variant; empty where it printed none."""
    if metric == "ttr":
        return paper.TABLE_4_MEAN[language], paper.TABLE_4_MEDIAN[language]
    if metric == "tokens":
        return paper.TABLE_3_TOKENS[language], {}
    if metric == "chars":
        return {v: float(n) for v, n in paper.TABLE_3_CHARS[language].items()}, {}
    return {}, {}
