"""A generation's parts are made once, and a record that contradicts itself is no record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coig_writer.errors import InputError
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation, Parts, split
from coig_writer.metrics.answer import of_generation
from coig_writer.record import from_row
from tests.generations import generation

PARTS = [
    {"article": "另一篇。"},
    {"reasoning": "另想。"},
    {"reasoning": None},
    {"reasoning_state": "unterminated"},
    {"reasoning_state": "absent"},
    {"text": "<think>想"},
]


@pytest.mark.parametrize("changed", PARTS)
def test_a_record_that_contradicts_itself_is_named(tmp_path: Path, changed: dict[str, str]) -> None:
    file = tmp_path / "g.jsonl"
    write_records(file, [generation("cw", "zh-1", "<think>想。</think>\n\n雨停了。")], Generation)
    row = json.loads(file.read_text()) | changed
    file.write_text(json.dumps(row))
    with pytest.raises(InputError, match="cw to zh-1: the record contradicts itself"):
        read_records(file, Generation)


STATED: dict[str, object] = {"variant": "cw", "query_id": "zh-1", "language": "zh", "genre": None, "prompt": "写",
          "finish_reason": "stop", "n_tokens": 0, "seed": None, "sampling": None, "model": "m",
          "revision": None}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"text": "<think>想</think>文"}, ("想", "文", "closed")),
        ({"text": "文", "reasoning": "想"}, ("想", "文", "closed")),
        ({"text": "", "reasoning": "想"}, ("想", "", "unterminated")),
        ({"text": "文", "reasoning": "想", "article": "文", "reasoning_state": "closed"}, ("想", "文", "closed")),
        ({"text": "", "reasoning": "想", "reasoning_state": "closed"}, ("想", "", "closed")),
    ],
)  # fmt: skip
def test_parts_may_be_left_out_or_the_reasoning_stand_in_its_own_column(
    given: dict[str, str], parts: tuple[str, str, str]
) -> None:
    record = from_row(Generation, {**STATED, **given})
    assert (record.reasoning, record.article, record.reasoning_state) == parts
    assert split(record.turn) == Parts(*parts) or not record.article


@pytest.mark.parametrize(
    "given",
    [
        {"text": "文", "article": "文", "reasoning_state": "closed"},
        {"text": "文", "reasoning": "想", "article": "文", "reasoning_state": "absent"},
        {"text": "文", "reasoning": "想", "article": "文", "reasoning_state": "unterminated"},
        {"text": "<think>想</think>文", "reasoning": "另想"},
    ],
)
def test_a_state_without_its_reasoning_is_an_error(given: dict[str, str]) -> None:
    with pytest.raises(InputError, match="contradicts itself") as caught:
        from_row(Generation, {**STATED, **given})
    assert "leave the columns" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>\n<think>想</think>文", Parts("想", "文", "closed")),  # template and model
        ("<think><think>想</think>再想</think>文", Parts("想\n\n再想", "文", "closed")),
        ("<think>\n<think>想", Parts("想", "", "unterminated")),
        ("<think>想<think>再想</think>文", Parts("想\n\n再想\n\n文", "", "unterminated")),
        ('<think>题目叫"雨"</think>文', Parts('题目叫"雨"', "文", "closed")),
        ("<think>that is James'</think>Rain.", Parts("that is James'", "Rain.", "closed")),
        ("<think>用`雨`</think>文", Parts("用`雨`", "文", "closed")),
        (
            '"<think>" and `</think>` are tags.',
            Parts(None, '"<think>" and `</think>` are tags.', "absent"),
        ),
        ("“</think> 是标签”", Parts(None, "“</think> 是标签”", "absent")),
    ],
)
def test_a_tag_in_quotation_marks_is_spoken_of_and_one_after_a_closed_quotation_is_used(
    text: str, parts: Parts
) -> None:
    assert split(text) == parts


def test_numbers_below_zero_are_errors() -> None:
    for number in ({"sample": -1}, {"n_tokens": -1}):
        with pytest.raises(InputError, match="is below 0"):
            from_row(Generation, {**STATED, "text": "文", **number})


def test_white_space_around_a_part_contradicts_nothing_and_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    write_records(file, [generation("cw", "zh-1", "<think>想。</think>\n\n雨停了。\n")], Generation)
    row = json.loads(file.read_text()) | {"article": "雨停了。\n"}
    file.write_text(json.dumps(row))
    (record,) = read_records(file, Generation)
    assert of_generation(record).article == "雨停了。\n"
    assert of_generation(record).parts.reasoning == "想。"


def test_half_a_surrogate_pair_is_repaired_in_every_part() -> None:
    answer = of_generation(generation("cw", "zh-1", "<think>想\ud83d</think>雨\ud83d"))
    assert (answer.parts.reasoning, answer.article) == ("想\ufffd", "雨\ufffd")
    assert answer.text.count("\ufffd") == 2
