"""Runs every Python block of docs/load-the-data.md as it stands."""

from __future__ import annotations

import json
import re

import pytest

from coig_writer import taxonomy
from coig_writer.triplet import messages
from dataset_builder import samples

TRIPLETS = samples.read(taxonomy.published())
IDS = {t.id for t in TRIPLETS}


@pytest.fixture(scope="module")
def blocks(root):
    """The Python blocks of the page by the heading above them."""
    page = (root / "docs" / "load-the-data.md").read_text(encoding="utf-8")
    found = re.findall(r"^## ([^\n]+)$(?:(?!^## ).)*?^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(found) == page.count("```python")
    return dict(found)


@pytest.fixture
def run(blocks, python_above):
    """Runs a block and returns what an expression is after it."""

    def after(heading, expression):
        code = blocks[heading]
        out = python_above(f"{code}\nimport json\nprint(json.dumps({expression}))")
        return json.loads(out.splitlines()[-1])

    return after


def test_load_rows(run):
    found = run(
        "Load rows",
        "[list(rows['id']), list(wuxia['genre']), list(novels['category']), len(queries)]",
    )
    assert set(found[0]) == IDS
    assert set(found[1]) == {"wuxia"}
    assert set(found[2]) == {"novel"}
    assert found[3] == 204


def test_stream_rows(run):
    assert run("Stream rows", "first")["id"] in IDS


def test_messages(run):
    found = run(
        "Messages for supervised fine-tuning", "[chats.column_names, list(chats['messages'])]"
    )
    assert found[0] == ["messages"]
    expected = [messages(t.prompt, t.reasoning, t.article) for t in TRIPLETS]
    assert sorted(found[1], key=str) == sorted(expected, key=str)


def test_prompt_and_completion(run):
    found = run("Prompt and completion", "[pairs.column_names, list(pairs)]")
    assert found[0] == ["prompt", "completion"]
    expected = [messages(t.prompt, t.reasoning, t.article) for t in TRIPLETS]
    got = [row["prompt"] + row["completion"] for row in found[1]]
    assert sorted(got, key=str) == sorted(expected, key=str)


def test_prompts_only(run):
    found = run("Prompts only", "[prompts.column_names, list(prompts['prompt'])]")
    assert found[0] == ["prompt"]
    assert sorted(found[1]) == sorted(t.prompt for t in TRIPLETS)


def test_pandas(run):
    pytest.importorskip("pandas")
    assert set(run("pandas", "list(table['id'])")) == IDS


def test_polars(run):
    pytest.importorskip("polars", reason="polars is not installed")
    assert set(run("Polars", "table['id'].to_list()")) == IDS


@pytest.mark.slow
def test_trl_takes_both_views(blocks, python_above):
    for heading, name in (
        ("Messages for supervised fine-tuning", "chats"),
        ("Prompt and completion", "pairs"),
    ):
        out = python_above(
            f"{blocks[heading]}\nfrom trl.data_utils import is_conversational\nprint(is_conversational({name}[0]))"
        )
        assert out.splitlines()[-1] == "True"
