"""What the ballots of one protocol and language say, with and without the exclusion rules.

Every estimate carries its count and an interval that resamples prompts, and raters where there are
several, because pairs out of one ranking and votes of one rater hang together. What the data cannot
carry is None with a sentence, never a number.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from coig_writer.arena.study.exclusions import excluded
from coig_writer.ballot import DIMENSIONS, Ballot, Comparison, Protocol, comparisons
from coig_writer.errors import StatisticsError
from coig_writer.preference import agreement, bootstrap, pooling
from coig_writer.preference.pairs import Pairs, encode, win_matrix
from coig_writer.preference.rates import Rate, wilson

T = TypeVar("T")
PRIOR = 0.5
ROUNDS = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One model against another. ``rate`` counts a tie as half; None where the two never met."""

    row: str
    column: str
    wins: int
    losses: int
    ties: int
    rate: bootstrap.Interval | Rate | None


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """A model's Bradley–Terry log strength and the places it takes; ``prior`` is 0 if none was needed."""

    model: str
    strength: bootstrap.Interval
    places: tuple[int, int]
    prior: float


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A model's mean score on one dimension, 0 to 3."""

    model: str
    dimension: str
    mean: bootstrap.Interval | None
    n: int


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """A model's share of points in one genre, drawn towards its other genres."""

    model: str
    genre: str
    pooled: pooling.Pooled


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """The estimates from one set of ballots; ``notes`` says what could not be estimated and why."""

    ballots: int
    raters: int
    queries: int
    skips: int
    both_bad: int
    tie_rate: Rate | None
    matrix: tuple[Cell, ...]
    standings: tuple[Standing, ...]
    scores: tuple[Score, ...]
    slices: tuple[Slice, ...]
    agreement: agreement.Alpha | None
    consistency: Rate | None
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """All ballots, and those that no rule excludes; ``excluded`` counts ballots by rule."""

    protocol: Protocol
    everything: Summary
    after_exclusions: Summary
    excluded: Mapping[str, int]


def results(
    ballots: Sequence[Ballot],
    protocol: Protocol,
    variants: Sequence[str],
    *,
    genre: Mapping[str, str],
    language: Mapping[str, str],
) -> Results:
    """Summarises ballots.

    Args:
        ballots: Standing ballots of one protocol, repeats included.
        protocol: Theirs.
        variants: The models, in the order wanted.
        genre: Query id to genre.
        language: Query id to language.
    """
    out = excluded(ballots, language)
    gone = set[str]().union(*out.values())
    kept = [b for b in ballots if b.id not in gone]
    return Results(
        protocol=protocol,
        everything=summary(ballots, variants, genre),
        after_exclusions=summary(kept, variants, genre),
        excluded={rule: len(ids) for rule, ids in out.items()},
    )


def summary(
    ballots: Sequence[Ballot], variants: Sequence[str], genre: Mapping[str, str]
) -> Summary:
    """Makes every estimate that the ballots can carry."""
    notes: list[str] = []
    first = [b for b in ballots if b.repeat == 0]
    met = [pair for ballot in first for pair in comparisons(ballot)]
    pairs = encode(met, variants) if met else None
    ties = sum(pair.outcome == 0.5 for pair in met)
    return Summary(
        ballots=len(first),
        raters=len({b.rater for b in first}),
        queries=len({b.query_id for b in first}),
        skips=sum(b.verdict == '"skip"' for b in first),
        both_bad=sum(b.verdict == '"both_bad"' for b in first),
        tie_rate=wilson(ties, len(met)) if met else None,
        matrix=_matrix(pairs) if pairs else (),
        standings=(_tried(notes, _standings, pairs) or ()) if pairs else (),
        scores=_scores(first, variants),
        slices=_slices(met, variants, genre),
        agreement=_tried(notes, _agreement, first),
        consistency=consistency(ballots),
        notes=tuple(notes),
    )


def _tried(notes: list[str], estimate: Callable[..., T], *of: Any) -> T | None:
    try:
        return estimate(*of)
    except StatisticsError as error:
        notes.append(error.message)
        return None


def _plan(pairs: Pairs) -> bootstrap.Plan | None:
    """Resamples prompts, and raters too where there are several; None with a single prompt."""
    if len(pairs.query_ids) < 2:
        return None
    several = len(pairs.rater_ids) > 1
    return bootstrap.Plan("query and rater" if several else "query", rounds=ROUNDS)


def _matrix(pairs: Pairs) -> tuple[Cell, ...]:
    matrix, plan = win_matrix(pairs), _plan(pairs)
    rates: Mapping[tuple[str, str], bootstrap.Interval] = (
        bootstrap.win_rates(pairs, plan) if plan else {}
    )
    cells = []
    for i, j in itertools.permutations(range(len(pairs.labels)), 2):
        row, column = pairs.labels[i], pairs.labels[j]
        wins, losses, ties = (
            int(n) for n in (matrix.wins[i, j], matrix.wins[j, i], matrix.ties[i, j])
        )
        met = wins + losses + ties
        rate = _wider(rates.get((row, column)), matrix.rate(row, column)) if met else None
        cells.append(Cell(row, column, wins, losses, ties, rate))
    return tuple(cells)


def _wider(resampled: bootstrap.Interval | None, binomial: Rate) -> bootstrap.Interval | Rate:
    """Returns the wider interval: resampling a few unanimous prompts would claim certainty."""
    if resampled is None or resampled.high - resampled.low < binomial.high - binomial.low:
        return binomial
    return resampled


def _standings(pairs: Pairs) -> tuple[Standing, ...]:
    plan = _plan(pairs)
    if plan is None:
        raise StatisticsError("one prompt only: strengths would have no interval")
    try:
        board, prior = bootstrap.strengths(pairs, plan=plan), 0.0
    except StatisticsError:  # somebody is unbeaten, or two groups never met
        board, prior = bootstrap.strengths(pairs, plan=plan, prior=PRIOR), PRIOR
    found = [Standing(m, s, board.places[m], prior) for m, s in board.strengths.items()]
    return tuple(sorted(found, key=lambda s: -s.strength.estimate))


def _scores(first: Sequence[Ballot], variants: Sequence[str]) -> tuple[Score, ...]:
    values: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for ballot in first:
        if ballot.protocol == "rating" and ballot.verdict != '"skip"':
            for dimension, score in json.loads(ballot.verdict).items():
                values[ballot.shown[0], dimension].append((ballot.query_id, score))
    keys = [key for key in itertools.product(variants, DIMENSIONS) if key in values]
    return tuple(Score(m, d, _mean(values[m, d]), len(values[m, d])) for m, d in keys)


def _mean(rows: Sequence[tuple[str, int]]) -> bootstrap.Interval | None:
    names = sorted({query for query, _ in rows})
    if len(names) < 2:
        return None
    clusters = np.array([names.index(query) for query, _ in rows], dtype=np.intp)
    scores = np.array([score for _, score in rows], dtype=np.float64)
    return bootstrap.mean(scores, clusters, bootstrap.Plan("query", rounds=ROUNDS))


def _slices(
    met: Sequence[Comparison], variants: Sequence[str], genre: Mapping[str, str]
) -> tuple[Slice, ...]:
    """Gives each prompt one voice: the share of points the model took on it."""
    points: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for pair in met:
        for model, point in ((pair.left, pair.outcome), (pair.right, 1 - pair.outcome)):
            points[model, genre[pair.query_id]][pair.query_id].append(point)
    found = []
    for model in variants:
        groups = {
            g: (sum(map(np.mean, queries.values())), len(queries))
            for (m, g), queries in sorted(points.items())
            if m == model
        }
        if len(groups) > 1:
            pooled = pooling.pool({g: (float(won), n) for g, (won, n) in groups.items()})
            found += [Slice(model, g, pooled[g]) for g in groups]
    return tuple(found)


def _agreement(first: Sequence[Ballot]) -> agreement.Alpha | None:
    """Krippendorff's ordinal α over what several raters judged; None where nothing overlaps."""
    values = [rating for ballot in first for rating in ordinal_values(ballot)]
    raters: dict[str, set[str]] = defaultdict(set)
    for value in values:
        raters[value.unit].add(value.rater)
    if sum(len(who) > 1 for who in raters.values()) < 2:
        return None
    return agreement.alpha(values)


def ordinal_values(ballot: Ballot) -> list[agreement.Rating]:
    """Turns a verdict into ordered values per unit: places, sides by name, or scores."""
    verdict = json.loads(ballot.verdict)
    if verdict in ("skip", "both_bad"):
        return []
    if ballot.protocol == "pairwise":
        preferred = {"left": ballot.shown[0], "right": ballot.shown[1]}.get(verdict)
        value = 0.0 if preferred is None else 1.0 if preferred == min(ballot.shown) else -1.0
        return [agreement.Rating(ballot.item, ballot.rater, value)]
    if ballot.protocol == "ranking":
        groups = [group if isinstance(group, list) else [group] for group in verdict]
        return [
            agreement.Rating(f"{ballot.item}:{model}", ballot.rater, float(place))
            for place, group in enumerate(groups)
            for model in group
        ]
    return [
        agreement.Rating(f"{ballot.item}:{dimension}", ballot.rater, float(score))
        for dimension, score in verdict.items()
    ]


def consistency(ballots: Sequence[Ballot]) -> Rate | None:
    """Returns how often a side, place or score was given again at a second showing; None without one."""
    by_showing = {(b.rater, b.item, b.repeat): b for b in ballots}
    same, n = 0, 0
    for (rater, item, repeat), again in by_showing.items():
        before = by_showing.get((rater, item, 0))
        if repeat and before:
            said, saying = _said(before), _said(again)
            n += len(said.keys() & saying.keys())
            same += sum(said[unit] == saying[unit] for unit in said.keys() & saying.keys())
    return wilson(same, n) if n else None


def _said(ballot: Ballot) -> dict[str, float]:
    """What a verdict means whatever the order on the screen."""
    return {r.unit: r.value for r in ordinal_values(ballot)}
