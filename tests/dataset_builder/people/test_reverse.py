"""Items out, answers back in, with and without a model."""

from __future__ import annotations

import json

from coig_writer import taxonomy
from coig_writer.document import Document
from coig_writer.endpoint import Endpoint
from coig_writer.files import iterate, write_records, write_rows
from coig_writer.workbench import annotation
from coig_writer.workbench.prompts import Model
from dataset_builder.demo.scripted_endpoint import MODEL, Script, serving
from dataset_builder.people import reverse
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


def test_people_write_without_any_model(tmp_path):
    where = Settings(tmp_path, NAMES)
    out = parts.folder(tmp_path, "screen")
    out.mkdir()
    row = {"id": "d", "text": GOOD, "genre": "essay"}
    (out / "kept.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert reverse.STAGE.run(where).reasons == {"awaiting_annotation": 1}
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
    assert reverse.STAGE.run(where).reasons == {"awaiting_complete_answer": 1}
    (lost,) = parts.read_dropped(tmp_path, "reverse")
    assert lost.evidence == "reasoning_fields.revision is missing"
    answer["reasoning_fields"] = dict.fromkeys(annotation.DECISIONS, long)
    write_rows(place / "answers" / "a.jsonl", [answer])
    assert reverse.STAGE.run(where).kept == 1
    (document,) = parts.read_kept(tmp_path, "reverse")
    assert document.authorship == {"prompt": "human", "reasoning": "human"}
    assert (place / "items.jsonl").read_text(encoding="utf-8") == ""


def test_people_get_the_models_draft_and_its_analyses(tmp_path):
    out = parts.folder(tmp_path, "screen")
    out.mkdir()
    (out / "kept.jsonl").write_text(json.dumps({"id": "d", "text": GOOD}) + "\n", encoding="utf-8")
    with serving(Script({"d": GOOD})) as server:
        where = Settings(tmp_path, NAMES, Model(Endpoint(server.url, MODEL)))
        assert reverse.STAGE.run(where, reverse.Options("draft")).reasons == {
            "awaiting_annotation": 1
        }
    items = parts.work(tmp_path, "reverse") / "items.jsonl"
    (item,) = map(json.loads, items.read_text(encoding="utf-8").splitlines())
    assert set(item["aids"]) == {"usability", "article", "pair"}
    assert item["draft"]["prompt"].startswith("【脚本示例 d")


def test_a_run_that_was_killed_between_parts_hands_out_every_item(tmp_path):
    where = Settings(tmp_path, NAMES, part_size=1)
    documents = [Document(name, GOOD) for name in "abc"]
    write_records(parts.folder(tmp_path, "screen") / "kept.jsonl", documents, Document)
    decide, *_ = reverse.steps(where, reverse.Options())
    decide.run(0, 3)  # the first part alone
    assert reverse.STAGE.run(where).reasons == {"awaiting_annotation": 3}
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
            where = Settings(root, NAMES, Model(Endpoint(server.url, MODEL)), part_size=2)
            for step in reverse.steps(where, reverse.Options("model")):
                for rank in range(1 if step.alone else world):
                    step.run(rank, 1 if step.alone else world)
            found.append(parts.read_kept(root, "reverse"))
    assert found[0] == found[1]
    assert [d.authorship["prompt"] for d in found[0]] == ["model"] * 5
