"""The same stage on this machine, in shares, and as Slurm scripts that really run."""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer.document import Document, Dropped
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.taxonomy import published
from dataset_builder import cluster as cluster_module
from dataset_builder.demo import answer_key
from dataset_builder.demo.scripted_endpoint import SAMPLE, Script, sample_texts, serving
from dataset_builder.stages import assess, collect, dates, dedup, parts
from dataset_builder.stages.stage import Settings


@pytest.fixture
def deduplicated(tmp_path):
    """The samples up to dedup, by rules alone."""
    settings = Settings(tmp_path / "curation", published())
    collect.STAGE.run(
        settings, collect.Options((SAMPLE,), "sample", thresholds=answer_key.THRESHOLDS)
    )
    assess.STAGE.run(settings, assess.Options(rules_only=True))
    dedup.STAGE.run(settings)
    return settings


def cluster(root, arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "dataset_builder", "cluster", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | variables,
    )


def split(settings):
    kept = {d.id for d in parts.read_kept(settings.root, "screen")}
    lost = {d.document.id: d.reason for d in parts.read_dropped(settings.root, "screen")}
    return kept, lost


def test_shares_give_what_one_process_gives(deduplicated, root):
    with serving(Script(sample_texts())) as server:
        own = ["--out", str(deduplicated.root), "--endpoint", server.url, "--part-size", "4"]
        cluster(root, ["screen", "--tasks", "3", "--workers", "2", "--", *own])
        shared = split(deduplicated)
        shutil.rmtree(parts.folder(deduplicated.root, "screen"))
        subprocess.run(
            [sys.executable, "-m", "dataset_builder", "screen", *own], cwd=root, check=True
        )
    assert split(deduplicated) == shared
    assert shared[1]["raw-052"] == "unscored_refused"


@pytest.mark.skipif(sys.platform != "linux", reason="forked workers know what is patched")
def test_a_process_that_is_killed_or_fails_ends_the_run_with_a_sentence(tmp_path, monkeypatch):
    own = ("--out", str(tmp_path), *map(str, [SAMPLE]), "--provenance", "sample")
    options = cluster_module.Options("collect", own, tasks=2, workers=2)

    def run(*_a, **_k):  # a worker finds it by this name
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(cluster_module.Share, "run", run)
    with pytest.raises(ConfigError, match="was killed"):
        cluster_module.here(options)
    monkeypatch.undo()
    missing = ("--out", str(tmp_path), str(tmp_path / "nothing.jsonl"), "--provenance", "sample")
    with pytest.raises(MissingInputError, match="no such file"):
        cluster_module.here(cluster_module.Options("collect", missing, tasks=2, workers=2))


@pytest.mark.skipif(sys.platform != "linux", reason="forked workers know what is patched")
@pytest.mark.parametrize(
    "lost", [".01-collect.parts/000000-a.jsonl", ".03-dedup.search-0a/pairs/000.npy"]
)
def test_shares_that_another_run_took_away_end_this_one_with_a_sentence(
    tmp_path, monkeypatch, lost
):
    def run(*_a, **_k):
        (tmp_path / lost).open()

    monkeypatch.setattr(cluster_module.Share, "run", run)
    own = ("--out", str(tmp_path), str(SAMPLE), "--provenance", "sample")
    with pytest.raises(ConfigError, match="another process ran collect here at the same time"):
        cluster_module.main(**vars(cluster_module.Options("collect", own, tasks=2, workers=2)))


ENDED = """
import os, sys, time
from dataset_builder import cluster
def run(*_a, **_k):
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(600)
cluster.Share.run = run
cluster.here(cluster.Options("collect", tuple(sys.argv[1:]), tasks=2, workers=2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forked workers know what is patched")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_takes_its_processes_along(root, tmp_path, ending):
    own = ["--out", str(tmp_path), str(SAMPLE), "--provenance", "sample"]
    command = [sys.executable, "-c", ENDED, *own]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        workers = [int(run.stdout.readline()) for _ in range(2)]
        run.send_signal(ending)
        assert run.wait(300) != 0
        assert select.select([run.stdout], [], [], 300)[0]
        assert run.stdout.read() == b""  # nobody holds the pipe
    if ending == signal.SIGKILL:
        return  # who reaps them then is the system's
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


TOLD_IN_ANOTHER_THREAD = """
import os, signal, sys, threading, time
from dataset_builder import cluster
begun, beginning = os.pipe()
def run(*_a, **_k):
    os.write(beginning, b"1")
    time.sleep(600)
def tell():
    os.read(begun, 1)
    time.sleep(1)  # by then the main thread waits for the shares
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
cluster.Share.run = run
threading.Thread(target=tell, daemon=True).start()
try:
    cluster.here(cluster.Options("collect", tuple(sys.argv[1:]), tasks=2, workers=2))
except KeyboardInterrupt:
    raise SystemExit(7)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forked workers know what is patched")
def test_ctrl_c_that_another_thread_gets_ends_a_run_too(root, tmp_path):
    own = ["--out", str(tmp_path), str(SAMPLE), "--provenance", "sample"]
    command = [sys.executable, "-c", TOLD_IN_ANOTHER_THREAD, *own]
    assert subprocess.run(command, cwd=root, check=False, timeout=300).returncode == 7


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs: pip install ray")
def test_ray_gives_what_one_process_gives(root, tmp_path):
    texts = ["collect", str(SAMPLE), "--provenance", "sample"]
    own, spread = tmp_path / "own", tmp_path / "ray"
    command = [sys.executable, "-m", "dataset_builder", *texts, "--out", str(own)]
    subprocess.run(command, cwd=root, check=True)
    on_ray = ["--executor", "ray", "--tasks", "3", "--workers", "2", "--", *texts[1:]]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    cluster(root, ["collect", *on_ray, "--out", str(spread)], PYTHONPATH=path)
    for name in ("kept", "dropped"):
        (one,), (other,) = (list(place.glob(f"0?-collect/{name}.jsonl")) for place in (own, spread))
        assert one.read_bytes() == other.read_bytes()


SBATCH = """#!/bin/bash
# Stands in for Slurm: runs the array of the script that it is given, one task after another.
script="${@: -1}"
last=$(grep -oP '(?<=--array=0-)[0-9]+' "$script")
for i in $(seq 0 "$last"); do
  SLURM_ARRAY_TASK_ID=$i SLURM_NODELIST=localhost SLURM_NODEID=0 bash "$script" >>"$SBATCH_LOG" 2>&1 || exit 1
done
echo "Submitted batch job 1"
"""
SRUN = '#!/bin/bash\nwhile [[ "$1" == -* ]]; do [[ "$1" == -n ]] && shift; shift; done\nexec "$@"\n'
SCONTROL = "#!/bin/bash\necho localhost\n"


@pytest.fixture
def slurm(tmp_path):
    """A folder with programs that stand in for Slurm's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("scontrol", SCONTROL)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "SBATCH_LOG": str(tmp_path / "sbatch.log")}


@pytest.mark.slow
def test_slurm_scripts_are_valid_and_run(deduplicated, root, slurm, tmp_path):
    with serving(Script(sample_texts())) as server:
        own = ["--out", str(deduplicated.root), "--endpoint", server.url, "--part-size", "4"]
        how = ["screen", "--executor", "slurm", "--partition", "cpu", "--tasks", "3"]
        written = cluster(root, [*how, "--write-only", "--", *own], **slurm)
        scripts = [Path(x) for x in written.stdout.split() if x.endswith(".slurm")]
        assert len(scripts) == 2
        for script in scripts:
            subprocess.run(["bash", "-n", str(script)], check=True)
            assert "#SBATCH --requeue" in script.read_text(encoding="utf-8")
        assert not parts.folder(deduplicated.root, "screen").exists()
        cluster(root, [*how, "--", *own], **slurm)
    # dedup's five steps and the join, each a job that waits for the one before
    before = [d.id for d in parts.read_kept(deduplicated.root, "dedup")]
    shutil.rmtree(parts.folder(deduplicated.root, "dedup"))
    again = ["dedup", "--executor", "slurm", "--partition", "cpu", "--tasks", "1"]
    cluster(root, [*again, "--", "--out", str(deduplicated.root)], **slurm)
    assert [d.id for d in parts.read_kept(deduplicated.root, "dedup")] == before
    kept, lost = split(deduplicated)
    log = (tmp_path / "sbatch.log").read_text(encoding="utf-8")
    assert len(kept) == 29, log[-2000:]
    assert lost["raw-006"] == "article_quality_below_8"


def test_near_duplicates_do_not_depend_on_the_order(tmp_path):
    texts = sample_texts()
    names = ("raw-021", "raw-043", "raw-036", "raw-054")
    days = dict(zip(names, ("2023-05-12", "2023-07-03", "2024-08-14", "2024-10-08"), strict=True))
    members = [dedup.Member(dates.read(days[n]), n, texts[n]) for n in names]
    for order in (members, members[::-1]):
        assert {d.id: d.of for d in dedup.within(order, 0.5)} == {
            "raw-043": "raw-021",
            "raw-054": "raw-036",
        }


def test_the_benchmark_is_kept_out():
    from coig_writer import benchmark

    query = max(benchmark.queries("zh"), key=lambda q: len(q.query))
    document = Document("a", f"开头几句。{query.query}结尾几句。")
    outcome = dedup.decide(document, {})
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "overlaps_benchmark"
    assert query.id in outcome.evidence
