"""A small seeded case of benchmarks/alpha.py: resampling prompts covers, resampling answers does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import alpha

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0009-statistics.md"


def test_the_interval_of_alpha() -> None:
    result = alpha.cell(30, 15, 40, rounds=200)
    assert result.by_prompt >= 0.875  # fewer than 35 of 40 once in 70 times at 95 %
    assert result.by_answer < result.by_prompt


@pytest.mark.parametrize(("prompts", "answers"), alpha.CELLS)
def test_measured_cells_hold_what_is_asked_and_are_of_the_present_code(
    prompts: int, answers: int
) -> None:
    file = alpha.OUT / f"{prompts}-prompts-{answers}-answers.json"
    row = json.loads(file.read_text(encoding="utf-8"))
    assert row["studies"] == 2000
    assert 0.93 <= row["by_prompt"] <= 0.97
    again = alpha.cell(prompts, answers, 1, seed=row["seed"])
    assert [*again.first, again.truth] == pytest.approx([*row["first"], row["truth"]])
    shown = f"{100 * row['by_prompt']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    assert shown in PAGE.read_text(encoding="utf-8")
