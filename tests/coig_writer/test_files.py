from __future__ import annotations

import errno
import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer.errors import ConfigError, InputError, MissingInputError, run_command
from coig_writer.files import (
    appending,
    atomic_path,
    file_sha256,
    iterate,
    read_json,
    read_records,
    read_rows,
    read_yaml,
    rows_sha256,
    write_json,
    write_records,
    write_small,
)
from coig_writer.score import Score

SCORES = [Score("cw", f"zh-x-{i}", "ttr", i / 7, "scored") for i in range(5)] + [
    Score("cw", "zh-x-9", "ttr", None, "missing", "empty article")
]


@pytest.mark.parametrize("name", ["scores.parquet", "scores.jsonl"])
def test_records_survive_both_formats(tmp_path, name):
    write_records(tmp_path / name, SCORES, Score)
    assert read_records(tmp_path / name, Score) == SCORES


def test_a_folder_is_read_whole_and_in_order(tmp_path):
    write_records(tmp_path / "b.jsonl", SCORES[3:], Score)
    write_records(tmp_path / "a.parquet", SCORES[:3], Score)
    assert read_records(tmp_path, Score) == SCORES


def test_parquet_has_page_index_and_small_row_groups(tmp_path):
    import pyarrow.parquet as pq

    write_records(tmp_path / "s.parquet", SCORES * 500, Score)
    metadata = pq.ParquetFile(tmp_path / "s.parquet").metadata
    assert metadata.num_row_groups == 3
    assert metadata.row_group(0).column(0).has_column_index


def test_missing_empty_damaged_and_foreign_files_are_told_apart(tmp_path):
    with pytest.raises(MissingInputError, match="no such file") as caught:
        read_records(tmp_path / "x.parquet", Score, made_by="python -m eval_tasks score")
    assert "run: python -m eval_tasks score" in str(caught.value)
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match="not a whole Parquet file"):
        read_records(tmp_path / "half.parquet", Score)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(InputError, match="no rows"):
        read_records(tmp_path / "empty.jsonl", Score)
    (tmp_path / "bad.jsonl").write_text('{"variant": "cw"}\n{"variant": \n')
    with pytest.raises(InputError, match=r"bad.jsonl line 1: column 'query_id'"):
        read_records(tmp_path / "bad.jsonl", Score)
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(InputError, match="line 1: a list, not an object"):
        read_records(tmp_path / "list.jsonl", Score)


def half_file(path):
    with atomic_path(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt


def test_nothing_half_made_is_left(tmp_path):
    (tmp_path / "kept.txt").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        half_file(tmp_path / "kept.txt")
    assert (tmp_path / "kept.txt").read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.txt"]


def test_the_row_hash_does_not_depend_on_the_format(tmp_path):
    write_records(tmp_path / "s.parquet", SCORES, Score)
    assert rows_sha256(read_records(tmp_path / "s.parquet", Score)) == rows_sha256(SCORES)
    assert rows_sha256(SCORES) != rows_sha256(SCORES[::-1])


def test_a_full_disk_ends_in_a_sentence(capsys):
    def fill():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.parquet")

    assert run_command(fill) == 1
    assert "no space left on the device while writing out.parquet" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.EEXIST])
def test_a_path_that_may_not_be_used_ends_in_a_sentence(capsys, number):
    def refused():
        raise OSError(number, os.strerror(number), "out/x")

    assert run_command(refused) == 1
    assert f"error: out/x: {os.strerror(number)}\n  → give a path" in capsys.readouterr().err


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_records(path.with_name("s.parquet"), SCORES, Score),
        lambda path: write_json(path, {}),
        lambda path: path.mkdir(parents=True),
        lambda path: path.parent.write_text("a folder"),
    ],
)
def test_a_folder_that_takes_no_file_ends_in_a_sentence(capsys, write):
    assert run_command(lambda: write(Path("/proc/x"))) == 1
    assert re.fullmatch(r"error: /proc\S*: [ \w]+\n  → give a path.*\n", capsys.readouterr().err)


def test_a_file_that_a_bug_did_not_find_keeps_its_traceback(tmp_path):
    for path in (tmp_path / "x", tmp_path / "x/y"):
        with pytest.raises(FileNotFoundError):
            run_command(path.read_bytes)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_and_bugs(capsys):
    def stop():
        raise KeyboardInterrupt

    assert run_command(stop) == 130
    assert "nothing half-made" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


DROPPED = """
import signal, time, weakref
from coig_writer.errors import run_command
class Thing: pass
def main():
    thing = Thing()
    kept = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    del thing
    time.sleep(600)
signal.signal(signal.SIGINT, signal.default_int_handler)
raise SystemExit(run_command(main))
"""


def test_ctrl_c_that_python_drops_comes_again():
    command = [sys.executable, "-c", DROPPED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, "nothing half-made" in done.stderr) == (130, True), done.stderr


def test_ctrl_c_while_a_compiled_module_is_loaded_is_ctrl_c(capsys):
    def load():
        raise ImportError("initialization failed") from KeyboardInterrupt()

    assert run_command(load) == 130
    assert "nothing half-made" in capsys.readouterr().err


def test_records_are_read_one_at_a_time(tmp_path):
    write_records(tmp_path / "s.jsonl", SCORES[:2], Score)
    with (tmp_path / "s.jsonl").open("a") as handle:
        handle.write("{}\n")
    found = iterate(tmp_path / "s.jsonl", Score)
    assert [next(found), next(found)] == SCORES[:2]
    with pytest.raises(InputError, match=r"s.jsonl line 3: column 'variant'"):
        next(found)


def test_a_torn_last_line_is_named_and_its_own_writer_cuts_it_off(tmp_path, caplog):
    log = tmp_path / "log.jsonl"
    with appending(log) as add:
        add({"n": 1})
        add({"字": "二" * 40_000})  # longer than one piece that is read from the end
    log.write_bytes(log.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"log.jsonl line 2: not JSON .*torn as it was written"):
        list(read_rows(log))
    with appending(log) as add:
        add({"n": 3})
    assert [row for _, row in read_rows(log)] == [{"n": 1}, {"n": 3}]
    assert "torn last line cut off" in caplog.text
    with appending(log) as add:
        add({"n": 4})
    assert [row["n"] for _, row in read_rows(log)] == [1, 3, 4]


@pytest.mark.parametrize("cut", [0, 5])
def test_compressed_rows_are_read_whole_or_refused(tmp_path, cut):
    path = tmp_path / "s.jsonl.gz"
    packed = gzip.compress(b'{"n": 1}\n\n{"n": 2}\n')
    path.write_bytes(packed[: len(packed) - cut])
    if cut:
        with pytest.raises(InputError, match="not whole gzip-compressed JSONL"):
            list(read_rows(path))
    else:
        assert list(read_rows(path)) == [(f"{path} line 1", {"n": 1}), (f"{path} line 3", {"n": 2})]


def test_json_goes_out_and_in_and_what_is_none_is_named(tmp_path):
    write_json(tmp_path / "a.json", {"诗": [1, None]})
    assert read_json(tmp_path / "a.json") == {"诗": [1, None]}
    with pytest.raises(MissingInputError, match="no such file") as caught:
        read_json(tmp_path / "b.json", made_by="make demo")
    assert "run: make demo" in str(caught.value)
    for text, said in (
        ("{", "not JSON"),
        ("[]", "a list, not an object"),
        ("[" * 99_999, "not JSON"),
    ):
        (tmp_path / "c.json").write_text(text)
        with pytest.raises(InputError, match=said):
            read_json(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1, 1]\nb: *x\n", "an alias: write it out.*line 2"),
        ("a: 1\nb: 2\na: 3\n", "key 'a' is given twice.*line 3"),
        ("a: {b: 1, b: 2}\n", "key 'b' is given twice"),
        ("a: 2026-99-99\n", "not YAML"),
        ("a: " + "[" * 5_000, "not YAML"),
        ("- a\n", "holds list"),
        ("", "holds NoneType"),
        ("a: !!python/object/apply:os.getcwd []\n", "not YAML"),
    ],
)
def test_settings_say_each_thing_once_and_in_full(tmp_path, text, said):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_yaml(tmp_path / "r.yaml")


def test_settings_in_another_encoding_are_told_so(tmp_path):
    (tmp_path / "r.yaml").write_bytes("study: 诗歌研究\n".encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_yaml(tmp_path / "r.yaml")


def test_a_file_has_one_hash(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    )


@pytest.mark.parametrize("name", ["folder", "."])
def test_a_folder_is_no_file_to_write(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_json(Path(name), {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_small_file_without_a_folder_is_written_where_it_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    beside: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: beside.extend(p.name for p in tmp_path.iterdir()))
    write_small(Path("a.json"), b"one")
    assert [name.startswith(".a.json.") for name in beside] == [True]
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_small_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, named, sync = tmp_path / "new" / "folder" / "a.json", [], os.fsync

    def synced(handle: int) -> None:
        named.append(path.exists())
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    write_small(path, b"one")
    write_small(path, b"two")
    assert path.read_bytes() == b"two"
    assert named == [False, True]  # on the disk before it has its name

    def full(_handle: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_small(path, b"three")
    assert [f.name for f in path.parent.iterdir()] == ["a.json"]
    assert path.read_bytes() == b"two"
