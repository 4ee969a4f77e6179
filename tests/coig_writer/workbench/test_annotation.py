"""What annotators hand in, checked field by field."""

from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.document import Document
from coig_writer.errors import InputError
from coig_writer.files import write_rows
from coig_writer.workbench import annotation


@pytest.mark.parametrize("name", annotation.DECISIONS)
def test_a_missing_category_of_decisions_is_named(name):
    fields = dict.fromkeys(
        annotation.DECISIONS, "写完删掉了结尾的议论，又把中间一段解释改成一句对话。"
    )
    writing = annotation.Writing(
        "写一篇有人有事的短文吧。", dict.fromkeys(annotation.PROMPT_FIELDS, "有"), fields
    )
    assert writing.problem() == ""
    lacking = dataclasses.replace(writing, reasoning_fields={**fields, name: " "})
    assert lacking.problem() == f"reasoning_fields.{name} is missing"


@pytest.mark.parametrize(
    ("prompt", "decision", "problem"),
    [
        (10, 20, ""),
        (9, 20, "the prompt has fewer than 10 characters"),
        (10, 19, "reasoning_fields.planning is too short"),
        (9, 0, "reasoning_fields.planning is missing; the prompt has fewer than 10 characters"),
    ],
)
def test_the_shortest_prompt_and_decision(prompt, decision, problem):
    fields = dict.fromkeys(annotation.DECISIONS, "想" * 20) | {"planning": "想" * decision + "。"}
    given = dict.fromkeys(annotation.PROMPT_FIELDS, "有")
    assert annotation.Writing("写" * prompt + "！", given, fields).problem() == problem


def answer(**change):
    fields = {"prompt_fields": {"theme": "有"}, "reasoning_fields": {"planning": "想"}}
    return {"id": "d", "round": 1, "prompt": "写", **fields, **change}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"round": "1"}, "column 'round'"),
        ({"prompt": None}, "column 'prompt' is null"),
        ({"colour": 1}, "unknown column 'colour'"),
        ({"prompt_fields": {"plot": "x"}}, "prompt_fields has the unknown key 'plot'"),
        ({"reasoning_fields": {"planning": 1}}, "column 'reasoning_fields'"),
    ],
)
def test_a_wrong_answer_is_named_by_file_and_row(tmp_path, change, said):
    write_rows(tmp_path / "a.jsonl", [answer(annotator="x"), answer(**change)])
    with pytest.raises(InputError, match=rf"a\.jsonl line 2: {said}"):
        annotation.read_answers(tmp_path)


def test_the_last_answer_of_a_round_counts(tmp_path):
    rows = [answer(), answer(round=2), answer(prompt="写\ud800好")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    writings = annotation.read_answers(tmp_path)
    assert {key: w.prompt for key, w in writings.items()} == {
        ("d", 1): "写\ufffd好",
        ("d", 2): "写",
    }


@pytest.mark.parametrize(
    ("draft", "author"), [(None, "human"), ("写 信", "model"), ("写诗", "model_edited")]
)
def test_who_wrote_is_found_by_comparison(draft, author):
    own = annotation.Writing("写  信", {}, {"planning": "想"})
    drafted = annotation.Writing(draft, {}, {"planning": "想"}) if draft else None
    assert annotation.authorship(own, drafted)["prompt"] == author


@pytest.mark.parametrize(("left", "author"), [(7, "human"), (8, "model_edited")])
def test_eight_letters_of_a_draft_are_what_is_left_of_it(left, author):
    drafted = annotation.Writing("甲乙丙丁戊己庚辛壬癸", {}, {})
    own = annotation.Writing("甲乙丙丁戊己庚辛壬癸"[:left] + "。是我自己写的", {}, {})
    assert annotation.authorship(own, drafted)["prompt"] == author


@pytest.mark.parametrize(
    ("before", "text", "author"),
    [
        ("model", "甲乙丙丁戊己庚辛壬癸", "model"),
        ("model_edited", "甲乙丙丁戊己庚辛壬癸", "model_edited"),
        ("model", "甲乙丙丁戊己庚辛。我改的", "model_edited"),
        ("model", "甲乙丙丁戊己庚。我重写的", "human"),
        ("human", "甲乙丙丁戊己庚辛壬癸", "human"),
    ],
)
def test_a_models_share_in_the_draft_that_came_back_is_still_a_models(before, text, author):
    document = Document("d", "文", prompt="甲乙丙丁戊己庚辛壬癸", authorship={"prompt": before})
    assert annotation.Writing(text, {}, {}).into(document, None).authorship["prompt"] == author
