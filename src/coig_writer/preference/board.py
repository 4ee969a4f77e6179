"""The board: from votes to every published rate, strength, place and conclusion.

This is the only road. The arena's page, the card of votes, the report and the claims call it and draw
what it returns (docs/decisions/0009-statistics.md). Rates resample prompts, and raters where there
are several, and reach on each side as far as Wilson's interval over as many votes as they are worth: over prompts
where each was judged once. Tests reduce the votes on a
prompt to one majority, so that raters do not count as prompts.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap, bradley_terry, significance
from coig_writer.preference.bootstrap import FEW, Interval, Resampling
from coig_writer.preference.pairs import Floats, Ints, Pairs, WinMatrix, encode, win_matrix
from coig_writer.preference.rates import Rate, crossed, independent, wilson

ALPHA = 0.05
PRIOR = 0.5  # virtual comparisons per pair, if a model is unbeaten or two groups never met


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One model against another. ``rate`` counts a tie as half; None where the two never met.

    ``majority`` counts, of the prompts that the votes decide, those that the row won; None where they
    decide none. On ``even`` further prompts the votes are split evenly or tied.
    """

    row: str
    column: str
    wins: int
    losses: int
    ties: int
    rate: Interval | None
    majority: Rate | None
    even: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """A model's Bradley–Terry log strength and the places it takes; ``prior`` is 0 if none was needed."""

    model: str
    strength: Interval
    places: tuple[int, int]
    prior: float


@dataclasses.dataclass(frozen=True, slots=True)
class Board:
    """Everything that votes tell about which model is better; ``standings`` lists the strongest first.

    ``problem`` tells why there are no standings, or why they need a prior; otherwise it is empty.
    """

    matrix: tuple[Cell, ...]
    standings: tuple[Standing, ...]
    problem: str
    tie_rate: Interval
    prompts: int
    raters: int
    comparisons: int

    def cell(self, row: str, column: str) -> Cell | None:
        """Returns one model against another; None where the two never met."""
        cells = (c for c in self.matrix if (c.row, c.column) == (row, column))
        return next((c for c in cells if c.rate is not None), None)

    @property
    def few(self) -> int:
        """The number of prompts that there should be at least, if there are fewer; else 0."""
        return FEW if self.prompts < FEW else 0


@dataclasses.dataclass(frozen=True, slots=True)
class Conclusion:
    """One pair: prompts won by ``better``, p before and after Holm over the family of pairs.

    ``flips`` is how many prompts would have to go the other way until the pair is no longer
    ``significant``, the other pairs as they are; None where it is not to begin with.
    """

    better: str
    worse: str
    rate: Interval
    majority: Rate
    p: float
    corrected: float
    flips: int | None

    @property
    def significant(self) -> bool:
        """Whether the difference survives the correction and the interval of the rate excludes even."""
        return self.corrected < ALPHA and self.rate.low > 1 / 2


def board(votes: Sequence[Comparison], labels: Sequence[str] = ()) -> Board:
    """Makes the board of votes.

    Args:
        votes: At least one.
        labels: Models to list in the matrix, in this order; by default those that occur, sorted.

    Raises:
        StatisticsError: No votes, or votes that ``pairs.encode`` refuses.
    """
    pairs = encode(votes)
    if labels:
        encode(votes, labels)  # refuses a model that is not listed
    standings, problem = _standings(pairs)
    ties = (pairs.outcome == 1 / 2).astype(np.float64)
    return Board(
        _matrix(pairs, votes, labels or pairs.labels),
        standings,
        problem,
        share(ties, pairs.queries, pairs.raters),
        len(pairs.query_ids),
        len(pairs.rater_ids),
        len(pairs),
    )


def resampling(prompts: int, raters: int) -> Resampling | None:
    """Resamples prompts, and raters too where there are several; None with a single prompt."""
    if prompts < 2:
        return None
    return Resampling("query and rater" if raters > 1 else "query")


def share(points: Floats, queries: Ints, raters: Ints) -> Interval:
    """Returns a mean of points from 0 to 1, with the interval that every published rate carries."""
    prompts = len(np.unique(queries))
    resampled = None
    if prompts > 1:
        codes = [np.unique(x, return_inverse=True)[1].ravel() for x in (queries, raters)]
        resampled = bootstrap.mean(points, codes[0], raters=codes[1], scale=bootstrap.SHARE)
    return _published(resampled, points, queries, raters)


def _published(resampled: Interval | None, points: Floats, queries: Ints, raters: Ints) -> Interval:
    """Returns a resampled interval, widened to Wilson's over as many votes as the rate is worth.

    Resampling a few unanimous prompts would claim certainty, and one prompt cannot be resampled.
    """
    rate, sure = float(points.mean()), worth(points, queries, raters)
    floor = wilson(min(max(rate, 0.0), 1.0) * sure, sure)
    method = "wilson over prompts"
    if resampled is None:
        n = len(points)
        return Interval(rate, floor.low, floor.high, floor.level, "query", 1, n, 0, 0, 0, method)
    if resampled.low <= floor.low and floor.high <= resampled.high:
        return resampled
    # a percentile interval of few prompts leans: as wide as Wilson's, it may end short on one side
    low, high = min(resampled.low, floor.low), max(resampled.high, floor.high)
    return dataclasses.replace(resampled, low=low, high=high, method=method)


def worth(points: Floats, queries: Ints, raters: Ints) -> int:
    """Returns how many independent votes would give a rate the variance that prompts and raters give it.

    At least the number of prompts, which it is where each was judged once and where all votes agree: a
    a variance of zero is no evidence. At most the number of votes.
    """
    prompts, rate = len(np.unique(queries)), float(points.mean())
    if prompts < 2 or len(points) == prompts:
        return prompts
    half = crossed(points, queries, raters).half()
    if not half:
        return prompts
    return round(min(max(independent(rate, half), prompts), len(points)))


def _matrix(pairs: Pairs, votes: Sequence[Comparison], labels: Sequence[str]) -> tuple[Cell, ...]:
    counts, leads, met = win_matrix(pairs), _leads(votes), _meetings(pairs)
    plan = resampling(len(pairs.query_ids), len(pairs.rater_ids))
    resampled = bootstrap.win_rates(pairs, plan) if plan else {}
    cells = []
    for row, column in itertools.permutations(labels, 2):
        lead = leads.get((row, column), {})
        if not lead:
            cells.append(Cell(row, column, 0, 0, 0, None, None))
            continue
        i, j = pairs.labels.index(row), pairs.labels.index(column)
        wins, losses, ties = counts.wins[i, j], counts.wins[j, i], counts.ties[i, j]
        rate = _published(resampled.get((row, column)), *met[i, j])
        even = sum(votes == 0 for votes in lead.values())
        majority = _majority(lead)
        cells.append(Cell(row, column, int(wins), int(losses), int(ties), rate, majority, even))
    return tuple(cells)


def _meetings(pairs: Pairs) -> Mapping[tuple[int, int], tuple[Floats, Ints, Ints]]:
    """Returns by ordered pair the points of the first, and the prompt and rater of each vote."""
    first, second = np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right)
    points = np.where(pairs.left == first, pairs.outcome, 1 - pairs.outcome)
    codes = first * len(pairs.labels) + second
    order = np.argsort(codes, kind="stable")
    meetings: dict[tuple[int, int], tuple[Floats, Ints, Ints]] = {}
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        i, j = int(first[rows[0]]), int(second[rows[0]])
        meetings[i, j] = points[rows], pairs.queries[rows], pairs.raters[rows]
        meetings[j, i] = 1 - points[rows], pairs.queries[rows], pairs.raters[rows]
    return meetings


def _leads(votes: Iterable[Comparison]) -> Mapping[tuple[str, str], dict[str, float]]:
    """Returns by ordered pair and query how far the first leads, in votes."""
    leads: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for vote in votes:
        leads[vote.left, vote.right][vote.query_id] += vote.outcome - 0.5
        leads[vote.right, vote.left][vote.query_id] -= vote.outcome - 0.5
    return leads


def _majority(leads: Mapping[str, float]) -> Rate | None:
    """Counts prompts won; one on which the votes split evenly is left out (the sign test)."""
    decided = [lead > 0 for lead in leads.values() if lead != 0]
    return wilson(sum(decided), len(decided)) if decided else None


def _standings(pairs: Pairs) -> tuple[tuple[Standing, ...], str]:
    plan = resampling(len(pairs.query_ids), len(pairs.rater_ids))
    if plan is None:
        return (), "one prompt only: strengths would have no interval"
    problem, prior = "", 0.0
    try:
        fitted = bootstrap.strengths(pairs, plan=plan)
    except StatisticsError as error:  # a model is unbeaten, or two groups never met
        problem, prior = error.message, PRIOR
        try:
            fitted = bootstrap.strengths(pairs, plan=plan, prior=PRIOR)
        except StatisticsError:  # ties only
            return (), problem
    ranked = sorted(fitted.strengths.items(), key=lambda item: -item[1].estimate)
    return tuple(Standing(m, s, fitted.places[m], prior) for m, s in ranked), problem


def conclusions(results: Board, family: Sequence[str]) -> tuple[Conclusion, ...]:
    """Tests every pair of a family that met, exactly and by Holm's correction, clearest first."""
    cells = [results.cell(*pair) for pair in itertools.combinations(family, 2)]
    decided = [(c, c.majority) for c in cells if c is not None and c.majority is not None]
    if not decided:
        return ()
    p = [significance.binomial(round(m.successes), m.n).p for _, m in decided]
    tested = []
    for i, ((cell, majority), corrected) in enumerate(
        zip(decided, significance.holm(p), strict=True)
    ):
        shown = cell if majority.value >= 1 / 2 else results.cell(cell.column, cell.row)
        assert shown is not None
        tested.append(_conclusion(shown, p[i], corrected, p[:i] + p[i + 1 :]))
    return tuple(sorted(tested, key=lambda c: (c.corrected, c.p)))


def _conclusion(cell: Cell, p: float, corrected: float, others: Sequence[float]) -> Conclusion:
    assert cell.rate is not None
    assert cell.majority is not None
    conclusion = Conclusion(cell.row, cell.column, cell.rate, cell.majority, p, corrected, None)
    if not conclusion.significant:
        return conclusion
    tested = significance.fewest_flips(round(cell.majority.successes), cell.majority.n, others)
    assert tested is not None
    # the other half of the rule: each flip moves the rate, and about so its interval, by one prompt
    prompts = cell.majority.n + cell.even
    interval = math.floor((cell.rate.low - 1 / 2) * prompts) + 1
    return dataclasses.replace(conclusion, flips=min(tested, interval))


@dataclasses.dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest share of the decided prompts that one pair of a family shows after correction.

    ``prompts`` are those that a middling pair's votes decide: ties and even splits are no evidence.
    """

    rate: float
    prompts: int
    pairs: int
    power: float = 0.8


def detectable(concluded: Sequence[Conclusion]) -> Detectable | None:
    """Returns the smallest rate that the median pair's decided prompts detect with 80 % power after the family's correction.

    The level is Holm's strictest, ``ALPHA`` over the pairs, as in planning: no luck with others is assumed.
    """
    decided = sorted(c.majority.n for c in concluded)
    if not decided:
        return None
    n = decided[len(decided) // 2]
    try:
        rate = significance.minimum_detectable(n, level=1 - ALPHA / len(decided))
    except StatisticsError:
        return None
    return Detectable(rate, n, len(decided))


def by_cluster(votes: Iterable[Comparison], pair: tuple[str, str]) -> dict[str, Interval]:
    """Returns a pair's rate with prompts, raters and both resampled: the last is the board's.

    Empty where each prompt was judged by one rater only: then there is nothing to compare.
    """
    met = [vote for vote in votes if {vote.left, vote.right} == set(pair)]
    if not met:
        return {}
    pairs = encode(met)
    if min(len(pairs.rater_ids), len(pairs.query_ids)) < 2:
        return {}
    ways: tuple[bootstrap.Cluster, ...] = ("query", "rater", "query and rater")
    votes_of = _meetings(pairs)[pairs.labels.index(pair[0]), pairs.labels.index(pair[1])]
    rates = {way: bootstrap.win_rates(pairs, Resampling(way))[pair] for way in ways}
    return {way: _published(rate, *votes_of) for way, rate in rates.items()}


def orders(votes: Sequence[Comparison]) -> dict[str, tuple[str, ...]]:
    """Returns the models, strongest first, under each treatment of ties that can be fitted."""
    matrix = win_matrix(encode(votes))
    fitted = {ties: _order(matrix, ties) for ties in bradley_terry.TIES}
    return {ties: order for ties, order in fitted.items() if order}


def _order(matrix: WinMatrix, ties: bradley_terry.Ties) -> tuple[str, ...]:
    try:
        return bradley_terry.fit(matrix, ties).order()
    except StatisticsError:
        return ()  # Board.problem tells why
