"""Raw texts of any layout become the same documents."""

from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.document import Document
from coig_writer.errors import ConfigError, InputError
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
        next(sources.Source(tmp_path / f"a.{e}", "curated").documents())
        for e in ("jsonl", "csv", "parquet")
    ]
    bare = [dataclasses.replace(d, history=()) for d in found]
    assert bare == [Document("a", "文，字。", platform="p", likes=3)] * 3


def test_a_folder_of_texts_takes_the_genre_from_its_subfolder(tmp_path):
    (tmp_path / "essay").mkdir()
    (tmp_path / "essay" / "春.txt").write_text("春天。", encoding="utf-8")
    (document,) = sources.Source(tmp_path, "curated").documents()
    assert (document.id, document.genre, document.title) == ("essay/春", "essay", "春")


def test_metadata_gives_the_texts_of_a_folder_their_dates(tmp_path):
    (tmp_path / "essay").mkdir()
    (tmp_path / "essay" / "a.txt").write_text("文", encoding="utf-8")
    metadata = tmp_path / "metadata.csv"
    metadata.write_text("id,published_at,likes\nessay/a,2023-05-01,7\n", encoding="utf-8")
    (document,) = sources.Source(tmp_path, "curated").documents()
    assert (document.genre, document.published_at, document.likes) == ("essay", "2023-05-01", 7)
    metadata.write_text("id,published_at\nessay/b,2023-05-01\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1: the folder has no text 'essay/b'"):
        list(sources.Source(tmp_path, "curated").documents())


@pytest.mark.parametrize(
    ("given", "number"),
    [("1,205", 1205), (" 15 ", 15), ("1.2万", 12000), ("１.5w", 15000), ("10万+", 100000),
     ("3亿", 300_000_000), (10.0, 10), ("10.0", 10), ("12,345.0", 12345), (0, 0)],
)  # fmt: skip
def test_counts_as_spreadsheets_and_platforms_write_them(given, number):
    assert sources.number(given) == number


@pytest.mark.parametrize("given", ["many", "1.5", "-3", "1,20", 1e13, float("inf"), "1万2"])
def test_what_is_no_count_is_told(given):
    with pytest.raises(ValueError, match="count"):
        sources.number(given)


def read(path, **columns):
    source = sources.Source(path, "curated", columns)
    return list(source.documents()), source


def test_an_array_is_read_as_import_reads_it(tmp_path):
    path = tmp_path / "a.JSON"
    path.write_text(
        '[{"text": "一", "likes": NaN, "id": 7},, {"text": "二",}, {"text": "三"},]', "utf-16"
    )
    found, source = read(path)
    assert [(d.id, d.text, d.likes) for d in found[:1]] == [("7", "一", None)]
    assert [d.text for d in found[1:]] == ["二", "三"]
    assert source.encodings == {"UTF-16": 1}


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ('{"text": "一,}", "likes": 3,}', ["一,}"]),
        ('{"text": "一", "extra": {"a": [1, 2,\n],},\n}', ["一"]),
        ('{"text": "一",,}', []),
        ('{,"text": "一"}', []),
        ('{"text": "一", "text": "二",}', []),
        ('{"text": "一",', []),
    ],
)
def test_a_comma_behind_the_last_field_hides_no_row(tmp_path, row, texts):
    path = tmp_path / "a.json"
    path.write_text(f'[{row},\n{{"text": "尾"}}]', encoding="utf-8")
    found, _ = read(path)
    assert [d.text for d in found if "unreadable" not in d.history[0]] == [*texts, "尾"]
    assert len(found) == 2


def test_pandas_leaves_timestamps_floats_and_an_index(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "text": ["一", "二"],
            "published_at": pd.to_datetime(["2023-05-01", None]),
            "published_at_other": [pd.Timestamp("2023-05-01").date(), None],
            "likes": [10.0, None],
            "id": [1, 2],
        },
        index=[5, 9],
    )
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv")
    for name in ("a.parquet", "a.csv"):
        (first, second), source = read(tmp_path / name)
        assert first.published_at[:10] == first.published_at_other == "2023-05-01"
        assert (first.id, first.likes) == ("1", 10)
        assert (second.published_at, second.likes) == (None, None)
        assert not source.aside


def test_own_names_of_columns_and_columns_that_are_kept_aside(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("正文,发布时间,作者,text\n一,2023年3月5日,=甲,摘要\n", "gb18030")
    ((found,), source) = read(path, 正文="text", 发布时间="published_at")
    assert (found.text, found.published_at) == ("一", "2023年3月5日")
    assert found.extra == {"作者": "=甲", "text": "摘要"}
    assert source.aside == {"作者": 1, "text": 1}


def test_a_table_without_a_column_of_texts_is_refused_with_what_to_type(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("标题,正文\n春,一\n", "gb18030")
    with pytest.raises(InputError, match="no column 'text'") as caught:
        read(path)
    assert "--column text=YOURS; YOURS is one of 标题, 正文" in str(caught.value)
    ((found,), _) = read(path, 正文="text")
    assert found.text == "一"
    # another source may have the column that --column names
    ((lost,), _) = read(path, 内容="text")
    assert lost.history[0]["unreadable"] == "no text"


@pytest.mark.parametrize("pair", ["text", "colour=颜色", "text=", "title=正文"])
def test_a_column_that_names_nothing_is_refused(pair):
    with pytest.raises(ConfigError, match="--column"):
        sources.read_columns(["text=正文", pair])


@pytest.mark.parametrize("field", ["id", "published_at", "likes", "title"])
@pytest.mark.parametrize("value", [["a"], {"a": 1}, True])
def test_a_list_in_the_place_of_a_value_is_told(tmp_path, field, value):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "一", field: value}))
    ((found,), _) = read(tmp_path / "a.jsonl")
    assert field in found.history[0]["unreadable"]


def test_nesting_is_told_and_its_neighbours_stay(tmp_path):
    deep = '{"text": ' + "[" * 200_000 + "]" * 200_000 + "}"
    (tmp_path / "a.jsonl").write_text(deep + '\n{"text": "\x1b[31m一\\u0000"}\n')
    (first, second), _ = read(tmp_path / "a.jsonl")
    assert "nested deeper" in first.history[0]["unreadable"]
    assert second.text == "[31m一"


def test_a_folder_holds_what_its_owner_put_there(tmp_path):
    for name in ("001.txt", "b.TXT", "._001.txt", ".hidden/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("雾还没有散去，老街上响起脚步声。", "gb18030")
    found, source = read(tmp_path)
    assert [d.id for d in found] == ["001", "b"]
    assert source.encodings == {"GB18030": 2}
