"""What the stage ``bound`` prints and writes, on the kit's samples and on answers without a partner."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from coig_writer import command_line, taxonomy
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_records
from coig_writer.metrics.answer import Answer, answer
from coig_writer.triplet import Triplet
from dataset_builder.packing import samples
from eval_tasks import bound
from eval_tasks.__main__ import GROUP


def run(*words: str | Path) -> None:
    command_line.run(GROUP, ["bound", *map(str, words)])


def test_the_samples_bind_and_swapped_articles_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [t for t in samples.read(taxonomy.published()) if t.category == "novel"]
    write_records(tmp_path / "rows.parquet", rows, Triplet)
    out = tmp_path / "out"
    run("--triplets", tmp_path / "rows.parquet", "--show", rows[0].id, "--out", out)
    told = capsys.readouterr().out
    assert f"{rows[0].id}: " in told
    assert f"dataset (zh): {len(rows)} answers" in told
    assert "p < 0.001" in told
    items = list(csv.DictReader((out / "items.csv").open(encoding="utf-8")))
    write_records(tmp_path / "twice.parquet", [*rows, rows[0]], Triplet)
    with pytest.raises(InputError, match=rf"duplicate id {rows[0].id}"):
        run("--triplets", tmp_path / "twice.parquet", "--out", out)
    assert {row["query_id"] for row in items} == {row.id for row in rows}
    with pytest.raises(InputError, match="no answer to 'elsewhere'"):
        run("--triplets", tmp_path / "rows.parquet", "--show", "elsewhere")


def test_nothing_to_read_and_nothing_to_compare() -> None:
    with pytest.raises(MissingInputError, match="no answers"):
        run()
    assert "no two reasonings of one genre" in bound.line("m", [written("叫“甲乙”。", "甲乙")])
    pair = [written("叫“甲乙”。", "甲乙"), written("叫“丙丁”。", "丙丁", "另写")]
    assert "+100.0 points [-31.5, +100.0], p 0.500, n=2" in bound.line("m", pair)


def written(reasoning: str, article: str, prompt: str = "写") -> Answer:
    turn = f"<think>{reasoning}</think>{article}"
    return answer(turn, language="zh", query_id="x", prompt=prompt, genre="wuxia")


@pytest.mark.parametrize(("values", "p"), [([0.5] * 6, 2 / 2**6), ([0.0] * 6, 1.0)])
def test_the_p_is_of_the_signed_ranks(values: list[float], p: float) -> None:
    found = bound.gain(values)
    assert found.p == pytest.approx(p)
