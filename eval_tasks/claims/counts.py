"""Statistics of the paper's counts: rates, families of tests, means over opponents."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence

from coig_writer import paper
from coig_writer.mixture import PUBLISHED, VARIANTS
from coig_writer.preference import association, significance
from coig_writer.preference.association import Correlation
from coig_writer.preference.rates import Rate, wilson
from coig_writer.triplet import Language
from eval_tasks.claims.claim import ALPHA, Verdict

NAMES = {
    "cw": "CW",
    "cw_1k": "CW+1k",
    "cw_5k": "CW+5k",
    "cw_10k": "CW+10k",
    "g": "G",
    "base": "base",
}
MIXED = ("cw", "cw_1k", "cw_5k", "cw_10k")  # by rising share of general data


def rate(language: Language, row: str, column: str) -> Rate:
    """Returns a cell of Table 2 with its Wilson interval."""
    cell = paper.TABLE_2[language][row, column]
    return wilson(cell.wins, cell.n)


def raw(language: Language) -> dict[tuple[str, str], float]:
    """Returns exact p-values of the ten pairs of a language, before correction."""
    pairs = itertools.combinations(VARIANTS, 2)
    cells = {pair: paper.TABLE_2[language][pair] for pair in pairs}
    return {pair: significance.binomial(c.wins, c.n).p for pair, c in cells.items()}


@functools.cache
def corrected(language: Language) -> dict[tuple[str, str], float]:
    """Returns exact p-values of the ten pairs of a language, Holm-corrected over the ten."""
    exact = raw(language)
    both = dict(zip(exact, significance.holm(list(exact.values())), strict=True))
    return both | {(b, a): p for (a, b), p in both.items()}


def decided(language: Language) -> frozenset[tuple[str, str]]:
    """Returns the pairs of Table 2 that differ after correction, better one first."""
    return frozenset(
        (a, b)
        for (a, b), p in corrected(language).items()
        if p < ALPHA and rate(language, a, b).low > 1 / 2
    )


def flips(language: Language, row: str, column: str) -> int | None:
    """Returns how many prompts must go the other way until a pair no longer differs after correction."""
    others = [p for pair, p in raw(language).items() if set(pair) != {row, column}]
    cell = paper.TABLE_2[language][row, column]
    return significance.fewest_flips(cell.wins, cell.n, others)


def not_better(counts: Mapping[str, tuple[int, int]]) -> list[str]:
    """Returns the models that are shown not to be better by the margin; a model has prompts won and decided.

    One-sided exact tests against one half and the margin, Holm-corrected: what is not shown is left open.
    """
    limit = 0.5 + significance.MARGIN
    p = significance.holm(
        [significance.binomial(*won_of, limit, "less").p for won_of in counts.values()]
    )
    return [model for model, corrected_p in zip(counts, p, strict=True) if corrected_p < ALPHA]


def only(better: Sequence[str], no_better: Sequence[str]) -> Verdict:
    """Decides whether CW+10k is the only mixture better than G: it must be better, and no other can be."""
    if set(better) - {"cw_10k"}:
        return "not supported"
    if "cw_10k" in better and len(no_better) == len(MIXED) - 1:
        return "supported"
    return "not testable here"


def mean_rates(language: Language) -> dict[str, float]:
    """Returns each model's mean win rate over its four opponents."""
    return {
        v: sum(rate(language, v, w).value for w in VARIANTS if w != v) / (len(VARIANTS) - 1)
        for v in VARIANTS
    }


def confusion() -> dict[str, Rate]:
    """Returns the share of English prompts answered in Chinese, per model."""
    n = paper.QUERIES["en"]
    return {v: wilson(hits, n) for v, hits in paper.LANGUAGE_CONFUSION.items()}


def general_share(variant: str) -> float:
    """Returns the share of general rows in a variant's training data."""
    return 2 * PUBLISHED[variant].general_per_language / PUBLISHED[variant].total


def against_general_share(values: Mapping[str, float]) -> Correlation:
    """Correlates one value per variant with its share of general rows.

    Raises:
        StatisticsError: Fewer than four variants, or no spread.
    """
    return association.correlate([general_share(v) for v in values], list(values.values()))
