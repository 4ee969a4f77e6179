"""What a judge prefers: a board of a model's verdicts, and what they add to people's votes."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.preference import board, prediction_powered
from coig_writer.preference.board import Board
from coig_writer.preference.prediction_powered import Powered
from coig_writer.score import Judgement
from coig_writer.triplet import Language
from eval_tasks.runs import Runs


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """One judge: its board, which is no board of votes, and votes × judge for the compared pair.

    ``powered`` is None where nobody voted on the pair, or why there is no estimate.
    """

    judge: str
    board: Board
    powered: Powered | str | None


def judged(runs: Runs, language: Language, pair: tuple[str, str] | None) -> tuple[Judged, ...]:
    """Returns every judge that compared answers in a language."""
    rows: dict[str, list[Comparison]] = defaultdict(list)
    for row in runs.judgements:
        if runs.languages[row.query_id] == language and (vote := comparison(row)) is not None:
            rows[row.judge].append(vote)
    met = runs.votes(language)
    return tuple(
        Judged(judge, board.board(compared), _powered(met, compared, pair) if pair else None)
        for judge, compared in sorted(rows.items())
    )


def comparison(row: Judgement) -> Comparison | None:
    """Returns a pairwise verdict as a comparison; None for a rubric, a repeat or a missing one."""
    if row.right is None or row.verdict is None or "#" in row.rubric:
        return None
    outcome = {"left": 1.0, "right": 0.0, "tie": 0.5}.get(json.loads(row.verdict))
    return (
        None
        if outcome is None
        else Comparison(row.query_id, row.judge, row.left, row.right, outcome)
    )


def _powered(
    met: Iterable[Comparison], by_judge: Iterable[Comparison], pair: tuple[str, str]
) -> Powered | str | None:
    votes, verdicts = points(met, pair), points(by_judge, pair)
    shared = {query: value for query, value in votes.items() if query in verdicts}
    if not shared:
        return None
    try:
        return prediction_powered.estimate(shared, verdicts)
    except StatisticsError as error:
        return error.message


def points(comparisons: Iterable[Comparison], pair: tuple[str, str]) -> Mapping[str, float]:
    """Returns by query the share of points that the first of a pair got from the second."""
    won: dict[str, list[float]] = defaultdict(list)
    for c in comparisons:
        if {c.left, c.right} == set(pair):
            won[c.query_id].append(c.outcome if c.left == pair[0] else 1 - c.outcome)
    return {query: sum(values) / len(values) for query, values in won.items()}
