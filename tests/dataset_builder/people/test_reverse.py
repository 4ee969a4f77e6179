"""Items out, answers back in, with and without a model."""

from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer import taxonomy
from coig_writer.document import Document, dropped
from coig_writer.endpoint import Endpoint
from coig_writer.errors import InputError
from coig_writer.files import iterate, write_records, write_rows
from coig_writer.record import to_row
from coig_writer.workbench import annotation
from coig_writer.workbench.prompts import Model
from dataset_builder import curate
from dataset_builder.demo.scripted_endpoint import MODEL, Script, serving
from dataset_builder.people import reverse
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


def test_people_write_without_any_model(tmp_path):
    settings = Settings(tmp_path, NAMES)
    out = parts.folder(tmp_path, "screen")
    out.mkdir()
    row = {"id": "d", "text": GOOD, "genre": "essay"}
    (out / "kept.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert reverse.STAGE.run(settings).reasons == {"awaiting_annotation": 1}
    place = parts.work(tmp_path, "reverse")
    (item,) = map(json.loads, (place / "items.jsonl").read_text(encoding="utf-8").splitlines())
    assert item["article"] == GOOD
    long = "写完删掉了结尾的议论，又把中间一段解释改成一句对话。"
    answer = {
        "id": "d",
        "round": 1,
        "prompt": "写一位老人买菜时的讨价还价。",
        "prompt_fields": dict.fromkeys(annotation.PROMPT_FIELDS, "有"),
        "reasoning_fields": dict.fromkeys(annotation.DECISIONS, long) | {"revision": ""},
    }
    write_rows(place / "answers" / "a.jsonl", [answer])
    counts = reverse.STAGE.run(settings)
    assert counts.reasons == {"awaiting_complete_answer": 1}
    assert "mend the answer to d: reasoning_fields.revision is missing" in curate.next_steps(
        settings, [counts]
    )
    (lost,) = parts.read_dropped(tmp_path, "reverse")
    assert lost.evidence == "reasoning_fields.revision is missing"
    answer["reasoning_fields"] = dict.fromkeys(annotation.DECISIONS, long)
    write_rows(place / "answers" / "a.jsonl", [answer])
    assert reverse.STAGE.run(settings).kept == 1
    (document,) = parts.read_kept(tmp_path, "reverse")
    assert document.authorship == {"prompt": "human", "reasoning": "human"}
    assert (place / "items.jsonl").read_text(encoding="utf-8") == ""


def test_people_get_the_models_draft_and_its_analyses(tmp_path):
    out = parts.folder(tmp_path, "screen")
    out.mkdir()
    (out / "kept.jsonl").write_text(json.dumps({"id": "d", "text": GOOD}) + "\n", encoding="utf-8")
    with serving(Script({"d": GOOD})) as server:
        settings = Settings(tmp_path, NAMES, Model(Endpoint(server.url, MODEL)))
        assert reverse.STAGE.run(settings, reverse.Options("draft")).reasons == {
            "awaiting_annotation": 1
        }
    items = parts.work(tmp_path, "reverse") / "items.jsonl"
    (item,) = map(json.loads, items.read_text(encoding="utf-8").splitlines())
    assert set(item["aids"]) == {"usability", "article", "pair"}
    assert item["draft"]["prompt"].startswith("【脚本示例 d")


def test_a_run_that_was_killed_between_parts_hands_out_every_item(tmp_path):
    settings = Settings(tmp_path, NAMES, part_size=1)
    documents = [Document(name, GOOD) for name in "abc"]
    write_records(parts.folder(tmp_path, "screen") / "kept.jsonl", documents, Document)
    decide, *_ = reverse.steps(settings, reverse.Options())
    decide.run(0, 3)  # the first part alone
    assert reverse.STAGE.run(settings).reasons == {"awaiting_annotation": 3}
    items = iterate(parts.work(tmp_path, "reverse") / "items.jsonl", annotation.Item)
    assert [item.id for item in items] == ["a", "b", "c"]


def test_drafts_in_shares_are_those_of_one_process(tmp_path):
    texts = {name: f"{name}：{GOOD}" for name in "abcde"}
    documents = [Document(name, text) for name, text in texts.items()]
    found = []
    with serving(Script(texts)) as server:
        for world in (1, 3):
            root = tmp_path / str(world)
            write_records(parts.folder(root, "screen") / "kept.jsonl", documents, Document)
            settings = Settings(root, NAMES, Model(Endpoint(server.url, MODEL)), part_size=2)
            for step in reverse.steps(settings, reverse.Options("model")):
                for rank in range(1 if step.alone else world):
                    step.run(rank, 1 if step.alone else world)
            found.append(parts.read_kept(root, "reverse"))
    assert found[0] == found[1]
    assert [d.authorship["prompt"] for d in found[0]] == ["model"] * 5


LONG = "写完删掉了结尾的议论，又把中间一段解释改成一句对话。"


def answer(**change):
    return {
        "id": "d",
        "round": 1,
        "prompt": "写一位老人买菜时的讨价还价。",
        "prompt_fields": dict.fromkeys(annotation.PROMPT_FIELDS, "有"),
        "reasoning_fields": dict.fromkeys(annotation.DECISIONS, LONG),
        **change,
    }


def prepared(root, model=None):
    write_records(parts.folder(root, "screen") / "kept.jsonl", [Document("d", GOOD)], Document)
    return Settings(root, NAMES, model), parts.work(root, "reverse")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "e"}, r"a\.jsonl line 1: no document of this stage has id 'e'"),
        ({"round": 2}, r"a\.jsonl line 1: round 2 of 'd', which has 1 so far"),
        ({"round": 0}, r"round 0 of 'd'"),
    ],
)
def test_an_answer_to_nothing_is_named(tmp_path, change, said):
    settings, place = prepared(tmp_path)
    write_rows(place / "answers" / "a.jsonl", [answer(**change)])
    with pytest.raises(InputError, match=said):
        reverse.STAGE.run(settings)


@pytest.mark.parametrize(
    "name",
    ["revers/answers/a.jsonl", "reverse/answer/a.jsonl", "reverse/answers/a.csv",
     "reverse/answers/more/a.jsonl", "reverse/a.jsonl", "review/verdicts.jsonl"],
)  # fmt: skip
def test_a_file_that_nothing_reads_is_named(tmp_path, name):
    settings, _ = prepared(tmp_path)
    path = tmp_path / "work" / name
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    (path.parent / ".DS_Store").write_text("")
    with pytest.raises(InputError, match="no stage reads this"):
        reverse.STAGE.run(settings)


def test_of_two_annotators_neither_replaces_the_other(tmp_path):
    settings, place = prepared(tmp_path)
    write_rows(place / "answers" / "a.jsonl", [answer()])
    write_rows(place / "answers" / "b.jsonl", [answer(prompt="写一次菜场里的讨价还价，不许议论。")])
    assert reverse.STAGE.run(settings).reasons == {"awaiting_one_answer": 1}
    (item,) = iterate(place / "items.jsonl", annotation.Item)
    assert "a (a.jsonl line 1) and b (b.jsonl line 1)" in item.waiting_for
    write_rows(place / "answers" / "b.jsonl", [answer()])  # they agreed
    assert reverse.STAGE.run(settings).kept == 1


def test_a_prompt_alone_gets_the_analysis_of_both_before_the_reasoning(tmp_path):
    with serving(Script({"d": GOOD})) as server:
        settings, place = prepared(tmp_path, Model(Endpoint(server.url, MODEL)))
        assert reverse.STAGE.run(settings).open == 1
        (item,) = iterate(place / "items.jsonl", annotation.Item)
        assert "pair" not in item.aids
        write_rows(place / "answers" / "a.jsonl", [answer(reasoning_fields={})])
        assert reverse.STAGE.run(settings).open == 1
        (item,) = iterate(place / "items.jsonl", annotation.Item)
    assert "pair" in item.aids
    lacking = "、".join(f"reasoning_fields.{name}" for name in annotation.DECISIONS)
    assert item.waiting_for == f"{lacking} 没有填"


def test_what_the_model_calls_unusable_is_dropped_unless_somebody_wrote(tmp_path, monkeypatch):
    verdict = {
        "usable": False,
        "reason": "要靠图片才读得懂",
        "difficulties": [],
        "specialised": False,
    }
    monkeypatch.setattr(Script, "_usability", lambda *_: verdict)
    with serving(Script({"d": GOOD})) as server:
        settings, place = prepared(tmp_path, Model(Endpoint(server.url, MODEL)))
        assert reverse.STAGE.run(settings).reasons == {"unusable": 1}
        (lost,) = parts.read_dropped(tmp_path, "reverse")
        assert (lost.evidence, lost.open) == ("要靠图片才读得懂", False)
        assert not list(iterate(place / "items.jsonl", annotation.Item))
        write_rows(place / "answers" / "a.jsonl", [answer()])
        assert reverse.STAGE.run(settings).kept == 1
    (document,) = parts.read_kept(tmp_path, "reverse")
    assert document.history[-1]["flags"] == ["called_unusable"]


def test_a_draft_that_was_sent_back_keeps_its_round_while_later_stages_forget_it(tmp_path):
    settings, place = prepared(tmp_path)
    write_rows(place / "answers" / "a.jsonl", [answer()])
    reverse.STAGE.run(settings)
    (document,) = parts.read_kept(tmp_path, "reverse")
    unmet = {"verdict": "unmet", "quotation": "差的都是一毛", "note": "写死了"}
    judged = {"round": 1, "draft": document.draft, "by": "m", "verdicts": {"i": unmet}}
    sent_back = dataclasses.replace(document, validation={"rounds": [judged]})
    validated = parts.folder(tmp_path, "validate")
    lost = [dropped(sent_back, "validate", "returned_criterion_i", "准则 i：写死了")]
    write_records(validated / "kept.jsonl", [], Document)
    write_rows(validated / "dropped.jsonl", map(to_row, lost))
    for forgotten in (False, True):
        if forgotten:  # validation ran again, without the document that waits
            write_rows(validated / "dropped.jsonl", [])
        assert reverse.STAGE.run(settings).reasons == {"awaiting_annotation": 1}
        (item,) = iterate(place / "items.jsonl", annotation.Item)
        assert item.round == 2
        assert item.earlier is not None
        assert item.earlier.prompt == answer()["prompt"]
        assert item.returned == (annotation.Returned("i", "写死了", ("差的都是一毛",)),)
        assert item.feedback == "第 2 稿。准则 i：写死了"
    write_rows(
        place / "answers" / "b.jsonl", [answer(round=2, prompt="写一次讨价还价，别写赢家。")]
    )
    assert reverse.STAGE.run(settings).kept == 1
    (again,) = parts.read_kept(tmp_path, "reverse")
    assert again.prompt == "写一次讨价还价，别写赢家。"


def test_a_draft_that_an_annotator_asked_for_decides_who_wrote(tmp_path):
    settings, place = prepared(tmp_path)
    own = answer()
    draft = {name: own[name] for name in ("prompt", "prompt_fields", "reasoning_fields")}
    write_rows(
        place / "answers" / "a.jsonl",
        [own | {"draft": draft | {"prompt": "写别的一件事情吧，随便什么。"}}],
    )
    reverse.STAGE.run(settings)
    (document,) = parts.read_kept(tmp_path, "reverse")
    assert document.authorship == {"prompt": "human", "reasoning": "model"}
