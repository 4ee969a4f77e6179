"""How many durable votes per second the arena takes, beside a plain append-to-JSONL Gradio app.

    python benchmarks/arena.py                  50 raters for 60 s on each side, then 200 kills
    python benchmarks/arena.py --seconds 10 --kills 0     a shorter look

Both servers run as processes of their own on this machine, one after the other, under the same
load generator: ``--raters`` simulated raters on keep-alive connections, each sending its next vote
as soon as the last is answered. The arena is the real one: its routes, its SQLite store with one
durable commit before each acknowledgement; only its rate limit is lifted, since these raters do not
read. Meanwhile ``--readers`` ask for its results, again and again. The other app is what the Gradio
documentation leads to: a function behind a button that appends a line to a JSONL file, called over
Gradio's HTTP API, without ``fsync`` and without readers. Afterwards the stored ballots are compared
with the acknowledged votes, one by one.

Then the arena is started and killed (SIGKILL) ``--kills`` times at random moments under the same raters,
on one store; every vote that a rater saw acknowledged must be there once.

Goal: at least 4 times the votes a second of the plain app, a 99th percentile of at most 0.4 of its own,
nothing lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.store import Store
from coig_writer.files import read_rows, write_records
from coig_writer.generation import Generation

ROOT = Path(__file__).parents[1]
GOAL_VOTES, GOAL_P99 = 4.0, 0.4  # of the plain app's
PLAIN_APP = """
import json, sys, threading
import gradio as gr
lock, path = threading.Lock(), sys.argv[1]

def vote(rater: str, item: str, verdict: str) -> str:
    with lock, open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"rater": rater, "item": item, "verdict": verdict}) + "\\n")
    return item

with gr.Blocks() as app:
    fields = [gr.Textbox(), gr.Textbox(), gr.Textbox()]
    gr.Button("vote").click(vote, fields, gr.Textbox(), api_name="vote")
app.launch(server_name="127.0.0.1", server_port=int(sys.argv[2]), quiet=True, ssr_mode=False, prevent_thread_lock=True)
open(path, "a").close()  # Gradio has asked itself whether it can be reached: load before that would end it
app.block_thread()
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one side did under load; latencies in milliseconds, as the rater sees them."""

    side: str
    votes: int
    seconds: float
    p50: float
    p99: float
    worst: float
    failed: int
    lost: int
    doubled: int

    def line(self) -> str:
        """Returns one row of the table."""
        return (
            f"{self.side:<32}{self.votes:>8}{self.votes / self.seconds:>10.0f}{self.p50:>9.1f}"
            f"{self.p99:>9.1f}{self.worst:>9.1f}{self.failed:>8}{self.lost:>6}{self.doubled:>9}"
        )


class Connection:
    """One keep-alive HTTP/1.1 connection; no library, so that the generator costs little."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    async def open(self) -> None:
        """Connects."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Sends JSON; returns status and parsed reply."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(content)}\r\nCookie: {self._cookie}\r\n\r\n"
        self._writer.write(head.encode() + content)
        await self._writer.drain()
        return await self._reply()

    async def get(self, path: str) -> tuple[int, Any]:
        """Asks for a page of JSON."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await self._writer.drain()
        return await self._reply()

    async def _reply(self) -> tuple[int, Any]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (h.partition(": ") for h in head[1:] if h)}
        if "set-cookie" in headers:
            self._cookie = headers["set-cookie"].split(";")[0]
        if headers.get("transfer-encoding") == "chunked":
            content = await self._chunks()
        else:
            content = await self._reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), json.loads(content)

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self._reader.readline(), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(parts)


@dataclasses.dataclass
class Load:
    """What the raters count together."""

    until: float
    latencies: list[float] = dataclasses.field(default_factory=list)
    acknowledged: list[str] = dataclasses.field(default_factory=list)
    failed: int = 0
    read: int = 0


async def reader(port: int, load: Load) -> None:
    """Looks at the results, again and again."""
    connection = Connection(port)
    await connection.open()
    while time.perf_counter() < load.until:
        status, _ = await connection.get("/api/results?protocol=pairwise&language=zh")
        load.failed += status != 200
        load.read += 1


async def arena_rater(port: int, _number: int, load: Load) -> None:
    """Votes on the route the page uses, on the items the arena hands out."""
    connection = Connection(port)
    await connection.open()
    start = {"protocol": "pairwise", "language": "zh"}
    view: dict[str, Any] = {"item": None}
    while time.perf_counter() < load.until:
        if not view["item"]:  # at the start, and whenever a set is done
            _, view = await connection.post("/api/session", start | {"consent": True})
        vote = start | {"item": view["item"]["id"], "verdict": "left", "dwell_s": 1.0}
        began = time.perf_counter()
        status, reply = await connection.post("/api/vote", vote)
        load.latencies.append(time.perf_counter() - began)
        if status != 200:
            load.failed += 1
            return
        load.acknowledged.append(reply["id"])
        view = reply["next"]


async def gradio_rater(port: int, number: int, load: Load) -> None:
    """Votes over Gradio's direct HTTP endpoint for a function."""
    connection = Connection(port)
    await connection.open()
    count = 0
    while time.perf_counter() < load.until:
        count += 1
        item = f"{number}-{count}"
        began = time.perf_counter()
        body = {"data": [f"rater {number}", item, "left"]}
        try:
            status, _ = await connection.post("/gradio_api/run/vote", body)
        except (ConnectionError, asyncio.IncompleteReadError):  # the server hung up
            status = 0
            await connection.open()
        load.latencies.append(time.perf_counter() - began)
        if status != 200:
            load.failed += 1
            continue
        load.acknowledged.append(item)


Rater = Callable[[int, int, Load], Awaitable[None]]


async def drive(
    rater: Rater, port: int, raters: int, seconds: float, readers: int = 0
) -> tuple[Load, float]:
    """Runs raters and readers; returns what they counted and how long the raters took."""
    began = time.perf_counter()
    load = Load(began + seconds)
    reading = [asyncio.create_task(reader(port, load)) for _ in range(readers)]
    await asyncio.gather(*(rater(port, number, load) for number in range(raters)))
    took = time.perf_counter() - began
    await asyncio.gather(*reading)  # the last may wait for results that are being made
    return load, took


def generations(path: Path, prompts: int) -> None:
    """Writes a study large enough that nobody runs out: synthetic texts of about 600 characters."""
    answers = []
    for prompt, model in itertools.product(range(prompts), range(5)):
        text = f"第{prompt}题第{model}篇。" + "夜里下了一场小雨，院子里的石板发亮。" * 33
        answers.append(
            Generation(
                variant=f"hand-{model}",
                query_id=f"zh-{prompt}",
                language="zh",
                genre="essay",
                prompt=f"第{prompt}题",
                text=text,
                reasoning=None,
                article=text,
                reasoning_state="absent",
                finish_reason="stop",
                n_tokens=None,
                seed=None,
                sampling=None,
                model="synthetic",
                revision=None,
            )
        )
    write_records(path, answers, Generation)


STUDY = """
study: benchmark
protocols: [pairwise]
generations: [generations.jsonl]
items_per_rater: 480
overlap: {share: 0, raters: 2}
repeats: 0
votes_per_minute: 1000000
raters_per_minute: 1000000
"""


@contextlib.contextmanager
def server(command: list[str], port: int, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until the block ends."""
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    process = subprocess.Popen(
        command, env=os.environ | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await(f"http://127.0.0.1:{port}{ready}", process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1500):
        if process.poll() is not None:
            raise SystemExit(f"the server at {url} ended with code {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.2)
    raise SystemExit(f"no answer from {url} within 300 s")


def free_port() -> int:
    """Returns a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def arena_command(folder: Path, port: int, prompts: int) -> list[str]:
    """Returns the command of the arena on a study of so many prompts, which is written to the folder."""
    generations(folder / "generations.jsonl", prompts)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    command = [sys.executable, str(ROOT / "space" / "app.py"), "--no-gradio"]
    command += ["--study", str(folder / "study.yaml"), "--folder", str(folder / "arena")]
    return [*command, "--port", str(port)]


def stored_in(folder: Path) -> list[str]:
    """Returns the ids of the arena's ballots."""
    store = Store(sqlite_url(folder / "arena" / "ballots.sqlite"))
    return [b.id for b in store.ballots("benchmark")]


def measure_arena(folder: Path, raters: int, seconds: float, readers: int) -> Outcome:
    """Loads the arena and compares its store with what was acknowledged."""
    port = free_port()
    with server(arena_command(folder, port, 2_400), port, "/health"):
        load, took = asyncio.run(drive(arena_rater, port, raters, seconds, readers))
    return _outcome(f"arena, durable, {load.read} reads", load, took, stored_in(folder))


def kill(folder: Path, raters: int, kills: int) -> tuple[int, int, int]:
    """Kills the arena under load; returns acknowledged, lost and doubled votes."""
    rng = random.Random(kills)
    acknowledged: list[str] = []
    lost = doubled = 0
    for turn in range(kills):
        port = free_port()
        with server(arena_command(folder, port, 200), port, "/health") as process:
            load = asyncio.run(_until_killed(port, raters, process, rng.uniform(0.2, 1.0)))
        acknowledged += load.acknowledged
        if (
            turn % 20 == 19 or turn + 1 == kills
        ):  # what is known so far outlives a run that is cut off
            there = Counter(stored_in(folder))
            lost = sum(there[vote] == 0 for vote in acknowledged)
            doubled = sum(count > 1 for count in there.values())
            said = f"{turn + 1} kills: {len(acknowledged)} votes, {lost} lost, {doubled} doubled"
            sys.stderr.write(f"{said}\n")
    return len(acknowledged), lost, doubled


async def _until_killed(
    port: int, raters: int, process: subprocess.Popen[bytes], after: float
) -> Load:
    load = Load(time.perf_counter() + 60)

    async def killed() -> None:
        while not load.acknowledged:
            await asyncio.sleep(0.01)
        await asyncio.sleep(after)
        process.kill()

    voting = (arena_rater(port, number, load) for number in range(raters))
    await asyncio.gather(killed(), *voting, return_exceptions=True)  # whose connections broke
    return load


def measure_plain(folder: Path, raters: int, seconds: float) -> Outcome:
    """Loads the plain Gradio app and compares its file with what was acknowledged."""
    app, votes, port = folder / "plain.py", folder / "votes.jsonl", free_port()
    app.write_text(PLAIN_APP, encoding="utf-8")
    with server([sys.executable, str(app), str(votes), str(port)], port, "/config"):
        while not votes.exists():
            time.sleep(0.1)
        load, took = asyncio.run(drive(gradio_rater, port, raters, seconds))
    stored = [row["item"] for _, row in read_rows(votes)] if votes.exists() else []
    return _outcome("plain Gradio, JSONL append", load, took, stored)


def _outcome(side: str, load: Load, took: float, stored: list[str]) -> Outcome:
    there = Counter(stored)
    ordered = sorted(load.latencies)

    def at(share: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Outcome(
        side=side,
        votes=len(load.acknowledged),
        seconds=took,
        p50=at(0.5),
        p99=at(0.99),
        worst=at(1.0),
        failed=load.failed,
        lost=sum(there[vote] == 0 for vote in load.acknowledged),
        doubled=sum(count > 1 for count in there.values()),
    )


def main() -> int:
    """Measures both sides and prints the table; fails if the arena misses its goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--readers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        arena = measure_arena(Path(name), given.raters, given.seconds, given.readers)
        plain = measure_plain(Path(name), given.raters, given.seconds)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{given.raters} raters, {given.seconds:.0f} s a side, {os.cpu_count()} cores (load {load}),"
    )
    print(f"Python {platform.python_version()}; the generator shares the cores with the server")
    heads = ("votes", "votes/s", "p50 ms", "p99 ms", "max ms", "failed", "lost", "doubled")
    widths = (8, 10, 9, 9, 9, 8, 6, 9)
    print(f"{'side':<32}" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    print(arena.line())
    print(plain.line())
    votes = arena.votes / arena.seconds / (plain.votes / plain.seconds)
    p99 = arena.p99 / plain.p99
    fast = votes >= GOAL_VOTES and p99 <= GOAL_P99
    sound = not (arena.failed or arena.lost or arena.doubled)
    print(
        f"{votes:.1f} times the votes (goal {GOAL_VOTES:g}), {p99:.2f} of the p99 (goal {GOAL_P99:g})"
    )
    if given.kills:
        with tempfile.TemporaryDirectory() as name:
            acknowledged, lost, doubled = kill(Path(name), given.raters, given.kills)
        print(
            f"{given.kills} kills: {acknowledged} votes acknowledged, {lost} lost, {doubled} doubled"
        )
        sound = sound and not (lost or doubled)
    print("goal met" if fast and sound else "goal missed")
    return 0 if fast and sound else 1


if __name__ == "__main__":
    sys.exit(main())
