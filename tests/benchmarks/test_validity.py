"""benchmarks/validity.py: a small seeded case, the counts that ship, and the real answers again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import validity
from coig_writer.ballot import Ballot
from coig_writer.files import read_records
from coig_writer.preference.pairs import Floats
from coig_writer.score import Score
from tests.eval_tasks import preference_bench

PAGE = Path(__file__).parents[2] / "docs" / "metric-validity.md"


def invented() -> tuple[Floats, Floats]:
    """Success that rises with quality and with length, of 12 models on 60 prompts; one answer is missing."""
    rng = np.random.default_rng(0)
    lengths = rng.normal(size=(60, 12))
    success = np.clip(np.round(1.5 + 0.5 * lengths + rng.normal(size=(60, 12))), 0, 3) / 3
    success[3, 4] = np.nan
    return success, lengths


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("answer", 0, 6), ("model", 0, 6), ("length", 0, 6), ("success", 30, 30)],
)
def test_chance_seldom_earns_an_arrow_and_success_with_noise_does(
    kind: str, least: int, most: int
) -> None:
    """At 5 % thirty seeds give 1.5, and more than 6 once in 700 times."""
    tables = invented()
    assert least <= sum(validity.arrow(kind, seed, *tables) for seed in range(30)) <= most


def test_the_counts_that_ship_hold_what_is_asked_and_stand_on_the_page() -> None:
    row = json.loads(validity.OUT.read_text(encoding="utf-8"))
    earned = row["earned"]
    assert (row["answers"], row["seeds"]) == (1212, 200)
    assert max(earned["answer"], earned["model"], earned["length"]) <= 18
    assert earned["success"] == 200
    shown = f"{earned['answer']} of 200 seeds, one drawn for each model in {earned['model']}, length with noise in {earned['length']}"
    assert shown in " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.mark.slow
def test_the_counts_on_the_real_answers_are_those_that_ship(shared: Path, tmp_path: Path) -> None:
    preference_bench.convert(shared / "data" / "writing_preference_bench_zh.jsonl.gz", tmp_path)
    tables = validity.tables(
        read_records(tmp_path / "ballots.parquet", Ballot),
        read_records(tmp_path / "scores.parquet", Score),
    )
    row = json.loads(validity.OUT.read_text(encoding="utf-8"))
    for kind, count in row["earned"].items():
        assert sum(validity.arrow(kind, seed, *tables) for seed in range(row["seeds"])) == count
