"""Genres: win rates and success rates of few prompts each, partially pooled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from coig_writer.ballot import Comparison
from coig_writer.preference.pooling import Pooled, pool
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs, rating

SUCCESS = 2  # of 0–3


def wins(runs: Runs, language: Language, pair: tuple[str, str]) -> dict[str, Pooled]:
    """Returns the pooled win rate of the pair's first over its second, by genre."""
    first, second = pair
    by_prompt: dict[str, list[float]] = defaultdict(list)
    for vote in runs.preferences(language).comparisons:
        if (vote.left, vote.right) in (pair, (second, first)):
            by_prompt[vote.query_id].append(_for(first, vote))
    return _pooled(runs, by_prompt)


def _for(variant: str, vote: Comparison) -> float:
    return vote.outcome if vote.left == variant else 1 - vote.outcome


def successes(runs: Runs, language: Language) -> dict[str, Pooled]:
    """Returns the pooled share of answers rated 2 or 3 overall, all models together, by genre."""
    by_prompt: dict[str, list[float]] = defaultdict(list)
    for ballot in runs.voted(language):
        value = rating(ballot, "overall_preference")
        if value is not None:
            by_prompt[ballot.query_id].append(float(value >= SUCCESS))
    return _pooled(runs, by_prompt)


def _pooled(runs: Runs, by_prompt: Mapping[str, Sequence[float]]) -> dict[str, Pooled]:
    """Pools; each prompt counts once, with the mean of its votes."""
    genres: dict[str, list[float]] = defaultdict(list)
    for query, values in by_prompt.items():
        if query in runs.genres:
            genres[runs.genres[query]].append(sum(values) / len(values))
    if len(genres) < 2:
        return {}
    found = pool({genre: (sum(shares), len(shares)) for genre, shares in genres.items()})
    return dict(sorted(found.items(), key=lambda item: -item[1].value))


def compared_pair(runs: Runs, language: Language) -> tuple[str, str] | None:
    """Chooses the pair that the genre table compares: cw_10k with g, or else the two best voted."""
    met: dict[frozenset[str], set[str]] = defaultdict(set)
    for vote in runs.preferences(language).comparisons:
        met[frozenset((vote.left, vote.right))].add(vote.query_id)
    if not met:
        return None
    if met.get(frozenset(("cw_10k", "g"))):
        return "cw_10k", "g"
    most = max(met, key=lambda pair: (len(met[pair]), sorted(pair)))
    first, second = sorted(most, key=runs.variants.index)
    return first, second
