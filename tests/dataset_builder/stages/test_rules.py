"""Rules of single stages, at their borders."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer import taxonomy
from coig_writer.document import Document, Dropped
from coig_writer.endpoint import Endpoint
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import write_rows
from coig_writer.workbench import annotation, qualification, review
from coig_writer.workbench.prompts import Model
from coig_writer.workbench.review import Assignment, Verdict
from dataset_builder import curate
from dataset_builder.audit import page as audit_page
from dataset_builder.demo.scripted_endpoint import MODEL, Script, serving
from dataset_builder.people import reverse
from dataset_builder.people import review as reviewing_stage
from dataset_builder.stages import assess, collect, parts, score, sources
from dataset_builder.stages.stage import Settings

OPTIONS = collect.Options(())
NAMES = taxonomy.published()


def collected(thresholds=None, **fields):
    document = Document("a", "一篇文字。", **fields).noted("collect", provenance="curated")
    outcome = collect.decide(document, OPTIONS, thresholds or {}, NAMES)
    if isinstance(outcome, Document):
        return outcome.history[-1]["flags"]
    return outcome.reason


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2022-10-31", None, "too_early"),
        ("2022-11-01", "2022-11-01", ["no_engagement"]),
        ("2022-11-01", "2022-10-31", "too_early"),
        ("2024-01-01", "2024-01-08", ["no_engagement"]),
        ("2024-01-01", "2024-01-09", "conflicting_dates"),
        (None, "2024-01-09", ["one_date", "no_engagement"]),
        (None, None, "no_date"),
        ("last spring", None, "unreadable_date"),
    ],
)
def test_dates(first, second, expected):
    found = collected(published_at=first, published_at_other=second, genre="essay")
    assert found == expected


def test_one_measure_at_the_threshold_is_enough():
    day = {"published_at": "2024-01-01", "published_at_other": "2024-01-01", "genre": "essay"}
    least = {"p": {"likes": 10, "comments": 5}}
    assert collected(least, platform="p", likes=10, comments=0, **day) == []
    assert (
        collected(least, platform="p", likes=9, comments=4, **day) == "engagement_below_threshold"
    )
    assert collected(least, platform="q", likes=9, **day) == ["no_threshold"]


def test_medians_are_of_each_platform_and_measure():
    rows = [{"platform": "p", "likes": n} for n in (1, 2, 9)] + [{"platform": "q", "likes": 4}]
    assert collect.medians(rows) == {"p": {"likes": 2.0}, "q": {"likes": 4.0}}


def test_every_layout_gives_the_same_documents(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"id": "a", "text": "文，字。", "platform": "p", "likes": 3}
    (tmp_path / "a.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "a.csv").write_text(
        "id,text,platform,likes\na,文，字。,p,3\n", encoding="utf-8-sig"
    )
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    found = [
        next(sources.read(tmp_path / f"a.{e}", "curated")) for e in ("jsonl", "csv", "parquet")
    ]
    bare = [dataclasses.replace(d, history=()) for d in found]
    assert bare == [Document("a", "文，字。", platform="p", likes=3)] * 3


def test_a_folder_of_texts_takes_the_genre_from_its_subfolder(tmp_path):
    (tmp_path / "essay").mkdir()
    (tmp_path / "essay" / "春.txt").write_text("春天。", encoding="utf-8")
    (document,) = sources.read(tmp_path, "curated")
    assert (document.id, document.genre, document.title) == ("essay/春", "essay", "春")


def test_metadata_gives_the_texts_of_a_folder_their_dates(tmp_path):
    (tmp_path / "essay").mkdir()
    (tmp_path / "essay" / "a.txt").write_text("文", encoding="utf-8")
    metadata = tmp_path / "metadata.csv"
    metadata.write_text("id,published_at,likes\nessay/a,2023-05-01,7\n", encoding="utf-8")
    (document,) = sources.read(tmp_path, "curated")
    assert (document.genre, document.published_at, document.likes) == ("essay", "2023-05-01", 7)
    metadata.write_text("id,published_at\nessay/b,2023-05-01\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1: id 'essay/b' is no text of the folder"):
        list(sources.read(tmp_path, "curated"))


def test_a_run_that_keeps_nothing_stops_and_shows_why(tmp_path):
    (tmp_path / "a.csv").write_text("text,published\n文,2023-05-01\n", encoding="utf-8")
    plan = curate.Plan(collect.Options((tmp_path / "a.csv",)), reviewing_stage.Options(("r1",)))
    with pytest.raises(InputError, match=r"kept none of 1 .*unknown column 'published'"):
        curate.run(Settings(tmp_path / "curation", NAMES), plan)


def test_official_rows_bypass_the_dates_and_keep_their_parts(tmp_path):
    rows = [{"id": "u", "query": "写诗", "thought": "想", "answer": "诗。"}]
    path = tmp_path / "all_human_data.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    (document,) = sources.read(path, "curated")
    outcome = collect.decide(document, OPTIONS, {}, NAMES)
    assert isinstance(outcome, Document)
    assert outcome.history[-1]["flags"] == ["no_genre", "published_row"]
    assert (outcome.prompt, outcome.text) == ("写诗", "诗。")


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", '{"id": "a"}', '{"text": "文", "colour": 1}', '{"text": "文", "likes": "many"}'],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_reason(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    (document,) = sources.read(tmp_path / "a.jsonl", "curated")
    outcome = collect.decide(document, OPTIONS, {}, NAMES)
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "unreadable_row"
    assert outcome.evidence


def test_an_id_that_stands_twice_stops_the_intake(tmp_path):
    for name, ids in (("one", "ab"), ("two", "ca")):
        rows = (json.dumps({"id": i, "text": "文"}) + "\n" for i in ids)
        (tmp_path / f"{name}.jsonl").write_text("".join(rows), encoding="utf-8")
    sources = tuple(tmp_path / f"{name}.jsonl" for name in ("one", "two"))
    with pytest.raises(InputError, match=r"duplicate id 'a'.*one.jsonl row 1 and two.jsonl row 2"):
        collect.STAGE.run(Settings(tmp_path / "curation", NAMES), collect.Options(sources))


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD, None),
        (GOOD + "\n我说那您还跟人家磨，她看我一眼，那意思是", "cut_off"),
        (GOOD + "\n\n卞秀珍\n六月二十日", None),
        ("月亮挂在树上\n像一枚旧硬币\n没有人伸手去取", None),  # verse ends without marks
        (GOOD.encode().decode("gb18030", "ignore"), "mojibake"),
        (GOOD.encode().decode("latin-1"), "wrong_language"),
        (GOOD + GOOD.encode()[:60].decode("cp1252", "ignore"), "mojibake"),
        ("以下是一篇关于买菜的短文：" + GOOD, "boilerplate_opening"),
        ("下面的人都往上看。" + GOOD, None),
        ("好的，我妈说。" + GOOD, None),
        ((GOOD.replace("\n", "") + "\n") * 3, "repeated_paragraphs"),
        (GOOD + "\n扫码加我，限时到手价九块九！", "advertisement_tail"),
        (GOOD + "\n她下单了一斤。", None),
        ("短。", "too_short"),
        ("這個們說國時會對 " + GOOD + "这个们说国时会对为么还", "mixed_scripts"),
    ],
)
def test_rules_drop_what_they_name_and_no_more(text, reason):
    broken = assess.first_broken(Document("a", text))
    assert (broken and broken.rule) == reason


def test_selling_is_allowed_in_its_own_genre():
    text = GOOD + "\n扫码加我，限时到手价九块九！"
    assert assess.first_broken(Document("a", text, genre="advertising")) is None


@given(st.integers(1, 10), st.floats(0, 1))
def test_leakage_lowers_and_never_raises(points, leak):
    assert 1 <= score.lowered(points, leak) <= points
    assert score.lowered(points, 1.0) <= score.lowered(points, leak)


def test_leakage_counts_copied_wording():
    article = "她有一把刀，刀尖磨掉了，只剩半截，她说正好。"
    assert score.leakage(article, article) == 1.0
    assert score.leakage("写一位靠手艺吃饭的长辈，不要抒情。", article) == 0.0


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


def verdict(value, reviewer="r", **more):
    return Verdict("x", reviewer, value, dict.fromkeys(review.CRITERIA, True), **more)


@pytest.mark.parametrize(
    ("given", "needed", "adjudicated", "expected"),
    [
        (["accept"], 2, None, "open"),
        (["accept", "accept"], 2, None, "accept"),
        (["accept", "refine"], 2, None, "tie"),
        (["accept", "refine"], 2, "remove", "remove"),
        (["accept", "accept", "refine", "refine"], 4, None, "tie"),
        (["accept", "accept", "accept", "remove"], 4, None, "accept"),
        (["accept", "refine", "remove", "accept"], 4, None, "tie"),
    ],
)
def test_more_than_half_decides(given, needed, adjudicated, expected):
    third = verdict(adjudicated) if adjudicated else None
    assert review.decision([verdict(v) for v in given], needed, third) == expected


@given(st.lists(st.sampled_from([2, 4]), max_size=40), st.integers(5, 9))
def test_assignment_is_balanced_blind_and_stable(needs, people):
    names = [f"r{n}" for n in range(people)]
    items = [(f"item-{n}", need) for n, need in enumerate(needs)]
    made = review.assign(items, names)
    for (_, need), assignment in zip(items, made, strict=True):
        assert len({*assignment.reviewers, assignment.adjudicator}) == need + 1
    load = [sum(n in a.reviewers for a in made) for n in names]
    assert max(load, default=0) - min(load, default=0) <= 1
    assert review.assign([*items, ("late", 2)], names, made)[: len(made)] == made


def test_too_few_reviewers_are_refused():
    with pytest.raises(ConfigError, match="needs 4"):
        review.assign([("x", 4)], ["r1", "r2", "r3", "r4"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "refine"}, "needs a note"),
        ({"verdict": "remove", "note": "错"}, "needs a cause"),
        ({"criteria": {"consistency": True}}, "criteria must be"),
        ({"criteria": dict.fromkeys(review.CRITERIA, False)}, "accepted although"),
        ({"score": 9}, "unknown key"),
    ],
)
def test_a_wrong_answer_is_named_by_file_and_row(tmp_path, change, said):
    row = {"item": "x", "verdict": "accept", "criteria": dict.fromkeys(review.CRITERIA, True)}
    (tmp_path / "r1.jsonl").write_text(json.dumps(row | change), encoding="utf-8")
    with pytest.raises(InputError, match=rf"r1\.jsonl line 1: .*{said}"):
        review.read_verdicts(tmp_path)


def test_two_reviewers_at_once_write_files_of_their_own(tmp_path):
    row = {"item": "x", "verdict": "accept", "criteria": dict.fromkeys(review.CRITERIA, True)}
    for name in ("r1", "r2"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    document = Document("d", "文", prompt="p", reasoning="r")
    item = review.item_name(document)
    found = {
        (item, r): dataclasses.replace(v, item=item)
        for (_, r), v in review.read_verdicts(tmp_path).items()
    }
    outcome = reviewing_stage.decide(document, Assignment(item, ("r1", "r2"), "r3").state(found))
    assert isinstance(outcome, Document)
    assert [v["reviewer"] for v in outcome.reviews[0]["verdicts"]] == ["r1", "r2"]


def test_who_disagrees_with_gold_is_not_qualified():
    gold = [
        qualification.Gold(f"gold:{n}", "qualification", None, "p", "r", "a", "accept", "")
        for n in range(5)
    ]
    verdicts = {
        (g.item, name): verdict("accept" if name == "r1" or n > 1 else "refine", note="x")
        for n, g in enumerate(gold)
        for name in ("r1", "r2")
    }
    found = qualification.qualify(gold, ["r1", "r2", "r3"], verdicts)
    assert [(q.equal, q.passed()) for q in found] == [(5, True), (3, False), (0, False)]


OWN = {
    "categories": [{"slug": "letters", "zh": "书信", "en": "Letters"}],
    "genres": [{"slug": "home-letter", "category": "letters", "zh": "家书", "en": "Letter home"}],
}


def test_a_taxonomy_of_ones_own_goes_through_every_stage(tmp_path):
    names = taxonomy.parse(json.dumps(OWN), "own.json")
    texts = {f"own-{n}": f"妈：{GOOD}\n第{n}封信写到这里，{'天冷加衣' * n}。" for n in range(1, 3)}
    texts["own-2"] = (
        "爸：今年的麦子收了没有？我在厂里一切都好，夜班有热汤。\n寄回去的钱先还三叔，余下的买化肥，不要省。"
    )
    day = {"published_at": "2024-01-01", "published_at_other": "2024-01-01"}
    rows = [{"id": k, "text": v, "genre": "家书", **day} for k, v in texts.items()]
    rows.append({"id": "alien", "text": GOOD, "genre": "wuxia", **day})
    path = tmp_path / "raw.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    root = tmp_path / "curation"
    with serving(Script(texts)) as server:
        model = Model(Endpoint(server.url, MODEL, cache=root / "replies"))
        where = Settings(root, names, model)
        plan = dataclasses.replace(curate.demo_plan(), collect=collect.Options((path,), "sample"))
        counts = {c.stage: c for c in curate.run(where, plan)}
    assert counts["collect"].reasons == {"unknown_genre": 1}
    assert counts["pack"].kept == 2
    assert (parts.folder(root, "pack") / "data" / "home-letter").is_dir()


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


def test_the_page_escapes_what_texts_bring(tmp_path):
    from dataset_builder.audit import measures as audit_measures

    document = Document("a", GOOD, platform="<script>alert(1)</script>", genre="essay")
    measures = audit_measures.measure([document], NAMES, 15, 2)
    out = parts.folder(tmp_path, "audit")
    out.mkdir()
    (out / "kept.jsonl").write_text("", encoding="utf-8")
    page = audit_page.render(measures, [], Settings(tmp_path, NAMES))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert measures.leaking is None  # nothing was scored: no rate, not 0 %


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
