"""Everything the report computes for one language, once."""

from __future__ import annotations

import dataclasses

from coig_writer.preference.association import Association
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.length_control import LengthControlled
from coig_writer.preference.pooling import Pooled
from coig_writer.preference.rankings import Friedman
from coig_writer.triplet import Language
from eval_tasks.report import board, genres, ratings, reasoning, relation
from eval_tasks.report.board import Standing
from eval_tasks.report.inputs import Runs
from eval_tasks.report.ratings import Ratings
from eval_tasks.report.reasoning import Reasoning
from eval_tasks.report.tables import friedman


@dataclasses.dataclass(frozen=True)
class Analysis:
    """One language; a part is None or empty where the runs do not carry it."""

    language: Language
    standing: Standing | None
    friedman: Friedman | None
    ratings: Ratings | None
    pair: tuple[str, str] | None
    by_cluster: dict[str, Interval]
    genre_wins: dict[str, Pooled]
    genre_ratings: dict[str, Pooled]
    equal_length: LengthControlled | str | None
    associations: dict[str, Association]
    coherence: dict[tuple[str, str], Interval]
    reasoning: dict[str, Reasoning]


def analyse(runs: Runs, language: Language) -> Analysis:
    """Computes every part for a language."""
    pair = genres.compared_pair(runs, language)
    return Analysis(
        language,
        board.standing(runs, language),
        friedman(runs, language),
        ratings.ratings(runs, language),
        pair,
        board.by_cluster(runs, language, pair) if pair else {},
        genres.wins(runs, language, pair) if pair else {},
        genres.mean_ratings(runs, language),
        relation.at_equal_length(runs, language, pair) if pair else None,
        relation.associations(runs, language),
        relation.coherence(runs, language),
        reasoning.behaviours(runs, language),
    )
