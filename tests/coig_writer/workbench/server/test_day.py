"""A small day at the workbench, seeded: servers that die between any two requests lose nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter

import httpx
import pytest

from coig_writer.arena.server.database import sqlite_url
from coig_writer.workbench import annotation
from coig_writer.workbench.server.entries import EntryStore
from coig_writer.workbench.server.routes import COOKIE
from tests.coig_writer.arena.processes import free_port
from tests.coig_writer.workbench.server.conftest import Someone, item, written


@pytest.mark.parametrize("seed", [1, 2])
def test_every_acknowledged_save_is_there_once(curation, seed):
    drawn = random.Random(seed)
    kept: dict[str, dict[str, str]] = {}
    done: Counter[str] = Counter()
    curation.items(*(item(n) for n in range(9)))
    client = curation.start()
    for alias in ("a1", "a2"):
        Someone(client, alias).agree()
    while True:
        if drawn.random() < 0.2:
            client = curation.start()  # what the server before kept in memory is gone
        alias = drawn.choice(("a1", "a2"))
        devices = [Someone(client, alias), Someone(client, alias)]
        view = devices[0].next()
        if view is None:
            if not any(Someone(client, other).next() for other in ("a1", "a2")):
                break
            continue
        name, content = f"save-{len(kept):05d}", {"prompt": f"{drawn.random()}"}
        devices[1].send("save", view, content, id=name)
        kept[name] = content
        assert devices[0].send("save", view, {"prompt": "迟了"}, 409)["outcome"] == "stale"
        if drawn.random() < 0.5:
            devices[0].send("submit", devices[0].next(), written(str(drawn.random())))
            done[alias] += 1
    stored = list(EntryStore(sqlite_url(curation.root / "workbench" / "entries.sqlite")).entries())
    assert {e.id: e.content for e in stored if e.id in kept} == kept
    assert len({e.id for e in stored}) == len(stored)
    answers = annotation.read_answers(curation.root / "work" / "reverse" / "answers")
    assert {key[0] for key in answers} == {f"d{n}" for n in range(9)}
    assert sum(done.values()) == 9


def test_two_who_ask_at_once_get_two_items(curation):
    client = curation.start()
    app = client.app
    workbench = app.state.workbench
    for alias in ("a1", "a2"):
        Someone(client, alias).agree()

    async def asked(alias):
        cookie = {COOKIE: workbench.identity.cookie(workbench.identity.rater("invited", alias))}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://t", cookies=cookie
        ) as http:
            reply = await http.post("/api/next", json={"work": "annotate"})
            return reply.json()["item"]["item"]

    async def both():
        return await asyncio.gather(asked("a1"), asked("a2"))

    assert sorted(asyncio.run(both())) == ["d1", "d2"]


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing(root):
    small = ["--annotators", "4", "--items", "10", "--kills", "3", "--port", str(free_port())]
    command = [sys.executable, "benchmarks/workbench.py", *small]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost or changed, 0 twice" in done.stdout
