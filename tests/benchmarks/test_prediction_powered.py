"""A small seeded case of benchmarks/prediction_powered.py, and the measured cells that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import prediction_powered

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0036-votes-and-judge.md"
MEASURED = sorted(prediction_powered.OUT.glob("*.json"))


@pytest.mark.parametrize(
    ("judge", "least", "most"), [("0.5", 0.97, 1.02), ("0.9", 0.6, 0.78), ("length", 0.97, 1.02)]
)
def test_a_judge_narrows_as_far_as_it_is_right(judge: str, least: float, most: float) -> None:
    result = prediction_powered.cell(judge, "close", 120)
    assert result.coverage >= 0.9  # fewer than 108 of 120 once in 90 times at 95 %
    assert least <= result.width_ratio <= most
    assert abs(result.moved) < 3 * result.moved_error + 1e-3


def test_every_cell_was_measured() -> None:
    cells = {f"{t}-judge-{j}" for t in prediction_powered.TRUTHS for j in prediction_powered.JUDGES}
    assert {file.stem for file in MEASURED} == cells


@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.stem)
def test_measured_cells_hold_what_is_asked_and_are_of_the_present_code(file: Path) -> None:
    row = json.loads(file.read_text(encoding="utf-8"))
    assert row["studies"] == 2000
    assert 0.935 <= row["coverage"] <= 0.965
    assert row["width_ratio"] <= {"0.7": 1.0, "0.9": 0.8}.get(row["judge"], 1.02)
    assert abs(row["moved"]) < 3 * row["moved_error"]
    again = prediction_powered.cell(row["judge"], row["truth"], 2, row["seed"])
    assert [*again.first] == pytest.approx(row["first"])
    shown = (
        f"{100 * row['coverage']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}] | "
        f"{row['width_ratio']:.3f} |"
    )
    assert shown in PAGE.read_text(encoding="utf-8")


def test_at_nine_of_ten_a_judge_saves_a_quarter_of_the_width_on_close_pairs() -> None:
    row = json.loads((prediction_powered.OUT / "close-judge-0.9.json").read_text(encoding="utf-8"))
    assert row["width_ratio"] <= 0.75
