"""The paper's counts, asked the usual questions: rates, families of tests, means over opponents."""

from __future__ import annotations

import functools
import itertools

from coig_writer import paper
from coig_writer.mixture import VARIANTS
from coig_writer.preference import significance
from coig_writer.preference.rates import Rate, wilson
from coig_writer.triplet import Language

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


@functools.cache
def corrected(language: Language) -> dict[tuple[str, str], float]:
    """Returns exact p-values of the ten pairs of a language, Holm-corrected over the ten."""
    pairs = list(itertools.combinations(VARIANTS, 2))
    cells = [paper.TABLE_2[language][pair] for pair in pairs]
    adjusted = significance.holm([significance.binomial(c.wins, c.n).p for c in cells])
    both = dict(zip(pairs, adjusted, strict=True))
    return both | {(b, a): p for (a, b), p in both.items()}


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
