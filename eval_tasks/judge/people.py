"""What people preferred, as outcomes of pairs, from ballots or from scores that people gave."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable
from pathlib import Path

from coig_writer.ballot import Ballot, comparisons
from coig_writer.files import read_records
from coig_writer.score import Score

Pair = tuple[str, str, str]


def preferences(ballots: Path | None, scores: Path | None) -> dict[Pair, float]:
    """Reads people's preferences.

    Args:
        ballots: Ballot records; the majority of the votes on a pair counts.
        scores: Score records that people gave; the higher mean wins.

    Returns:
        (query id, left, right), variants in alphabetical order, to 1, 0 or 0.5.
    """
    found: dict[Pair, float] = {}
    if scores is not None:
        found |= of_scores(read_records(scores, Score))
    if ballots is not None:
        found |= of_ballots(read_records(ballots, Ballot))
    return found


def of_ballots(ballots: Iterable[Ballot]) -> dict[Pair, float]:
    """Returns the majority outcome of each pair that was voted on; an even split is a tie."""
    votes: dict[Pair, float] = {}
    for comparison in (c for ballot in ballots for c in comparisons(ballot)):
        left, right, lean = comparison.left, comparison.right, comparison.outcome - 0.5
        if left > right:
            left, right, lean = right, left, -lean
        pair = (comparison.query_id, left, right)
        votes[pair] = votes.get(pair, 0.0) + lean
    return {pair: _outcome(lean) for pair, lean in votes.items()}


def of_scores(scores: Iterable[Score]) -> dict[Pair, float]:
    """Returns the outcome of each pair of scored answers to one query."""
    by_query: dict[str, dict[str, list[float]]] = {}
    for score in scores:
        if score.value is not None:
            by_query.setdefault(score.query_id, {}).setdefault(score.variant, []).append(
                score.value
            )
    return {
        (query, left, right): _outcome(
            statistics.fmean(answers[left]) - statistics.fmean(answers[right])
        )
        for query, answers in by_query.items()
        for left, right in itertools.combinations(sorted(answers), 2)
    }


def _outcome(lean: float) -> float:
    return 0.5 if lean == 0 else float(lean > 0)
