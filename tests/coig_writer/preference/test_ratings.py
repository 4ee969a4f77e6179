"""Ratings: compared within rater, overlap counted, severity estimated."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from coig_writer.ballot import Ballot
from coig_writer.preference.ratings import ENOUGH, implied, severity
from coig_writer.preference.summary import ordinal_values

MODELS = ("a", "b", "c", "d")


def rated(query: int, model: str, rater: str, value: int) -> Ballot:
    name = f"{query}/{model}/{rater}"
    verdict = json.dumps({"overall_preference": value})
    return Ballot(name, "s", "rating", name, f"zh-{query}", rater, 0, (model,), verdict)


def own_raters(prompts: int = 100) -> list[Ballot]:
    """Four equal models, each with a rater of its own, two of them severe."""
    rng = np.random.default_rng(0)
    return [
        rated(q, m, f"of-{m}", int(np.clip(rng.integers(1, 3) + (m in "ab"), 0, 3)))
        for q in range(prompts)
        for m in MODELS
    ]


def test_raters_of_their_own_leave_nothing_to_conclude() -> None:
    pairs = implied(own_raters())
    assert not pairs.conclusive
    assert len(pairs.confounded) == len(pairs.shared) == 6
    assert set(pairs.shared.values()) == {100}


def test_one_overlapping_rating_in_401_does_not_lift_the_warning() -> None:
    pairs = implied([*own_raters(), rated(0, "b", "of-a", 2)])
    assert len(pairs.confounded) == 6
    assert pairs.within == {("a", "b"): 1}
    assert [(c.left, c.right, c.rater) for c in pairs.comparisons] == [("a", "b", "of-a")]


def test_two_scores_by_one_person_are_compared_and_two_peoples_are_not() -> None:
    pairs = implied(
        [rated(0, "a", "x", 2), rated(0, "b", "x", 1), rated(0, "c", "y", 3), rated(0, "b", "z", 3)]
    )
    assert [(c.left, c.right, c.outcome) for c in pairs.comparisons] == [("a", "b", 1.0)]
    assert pairs.shared == {("a", "b"): 1, ("a", "c"): 1, ("b", "c"): 1}
    assert pairs.confounded == (("a", "c"), ("b", "c"))
    tie = implied([rated(0, "a", "x", 2), rated(0, "b", "x", 2)])
    assert [c.outcome for c in tie.comparisons] == [0.5]


def test_answers_of_one_sample_are_compared() -> None:
    """On sample 1 b is better; a's first answer and b's second were never held side by side."""
    second = [
        dataclasses.replace(b, sample=1) for b in (rated(0, "a", "x", 0), rated(0, "b", "x", 2))
    ]
    pairs = implied([rated(0, "a", "x", 3), *second])
    assert [(c.left, c.right, c.outcome, c.sample) for c in pairs.comparisons] == [
        ("a", "b", 0.0, 1)
    ]
    raters = severity([*second, dataclasses.replace(rated(0, "a", "y", 1), sample=1)])
    assert {told.rater: told.shared for told in raters} == {"x": 1, "y": 1}
    assert len({r.unit for b in (rated(0, "a", "x", 3), *second) for r in ordinal_values(b)}) == 3


@pytest.mark.parametrize(
    ("prompts", "within", "confounded"),
    [(10, 5, False), (10, 4, True), (400, ENOUGH, False), (400, ENOUGH - 1, True)],
)
def test_half_of_the_shared_prompts_or_twenty_within_a_rater_tell_two_models_apart(
    prompts: int, within: int, *, confounded: bool
) -> None:
    ballots = [rated(q, "a", "x", 2) for q in range(prompts)]
    ballots += [rated(q, "b", "x" if q < within else "y", 1) for q in range(prompts)]
    assert bool(implied(ballots).confounded) == confounded


def test_severity_is_what_others_gave_the_same_answers() -> None:
    """y gives one point less than x to each of 30 answers; z shares none and cannot be told."""
    ballots = [
        rated(q, "a", rater, 3 - (rater == "y") - q % 2) for q in range(30) for rater in "xy"
    ]
    ballots += [rated(99, "b", "z", 0)]
    strict, unknown, mild = severity(ballots)
    assert (strict.rater, unknown.rater, mild.rater) == ("y", "z", "x")
    assert strict.above is not None
    assert mild.above is not None
    assert (strict.above.estimate, mild.above.estimate) == (-1, 1)
    assert strict.above.low < -1 < strict.above.high  # never without width
    assert (unknown.above, unknown.shared, unknown.mean, unknown.n) == (None, 0, 0, 1)
    assert (mild.shared, mild.mean) == (30, 2.5)
