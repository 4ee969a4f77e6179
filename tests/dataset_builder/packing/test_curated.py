"""What curated rows know goes with them; the columns of official and sample sets stay as they were."""

from __future__ import annotations

import dataclasses
import json

import pyarrow.parquet as pq
import pytest
import yaml

from coig_writer import facts, taxonomy
from coig_writer.document import Document
from coig_writer.files import read_records, write_records
from coig_writer.record import field_types
from coig_writer.triplet import Curated, Review, Triplet, Verdict
from dataset_builder.audit.audit import triplet
from dataset_builder.packing import describe, pack, remove, samples

NAMES = taxonomy.published()
OFFICIAL = [
    "id", "query", "thought", "answer", "category", "genre", "genre_zh", "language", "source",
    "license", "provenance", "article_quality", "article_creativity", "prompt_quality",
    "prompt_creativity", "reasoning_quality", "reasoning_creativity",
]  # fmt: skip
DOCUMENT = Document(
    id="d",
    text="夜里下了雨。",
    title="雨",
    url="https://example.org/2023/3",
    platform="forum",
    published_at="2023-03-05",
    date_evidence="found_in_url",
    license="CC BY-SA 4.0",
    genre="wuxia",
    prompt="写一篇",
    reasoning="想",
    authorship={"prompt": "model", "reasoning": "model_edited"},
    reviews=(
        {
            "draft": "0123456789ab",
            "decision": "accept",
            "adjudicated": True,
            "verdicts": [
                {"item": "d", "reviewer": "r1", "verdict": "refine", "note": "短", "cause": None,
                 "criteria": {"coherent": True, "vivid": False}},
            ],
        },
    ),
    history=({"stage": "collect", "provenance": "curated"},),
)  # fmt: skip
KNOWN = triplet(DOCUMENT, NAMES)


@pytest.fixture
def folder(tmp_path):
    other = dataclasses.replace(KNOWN, id="e", article="另一篇。", reviews=None, title=None)
    pack.pack([KNOWN, other], NAMES, tmp_path / "Mine")
    return tmp_path / "Mine"


def test_a_document_takes_along_what_it_knows():
    assert (KNOWN.source, KNOWN.date_evidence) == ("forum", "found_in_url")
    assert (KNOWN.title, KNOWN.url, KNOWN.published_at) == (
        "雨", "https://example.org/2023/3", "2023-03-05",
    )  # fmt: skip
    assert (KNOWN.prompt_author, KNOWN.reasoning_author, KNOWN.article_author) == (
        "model", "model_edited", None,
    )  # fmt: skip
    verdict = Verdict("r1", "refine", ("vivid",), "短", None)
    assert KNOWN.reviews == (Review("accept", adjudicated=True, verdicts=(verdict,)),)


def test_the_columns_of_a_curated_set_come_after_the_official_ones(folder, tmp_path):
    (file,) = (folder / "data").rglob("*.parquet")
    columns = pq.read_schema(file).names
    assert columns[: len(OFFICIAL)] == OFFICIAL
    assert columns[len(OFFICIAL) :] == [
        f for f in field_types(Curated) if f not in field_types(Triplet)
    ]
    pack.pack(samples.read(NAMES)[:2], NAMES, tmp_path / "Samples")
    (file, *_) = (tmp_path / "Samples" / "data").rglob("*.parquet")
    assert pq.read_schema(file).names == OFFICIAL


def test_the_card_of_a_set_without_genres_and_licence_says_so(tmp_path):
    bare = dataclasses.replace(KNOWN, category=None, genre=None, genre_zh=None, license="unknown")
    pack.pack([bare], NAMES, tmp_path / "Mine")
    card = (tmp_path / "Mine" / "README.md").read_text(encoding="utf-8")
    assert "**A partial set.** No row has a genre." in " ".join(card.split())
    assert "The shortest row, in full:" in card
    assert "All genres" not in card
    assert "The licence of the rows is `unknown`" in card
    assert "its rows are not:" in card


def test_the_card_of_a_set_with_a_genre_shows_it(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "The shortest row with a genre, in full:" in card
    assert "1 of 51 genres have rows; none have:" in " ".join(card.split())
    assert "All rows have the same licence: `CC BY-SA 4.0`." in card


def test_packed_rows_come_back_and_outlive_a_removal(folder):
    assert describe.read_packed(folder)[0] == KNOWN
    remove.remove(folder, ["e"], "author")
    assert describe.read_packed(folder) == [KNOWN]


def test_a_set_packed_without_these_columns_still_loads(tmp_path):
    plain = [Triplet(**{name: getattr(KNOWN, name) for name in field_types(Triplet)})]
    write_records(tmp_path / "data" / "wuxia" / "train-00000-of-00001.parquet", plain, Triplet)
    assert describe.read_packed(tmp_path) == plain
    assert type(describe.read_packed(tmp_path)[0]) is Triplet


def test_rows_of_which_some_know_more_are_packed_as_one_kind(tmp_path):
    rows = [
        {"id": "a", "query": "写", "thought": "想", "answer": "文", "category": "novel",
         "genre": "wuxia", "genre_zh": "武侠小说", "language": "zh", "source": "s", "license": "l",
         "provenance": "curated"},
    ]  # fmt: skip
    rows.append(rows[0] | {"id": "b", "answer": "诗", "url": "https://example.org"})
    (tmp_path / "triplets.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = pack.read_source(str(tmp_path), NAMES)
    assert [(type(t), getattr(t, "url", "")) for t in found] == [
        (Curated, None),
        (Curated, "https://example.org"),
    ]


def test_load_dataset_and_the_builder_give_the_same_columns(folder, tmp_path):
    from datasets import load_dataset

    from dataset_builder.packing.builder import CoigWriter

    theirs = load_dataset(str(folder), "wuxia", split="train", cache_dir=str(tmp_path / "c"))
    assert theirs[0]["reviews"][0]["verdicts"][0]["unmet"] == ["vivid"]
    assert theirs[1]["reviews"] is None
    builder = CoigWriter(config_name="wuxia", data_dir=str(folder), cache_dir=str(tmp_path / "b"))
    builder.download_and_prepare()
    assert list(builder.as_dataset(split="train")) == list(theirs)


def metadata(folder):
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])


def test_the_card_says_who_wrote_what_and_under_which_licence(folder, tmp_path):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "history" not in card
    assert "All rows have the same licence: `CC BY-SA 4.0`." in card
    assert metadata(folder)["license"] == "cc-by-sa-4.0"
    assert "`prompt_author`, `reasoning_author`" in card
    found = facts.read(folder / "facts.json")
    assert found["authorship/reasoning/model_edited"].value == 2
    assert found["authorship/article/unknown"].value == 2
    assert describe.card(folder, describe.read_packed(folder)) == card
    two = [KNOWN, dataclasses.replace(KNOWN, id="e", license="mine")]
    pack.pack(two, NAMES, tmp_path / "Two")
    assert metadata(tmp_path / "Two")["license_name"] == "licence-of-each-row"
    assert "See the column `license`" in (tmp_path / "Two" / "README.md").read_text("utf-8")
    pack.pack(two[1:], NAMES, tmp_path / "One")
    assert (metadata(tmp_path / "One")["license"], metadata(tmp_path / "One")["license_name"]) == (
        "other",
        "mine",
    )


def test_the_audit_hands_its_rows_on(tmp_path):
    write_records(tmp_path / "triplets.jsonl", [KNOWN], Curated)
    assert read_records(tmp_path / "triplets.jsonl", Triplet) == [KNOWN]
