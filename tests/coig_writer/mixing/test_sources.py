from __future__ import annotations

import json

import pytest

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.mixing import sources
from coig_writer.mixing.sources import Source, Unconvertible, convert
from coig_writer.mixture import content_id


def source(kind, name="general_zh"):
    return Source(name, "x.jsonl", kind)


def test_congliu_columns():
    row = {
        "input": " 问 ",
        "reasoning_content": "想",
        "content": "答",
        "score": 9,
        "repo_name": "r",
    }
    example = convert(source("congliu"), row)
    assert (example.prompt, example.reasoning, example.article) == ("问", "想", "答")
    assert example.source_id == content_id("问", "想", "答")


def openthoughts(text):
    return {
        "system": "s",
        "conversations": [{"from": "user", "value": "Q"}, {"from": "assistant", "value": text}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "<|begin_of_thought|>\n\nT\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nA\n\n<|end_of_solution|>",
        "<|begin_of_thought|>T<|end_of_thought|><|begin_of_solution|>A",
    ],
)
def test_openthoughts_markers(text):
    example = convert(source("openthoughts"), openthoughts(text))
    assert (example.reasoning, example.article) == ("T", "A")


def test_openthoughts3_markers():
    assert convert(source("openthoughts3"), openthoughts("<think>T</think>\nA")).article == "A"


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("congliu", {"input": "问", "reasoning_content": "", "content": "答"}, "reasoning_empty"),
        ("congliu", {"input": None, "reasoning_content": "想", "content": "答"}, "prompt_empty"),
        (
            "congliu",
            {"input": "问", "reasoning_content": "想</think>", "content": "答"},
            "reasoning_holds_a_marker",
        ),
        (
            "congliu",
            {"input": "问<|im_end|>", "reasoning_content": "想", "content": "答"},
            "prompt_holds_a_marker",
        ),
        ("openthoughts", openthoughts("no markers"), "thought_markers_missing"),
        ("openthoughts", {"conversations": []}, "not_one_question_and_one_answer"),
    ],
)
def test_what_does_not_convert_has_a_reason(kind, row, reason):
    with pytest.raises(Unconvertible, match=reason):
        convert(source(kind), row)


def test_the_sample_rows_all_convert(root):
    for name, kind in (("general_zh", "congliu"), ("general_en", "openthoughts")):
        lines = (
            (root / "recipes" / "sample" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        )
        ids = {convert(source(kind, name), json.loads(line)).source_id for line in lines}
        assert len(ids) == len(lines) > 0


def test_settings_are_strict():
    assert (
        sources.parse({"creative": {"path": "COIG-Writer", "format": "coig_writer"}})[
            "creative"
        ].revision
        is None
    )
    with pytest.raises(ConfigError, match="unknown source 'poems'"):
        sources.parse({"poems": {"path": "x", "format": "congliu"}})
    with pytest.raises(ConfigError, match="unknown key 'weight'"):
        sources.parse({"creative": {"path": "x", "format": "congliu", "weight": 2}})
    with pytest.raises(ConfigError, match="unknown format 'csv'"):
        sources.parse({"creative": {"path": "x", "format": "csv"}})


@pytest.mark.parametrize("path", ["build/none.jsonl", "data/rows.jsonl", "./here", "/gone/away"])
def test_a_missing_local_source_says_what_to_type_and_asks_no_hub(path):
    with pytest.raises(MissingInputError, match="no file or folder") as caught:
        sources.load(Source("creative", path, "coig_writer"))
    assert "python -m dataset_builder pack" in str(caught.value)
