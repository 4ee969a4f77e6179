"""A small seeded case of benchmarks/prediction_powered.py."""

from __future__ import annotations

import pytest

from benchmarks import prediction_powered


@pytest.mark.parametrize(
    ("judge", "least", "most"), [("0.5", 0.97, 1.02), ("0.9", 0.6, 0.75), ("length", 0.97, 1.02)]
)
def test_a_judge_narrows_as_far_as_it_is_right(judge: str, least: float, most: float) -> None:
    found = prediction_powered.cell(judge, 120)
    assert found.coverage >= 0.9  # fewer than 108 of 120 once in 90 times at 95 %
    assert least <= found.width_ratio <= most
    assert abs(found.moved) < 3 * found.moved_error + 1e-3
