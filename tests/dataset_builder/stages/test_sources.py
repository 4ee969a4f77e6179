"""Raw texts of any layout become the same documents."""

from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.document import Document
from coig_writer.errors import InputError
from dataset_builder.stages import sources


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
