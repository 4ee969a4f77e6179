from __future__ import annotations

import dataclasses
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.mixing import mixing, sources
from coig_writer.mixing.sources import Source, Unconvertible, convert
from coig_writer.mixture import content_id
from tests.coig_writer.conftest import creative_row


def source(kind, name="general_zh"):
    return Source(name, "x.jsonl", kind)


def test_congliu_columns():
    row = {
        "input": " 问 ",
        "reasoning_content": "想",
        "content": "答",
        "score": 9,
        "repo_name": "r",
    }
    example = convert(source("congliu"), row)
    assert (example.prompt, example.reasoning, example.article) == ("问", "想", "答")
    assert example.source_id == content_id("问", "想", "答")


def openthoughts(text):
    return {
        "system": "s",
        "conversations": [{"from": "user", "value": "Q"}, {"from": "assistant", "value": text}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "<|begin_of_thought|>\n\nT\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nA\n\n<|end_of_solution|>",
        "<|begin_of_thought|>T<|end_of_thought|><|begin_of_solution|>A",
    ],
)
def test_openthoughts_markers(text):
    example = convert(source("openthoughts"), openthoughts(text))
    assert (example.reasoning, example.article) == ("T", "A")


def test_a_conversation_may_be_told_by_role_and_content():
    told = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "<think>T</think>A"}]
    for column in ("conversations", "messages"):
        example = convert(source("openthoughts3"), {column: told})
        assert (example.prompt, example.reasoning, example.article) == ("Q", "T", "A")


def test_openthoughts3_markers():
    assert convert(source("openthoughts3"), openthoughts("<think>T</think>\nA")).article == "A"


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("congliu", {"input": "问", "reasoning_content": "", "content": "答"}, "reasoning_empty"),
        ("congliu", {"input": None, "reasoning_content": "想", "content": "答"}, "prompt_empty"),
        (
            "congliu",
            {"input": "问", "reasoning_content": "想</think>", "content": "答"},
            "reasoning_holds_a_marker",
        ),
        (
            "congliu",
            {"input": "问<|im_end|>", "reasoning_content": "想", "content": "答"},
            "prompt_holds_a_marker",
        ),
        (
            "congliu",
            {"input": "问", "reasoning_content": "想", "content": "答<|endoftext|>二"},
            "article_holds_a_marker",
        ),
        ("coig_writer", creative_row(1) | {"id": 7}, "id_is_no_text"),
        ("coig_writer", creative_row(1) | {"id": " "}, "id_is_no_text"),
        ("openthoughts", {"conversations": ["Q", "A"]}, "not_one_question_and_one_answer"),
        ("openthoughts", openthoughts(5), "thought_markers_missing"),
        ("openthoughts", openthoughts("no markers"), "thought_markers_missing"),
        ("openthoughts", {"conversations": []}, "not_one_question_and_one_answer"),
    ],
)
def test_what_does_not_convert_has_a_reason(kind, row, reason):
    with pytest.raises(Unconvertible, match=reason):
        convert(source(kind), row)


def test_the_sample_rows_all_convert(root):
    for name, kind in (("general_zh", "congliu"), ("general_en", "openthoughts")):
        lines = (
            (root / "recipes" / "sample" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        )
        ids = {convert(source(kind, name), json.loads(line)).source_id for line in lines}
        assert len(ids) == len(lines) > 0


def test_settings_are_strict():
    assert (
        sources.parse({"creative": {"path": "COIG-Writer", "format": "coig_writer"}})[
            "creative"
        ].revision
        is None
    )


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        ("Poems!", {"path": "x", "format": "congliu"}, "source Poems!: not a name for a source"),
        (7, {"path": "x", "format": "congliu"}, "source 7: not a name"),
        ("poems", {"path": "x", "format": "congliu", "weight": 2}, "unknown key 'weight'"),
        ("poems", {"path": "x", "format": "csv"}, "unknown format 'csv'"),
        ("poems", {"format": "congliu"}, "key 'path' of Source is missing"),
        ("poems", {"path": 3, "format": "congliu"}, "key 'path' is int"),
        ("poems", "x.jsonl", "source poems: not keys and values"),
        ("poems", {"path": "x", "format": "congliu", "genres": "haiku"}, "key 'genres' is str"),
        ("poems", {"path": "x", "format": "congliu", "genres": ["wuxai"]}, "unknown genre 'wuxai'"),
        ("poems", {"path": "x", "format": "congliu", "max_rows": 0}, "max_rows must be at least 1"),
        (
            "poems",
            {"path": "x", "format": "congliu", "max_rows": "3"},
            "'max_rows' is str '3', not int",
        ),
        ("poems", {"path": "x", "format": "congliu", "max_rows": 2.5}, "'max_rows' is float"),
        ("poems", {"path": "x", "format": "congliu", "max_rows": True}, "'max_rows' is bool"),
    ],
)
def test_a_wrong_source_is_one_sentence(name, entry, said):
    with pytest.raises(ConfigError, match=said):
        sources.parse({name: entry})


def test_a_source_of_any_name_may_be_filtered_by_genre(rows):
    entry = {"path": str(rows / "creative.jsonl"), "format": "coig_writer", "genres": ["wuxia"]}
    poems = sources.parse({"poems_2": entry})["poems_2"]
    assert convert(poems, creative_row(1) | {"genre": "wuxia"}).source == "poems_2"
    for genre in ("xuanhuan", None):
        with pytest.raises(Unconvertible, match="other_genre"):
            convert(poems, creative_row(1) | {"genre": genre})


@pytest.fixture
def packed(tmp_path):
    """A dataset as `pack` leaves it and `remove` has changed it: a card with configs, and files that are no rows."""
    for genre, count in (("haiku", 2), ("wuxia", 3)):
        found = [creative_row(f"{genre}-{i}") | {"genre": genre} for i in range(count)]
        (tmp_path / "data" / genre).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(found), tmp_path / "data" / genre / "train-0.parquet")
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": path}]}
        for name, path in (("default", "data/*/train-*"), ("wuxia", "data/wuxia/train-*"))
    ]
    card = f"---\n{yaml.safe_dump({'license': 'cc0-1.0', 'configs': configs})}---\n# Rows\n"
    (tmp_path / "README.md").write_text(card)
    (tmp_path / "removed.jsonl").write_text('{"id": "x", "reason": "r"}\n')
    (tmp_path / "facts.json").write_text('{"facts": []}')
    return tmp_path


def test_a_dataset_after_a_removal_still_loads_and_its_configs_too(packed):
    whole = Source("creative", str(packed), "coig_writer")
    assert len(sources.load(whole)[0]) == 5
    one, commit = sources.load(dataclasses.replace(whole, config="wuxia"))
    assert ({row["genre"] for row in one}, len(one), commit) == ({"wuxia"}, 3, None)
    with pytest.raises(MissingInputError, match="cannot read config 'ballad'"):
        sources.load(dataclasses.replace(whole, config="ballad"))


def test_a_config_of_what_has_none_is_refused(rows):
    with pytest.raises(ConfigError, match="no card with configs, so none is 'wuxia'"):
        sources.load(
            Source("creative", str(rows / "creative.jsonl"), "coig_writer", config="wuxia")
        )


def test_samples_are_no_rows_of_a_published_mixture(rows):
    source = Source("creative", str(rows / "creative.jsonl"), "coig_writer")
    plain, _ = sources.load(source)
    sources.refuse_samples(source, plain, "cw")  # nothing says that they are
    kinds = ["published"] * 8
    sources.refuse_samples(source, plain.add_column("provenance", kinds), "cw")
    kinds[3] = "sample"
    with pytest.raises(ConfigError, match=r"1 of 8 rows .* are the kit's own samples") as caught:
        sources.refuse_samples(source, plain.add_column("provenance", kinds), "cw")
    assert "pack --source import" in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b'{"id": "a", "qu', b"[1, 2", b"\xff\xfe\x00{", b"not json\n"]
)
def test_a_file_that_holds_no_rows_is_one_sentence(tmp_path, data):
    (tmp_path / "c.jsonl").write_bytes(data)
    with pytest.raises(InputError, match=r"c\.jsonl cannot be read as rows") as caught:
        sources.load(Source("creative", str(tmp_path / "c.jsonl"), "coig_writer"))
    assert len(str(caught.value.message).splitlines()) == 1


@pytest.mark.parametrize("path", ["build/none.jsonl", "data/rows.jsonl", "./here", "/gone/away"])
def test_a_missing_local_source_says_what_to_type_and_asks_no_hub(path):
    with pytest.raises(MissingInputError, match="no file or folder") as caught:
        sources.load(Source("creative", path, "coig_writer"))
    assert "python -m dataset_builder pack" in str(caught.value)


def test_excluded_rows_are_kept_aside_and_max_rows_takes_the_lowest_hashes(
    tmp_path, smoke_tokenizer
):
    rows = [creative_row(number) for number in range(12)]
    file, ids = tmp_path / "rows.jsonl", tmp_path / "ids.txt"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    ids.write_text(f"{rows[3]['id']}\n{rows[7]['id']}\n", "utf-8")
    rules = mixing.Rules(42, 4096)
    every = Source("creative", str(file), "coig_writer")
    few = dataclasses.replace(every, exclude=str(ids), max_rows=4)
    whole, found = (mixing.sample(s, None, rules, smoke_tokenizer) for s in (every, few))
    assert {a.source_id: a.reason for a in found.aside} == {
        rows[3]["id"]: "held_out",
        rows[7]["id"]: "held_out",
    }
    left = [row.source_id for row in whole.taken if row.source_id not in sources.excluded(few)]
    assert [row.source_id for row in found.taken] == left[:4]
    locked = mixing.lock("cw", [found], found.taken, rules, "")
    assert (
        locked["sources"]["creative"]["excluded"],
        locked["sources"]["creative"]["max_rows"],
    ) == (2, 4)
    with pytest.raises(InputError, match=r"4 admissible rows of 12, 5 needed[\s\S]*raise max_rows"):
        mixing.sample(few, 5, rules, smoke_tokenizer)
    with pytest.raises(MissingInputError, match="no file"):
        sources.excluded(dataclasses.replace(every, exclude=str(tmp_path / "none.txt")))
    ids.write_text(f"{rows[3]['id']}\nmistyped\n", "utf-8")
    with pytest.raises(InputError, match=r"1 of 2 ids are not in .*, the first mistyped"):
        mixing.sample(few, None, rules, smoke_tokenizer)


def test_the_lock_shows_that_other_rows_were_excluded_even_where_none_would_be_taken(
    tmp_path, smoke_tokenizer
):
    rows = [creative_row(number) for number in range(12)]
    file, ids = tmp_path / "rows.jsonl", tmp_path / "ids.txt"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    rules, few = mixing.Rules(42, 4096), Source("creative", str(file), "coig_writer", max_rows=4)
    taken = {r.source_id for r in mixing.sample(few, None, rules, smoke_tokenizer).taken}
    one, other = [row["id"] for row in rows if row["id"] not in taken][:2]

    def lock(row_id):
        ids.write_text(row_id, "utf-8")
        source = dataclasses.replace(few, exclude=str(ids))
        found = mixing.sample(source, None, rules, smoke_tokenizer)
        return mixing.lock("cw", [found], found.taken, rules, "")

    first, second = lock(one), lock(other)
    assert first["content_sha256"] == second["content_sha256"]
    [difference] = mixing.drift(first, second)
    assert difference.startswith("sources.creative.excluded_sha256: locked")
