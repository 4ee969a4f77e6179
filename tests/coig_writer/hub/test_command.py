"""The command as it is typed, and what a user then loads with the installed client, in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.coig_writer.hub import folders
from tests.hub_double.client import environment

NAME = "user/COIG-Writer"
LOAD = """
from datasets import load_dataset
rows = load_dataset("user/COIG-Writer", "poetry", split="train")
assert rows["id"] == ["a", "b"], rows["id"]
streamed = load_dataset("user/COIG-Writer", split="train", streaming=True)
assert sorted(row["id"] for row in streamed) == ["a", "b", "c", "d"]
old = load_dataset("user/COIG-Writer", split="train", revision="v1.0.0")
new = load_dataset("user/COIG-Writer", split="train", revision="v1.1.0")
print(f"{len(old)} rows, then {len(new)}")
"""


@pytest.fixture
def python(hub, tmp_path):
    """Runs Python in a folder of its own, against the double."""
    place = tmp_path / "elsewhere"
    place.mkdir()

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=place,
            env=os.environ | environment(hub, tmp_path / "home"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr[-3000:]
        return done.stdout + done.stderr

    return run


@pytest.fixture
def publish(python):
    """Runs `coig-writer publish` on a folder that is a clean checkout."""

    def run(folder, *words, code=0):
        git(folder, "init", "-q")
        git(folder, "add", "-f", ".")
        identity = ("-c", "user.name=n", "-c", "user.email=e@x")
        git(folder, *identity, "commit", "-qm", "m", "--allow-empty")
        return python("-m", "coig_writer", "publish", str(folder), *words, code=code)

    return run


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_a_dry_run_changes_nothing(publish, hub, tmp_path):
    out = publish(folders.dataset(tmp_path / "COIG-Writer"), "--to", NAME)
    assert "the repository is not there yet and would be made" in out
    assert "+ data/poetry/train-00000-of-00001.parquet" in out
    assert "3 rows added" in out
    assert "dry run: nothing was sent" in out
    assert hub.repositories == {}


def test_published_rows_are_loaded_streamed_and_versioned(publish, python, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    out = publish(folder, "--to", NAME, "--tag", "v1.0.0", "--commit", "--public")
    assert "tag v1.0.0; read back: 5 files and 3 rows, equal" in out
    rows = {
        "poetry": [folders.triplet("a", "poetry"), folders.triplet("b", "poetry")],
        "script": [folders.triplet("c", "script")],
        "wuxia": [folders.triplet("d", "wuxia")],
    }
    folders.dataset(folder, rows)
    publish(folder, "--to", NAME, "--tag", "v1.1.0", "--commit")
    assert "3 rows, then 4" in python("-c", LOAD)


def test_the_version_of_a_dataset_is_its_own(publish, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    publish(folder, "--to", NAME, "--commit")
    assert set(hub.repository(NAME).tags) == {"v1.0.0"}
    fact = {"id": "removed/version", "value": "1.0.1"}
    (folder / "facts.json").write_text(json.dumps({"facts": [fact]}))
    publish(folder, "--to", NAME, "--commit")
    assert set(hub.repository(NAME).tags) == {"v1.0.0", "v1.0.1"}


def test_a_refusal_lists_every_problem(publish, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    (folder / "COIG-Writer.py").write_text("x")
    (folder / ".DS_Store").write_text("x")
    out = publish(folder, "--to", NAME, "--commit", code=1)
    assert "COIG-Writer.py: " in out
    assert ".DS_Store: " in out
    assert hub.requests == []


def test_a_dirty_checkout_is_refused(python, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    git(folder, "init", "-q")
    out = python("-m", "coig_writer", "publish", str(folder), "--to", NAME, "--commit", code=1)
    assert "has changes that are in no commit" in out
    assert hub.requests == []


def test_a_release_made_outside_any_checkout_says_so(python, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    as_installed = """
from coig_writer import __main__ as command
from coig_writer.hub import checks
checks.in_checkout = lambda _folder: False  # these tests run the kit from its own checkout
command.run()
"""
    out = python("-c", as_installed, "publish", str(folder), "--to", NAME)
    assert "no git checkout around it: the release will not say what it was made from" in out


def test_check_needs_no_network(python, hub, tmp_path):
    folder = folders.dataset(tmp_path / "COIG-Writer")
    out = python("-m", "coig_writer", "check", str(folder))
    assert "a dataset of 4 files, no problem" in out
    (folder / "benchmark_test.jsonl").write_text("{}")
    out = python("-m", "coig_writer", "check", str(folder), code=1)
    assert "split 'test'" in out
    assert hub.requests == []


def test_the_packed_samples_pass(python, packed_samples):
    assert "no problem" in python("-m", "coig_writer", "check", str(packed_samples))


@pytest.mark.slow
def test_a_published_model_is_loaded(publish, python, root, tmp_path):
    folder = folders.model(tmp_path / "cw")
    (folder / "config.json").unlink()
    (folder / "model.safetensors").unlink()
    card = (folder / "README.md").read_text()
    python(str(root / "recipes" / "smoke.py"), "--out", str(tmp_path / "smoke"))
    for file in (tmp_path / "smoke").iterdir():
        file.rename(folder / file.name)
    (folder / "README.md").write_text(card)
    publish(folder, "--to", "user/cw", "--commit")
    code = (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained('user/cw')\n"
        "model = AutoModelForCausalLM.from_pretrained('user/cw', revision='v0.1.0')\n"
        "print(model.num_parameters() > 1000, len(tokenizer) > 1000)"
    )
    assert "True True" in python("-c", code)
