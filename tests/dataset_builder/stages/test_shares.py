"""The steps of collect and dedup in shares: killed anywhere, each share is made exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from coig_writer.errors import MissingInputError
from coig_writer.taxonomy import published
from dataset_builder.demo.scripted_endpoint import SAMPLE
from dataset_builder.stages import collect, dedup, parts
from dataset_builder.stages.stage import Settings, deciding, run


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The samples in five files, with copies of a few of them under other ids."""
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    rows += [{**row, "id": row["id"] + "-copy"} for row in rows[::9]]
    folder = tmp_path_factory.mktemp("sources")
    for number in range(5):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows[number::5])
        (folder / f"{number}.jsonl").write_text("".join(lines), encoding="utf-8")
    return tuple(sorted(folder.glob("*.jsonl")))


def outcome(root, stage):
    kept = [d.id for d in parts.read_kept(root, stage)]
    return kept, {d.document.id: d.reason for d in parts.read_dropped(root, stage)}


def collected(root, sources, part_size=7):
    settings = Settings(root, published(), part_size=part_size)
    collect.STAGE.run(settings, collect.Options(sources, "sample", thresholds={}))
    # dedup reads what assess kept: here, all
    counts = run(deciding(lambda: (settings.parts("assess", {}), lambda documents: documents)))
    assert counts.kept > 30
    return settings


# A child runs the stage and is killed by SIGKILL at every fifth file: in even runs when the file is
# written but has no name yet, in odd runs right after it got its name. Named files are logged.
KILLED = """
import os, pathlib, signal, sys
from coig_writer import files
from coig_writer.text import contamination, minhash
from dataset_builder import cluster
import scipy.sparse.csgraph
# known before the forks, so that no child has to load it again
minhash.signatures(["预热"]), contamination.contaminated("预热")
stage, log, *arguments = sys.argv[1:]
sync, rename = os.fsync, pathlib.Path.replace
left, run = 0, 0

def fsync(handle):
    if left == 1 and run % 2 == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(handle)

def replace(path, target):
    global left
    rename(path, target)
    with open(log, "a") as names:
        print(target, file=names)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync, pathlib.Path.replace = fsync, replace
for run in range(200):
    child = os.fork()
    if child == 0:
        left = 5
        for step in cluster.read(stage, arguments)[1]:
            step.run(0, 1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
print(run)
"""


def killed(root, log, stage, *arguments):
    command = [sys.executable, "-c", KILLED, stage, str(log), *arguments]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def named(log):
    return Counter(log.read_text(encoding="utf-8").split())


def test_collect_reads_each_source_once_whatever_is_killed(tmp_path, root, sources):
    collected(tmp_path / "whole", sources)
    own = [*map(str, sources), "--provenance", "sample", "--engagement", "off", "--part-size", "7"]
    log = tmp_path / "log"
    kills = killed(root, log, "collect", *own, "--out", str(tmp_path / "killed"))
    assert kills > 2
    assert outcome(tmp_path / "killed", "collect") == outcome(tmp_path / "whole", "collect")
    made = named(log)
    assert set(made.values()) == {1}
    assert sum(".00-intake.parts" in name for name in made) == len(sources)
    assert not (tmp_path / "killed" / ".00-intake.parts").exists()


@pytest.mark.slow
def test_dedup_makes_each_share_once_whatever_is_killed(tmp_path, root, sources):
    whole = collected(tmp_path / "whole", sources)
    dedup.STAGE.run(whole)
    settings = collected(tmp_path / "killed", sources)
    log = tmp_path / "log"
    kills = killed(root, log, "dedup", "--part-size", "7", "--out", str(settings.root))
    assert kills > 15
    assert outcome(settings.root, "dedup") == outcome(whole.root, "dedup")
    assert any(name.endswith("-copy") for name in outcome(settings.root, "dedup")[1])
    made = named(log)
    assert set(made.values()) == {1}
    kinds = Counter(name.split("/")[-2] for name in made if ".search-" in name)
    assert (kinds["pairs"], kinds["duplicates"]) == (24, dedup.SLICES)
    assert not list(settings.root.glob(".03-dedup.*"))


@pytest.mark.parametrize("world", [2, 5])
def test_shares_in_any_number_give_what_one_process_gives(tmp_path, sources, world):
    whole = collected(tmp_path / "whole", sources)
    dedup.STAGE.run(whole)
    settings = collected(tmp_path / "shared", sources, part_size=3)
    for step in dedup.steps(settings, dedup.Options()):
        for rank in reversed(range(1 if step.alone else world)):
            step.run(rank, 1 if step.alone else world)
    assert outcome(settings.root, "dedup") == outcome(whole.root, "dedup")


def test_a_step_whose_shares_before_are_missing_says_so(tmp_path, sources):
    steps = dedup.steps(collected(tmp_path, sources), dedup.Options())
    sign, pair = steps[:2]
    sign.run(0, 2)
    with pytest.raises(MissingInputError, match="of the step before are missing"):
        pair.run(0, 1)


def test_a_source_that_did_not_change_is_not_read_again(tmp_path, sources):
    settings = Settings(tmp_path / "curation", published())
    options = collect.Options(sources, "sample")
    collect.STAGE.run(settings, options)
    before = (tmp_path / "curation" / "00-intake" / "documents.jsonl").stat().st_mtime_ns
    collect.STAGE.run(settings, options)
    assert (tmp_path / "curation" / "00-intake" / "documents.jsonl").stat().st_mtime_ns == before
    assert collect.STAGE.run(settings, collect.Options(sources[:4], "sample")).read < 66
