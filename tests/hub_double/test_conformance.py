"""The double refuses what the Hub refuses: the list in README.md, one test per promise."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys

import httpx
import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_double.client import client
from tests.hub_double.server import TOKEN

ID = {"repo_id": "user/data", "repo_type": "dataset"}
CARD = "---\nlicense: odc-by\n---\n"
HEADERS = {"authorization": f"Bearer {TOKEN}"}


def add(path, content):
    return CommitOperationAdd(path, content.encode() if isinstance(content, str) else content)


def test_repositories_are_made_once_and_missing_ones_are_named(api):
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info(**ID)
    api.create_repo(**ID)
    api.create_repo(**ID, exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(**ID)
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(**ID, revision="v9")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(**ID, filename="gone", force_download=True)


def test_a_wrong_token_writes_nothing(hub, patient):
    with pytest.raises(HfHubHTTPError):
        client(hub, "hf_wrong").create_repo(**ID)
    assert hub.repositories == {}


def test_files_are_listed_with_the_hashes_of_git_and_lfs(api):
    api.create_repo(**ID)
    api.create_commit(
        **ID,
        operations=[add("README.md", CARD), add("data/x.parquet", b"PAR1")],
        commit_message="m",
    )
    found = {f.path: f for f in api.list_repo_tree(**ID, recursive=True) if hasattr(f, "size")}
    blob = hashlib.sha1(b"blob %d\0" % len(CARD) + CARD.encode()).hexdigest()
    assert found["README.md"].blob_id == blob
    assert found["README.md"].lfs is None
    assert found["data/x.parquet"].lfs.sha256 == hashlib.sha256(b"PAR1").hexdigest()


def test_a_squash_leaves_one_commit_of_a_history_and_what_is_tagged(hub, api):
    api.create_repo(**ID)
    heads = []
    for content in ("1", "2", "3"):
        added = [add("x.txt", content)]
        heads.append(api.create_commit(**ID, operations=added, commit_message="m").oid)
    api.create_tag(**ID, tag="kept", revision=heads[0])
    api.super_squash_history(**ID)
    commits = hub.repository("user/data").commits
    assert commits.keys() == {heads[0], api.repo_info(**ID).sha}
    assert {tree["x.txt"].content for tree in commits.values()} == {b"1", b"3"}


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ("license: odc-by-sa", "license"),
        ("configs:\n- config_name: a\n- config_name: a\n", "duplicate"),
        (
            "configs:\n- config_name: a\n  default: true\n- config_name: b\n  default: true\n",
            "more than one default",
        ),
        ("license: [", "not YAML"),
    ],
)
def test_a_bad_card_is_refused_by_validation_and_by_the_commit(hub, api, metadata, complaint):
    api.create_repo(**ID)
    text = f"---\n{metadata}\n---\n"
    with pytest.raises(ValueError, match=complaint):
        api.create_commit(**ID, operations=[add("README.md", text)], commit_message="m")
    lines = (
        b'{"key":"header","value":{"summary":"m"}}\n{"key":"file","value":{"path":"README.md","content":"'
        + __import__("base64").b64encode(text.encode())
        + b'","encoding":"base64"}}\n'
    )
    answer = httpx.post(
        f"{hub.url}/api/datasets/user/data/commit/main", content=lines, headers=HEADERS
    )
    assert answer.status_code == 400
    assert list(hub.repository("user/data").tree("main")) == [".gitattributes"]


def test_an_object_with_another_hash_or_size_is_refused(hub, api):
    api.create_repo(**ID)
    right = hashlib.sha256(b"PAR1").hexdigest()
    for oid, size in (("0" * 64, 4), (right, 5)):
        answer = httpx.put(f"{hub.url}/_lfs/dataset/user/data/{oid}/{size}", content=b"PAR1")
        assert answer.status_code == 400
    assert hub.repository("user/data").lfs == {}


def test_a_commit_that_names_a_missing_object_is_refused_whole(hub, api):
    api.create_repo(**ID)
    lines = (
        '{"key":"header","value":{"summary":"m"}}\n'
        '{"key":"file","value":{"path":"a.txt","content":"YQ==","encoding":"base64"}}\n'
        '{"key":"lfsFile","value":{"path":"x.parquet","algo":"sha256","oid":"%s","size":4}}\n'
    ) % ("0" * 64)
    answer = httpx.post(
        f"{hub.url}/api/datasets/user/data/commit/main", content=lines, headers=HEADERS
    )
    assert answer.status_code == 400
    assert "a.txt" not in hub.repository("user/data").tree("main")


def test_a_stale_parent_is_refused(api):
    api.create_repo(**ID)
    parent = api.repo_info(**ID).sha
    api.create_commit(**ID, operations=[add("a.txt", "a")], commit_message="m")
    with pytest.raises(HfHubHTTPError, match="412"):
        api.create_commit(
            **ID, operations=[add("b.txt", "b")], commit_message="m", parent_commit=parent
        )


def test_deleting_what_is_not_there_is_refused(api):
    from huggingface_hub import CommitOperationDelete

    api.create_repo(**ID)
    with pytest.raises(EntryNotFoundError):
        api.create_commit(**ID, operations=[CommitOperationDelete("gone")], commit_message="m")


def test_an_empty_commit_would_be_noticed(hub, api):
    api.create_repo(**ID)
    content = '{"key":"header","value":{"summary":"nothing"}}\n'
    url = f"{hub.url}/api/datasets/user/data/commit/main"
    assert httpx.post(url, content=content, headers=HEADERS).status_code == 200
    assert hub.repository("user/data").messages == ["made", "nothing"]


def test_pull_requests_and_tags(api):
    api.create_repo(**ID)
    head = api.repo_info(**ID).sha
    info = api.create_commit(
        **ID, operations=[add("a.txt", "a")], commit_message="m", create_pr=True
    )
    assert info.pr_num == 1
    assert api.repo_info(**ID).sha == head
    api.create_tag(**ID, tag="v1")
    api.create_tag(**ID, tag="v1", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_tag(**ID, tag="v1")
    refs = api.list_repo_refs(**ID, include_pull_requests=True)
    assert [(t.name, t.target_commit) for t in refs.tags] == [("v1", head)]
    assert [r.ref for r in refs.pull_requests] == ["refs/pr/1"]


def test_ranges_and_etags(hub, api):
    api.create_repo(**ID)
    api.create_commit(**ID, operations=[add("x.parquet", b"0123456789")], commit_message="m")
    url = f"{hub.url}/datasets/user/data/resolve/main/x.parquet"
    part = httpx.get(url, headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    whole = httpx.head(url)
    assert whole.headers["etag"] == f'"{hashlib.sha256(b"0123456789").hexdigest()}"'
    assert whole.headers["x-repo-commit"] == api.repo_info(**ID).sha


def test_card_validation_is_asked_of_the_double(hub, api):
    api.create_repo(**ID)
    with pytest.raises((BadRequestError, ValueError)):
        api.create_commit(
            **ID, operations=[add("README.md", "---\nlicense: no\n---\n")], commit_message="m"
        )
    assert "POST /api/validate-yaml" in hub.requests


def test_one_command_serves_it_for_a_person(root, tmp_path):
    command = [sys.executable, "-m", "tests.hub_double"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        lines = list(
            iter(
                served.stdout.readline,
                "# type these lines in another shell; Ctrl-C here ends the double\n",
            )
        )
        names = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        asked = "from huggingface_hub import whoami; print(whoami()['name'])"
        done = subprocess.run(
            [sys.executable, "-c", asked],
            env=os.environ | names,
            capture_output=True,
            text=True,
            check=False,
        )
        served.send_signal(signal.SIGINT)
        assert served.wait(300) == 0
    assert done.stdout == "user\n", done.stderr
