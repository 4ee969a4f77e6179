"""Generation through a real loopback server that speaks the OpenAI protocol."""

from __future__ import annotations

import dataclasses

import pytest

from coig_writer import benchmark, facts
from coig_writer.endpoint import Endpoint, Request
from coig_writer.errors import ConfigError, EndpointError
from coig_writer.facts import Fact
from coig_writer.files import read_records
from coig_writer.generating import server as serving
from coig_writer.generating.answers import generate, row_seed
from coig_writer.generation import DECODING, Generation, Sampling

SAMPLING = dataclasses.replace(DECODING, max_new_tokens=64)


def ask(endpoint, queries, out, revision="r1", sampling=SAMPLING):
    writer = serving.ServedModel("cw", endpoint, revision)
    return read_records(generate(writer, queries, sampling, seed=1, out=out), Generation)


def test_records_from_a_server(server, tmp_path):
    url, calls, _ = server
    queries = benchmark.one_per_genre("zh", 3)
    answers = ask(Endpoint(url, "m"), queries, tmp_path)
    assert [a.query_id for a in answers] == [q.id for q in queries]
    assert {(a.reasoning, a.article, a.reasoning_state, a.n_tokens) for a in answers} == {
        ("构思", "文章", "closed", 7)
    }
    assert {(a.model, a.revision, a.sampling) for a in answers} == {("m", "r1", SAMPLING)}
    assert {c["seed"] for c in calls} == {row_seed(1, q.id) for q in queries}


def test_every_sampling_key_is_sent(server, tmp_path):
    """vLLM fills what is not sent from the checkpoint's generation_config, Qwen's penalty of 1.05 too."""
    url, calls, _ = server
    ask(Endpoint(url, "m"), benchmark.one_per_genre("zh", 1), tmp_path)
    sent = {k: v for k, v in calls[0].items() if k not in ("messages", "seed")}
    assert sent == {
        "model": "m",
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": -1,
        "repetition_penalty": 1.0,
        "max_tokens": 64,
        "stop": ["<|im_end|>", "<|endoftext|>"],
    }
    named = {f.name for f in dataclasses.fields(Sampling)} - {"max_new_tokens"}
    assert named <= set(sent)
    narrow = dataclasses.replace(SAMPLING, top_k=20)
    ask(Endpoint(url, "m"), benchmark.one_per_genre("zh", 1), tmp_path, sampling=narrow)
    assert calls[-1]["top_k"] == 20


def test_a_request_without_the_new_keys_has_the_key_of_older_kits():
    request = Request(({"role": "user", "content": "写"},), max_tokens=50, seed=3)
    assert request.key("m") == "6867aba1233d819b4e11d7b6f5bd020b3fa7c0029ae09e3d983eda4bf08f8a4c"
    assert dataclasses.replace(request, top_k=0).key("m") != request.key("m")
    assert dataclasses.replace(request, repetition_penalty=1.0).key("m") != request.key("m")


def test_what_failed_is_counted_and_only_that_is_asked_again(server, tmp_path):
    url, calls, broken = server
    queries = benchmark.one_per_genre("zh", 3)
    broken.add(queries[1].query)
    endpoint = Endpoint(url, "m", cache=tmp_path / "cache", retries=1, backoff=0.01)
    with pytest.raises(EndpointError, match="1 of 3 queries stay unanswered"):
        ask(endpoint, queries, tmp_path)
    assert not [f for f in tmp_path.iterdir() if f.is_file()]
    broken.clear()
    before = len(calls)
    ask(endpoint, queries, tmp_path)
    assert len(calls) == before + 1


def test_a_model_that_was_trained_again_is_asked_again(server, tmp_path):
    url, calls, _ = server
    queries = benchmark.one_per_genre("zh", 1)
    model, out = tmp_path / "cw", tmp_path / "out"
    for number, mark in enumerate(("a" * 64, "b" * 64, "b" * 64)):
        facts.write(model / "facts.json", [Fact("run/fingerprint", mark)])
        writer = serving.served("cw", url, str(model), None, tmp_path / "replies")
        (answer,) = read_records(generate(writer, queries, SAMPLING, seed=1, out=out), Generation)
        assert (answer.model, answer.revision) == ("cw", mark[:16])
        assert len(calls) == min(number, 1) + 1
    (aside,) = list(out.glob(".cw.*.parquet"))
    assert [a.revision for a in read_records(aside, Generation)] == ["a" * 16]
    assert [a.revision for a in read_records(out, Generation)] == [
        "b" * 16
    ]  # the hidden one is not read


def test_a_model_whose_state_nobody_knows_is_refused_and_named_is_kept_apart(tmp_path):
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(ConfigError, match="its state is not known") as caught:
        serving.served("cw", url, "qwen", None, tmp_path)
    assert "--revision" in str(caught.value)
    kept = [serving.served("cw", url, "qwen", r, tmp_path).endpoint.cache for r in ("x", "y")]
    assert kept == [tmp_path / "x", tmp_path / "y"]
