"""Everything the report shows for one language, computed once; preferences by ``coig_writer.preference``."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter, defaultdict
from typing import Literal

from coig_writer.ballot import DIMENSIONS
from coig_writer.errors import StatisticsError
from coig_writer.preference import board, plackett_luce, rankings, summary
from coig_writer.preference.agreement import Alpha
from coig_writer.preference.association import Association
from coig_writer.preference.board import Board, Conclusion, Detectable
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.control.length_control import LengthControlled
from coig_writer.preference.control.style_control import StyleControl
from coig_writer.preference.pooling import Pooled
from coig_writer.preference.rankings import Friedman
from coig_writer.preference.ratings import Severity, severity
from coig_writer.preference.ratings import implied as implied_by
from coig_writer.triplet import Language
from eval_tasks.report import reasoning, relation
from eval_tasks.report.judged import Judged, judged
from eval_tasks.report.reasoning import Reasoning
from eval_tasks.runs import Runs


@dataclasses.dataclass(frozen=True, slots=True)
class Preference:
    """Everything a language's preferences say about the order of the models.

    ``plackett_luce`` holds strengths from whole rankings, or why there are none; empty without
    rankings. ``orders`` gives the order under each treatment of ties that can be fitted. ``set_aside``
    counts ballots that said *both bad* (a tie here) or were skipped. ``visible`` is what the
    decided prompts of one pair could show after correction.
    """

    source: Literal["votes", "ratings"]
    board: Board
    conclusions: tuple[Conclusion, ...]
    plackett_luce: dict[str, Interval] | str
    orders: dict[str, tuple[str, ...]]
    set_aside: dict[str, int]
    visible: Detectable | None

    @property
    def rates(self) -> dict[tuple[str, str], Interval]:
        """Table 2: (row, column) to win rate, of the pairs that met in votes; empty for ratings."""
        cells = self.board.matrix if self.source == "votes" else ()
        return {(c.row, c.column): c.rate for c in cells if c.rate is not None}

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were voted on, in the board's order of listing."""
        return tuple(dict.fromkeys(cell.row for cell in self.board.matrix if cell.rate is not None))

    @property
    def dense(self) -> bool:
        """Whether half of the pairs or more met, so that a matrix is not mostly empty."""
        return 2 * len(self.rates) >= len(self.models) * (len(self.models) - 1)

    @property
    def decided(self) -> frozenset[tuple[str, str]]:
        """The pairs that differ, better one first."""
        return frozenset((c.better, c.worse) for c in self.conclusions if c.significant)

    @property
    def same_order(self) -> bool:
        """Whether every treatment of ties gives the same order."""
        return len(set(self.orders.values())) <= 1

    def place(self, ties: str, variant: str) -> int | None:
        """Returns a variant's place under a treatment of ties; None where that cannot be fitted."""
        order = self.orders.get(ties, ())
        return order.index(variant) + 1 if variant in order else None


@dataclasses.dataclass(frozen=True, slots=True)
class Ratings:
    """Means by (variant, dimension); α by dimension, or why there is none.

    ``confounded`` lists the pairs of variants whose raters differ as much as they do, of all ``pairs``
    that were rated on the same prompts; ``within`` counts comparisons by one rater. ``severity`` is by
    rater, strictest first.
    """

    means: dict[tuple[str, str], Interval]
    alphas: dict[str, Alpha | str]
    dimensions: tuple[str, ...]
    severity: tuple[Severity, ...]
    confounded: tuple[tuple[str, str], ...]
    pairs: int
    within: int
    shared: int

    @property
    def rated(self) -> frozenset[str]:
        """The variants with a mean."""
        return frozenset(variant for variant, _ in self.means)


@dataclasses.dataclass(frozen=True)
class Analysis:
    """One language; a part is None or empty where the runs do not carry it."""

    language: Language
    preference: Preference | None
    friedman: Friedman | None
    ratings: Ratings | None
    pair: tuple[str, str] | None
    by_cluster: dict[str, Interval]
    genre_wins: dict[str, Pooled]
    genre_ratings: dict[str, Pooled]
    equal_length: LengthControlled | str | None
    style: StyleControl | str | None
    judged: tuple[Judged, ...]
    associations: dict[str, Association]
    coherence: dict[tuple[str, str], Interval]
    reasoning: dict[str, Reasoning]


def analyse(runs: Runs, language: Language) -> Analysis:
    """Computes every part for a language."""
    pair = compared_pair(runs, language)
    met = [
        c for c in runs.preferences(language).comparisons if {c.left, c.right} == set(pair or ())
    ]
    rated = summary.genre_scores(runs.voted(language), runs.genres, "overall_preference")
    return Analysis(
        language,
        preference(runs, language),
        friedman(runs, language),
        ratings(runs, language),
        pair,
        board.by_cluster(met, pair) if pair else {},
        _highest_first(summary.genre_rates(met, runs.genres, pair[0])) if pair else {},
        _highest_first(rated),
        relation.at_equal_length(runs, language, pair) if pair else None,
        relation.at_equal_style(runs, language),
        judged(runs, language, pair),
        relation.associations(runs, language),
        relation.coherence(runs, language),
        reasoning.behaviours(runs, language),
    )


def _highest_first(pooled: dict[str, Pooled]) -> dict[str, Pooled]:
    return dict(sorted(pooled.items(), key=lambda item: -item[1].value))


def preference(runs: Runs, language: Language) -> Preference | None:
    """Returns what the preferences of a language say; None without any."""
    preferences = runs.preferences(language)
    if not preferences.comparisons:
        return None
    # implied pairs are no votes, so the board of the votes has none
    standings = runs.board(language) or board.board(preferences.comparisons)
    # scores of different raters, side by side, decide nothing
    conclusions = board.conclusions(standings, runs.variants) if preferences.conclusive else ()
    verdicts = Counter(json.loads(b.verdict) for b in runs.voted(language) if b.verdict[:1] == '"')
    set_aside = {"both bad": verdicts["both_bad"], "skipped": verdicts["skip"]}
    return Preference(
        preferences.source,
        standings,
        conclusions,
        _from_rankings(runs, language),
        board.orders(preferences.comparisons),
        {name: n for name, n in set_aside.items() if n},
        board.detectable(conclusions),
    )


def _from_rankings(runs: Runs, language: Language) -> dict[str, Interval] | str:
    """Fits Plackett–Luce to the rankings as wholes, resampling as the board does."""
    ranked = _ranked(runs, language)
    if not ranked:
        return {}
    try:
        places = rankings.encode(runs.voted(language), ranked)
        plan = board.resampling(len(places.query_ids), len(places.rater_ids))
        return plackett_luce.intervals(places, plan) if plan else "one prompt only"
    except StatisticsError as error:
        return error.message


def _ranked(runs: Runs, language: Language) -> list[str]:
    shown = {v for b in runs.voted(language) if b.protocol == "ranking" for v in b.shown}
    return [v for v in runs.variants if v in shown]


def friedman(runs: Runs, language: Language) -> Friedman | None:
    """Returns mean places and Friedman's test, one ranking per query; None where there are too few."""
    try:
        ranked = rankings.encode(runs.voted(language), _ranked(runs, language))
        return rankings.friedman(rankings.per_query(ranked))
    except StatisticsError:
        return None  # no or one complete ranking, or all of them ties


def ratings(runs: Runs, language: Language) -> Ratings | None:
    """Returns the ratings of a language; None where there are none."""
    voted = runs.voted(language)
    scored = summary.scores(voted, runs.variants)
    if not scored:
        return None
    dimensions = tuple(d for d in DIMENSIONS if any(s.dimension == d for s in scored))
    implied = implied_by(voted)
    return Ratings(
        {(s.model, s.dimension): s.mean for s in scored if s.mean is not None},
        {d: summary.agreement(voted, d) or "no two answers were rated twice" for d in dimensions},
        dimensions,
        severity(voted),
        implied.confounded,
        len(implied.shared),
        sum(implied.within.values()),
        sum(implied.shared.values()),
    )


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
