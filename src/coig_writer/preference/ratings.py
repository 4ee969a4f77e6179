"""Ratings from 0 to 3: compared within rater, and how severe each rater is.

Two raters use a scale differently, so the higher of two scores by two people is no evidence about two
answers. One person's two scores for one prompt do. Where each model has a rater of its own, nothing
can tell a strict rater from a weak model; then the overlap is counted and no conclusion is drawn.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from coig_writer.ballot import Ballot, Comparison
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Interval

RATED = (0.0, 3.0)  # the scale of ratings
OVERALL = "overall_preference"
Answer = tuple[str, str, int]  # query id, model, sample
ENOUGH = 20  # prompts rated by one person for both models, from which two models can be compared


@dataclasses.dataclass(frozen=True, slots=True)
class Implied:
    """Pairs that ratings imply.

    ``within`` counts by pair of models the prompts on which one rater rated both, ``shared`` those on
    which both were rated at all. ``comparisons`` are within rater where there are any; else of mean
    ratings, a description that carries no conclusion.
    """

    comparisons: list[Comparison]
    within: dict[tuple[str, str], int]
    shared: dict[tuple[str, str], int]

    @property
    def confounded(self) -> tuple[tuple[str, str], ...]:
        """The pairs of models whose ratings differ in rater as much as in model."""
        return tuple(
            pair for pair, n in self.shared.items() if self.within.get(pair, 0) < min(ENOUGH, n / 2)
        )

    @property
    def conclusive(self) -> bool:
        """Whether the comparisons are within rater."""
        return bool(self.within)


def rating(ballot: Ballot, dimension: str) -> int | None:
    """Returns a rating ballot's value on a dimension; None for a skip, repeat or other protocol."""
    if ballot.protocol != "rating" or ballot.repeat:
        return None
    verdict = json.loads(ballot.verdict)
    return None if verdict == "skip" else verdict.get(dimension)


def implied(ballots: Iterable[Ballot]) -> Implied:
    """Turns ratings into pairs: of two answers to a prompt, of one sample, the one rated higher overall won."""
    rated: dict[tuple[str, int], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for ballot in ballots:
        value = rating(ballot, OVERALL)
        if value is not None:
            rated[ballot.query_id, ballot.sample][ballot.rater][ballot.shown[0]] = value
    within: list[Comparison] = []
    across: list[Comparison] = []
    for (query, sample), by_rater in rated.items():
        for rater, values in by_rater.items():
            within += _pairs(query, rater, values, sample)
        everyone: dict[str, list[int]] = defaultdict(list)
        for model, value in itertools.chain(*(values.items() for values in by_rater.values())):
            everyone[model].append(value)
        means = {model: sum(scores) / len(scores) for model, scores in everyone.items()}
        across += _pairs(query, "ratings", means, sample)
    return Implied(within or across, _prompts(within), _prompts(across))


def _pairs(query: str, rater: str, values: Mapping[str, float], sample: int) -> list[Comparison]:
    return [
        Comparison(
            query, rater, a, b, (1 + (values[a] > values[b]) - (values[a] < values[b])) / 2, sample
        )
        for a, b in itertools.combinations(sorted(values), 2)
    ]


def _prompts(comparisons: Iterable[Comparison]) -> dict[tuple[str, str], int]:
    prompts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for c in comparisons:
        prompts[c.left, c.right].add(c.query_id)
    return {pair: len(queries) for pair, queries in sorted(prompts.items())}


@dataclasses.dataclass(frozen=True, slots=True)
class Severity:
    """How far a rater's overall scores lie above those that others gave the same answers.

    ``above`` is negative for a strict rater; None where fewer than two prompts were rated by others too.
    ``mean`` is of all ``n`` ratings.
    """

    rater: str
    above: Interval | None
    mean: float
    n: int
    shared: int


def severity(ballots: Iterable[Ballot]) -> tuple[Severity, ...]:
    """Estimates every rater's severity from answers that others rated too, strictest first."""
    answers: dict[Answer, dict[str, int]] = defaultdict(dict)
    for ballot in ballots:
        value = rating(ballot, OVERALL)
        if value is not None:
            answers[ballot.query_id, ballot.shown[0], ballot.sample][ballot.rater] = value
    raters = sorted({rater for given in answers.values() for rater in given})
    severities = [_severity(rater, answers) for rater in raters]
    return tuple(sorted(severities, key=lambda s: s.above.estimate if s.above else 0.0))


def _severity(rater: str, answers: Mapping[Answer, Mapping[str, int]]) -> Severity:
    given = [by_rater[rater] for by_rater in answers.values() if rater in by_rater]
    shared = {
        answer: by_rater[rater] - (sum(by_rater.values()) - by_rater[rater]) / (len(by_rater) - 1)
        for answer, by_rater in answers.items()
        if rater in by_rater and len(by_rater) > 1
    }
    queries, codes = np.unique([query for query, _, _ in shared], return_inverse=True)
    above = None
    if len(queries) > 1:
        above = bootstrap.mean(np.array(list(shared.values())), codes, scale=(-RATED[1], RATED[1]))
    return Severity(rater, above, sum(given) / len(given), len(given), len(shared))
