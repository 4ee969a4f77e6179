"""How fast texts pass collect → assess → dedup → screen: python benchmarks/curation.py [--documents N N].

Synthetic documents (sentences of the kit's samples, shuffled; a tenth near duplicates, a tenth broken)
go through the commands that a curator types, against a loopback server that answers after 100 ms
(median) and fails as real ones do: 429, 500, half an answer, the wrong schema, refusals, hangs. It is
scripted: throughput is measured, not judgement. Beside it a loop that asks one question at a time,
without cache, over a few hundred of the same documents; at each size (10,000 and 100,000) the stages
should do 30 times as many. The stages are spread over processes as a curator would: one per core, three where
they wait for the model. Prints documents per second, CPU seconds and peak memory. Every worker decides at least one
whole part at each size, so that memory per document is not that of parts which fill up; from the last two
sizes it says what a million need, and whether that is below 4 GiB.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the stages are never installed

from coig_writer.document import Document  # noqa: E402
from coig_writer.endpoint import Endpoint  # noqa: E402
from coig_writer.files import write_rows  # noqa: E402
from coig_writer.taxonomy import published  # noqa: E402
from coig_writer.workbench.prompts import Model  # noqa: E402
from dataset_builder.demo.scripted_endpoint import sample_texts  # noqa: E402
from dataset_builder.packing import samples  # noqa: E402
from dataset_builder.stages import assess, collect, screen, sources  # noqa: E402
from dataset_builder.stages.parts import funnel  # noqa: E402
from dataset_builder.stages.stage import Settings  # noqa: E402

OUT = ROOT / "build" / "benchmarks" / "curation"
LATENCY = 0.1
TIMEOUT = 5.0  # of the loop and the stages alike: fifty times the median
# Of a thousand answers, how many fail in which way.
FAULTS = {"429": 8, "500": 4, "half": 2, "schema": 3, "refusal": 3}
HANGS_PER_100_000 = 5
STAGES = ("collect", "assess", "dedup", "screen")
SEED = 20251016
LEAST_RATIO = 30
MOST_MEMORY = 4 << 30
MILLION, HOUR = 1_000_000, 3600
# Documents per part, and workers per core where they wait for a model most of the time.
PART_SIZE, ASKING = 500, 3
# Of the synthetic documents, the share that collect keeps: what assess and screen share among workers.
COLLECTED = 0.37


def sentences() -> list[str]:
    """Returns the sentences of the samples."""
    texts = [*sample_texts().values(), *(t.article for t in samples.read(published()))]
    cut = (s.strip() for text in texts for s in text.replace("。", "。\n").splitlines())
    return sorted({s for s in cut if 10 <= len(s) <= 60 and s[-1] == "。"})


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Yields synthetic documents: ids, texts, dates, counts; the same ones at every call."""
    draw = random.Random(SEED)
    pool = sentences()
    recent: list[str] = []
    for number in range(count):
        text = "\n".join("".join(draw.sample(pool, 4)) for _ in range(3))
        kind = draw.random()
        if kind < 0.1 and recent:
            text = draw.choice(recent).replace("的", "底", 3)
        elif kind < 0.15:
            text = "好的，根据您的要求，以下是为您写的文章：" + text
        elif kind < 0.2:
            text = text[:-20] + "，而且"
        recent = [*recent[-200:], text]
        day = f"20{draw.choice((21, 23, 24, 25))}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"
        yield {
            "id": f"synthetic-{number:07d}",
            "text": text,
            "platform": f"p{number % 5}",
            "published_at": day,
            "published_at_other": day,
            "likes": int(draw.lognormvariate(6, 1)),
            "genre": "essay",
        }


class Answering(asyncio.Protocol):
    """One connection to the scripted server; it costs little, since it stands for a machine elsewhere."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.draw = random.Random()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers after a while what has come whole; a client asks again when it has its answer."""
        self.received += data
        head, _, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if not length or len(body) < int(length[1]):
            return
        self.received.clear()
        pause = LATENCY * self.draw.lognormvariate(0, 0.2)
        if self.draw.randrange(100_000) < HANGS_PER_100_000:
            pause += 30
        asyncio.get_running_loop().call_later(pause, self._answer, *_reply(body, self.draw))

    def _answer(self, status: int, content: bytes, cut: int | None) -> None:
        if self.transport.is_closing():
            return
        lines = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.transport.write(lines.encode() + content[:cut])
        if cut is not None:
            self.transport.close()


def _reply(body: bytes | bytearray, draw: random.Random) -> tuple[int, bytes, int | None]:
    point, fault = draw.randrange(1000), ""
    for name, share in FAULTS.items():
        if 0 <= point < share:
            fault = name
        point -= share
    if fault in ("429", "500"):
        return int(fault), b'{"error": "scripted"}', None
    message: dict[str, Any] = {
        "role": "assistant",
        "content": json.dumps(_scripted(json.loads(body))),
    }
    if fault == "schema":
        message["content"] = '{"score": "high"}'
    if fault == "refusal":
        message = {"role": "assistant", "content": None, "refusal": "scripted"}
    content = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    return 200, content, 40 if fault == "half" else None


def _scripted(body: dict[str, Any]) -> dict[str, Any]:
    title = body["response_format"]["json_schema"]["schema"]["title"]
    text = body["messages"][1]["content"].split("〔article ", 1)[1].split("\n", 1)[1]
    if title == "assess":
        verdict = {"score": 8, "evidence": text[:12]}
        names = ("completeness", "format", "errors", "logic", "creativity")
        return {**dict.fromkeys(names, verdict), "unsafe": False}
    score = hashlib.sha256(text[:60].encode()).digest()[0] % 4 + 7
    return {"quality": score, "creativity": score, "reason": "scripted"}


def _serve(ready: Any) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=512)
        ready.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@dataclasses.dataclass(frozen=True)
class Measured:
    """One stage at one size."""

    stage: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    read: int
    kept: int


def pipeline(count: int, url: str, workers: int) -> list[Measured]:
    """Runs the four stages as commands and measures each; the documents are in a file per worker."""
    out = OUT / f"{time.time_ns()}-{count}"
    rows, raw = documents(count), [out / f"raw-{n}.jsonl" for n in range(workers)]
    for number, path in enumerate(raw):
        start, end = count * number // workers, count * (number + 1) // workers
        write_rows(path, itertools.islice(rows, end - start))
    shared = ["--out", str(out), "--part-size", str(PART_SIZE)]
    model = [
        "--endpoint",
        url,
        "--model",
        "scripted",
        "--concurrency",
        "32",
        "--timeout",
        str(TIMEOUT),
    ]

    def spread(stage: str, workers: int, *options: str) -> list[str]:
        share = ["--tasks", str(workers), "--workers", str(workers)]
        return ["cluster", stage, *share, "--", *options, *shared]

    commands = {
        "collect": spread("collect", workers, *map(str, raw), "--provenance", "sample"),
        "assess": spread("assess", workers * ASKING, *model),
        "dedup": spread("dedup", workers),
        "screen": spread("screen", workers * ASKING, *model),
    }
    return [measure(stage, commands[stage], out) for stage in STAGES]


def measure(stage: str, arguments: list[str], out: Path) -> Measured:
    """Runs one command and reads its time, its peak memory and what it kept."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "dataset_builder", *arguments]
    with (out / f"{stage}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        peak = _watch(process)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode:
        raise SystemExit(f"{stage} failed: see {out / f'{stage}.log'}")
    counts = next(counts for counts in funnel(out) if counts.stage == stage)
    return Measured(stage, seconds, cpu, peak, counts.read, counts.kept)


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Waits for a command and returns the most memory that it and its workers held together."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory_of(process.pid))
        time.sleep(0.1)
    return peak


def _memory_of(pid: int) -> int:
    """Returns the resident bytes of a process and all its children (Linux)."""
    place = Path("/proc") / str(pid)
    try:
        pages = int((place / "statm").read_text().split()[1])
        children = (place / "task" / str(pid) / "children").read_text().split()
    except OSError:  # it ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_memory_of(int(c)) for c in children)


def one_at_a_time(count: int, url: str) -> float:
    """Returns documents per second of a plain loop: one question at a time, no cache, no dedup."""
    endpoint = Endpoint(url, "scripted", concurrency=1, timeout=TIMEOUT)
    settings = Settings(OUT, published(), Model(endpoint))
    thresholds = collect.medians(documents(2000))
    start = time.monotonic()
    for row in documents(count):
        document = sources.document(row, "row", "sample")
        outcome = collect.decide(document, collect.Options(), thresholds, settings.taxonomy)
        if isinstance(outcome, Document):
            outcome = assess.decide([outcome], settings, assess.Options())[0]
        if isinstance(outcome, Document):
            screen.decide([outcome], settings)
    return count / (time.monotonic() - start)


def show(count: int, stages: list[Measured]) -> float:
    """Prints one size and returns its documents per second."""
    total = sum(m.seconds for m in stages)
    print(f"\n{count} documents, {count / total:.0f} documents/s in all ({total:.0f} s)")
    for m in stages:
        print(
            f"  {m.stage:<8} {m.seconds:7.1f} s  {m.cpu_seconds:7.1f} s CPU  {m.read / m.seconds:8.0f} docs/s  {m.read:>8} read {m.kept:>8} kept  peak {m.peak_bytes / 2**20:6.0f} MiB"
        )
    return count / total


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--loop", type=int, default=300, help="documents of the one-at-a-time loop")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    least = int(given.workers * ASKING * PART_SIZE / COLLECTED)
    if given.documents[0] < least or given.documents != sorted(set(given.documents)):
        parser.error(f"--documents: sizes that rise, from {least} on, so that parts are full")
    ready: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=_serve, args=(ready,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ready.get(timeout=30)}/v1"
    print(
        f"server: {LATENCY * 1000:.0f} ms median, scripted; faults per 1,000: {FAULTS}; {given.workers} workers"
    )
    slow = one_at_a_time(given.loop, url)
    print(f"one at a time, no cache: {slow:.1f} documents/s over {given.loop} documents")
    found = []
    for count in given.documents:
        found.append(pipeline(count, url, given.workers))
        fast = show(count, found[-1])
        print(
            f"  {fast / slow:.1f} times the loop: {told(fast >= LEAST_RATIO * slow)} {LEAST_RATIO}"
        )
    if len(found) > 1:
        _memory(found[-2], found[-1], *given.documents[-2:])
    server.terminate()
    # Last and not first: for minutes after it, some file systems are slow to make files.
    for old in OUT.glob("*-*"):
        if time.time() - old.stat().st_mtime > HOUR:
            shutil.rmtree(old, ignore_errors=True)


def told(holds: bool) -> str:
    """Returns whether a bound holds, in words."""
    return "holds" if holds else "MISSES"


def _memory(first: list[Measured], second: list[Measured], small: int, large: int) -> None:
    for a, b in zip(first, second, strict=True):
        slope = max(0.0, (b.peak_bytes - a.peak_bytes) / (large - small))
        most = b.peak_bytes + slope * (MILLION - large)
        how = "measured" if large == MILLION else f"from {small} and {large} documents"
        print(
            f"  {a.stage:<8} {most / 2**30:.2f} GiB at a million ({how}, {slope:.1f} bytes per document): "
            f"{told(most <= MOST_MEMORY)} {MOST_MEMORY >> 30} GiB"
        )


if __name__ == "__main__":
    main()
