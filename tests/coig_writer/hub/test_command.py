"""The command as it is typed, and what a user then loads with the installed client, in fresh processes."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coig_writer import taxonomy
from dataset_builder.packing import pack, samples
from dataset_builder.packing.remove import remove
from model_cards.release import assemble
from tests.hub_double.client import environment
from tests.hub_double.server import Hub
from tests.model_cards import release

NAME = "user/COIG-Writer"
LOAD = """
from datasets import load_dataset
rows = load_dataset("user/COIG-Writer", "wuxia", split="train")
assert rows["id"] == ["a", "b"], rows["id"]
streamed = load_dataset("user/COIG-Writer", split="train", streaming=True)
assert sorted(row["id"] for row in streamed) == ["a", "b", "c", "d"]
old = load_dataset("user/COIG-Writer", split="train", revision="v1.0.0")
new = load_dataset("user/COIG-Writer", split="train", revision="v1.1.0")
print(f"{len(old)} rows, then {len(new)}")
"""


SAMPLES = [
    t for g in ("wuxia", "slogan") for t in samples.read(taxonomy.published()) if t.genre == g
]
*ROWS, LATER = (dataclasses.replace(t, id=i) for t, i in zip(SAMPLES, "abcd", strict=True))


def packed(folder, rows):
    shutil.rmtree(folder / ".git", ignore_errors=True)  # a folder with a checkout is not replaced
    pack.pack(rows, taxonomy.published(), folder)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("made") / "COIG-Writer", ROWS)


@pytest.fixture
def folder(made, tmp_path):
    """A small dataset whose facts and card are those of its rows."""
    return Path(shutil.copytree(made, tmp_path / "COIG-Writer"))


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
        check_in(folder)
        return python("-m", "coig_writer", "publish", str(folder), *words, code=code)

    return run


def check_in(folder):
    git(folder, "init", "-q")
    git(folder, "add", "-f", ".")
    identity = ("-c", "user.name=n", "-c", "user.email=e@x")
    git(folder, *identity, "commit", "-qm", "m", "--allow-empty")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_a_dry_run_changes_nothing(publish, hub, folder):
    out = publish(folder, "--to", NAME)
    assert "the repository is not there yet and would be made" in out
    assert "+ data/wuxia/train-00000-of-00001.parquet" in out
    assert "3 rows added" in out
    assert "dry run: nothing was sent" in out
    assert hub.repositories == {}


def test_ctrl_c_ends_an_upload_that_hangs_and_says_what_is_not_known(
    hub, folder, tmp_path, monkeypatch
):
    uploading, never = threading.Event(), threading.Event()

    def handle(handler):
        if handler.command != "PUT":
            Hub.handle(hub, handler)
            return
        uploading.set()
        never.wait(600)

    monkeypatch.setattr(hub, "handle", handle)
    check_in(folder)
    words = ("-m", "coig_writer", "publish", str(folder), "--to", NAME, "--commit")
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=tmp_path,
        env=os.environ | environment(hub, tmp_path / "home"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert uploading.wait(300)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "stopped: the commit was under way; whether it arrived is not known" in errors
    assert "nothing half-made" not in errors


def test_ctrl_c_that_another_thread_gets_ends_the_wait_for_the_hub_too():
    script = (
        "import signal, threading, time\n"
        "from coig_writer.hub.remote import in_background\n"
        "def call():\n"
        "    time.sleep(1)\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGINT)\n"
        "    time.sleep(600)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: in_background(call)\n"
        "except KeyboardInterrupt: raise SystemExit(7)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=300)
    assert done.returncode == 7


def test_published_rows_are_loaded_streamed_and_versioned(publish, python, folder):
    out = publish(folder, "--to", NAME, "--tag", "v1.0.0", "--commit", "--public")
    assert re.search(r"tag v1\.0\.0; read back: \d+ files and [\d,]+ rows, equal", out)
    packed(folder, [*ROWS, LATER])
    publish(folder, "--to", NAME, "--tag", "v1.1.0", "--commit")
    assert "3 rows, then 4" in python("-c", LOAD)


@pytest.mark.slow
def test_a_takedown_gets_the_version_that_its_log_names_and_sorts_last(publish, hub, folder):
    publish(folder, "--to", NAME, "--commit")
    assert set(hub.repository(NAME).tags) == {"v1.0.0"}
    packed(folder, [*ROWS, LATER])
    publish(folder, "--to", NAME, "--tag", "v1.1.0", "--commit")
    shutil.copytree(folder, again := folder.parent / "again")
    for place in (folder, again):
        shutil.rmtree(place / ".git")  # as above
    remove(folder, ["d"], "author")
    out = publish(folder, "--to", NAME, "--commit", code=1)
    assert "v1.0.1 would sort before v1.1.0" in out
    out = publish(folder, "--to", NAME, "--tag", "v1.1.1", "--commit", code=1)
    assert "the log of removed rows says version 1.0.1, the tag would be v1.1.1" in out
    remove(again, ["d"], "author", after="v1.1.0")
    publish(again, "--to", NAME, "--commit")
    assert set(hub.repository(NAME).tags) == {"v1.0.0", "v1.1.0", "v1.1.1"}


def edit_cell(folder):
    (file,) = (folder / "data" / "wuxia").glob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[1]["answer"] += "添一句。"
    changed = pa.Table.from_pylist(rows, schema=table.schema)
    pq.write_table(changed, file, write_page_index=True)


def edit_fact(folder):
    file = folder / "facts.json"
    file.write_text(file.read_text().replace('"value": 3,', '"value": 4,', 1))


def edit_prose(folder):
    file = folder / "README.md"
    file.write_text(file.read_text(encoding="utf-8") + "\nThe best of all.\n", encoding="utf-8")


@pytest.mark.parametrize("edit", [edit_cell, edit_fact, edit_prose])
def test_an_edited_cell_fact_or_word_is_sent_nowhere(publish, hub, folder, edit):
    edit(folder)
    (folder / "SHA256SUMS").unlink()  # as someone would who means it
    told = "its numbers or words are not those of its artefacts"
    assert told in publish(folder, "--to", NAME, "--commit", code=1)
    assert hub.requests == []


def test_a_refusal_lists_every_problem(publish, hub, folder):
    (folder / "COIG-Writer.py").write_text("x")
    (folder / ".DS_Store").write_text("x")
    out = publish(folder, "--to", NAME, "--commit", code=1)
    assert "COIG-Writer.py: " in out
    assert ".DS_Store: " in out
    assert hub.requests == []


def test_a_dirty_checkout_is_refused(python, hub, folder):
    git(folder, "init", "-q")
    out = python("-m", "coig_writer", "publish", str(folder), "--to", NAME, "--commit", code=1)
    assert "has changes that are in no commit" in out
    assert hub.requests == []


def test_a_release_made_outside_any_checkout_says_so(python, hub, folder):
    as_installed = """
from coig_writer import __main__ as command
from coig_writer.hub import checks
checks.in_checkout = lambda _folder: False  # these tests run the kit from its own checkout
command.run()
"""
    out = python("-c", as_installed, "publish", str(folder), "--to", NAME)
    assert "no git checkout around it: the release will not say what it was made from" in out


def test_check_needs_no_network_and_tells_everything_at_once(python, hub, folder):
    out = python("-m", "coig_writer", "check", str(folder))
    assert "files, no problem" in out
    (folder / "benchmark_test.jsonl").write_text("{}")
    (folder / "facts.json").unlink()
    out = python("-m", "coig_writer", "check", str(folder), code=1)
    assert "split 'test'" in out
    assert "facts.json: is missing" in out
    assert hub.requests == []


def test_the_packed_samples_pass(python, packed_samples):
    assert "no problem" in python("-m", "coig_writer", "check", str(packed_samples))


@pytest.mark.slow
def test_a_published_model_is_loaded(publish, python, root, tmp_path):
    python(str(root / "recipes" / "smoke.py"), "--out", str(tmp_path / "smoke"))
    card = release.build(tmp_path / "build", tmp_path / "smoke")
    folder = tmp_path / "release" / release.VARIANT
    assemble(release.VARIANT, card.parents[1], folder, None)
    publish(folder, "--to", "user/cw", "--commit", "--build", str(tmp_path / "build"))
    code = (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained('user/cw')\n"
        "model = AutoModelForCausalLM.from_pretrained('user/cw', revision='v0.2.0')\n"
        "print(model.num_parameters() > 1000, len(tokenizer) > 1000)"
    )
    assert "True True" in python("-c", code)
