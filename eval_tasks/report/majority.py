"""Votes reduced to one majority per prompt, so that raters do not count as prompts.

Prompts on which the votes split evenly are left out of the tests (the sign test).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from coig_writer.ballot import Comparison
from coig_writer.preference import significance
from coig_writer.preference.rates import Rate, wilson


def majority(comparisons: Iterable[Comparison], row: str, column: str) -> Rate | None:
    """Returns on how many decided prompts the row won most of its votes against the column."""
    return _rate(_leads(comparisons).get((row, column), {}))


def majorities(
    comparisons: Iterable[Comparison], variants: Sequence[str]
) -> dict[tuple[str, str], Rate]:
    """Returns ``majority`` for every unordered pair that met, in the order of ``variants``."""
    leads = _leads(comparisons)
    rates = {pair: _rate(leads.get(pair, {})) for pair in itertools.combinations(variants, 2)}
    return {pair: rate for pair, rate in rates.items() if rate is not None}


def _leads(comparisons: Iterable[Comparison]) -> dict[tuple[str, str], dict[str, float]]:
    """Returns by ordered pair and query how far the first leads, in votes."""
    leads: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for vote in comparisons:
        leads[vote.left, vote.right][vote.query_id] += vote.outcome - 0.5
        leads[vote.right, vote.left][vote.query_id] -= vote.outcome - 0.5
    return leads


def _rate(leads: dict[str, float]) -> Rate | None:
    decided = [lead > 0 for lead in leads.values() if lead != 0]
    return wilson(sum(decided), len(decided)) if decided else None


def exact(rate: Rate) -> float:
    """Returns the exact two-sided p-value of a rate against one half."""
    return significance.binomial(round(rate.successes), rate.n).p


def corrected(rates: dict[tuple[str, str], Rate]) -> dict[tuple[str, str], float]:
    """Returns p-values of pairs, Holm-corrected over all of them, for either order of a pair."""
    if not rates:
        return {}
    p = significance.holm([exact(rate) for rate in rates.values()])
    both = dict(zip(rates, p, strict=True))
    return both | {(b, a): value for (a, b), value in both.items()}
