"""Screening at a server that misbehaves: documents stay unscored, and nothing else."""

from __future__ import annotations

import json

import pytest

from coig_writer.document import Document, Dropped
from coig_writer.endpoint import Endpoint
from coig_writer.errors import EndpointError
from coig_writer.record import to_row
from coig_writer.taxonomy import published
from coig_writer.workbench.prompts import Answer, Model
from dataset_builder.demo.scripted_endpoint import MODEL, Script, sample_texts, serving
from dataset_builder.stages import parts, screen
from dataset_builder.stages.stage import Settings

TEXTS = {name: text for name, text in sample_texts().items() if name in ("raw-002", "raw-003")}


def screened(tmp_path, misbehave, *, again=0, retries=2, timeout=20.0):
    """Screens two texts at a server that misbehaves; returns settings, counts, calls."""
    out = parts.folder(tmp_path, "dedup")
    out.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(to_row(Document(n, t)), ensure_ascii=False) for n, t in TEXTS.items())
    (out / "kept.jsonl").write_text("".join(x + "\n" for x in lines), encoding="utf-8")
    with serving(Script(TEXTS), misbehave=misbehave) as server:
        endpoint = Endpoint(
            server.url, MODEL, cache=tmp_path / "replies", retries=retries, timeout=timeout, backoff=0.01
        )  # fmt: skip
        settings = Settings(tmp_path, published(), Model(endpoint, again))
        return settings, screen.STAGE.run(settings), server.calls


def first(fault, times=1):
    """Fails the first calls about raw-002, then behaves."""
    left = [times]

    def misbehave(_title, document):
        if document == "raw-002" and left[0]:
            left[0] -= 1
            return fault
        return None

    return misbehave


def test_the_scripted_server_judges_no_text_that_is_not_its_own(tmp_path):
    out = parts.folder(tmp_path, "dedup")
    out.mkdir(parents=True)
    row = to_row(Document("mine", "渡口的老船夫姓陈，今年七十三。"))
    (out / "kept.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with serving(Script(TEXTS)) as server:
        settings = Settings(tmp_path, published(), Model(Endpoint(server.url, MODEL)))
        with pytest.raises(EndpointError, match="judges no text but those of its script"):
            screen.STAGE.run(settings)


@pytest.mark.parametrize("fault", ["429", "500", "half", "wrong_schema", "prose"])
def test_a_failure_that_passes_costs_a_call_and_no_document(tmp_path, fault):
    _, counts, calls = screened(tmp_path, first(fault))
    assert (counts.kept, counts.reasons) == (2, {})
    assert calls == 3


def test_a_server_that_hangs_is_asked_again(tmp_path):
    _, counts, calls = screened(tmp_path, first("hang"), timeout=0.5, retries=9)
    assert counts.kept == 2
    assert calls >= 3  # on a busy machine another call may take half a second, too


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("500", "unscored_failed"),
        ("half", "unscored_failed"),
        ("wrong_schema", "unscored_unparsable"),
        ("prose", "unscored_unparsable"),
        ("refusal", "unscored_refused"),
    ],
)
def test_a_failure_that_stays_leaves_one_document_unscored(tmp_path, fault, reason):
    settings, counts, _ = screened(tmp_path, first(fault, 99))
    assert counts.reasons == {reason: 1}
    assert counts.open == 1
    (lost,) = parts.read_dropped(settings.root, "screen")
    assert lost.document.scores == {}
    assert lost.evidence


def test_what_failed_is_asked_again_by_the_next_run_and_nothing_else(tmp_path):
    screened(tmp_path, first("500", 99))
    _, counts, calls = screened(tmp_path, None)
    assert (counts.kept, calls) == (2, 1)


def test_a_refusal_is_asked_again_only_on_request(tmp_path):
    screened(tmp_path, first("refusal", 99))
    _, counts, calls = screened(tmp_path, None)
    assert (counts.open, calls) == (1, 0)
    _, counts, calls = screened(tmp_path, None, again=1)
    assert (counts.kept, calls) == (2, 1)


@pytest.mark.parametrize(
    ("quality", "creativity", "reason"),
    [
        (8, 8, None),
        (7, 8, "article_quality_below_8"),
        (8, 7, "article_creativity_below_8"),
    ],
)
def test_quality_and_creativity_need_8(quality, creativity, reason):
    data = {"quality": quality, "creativity": creativity, "reason": "x"}
    outcome = screen.by_scores(Document("a", "文"), Answer(data, "", "answered"), "m")
    assert (outcome.reason if isinstance(outcome, Dropped) else None) == reason
