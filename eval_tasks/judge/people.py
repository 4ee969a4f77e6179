"""What people preferred, as outcomes of pairs, from ballots or from scores that people gave."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable
from pathlib import Path

from coig_writer.ballot import Ballot
from coig_writer.files import read_records
from coig_writer.preference import summary
from coig_writer.score import Score

Pair = tuple[str, str, str, int]  # query id, left variant, right variant, sample


def preferences(ballots: Path | None, scores: Path | None, sample: int = 0) -> dict[Pair, float]:
    """Reads people's preferences.

    Args:
        ballots: Ballot records; the votes on a pair are averaged, repeats left out.
        scores: Score records that people gave; the higher mean wins.
        sample: Which of several answers to a prompt the votes are on, for old ballots that do not say.

    Returns:
        Variants in alphabetical order, to the share of points of the left.
    """
    preferred: dict[Pair, float] = {}
    if scores is not None:
        preferred |= of_scores(read_records(scores, Score))
    if ballots is not None:
        preferred |= of_ballots(read_records(ballots, Ballot), sample)
    return preferred


def of_ballots(ballots: Iterable[Ballot], sample: int = 0) -> dict[Pair, float]:
    """Returns the share of points that the left of each pair got; a tie is half a point."""
    points: dict[Pair, list[float]] = {}
    for vote in summary.votes(ballots):
        left, right, outcome = vote.left, vote.right, vote.outcome
        if left > right:
            left, right, outcome = right, left, 1 - outcome
        place = (vote.query_id, left, right, vote.sample or sample)
        points.setdefault(place, []).append(outcome)
    return {pair: statistics.fmean(values) for pair, values in points.items()}


def of_scores(scores: Iterable[Score]) -> dict[Pair, float]:
    """Returns the outcome of each pair of scored answers to one query."""
    by_query: dict[tuple[str, int], dict[str, list[float]]] = {}
    for score in scores:
        if score.value is not None:
            answers = by_query.setdefault((score.query_id, score.sample), {})
            answers.setdefault(score.variant, []).append(score.value)
    return {
        (query, left, right, sample): _outcome(
            statistics.fmean(answers[left]) - statistics.fmean(answers[right])
        )
        for (query, sample), answers in by_query.items()
        for left, right in itertools.combinations(sorted(answers), 2)
    }


def _outcome(lean: float) -> float:
    return 0.5 if lean == 0 else float(lean > 0)
