from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coig_writer import facts, taxonomy
from coig_writer import folder as folders
from coig_writer.errors import DriftError, InputError, MissingInputError
from coig_writer.files import read_records, write_records
from coig_writer.triplet import Triplet
from dataset_builder.packing import describe, layout, pack, samples
from dataset_builder.packing.remove import remove

NAMES = taxonomy.published()
ROWS = samples.read(NAMES)[:6]


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "Mine"
    pack.pack(ROWS, NAMES, out)
    return out


def ids(folder):
    return {t.id for t in describe.read_packed(folder)}


def test_a_removed_row_is_gone_counted_and_logged(folder):
    first, second = ROWS[0], ROWS[1]
    remove(folder, [first.id], "author")
    assert ids(folder) == {t.id for t in ROWS[1:]}
    log = remove(folder, [second.id], "other")
    assert [r.version for r in log] == ["1.0.1", "1.0.2"]
    content = (folder / "removed.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["id"] for line in content.splitlines()] == [first.id, second.id]
    assert first.article[:20] not in content
    assert first.genre == second.genre
    assert not (folder / "data" / str(first.genre)).exists()
    found = facts.read(folder / "facts.json")
    assert found["overall/rows"].value == 4
    assert found["removed/rows"].value == 2
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "since the first version: 2, the last of them in version 1.0.2;" in card
    assert describe.card(folder, describe.read_packed(folder)) == card


def test_a_takedown_sorts_after_what_it_takes_down(folder):
    log = remove(folder, [ROWS[0].id], "author", after="v1.1.9")
    assert [r.version for r in log] == ["1.1.10"]
    assert remove(folder, [ROWS[1].id], "other", after="1.0.4")[-1].version == "1.1.11"
    with pytest.raises(InputError, match="'newest' is not a version"):
        remove(folder, [ROWS[2].id], "other", after="newest")


PERSON = "李小明（北京市海淀区学院路 5 号，13912345678）来电\n要求撤下"


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_word_that_was_typed_goes_into_the_folder(folder):
    for words in (PERSON, "Author", "author\n", ""):
        with pytest.raises(InputError, match="is not on the list") as told:
            remove(folder, [ROWS[0].id], words)
        assert "write one of author, personal-data, " in told.value.remedy
    assert ids(folder) == {t.id for t in ROWS}
    log = remove(folder, [ROWS[0].id], "personal-data", note=PERSON)
    assert [r.reason for r in log] == ["personal-data"]
    assert all(word.encode() not in everything(folder) for word in ("李小明", "学院路", "139123"))
    (note,) = read_records(folder.with_name("Mine.takedown-notes.jsonl"), layout.Note)
    assert (note.id, note.time, note.note) == (ROWS[0].id, log[0].time, PERSON)


def test_words_that_an_older_kit_logged_become_notes(folder, caplog):
    old = [
        layout.Removal(ROWS[n].id, words, f"1.0.{n + 1}", "t")
        for n, words in enumerate((PERSON, "author"))
    ]
    pack.pack(ROWS, NAMES, folder, removals=[])
    write_records(folder / "removed.jsonl", old, layout.Removal)
    (folder / "SHA256SUMS").unlink()
    assert layout.removals(folder) == old
    log = remove(folder, [ROWS[2].id], "quality")
    assert [(r.reason, r.version) for r in log] == [
        ("other", "1.0.1"),
        ("author", "1.0.2"),
        ("quality", "1.0.3"),
    ]
    assert "李小明".encode() not in everything(folder)
    assert "1 reasons in free words now read 'other'" in caplog.text
    notes = folder.with_name("Mine.takedown-notes.jsonl")
    assert [note.note for note in read_records(notes, layout.Note)] == [PERSON]
    pack.pack(ROWS, NAMES, folder)
    assert len(read_records(notes, layout.Note)) == 1


def test_words_are_noted_before_a_removal_that_is_stopped_counts(folder, monkeypatch):
    old = [layout.Removal(ROWS[5].id, PERSON, "1.0.1", "t")]
    pack.pack(ROWS, NAMES, folder, removals=[])
    write_records(folder / "removed.jsonl", old, layout.Removal)
    (folder / "SHA256SUMS").unlink()
    replaces = folders._Place.replace

    def stopped(*words):
        replaces(*words)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folders._Place, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            remove(folder, [ROWS[0].id], "author", note="letter of 3 May")
    assert [r.id for r in layout.removals(folder)] == [ROWS[5].id, ROWS[0].id]
    notes = read_records(folder.with_name("Mine.takedown-notes.jsonl"), layout.Note)
    assert [(n.id, n.note) for n in notes] == [
        (ROWS[5].id, PERSON),
        (ROWS[0].id, "letter of 3 May"),
    ]


def test_packing_again_does_not_bring_a_row_back(folder):
    remove(folder, [ROWS[0].id], "author")
    assert ROWS[0] not in pack.pack(ROWS, NAMES, folder)
    assert ROWS[0].id not in ids(folder)
    assert len(layout.removals(folder)) == 1


def test_unknown_ids_and_emptying_are_refused_and_change_nothing(folder):
    remove(folder, [ROWS[0].id], "author")
    before = ids(folder)
    with pytest.raises(InputError, match=r"it was removed before"):
        remove(folder, [ROWS[0].id], "other")
    with pytest.raises(InputError, match="no row has id 'nothing'"):
        remove(folder, [ROWS[1].id, "nothing"], "other")
    with pytest.raises(InputError, match="no row would be left"):
        remove(folder, sorted(before), "other")
    assert ids(folder) == before
    with pytest.raises(MissingInputError):
        remove(folder / "elsewhere", ["a"], "other")


def test_what_the_kit_did_not_pack_is_never_deleted(folder, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    write_records(source / "triplets.parquet", ROWS, Triplet)
    with pytest.raises(InputError, match=r"source: holds triplets.parquet, which the kit did not"):
        pack.pack(ROWS, NAMES, source)
    assert [p.name for p in source.iterdir()] == ["triplets.parquet"]
    (folder / "LICENSE").write_text("of the whole")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main")
    for deed in (
        lambda: pack.pack(ROWS, NAMES, folder),
        lambda: remove(folder, [ROWS[0].id], "author"),
    ):
        with pytest.raises(InputError, match=r"holds \.git/HEAD, LICENSE, which the kit did not"):
            deed()
    assert (folder / "LICENSE").read_text() == "of the whole"
    assert ids(folder) == {t.id for t in ROWS}
    (folder / "LICENSE").unlink()
    (folder / ".git").rename(tmp_path / "git")
    assert remove(folder, [ROWS[0].id], "author")


def test_a_folder_packed_before_there_were_lists_is_brought_up_to_date(folder):
    remove(folder, [ROWS[0].id], "author")
    (folder / "SHA256SUMS").unlink()
    remove(folder, [ROWS[1].id], "author")
    assert ids(folder) == {t.id for t in ROWS[2:]}
    assert (folder / "SHA256SUMS").is_file()


def test_a_log_outlives_a_packing_that_was_killed_in_the_middle(folder):
    remove(folder, [ROWS[0].id], "author")
    folder.rename(folder.with_name(".Mine.0123abcd.old"))
    assert ROWS[0] not in pack.pack(ROWS, NAMES, folder)


def test_of_two_removals_at_once_neither_brings_back_what_the_other_took_out(folder, monkeypatch):
    log = layout.removals

    def read_too_early(place):
        monkeypatch.setattr(layout, "removals", log)
        found = log(place)
        remove(folder, [ROWS[0].id], "author")  # another process, after this one has read the log
        return found

    monkeypatch.setattr(layout, "removals", read_too_early)
    with pytest.raises(DriftError, match="another process took rows out meanwhile"):
        remove(folder, [ROWS[1].id], "other")
    assert ids(folder) == {t.id for t in ROWS[1:]}
    assert [r.id for r in layout.removals(folder)] == [ROWS[0].id]
    remove(folder, [ROWS[1].id], "other")
    assert ids(folder) == {t.id for t in ROWS[2:]}


def test_the_command(folder, root):
    command = [sys.executable, "-m", "dataset_builder", "remove", str(folder), "--id", ROWS[2].id]

    def run(*words):
        return subprocess.run(
            [*command, *words], cwd=root, capture_output=True, text=True, check=False
        )

    refused = run("--reason", "asked by 李小明")
    assert refused.returncode == 1
    assert "write one of author, personal-data, licence, unlawful, quality" in refused.stderr
    done = run("--reason", "author", "--note", PERSON)
    assert done.returncode == 0, done.stderr
    assert "version 1.0.1, 1 rows removed in all" in done.stdout
    assert "Mine.takedown-notes.jsonl, which is not published" in done.stdout
