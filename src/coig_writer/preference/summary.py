"""Summary of a set of ballots: the board of its votes, scores, agreement, genres.

What the ballots cannot carry is None with a sentence, never a number. Repeats count for
self-consistency and for nothing else.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from coig_writer.ballot import DIMENSIONS, Ballot, Comparison, comparisons
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap, pooling
from coig_writer.preference import rankings as places
from coig_writer.preference.agreement import Alpha, Rating, alpha, tau
from coig_writer.preference.board import Cell, Standing, board, share
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.pooling import Pooled
from coig_writer.preference.ratings import RATED, rating


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A model's mean score on one dimension, 0 to 3; ``mean`` is None on a single prompt."""

    model: str
    dimension: str
    mean: Interval | None
    n: int


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """A model's share of points in one genre, drawn towards its other genres."""

    model: str
    genre: str
    pooled: Pooled


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """The estimates from one set of ballots; ``notes`` lists what could not be estimated and why."""

    ballots: int
    raters: int
    queries: int
    skips: int
    both_bad: int
    tie_rate: Interval | None
    matrix: tuple[Cell, ...]
    standings: tuple[Standing, ...]
    scores: tuple[Score, ...]
    slices: tuple[Slice, ...]
    agreement: Alpha | None
    consistency: Interval | None
    notes: tuple[str, ...]
    tau: Interval | None = None


Points = defaultdict[tuple[str, ...], float]  # by pair of models, or by model alone


@dataclasses.dataclass(frozen=True, slots=True)
class Influence:
    """What changes when one rater is left out: of pairs of models ``flips`` get another leader, or none.

    ``first`` are the models that then lead most pairs, none if no model leads any; ``moved`` tells
    whether they are others than with all raters.
    """

    rater: str
    ballots: int
    flips: int
    first: tuple[str, ...]
    moved: bool


def influence(
    ballots: Sequence[Ballot], group: Mapping[str, str] | None = None
) -> tuple[Influence, ...]:
    """Leaves each rater out in turn, most ballots first; repeats do not count.

    Of two models the one with more points leads (of ratings: with the higher mean score).

    Args:
        ballots: Standing ballots of one protocol.
        group: Rater to the name of a group that is left out as one; others are left out singly.
    """
    cast = [b for b in ballots if b.repeat == 0]
    sums: dict[str, Points] = defaultdict(lambda: defaultdict(float))
    counts: dict[str, Points] = defaultdict(lambda: defaultdict(float))
    group_of = {b.rater: (group or {}).get(b.rater, b.rater) for b in cast}
    for ballot in cast:
        for key, points in _points(ballot):
            sums[group_of[ballot.rater]][key] += points
            counts[group_of[ballot.rater]][key] += 1
    n = Counter(group_of[b.rater] for b in cast)
    all_sums, all_counts = _added(sums.values()), _added(counts.values())
    whole = _leaders(all_sums, all_counts)
    influences = []
    for rater, ballots_of in sorted(n.items(), key=lambda item: (-item[1], item[0])):
        rest = {key: value - sums[rater][key] for key, value in all_sums.items()}
        left = {key: value - counts[rater][key] for key, value in all_counts.items()}
        leaders = _leaders(rest, left)
        flips = sum(leaders[pair] != leader for pair, leader in whole.items() if leader)
        first = _first(leaders)
        influences.append(Influence(rater, ballots_of, flips, first, first != _first(whole)))
    return tuple(influences)


def _points(ballot: Ballot) -> Iterable[tuple[tuple[str, ...], float]]:
    """Gives points of the first of a pair over the second, or of a model on a dimension."""
    if ballot.protocol == "rating" and ballot.verdict != '"skip"':
        for score in json.loads(ballot.verdict).values():
            yield (ballot.shown[0],), float(score)
    for pair in comparisons(ballot):
        lead = pair.outcome - 1 / 2
        ordered = pair.left < pair.right
        yield (
            (pair.left, pair.right) if ordered else (pair.right, pair.left),
            lead if ordered else -lead,
        )


def _added(parts: Iterable[Points]) -> Points:
    total: Points = defaultdict(float)
    for one in parts:
        for key, value in one.items():
            total[key] += value
    return total


def _leaders(
    sums: Mapping[tuple[str, ...], float], counts: Mapping[tuple[str, ...], float]
) -> dict[tuple[str, ...], str]:
    """Returns who leads each pair; an empty name where none does."""
    leads = {key: value for key, value in sums.items() if len(key) == 2}
    means = {
        key[0]: value / counts[key] if counts[key] else None
        for key, value in sums.items()
        if len(key) == 1
    }
    for a, b in itertools.combinations(sorted(means), 2):
        one, other = means[a], means[b]
        leads[a, b] = 0.0 if one is None or other is None else one - other
    return {
        key: key[0] if lead > 1e-9 else key[1] if lead < -1e-9 else ""
        for key, lead in leads.items()
    }


def _first(leaders: Mapping[tuple[str, ...], str]) -> tuple[str, ...]:
    led = Counter(leader for leader in leaders.values() if leader)
    return tuple(sorted(model for model, n in led.items() if n == max(led.values())))


def summary(
    ballots: Sequence[Ballot], variants: Sequence[str], genre: Mapping[str, str]
) -> Summary:
    """Makes every estimate that the ballots can carry.

    Args:
        ballots: Standing ballots, repeats included.
        variants: The models, in the order wanted.
        genre: Query id to genre.
    """
    first = [b for b in ballots if b.repeat == 0]
    met = votes(first)
    results = board(met, variants) if met else None
    notes = [results.problem] if results and not results.standings else []
    agreed = agreement(first)
    if isinstance(agreed, str):
        notes.append(agreed)
    return Summary(
        ballots=len(first),
        raters=len({b.rater for b in first}),
        queries=len({b.query_id for b in first}),
        skips=sum(b.verdict == '"skip"' for b in first),
        both_bad=sum(b.verdict == '"both_bad"' for b in first),
        tie_rate=results.tie_rate if results else None,
        matrix=results.matrix if results else (),
        standings=results.standings if results else (),
        scores=scores(first, variants),
        slices=tuple(
            Slice(model, name, pooled)
            for model in variants
            for name, pooled in genre_rates(met, genre, model).items()
        ),
        agreement=None if isinstance(agreed, str) else agreed,
        consistency=consistency(ballots),
        notes=tuple(notes),
        tau=kendall(first),
    )


def votes(ballots: Iterable[Ballot]) -> list[Comparison]:
    """Takes ballots apart into comparisons; repeats give none."""
    return [pair for b in ballots if b.repeat == 0 for pair in comparisons(b)]


def scores(ballots: Iterable[Ballot], variants: Sequence[str]) -> tuple[Score, ...]:
    """Returns the mean of every model and dimension that was rated."""
    rated: dict[tuple[str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for ballot in ballots:
        for dimension in DIMENSIONS:
            value = rating(ballot, dimension)
            if value is not None:
                rated[ballot.shown[0], dimension].append((ballot.query_id, ballot.rater, value))
    keys = [key for key in itertools.product(variants, DIMENSIONS) if key in rated]
    return tuple(Score(m, d, _mean(rated[m, d]), len(rated[m, d])) for m, d in keys)


def _mean(rows: Sequence[tuple[str, str, int]]) -> Interval | None:
    queries, raters, values = zip(*rows, strict=True)
    prompts, by_query = np.unique(queries, return_inverse=True)
    if len(prompts) < 2:
        return None
    by_rater = np.unique(raters, return_inverse=True)[1]
    points = np.array(values, dtype=np.float64)
    return bootstrap.mean(points, by_query, raters=by_rater, scale=RATED)


def genre_rates(
    met: Iterable[Comparison], genre: Mapping[str, str], model: str
) -> dict[str, Pooled]:
    """Returns a model's share of points by genre, partially pooled; empty for fewer than two genres.

    Each prompt has one voice: the share of points that the model took on it.
    """
    points: dict[str, list[float]] = defaultdict(list)
    for vote in met:
        if model in (vote.left, vote.right):
            points[vote.query_id].append(vote.outcome if vote.left == model else 1 - vote.outcome)
    groups = _by_genre(points, genre)
    if len(groups) < 2:
        return {}
    return pooling.pool({name: (sum(shares), len(shares)) for name, shares in groups.items()})


def genre_scores(
    ballots: Iterable[Ballot], genre: Mapping[str, str], dimension: str
) -> dict[str, Pooled]:
    """Returns the mean score of all models together by genre, partially pooled; empty if too few."""
    by_prompt: dict[str, list[float]] = defaultdict(list)
    for ballot in ballots:
        value = rating(ballot, dimension)
        if value is not None:
            by_prompt[ballot.query_id].append(value)
    try:
        return pooling.pool_means(_by_genre(by_prompt, genre))
    except StatisticsError:
        return {}


def _by_genre(
    points: Mapping[str, Sequence[float]], genre: Mapping[str, str]
) -> dict[str, list[float]]:
    """Groups prompts by genre, by name; each prompt counts once, with its mean."""
    genres: dict[str, list[float]] = defaultdict(list)
    for query, values in points.items():
        if query in genre:
            genres[genre[query]].append(sum(values) / len(values))
    return dict(sorted(genres.items()))


def agreement(ballots: Iterable[Ballot], dimension: str | None = None) -> Alpha | str | None:
    """Returns Krippendorff's ordinal α over what several raters judged, of one dimension or all.

    None where nothing overlaps, or why there is no α.
    """
    values = [rating for b in ballots if b.repeat == 0 for rating in ordinal_values(b, dimension)]
    raters: dict[str, set[str]] = defaultdict(set)
    for value in values:
        raters[value.unit].add(value.rater)
    if sum(len(who) > 1 for who in raters.values()) < 2:
        return None
    try:
        return alpha(values)
    except StatisticsError as error:
        return error.message


def kendall(ballots: Iterable[Ballot]) -> Interval | None:
    """Returns Kendall's τ between raters who ranked the same prompts; None where there are too few."""
    try:
        return tau(places.encode(ballots))
    except StatisticsError:  # no rankings
        return None


def ordinal_values(ballot: Ballot, dimension: str | None = None) -> list[Rating]:
    """Turns a verdict into ordered values per unit: places, sides by name, or scores."""
    verdict = json.loads(ballot.verdict)
    if verdict in ("skip", "both_bad"):
        return []
    again = f"#{ballot.sample}" if ballot.sample else ""  # another answer to the prompt
    item = ballot.item + again
    if ballot.protocol == "pairwise":
        preferred = {"left": ballot.shown[0], "right": ballot.shown[1]}.get(verdict)
        value = 0.0 if preferred is None else 1.0 if preferred == min(ballot.shown) else -1.0
        return [Rating(item, ballot.rater, value, ballot.query_id)]
    if ballot.protocol == "ranking":
        groups = [group if isinstance(group, list) else [group] for group in verdict]
        return [
            Rating(f"{item}:{model}", ballot.rater, float(place), ballot.query_id)
            for place, group in enumerate(groups)
            for model in group
        ]
    return [
        Rating(
            f"{ballot.query_id}{again}:{ballot.shown[0]}:{name}",
            ballot.rater,
            float(score),
            ballot.query_id,
        )
        for name, score in verdict.items()
        if dimension in (None, name)
    ]


def consistency(ballots: Sequence[Ballot]) -> Interval | None:
    """Returns how often a side, place or score was given again at a second showing; None without one."""
    by_showing = {(b.rater, b.item, b.sample, b.repeat): b for b in ballots}
    same: list[tuple[bool, str, str]] = []
    for (rater, item, sample, repeat), again in by_showing.items():
        before = by_showing.get((rater, item, sample, 0))
        if repeat and before:
            first, second = _values(before), _values(again)
            same += [
                (first[u] == second[u], again.query_id, rater) for u in first.keys() & second.keys()
            ]
    if not same:
        return None
    hits, queries, raters = zip(*same, strict=True)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in (queries, raters)]
    return share(np.array(hits, dtype=np.float64), codes[0], codes[1])


def _values(ballot: Ballot) -> dict[str, float]:
    """What a verdict means whatever the order on the screen."""
    return {r.unit: r.value for r in ordinal_values(ballot)}
