from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
from pathlib import Path

import pytest

from coig_writer.errors import InputError
from coig_writer.folder import SUMS, atomic_folder


def write(path, *names, kind="thing", also=()):
    with atomic_folder(path, kind, also) as partial:
        for name in names:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_text(name)


def half_folder(path):
    with atomic_folder(path, "thing") as partial:
        (partial / "a").write_text("half")
        raise RuntimeError


def content(folder):
    return {p.relative_to(folder).as_posix(): p.lstat().st_mtime_ns for p in folder.rglob("*")}


def test_a_folder_is_replaced_whole(tmp_path):
    for text in ("one", "two"):
        write(tmp_path / "folder", text)
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == [SUMS, "two"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_nothing_half_made_is_left(tmp_path):
    with pytest.raises(RuntimeError):
        half_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "folder", "one")
    with pytest.raises(RuntimeError):
        half_folder(tmp_path / "folder")
    assert (tmp_path / "folder" / "one").read_text() == "one"


def test_the_list_is_one_that_sha256sum_checks(tmp_path):
    write(tmp_path / "folder", "a", "b c/文")
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", SUMS],
        cwd=tmp_path / "folder",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def stranger(folder):
    (folder / "LICENSE").write_text("mine")


def clone(folder):
    (folder / ".git" / "refs" / "heads").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref")


def nested(folder):
    (folder / "a" / "notes.txt").write_text("mine")


def link(folder):
    (folder / "link").symlink_to(folder.parent)


def linked_folder(folder):
    (folder / "a" / "elsewhere").symlink_to(folder.parent, target_is_directory=True)


def replaced_by_a_link(folder):
    (folder / "a" / "one").unlink()
    (folder / "outside").write_text("a/one")
    (folder / "outside").rename(folder.parent / "outside")
    (folder / "a" / "one").symlink_to(folder.parent / "outside")


def edited(folder):
    (folder / "a" / "one").write_text("more")


def empty(folder):
    (folder / "drafts").mkdir()


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        (stranger, "holds LICENSE, which the kit did not write"),
        (clone, r"holds \.git/HEAD, \.git/refs/heads/, which"),
        (nested, "holds a/notes.txt, which"),
        (link, "holds link, which"),
        (linked_folder, "holds a/elsewhere, which"),
        (replaced_by_a_link, "a/one changed after the kit wrote it"),
        (edited, "a/one changed after the kit wrote it"),
        (empty, "holds drafts/, which"),
    ],
)
def test_what_the_kit_did_not_write_is_never_replaced(tmp_path, deed, named):
    out = tmp_path / "folder"
    write(out, "a/one", "two")
    deed(out)
    before = content(out)
    with pytest.raises(InputError, match=f"{named}.*; nothing was replaced"):
        write(out, "a/one", "two")
    assert content(out) == before
    assert not list(tmp_path.glob(".*"))


def test_what_the_kit_adds_later_is_its_own(tmp_path):
    write(tmp_path / "folder", "one")
    (tmp_path / "folder" / "page.html").write_text("added")
    write(tmp_path / "folder", "one", also=("*.html",))
    (tmp_path / "folder" / "page.htm").write_text("added")
    with pytest.raises(InputError, match=r"holds page.htm, which"):
        write(tmp_path / "folder", "one", also=("*.html",))


def test_what_a_killed_process_left_unfinished_is_the_kits_own(tmp_path):
    path = tmp_path / "folder"
    write(path, "a/one")
    for name in ("a/.one.0123abcd.partial", ".notes.html.0123abcd.partial"):
        (path / name).write_text("half")
    with pytest.raises(InputError, match=r"notes\.html"):
        write(path, "two")
    write(path, "two", also=("*.html",))
    assert sorted(p.name for p in path.iterdir()) == [SUMS, "two"]


def test_a_folder_of_another_kind_is_refused(tmp_path):
    write(tmp_path / "folder", "one", kind="report")
    with pytest.raises(InputError, match="holds a report, and this would be a thing; nothing"):
        write(tmp_path / "folder", "one")


def test_what_arrives_while_the_new_folder_is_made_is_kept(tmp_path):
    out = tmp_path / "folder"
    write(out, "one")

    def late():
        with atomic_folder(out, "thing") as partial:
            (partial / "one").write_text("new")
            (out / "late").write_text("mine")

    with pytest.raises(InputError, match="holds late, which"):
        late()
    assert (out / "late").read_text() == "mine"
    assert (out / "one").read_text() == "one"
    assert not list(tmp_path.glob(".*"))


def test_strangers_folders_files_and_links_are_refused(tmp_path):
    own, file, link = tmp_path / "own", tmp_path / "file", tmp_path / "link"
    own.mkdir()
    (own / "README.md").write_text("mine")
    # a list of somebody else's, even a right one, makes nothing the kit's
    (own / SUMS).write_text("0" * 64 + "  README.md\n")
    file.write_text("mine")
    link.symlink_to(own)
    for path, named in (
        (own, r"holds README.md, SHA256SUMS, which"),
        (file, "a file, not a folder"),
        (link, "a symbolic link to"),
    ):
        with pytest.raises(InputError, match=named):
            write(path, "README.md")
    assert (own / "README.md").read_text() == "mine"
    assert link.is_symlink()
    assert file.read_text() == "mine"


def test_an_empty_folder_and_the_current_one_may_be_given(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "one")
    assert (tmp_path / "empty" / "one").is_file()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(Path(), "one")
    assert (tmp_path / "here" / "one").is_file()


def earlier_version(folder, *names):
    """A folder as the kit wrote it before its folders had lists."""
    write(folder, *names)
    (folder / "facts.json").write_text(json.dumps({"facts": [{"kit_version": "0.1"}]}))
    (folder / SUMS).unlink()


def test_a_folder_of_an_earlier_version_is_known_by_its_record_and_its_names(tmp_path):
    out = tmp_path / "folder"
    earlier_version(out, "report.html")
    write(out, "report.html", "facts.json")
    assert (out / SUMS).is_file()
    earlier_version(tmp_path / "other", "report.html", "data/old/rows.parquet")
    with pytest.raises(InputError, match=r"holds data/old/rows.parquet, which"):
        write(tmp_path / "other", "report.html", "facts.json")
    write(tmp_path / "other", "report.html", "facts.json", also=("data/*/*.parquet",))
    assert not (tmp_path / "other" / "data").exists()


def test_a_replacement_that_was_killed_in_the_middle_is_undone(tmp_path):
    out = tmp_path / "folder"
    write(out, "one")
    out.rename(tmp_path / ".folder.0123abcd.old")
    with pytest.raises(RuntimeError):
        half_folder(out)
    assert (out / "one").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def again_and_again(out, name, times):
    for _ in range(times):
        write(out, name)


def test_processes_at_once_leave_one_whole_folder(tmp_path):
    out = tmp_path / "folder"
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=again_and_again, args=(out, n, 40)) for n in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0, 0]
    (name,) = [p.name for p in out.iterdir() if p.name != SUMS]
    assert (out / SUMS).read_text().rstrip().endswith(f"  {name}")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_killed_writer_never_takes_the_old_folder_along(tmp_path):
    out = tmp_path / "folder"
    write(out, "one")
    for _ in range(10):
        writer = multiprocessing.get_context("fork").Process(
            target=again_and_again, args=(out, "one", 100_000)
        )
        writer.start()
        writer.join(0.03)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert out.is_dir() or list(tmp_path.glob(".folder.*.old"))
    write(out, "one")
    assert (out / "one").read_text() == "one"
