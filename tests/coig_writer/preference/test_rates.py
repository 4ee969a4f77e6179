from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.errors import StatisticsError
from coig_writer.preference.bootstrap import Interval, mean
from coig_writer.preference.rates import wilson


@pytest.mark.parametrize(
    ("wins", "n", "low", "high"),
    [(128, 204, 55.9, 69.1), (164, 353, 41.3, 51.7), (43, 353, 9.2, 16.0), (4, 353, 0.4, 2.9)],
)
def test_wilson_of_the_papers_counts(wins: int, n: int, low: float, high: float) -> None:
    rate = wilson(wins, n)
    assert (round(100 * rate.low, 1), round(100 * rate.high, 1)) == (low, high)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_share_and_mirrors(case: tuple[int, int]) -> None:
    wins, n = case
    rate, mirror = wilson(wins, n), wilson(n - wins, n)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.low == pytest.approx(1 - mirror.high, abs=1e-12)


@pytest.mark.parametrize(("wins", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(wins: int, n: int) -> None:
    with pytest.raises(StatisticsError):
        wilson(wins, n)


def of(values: list[float]) -> Interval:
    return mean(np.array(values), np.arange(len(values)))


def test_mean_interval_is_students() -> None:
    result = of([1.0, 2.0, 3.0, 4.0])
    assert (result.value, result.n) == (2.5, 4)
    assert result.high == pytest.approx(2.5 + 3.182446 * 1.290994 / 2, abs=1e-5)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    for values in ([2.0], []):
        with pytest.raises(StatisticsError):
            of(values)
    with pytest.raises(StatisticsError, match="not finite"):
        of([1.0, float("nan")])
