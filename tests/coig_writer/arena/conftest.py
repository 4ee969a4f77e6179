"""A small study to vote in: made-up texts, a secret that is none, a store in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from coig_writer.arena.server.app import create_app
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.answers import Text, collect
from coig_writer.arena.study.definition import Overlap, Study

GENRES = ("poetry", "essay", "wuxia")
NAMES = ("cw", "cw_1k", "cw_5k", "cw_10k", "g")


def texts(names: tuple[str, ...] = NAMES, prompts: int = 6) -> list[Text]:
    """Answers that tell the models apart by number; no text holds a model's name."""
    return [
        Text(
            variant=name,
            query_id=f"{language}-{p}",
            language=language,
            genre=GENRES[p % 3],
            prompt=f"{language} prompt {p}",
            article=f"text of hand {m} for {language} prompt {p}. " * (3 + m),
        )
        for language in ("zh", "en")
        for p in range(prompts)
        for m, name in enumerate(names)
    ]


@pytest.fixture
def texts_of() -> Callable[..., list[Text]]:
    return texts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stops the clock by which items are shown and voted on; its one number may be moved on."""
    now = [1_900_000_000.0]
    monkeypatch.setattr(
        "coig_writer.arena.server.service.time", SimpleNamespace(time=lambda: now[0])
    )
    return now


@pytest.fixture
def make_service(tmp_path: Path) -> Callable[..., StudyService]:
    """Builds a service; the same folder gives the same store."""

    def make(study: Study | None = None, folder: Path = tmp_path, **of_texts) -> StudyService:
        store = Store(sqlite_url(folder / "ballots.sqlite"))
        secret = Identity(b"a secret of tests, known to everyone")
        return StudyService(
            study or Study(results_after=3), collect(texts(**of_texts)), store, secret
        )

    return make


@pytest.fixture
def service(make_service: Callable[..., StudyService]) -> StudyService:
    return make_service()


@pytest.fixture
def invited() -> Study:
    return Study(
        study="trial",
        mode="invited",
        raters=("甲", "乙", "丙"),
        overlap=Overlap(0.5, 2),
        repeats=0.2,
    )


@pytest.fixture
def client_of() -> Callable[[StudyService], TestClient]:
    return lambda service: TestClient(create_app(service))
