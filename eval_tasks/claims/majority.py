"""Majorities per prompt in the user's runs, and findings made of them."""

from __future__ import annotations

from coig_writer.ballot import Comparison, comparisons
from coig_writer.mixture import VARIANTS
from coig_writer.preference.rates import Rate
from coig_writer.triplet import Language
from eval_tasks.claims.claim import Finding, Text, Verdict, p_value
from eval_tasks.report import majority as votes_by_prompt
from eval_tasks.report.inputs import Runs
from eval_tasks.report.majority import exact

__all__ = ["corrected", "counted", "exact", "majority", "rate_finding", "votes"]


def votes(runs: Runs, language: Language, genres: tuple[str, ...] = ()) -> list[Comparison]:
    """Returns the votes on a language, of some genres or all."""
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
    return votes_by_prompt.majority(votes(runs, language, genres), row, column)


def corrected(runs: Runs, language: Language) -> dict[tuple[str, str], float]:
    """Returns p-values of all pairs of published variants that met, Holm-corrected over them."""
    rates = votes_by_prompt.majorities(votes(runs, language), VARIANTS)
    return votes_by_prompt.corrected(rates)


def counted(rate: Rate, p: float) -> Text:
    return Text(
        f"{rate.successes:.0f} of {rate.n} decided prompts, {p_value(p)} after correction.",
        f"{rate.n} 道分出胜负的题中胜 {rate.successes:.0f} 道，校正后 {p_value(p)}。",
    )


def rate_finding(verdict: Verdict, reason: Text, rate: Rate, p: float) -> Finding:
    return Finding(verdict, reason, rate.value, rate.low, rate.high, rate.n, p)
