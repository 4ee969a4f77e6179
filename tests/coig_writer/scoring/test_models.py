"""lighteval over a server and over a transformers model, through the launcher."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lighteval", reason="needs the extra `eval`")

from lighteval.models.custom.custom_model import CustomModelConfig
from lighteval.tasks.requests import Doc

from coig_writer.errors import ConfigError, EndpointError, InputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.scoring.generations import GENERATIONS
from coig_writer.scoring.remote import ADDRESS, ServedModel
from coig_writer.scoring.replay import Replay
from tests.eval_tasks.test_score import run
from tests.generations import generation
from tests.loopback import Server, said


@pytest.fixture
def server() -> Iterator[Server]:
    result = Server()
    yield result
    result.http.shutdown()
    result.http.server_close()


@pytest.fixture
def no_network() -> None:
    """The server of these tests is on the loopback address."""


def remote(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ADDRESS, server.url)
    model = ServedModel(CustomModelConfig(model_name="m", model_definition_file_path="remote.py"))
    model.endpoint.backoff, model.endpoint.retries = 0.001, 1
    return model


def test_saved_answers_are_those_of_the_sample_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [generation("v", "q", f"第{i}篇。", sample=i) for i in (0, 1)]
    write_records(tmp_path / "g.jsonl", records, Generation)
    monkeypatch.setenv(GENERATIONS, str(tmp_path / "g.jsonl"))
    asked = Doc(query="写", choices=[""], gold_index=0, specific={"query_id": "q"})
    for name, text in (("v", "第0篇。"), ("v#1", "第1篇。")):
        config = CustomModelConfig(model_name=name, model_definition_file_path="replay.py")
        (answer,) = Replay(config).greedy_until([asked])
        assert answer.text == [text]
    for name, error in (("v#2", InputError), ("v#x", ConfigError)):
        with pytest.raises(error, match="sample"):
            Replay(CustomModelConfig(model_name=name, model_definition_file_path="replay.py"))


def document(query: str) -> Doc:
    return Doc(query=query, choices=[""], gold_index=0, generation_size=64)


def test_a_server_answers_and_its_reasoning_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviour = lambda _b, _n: said("雨停了。", reasoning_content="先想。", usage=(5, 9))
    (answer,) = remote(server, tmp_path, monkeypatch).greedy_until([document("写雨")])
    assert answer.text == ["<think>\n先想。\n</think>\n\n雨停了。"]
    assert len(answer.output_tokens[0]) == 9
    assert (server.bodies[0]["temperature"], server.bodies[0]["max_tokens"]) == (0.7, 64)


def test_a_server_that_fails_is_no_empty_answer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviour = lambda b, _n: (
        said("好") if b["messages"][0]["content"] == "a" else (500, {}, b"")
    )
    model = remote(server, tmp_path, monkeypatch)
    with pytest.raises(EndpointError, match="1 of 2 answers failed"):
        model.greedy_until([document("a"), document("b")])
    calls = len(server.bodies)
    server.behaviour = lambda _b, _n: said("好")
    assert len(model.greedy_until([document("a"), document("b")])) == 2
    assert len(server.bodies) == calls + 1


def test_a_server_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(ConfigError, match="no server was named"):
        ServedModel(CustomModelConfig(model_name="m", model_definition_file_path="remote.py"))


@pytest.mark.slow
def test_a_transformers_model_is_evaluated(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="the smoke model needs the extra `train`")
    from coig_writer.training import smoke

    smoke.make(tmp_path / "smoke", ["春风又绿江南岸，明月何时照我还。" * 9])
    write_records(tmp_path / "g.jsonl", [generation("v", "q", "雨。")], Generation)
    settings = "device=cpu,dtype=float32,batch_size=1,max_length=64"
    # --generations gives the tasks one query; the model answers it anew.
    done = run(root, "lighteval", "--generations", tmp_path / "g.jsonl", "accelerate",
               f"model_name={tmp_path / 'smoke'},{settings},cache_dir={tmp_path / 'cache'}",
               "coig_writer:zh|0", "--output-dir", tmp_path / "o")  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (file,) = (tmp_path / "o").rglob("results_*.json")
    assert json.loads(file.read_text())["results"]["coig_writer:zh|0"]["model_tokens"] > 0
