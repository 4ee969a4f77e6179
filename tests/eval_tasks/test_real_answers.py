"""Scoring 1,212 real answers of twelve models, where the reference material is at hand."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from coig_writer import command_line, taxonomy
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.score import Score
from eval_tasks.__main__ import GROUP
from tests.generations import generation

DATA = "data/writing_preference_bench_zh.jsonl.gz"


def generations(file: Path) -> list[Generation]:
    """The answers as records of the kit."""
    genres = taxonomy.published()
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [
            generation(
                re.sub(r"[^A-Za-z0-9.-]+", "-", row["model"]).strip("-"),
                row["prompt_id"],
                row["response"] or "",
                genre=genres.genre(row["genre_zh"]).slug,
                prompt=row["prompt"],
                finish_reason=str(row["finish_reason"]),
                n_tokens=row["completion_tokens"],
            )
            for row in map(json.loads, lines)
        ]


@pytest.mark.slow
def test_real_answers_are_scored_whole(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("lighteval", reason="needs the extra `eval`")
    file = shared / DATA
    if not file.is_file():
        pytest.skip("needs the real answers of the reference material")
    records = generations(file)
    assert len(records) == 1212
    write_records(tmp_path / "g.parquet", records, Generation)
    out = tmp_path / "scores"
    argv = ["score", "--generations", str(tmp_path / "g.parquet"), "--out", str(out)]
    command_line.run(GROUP, argv)
    scores = [s for f in out.glob("*.parquet") for s in read_records(f, Score)]
    ttr = [s for s in scores if s.metric == "ttr"]
    assert len(ttr) == 1212
    assert sum(s.state == "missing" for s in ttr) < 20
    values = {(s.variant, s.query_id): s.value for s in ttr if s.value is not None}
    # One answer is eight thousand characters of exclamation marks and emoji: TTR 0.07, and true.
    assert sum(value < 0.2 for value in values.values()) <= 1
    with (out / "averages.csv").open(encoding="utf-8") as handle:
        averages = list(csv.DictReader(handle))
    # 101 prompts over 51 genres, about two each: pooled, with their width.
    genre_rows = [a for a in averages if a["scope"] == "genre" and a["metric"] == "ttr"]
    assert {a["state"] for a in genre_rows} <= {"pooled", "missing"}
    assert all(float(a["low"]) < float(a["high"]) for a in genre_rows if a["state"] == "pooled")
