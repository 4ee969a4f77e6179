"""A small curation with its people, and a client for each of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.study.people import Person, Roster
from coig_writer.files import write_rows
from coig_writer.record import to_row
from coig_writer.workbench import annotation, review
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS
from coig_writer.workbench.review import CRITERIA
from coig_writer.workbench.server.app import create_app
from coig_writer.workbench.server.curation import Curation
from coig_writer.workbench.server.entries import EntryStore
from coig_writer.workbench.server.service import Workbench
from coig_writer.workbench.server.threads import Threads

ARTICLE = "大姨在码头剖墨鱼，刀尖磨掉半截，墨囊破一个扣五分。"
ROSTER = Roster(
    people=(
        Person("a1", ("annotate",)),
        Person("a2", ("annotate",)),
        Person("a3", ("annotate",), ("poetry",)),
        Person("r1", ("review",)),
        Person("r2", ("review",)),
        Person("lead", ("operate",)),
    )
)
IDS = itertools.count()


def item(number: int, **changes: Any) -> annotation.Item:
    made: dict[str, Any] = {
        "id": f"d{number}",
        "round": 1,
        "genre": "essay",
        "title": f"标题{number}",
        "article": f"{ARTICLE}第{number}篇。",
        "feedback": "",
        "waiting_for": "第 1 稿",
        "aids": {},
        "draft": None,
    }
    return annotation.Item(**(made | changes))


def written(word: str = "写") -> dict[str, Any]:
    """A whole answer."""
    return {
        "prompt": f"请{word}一篇关于长辈手艺的散文，落在一件小物上。",
        "prompt_fields": dict.fromkeys(PROMPT_FIELDS, "有"),
        "reasoning_fields": {
            n: f"{word}{n}：先写手艺的规矩，再写出错，最后落在小物上，理由充分。" for n in DECISIONS
        },
    }


def judged(verdict: str = "accept", **changes: Any) -> dict[str, Any]:
    return {"verdict": verdict, "criteria": dict.fromkeys(CRITERIA, True), "note": "", **changes}


class Someone:
    """A person with a browser."""

    def __init__(self, client: TestClient, alias: str) -> None:
        workbench: Workbench = client.app.state.workbench  # type: ignore[attr-defined]
        self.workbench, self.alias = workbench, alias
        self.http = TestClient(client.app)
        token = workbench.identity.invitation(workbench.roster.workbench, alias)
        self.http.get(f"/?invite={token}", follow_redirects=False)

    def says(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        reply = self.http.post(f"/api/{path}", json=body)
        assert reply.status_code == status, (path, reply.status_code, reply.text)
        return reply.json()

    def agree(self) -> Someone:
        self.says("consent", {"agree": True})
        return self

    def next(self, work: str = "annotate") -> Any:
        return self.says("next", {"work": work})["item"]

    def send(self, path: str, view: Any, content: Any, status: int = 200, **changes: Any) -> Any:
        body = {
            "id": f"sent-{next(IDS):06d}",
            "work": view["work"],
            "item": view["item"],
            "round": view["round"],
            "base": view["number"],
            "seen": view["seen"],
            "content": content,
            "seconds": 3,
        }
        return self.says(path, body | changes, status)


class SmallCuration:
    """A curation that people work at; ``start`` starts its server anew on the same store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "work" / "review" / "items").mkdir(parents=True)
        self.roster, self.gold = ROSTER, ()

    def items(self, *items: annotation.Item) -> None:
        write_rows(self.root / "work" / "reverse" / "items.jsonl", map(to_row, items))

    def to_review(self, alias: str, *names: str) -> None:
        rows = (review.Item(n, "essay", f"提示{n}", f"构思{n}", ARTICLE) for n in names)
        write_rows(self.root / "work" / "review" / "items" / f"{alias}.jsonl", map(to_row, rows))

    def start(self) -> TestClient:
        store = EntryStore(sqlite_url(self.root / "workbench" / "entries.sqlite"))
        identity = Identity(b"a secret of tests, known to everyone")
        threads = Threads(store.entries())
        workbench = Workbench(Curation(self.root), self.roster, threads, identity, self.gold)
        return TestClient(create_app(workbench, store))


@pytest.fixture
def curation(tmp_path: Path) -> SmallCuration:
    made = SmallCuration(tmp_path / "curation")
    made.items(item(1), item(2), item(3))
    return made
