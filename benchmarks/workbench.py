"""A day at the workbench: 20 annotators, 200 items, two drop out, one has two devices, the server is killed 50 times.

    python benchmarks/workbench.py                                  # the day; about 15 minutes on two cores
    python benchmarks/workbench.py --annotators 4 --items 12 --kills 3

Every save that was acknowledged must be in the store once, with the words that were sent; every item must reach the
curation once; those who worked on must have had about as many items as one another.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from coig_writer.arena.server.database import sqlite_url
from coig_writer.files import write_rows
from coig_writer.record import to_row
from coig_writer.workbench import annotation
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS
from coig_writer.workbench.server.entries import EntryStore

ROOT = Path(__file__).parents[1]
DROPPED_AFTER = 3  # items, by those who drop out


class Server:
    """The workbench's server as a process, which can be killed and started again."""

    def __init__(self, curation: Path, port: int) -> None:
        self.curation, self.port = curation, port
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [sys.executable, "space/app.py", "workbench", "--curation", str(self.curation)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        while not self._answers():
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """Ends it without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def links(self) -> dict[str, str]:
        """Returns everybody's invitation."""
        command = [sys.executable, "space/app.py", "workbench", "invite"]
        places = ["--curation", str(self.curation), "--url", self.url]
        out = subprocess.run(
            [*command, *places], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return {line.split("\t")[0]: line.split("\t")[2] for line in out.stdout.splitlines()}


@dataclasses.dataclass
class Kept:
    """What was acknowledged, and how long that took."""

    saves: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    seconds: list[float] = dataclasses.field(default_factory=list)
    stale: int = 0
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)


class Annotator(threading.Thread):
    """Somebody who writes, saves, and sends again what got no answer."""

    def __init__(self, url: str, link: str, kept: Kept, seed: str, most: int | None) -> None:
        super().__init__(daemon=True)
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=20)
        self.link, self.kept, self.most = link, kept, most
        self.random = random.Random(seed)

    def run(self) -> None:
        """Works until nothing is left, or until they drop out with an item open."""
        self._again(lambda: self.http.get(self.link))
        self._post("consent", {"agree": True})
        done, idle = 0, 0
        while idle < 3:
            view = self._post("next", {"work": "annotate"}).json().get("item")
            if view is None:
                idle += 1
                time.sleep(0.5)
                continue
            idle = 0
            if self.most is not None and done >= self.most:
                self._send("save", view, view["number"], {"prompt": "写到一半就走了"})
                return
            done += self._write(view)

    def _write(self, view: dict[str, Any]) -> bool:
        number = view["number"]
        for version in range(self.random.randint(2, 4)):
            number = self._send(
                "save", view, number, {"prompt": f"第 {version} 版 {self.random.random()}"}
            )
            time.sleep(self.random.uniform(0, 0.2))
        return self._send("submit", view, number, whole(self.random.random())) > 0

    def _send(self, what: str, view: dict[str, Any], base: int, content: dict[str, Any]) -> int:
        named = {name: view[name] for name in ("work", "item", "round", "seen")}
        body = named | {"id": uuid.uuid4().hex, "base": base, "content": content, "seconds": 1}
        start = time.monotonic()
        reply = self._post(what, body)
        if reply.status_code == 409:
            with self.kept.lock:
                self.kept.stale += 1
            return self._send(what, view, int(reply.json()["there"]["number"]), content)
        with self.kept.lock:
            self.kept.saves[body["id"]] = content
            self.kept.seconds.append(time.monotonic() - start)
        return int(reply.json()["number"])

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self._again(lambda: self.http.post(f"/api/{path}", json=body))

    def _again(self, ask: Any) -> httpx.Response:
        while True:
            try:
                reply: httpx.Response = ask()
            except httpx.HTTPError:
                time.sleep(0.3)
                continue
            if reply.status_code in (200, 409):
                return reply
            assert reply.status_code in (429, 503), reply.text
            time.sleep(0.3)


def whole(mark: float) -> dict[str, Any]:
    """Returns a complete answer."""
    return {
        "prompt": f"请写一篇关于长辈手艺的散文，落在一件小物上。{mark}",
        "prompt_fields": dict.fromkeys(PROMPT_FIELDS, "有"),
        "reasoning_fields": dict.fromkeys(
            DECISIONS, "先写手艺的规矩，再写出错，最后落在小物上，理由充分。"
        ),
    }


def prepare(curation: Path, annotators: int, items: int) -> None:
    """Writes a curation with items, and the roster."""
    made = (
        annotation.Item(
            f"d{n:04d}",
            1,
            "essay",
            f"标题{n}",
            f"第{n}篇，" + "大姨在码头剖墨鱼。" * 40,
            "",
            "",
            {},
            None,
        )
        for n in range(items)
    )
    write_rows(curation / "work" / "reverse" / "items.jsonl", map(to_row, made))
    people = [f"  - {{alias: a{n:02d}, roles: [annotate]}}" for n in range(annotators)]
    (curation / "workbench").mkdir(mode=0o700)
    text = "\n".join(
        ["workbench: day", "people:", *people, "  - {alias: lead, roles: [operate]}", ""]
    )
    (curation / "workbench" / "people.yaml").write_text(text, encoding="utf-8")


def day(server: Server, annotators: int, kills: int, seed: int) -> tuple[Kept, Counter[str]]:
    """Lets everybody work through the day; returns what was acknowledged, and items by person."""
    drawn, kept = random.Random(seed), Kept()
    server.start()
    links = server.links()
    aliases = [f"a{n:02d}" for n in range(annotators)]
    most = dict.fromkeys(aliases[:2], DROPPED_AFTER) if annotators > 3 else {}
    devices = [*aliases, aliases[-1]]
    people = [
        Annotator(server.url, links[a], kept, f"{seed}:{n}", most.get(a))
        for n, a in enumerate(devices)
    ]
    for person in people:
        person.start()
    for _ in range(kills):
        time.sleep(drawn.uniform(0.3, 2.0))
        server.kill()
        server.start()
    for person in people:
        person.join()
    lead = httpx.Client(base_url=server.url, follow_redirects=True, timeout=60)
    lead.get(links["lead"])
    for row in lead.get("/api/overview").json()["items"]:
        if row["state"] == "open":  # left by who dropped out: given to others
            body = {
                "kind": "release",
                "work": "annotate",
                "item": row["item"],
                "round": row["round"],
            }
            lead.post("/api/move", json=body).raise_for_status()
    last = Annotator(server.url, links[aliases[-1]], kept, "last", None)
    last.start()
    last.join()
    shares = Counter(
        {row["who"]: row["handed in"] for row in lead.get("/api/overview").json()["people"]}
    )
    return kept, shares


def main() -> int:
    """Runs the day and says what held."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--annotators", type=int, default=20)
    command.add_argument("--items", type=int, default=200)
    command.add_argument("--kills", type=int, default=50)
    command.add_argument("--seed", type=int, default=20251014)
    command.add_argument("--port", type=int, default=7899)
    given = command.parse_args()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with tempfile.TemporaryDirectory() as folder:
        curation = Path(folder) / "curation"
        prepare(curation, given.annotators, given.items)
        server = Server(curation, given.port)
        start = time.monotonic()
        try:
            kept, shares = day(server, given.annotators, given.kills, given.seed)
        finally:
            server.kill()
        taken = time.monotonic() - start
        print(f"{given.kills} kills, {kept.stale} times another device was first, {taken:.0f} s")
        stayed = range(2 if given.annotators > 3 else 0, given.annotators - 1)
        shown = [shares[f"a{n:02d}"] for n in stayed]
        print(f"items per annotator who stayed: {min(shown)} to {max(shown)}")
        return judged(curation, kept, given.items)


def judged(curation: Path, kept: Kept, items: int) -> int:
    """Compares what was acknowledged with what is there; returns 1 if anything differs."""
    store = EntryStore(sqlite_url(curation / "workbench" / "entries.sqlite"))
    stored = [entry for entry in store.entries() if entry.kind in ("draft", "submit")]
    there, content = Counter(e.id for e in stored), {e.id: e.content for e in stored}
    lost = [name for name, said in kept.saves.items() if content.get(name) != said]
    twice = [name for name, times in there.items() if times > 1]
    answers = annotation.read_answers(curation / "work" / "reverse" / "answers")
    seconds = sorted(kept.seconds)
    middle, late = (1000 * seconds[int(share * len(seconds))] for share in (0.5, 0.99))
    print(f"{len(kept.saves)} saves acknowledged, {len(lost)} lost or changed, {len(twice)} twice")
    print(f"{len(answers)} of {items} items reached the curation")
    print(f"a save: p50 {middle:.0f} ms, p99 {late:.0f} ms (kills included)")
    return int(bool(lost or twice or len(answers) != items))


if __name__ == "__main__":
    sys.exit(main())
