"""Label Studio: tasks out, annotations back, to the same answers as by file."""

from __future__ import annotations

import json

import pytest

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_rows
from coig_writer.workbench import annotation, label_studio
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item, Writing

DRAFT = Writing("提示", dict.fromkeys(PROMPT_FIELDS, "有"), dict.fromkeys(DECISIONS, "因为"))
ITEM = Item("d1", 2, "essay", "<b>题</b>", "文 <script>", "改", "", {}, DRAFT)


def exported(**changes):
    """What Label Studio exports after somebody accepted the draft as it was."""
    (task,) = json.loads(label_studio.tasks([ITEM]))
    (prediction,) = task.pop("predictions")
    annotation = {
        "id": 7,
        "completed_by": 3,
        "was_cancelled": False,
        "result": prediction["result"],
    }
    return [task | {"id": 1, "annotations": [annotation | changes]}]


def test_what_goes_out_comes_back_as_an_answer(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported()), encoding="utf-8")
    write_rows(tmp_path / "answers" / "ls.jsonl", label_studio.answers(path))
    (answer,) = annotation.each_answer(tmp_path / "answers")
    assert (answer.key, answer.annotator, answer.writing) == (("d1", 2), "label-studio-3", DRAFT)


def test_a_cancelled_annotation_is_passed_over(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported(was_cancelled=True)), encoding="utf-8")
    assert list(label_studio.answers(path)) == []


@pytest.mark.parametrize(
    "content",
    [
        "{}", "[1]", "no", '[{"data": {}, "annotations": []}]', "[" * 100_000, "",
        '[{"data": {"item": "d1", "round": Infinity}, "annotations": []}]',
    ],
)  # fmt: skip
def test_another_file_is_named(tmp_path, content):
    path = tmp_path / "export.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"export\.json"):
        list(label_studio.answers(path))
    with pytest.raises(MissingInputError, match=r"other\.json: no such file"):
        list(label_studio.answers(tmp_path / "other.json"))


def test_half_a_character_and_a_bare_text_are_stored(tmp_path):
    (task,) = exported()
    task["data"]["item"] = "d\ud800"
    task["annotations"][0]["result"][0]["value"]["text"] = "一段话"
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    write_rows(tmp_path / "answers" / "ls.jsonl", label_studio.answers(path))
    (answer,) = annotation.each_answer(tmp_path / "answers")
    assert answer.id == "d\ufffd"
    assert answer.writing.prompt_fields["theme"] == "一段话"


def test_the_interface_asks_for_every_key_of_an_answer():
    names = [*PROMPT_FIELDS, "prompt", *DECISIONS]
    assert all(f'<TextArea name="{name}"' in label_studio.INTERFACE for name in names)
