"""kill −9 at random moments: each acknowledged vote is there exactly once."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter

import pytest

from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.store import Store
from coig_writer.ballot import Ballot
from tests.coig_writer.arena.processes import free_port, started

pytestmark = pytest.mark.slow

WRITER = """
import sys
from pathlib import Path
from coig_writer.arena.server.database import sqlite_url, now
from coig_writer.arena.server.store import Store
from coig_writer.ballot import Ballot
store, boot = Store(sqlite_url(Path(sys.argv[1]))), sys.argv[2]
print("ready", flush=True)
for n in range(1_000_000):
    name = f"{boot}-{n}"
    store.add(Ballot(id=name, study="s", protocol="pairwise", item=name, query_id=name, rater="r",
                     repeat=0, shown=("a", "b"), verdict='"left"', created_at=now()))
    print(name, flush=True)
"""
WRITERS_AT_ONCE = 4


def test_the_storing_process_killed_at_200_random_moments(tmp_path):
    """Four writers share one store, so that a kill also hits others' waiting for the lock."""
    path = tmp_path / "ballots.sqlite"
    Store(sqlite_url(path)).close()
    rng = random.Random(200)
    acknowledged: list[str] = []
    lock = threading.Lock()

    def kills(worker: int) -> None:
        for turn in range(200 // WRITERS_AT_ONCE):
            with lock:
                votes, wait = rng.randrange(13), rng.uniform(0.0, 0.01)
            words = [sys.executable, "-c", WRITER, str(path), f"{worker}-{turn}"]
            writer = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            said = "".join(writer.stdout.readline() for _ in range(votes))
            time.sleep(wait)
            writer.send_signal(signal.SIGKILL)
            said += writer.communicate()[0]
            complete = said[: said.rfind("\n") + 1].splitlines()
            with lock:
                acknowledged.extend(complete)

    threads = [threading.Thread(target=kills, args=(w,)) for w in range(WRITERS_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = Counter(b.id for b in Store(sqlite_url(path)).ballots("s"))
    assert len(acknowledged) > 1000  # 200 kills, each after up to 12 votes at any speed
    assert [name for name in acknowledged if there[name] != 1] == []
    assert max(there.values()) == 1
    assert len(there) <= len(acknowledged) + 200  # at most one unacknowledged vote per kill


def vote_until_killed(port: int, rater: int, acknowledged: dict[str, str]) -> None:
    cookie = ""

    def post(route: str, body: dict[str, object]) -> dict[str, object]:
        nonlocal cookie
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        url = f"http://127.0.0.1:{port}/api/{route}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as reply:
            cookie = reply.headers.get("set-cookie", cookie).split(";")[0]
            return dict(json.loads(reply.read()))

    start: dict[str, object] = {"protocol": "pairwise", "language": "zh"}
    try:
        view: dict[str, object] | None = post("session", {**start, "consent": True})
        while view and isinstance(view["item"], dict):
            reply = post("vote", {**start, "item": view["item"]["id"], "verdict": "left"})
            acknowledged[str(reply["id"])] = str(rater)
            view = reply["next"] if isinstance(reply["next"], dict) else None
    except (OSError, http.client.HTTPException):  # the server died, perhaps within a reply
        return


def test_the_whole_server_killed_five_times(root, tmp_path):
    study = tmp_path / "study.yaml"
    pack = root / "space" / "data" / "demo_pack.jsonl"
    study.write_text(
        f"study: s\nprotocols: [pairwise]\ngenerations: [{pack}]\nvotes_per_minute: 100000\n"
        "raters_per_minute: 100000\n"
    )
    acknowledged: dict[str, str] = {}
    for turn in range(5):
        port = free_port()
        command = [sys.executable, str(root / "space" / "app.py"), "--no-gradio", "--study"]
        command += [str(study), "--folder", str(tmp_path / "arena"), "--port", str(port)]
        url = f"http://127.0.0.1:{port}/health"
        with started(command, url, tmp_path, os.environ) as server:
            raters = [
                threading.Thread(target=vote_until_killed, args=(port, 10 * turn + n, acknowledged))
                for n in range(8)
            ]
            before, end = len(acknowledged), time.monotonic() + 600
            for rater in raters:
                rater.start()
            while len(acknowledged) < before + 8 and time.monotonic() < end:
                time.sleep(0.005)
            time.sleep(random.Random(turn).uniform(0.0, 0.2))
            server.kill()
            for rater in raters:
                rater.join()
    store = Store(sqlite_url(tmp_path / "arena" / "ballots.sqlite"))
    ballots: list[Ballot] = store.ballots("s")
    there = Counter(b.id for b in ballots)
    assert len(acknowledged) > 20
    assert [name for name in acknowledged if there[name] != 1] == []
    keys = Counter((b.rater, b.item, b.repeat) for b in ballots)
    assert max(keys.values()) == 1
