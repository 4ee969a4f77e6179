"""Averages of scores with intervals: over answers (micro), genres (macro), per category and genre.

lighteval's own averages are unweighted over tasks and give a genre of one query a standard error of
0; these carry n, and genres, of four queries each, are partially pooled. Intervals are 95 %: Wilson for shares,
Student's t for amounts. Queries are the sample; answers of one variant are independent given them.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.stats import t

from coig_writer import taxonomy
from coig_writer.errors import StatisticsError
from coig_writer.metrics.catalogue import KINDS
from coig_writer.metrics.definition import Kind
from coig_writer.preference import pooling
from coig_writer.preference.rates import Crossed, crossed, wilson
from coig_writer.score import Score

Z = 1.96  # of a 95 % interval
ENOUGH = 5  # below this many queries a genre's mean is not shown
State = Literal["scored", "pooled", "missing", "insufficient data"]
Scope = Literal["micro", "macro", "category", "genre"]


@dataclasses.dataclass(frozen=True, slots=True)
class Average:
    """One mean. ``n`` counts scored answers, or genres where the scope is macro.

    ``genre`` names the genre or category of a row that is about one. ``state`` is ``pooled`` where genres
    are drawn towards each other, as wherever two have values that vary, and ``insufficient data`` where n is
    too small even so; value and interval are then None.
    """

    variant: str
    language: str
    metric: str
    scope: Scope
    genre: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    state: State


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where an answer belongs: language and genre (None where unknown)."""

    language: str
    genre: str | None


def averages(scores: Iterable[Score], places: Mapping[str, Place]) -> list[Average]:
    """Averages the scores of any variants.

    Args:
        scores: Scores of answers.
        places: Query id to language and genre.

    Returns:
        For each variant, language and metric: the micro average, a row per category and genre, and the macro
        average (the mean of the genre means, each genre once; genres of any size count).
    """
    groups: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        key = (score.variant, places[score.query_id].language, score.metric)
        groups.setdefault(key, []).append(score)
    return [
        average
        for (variant, language, metric), group in groups.items()
        for average in _group(variant, language, metric, group, places)
    ]


def _group(
    variant: str, language: str, metric: str, group: Sequence[Score], places: Mapping[str, Place]
) -> list[Average]:
    kind = KINDS.get(metric, "amount")
    published = taxonomy.published()
    by_genre: dict[str, list[Score]] = {}
    by_category: dict[str, list[Score]] = {}
    for score in group:
        genre = places[score.query_id].genre
        if genre is not None:
            by_genre.setdefault(genre, []).append(score)
            by_category.setdefault(published.category_of(genre), []).append(score)
    key = (variant, language, metric)
    rows = [_average(key, "micro", None, group, kind, 1)]
    rows += [_average(key, "category", c, p, kind, ENOUGH) for c, p in sorted(by_category.items())]
    genres = [_average(key, "genre", g, p, kind, ENOUGH) for g, p in sorted(by_genre.items())]
    rows += _pooled(genres, by_genre, kind, _crossed(group).samples)
    return [*rows, _macro(key, list(by_genre.values()), kind, _crossed(group))]


def _pooled(
    genres: Sequence[Average], by_genre: Mapping[str, Sequence[Score]], kind: Kind, seeds: float
) -> list[Average]:
    """Shrinks the genre means towards each other, as far as the data support it, unless only a few genres are small.

    Most genres have four queries, too few for a mean of their own. Where pooling finds no spread
    or only one genre has values, the genres keep their own means. ``seeds`` is the variance that samples
    share: no pooling makes it smaller.
    """
    values = {g: _by_query(p) for g, p in by_genre.items()}
    known = {genre: means for genre, means in values.items() if means}
    try:
        if kind == "share":
            pooled = pooling.pool({g: (math.fsum(x), len(x)) for g, x in known.items()})
        else:
            pooled = pooling.pool_means(known)
    except StatisticsError:
        return list(genres)
    least, most = (-math.inf, math.inf) if kind == "amount" else (0.0, 1.0)
    return [
        dataclasses.replace(
            row,
            value=drawn.value,
            low=max(least, drawn.value - math.hypot(drawn.value - drawn.low, Z * math.sqrt(seeds))),
            high=min(
                most, drawn.value + math.hypot(drawn.high - drawn.value, Z * math.sqrt(seeds))
            ),
            state="pooled",
        )
        if row.genre is not None and (drawn := pooled.get(row.genre))
        else row
        for row in genres
    ]


def _average(
    key: tuple[str, str, str],
    scope: Scope,
    genre: str | None,
    group: Sequence[Score],
    kind: Kind,
    enough: int,
) -> Average:
    values = [score.value for score in group if score.value is not None]
    missing = len(group) - len(values)
    if len(values) < enough:
        state: State = "insufficient data" if values else "missing"
        return Average(*key, scope, genre, None, None, None, len(values), missing, state)
    low, high = interval(values, kind, _answers(group))
    value = math.fsum(values) / len(values)
    return Average(*key, scope, genre, value, low, high, len(values), missing, "scored")


def _macro(
    key: tuple[str, str, str], genres: Sequence[Sequence[Score]], kind: Kind, seeds: Crossed
) -> Average:
    scored = [[s.value for s in group if s.value is not None] for group in genres]
    means = [math.fsum(values) / len(values) for values in scored if values]
    missing = len(genres) - len(means)
    if not means:
        return Average(*key, "macro", None, None, None, None, 0, missing, "missing")
    low, high = interval(means, "amount" if kind == "amount" else "ratio")
    value = math.fsum(means) / len(means)
    if seeds.samples and low is not None and high is not None:
        half = float(t.ppf(0.975, seeds.degrees)) * math.sqrt(seeds.samples)
        least, most = (-math.inf, math.inf) if kind == "amount" else (0.0, 1.0)
        low = max(least, value - math.hypot(value - low, half))
        high = min(most, value + math.hypot(high - value, half))
    return Average(*key, "macro", None, value, low, high, len(means), missing, "scored")


def _answers(group: Sequence[Score]) -> list[tuple[str, int]]:
    return [(score.query_id, score.sample) for score in group if score.value is not None]


def _by_query(group: Sequence[Score]) -> list[float]:
    """Returns the mean of each query's samples: queries are the independent units."""
    by_query: dict[str, list[float]] = {}
    for score in group:
        if score.value is not None:
            by_query.setdefault(score.query_id, []).append(score.value)
    return [math.fsum(values) / len(values) for values in by_query.values()]


def _crossed(group: Sequence[Score]) -> Crossed:
    """Returns what the samples of a group add to the variance of its mean."""
    answers = _answers(group)
    if len({query for query, _ in answers}) < 2:
        return Crossed(0.0, 0.0, 1.0)
    return over_answers([s.value for s in group if s.value is not None], answers)


def over_answers(values: Sequence[float], answers: Sequence[tuple[str, int]]) -> Crossed:
    """Splits the variance of a mean over (query id, sample) in that of queries and of samples."""
    _, queries = np.unique([query for query, _ in answers], return_inverse=True)
    _, samples = np.unique([sample for _, sample in answers], return_inverse=True)
    return crossed(np.array(values), queries, samples)


def interval(
    values: Sequence[float], kind: Kind, answers: Sequence[tuple[str, int]] = ()
) -> tuple[float | None, float | None]:
    """Returns the 95 % interval of a mean: Wilson for 0/1 values, Student's t for others.

    Others need two values that differ: no sample shows certainty, and an amount that never varies has no
    interval. A ratio's stays between 0 and 1, and ratios that never vary get Wilson's.

    Args:
        values: At least one.
        kind: What they are.
        answers: Query id and sample of each; where there are several samples, queries and samples are both
            drawn at random, and a rate has Wilson's interval at the number of answers that would be as sure.
    """
    n = len(values)
    if len({sample for _, sample in answers}) > 1:
        return _over_samples(values, kind, answers)
    if kind == "share":
        rate = wilson(sum(values), n)
        return rate.low, rate.high
    if n < 2:
        return None, None
    mean = math.fsum(values) / n
    half = float(t.ppf(0.975, n - 1)) * statistics.stdev(values) / math.sqrt(n)
    if kind == "ratio":
        if not half:
            rate = wilson(min(max(mean, 0.0), 1.0) * n, n)
            return rate.low, rate.high
        return max(0.0, mean - half), min(1.0, mean + half)
    return (mean - half, mean + half) if half else (None, None)


def _over_samples(
    values: Sequence[float], kind: Kind, answers: Sequence[tuple[str, int]]
) -> tuple[float | None, float | None]:
    queries, mean = len({query for query, _ in answers}), math.fsum(values) / len(values)
    if queries < 2:
        return None, None
    half = over_answers(values, answers).half()
    if kind == "amount":
        return (mean - half, mean + half) if half else (None, None)
    mean = min(max(mean, 0.0), 1.0)
    if kind == "ratio" and half:
        return max(0.0, mean - half), min(1.0, mean + half)
    as_sure = mean * (1 - mean) * (Z / half) ** 2 if half else queries
    n = max(1, min(len(values), round(as_sure)))
    rate = wilson(mean * n, n)
    return rate.low, rate.high
