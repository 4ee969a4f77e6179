"""Which texts are collected: dates and engagement at their borders, genres, ids."""

from __future__ import annotations

import json

import pytest

from coig_writer import taxonomy
from coig_writer.document import Document, Dropped
from coig_writer.errors import InputError
from dataset_builder.stages import collect, sources
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
