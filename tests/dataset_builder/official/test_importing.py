from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from coig_writer import command_line
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records, read_rows
from coig_writer.triplet import Triplet
from dataset_builder.__main__ import GROUP
from dataset_builder.official import synthetic
from dataset_builder.official.importing import import_file
from dataset_builder.official.rows import RULES

GOOD = {"id": "good", "query": "写一首诗", "thought": "想", "answer": "好雨知时节"}
# Rule → a row that breaks it and no other.
DEFECTS: dict[str, Any] = {
    "missing_field": {k: v for k, v in GOOD.items() if k != "thought"} | {"id": "1"},
    "empty_field": GOOD | {"id": "2", "answer": " \n"},
    "not_text": GOOD | {"id": "3", "query": 7},
    "nan": GOOD | {"id": "4", "answer": float("nan")},
    "nested": GOOD | {"id": "5", "thought": {"step": "一"}},
    "repeated_id": GOOD | {"answer": "另一篇"},
    "not_an_object": ["a", "list"],
    "undecodable": GOOD | {"id": "6", "answer": "\ud83d"},
    "duplicate_text": GOOD | {"id": "7", "answer": "好雨，知时节！"},
    "boilerplate": GOOD | {"id": "8", "answer": "以下是您要的诗"},
    "placeholder_prompt": GOOD | {"id": "9", "query": "/", "answer": "甲"},
    "control_characters": GOOD | {"id": "10", "answer": "乙\x07丙"},
    "unknown_field": GOOD | {"id": "11", "answer": "丁", "score": {"a": 1}},
}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, rows):
    path.write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("rule", [r for r in DEFECTS if r != "not_an_object"])
def test_each_planted_defect_is_reported_with_row_id_rule_and_remedy(tmp_path, rule):
    path = write(tmp_path / "rows.jsonl", [GOOD, DEFECTS[rule]])
    imported = import_file(path, tmp_path / "out")
    assert imported.rules == {rule: 1}
    error = RULES[rule].level == "error"
    name = "rejected.jsonl" if error else "warnings.jsonl"
    (problem,) = lines(tmp_path / "out" / name)
    assert (problem["row"], problem["rule"]) == (2, rule)
    assert problem["id"] == DEFECTS[rule]["id"]
    assert problem["remedy"]
    assert (imported.rows, imported.rejected) == ((1, 1) if error else (2, 0))
    if error:
        assert json.loads(problem["raw"])["query"] == DEFECTS[rule]["query"]


def test_the_published_counts_and_lengths_come_back_and_planted_defects_are_found(tmp_path):
    drawn = [row.official() for row in synthetic.rows(seed=1)]
    planted = [DEFECTS[rule] for rule in DEFECTS]
    rows = [*drawn[:800], GOOD, *planted, *drawn[800:]]
    (tmp_path / "all.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")  # fmt: skip
    imported = import_file(tmp_path / "all.json", tmp_path / "out")
    # A lone surrogate written as bytes is no UTF-8: undecodable by another road.
    assert set(imported.rules) - {"separator"} == set(DEFECTS)
    kept = read_records(tmp_path / "out" / "triplets.parquet", Triplet)
    ids = [t.id for t in kept]
    assert [i for i in ids if len(i) > 10] == [row["id"] for row in drawn]
    by_id = {t.id: t for t in kept}
    for row in drawn:
        got = by_id[row["id"]]
        assert (got.prompt, got.reasoning, got.article) == (row["query"], row["thought"], row["answer"])  # fmt: skip
        assert (got.genre, got.provenance) == (None, "published")


def test_bom_and_crlf_are_mended_and_counted(tmp_path):
    row = GOOD | {"answer": "\ufeff一行\r\n二行"}
    path = tmp_path / "rows.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([row], indent=1).replace("\n", "\r\n").encode())
    imported = import_file(path, tmp_path / "out")
    (triplet,) = read_records(tmp_path / "out" / "triplets.parquet", Triplet)
    assert triplet.article == "一行\n二行"
    assert imported.repairs == {
        "byte order marks removed": 1,
        "CRLF turned into LF": 1,
        "byte order mark of the file removed": 1,
    }
    assert not imported.rules


def test_control_characters_are_told_and_do_not_reach_the_rows(tmp_path):
    row = {
        "id": "\x1b[31m1",
        "query": "\x1b]0;x\x07写一首诗",
        "thought": "想\u202e",
        "answer": "好雨\t知时节\x00",
    }
    imported = import_file(write(tmp_path / "rows.json", [row]), tmp_path / "out")
    (triplet,) = read_records(tmp_path / "out" / "triplets.parquet", Triplet)
    assert (triplet.id, triplet.prompt) == ("[31m1", "]0;x写一首诗")
    assert (triplet.reasoning, triplet.article) == ("想", "好雨\t知时节")
    assert imported.repairs["texts without their control characters"] == 4
    told = [problem["detail"] for problem in lines(tmp_path / "out" / "warnings.jsonl")]
    assert told == [
        "2 in query, first '\\x1b'",
        "1 in thought, first '\\u202e'",
        "1 in answer, first '\\x00'",
    ]


def test_the_older_schema_gets_ids_and_keeps_what_has_no_column(tmp_path):
    row = {
        "query_type": "诗歌 (Poetry)",
        "query": "写诗",
        "thought": "想",
        "answer": "诗",
        "link": "https://example.com/1",
        "source_date": "2023-05",
    }
    path = write(tmp_path / "rows.jsonl", [row, row | {"answer": "另一首"}])
    import_file(path, tmp_path / "out")
    first, second = read_records(tmp_path / "out" / "triplets.parquet", Triplet)
    assert first.id.startswith("row-")
    assert first.id != second.id
    assert first.source == "https://example.com/1"
    extra = lines(tmp_path / "out" / "extra.jsonl")
    assert extra[0] == {"id": first.id} | {k: row[k] for k in ("query_type", "link", "source_date")}


def test_a_row_nested_in_a_known_field_is_reported(tmp_path):
    inner = {"id": "inner", "query": "q", "thought": "t", "answer": "a"}
    rows = [GOOD | {"link": inner}, GOOD | {"id": "b", "link": "u", "score": float("nan")}]
    path = write(tmp_path / "rows.jsonl", rows)
    imported = import_file(path, tmp_path / "out")
    assert imported.rules["unknown_field"] == 2
    problem = lines(tmp_path / "out" / "warnings.jsonl")[0]
    assert (problem["row"], problem["detail"]) == (1, "'link' holds a dict, not a text")
    extra = lines(tmp_path / "out" / "extra.jsonl")
    assert (extra[0]["link"], extra[1]["score"]) == (inner, "NaN")


def test_an_import_never_overwrites_the_file_it_reads(tmp_path):
    path = write(tmp_path / "rejected.jsonl", [GOOD])
    before = path.read_bytes()
    with pytest.raises(InputError, match="would overwrite this file"):
        import_file(path, tmp_path)
    assert path.read_bytes() == before
    (tmp_path / "assignments.jsonl").write_text("somebody's")
    import_file(path.rename(tmp_path / "rows.jsonl"), tmp_path)
    assert (tmp_path / "assignments.jsonl").read_text() == "somebody's"


def test_the_checksum_is_compared_with_the_recorded_ones(tmp_path, monkeypatch):
    import hashlib

    path = write(tmp_path / "rows.jsonl", [GOOD])
    content = path.read_bytes()
    assert not import_file(path, tmp_path / "out").known
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    monkeypatch.setattr("dataset_builder.official.source.KNOWN_GIT_BLOBS", {git})
    imported = import_file(path, tmp_path / "out")
    assert imported.known
    assert imported.sha256 == hashlib.sha256(content).hexdigest()


def test_strict_makes_an_error_fatal_and_writes_nothing(tmp_path):
    path = write(tmp_path / "rows.jsonl", [GOOD, DEFECTS["nested"]])
    with pytest.raises(InputError, match="1 row has an error"):
        import_file(path, tmp_path / "out", strict=True)
    assert not (tmp_path / "out" / "triplets.parquet").exists()
    import_file(write(path, [GOOD, DEFECTS["boilerplate"]]), tmp_path / "out", strict=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        *((c, "no sound row") for c in (b"[]", b"\n\n", b"[1, 2]", b"not json at all")),
    ],
)
def test_a_file_without_a_sound_row_is_refused(tmp_path, content, said):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match=said):
        import_file(tmp_path / "f", tmp_path / "out")
    assert not (tmp_path / "out" / "triplets.parquet").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        import_file(tmp_path / "gone.json", tmp_path / "out")


def test_importing_again_keeps_overrides_and_drops_stale_assignments(tmp_path):
    out = tmp_path / "out"
    path = write(tmp_path / "rows.jsonl", [GOOD])
    import_file(path, out)
    (out / "overrides.csv").write_text("id,genre,note\ngood,poetry,\n")
    (out / "assignments.jsonl").write_text("{}\n")
    import_file(path, out)
    assert (out / "overrides.csv").read_text() == "id,genre,note\ngood,poetry,\n"
    assert not (out / "assignments.jsonl").exists()


def test_the_command_prints_a_summary_and_escapes_hostile_ids(tmp_path, root):
    path = write(tmp_path / "rows.jsonl", [GOOD, GOOD | {"id": "\x1b[2J", "answer": ""}])
    done = subprocess.run(
        [sys.executable, "-m", "dataset_builder", "import", str(path), "--out", str(tmp_path / "o")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 rows kept, 1 rejected" in done.stdout
    assert "\x1b" not in done.stderr + done.stdout
    assert "empty_field" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either a FILE or --hub"),
        (["x.json", "--hub"], "give either a FILE or --hub"),
        (["x.json", "--revision", "main"], "--revision and --repository go with --hub"),
        (["x.json", "--repository", "a/b"], "--revision and --repository go with --hub"),
    ],
)
def test_path_or_hub_and_not_both(words, said, capsys):
    assert command_line.run(GROUP, ["import", *words]) == command_line.USAGE
    assert said in capsys.readouterr().err


def test_whole_numbers_are_ids(tmp_path):
    path = write(tmp_path / "rows.jsonl", [GOOD | {"id": 7}, GOOD | {"id": True, "answer": "另"}])
    imported = import_file(path, tmp_path / "out")
    assert (imported.rows, imported.rejected) == (1, 1)
    (problem,) = lines(tmp_path / "out" / "rejected.jsonl")
    assert (problem["row"], problem["rule"]) == (2, "not_text")
    assert next(read_rows(tmp_path / "out" / "triplets.parquet"))[1]["id"] == "7"
