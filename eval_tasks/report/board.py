"""Who is better than whom: strengths, places, corrected tests, fragility, and what cannot be told."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np

from coig_writer import paper
from coig_writer.errors import StatisticsError
from coig_writer.mixture import VARIANTS
from coig_writer.preference import bootstrap, bradley_terry, plackett_luce, power, rankings
from coig_writer.preference.bootstrap import Board, Interval
from coig_writer.preference.pairs import Pairs, WinMatrix, encode, win_matrix
from coig_writer.preference.rates import Rate
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs
from eval_tasks.report.majority import corrected, exact, majorities

ALPHA = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Conclusion:
    """One pair: prompts won by ``better``, p before and after Holm over all pairs of a language.

    ``flips`` is how many prompts would have to go the other way to undo a significant difference
    (before correction); None where there is none.
    """

    better: str
    worse: str
    rate: Rate
    p: float
    corrected: float
    flips: int | None

    @property
    def significant(self) -> bool:
        """Whether the difference survives the correction."""
        return self.corrected < ALPHA


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Everything a language's preferences say about the order of the models.

    ``plackett_luce`` holds strengths from whole rankings, or why there are none; empty without
    rankings. ``orders`` gives the order under each treatment of ties that can be fitted; ``problem``
    says why there is no board. ``set_aside`` counts ballots that said *both bad* (a tie here) or were
    skipped. ``tie_rate`` is the share of tied comparisons, ``visible`` the smallest win rate that the
    prompts of one pair could find with 80 % power.
    """

    source: str
    board: Board | None
    problem: str
    plackett_luce: dict[str, Interval] | str
    orders: dict[str, tuple[str, ...]]
    conclusions: list[Conclusion]
    tie_rate: float
    set_aside: dict[str, int]
    prompts: int
    raters: int
    comparisons: int
    visible: float | None

    @property
    def few(self) -> int:
        """The number of prompts that there should be at least, if there are fewer; else 0."""
        return bootstrap.FEW if self.prompts < bootstrap.FEW else 0

    @property
    def same_order(self) -> bool:
        """Whether every treatment of ties gives the same order."""
        return len(set(self.orders.values())) <= 1

    @property
    def ranked(self) -> list[str]:
        """The variants on the board, strongest first."""
        strengths = self.board.strengths if self.board else {}
        return sorted(strengths, key=lambda v: -strengths[v].estimate)

    def place(self, ties: str, variant: str) -> int | None:
        """Returns a variant's place under a treatment of ties; None where that cannot be fitted."""
        order = self.orders.get(ties, ())
        return order.index(variant) + 1 if variant in order else None


def standing(runs: Runs, language: Language) -> Standing | None:
    """Returns the standing in a language; None without preferences."""
    preferences = runs.preferences(language)
    if not preferences.comparisons:
        return None
    pairs = encode(preferences.comparisons)
    rates = majorities(preferences.comparisons, runs.variants)
    board, problem = _board(pairs)
    decided = [rate.n for rate in rates.values()]
    return Standing(
        preferences.source,
        board,
        problem,
        _from_rankings(runs, language),
        _orders(pairs),
        _conclusions(rates),
        float((pairs.outcome == 0.5).mean()),
        _set_aside(runs, language),
        len(pairs.query_ids),
        len(pairs.rater_ids),
        len(pairs),
        _visible(sorted(decided)[len(decided) // 2]) if decided else None,
    )


def published_strengths(board: Board, language: Language) -> dict[str, float]:
    """Returns the strengths that the paper's Table 2 implies for the published variants on a board.

    Shifted so that their mean equals that of the same variants on the board; empty for fewer than two.
    """
    here = [v for v in VARIANTS if v in board.strengths]
    if len(here) < 2:
        return {}
    wins = np.array(
        [[0.0 if a == b else paper.TABLE_2[language][a, b].wins for b in here] for a in here]
    )
    fitted = bradley_terry.fit(WinMatrix(tuple(here), wins, np.zeros_like(wins)))
    shift = sum(board.strengths[v].estimate for v in here) / len(here)
    return {v: s + shift for v, s in zip(here, fitted.log_strengths, strict=True)}


def by_cluster(
    runs: Runs, language: Language, pair: tuple[str, str]
) -> dict[str, bootstrap.Interval]:
    """Returns the pair's win rate with prompts, raters and both resampled, where there are several.

    Empty where each prompt was judged by one rater only: then there is nothing to compare.
    """
    votes = [c for c in runs.preferences(language).comparisons if {c.left, c.right} == set(pair)]
    if not votes:
        return {}
    pairs = encode(votes)
    if min(len(pairs.rater_ids), len(pairs.query_ids)) < 2:
        return {}
    clusters: tuple[bootstrap.Cluster, ...] = ("query", "rater", "query and rater")
    return {
        cluster: bootstrap.win_rates(pairs, bootstrap.Plan(cluster))[pair] for cluster in clusters
    }


def _set_aside(runs: Runs, language: Language) -> dict[str, int]:
    verdicts = Counter(json.loads(b.verdict) for b in runs.voted(language) if b.verdict[:1] == '"')
    named = {"both bad": verdicts["both_bad"], "skipped": verdicts["skip"]}
    return {name: n for name, n in named.items() if n}


def _board(pairs: Pairs) -> tuple[Board | None, str]:
    try:
        return bootstrap.strengths(pairs), ""
    except StatisticsError as error:
        return None, error.message


def _from_rankings(runs: Runs, language: Language) -> dict[str, Interval] | str:
    """Fits Plackett–Luce to the rankings as wholes, resampling prompts as the board does."""
    ranked = [b for b in runs.voted(language) if b.protocol == "ranking" and b.verdict != '"skip"']
    if not ranked:
        return {}
    labels = [v for v in runs.variants if any(v in b.shown for b in ranked)]
    try:
        return plackett_luce.intervals(rankings.encode(ranked, labels))
    except StatisticsError as error:
        return error.message


def _orders(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    matrix = win_matrix(pairs)
    found = {ties: _order(matrix, ties) for ties in bradley_terry.TIES}
    return {ties: order for ties, order in found.items() if order}


def _order(matrix: WinMatrix, ties: bradley_terry.Ties) -> tuple[str, ...]:
    try:
        return bradley_terry.fit(matrix, ties).order()
    except StatisticsError:
        return ()  # the board's own problem says why


def _conclusions(rates: dict[tuple[str, str], Rate]) -> list[Conclusion]:
    adjusted = corrected(rates)
    found = []
    for (a, b), rate in rates.items():
        better, worse = (a, b) if rate.value >= 0.5 else (b, a)
        wins = max(round(rate.successes), rate.n - round(rate.successes))
        found.append(
            Conclusion(
                better, worse, _from_better(rate), exact(rate), adjusted[a, b],
                power.fewest_flips(wins, rate.n),
            )
        )  # fmt: skip
    return sorted(found, key=lambda c: (c.corrected, c.p))


def _from_better(rate: Rate) -> Rate:
    if rate.value >= 0.5:
        return rate
    return dataclasses.replace(
        rate,
        successes=rate.n - rate.successes,
        value=1 - rate.value,
        low=1 - rate.high,
        high=1 - rate.low,
    )


def _visible(n: int) -> float | None:
    try:
        return power.minimum_detectable(n)
    except StatisticsError:
        return None
