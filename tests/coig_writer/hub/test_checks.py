"""Every reason for a refusal, one at a time."""

from __future__ import annotations

import json
import subprocess

import pytest

from coig_writer.errors import MissingInputError, PublicationError
from coig_writer.hub import checks, licenses, release, viewer
from tests.coig_writer.hub import folders


def found(folder, name="user/COIG-Writer"):
    return "\n".join(str(p) for p in checks.problems(release.read(folder), name))


@pytest.fixture
def dataset(tmp_path):
    return folders.dataset(tmp_path / "COIG-Writer")


def test_sound_folders_have_no_problem(tmp_path, dataset):
    assert found(dataset) == ""
    assert found(folders.model(tmp_path / "cw"), "user/cw") == ""
    assert found(folders.space(tmp_path / "space"), "user/arena") == ""


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("COIG-Writer.py", "refuse a script named like"),
        ("coig-writer.py", "refuse a script named like"),
        (".DS_Store", "left over by a program"),
        ("data/._x", "left over by a program"),
        ("Human evaluation results/cw.json", "split 'evaluation'"),
        ("dev/notes.md", "split 'dev'"),
        ("my_test.jsonl", "split 'test'"),
        ("train/notes.md", "split 'train'"),
        ("weights.pkl", "is a pickle"),
    ],
)
def test_names_that_do_not_belong(dataset, path, complaint):
    (dataset / path).parent.mkdir(exist_ok=True)
    (dataset / path).write_text("x")
    assert complaint in found(dataset)


@pytest.mark.parametrize("name", ["COIG-Writer", "a/b/c", "a/b--c", "-a/b", "a/b..c"])
def test_names_of_repositories(dataset, name):
    assert "is not a repository name" in found(dataset, name)


def card(folder, old, new):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert old in text
    (folder / "README.md").write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("odc-by", "odc-by-sa", "license 'odc-by-sa'"),
        ("odc-by", "other", "has no license_name"),
        ("- zh", "- Chinese", "language 'Chinese'"),
        ("  default: true\n", "", "not none"),
        ("config_name: poetry", "config_name: poetry\n  default: true", "not default and poetry"),
        ("config_name: poetry", "config_name: default", "names config 'default' 2 times"),
        ("config_name: poetry", "config_name: 'po/etry'", "not a config name"),
        ("data/poetry/train-*", "data/poem/train-*", "no file fits data/poem/"),
        ("split: train", "split: tr-ain", "not a split name"),
        ("data/*/train-*.parquet", "data/poetry/*.parquet", "no config reaches it"),
        ("license: odc-by", "license: [mit]", "license ['mit']"),
        ("- zh", "- {zh: 1}", "language {'zh': 1}"),
        ("license:", "tags: 3\nlicense:", "tags is not a list of names"),
        ("path: data/poetry/train-*.parquet", "path: 3", "not a list of split and path"),
        ("- split: train\n    path: data/poetry/train-*.parquet", "- train", "not a list of split"),
    ],
)
def test_the_card(dataset, old, new, complaint):
    card(dataset, old, new)
    assert complaint in found(dataset)


def test_a_star_stops_at_a_slash_as_in_datasets(dataset):
    (dataset / "data" / "poetry" / "old").mkdir()
    (dataset / "data" / "poetry" / "train-00000-of-00001.parquet").rename(
        dataset / "data" / "poetry" / "old" / "train-00000-of-00001.parquet"
    )
    assert "old/train-00000-of-00001.parquet: no config reaches it" in found(dataset)


def test_cards_without_metadata(dataset):
    for text, complaint in (
        ("# Rows", "no metadata"),
        ("---\n[\n---\n", "not YAML"),
        ("---\n\n---", "empty"),
        ("---\na: &a [x]\nb: [*a, *a]\n---\n", "an alias: write it out"),
        ("---\nlicense: mit\nlicense: odc-by\n---\n", "is given twice"),
        ("---\n1: x\n---\n", "the key 1 is not a name"),
        ("---\na: " + "[" * 5000 + "\n---\n", "not YAML"),
    ):
        (dataset / "README.md").write_text(text)
        with pytest.raises(PublicationError, match=complaint):
            release.read(dataset)
    (dataset / "README.md").unlink()
    with pytest.raises(MissingInputError):
        release.read(dataset)


def test_an_unlocked_mixture_goes_out_only_as_what_it_is(tmp_path):
    pending = folders.model(tmp_path / "pending", revision=None)
    assert "has no revision, and the card does not say so" in found(pending, "user/cw")
    card(pending, "license:", "tags: [unlocked-sources]\nlicense:")
    assert found(pending, "user/cw") == ""
    lock = pending / "mixture.lock.json"
    lock.write_text('{"sources": {"creative": {"revision": "abc"}}}')
    assert "says unlocked-sources, yet each source is locked" in found(pending, "user/cw")
    for text in ("[]", '{"sources": []}', '{"sources": {"a": 1}}', "{"):
        lock.write_text(text)
        assert "mixture.lock.json: " in found(pending, "user/cw")
    lock.unlink()
    assert "the mixture is unlocked" in found(pending, "user/cw")


def test_pairs_are_locked_and_go_out_only_as_without_revision(tmp_path):
    taught = folders.model(tmp_path / "dpo")
    (taught / "mixture.lock.json").unlink()
    lock = taught / "preferences.lock.json"
    lock.write_text('{"train": {"content_sha256": "a"}, "held_out": {"content_sha256": "b"}}')
    assert "its pairs have no revision, and the card does not say so" in found(taught, "user/dpo")
    card(taught, "license:", "tags: [unlocked-sources]\nlicense:")
    assert found(taught, "user/dpo") == ""
    for text in ("[]", '{"train": 1}', '{"train": {"content_sha256": "a"}}', "{"):
        lock.write_text(text)
        assert "preferences.lock.json: " in found(taught, "user/dpo")


def test_a_file_that_is_not_as_the_kit_wrote_it(dataset):
    sums = "".join(f"{f.sha256}  {f.path}\n" for f in release.read(dataset).files)
    (dataset / "SHA256SUMS").write_text(f"# a dataset\n{sums}{'0' * 64}  figures/a.png\n")
    assert found(dataset).count("SHA256SUMS") == 1
    assert "figures/a.png: was written, and is gone" in found(dataset)
    (dataset / "facts.json").write_text('{"facts": [] }')
    assert "facts.json: is not as the kit wrote it" in found(dataset)


def test_the_log_of_removed_rows_has_room_for_no_words(dataset):
    row = {"id": "a", "reason": "author", "version": "1.0.1", "time": "2026-01-02T03:04:05+00:00"}
    (dataset / "removed.jsonl").write_text(json.dumps(row))
    assert found(dataset) == ""
    for other in (
        {"reason": "asked by Li Xiaoming"},
        {"reason": ["author"]},
        {"version": "1.0.1 Li"},
        {"time": "on Li's birthday"},
        {"note": "Li Xiaoming"},
    ):
        (dataset / "removed.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(row | other)}\n")
        told = found(dataset)
        assert "removed.jsonl line 2: tells more than a reason of the list" in told
        assert "Li" not in told
    (dataset / "removed.jsonl").unlink()
    (dataset / "Mine.takedown-notes.jsonl").write_text("{}")
    assert "Mine.takedown-notes.jsonl: holds notes on removals" in found(dataset)


def test_a_link_is_refused(dataset):
    (dataset / "host").symlink_to("/etc/hostname")
    assert "is a link to elsewhere" in found(dataset)


def test_a_dirty_tree(dataset):
    def git(*words):
        subprocess.run(["git", "-C", str(dataset), *words], check=True, capture_output=True)

    assert checks.dirty(dataset) == []
    assert not checks.in_checkout(dataset)
    git("init", "-q")
    assert checks.in_checkout(dataset)
    assert checks.commit(dataset) is None
    assert "README.md" in checks.dirty(dataset)[0].what
    assert checks.dirty(dataset)[1].what == "has no commit"
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "m")
    assert checks.dirty(dataset) == []
    assert len(checks.commit(dataset) or "") == 40
    (dataset / "README.md").write_text("changed")
    assert "README.md" in checks.dirty(dataset)[0].what


def test_a_git_that_fails_is_not_taken_for_clean(dataset, monkeypatch):
    git = ("git", "-C", str(dataset))
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    identity = ("-c", "user.name=n", "-c", "user.email=e@x")
    subprocess.run([*git, *identity, "commit", "-qm", "m"], check=True)
    assert checks.dirty(dataset) == []
    (dataset / ".git" / "index").write_bytes(b"no index")
    assert "git cannot tell what it holds: " in checks.dirty(dataset)[0].what
    monkeypatch.setenv("PATH", "")
    assert "git did not start" in checks.dirty(dataset / "data")[0].what


def parquet_problems(tmp_path, rows, **options):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(rows), tmp_path / "x.parquet", **options)
    return "\n".join(str(p) for p in viewer.parquet(tmp_path / "x.parquet", "x.parquet"))


def test_what_the_viewer_would_stumble_over(tmp_path, monkeypatch):
    rows = {"id": ["a", "b"], "text": ["x", "y"]}
    assert parquet_problems(tmp_path, rows, write_page_index=True) == ""
    assert "no page index" in parquet_problems(tmp_path, rows)
    empty: dict[str, list[str]] = {"id": [], "text": []}
    assert "has no rows" in parquet_problems(tmp_path, empty)
    around = len('{"id": "a", "text": ""}')
    for over, told in ((0, ""), (1, "row 1: is 1,000,001 bytes, the limit 1,000,000")):
        first = {"id": ["a"], "text": ["x" * (1_000_000 - around + over)]}
        assert told in parquet_problems(tmp_path, first, write_page_index=True)
        assert bool(told) == bool(parquet_problems(tmp_path, first, write_page_index=True))
    for over, told in ((0, ""), (1, "row 2: is 2,000,001 bytes, the limit 2,000,000")):
        later = {"id": ["a", "b"], "text": ["x", "y" * (2_000_000 - around + over)]}
        assert told in parquet_problems(tmp_path, later, write_page_index=True)
        assert bool(told) == bool(parquet_problems(tmp_path, later, write_page_index=True))
    monkeypatch.setattr(viewer, "MAX_ROW_GROUP_BYTES", 10)
    assert "row group 0" in parquet_problems(tmp_path, rows, write_page_index=True)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 half")
    assert "not a whole Parquet file" in str(next(viewer.parquet(tmp_path / "x.parquet", "x")))


def of_spdx(license_id):
    """Whether SPDX lists an id, as ``packaging`` carries its list."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return bool(canonicalize_license_expression(license_id))
    except InvalidLicenseExpression:
        return False


def test_license_ids_are_those_of_spdx_but_for_the_hubs_own():
    assert {name for name in licenses.IDS if not of_spdx(name)} == licenses.OF_THE_HUB
    assert {"odc-by", "apache-2.0", "cc0-1.0", "other"} <= licenses.IDS


def test_too_many_files_in_a_folder(dataset, monkeypatch):
    assert (viewer.MAX_FILES, viewer.MAX_ROW_GROUP_BYTES) == (10_000, 286 * 1024 * 1024)
    fullest = max(
        sum(f.is_file() for f in place.iterdir()) for place in [dataset, *dataset.rglob("*/")]
    )
    monkeypatch.setattr(viewer, "MAX_FILES", fullest + 1)
    assert "files, the limit is" not in found(dataset)
    monkeypatch.setattr(viewer, "MAX_FILES", fullest)
    assert "files, the limit is" in found(dataset)


def test_split_words_are_those_of_datasets():
    from datasets.data_files import SPLIT_KEYWORDS

    assert {word for words in SPLIT_KEYWORDS.values() for word in words} == checks.SPLIT_WORDS


def test_the_kind_is_found_out(tmp_path, dataset):
    assert release.read(dataset).kind == "dataset"
    assert release.read(folders.space(tmp_path / "s")).kind == "space"
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "README.md").write_text("---\nlicense: mit\n---\n")
    with pytest.raises(PublicationError, match="--type"):
        release.read(tmp_path / "odd")
