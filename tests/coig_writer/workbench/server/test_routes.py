"""The workbench by its routes: what people send is there, once, and reaches the curation."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import threading
import zipfile
from types import SimpleNamespace

import httpx
import pytest
from fastapi.testclient import TestClient

from coig_writer.arena.server.database import now
from coig_writer.arena.server.writer import BatchWriter
from coig_writer.arena.study.people import Person, Role
from coig_writer.document import Document
from coig_writer.files import read_rows, write_rows
from coig_writer.record import to_row
from coig_writer.taxonomy import published
from coig_writer.workbench import annotation, forms, review
from coig_writer.workbench.annotation import Writing
from coig_writer.workbench.drafting import Draft
from coig_writer.workbench.qualification import Gold
from coig_writer.workbench.review import WITHDRAWN
from coig_writer.workbench.server import overview
from coig_writer.workbench.server.command import unmatched
from coig_writer.workbench.server.curation import Curation
from coig_writer.workbench.server.entries import Entry
from dataset_builder.audit import audit
from tests.coig_writer.workbench.server.conftest import Someone, item, judged, written


def answers(curation):
    return annotation.read_answers(curation.root / "work" / "reverse" / "answers")


def test_who_was_not_invited_gets_nothing(curation):
    client = curation.start()
    assert client.get("/?invite=guessed").status_code == 403
    assert client.post("/api/next", json={"work": "annotate"}).status_code == 401
    assert client.get("/api/about").json()["alias"] is None
    reviewer = Someone(client, "r1").agree()
    reviewer.says("next", {"work": "annotate"}, 403)


def test_nothing_is_shown_before_consent(curation):
    someone = Someone(curation.start(), "a1")
    someone.says("next", {"work": "annotate"}, 403)
    assert someone.agree().next()["item"] == "d1"


def test_reviewers_of_curate_and_of_the_roster_are_compared(curation):
    assert unmatched(Curation(curation.root), curation.roster) == []
    for alias in ("r1", "zoe"):
        curation.to_review(alias, "d1@aa")
    assert unmatched(Curation(curation.root), curation.roster) == [
        "drafts wait for zoe, but people.yaml has no reviewer of that alias",
        "r2 gets no drafts: curate has --reviewers r1 zoe",
    ]


def test_a_damaged_file_of_the_curation_is_told_to_the_operator(curation, capsys):
    client = curation.start()
    someone = Someone(client, "a1").agree()
    view = someone.next()
    path = curation.root / "work" / "reverse" / "items.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "cut o')
    assert someone.send("save", view, written(), 503)["error"].startswith("votes cannot")
    assert f"{path} line" in capsys.readouterr().err
    health = client.get("/health")
    assert health.status_code == 503
    assert health.json() == {"status": "a file of the curation cannot be read"}
    path.write_bytes(whole)
    assert client.get("/health").json() == {"status": "ok"}
    assert someone.send("submit", view, written())["outcome"] == "submitted"


def test_an_answer_reaches_the_curation_and_the_next_item_is_given(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    assert someone.send("submit", view, written())["outcome"] == "submitted"
    content = written()
    assert answers(curation) == {
        ("d1", 1): Writing(content["prompt"], content["prompt_fields"], content["reasoning_fields"])
    }
    assert someone.next()["item"] == "d2"


def test_two_people_get_different_items_and_genres_are_kept(curation):
    client = curation.start()
    first, second, poet = (Someone(client, a).agree() for a in ("a1", "a2", "a3"))
    assert (first.next()["item"], second.next()["item"], poet.next()) == ("d1", "d2", None)
    assert first.next()["item"] == "d1", "what was taken up is gone on with"


def test_an_overlap_gives_one_article_to_two(curation):
    curation.roster = dataclasses.replace(curation.roster, overlap=1.0)
    client = curation.start()
    first, second = (Someone(client, a).agree() for a in ("a1", "a2"))
    assert first.next()["item"] == second.next()["item"] == "d1"


def test_a_draft_survives_a_restart_and_another_device(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    saved = someone.send("save", view, {"prompt": "写到一半"})
    assert (saved["outcome"], saved["number"]) == ("saved", view["number"] + 1)
    elsewhere = Someone(curation.start(), "a1").next()
    assert (elsewhere["item"], elsewhere["content"]) == ("d1", {"prompt": "写到一半"})
    assert answers(curation) == {}, "a draft is no answer"


def test_of_two_devices_the_second_gets_both_texts(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    someone.send("save", view, {"prompt": "甲机"})
    reply = someone.send("save", view, {"prompt": "乙机"}, 409)
    assert (reply["yours"], reply["there"]["content"]) == ({"prompt": "乙机"}, {"prompt": "甲机"})
    again = someone.send("save", view, {"prompt": "合"}, base=reply["there"]["number"])
    assert again["outcome"] == "saved"


def test_what_is_sent_twice_is_stored_once(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    for _ in range(2):
        assert someone.send("save", view, {"prompt": "一"}, id="the-same-id")["number"] == 2
    opened = {"work": "annotate", "item": "d1", "round": 1}
    assert [v["content"] for v in someone.says("versions", opened)] == [{"prompt": "一"}]


def test_a_version_that_follows_none_leaves_no_gap(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    reply = someone.send("save", view, {"prompt": "一"}, 409, base=view["number"] + 1)
    assert (reply["outcome"], reply["yours"], reply["there"]["number"]) == (
        "stale",
        {"prompt": "一"},
        1,
    )
    assert someone.send("save", view, {"prompt": "一"})["number"] == 2


def test_what_is_missing_is_named_and_the_text_kept(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    fields = written()["reasoning_fields"] | {"planning": "", "revision": ""}
    half = written() | {"reasoning_fields": fields}
    reply = someone.send("submit", view, half)
    assert (reply["outcome"], reply["problem"]) == (
        "incomplete",
        "reasoning_fields.planning、reasoning_fields.revision 没有填",
    )
    assert someone.next()["content"] == half
    assert answers(curation) == {}


def test_a_text_edited_under_an_annotator_is_shown_and_nothing_is_lost(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    curation.items(item(1, article="改过的文章。" * 9), item(2))
    reply = someone.send("submit", view, written())
    assert (reply["outcome"], reply["now"]["article"]) == ("changed", "改过的文章。" * 9)
    assert (reply["now"]["content"], answers(curation)) == ({}, {})
    fresh = someone.next()
    assert fresh["content"] == written()
    assert someone.send("submit", fresh, written())["outcome"] == "submitted"


def test_an_item_that_went_away_takes_no_text_along(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    curation.items(item(2))
    reply = someone.send("submit", view, written())
    assert (reply["outcome"], answers(curation)) == ("removed", {})
    opened = {"work": "annotate", "item": "d1", "round": 1}
    assert someone.says("versions", opened)[-1]["content"] == written()
    assert someone.next()["item"] == "d2"


def test_a_skipped_item_goes_to_somebody_else(curation):
    client = curation.start()
    first, second = (Someone(client, a).agree() for a in ("a1", "a2"))
    view = first.next()
    assert first.send("skip", view, {"reason": "读不懂方言"})["outcome"] == "skipped"
    assert (first.next()["item"], second.next()["item"]) == ("d2", "d1")


def test_a_draft_that_was_sent_back_returns_to_its_writer(curation):
    client = curation.start()
    first, second = (Someone(client, a).agree() for a in ("a1", "a2"))
    first.send("submit", first.next(), written())
    second.send("submit", second.next(), written())
    earlier = Writing(*(written()[k] for k in ("prompt", "prompt_fields", "reasoning_fields")))
    returned = annotation.Returned("i", "写死了", ("落在一件小物上",))
    back = item(2, round=2, feedback="第 2 稿。", earlier=earlier, returned=(returned,))
    curation.items(back, item(3))
    progress = second.workbench.progress(
        second.workbench.identity.rater("invited", "a2"), "annotate"
    )
    assert progress == {"done": 1, "waiting": 2}, "d2 again, and d3"
    assert (first.next()["item"], second.next()["item"]) == ("d3", "d2")
    view = second.next()
    assert view["returned"][0]["quotations"] == ["落在一件小物上"]
    reply = second.send("submit", view, written())
    assert (reply["outcome"], reply["problem"]) == ("incomplete", "与退回的那一稿相同")
    assert second.send("submit", second.next(), written("改"))["outcome"] == "submitted"


def test_checks_come_with_every_version(curation):
    someone = Someone(curation.start(), "a1").agree()
    reply = someone.send("save", someone.next(), {"prompt": "写一写刀尖磨掉半截，墨囊破一个的人"})
    assert reply["checks"]["copied"] == [
        {"start": 3, "end": 15, "source_start": 9, "source_end": 21, "letters": 11}
    ]
    assert reply["checks"]["lengths"]["prompt"]["characters"] == 17


def test_a_verdict_is_added_to_the_reviewers_own_file(curation):
    curation.to_review("r1", "d1@aa", "d2@bb")
    path = curation.root / "work" / "review" / "answers" / "r1.jsonl"
    write_rows(path, [{"item": "d0@zz", **judged()}])
    someone = Someone(curation.start(), "r1").agree()
    view = someone.next("review")
    assert someone.send("submit", view, judged("refine"))["problem"] == "退回或移除须写意见"
    marked = {"part": "prompt", "start": 0, "end": 2, "quotation": "提示"}
    elsewhere = judged("refine", note="改提示", spans=[marked | {"start": 1, "end": 3}])
    reply = someone.send("submit", someone.next("review"), elsewhere)
    assert reply["problem"] == "标出的文字与原文不符：提示"
    verdict = judged("refine", note="改提示", spans=[marked])
    assert someone.send("submit", someone.next("review"), verdict)["outcome"] == "submitted"
    assert [row["item"] for _, row in read_rows(path)] == ["d0@zz", "d1@aa"]
    stored = review.read_verdicts(path.parent)["d1@aa", "r1"]
    assert stored.spans == (review.Span("prompt", 0, 2, "提示"),)
    curation.start()
    assert len(list(read_rows(path))) == 2, "a restart adds nothing"


def test_calibration_comes_first_and_is_answered(curation):
    gold = Gold("gold:g1", "calibration", "essay", "提示", "构思", "文", "refine", "提示太泛")
    curation.gold = (gold,)
    curation.to_review("r1", "d1@aa", "gold:g1")
    someone = Someone(curation.start(), "r1").agree()
    view = someone.next("review")
    assert view["item"] == "gold:g1"
    reply = someone.send("submit", view, judged())
    assert reply["feedback"] == {"yours": "accept", "gold": "refine", "why": "提示太泛"}
    assert someone.next("review")["item"] == "d1@aa"


def test_who_leaves_takes_drafts_along_and_their_name(curation):
    client = curation.start()
    someone = Someone(client, "a1").agree()
    someone.send("submit", someone.next(), written())
    someone.send("save", someone.next(), {"prompt": "秘密的半稿"})
    someone.says("leave", {"leave": True})
    someone.says("next", {"work": "annotate"}, 403)
    folder = curation.root / "work" / "reverse" / "answers"
    assert {a.annotator for a in annotation.each_answer(folder)} == {WITHDRAWN}
    assert [f.stem for f in folder.iterdir()] == [f"workbench-{WITHDRAWN}"]
    disk = b"".join(f.read_bytes() for f in (curation.root / "workbench").iterdir())
    assert "秘密的半稿".encode() not in disk
    assert Someone(client, "a2").agree().next()["item"] == "d2", "others take it up"


async def sent_while_leaving(someone, app, disk, late):
    """Sends a leave, and the rest while the leave is being written; returns what came of each."""
    app.state.writer = BatchWriter(disk.add_all)
    way, cookies = httpx.ASGITransport(app=app), dict(someone.http.cookies)
    async with httpx.AsyncClient(
        transport=way, base_url="http://testserver", cookies=cookies
    ) as http:
        sent = [asyncio.create_task(http.post("/api/leave", json={"leave": True}))]
        await asyncio.to_thread(disk.leaving.wait, 300)
        sent += [asyncio.create_task(http.post(f"/api/{path}", json=body)) for path, body in late]
        while len(app.state.writer._waiting) < len(late) and not any(t.done() for t in sent):
            await asyncio.sleep(0.001)
        disk.go_on.set()
        return [reply.status_code for reply in await asyncio.gather(*sent)]


def test_what_is_on_its_way_while_somebody_leaves_is_kept_or_erased_as_ever(curation, monkeypatch):
    app = curation.start().app
    someone = Someone(TestClient(app), "a1").agree()
    first = someone.next()
    first["number"] = someone.send("skip", first, {"reason": "later"})["number"]
    second, named = someone.next(), ("work", "item", "round", "seen")
    late = [
        (path, {k: view[k] for k in named} | {"id": f"late-{path}", "base": view["number"]} | text)
        for path, view, text in (
            ("submit", first, {"content": written()}),
            ("save", second, {"content": {"prompt": "秘密"}}),
        )
    ]
    store, erased = app.state.store, threading.Event()
    disk, erase = SimpleNamespace(leaving=threading.Event(), go_on=threading.Event()), store.erase

    def erase_and_tell(*given):
        erase(*given)
        erased.set()

    monkeypatch.setattr(store, "erase", erase_and_tell)

    def add_all(entries):
        if entries[0].kind == "leave" and not disk.go_on.is_set():
            disk.leaving.set()
            disk.go_on.wait(300)
        elif entries[0].kind in ("draft", "submit"):
            erased.wait(0.3)  # a slow disk
        return store.add_all(entries)

    disk.add_all = add_all
    assert asyncio.run(sent_while_leaving(someone, app, disk, late)) == [200, 200, 200]
    there = b"".join(f.read_bytes() for f in (curation.root / "workbench").iterdir())
    assert "秘密".encode() not in there
    curation.start()
    assert [writing.prompt for writing in answers(curation).values()] == [written()["prompt"]]


def test_a_server_that_was_killed_while_somebody_left_erases_their_drafts_at_its_start(curation):
    client = curation.start()
    someone = Someone(client, "a1").agree()
    someone.send("submit", someone.next(), written())
    someone.send("save", someone.next(), {"prompt": "秘密的半稿"})
    (person,) = client.app.state.workbench.threads.consented
    gone = Entry(f"leave:{person}", "person", "", 0, person, 2, "leave", {}, 0, now())
    client.app.state.store.add(gone)
    curation.start()
    disk = b"".join(f.read_bytes() for f in (curation.root / "workbench").iterdir())
    assert "秘密的半稿".encode() not in disk
    assert [writing.prompt for writing in answers(curation).values()] == [written()["prompt"]]


def test_hostile_and_odd_bodies_are_refused_with_a_sentence(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next()
    someone.send("save", view, {"prompt": "x"}, 422, base=-1)
    someone.send("save", view, {"prompt": "x"}, 422, id="../../etc")
    someone.send("save", view, {"prompt": "x"}, 404, item="d999")
    someone.send("save", view, {"prompt": "字" * 200_000}, 413)
    odd = {
        "prompt": "\ud800\x00<script>alert(1)</script>",
        "prompt_fields": [1],
        "reasoning_fields": None,
    }
    someone.send("save", view, {"prompt": "x"}, 422, work="person")
    body = {
        "work": "annotate",
        "item": "d1",
        "round": 1,
        "base": view["number"],
        "seen": view["seen"],
    }
    sent = json.dumps(body | {"id": "odd-odd-odd", "content": odd})
    reply = someone.http.post(
        "/api/save", content=sent, headers={"Content-Type": "application/json"}
    )
    assert reply.json()["outcome"] == "saved"
    odd["prompt"] = "纸上"
    assert someone.send("submit", someone.next(), odd)["outcome"] == "incomplete"


@pytest.mark.parametrize("depth", [8, 9, 900])
def test_what_is_deeper_than_any_form_is_refused(curation, depth):
    someone = Someone(curation.start(), "a1").agree()
    nested = json.loads("[" * depth + "]" * depth)
    view = someone.next()
    someone.send("save", view, {"x": nested}, 200 if depth == 8 else 422)


def test_numbers_that_json_has_not_and_a_verdict_without_its_parts_are_refused(curation):
    curation.to_review("r1", "d1@aa")
    client = curation.start()
    writer, reviewer = Someone(client, "a1").agree(), Someone(client, "r1").agree()
    body = {"id": "not-a-number", "work": "annotate", "item": "d1", "round": 1, "base": 1}
    writer.next()
    for number in ("NaN", "1e999"):
        sent = json.dumps(body | {"content": {"prompt": 0}}).replace(
            '"prompt": 0', f'"p": {number}'
        )
        reply = writer.http.post(
            "/api/save", content=sent, headers={"Content-Type": "application/json"}
        )
        assert reply.status_code == 422
    view = reviewer.next("review")
    for content in ({}, {"verdict": "accept"}, judged(spans="x"), judged(note=["x"])):
        reviewer.send("submit", view, content, 422)
    assert reviewer.next("review")["state"] == "open"


def test_a_reviewers_view_tells_nobody_and_nothing_of_others(curation):
    curation.to_review("r1", "d1@aa", "d2@bb")
    curation.to_review("r2", "d1@aa")
    client = curation.start()
    first, second = Someone(client, "r1").agree(), Someone(client, "r2").agree()
    first.send("submit", first.next("review"), judged("refine", note="秘密的意见"))
    first.next("review")
    view = second.next("review")
    assert set(view) == {f.name for f in dataclasses.fields(review.Item)} | {
        *("work", "round", "seen", "genre_name", "number", "content", "state", "flags")
    }
    assert (view["content"], view["flags"]) == ({}, [])
    assert second.says("versions", {"work": "review", "item": "d1@aa", "round": 0}) == []
    second.says("open", {"work": "review", "item": "d2@bb", "round": 0}, 404)
    second.send("save", view, judged(), 404, item="d2@bb")


def test_the_operators_page_speaks_both_languages(curation):
    client = curation.start()
    someone = Someone(client, "a1").agree()
    someone.send("flag", someone.next(), {"note": "<b>open</b>"})
    state = client.app.state
    (shown,) = {
        f.fn
        for f in overview.page(state.workbench, state.writer).fns.values()
        if f.fn and f.name == "shown"
    }
    people, items, *_, again = shown("中文")
    assert (people.headers[:3], items.label, again.value) == (
        ["谁", "工作", "已提交"],
        "条目",
        "刷新",
    )
    assert [row[:5] for row in items.value["data"]] == [["标注", "d1", 1, "a1", "在写"]]
    people, items, *_, again = shown("English")
    assert (tuple(people.headers), again.value) == (overview.PROGRESS, "Look again")
    (row,) = items.value["data"]
    assert (row[0], row[4], row[-1]) == ("annotate", "open", "<b>open</b>")
    words = {*overview.PROGRESS, *overview.ITEMS, *(name for name, _ in overview.MOVES)}
    assert words <= set(overview.CHINESE)


def chosen(someone, wrong=()):
    """Does all the exercises."""
    while view := someone.next("exercise"):
        gold = forms.exercises()[view["item"]].gold
        choice = str((gold + 1) % 2 if view["item"] in wrong else gold)
        reply = someone.send("submit", view, {"choice": choice})
        assert reply["told"]["right"] == (view["item"] not in wrong)


def test_a_failed_gold_item_keeps_articles_back_until_the_operator_lets_try_again(curation):
    curation.roster = dataclasses.replace(curation.roster, qualify=True)
    client = curation.start()
    someone, lead = Someone(client, "a1").agree(), Someone(client, "lead")
    other = Someone(client, "a2").agree()
    assert someone.says("next", {"work": "annotate"})["held_back"]
    chosen(someone, wrong=("good-2", "prompt-1"))
    chosen(other, wrong=("good-2",))
    topics = someone.http.get("/api/about").json()["topics"]
    assert topics == {
        "good_text": "failed",
        "prompt": "passed",
        "reasoning": "passed",
        "culture": "passed",
    }
    assert someone.says("next", {"work": "annotate"})["held_back"]
    again = {"work": "exercise", "item": "good-2", "round": 0, "number": 2, "seen": ""}
    assert someone.send("submit", again, {"choice": "1"})["outcome"] == "changed"
    listed = lead.http.get("/api/overview").json()
    failed = [(row["who"], row["item"]) for row in listed["items"] if row["state"] == "failed"]
    assert sorted(failed) == [("a1", "good-2"), ("a2", "good-2")], "practice keeps nobody back"
    assert {row["hours"] for row in listed["people"] if row["work"] == "exercise"} == {0.01}
    again = {"kind": "set_aside", "work": "exercise", "item": "good-2", "round": 1, "who": "a1"}
    assert lead.says("move", again)["outcome"] == "good-2, set aside: a1"
    chosen(someone)
    assert someone.next()["item"] == "d1"
    assert other.says("next", {"work": "annotate"})["held_back"], "only a1 may try again"


@pytest.mark.parametrize("place", [0, 1])
def test_who_always_chooses_one_place_passes_no_topic(curation, place):
    someone = Someone(curation.start(), "a1").agree()
    while view := someone.next("exercise"):
        name, _ = view["groups"][0]["choices"][place]
        someone.send("submit", view, {"choice": name})
    topics = someone.http.get("/api/about").json()["topics"]
    assert set(topics.values()) == {"failed"}


def test_an_exercise_is_answered_once(curation):
    someone = Someone(curation.start(), "a1").agree()
    view = someone.next("exercise")
    someone.send("submit", view, {"choice": "0"})
    again = view | {"number": view["number"] + 1}
    assert someone.send("submit", again, {"choice": "1"})["problem"] == "这一题已经答过"


def test_the_panels_verdicts_fill_the_validation_of_queries(curation):
    curation.roster = dataclasses.replace(
        curation.roster,
        people=(*curation.roster.people, *(Person(f"p{n}", ("panel",)) for n in range(3))),
    )
    client = curation.start()
    for n in range(3):
        expert = Someone(client, f"p{n}").agree()
        view = expert.next("panel")
        assert expert.send("submit", view, {"clarity": "yes"})["outcome"] == "incomplete"
        clear = {
            "clarity": "yes",
            "precision": "no" if n else "yes",
            "difficulty": "hard",
            "note": "",
        }
        expert.send("submit", expert.next("panel"), clear)
    text = Someone(client, "lead").http.get("/export/queries.jsonl").text
    rows = {row["id"]: row["validation"] for row in map(json.loads, text.splitlines())}
    assert rows[view["item"]] == "panel of 3: clear 3/3, precise 1/3, hard 3/3"
    assert sum(said == "not expert-validated" for said in rows.values()) == len(rows) - 1
    assert Someone(client, "a1").http.get("/export/queries.jsonl").status_code == 403


def test_an_operator_gives_an_item_to_somebody_else_and_takes_an_answer_out(curation):
    client = curation.start()
    first, second, lead = (Someone(client, a) for a in ("a1", "a2", "lead"))
    view = first.agree().next()
    first.send("save", view, {"prompt": "半稿"})
    first.says("move", {"kind": "release", "work": "annotate", "item": "d1", "round": 1}, 403)
    lead.says("move", {"kind": "release", "work": "annotate", "item": "d1", "round": 1})
    taken = second.agree().next()
    assert taken["item"] == "d1"
    second.send("submit", taken, written())
    lead.says("move", {"kind": "set_aside", "work": "annotate", "item": "d1", "round": 1})
    assert answers(curation) == {}
    rows = lead.http.get("/api/overview").json()["people"]
    assert [row["handed in"] for row in rows if row["who"] == "a2"] == [0]


def test_what_the_only_annotator_skipped_is_given_out_again(curation):
    client = curation.start()
    someone, lead = Someone(client, "a1").agree(), Someone(client, "lead")
    someone.send("skip", someone.next(), {"reason": "不懂"})
    assert someone.next()["item"] == "d2"
    told = lead.says("move", {"kind": "release", "work": "annotate", "item": "d1", "round": 1})
    assert told["outcome"] == "d1, release: a1"
    someone.send("skip", someone.next(), {"reason": "也不懂"})
    assert someone.next()["item"] == "d1"


def test_a_row_of_the_operators_table_fills_the_form():
    row = ["标注", "d1", 2, "a1", "在写", 0.1, "2026", ""]
    assert overview._picked(row) == ["annotate", "d1", 2, "a1", "release"]
    row = ["审核", "d1@0", 0, "已退出", "已提交", 0.1, "2026", ""]
    assert overview._picked(row) == ["review", "d1@0", 0, "withdrawn", "set_aside"]
    row = ["exercise", "good-2", 0, "a1", "failed", 0.1, "2026", ""]
    assert overview._picked(row) == ["exercise", "good-2", 0, "a1", "set_aside"]


def test_an_operators_odd_wishes_do_nothing(curation):
    lead = Someone(curation.start(), "lead")
    body = {"kind": "release", "work": "annotate", "item": "d1", "round": 1}
    sent = json.dumps(body | {"item": "d\ud800"})
    told = lead.http.post("/api/move", content=sent, headers={"content-type": "application/json"})
    assert told.status_code == 422
    for odd in ({"item": "d" * 501}, {"round": -1}, {"round": 10**30}, {"item": None}):
        lead.says("move", body | odd, 422)


def test_hours_and_answers_are_exported_without_names(curation):
    client = curation.start()
    someone = Someone(client, "a1").agree()
    someone.send("submit", someone.next(), written(), seconds=86400)
    lead = Someone(client, "lead")
    assert "a1,annotate,1,0,0,2,0.02,1.0,0 of 4" in lead.http.get("/export/hours.csv").text
    (row,) = map(json.loads, lead.http.get("/export/answers.jsonl").text.splitlines())
    assert (row["answer"], row["person"]) == (
        written(),
        next(iter(client.app.state.workbench.people)),
    )
    tasks = json.loads(lead.http.get("/export/label_studio.json").text)
    assert [task["data"]["item"] for task in tasks] == ["d1", "d2", "d3"]


def test_each_reviewers_tasks_are_exported_for_label_studio(curation):
    curation.to_review("r1", "d1@aa", "d2@bb")
    curation.to_review("r2", "d1@aa")
    client = curation.start()
    lead = Someone(client, "lead")
    tasks = json.loads(lead.http.get("/export/label_studio-r2.json").text)
    assert [(t["data"]["item"], t["data"]["reviewer"]) for t in tasks] == [("d1@aa", "r2")]
    assert lead.http.get("/export/label_studio-a1.json").status_code == 404
    assert Someone(client, "r1").http.get("/export/label_studio-r1.json").status_code == 403


def test_a_curation_elsewhere_goes_on_with_the_exported_work(curation, tmp_path):
    curation.to_review("r1", "d9@aa")
    client = curation.start()
    someone, reviewer = Someone(client, "a1").agree(), Someone(client, "r1").agree()
    someone.send("submit", someone.next(), written())
    reviewer.send("submit", reviewer.next("review"), judged())
    exported = Someone(client, "lead").http.get("/export/work.zip").content
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        assert not [name for name in archive.namelist() if "entries" in name or "secret" in name]
        archive.extractall(tmp_path / "elsewhere")
    elsewhere = tmp_path / "elsewhere" / "work"
    assert annotation.read_answers(elsewhere / "reverse" / "answers") == answers(curation)
    assert review.read_verdicts(elsewhere / "review" / "answers").keys() == {("d9@aa", "r1")}


def test_a_listed_account_signs_in_and_another_one_is_told(curation, monkeypatch):
    """Gradio's own routes for signing in, outside a Space: they take a profile in place of the Hub."""
    monkeypatch.setenv("OAUTH_CLIENT_ID", "id")
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr("gradio.oauth.get_space", lambda: None)
    profile = {"preferred_username": "Somebody", "sub": "1"}
    monkeypatch.setattr("gradio.oauth._get_mocked_oauth_info", lambda: {"userinfo": profile})
    people = (Person("a1", ("annotate",), account="somebody"), Person("lead", ("operate",)))
    curation.roster = dataclasses.replace(curation.roster, people=people)
    browser = TestClient(curation.start().app, base_url="https://testserver")
    assert browser.get("/api/about").json()["accounts"] is True
    browser.get("/login/huggingface", follow_redirects=True)
    about = browser.get("/api/about").json()
    assert (about["alias"], about["signed_in"]) == ("a1", True)
    assert browser.post("/api/consent", json={"agree": True}).status_code == 200
    assert browser.post("/api/next", json={"work": "annotate"}).json()["item"]["item"] == "d1"
    assert browser.get("/gradio/").status_code in {401, 403}, "an annotator does not run it"
    browser.get("/logout", follow_redirects=False)
    assert browser.get("/api/about").json()["alias"] is None
    profile["preferred_username"] = "somebody-else"
    browser.get("/login/huggingface", follow_redirects=True)
    about = browser.get("/api/about").json()
    assert (about["alias"], about["signed_in"]) == (None, True)
    assert browser.post("/api/next", json={"work": "annotate"}).status_code == 401


def test_a_models_draft_is_recorded_with_the_answer(curation):
    client = curation.start()
    writing = Writing(
        "模型写的提示，写一位长辈的手艺", written()["prompt_fields"], written()["reasoning_fields"]
    )
    client.app.state.assistant = SimpleNamespace(draft=lambda _item: Draft(writing))
    someone = Someone(client, "a1").agree()
    view = someone.next()
    body = {"work": "annotate", "item": "d1", "round": 1, "what": "draft"}
    reply = someone.says("assist", body)
    content = reply["draft"] | {"prompt": written()["prompt"]}
    someone.send("submit", view | {"number": reply["number"]}, content)

    def authors():
        (answer,) = annotation.each_answer(curation.root / "work" / "reverse" / "answers")
        return annotation.authorship(answer.writing, answer.draft)

    assert authors() == {"prompt": "human", "reasoning": "model"}
    # a draft asked for after handing in changes nothing about that answer
    another = Writing(
        "另一份模型写的提示，写一座桥", writing.prompt_fields, written("改")["reasoning_fields"]
    )
    client.app.state.assistant = SimpleNamespace(draft=lambda _item: Draft(another))
    number = someone.says("assist", body)["number"]
    client.app.state.workbench.write_all_answers()
    assert authors() == {"prompt": "human", "reasoning": "model"}
    someone.send("submit", view | {"number": number}, to_row(another))
    assert authors() == {"prompt": "model", "reasoning": "model"}
    workbench = client.app.state.workbench
    (person,) = (p for p, known in workbench.people.items() if known.alias == "a1")
    workbench.people[person] = Person("a1", ("review",))
    assert someone.says("assist", body, 403)


def test_nobody_reviews_a_draft_of_a_document_that_they_wrote_for(curation):
    roles: tuple[Role, ...] = ("annotate", "review")
    curation.roster = dataclasses.replace(curation.roster, people=(Person("both", roles),))
    curation.to_review("both", "d1@aa", "d2@aa")
    someone = Someone(curation.start(), "both").agree()
    assert someone.next("review")["item"] == "d1@aa"  # opened before they wrote for it
    opened = someone.next("review")
    someone.send("submit", someone.next(), written())
    assert someone.next("review")["item"] == "d2@aa"
    named = {"work": "review", "item": "d1@aa", "round": 0}
    assert someone.says("open", named, 404)
    assert someone.send("submit", opened, judged())["outcome"] == "removed"
    place = curation.root / "work" / "review"
    (answer,) = annotation.each_answer(curation.root / "work" / "reverse" / "answers")
    assert review.annotators(place) == {answer.annotator: "both"}
    someone.says("leave", {"leave": True})
    assert review.annotators(place) == {}


def test_a_reviewer_who_left_is_named_in_no_later_set(curation):
    curation.to_review("r1", "d1@aa")
    someone = Someone(curation.start(), "r1").agree()
    someone.send("submit", someone.next("review"), judged())
    someone.says("leave", {"leave": True})
    assert review.withdrawn(curation.root / "work" / "review") == {"r1"}
    entry = {
        "decision": "accept",
        "adjudicated": False,
        "verdicts": [dataclasses.asdict(review.Verdict("d1@aa", "r1", "accept", {}))],
    }
    document = Document("d", "文", prompt="提示", reasoning="构思", reviews=(entry,))
    document = dataclasses.replace(document, history=({"provenance": "curated"},))
    made = audit.triplet(document, published(), {"r1"})
    assert made.reviews is not None
    assert [v.reviewer for v in made.reviews[0].verdicts] == [WITHDRAWN]


def test_the_operators_page_is_for_operators(curation):
    client = curation.start()
    lead, someone = Someone(client, "lead"), Someone(client, "a1")
    assert lead.http.get("/gradio/").status_code == 200
    assert lead.http.get("/gradio/config").status_code == 200
    for path in ("/gradio/", "/gradio/config", "/gradio/gradio_api/info"):
        assert someone.http.get(path).status_code in (401, 404), path
    call = {"data": [], "fn_index": 0, "session_hash": "x"}
    assert someone.http.post("/gradio/gradio_api/queue/join", json=call).status_code in (401, 404)


def test_a_panel_member_and_somebody_with_a_draft_leave_what_they_handed_in_whole(curation):
    roles: tuple[Role, ...] = ("annotate", "panel")
    curation.roster = dataclasses.replace(
        curation.roster, people=(Person("both", roles), Person("lead", ("operate",)))
    )
    client = curation.start()
    own = written()
    draft = Writing(*(own[name] for name in ("prompt", "prompt_fields", "reasoning_fields")))
    client.app.state.assistant = SimpleNamespace(draft=lambda _item: Draft(draft))
    someone = Someone(client, "both").agree()
    view = someone.next()
    body = {"work": "annotate", "item": "d1", "round": 1, "what": "draft"}
    reply = someone.says("assist", body)
    someone.send("submit", view | {"number": reply["number"]}, own)
    query = someone.next("panel")
    someone.send("submit", query, {"clarity": "yes", "precision": "yes", "difficulty": "easy"})
    someone.says("leave", {"leave": True})
    again = curation.start()
    (answer,) = annotation.each_answer(curation.root / "work" / "reverse" / "answers")
    assert annotation.authorship(answer.writing, answer.draft)["prompt"] == "model"
    text = Someone(again, "lead").http.get("/export/queries.jsonl").text
    assert "panel of 1: clear 1/1" in text
