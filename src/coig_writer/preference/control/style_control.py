"""The board at equal length and format: Bradley–Terry with what an answer looks like as covariates.

logit P(left wins) = θ_left - θ_right + Σ β · (log2(1 + x_left) - log2(1 + x_right)) for characters,
headings, list items and bold spans. The idea is the style control of public arenas, here for votes of
people, with errors clustered by prompt and rater. It says what would be preferred if answers looked
alike; where a model is preferred *because* it writes more, that is taken out too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference.control import logistic
from coig_writer.preference.pairs import Floats, Ints, Pairs

LEAST = 10  # prompts below which errors clustered by prompt mean nothing
Values = Mapping[tuple[str, str], float]  # (model, query id) → value


@dataclasses.dataclass(frozen=True, slots=True)
class Coefficient:
    """A log strength (mean 0), or the log odds for twice as much of something."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Controlled:
    """A model's log strength and place, plain and at equal style."""

    model: str
    plain: Coefficient
    plain_place: int
    strength: Coefficient
    place: int


@dataclasses.dataclass(frozen=True, slots=True)
class StyleControl:
    """Models, strongest at equal style first; ``effects`` by covariate.

    Both fits take the ``n`` comparisons whose two answers are measured; ``left_out`` are not.
    """

    models: tuple[Controlled, ...]
    effects: dict[str, Coefficient]
    n: int
    left_out: int
    prompts: int
    raters: int
    level: float
    method: str = "logistic model, cluster-robust by prompt and rater"

    @property
    def moved(self) -> tuple[Controlled, ...]:
        """The models whose place changes."""
        return tuple(model for model in self.models if model.place != model.plain_place)


def fit(pairs: Pairs, covariates: Mapping[str, Values], level: float = 0.95) -> StyleControl:
    """Fits the board with and without covariates.

    Args:
        pairs: Comparisons.
        covariates: Name → amounts of at least 0; one that never differs is left out.
        level: Of the intervals.

    Raises:
        StatisticsError: Fewer than ``LEAST`` prompts, nothing measured differs, or no finite estimate.
    """
    tables = {name: _differences(pairs, values) for name, values in covariates.items()}
    known = np.ones(len(pairs), dtype=bool)
    for column in tables.values():
        known &= ~np.isnan(column)
    style = (
        {name: column[known] for name, column in tables.items() if np.ptp(column[known]) > 0}
        if known.any()
        else {}
    )
    queries, raters = pairs.queries[known], pairs.raters[known]
    prompts = len(np.unique(queries))
    if prompts < LEAST or not style:
        raise StatisticsError(
            f"{prompts} prompts with comparisons of measured answers that differ",
            f"score the answers of at least {LEAST} prompts",
        )
    met = np.unique(np.concatenate([pairs.left[known], pairs.right[known]]))
    design, centre = _players(pairs, known, met)
    clusters = [queries, raters] if len(np.unique(raters)) > 1 else [queries]
    outcome = pairs.outcome[known]
    plain, _ = _fitted(design, outcome, clusters, centre, level)
    full = np.column_stack([design, *style.values()])
    strengths, rest = _fitted(full, outcome, clusters, centre, level)
    places, before = (
        _places([c.value for c in coefficients]) for coefficients in (strengths, plain)
    )
    models = [
        Controlled(pairs.labels[j], plain[i], before[i], strengths[i], places[i])
        for i, j in enumerate(met)
    ]
    return StyleControl(
        tuple(sorted(models, key=lambda m: m.place)), dict(zip(style, rest, strict=True)),
        int(known.sum()), int((~known).sum()), prompts, len(np.unique(raters)), level,
    )  # fmt: skip


def _differences(pairs: Pairs, values: Values) -> Floats:
    table = np.array(
        [[values.get((m, q), np.nan) for m in pairs.labels] for q in pairs.query_ids],
        dtype=np.float64,
    )
    seen = np.log2(1 + table)
    return np.asarray(seen[pairs.queries, pairs.left] - seen[pairs.queries, pairs.right])


def _players(
    pairs: Pairs, known: np.ndarray[tuple[int], np.dtype[np.bool_]], met: Ints
) -> tuple[Floats, Floats]:
    """Returns +1 and -1 for who met, the first player left out; and the map to strengths with mean 0."""
    rows, k = np.arange(int(known.sum())), len(met)
    design = np.zeros((len(rows), k))
    design[rows, np.searchsorted(met, pairs.left[known])] = 1
    design[rows, np.searchsorted(met, pairs.right[known])] = -1
    return design[:, 1:], np.eye(k)[:, 1:] - 1 / k


def _fitted(
    design: Floats, outcome: Floats, clusters: list[Ints], centre: Floats, level: float
) -> tuple[list[Coefficient], list[Coefficient]]:
    """Returns strengths and the other coefficients; Student's quantile for the fewer clusters."""
    theta, _ = logistic.fit(design, outcome)
    k, rest = centre.shape[1], design.shape[1] - centre.shape[1]
    map_ = np.block([[centre, np.zeros((len(centre), rest))], [np.zeros((rest, k)), np.eye(rest)]])
    ways = [[c] for c in clusters] + ([clusters] if len(clusters) > 1 else [])
    variances = [
        np.diag(map_ @ logistic.covariance(design, outcome, theta, way) @ map_.T) for way in ways
    ]
    naive = np.diag(map_ @ np.linalg.pinv(logistic.information(design, theta)) @ map_.T)
    # two ways less both can fall below one way; and scores that cancel in clusters show no certainty
    error = np.sqrt(np.max([*variances, naive], axis=0))
    degrees = min(len(np.unique(codes)) for codes in clusters) - 1
    half = stats.t.ppf(0.5 + level / 2, degrees) * error
    coefficients = [
        Coefficient(float(v), float(v - h), float(v + h))
        for v, h in zip(map_ @ theta, half, strict=True)
    ]
    return coefficients[: len(centre)], coefficients[len(centre) :]


def _places(values: list[float]) -> list[int]:
    return [int(place) for place in stats.rankdata(-np.array(values), method="min")]
