"""Which texts are collected: dates and engagement at their borders, genres, ids."""

from __future__ import annotations

import json
import os

import pytest

from coig_writer import taxonomy
from coig_writer.document import Document, Dropped
from coig_writer.errors import InputError
from dataset_builder.stages import collect, sources
from dataset_builder.stages.parts import read_dropped, read_kept
from dataset_builder.stages.stage import Settings

OPTIONS = collect.Options(())


NAMES = taxonomy.published()


def collected(thresholds=None, **fields):
    fields.setdefault("url", "https://a.example/p/1")
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
        ("2022年10月", None, "too_early"),
        ("2022-10-31T16:00:00Z", "2022年11月1日", ["no_engagement"]),  # midnight in China
        ("2022", None, "date_too_vague"),
        ("2022", "2022-12-05", ["no_engagement"]),
        ("2023-05", None, ["one_date", "vague_date", "no_engagement"]),
        ("2099-01-01", None, "future_date"),
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


def test_official_rows_bypass_the_dates_and_keep_their_parts(tmp_path):
    rows = [{"id": "u", "query": "写诗", "thought": "想", "answer": "诗。"}]
    path = tmp_path / "all_human_data.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    (document,) = sources.Source(path, "curated").documents()
    outcome = collect.decide(document, OPTIONS, {}, NAMES)
    assert isinstance(outcome, Document)
    assert outcome.history[-1]["flags"] == ["no_genre", "published_row"]
    assert (outcome.prompt, outcome.text) == ("写诗", "诗。")


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", '{"id": "a"}', '{"text": "文", "id": ["a"]}', '{"text": "文", "likes": "many"}'],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_reason(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    (document,) = sources.Source(tmp_path / "a.jsonl", "curated").documents()
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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, ["one_date", "no_url", "no_engagement"]),
        ("https://a.example/2021/x", ["one_date", "url_carries_another_year", "no_engagement"]),
        ("https://a.example/2024/01/17/x", "conflicting_dates"),
        ("https://a.example/2024/01/16/x", ["one_date", "no_engagement"]),
    ],
)
def test_an_address_speaks_for_or_against_a_date(url, expected):
    assert collected(published_at="2024-01-09", url=url, genre="essay") == expected


@pytest.mark.parametrize(
    ("other", "url", "evidence"),
    [
        (None, "https://a.example/2024/x", "typed"),
        ("2024", None, "typed"),
        ("2024-01-09", None, "two_dates_agree"),
        ("2024-01-09", "https://a.example/2024/01/x", "found_in_url"),
    ],
)
def test_what_speaks_for_a_date_is_a_column(other, url, evidence):
    document = Document("a", "文", published_at="2024/1/9", published_at_other=other, url=url)
    outcome = collect.decide(document.noted("collect"), OPTIONS, {}, NAMES)
    assert isinstance(outcome, Document)
    assert (outcome.published_at, outcome.date_evidence) == ("2024-01-09", evidence)


def test_a_folder_that_is_named_after_no_genre_drops_no_text():
    document = Document("老周/001", "文", genre="老周", published_at="2024-01-09")
    outcome = collect.decide(document.noted("collect", genre="folder"), OPTIONS, {}, NAMES)
    assert isinstance(outcome, Document)
    assert outcome.genre is None
    assert "folder_names_no_genre" in outcome.history[-1]["flags"]


def test_an_unknown_genre_is_told_with_the_nearest():
    document = Document("a", "文", genre="武侠").noted("collect")
    outcome = collect.decide(document, OPTIONS, {}, NAMES)
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "unknown_genre"
    assert "武侠: unknown genre; nearest: 武侠小说 (wuxia)" in outcome.evidence


def run(tmp_path, *paths, **options):
    settings = Settings(tmp_path / "curation", NAMES)
    collect.STAGE.run(settings, collect.Options(paths, thresholds={}, **options))
    found = [*read_kept(settings.root, "collect")]
    found += [d.document for d in read_dropped(settings.root, "collect")]
    return sorted(found, key=lambda d: d.id)


def test_equal_rows_equal_names_and_equal_texts_stay_apart(tmp_path):
    row = json.dumps({"text": "文", "published_at": "2023-05-01"}) + "\n"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jsonl").write_text(row * 2 + "{\n", encoding="utf-8")
        (tmp_path / folder / "001.txt").write_text(f"文{folder}", encoding="utf-8")
    found = run(
        tmp_path,
        *(tmp_path / f / "x.jsonl" for f in "ab"),
        *(tmp_path / f for f in "ab"),
    )
    name = sources.content_id({"text": "文"})
    unreadable = [f"unreadable: {tmp_path}/{f}/x.jsonl row 3" for f in "ab"]
    assert [d.id for d in found] == [
        "001", "001~2", name, f"{name}~2", f"{name}~3", f"{name}~4", *unreadable
    ]  # fmt: skip


def test_a_source_is_read_again_if_its_content_changed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,published_at\n一,2023-05-01\n", encoding="utf-8")
    before = path.stat()
    assert [d.text for d in run(tmp_path, path)] == ["一"]
    path.write_text("text,published_at\n二,2023-05-01\n", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [d.text for d in run(tmp_path, path)] == ["二"]


def test_what_was_read_is_told_with_its_encoding_and_what_was_kept_aside(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("正文,published_at,作者\x1b[31m\n一,2023-05-01,甲\n", encoding="gb18030")
    run(tmp_path, path, columns=("text=正文",))
    (told,) = collect.source_notes(tmp_path / "curation")
    assert told == f"read {path}: GB18030; kept aside in extra: 作者[31m (1 rows)"
    with pytest.raises(InputError, match="no source has the column '文章', which --column names"):
        run(tmp_path, path, columns=("text=文章",))


def test_a_source_that_is_given_twice_is_an_error_and_no_copy(tmp_path):
    source = tmp_path / "texts.jsonl"
    source.write_text('{"text": "一篇文字。"}\n', encoding="utf-8")
    again = tmp_path / "x" / ".." / "texts.jsonl"
    settings = Settings(tmp_path / "out", NAMES)
    with pytest.raises(InputError, match=r"texts\.jsonl: given 2 times"):
        collect.steps(settings, collect.Options((source, again)))
