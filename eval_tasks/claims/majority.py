"""Votes reduced to one majority per prompt, so that raters do not count as prompts.

Prompts on which the votes split evenly are left out of the tests (the sign test).
"""

from __future__ import annotations

import itertools
from collections import defaultdict

from coig_writer.ballot import Comparison, comparisons
from coig_writer.mixture import VARIANTS
from coig_writer.preference import significance
from coig_writer.preference.rates import Rate, wilson
from coig_writer.triplet import Language
from eval_tasks.claims.claim import Finding, Text, Verdict, p_value
from eval_tasks.report.inputs import Runs


def votes(runs: Runs, language: Language, genres: tuple[str, ...] = ()) -> list[Comparison]:
    return [
        comparison
        for ballot in runs.voted(language)
        if not genres or runs.genres.get(ballot.query_id) in genres
        for comparison in comparisons(ballot)
    ]


def majority(
    runs: Runs, language: Language, row: str, column: str, genres: tuple[str, ...] = ()
) -> Rate | None:
    """Returns on how many prompts the row won the majority of its votes against the column."""
    lead: dict[str, float] = defaultdict(float)
    for vote in votes(runs, language, genres):
        if (vote.left, vote.right) == (row, column):
            lead[vote.query_id] += vote.outcome - 0.5
        elif (vote.left, vote.right) == (column, row):
            lead[vote.query_id] -= vote.outcome - 0.5
    decided = [value > 0 for value in lead.values() if value != 0]
    return wilson(sum(decided), len(decided)) if decided else None


def corrected(runs: Runs, language: Language) -> dict[tuple[str, str], float]:
    """Returns p-values of all pairs of published variants that met, Holm-corrected over them."""
    rates = {
        pair: rate
        for pair in itertools.combinations(VARIANTS, 2)
        if (rate := majority(runs, language, *pair)) is not None
    }
    if not rates:
        return {}
    p = significance.holm([exact(rate) for rate in rates.values()])
    both = dict(zip(rates, p, strict=True))
    return both | {(b, a): value for (a, b), value in both.items()}


def exact(rate: Rate) -> float:
    return significance.binomial(round(rate.successes), rate.n).p


def counted(rate: Rate, p: float) -> Text:
    return Text(
        f"{rate.successes:.0f} of {rate.n} decided prompts, {p_value(p)} after correction.",
        f"{rate.n} 道分出胜负的题中胜 {rate.successes:.0f} 道，校正后 {p_value(p)}。",
    )


def rate_finding(verdict: Verdict, reason: Text, rate: Rate, p: float) -> Finding:
    return Finding(verdict, reason, rate.value, rate.low, rate.high, rate.n, p)
