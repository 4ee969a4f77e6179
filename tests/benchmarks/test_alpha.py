"""A small seeded case of benchmarks/alpha.py: resampling prompts covers, resampling answers does not."""

from __future__ import annotations

from benchmarks import alpha


def test_the_interval_of_alpha() -> None:
    found = alpha.cell(30, 15, 40, rounds=200)
    assert found.by_prompt >= 0.875  # fewer than 35 of 40 once in 70 times at 95 %
    assert found.by_answer < found.by_prompt
