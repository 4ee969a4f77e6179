"""Several answers to one prompt: values by hand, classes by order, both sides of the threshold."""

from __future__ import annotations

import math

import pytest

from coig_writer.metrics import within


def test_values_by_hand() -> None:
    answers = [["a", "b", "a"], ["a", "c"]]
    assert within.distinct(answers, 1) == 3 / 5
    assert within.distinct(answers, 2) == 1  # ab, ba, ac
    assert within.distinct([["a"]], 2) is None
    assert within.expectation_adjusted(answers, 2) == pytest.approx(3 / (2 * (1 - 0.5**5)))
    assert within.expectation_adjusted([[]]) is None
    assert within.mean_self_bleu([["a", "b", "c", "d"]] * 2) == pytest.approx(1)
    assert within.mean_self_bleu([["a"], ["a"]]) is None
    assert within.mean_distance([[1, 0], [0, 2], [1, 0]]) == pytest.approx(2 / 3)
    assert within.mean_distance([[1, 0]]) is None


def test_the_expectation_takes_length_out() -> None:
    """Twice as many random draws: distinct-1 falls, the adjusted value stays."""
    draws = [[str((i * 7919) % 30_000) for i in range(n)] for n in (5_000, 10_000)]
    short, long = (within.expectation_adjusted([d]) for d in draws)
    assert short is not None
    assert long is not None
    assert math.isclose(short, long, rel_tol=0.1)


@pytest.mark.parametrize(("shared", "same"), [(5, True), (4, False)])
def test_half_of_the_bigrams_make_two_answers_one(shared: int, same: bool) -> None:
    first = [f"w{i}" for i in range(11)]
    second = first[: shared + 1] + [f"v{i}" for i in range(10 - shared)]
    assert within.alike(first, second) is same


def test_an_answer_joins_the_first_class_whose_first_member_is_its_like() -> None:
    """1.0 and 1.8 are alike, and 1.8 and 2.6; but 2.6 is compared with 1.0 and opens a class."""
    near = lambda a, b: abs(a - b) < 1  # noqa: E731 - one rule, used twice
    assert within.count_distinct([1.0, 1.8, 2.6], near) == 2
    assert within.count_distinct([1.8, 1.0, 2.6], near) == 1
    assert within.count_distinct([], near) == 0
