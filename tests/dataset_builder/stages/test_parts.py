"""Parts: one outcome per document, whatever happens to the process."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.document import Document, Dropped, dropped
from coig_writer.errors import InputError, MissingInputError
from coig_writer.record import to_row
from dataset_builder.stages.parts import Parts, read_dropped, read_kept
from dataset_builder.stages.stage import deciding, run


def source(path, names):
    rows = (json.dumps(to_row(Document(id=n, text=f"文{n}")), ensure_ascii=False) for n in names)
    path.write_text("".join(r + "\n" for r in rows), encoding="utf-8")
    return path


def keep_even(documents):
    return [d if len(d.id) % 2 == 0 else dropped(d, "assess", "odd_name", d.id) for d in documents]


def ran(parts, process):
    return run(deciding(lambda: (parts, process)))


def ids(parts):
    kept = [d.id for d in read_kept(parts.root, parts.stage)]
    lost = [d.document.id for d in read_dropped(parts.root, parts.stage)]
    return kept, lost


@settings(max_examples=40)
@given(
    names=st.lists(st.text("abc甲乙", min_size=1, max_size=4), unique=True, max_size=30),
    part_size=st.integers(1, 7),
)
def test_every_document_is_kept_or_dropped_never_both_or_neither(
    tmp_path_factory, names, part_size
):
    root = tmp_path_factory.mktemp("flow")
    parts = Parts(root, "assess", {}, source(root / "in.jsonl", names), part_size)
    counts = ran(parts, keep_even)
    kept, lost = ids(parts)
    assert sorted(kept + lost) == sorted(names)
    assert kept == [n for n in names if len(n) % 2 == 0]
    assert (counts.read, counts.kept) == (len(names), len(kept))


@pytest.mark.parametrize("wrong", [lambda d: d[:-1], lambda d: [*d, d[0]], lambda d: d[::-1]])
def test_a_stage_that_loses_doubles_or_swaps_is_caught(tmp_path, wrong):
    parts = Parts(tmp_path, "assess", {}, source(tmp_path / "in.jsonl", ["a", "b"]))
    with pytest.raises(InputError, match="outcomes for 2 documents"):
        ran(parts, wrong)
    assert not parts.out.exists()


def test_a_finished_stage_is_not_run_again_until_something_changes(tmp_path):
    path = source(tmp_path / "in.jsonl", ["a", "bb"])
    runs = []

    def process(documents):
        runs.append(len(documents))
        return keep_even(documents)

    ran(Parts(tmp_path, "assess", {"least": 6}, path), process)
    ran(Parts(tmp_path, "assess", {"least": 6}, path), process)
    assert runs == [2]
    ran(Parts(tmp_path, "assess", {"least": 7}, path), process)
    source(path, ["a", "bb", "c"])
    ran(Parts(tmp_path, "assess", {"least": 7}, path), process)
    assert runs == [2, 2, 3]


def test_open_documents_are_looked_at_again(tmp_path):
    path = source(tmp_path / "in.jsonl", ["a"])
    parts = Parts(tmp_path, "screen", {}, path)
    counts = ran(parts, lambda d: [dropped(x, "screen", "unscored_refused", "no") for x in d])
    assert (counts.open, counts.dropped) == (1, 0)
    assert ran(parts, list).kept == 1


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(MissingInputError, match="dataset_builder collect"):
        ran(Parts(tmp_path, "assess"), list)


KILLED = """
import os, sys, time
from pathlib import Path
from coig_writer.document import dropped
from dataset_builder.stages.parts import Parts
from dataset_builder.stages.stage import deciding, run
root = Path(sys.argv[1])
def process(documents):
    with (root / "decided.txt").open("a") as log:
        log.write(documents[0].id + "\\n")
    if documents[0].id == sys.argv[2]:
        time.sleep(600)
    return [d if d.id[-1] in "02468" else dropped(d, "assess", "odd", d.id) for d in documents]
parts = Parts(root, "assess", {}, root / "in.jsonl", 2)
print(run(deciding(lambda: (parts, process))).kept)
"""


def test_kill_9_inside_a_stage_loses_and_doubles_nothing(tmp_path, root):
    names = [f"d{n}" for n in range(20)]
    source(tmp_path / "in.jsonl", names)
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    process = subprocess.Popen([*command, "d6"], cwd=root)  # stands still in the fourth part
    log = tmp_path / "decided.txt"
    while not (log.is_file() and "d6" in log.read_text().split()):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    parts = Parts(tmp_path, "assess", {}, tmp_path / "in.jsonl", 2)
    assert not parts.out.exists()
    subprocess.run([*command, ""], cwd=root, check=True)
    kept, lost = ids(parts)
    assert sorted(kept + lost) == sorted(names)
    # only the part that was under way at the kill is decided twice
    assert Counter(log.read_text().split()) == {f"d{n}": 1 + (n == 6) for n in range(0, 20, 2)}
    assert not parts.place.exists()


def test_processes_share_the_parts_of_a_stage(tmp_path):
    names = [f"d{n}" for n in range(23)]
    parts = Parts(tmp_path, "assess", {}, source(tmp_path / "in.jsonl", names), 3)
    seen: list[str] = []

    def process(documents):
        seen.extend(d.id for d in documents)
        return keep_even(documents)

    threads = [threading.Thread(target=parts.decide, args=(process, r, 3)) for r in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(names)
    parts.join()
    kept, lost = ids(parts)
    assert sorted(kept + lost) == sorted(names)


def test_a_part_that_nobody_decided_stops_the_assembly(tmp_path):
    parts = Parts(tmp_path, "assess", {}, source(tmp_path / "in.jsonl", ["a", "b"]), 1)
    parts.decide(keep_even, rank=0, world=2)
    with pytest.raises(MissingInputError, match="not decided"):
        parts.join()


def test_evidence_is_cut_and_open_reasons_are_known():
    lost = dropped(Document("a", "文"), "screen", "unscored_failed", "x" * 1000)
    assert isinstance(lost, Dropped)
    assert len(lost.evidence) == 300
    assert lost.open
    assert not dataclasses.replace(lost, reason="too_early").open
