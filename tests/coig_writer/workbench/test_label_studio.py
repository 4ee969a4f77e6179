"""Label Studio: tasks out, annotations back, to the same answers as by file."""

from __future__ import annotations

import json

import pytest

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_rows
from coig_writer.workbench import annotation, label_studio, review
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS, Item, Writing
from coig_writer.workbench.review import CRITERIA, Span
from coig_writer.workbench.server import command
from coig_writer.workbench.server.curation import Curation

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


DRAFT_TO_REVIEW = review.Item("d1@aa", "essay", "提示<b>", "构思", "墨鱼🦑在码头，墨鱼🦑在锅里。")


def reviewed(*marks, **chosen):
    """What Label Studio exports after a reviewer accepted the draft, or chose otherwise."""
    (task,) = json.loads(label_studio.review_tasks([DRAFT_TO_REVIEW], "r1"))
    choices = {"verdict": "accept"} | dict.fromkeys(CRITERIA, "met") | chosen
    results = [
        {"from_name": name, "type": "choices", "value": {"choices": [choice]}}
        for name, choice in choices.items()
        if choice
    ]
    annotation = {"was_cancelled": False, "completed_by": 3, "result": [*results, *marks]}
    return [task | {"annotations": [annotation]}]


def marked(start, end, **value):
    return {
        "from_name": "marked_article",
        "type": "labels",
        "value": {"start": start, "end": end, "labels": ["marked"], **value},
    }


def note(text):
    return {"from_name": "note", "type": "textarea", "value": {"text": [text]}}


@pytest.fixture
def curation(tmp_path):
    rows = [{"item": i, "genre": None, "prompt": "", "reasoning": "", "article": ""} for i in ("d1@aa", "d2@bb")]  # fmt: skip
    write_rows(tmp_path / "work" / "review" / "items" / "r1.jsonl", rows)
    return Curation(tmp_path)


def taken_in(curation, exported):
    path = curation.root / "export.json"
    path.write_text(json.dumps(exported), encoding="utf-8")
    command.take_in(curation, path)
    return review.read_verdicts(curation.reviewing / "answers")


def test_exports_with_one_file_name_keep_each_others_answers(curation):
    def imported(number, prompt):
        (task,) = exported(completed_by=number)
        task["annotations"][0]["result"][0]["value"]["text"] = [prompt]
        path = curation.root / "export.json"
        path.write_text(json.dumps([task]), encoding="utf-8")
        command.take_in(curation, path)
        answers = annotation.each_answer(curation.annotating / "answers")
        return {a.annotator: a.writing.prompt_fields["theme"] for a in answers}

    imported(3, "甲的主题")
    assert imported(4, "乙的主题") == {"label-studio-3": "甲的主题", "label-studio-4": "乙的主题"}
    assert imported(3, "甲改过的主题") == {"label-studio-3": "甲改过的主题", "label-studio-4": "乙的主题"}  # fmt: skip


def test_a_verdict_comes_back_as_the_reviewers_own(curation):
    assert {"author", "annotator"} & reviewed()[0]["data"].keys() == set(), "the review is blind"
    verdicts = taken_in(curation, reviewed())
    assert verdicts["d1@aa", "r1"].verdict == "accept"
    verdicts = taken_in(curation, reviewed(note("太泛"), verdict="refine", coherence="unmet"))
    (verdict,) = verdicts.values()
    assert (verdict.verdict, verdict.note, verdict.criteria["coherence"]) == (
        "refine",
        "太泛",
        False,
    )
    lines = (curation.reviewing / "answers" / "r1.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2, "what a reviewer said before stays"
    taken_in(curation, reviewed(note("太泛"), verdict="refine", coherence="unmet"))
    assert len((curation.reviewing / "answers" / "r1.jsonl").read_text(encoding="utf-8").splitlines()) == 2  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "start"),
    [
        (marked(8, 12, text="墨鱼🦑"), 7),  # offsets in characters, as it counts since 1.6
        (marked(9, 13, text="墨鱼🦑"), 7),  # in UTF-16 units, as it counted before
        (marked(0, 3, text="墨鱼🦑"), 0),
        (marked(7, 10), 7),  # no passage, as for texts that are fetched
    ],
)
def test_a_marked_passage_is_found_again(curation, mark, start):
    verdict = taken_in(curation, reviewed(mark))["d1@aa", "r1"]
    assert verdict.spans == (Span("article", start, start + 3, "墨鱼🦑"),)


@pytest.mark.parametrize(
    ("exported", "message"),
    [
        (reviewed(verdict="refine"), "task 1: refine needs a note"),
        ([{"data": None, "annotations": []}], "task 1: not a task of this kit"),
        ([{"data": 5}], "task 1: not a task of this kit"),
        (reviewed(note("错"), verdict="remove"), "remove needs a cause"),
        (reviewed(coherence=""), "criteria must be"),
        (reviewed(verdict=""), "verdict"),
        (reviewed(marked(0, 2, text="章鱼")), "'章鱼' is not in the article"),
        (reviewed({"from_name": "verdict", "type": "choices", "value": {"choices": []}}), "not a task of this kit"),
        ([{"data": {"item": "d9@aa", "reviewer": "r1"} , "annotations": reviewed()[0]["annotations"]}], "'d9@aa' is not among those of reviewer 'r1'"),
        ([{"data": {"item": "d1@aa", "reviewer": "../items/r1"}, "annotations": reviewed()[0]["annotations"]}], "is not among those of reviewer"),
    ],
)  # fmt: skip
def test_a_verdict_that_cannot_be_used_is_named_and_nothing_is_written(curation, exported, message):
    with pytest.raises(InputError, match=message):
        taken_in(curation, [*reviewed(), *exported] if "task 1" not in message else exported)
    assert not (curation.reviewing / "answers").exists()


def test_the_reviewers_interface_asks_for_every_part_of_a_verdict():
    names = ["verdict", "cause", *CRITERIA]
    assert all(f'<Choices name="{name}"' in label_studio.REVIEW_INTERFACE for name in names)
    assert all(f'value="${part}"' in label_studio.REVIEW_INTERFACE for part in review.PARTS)
