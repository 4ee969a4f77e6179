"""Genres: win rates and mean ratings of few prompts each, partially pooled."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference.pooling import Pooled, pool, pool_means
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs, rating


def wins(runs: Runs, language: Language, pair: tuple[str, str]) -> dict[str, Pooled]:
    """Returns the pooled win rate of the pair's first over its second, by genre."""
    first, second = pair
    by_prompt: dict[str, list[float]] = defaultdict(list)
    for vote in runs.preferences(language).comparisons:
        if (vote.left, vote.right) in (pair, (second, first)):
            by_prompt[vote.query_id].append(_for(first, vote))
    return _ordered(_pool_wins, _by_genre(runs, by_prompt))


def _for(variant: str, vote: Comparison) -> float:
    return vote.outcome if vote.left == variant else 1 - vote.outcome


def mean_ratings(runs: Runs, language: Language) -> dict[str, Pooled]:
    """Returns the pooled mean rating of overall preference, all models together, by genre."""
    by_prompt: dict[str, list[float]] = defaultdict(list)
    for ballot in runs.voted(language):
        value = rating(ballot, "overall_preference")
        if value is not None:
            by_prompt[ballot.query_id].append(float(value))
    return _ordered(pool_means, _by_genre(runs, by_prompt))


def _by_genre(runs: Runs, by_prompt: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Groups prompts by genre; each prompt counts once, with the mean of its votes."""
    genres: dict[str, list[float]] = defaultdict(list)
    for query, values in by_prompt.items():
        if query in runs.genres:
            genres[runs.genres[query]].append(sum(values) / len(values))
    return genres


def _ordered(
    pooling: Callable[[dict[str, list[float]]], dict[str, Pooled]], genres: dict[str, list[float]]
) -> dict[str, Pooled]:
    """Pools, highest first; empty where there is too little to pool."""
    try:
        found = pooling(genres)
    except StatisticsError:
        return {}
    return dict(sorted(found.items(), key=lambda item: -item[1].value))


def _pool_wins(genres: dict[str, list[float]]) -> dict[str, Pooled]:
    return pool({genre: (sum(shares), len(shares)) for genre, shares in genres.items()})


def compared_pair(runs: Runs, language: Language) -> tuple[str, str] | None:
    """Chooses the pair that the genre table compares: cw_10k with g, or else the two strongest."""
    points: dict[str, list[float]] = defaultdict(list)
    met: set[frozenset[str]] = set()
    for vote in runs.preferences(language).comparisons:
        points[vote.left].append(vote.outcome)
        points[vote.right].append(1 - vote.outcome)
        met.add(frozenset((vote.left, vote.right)))
    if frozenset(("cw_10k", "g")) in met:
        return "cw_10k", "g"
    strongest = sorted(points, key=lambda v: (-sum(points[v]) / len(points[v]), v))
    pairs = itertools.combinations(strongest, 2)
    return next((pair for pair in pairs if frozenset(pair) in met), None)
