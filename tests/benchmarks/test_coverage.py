"""A small seeded case of benchmarks/coverage.py: clustered intervals cover, naive ones do not."""

from __future__ import annotations

import pytest

from benchmarks import coverage


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("strengths, prompts resampled", 0.92, 0.975),
        ("strengths, pairs taken as independent", 0.78, 0.89),
    ],
)
def test_intervals_of_strengths(name: str, least: float, most: float) -> None:
    assert least <= coverage.measure(name, 100).coverage <= most


@pytest.mark.parametrize("name", [name for name in coverage.CELLS if name.startswith("rate, 12")])
def test_the_boards_rates_cover_on_few_prompts(name: str) -> None:
    assert coverage.measure(name, 30).coverage >= 0.9
