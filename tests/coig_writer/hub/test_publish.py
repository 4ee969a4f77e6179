"""Publication against the double: once, twice, changed, proposed, and with every request failing."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from coig_writer.__main__ import run
from coig_writer.errors import DriftError, PublicationError
from coig_writer.hub import publish as steps
from coig_writer.hub import release as releases
from coig_writer.hub import space
from coig_writer.hub.remote import Repository
from tests.coig_writer.hub import folders
from tests.hub_double.client import PATIENCE_S, client, wait_for
from tests.hub_double.server import Hub

NAME = "user/COIG-Writer"


def send(folder, api, tmp_path, version="v1.0.0", pull=False, repo=NAME):
    release = releases.read(folder)
    scratch = tmp_path / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    remote = Repository(api, repo, release.kind)
    found = steps.difference(release, remote, version, scratch)
    if pull:
        return steps.propose(found, remote, version, "made by a test")
    return steps.publish(found, remote, version, "made by a test", private=True)


def paths(hub, revision="main"):
    return set(hub.repository(NAME).tree(revision)) - {".gitattributes"}


@pytest.mark.parametrize("name", ["a b", "main", "v1..0", "v1.lock", "-x", "版本", "a/b", "v1."])
def test_what_cannot_be_a_tag_is_refused_before_anything_is_sent(name, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    with pytest.raises(PublicationError, match="cannot be a tag"):
        run(["publish", str(folder), "--to", NAME, f"--tag={name}", "--commit"])


def test_one_commit_a_tag_and_every_row_read_back(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    done = send(folder, api, tmp_path)
    there = hub.repository(NAME)
    assert there.messages == ["made", "Release v1.0.0"]
    assert there.tags == {"v1.0.0": there.head} == {"v1.0.0": done.commit}
    assert there.private
    assert paths(hub) == {*releases.read(folder).paths, "CHANGELOG.md"}
    assert (done.files, done.rows) == (5, 3)


def test_no_bar_is_written_to_what_is_no_terminal(hub, api, tmp_path, capsys):
    # With stderr in a pipe that closed, a bar's error kept tqdm's lock, and the upload hung.
    send(folders.dataset(tmp_path / "COIG-Writer"), api, tmp_path)
    assert "%|" not in capsys.readouterr().err


def test_republishing_unchanged_makes_no_commit(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    first = send(folder, api, tmp_path)
    again = send(folder, api, tmp_path)
    assert again.commit is None
    assert again.revision == first.revision
    assert hub.repository(NAME).messages == ["made", "Release v1.0.0"]
    assert not [r for r in hub.requests[len(hub.requests) // 2 :] if "/commit/" in r]


def test_a_new_version_logs_rows_by_id_and_the_old_one_stays(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    send(folder, api, tmp_path)
    changed = {
        "poetry": [folders.triplet("a", "poetry", "另一首诗。"), folders.triplet("d", "poetry")],
        "script": [folders.triplet("c", "script")],
    }
    folders.dataset(folder, changed)
    (folder / "facts.json").unlink()
    send(folder, api, tmp_path, "v1.1.0")
    log = hub.repository(NAME).tree("main")["CHANGELOG.md"].content.decode()
    newest, _, oldest = log.partition("## v1.0.0")
    assert "1 rows added, 1 changed, 1 removed." in newest
    assert "- added `d`\n- changed `a`\n- removed `b`" in newest
    assert "First version: 3 rows." in oldest
    assert "facts.json" not in paths(hub)
    assert "facts.json" in paths(hub, "v1.0.0")


def test_a_version_that_is_taken_is_refused(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    send(folder, api, tmp_path)
    (folder / "facts.json").write_text("{}")
    with pytest.raises(PublicationError, match=r"v1\.0\.0 is already the tag"):
        send(folder, api, tmp_path)
    assert hub.repository(NAME).messages == ["made", "Release v1.0.0"]


def test_a_version_that_would_sort_before_the_newest_is_refused(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    send(folder, api, tmp_path, "v1.9.0")
    (folder / "NOTES.md").write_text("new")
    for version in ("v1.0.1", "1.9.0", "v1.8.11"):
        with pytest.raises(PublicationError, match=r"would sort before v1\.9\.0"):
            send(folder, api, tmp_path, version)
    assert send(folder, api, tmp_path, "v1.10.0").tag == "v1.10.0"
    (folder / "NOTES.md").write_text("newer")
    assert send(folder, api, tmp_path, "camera-ready").tag == "camera-ready"


def test_a_pull_request_leaves_the_main_branch_and_is_opened_once(hub, api, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    with pytest.raises(PublicationError, match="no such repository"):
        send(folder, api, tmp_path, pull=True)
    send(folder, api, tmp_path)
    before = paths(hub)
    (folder / "NOTES.md").write_text("new")
    first = send(folder, api, tmp_path, "v1.1.0", pull=True)
    assert first.pull_request.endswith("/discussions/1")
    again = send(folder, api, tmp_path, "v1.1.0", pull=True)
    assert again.commit is None
    assert again.pull_request == "refs/pr/1"
    assert paths(hub) == before
    assert paths(hub, "refs/pr/1") == before | {"NOTES.md"}
    assert "v1.1.0" not in hub.repository(NAME).tags


def test_someone_elses_commit_in_between_is_not_overwritten(hub, api, tmp_path):
    from huggingface_hub import CommitOperationAdd

    folder = folders.dataset(tmp_path / "COIG-Writer")
    send(folder, api, tmp_path)
    (folder / "NOTES.md").write_text("new")
    other = client(hub)

    def meanwhile():
        other.create_commit(
            NAME,
            [CommitOperationAdd("theirs.md", b"theirs")],
            repo_type="dataset",
            commit_message="theirs",
        )

    original = hub.answer

    def answer(handler, body):
        if "/commit/" in handler.path and "theirs" not in hub.repository(NAME).messages:
            hub.answer = original
            meanwhile()
        return original(handler, body)

    hub.answer = answer
    with pytest.raises(PublicationError, match=r"refused \(412\)") as refused:
        send(folder, api, tmp_path, "v1.1.0")
    assert "someone else committed meanwhile" in refused.value.remedy
    assert "theirs.md" in paths(hub)
    assert "NOTES.md" not in paths(hub)


def test_a_wrong_token_is_named_and_never_shown(hub, patient, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    with pytest.raises(PublicationError) as refused:
        send(folder, client(hub, "hf_secretsecretsecret"), tmp_path)
    assert "hf auth login" in str(refused.value)
    assert "hf_secret" not in str(refused.value)
    assert hub.repositories == {}


def count(tmp_path):
    hub = Hub()
    try:
        send(folders.dataset(tmp_path / "count"), client(hub), tmp_path)
        return hub.requests
    finally:
        hub.close()


def attempt(folder, api, tmp_path):
    try:
        send(folder, api, tmp_path)
    except (PublicationError, DriftError) as error:
        return str(error)
    return ""


def survive(folder, tmp_path, number, fault):
    """Publishes with one failing request, then again; checks what stands after each."""
    hub = Hub()
    try:
        api = client(hub)
        hub.fault(number, fault)
        whole = {*releases.read(folder).paths, "CHANGELOG.md"}
        wait_for(1.0 if fault == "hang" else PATIENCE_S)
        failed = attempt(folder, api, tmp_path)
        wait_for(PATIENCE_S)
        assert not failed or "run the same command again" in failed, failed
        if ("dataset", NAME) in hub.repositories:
            assert paths(hub) in (set(), whole)
        done = send(folder, api, tmp_path)
        there = hub.repository(NAME)
        assert paths(hub) == whole
        assert there.messages == ["made", "Release v1.0.0"]
        assert there.tags == {"v1.0.0": there.head}
        assert done.rows == 3
    finally:
        hub.close()
    return failed


@pytest.mark.parametrize("fault", ["refuse", "cut", "lose"])
def test_every_writing_request_failing_once_leaves_all_or_nothing(patient, tmp_path, fault):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    requests = count(tmp_path)
    writing = [n for n, r in enumerate(requests, 1) if r.startswith(("POST", "PUT"))]
    failures = {requests[n - 1]: survive(folder, tmp_path, n, fault) for n in writing}
    (commit,) = [r for r in failures if "/commit/" in r]
    assert failures[commit], "a failing commit must be reported"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "cut", "lose", "hang"])
def test_every_request_failing_once_leaves_all_or_nothing(patient, tmp_path, fault):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    for number in range(1, len(count(tmp_path)) + 1):
        survive(folder, tmp_path, number, fault)


def test_a_wrong_hash_on_reading_back_is_caught(patient, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    requests = count(tmp_path)
    reads = [i for i, r in enumerate(requests, 1) if r.startswith("GET") and "/resolve/" in r]
    failures = [survive(folder, tmp_path, number, "wrong") for number in reads]
    assert all("is not what was sent" in failure for failure in failures)


def test_a_model_leaves_its_pickle_behind(hub, api, tmp_path):
    folder = folders.model(tmp_path / "cw")
    send(folder, api, tmp_path, repo="user/cw")
    there = set(hub.repository("user/cw", "model").tree("v1.0.0"))
    assert "model.safetensors" in there
    assert "training_args.bin" not in there
    assert releases.read(folder).left_out == ("training_args.bin",)


@pytest.mark.parametrize(
    "name", ["missing.whl", "other-1.0-py3-none-any.whl", "coig_writer-1-x.whl"]
)
def test_what_is_no_wheel_of_the_kit_goes_to_no_space(name, tmp_path):
    if name.startswith("other"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("other/__init__.py", "")
    elif name.startswith("coig"):
        (tmp_path / name).write_text("words")
    release = releases.read(folders.space(tmp_path / "space"))
    with pytest.raises(PublicationError, match="no wheel of the kit"):
        space.with_wheel(release, "user/arena", "https://hub", tmp_path / name, tmp_path)


def test_a_space_gets_the_wheel_and_a_line_that_names_it(hub, api, tmp_path):
    folder = folders.space(tmp_path / "space")
    wheel = tmp_path / "coig_writer-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("coig_writer/__init__.py", "")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    release = space.with_wheel(releases.read(folder), "user/arena", hub.url, wheel, scratch)
    remote = Repository(api, "user/arena", "space", "gradio")
    found = steps.difference(release, remote, "v1.0.0", scratch)
    steps.publish(found, remote, "v1.0.0", "", private=False)
    tree = hub.repository("user/arena", "space").tree("main")
    lines = tree["requirements.txt"].content.decode().splitlines()
    sha256 = tree[wheel.name].sha256
    address = f"{hub.url}/spaces/user/arena/resolve/main/{wheel.name}#sha256={sha256}"
    assert lines[1] == f"coig-writer[space] @ {address}"
    assert lines[2] == "gradio==6.31.0"
    (folder / "requirements.txt").write_text("gradio\n")
    with pytest.raises(PublicationError, match="0 lines require coig-writer"):
        space.with_wheel(releases.read(folder), "user/arena", hub.url, wheel, scratch)
