"""The whole road at full size: a file in the authors' form, drawn to the paper's counts and lengths."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from coig_writer import benchmark, paper
from coig_writer.files import read_records
from coig_writer.mixture import MixtureRow
from coig_writer.training import smoke
from dataset_builder.official import synthetic
from dataset_builder.official.assign import Assignment

pytestmark = pytest.mark.slow

SOUND: dict[str, object] = {
    "query": "写一篇散文，写雨。",
    "thought": "想一想。",
    "answer": "雨下了一夜。",
}
# What was found in the published file and its kin: id, row, and the rule that names it.
WARNED = [
    ("boilerplate", SOUND | {"answer": "以下是为您创作的散文：\n\n雨下了一夜又一天。"}),
    ("placeholder_prompt", SOUND | {"query": "/", "answer": "雨停了。"}),
    ("control_characters", SOUND | {"answer": "雨\x07又下了。"}),
    ("duplicate_text", SOUND | {"answer": "雨，又下了！"}),
    ("unknown_field", SOUND | {"answer": "雨还在下。", "score": 7}),
]
REJECTED: list[tuple[str, dict[str, object]]] = [
    ("empty_field", SOUND | {"thought": " "}),
    ("not_text", SOUND | {"query": 3}),
    ("nested", SOUND | {"thought": {"step": "一"}}),
    ("missing_field", {"query": "写", "answer": "文"}),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, root):
    """A folder in which the commands have run, and what each said."""
    place = tmp_path_factory.mktemp("full")
    rows = [row.official() for row in synthetic.rows(seed=7)]
    planted = [{"id": f"{rule}-planted"} | row for rule, row in [*WARNED, *REJECTED]] + [
        {"id": "asked"} | SOUND | {"query": benchmark.queries("zh")[0].query, "answer": "题外。"}
    ]
    text = json.dumps([*rows[:900], *planted, *rows[900:]], ensure_ascii=False, indent=2)
    (place / "all_human_data.json").write_text("\ufeff" + text, encoding="utf-8")
    said = {}
    for name, *words in (
        ("import", place / "all_human_data.json", "--out", place / "import"),
        ("assign", place / "import"),
        ("pack", "--source", place / "import", "--out", place / "COIG-Writer"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "dataset_builder", name, *map(str, words)],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said[name] = done.stdout
    return place, said


def test_every_row_is_kept_or_reported(place):
    _, said = place
    kept = paper.ROWS + len(WARNED) + 1
    assert f"{kept} rows kept, {len(REJECTED)} rejected" in said["import"]
    for rule, _ in [*WARNED, *REJECTED]:
        assert f"{rule:<20}" in said["import"]
    assert "repaired byte order mark of the file removed: 1" in said["import"]


def test_the_tables_decide_the_rows_they_speak_of(place):
    folder, said = place
    truth = {row.id: row.genre for row in synthetic.rows(seed=7)}
    found = read_records(folder / "import" / "assignments.jsonl", Assignment)
    decided = [a for a in found if a.genre is not None and a.id in truth]
    assert "published extreme lengths found: 100% (used)" in said["assign"]
    assert len(decided) >= 0.9 * paper.ROWS
    assert sum(a.genre == truth[a.id] for a in decided) >= 0.9 * len(decided)


def test_the_packed_set_loads_and_its_card_tells_the_defects(place, tmp_path):
    from datasets import load_dataset

    folder, _ = place
    rows = load_dataset(
        str(folder / "COIG-Writer"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(rows) == paper.ROWS + len(WARNED) + 1
    card = (folder / "COIG-Writer" / "README.md").read_text(encoding="utf-8")
    assert "Beside the paper" in card
    assert "kept out of training mixtures) | 1 of 1,671 |" in card
    assert "open with an assistant's phrase | 1 of 1,671 |" in card
    assert "equal to an earlier one except for punctuation | 1 of 1,671 |" in card


def test_the_packed_set_is_mixed(place, root):
    folder, _ = place
    smoke.make(folder / "smoke", [row.answer for row in synthetic.rows(seed=7)[:20]])
    settings = yaml.safe_load((root / "recipes" / "configs" / "paper.yaml").read_text("utf-8"))
    settings["sources"]["creative"]["path"] = str(folder / "COIG-Writer")
    settings |= {
        "variants": ["cw"],
        "model_name_or_path": str(folder / "smoke"),
        "mixtures": str(folder / "mixtures"),
        "over_long_budget": 1.0,
        "bf16": False,
    }
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "recipes/mix.py", "--config", str(recipe)],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    mixed = read_records(folder / "mixtures" / "cw" / "train.parquet", MixtureRow)
    # all but the row that asks what the benchmark asks
    assert len(mixed) == paper.ROWS + len(WARNED)
    assert "asked" not in [row.source_id for row in mixed]
