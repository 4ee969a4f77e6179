"""The five 0–3 ratings of the paper's section 2.4: per model with interval, and agreement per dimension."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np

from coig_writer.ballot import DIMENSIONS
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.agreement import Alpha, Rating, alpha
from coig_writer.preference.bootstrap import Interval
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs, rating


@dataclasses.dataclass(frozen=True, slots=True)
class Ratings:
    """Means by (variant, dimension), clustered by query; α by dimension, or why there is none.

    ``raters`` lists raters by variant: where each variant has one of its own, rater and model
    cannot be told apart.
    """

    means: dict[tuple[str, str], Interval]
    alphas: dict[str, Alpha | str]
    dimensions: tuple[str, ...]
    raters: dict[str, frozenset[str]]

    @property
    def confounded(self) -> bool:
        """Whether every variant was rated by one rater, and not all by the same."""
        single = all(len(raters) == 1 for raters in self.raters.values())
        return single and len(frozenset().union(*self.raters.values())) > 1


def ratings(runs: Runs, language: Language) -> Ratings | None:
    """Returns the ratings of a language; None where there are none."""
    values: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    units: dict[str, list[Rating]] = defaultdict(list)
    raters: dict[str, set[str]] = defaultdict(set)
    for ballot in runs.voted(language):
        for dimension in DIMENSIONS:
            value = rating(ballot, dimension)
            if value is not None:
                variant = ballot.shown[0]
                values[variant, dimension].append((ballot.query_id, value))
                unit = f"{variant}/{ballot.query_id}"
                units[dimension].append(Rating(unit, ballot.rater, value))
                raters[variant].add(ballot.rater)
    if not values:
        return None
    return Ratings(
        {key: _mean(found) for key, found in values.items() if len({q for q, _ in found}) > 1},
        {dimension: _alpha(found) for dimension, found in units.items()},
        tuple(d for d in DIMENSIONS if d in units),
        {variant: frozenset(found) for variant, found in raters.items()},
    )


def _mean(found: list[tuple[str, int]]) -> Interval:
    queries = sorted({query for query, _ in found})
    codes = np.array([queries.index(query) for query, _ in found], dtype=np.intp)
    return bootstrap.mean(np.array([value for _, value in found], dtype=np.float64), codes)


def _alpha(found: list[Rating]) -> Alpha | str:
    try:
        return alpha(found)
    except StatisticsError as error:
        return error.message
