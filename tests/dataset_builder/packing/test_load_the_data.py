"""Runs every Python block of docs/load-the-data.md as it stands."""

from __future__ import annotations

import json
import re

import pytest

from coig_writer import taxonomy
from coig_writer.triplet import messages
from dataset_builder.packing import samples

TRIPLETS = samples.read(taxonomy.published())
IDS = {t.id for t in TRIPLETS}
CONVERSATIONS = [messages(t.prompt, t.reasoning, t.article) for t in TRIPLETS]


@pytest.fixture(scope="module")
def blocks(root):
    """The Python blocks of the page by the heading above them."""
    page = (root / "docs" / "load-the-data.md").read_text(encoding="utf-8")
    found = re.findall(r"^## ([^\n]+)$(?:(?!^## ).)*?^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(found) == page.count("```python")
    return dict(found)


# What each block leaves behind, as an expression of its names.
AFTER = {
    "Load rows": "[list(rows['id']), list(wuxia['genre']), list(novels['category']), len(queries)]",
    "Stream rows": "first",
    "Messages for supervised fine-tuning": "[chats.column_names, list(chats['messages'])]",
    "Prompt and completion": "[pairs.column_names, list(pairs)]",
    "Prompts only": "[prompts.column_names, list(prompts['prompt'])]",
    "pandas": "list(table['id'])",
    "Polars": "table['id'].to_list()",
}


@pytest.fixture(scope="module")
def left(blocks, python_above):
    """What the blocks leave behind, each run in a namespace of its own; None where a library is absent."""
    assert set(blocks) == set(AFTER)
    code = (
        "import json\n"
        f"blocks, after, left = {blocks!r}, {AFTER!r}, {{}}\n"
        "for heading, block in blocks.items():\n"
        "    names = {}\n"
        "    try:\n"
        "        exec(block, names)\n"
        "        left[heading] = eval(after[heading], names)\n"
        "    except ModuleNotFoundError:\n"
        "        left[heading] = None\n"
        "print(json.dumps(left))\n"
    )
    return json.loads(python_above(code).splitlines()[-1])


def test_load_rows(left):
    ids, genres, categories, queries = left["Load rows"]
    assert set(ids) == IDS
    assert set(genres) == {"wuxia"}
    assert set(categories) == {"novel"}
    assert queries == 204


def test_stream_rows(left):
    assert left["Stream rows"]["id"] in IDS


def test_messages(left):
    columns, rows = left["Messages for supervised fine-tuning"]
    assert columns == ["messages"]
    assert sorted(rows, key=str) == sorted(CONVERSATIONS, key=str)


def test_prompt_and_completion(left):
    columns, rows = left["Prompt and completion"]
    assert columns == ["prompt", "completion"]
    got = [row["prompt"] + row["completion"] for row in rows]
    assert sorted(got, key=str) == sorted(CONVERSATIONS, key=str)


def test_prompts_only(left):
    columns, rows = left["Prompts only"]
    assert columns == ["prompt"]
    assert sorted(rows) == sorted(t.prompt for t in TRIPLETS)


@pytest.mark.parametrize("heading", ["pandas", "Polars"])
def test_data_frames(left, heading):
    if left[heading] is None:
        pytest.skip(f"{heading} is not installed")
    assert set(left[heading]) == IDS


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
