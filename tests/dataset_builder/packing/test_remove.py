from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coig_writer import facts, taxonomy
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_records
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
    remove(folder, [first.id], "asked by the author")
    assert ids(folder) == {t.id for t in ROWS[1:]}
    log = remove(folder, [second.id], "again")
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


def test_a_takedown_sorts_after_what_it_takes_down_and_tells_nothing_of_a_person(folder):
    log = remove(folder, [ROWS[0].id], "作者来电 13912345678\n要求撤下", after="v1.1.9")
    assert [r.version for r in log] == ["1.1.10"]
    assert log[0].reason == "作者来电 ［手机号］ 要求撤下"
    assert "13912345678" not in (folder / "removed.jsonl").read_text(encoding="utf-8")
    assert remove(folder, [ROWS[1].id], "again", after="1.0.4")[-1].version == "1.1.11"
    with pytest.raises(InputError, match="'newest' is not a version"):
        remove(folder, [ROWS[2].id], "again", after="newest")


def test_packing_again_does_not_bring_a_row_back(folder):
    remove(folder, [ROWS[0].id], "asked")
    assert ROWS[0] not in pack.pack(ROWS, NAMES, folder)
    assert ROWS[0].id not in ids(folder)
    assert len(layout.removals(folder)) == 1


def test_unknown_ids_and_emptying_are_refused_and_change_nothing(folder):
    remove(folder, [ROWS[0].id], "asked")
    before = ids(folder)
    with pytest.raises(InputError, match=r"it was removed before"):
        remove(folder, [ROWS[0].id], "again")
    with pytest.raises(InputError, match="no row has id 'nothing'"):
        remove(folder, [ROWS[1].id, "nothing"], "typo")
    with pytest.raises(InputError, match="no row would be left"):
        remove(folder, sorted(before), "all")
    assert ids(folder) == before
    with pytest.raises(MissingInputError):
        remove(folder / "elsewhere", ["a"], "typo")


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
        lambda: remove(folder, [ROWS[0].id], "asked"),
    ):
        with pytest.raises(InputError, match=r"holds \.git/HEAD, LICENSE, which the kit did not"):
            deed()
    assert (folder / "LICENSE").read_text() == "of the whole"
    assert ids(folder) == {t.id for t in ROWS}
    (folder / "LICENSE").unlink()
    (folder / ".git").rename(tmp_path / "git")
    assert remove(folder, [ROWS[0].id], "asked")


def test_a_folder_packed_before_there_were_lists_is_brought_up_to_date(folder):
    remove(folder, [ROWS[0].id], "asked")
    (folder / "SHA256SUMS").unlink()
    remove(folder, [ROWS[1].id], "asked")
    assert ids(folder) == {t.id for t in ROWS[2:]}
    assert (folder / "SHA256SUMS").is_file()


def test_a_log_outlives_a_packing_that_was_killed_in_the_middle(folder):
    remove(folder, [ROWS[0].id], "asked")
    folder.rename(folder.with_name(".Mine.0123abcd.old"))
    assert ROWS[0] not in pack.pack(ROWS, NAMES, folder)


def test_the_command(folder, root):
    command = [sys.executable, "-m", "dataset_builder", "remove", str(folder)]
    done = subprocess.run(
        [*command, "--id", ROWS[2].id, "--reason", "asked"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "version 1.0.1, 1 rows removed in all" in done.stdout
