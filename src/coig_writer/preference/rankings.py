"""Complete rankings as an array of places, with Friedman's test and Kendall's W."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

from coig_writer.ballot import Ballot
from coig_writer.errors import StatisticsError
from coig_writer.preference.pairs import Floats, Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Rankings:
    """``places[r, v]`` is the place of variant v in ranking r, 1 best; tied variants share the mean.

    A variant that was not shown has place NaN.
    """

    labels: tuple[str, ...]
    query_ids: tuple[str, ...]
    rater_ids: tuple[str, ...]
    places: Floats
    queries: Ints
    raters: Ints

    def complete(self) -> Floats:
        """Returns the places of the rankings that hold every variant."""
        return np.asarray(self.places[~np.isnan(self.places).any(axis=1)])


@dataclasses.dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's χ² over complete rankings, with Kendall's W and the mean places.

    ``left_out`` counts rankings that did not hold every variant.
    """

    statistic: float
    degrees: int
    p: float
    kendall_w: float
    mean_places: dict[str, float]
    n: int
    left_out: int


def encode(ballots: Iterable[Ballot], labels: Sequence[str] | None = None) -> Rankings:
    """Turns ranking ballots into places; skips and repeats are left out.

    Raises:
        StatisticsError: No ranking, or a variant that is not listed.
    """
    votes = [
        b for b in ballots if (b.protocol, b.repeat) == ("ranking", 0) and b.verdict != '"skip"'
    ]
    if not votes:
        raise StatisticsError("no rankings", "collect ballots with protocol `ranking`")
    shown = {variant for ballot in votes for variant in ballot.shown}
    variants = tuple(labels) if labels is not None else tuple(sorted(shown))
    if shown - set(variants):
        raise StatisticsError(
            f"unknown label {min(shown - set(variants))!r} in a ranking",
            f"labels are {', '.join(variants)}",
        )
    query_ids = tuple(sorted({b.query_id for b in votes}))
    rater_ids = tuple(sorted({b.rater for b in votes}))
    return Rankings(
        variants,
        query_ids,
        rater_ids,
        np.array([_places(json.loads(b.verdict), variants) for b in votes]),
        np.array([query_ids.index(b.query_id) for b in votes], dtype=np.intp),
        np.array([rater_ids.index(b.rater) for b in votes], dtype=np.intp),
    )


def _places(verdict: list[str | list[str]], variants: Sequence[str]) -> list[float]:
    place: dict[str, float] = {}
    taken = 0
    for group in (g if isinstance(g, list) else [g] for g in verdict):
        for variant in group:
            place[variant] = taken + (len(group) + 1) / 2
        taken += len(group)
    return [place.get(name, float("nan")) for name in variants]


def per_query(rankings: Rankings) -> Rankings:
    """Reduces each query's complete rankings to one, by mean place, so that raters are no prompts."""
    complete = ~np.isnan(rankings.places).any(axis=1)
    queries = np.unique(rankings.queries[complete])
    places = [
        stats.rankdata(rankings.places[complete & (rankings.queries == query)].mean(axis=0))
        for query in queries
    ]
    return Rankings(
        rankings.labels,
        tuple(rankings.query_ids[query] for query in queries),
        ("all raters",),
        np.array(places).reshape(len(queries), len(rankings.labels)),
        np.arange(len(queries)),
        np.zeros(len(queries), dtype=np.intp),
    )


def friedman(rankings: Rankings) -> Friedman:
    """Tests whether any variant is placed better than another (Friedman 1937, ties corrected).

    Rankings count as independent: with several raters per prompt, reduce them with ``per_query`` first.

    Raises:
        StatisticsError: Fewer than two complete rankings, or all of them one big tie.
    """
    places = rankings.complete()
    n, k = places.shape
    if n < 2:
        raise StatisticsError(f"{n} complete rankings", "Friedman's test needs at least two")
    sums = places.sum(axis=0)
    spread = (places**2).sum() - n * k * (k + 1) ** 2 / 4
    if spread <= 0:
        raise StatisticsError("every ranking ties all variants", "there is nothing to test")
    statistic = float((k - 1) * ((sums - n * (k + 1) / 2) ** 2).sum() / spread)
    means = dict(zip(rankings.labels, map(float, sums / n), strict=True))
    return Friedman(
        statistic,
        k - 1,
        float(stats.chi2.sf(statistic, k - 1)),
        statistic / (n * (k - 1)),
        means,
        n,
        len(rankings.places) - n,
    )
