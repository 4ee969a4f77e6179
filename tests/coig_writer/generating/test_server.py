"""Generation through a real loopback server that speaks the OpenAI protocol."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from coig_writer import benchmark
from coig_writer.endpoint import Endpoint
from coig_writer.errors import EndpointError
from coig_writer.files import read_records
from coig_writer.generating import server as serving
from coig_writer.generation import Generation, Sampling

SAMPLING = Sampling(0.7, 0.9, 64)


@pytest.fixture
def server():
    calls: list[dict[str, object]] = []
    broken: set[str] = set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls.append(body)
            failing = body["messages"][0]["content"] in broken
            message = {"role": "assistant", "content": "文章", "reasoning_content": "构思"}
            reply = {
                "choices": [{"message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 7},
            }
            data = b"no" if failing else json.dumps(reply).encode()
            self.send_response(500 if failing else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/v1", calls, broken
    listening.shutdown()
    listening.server_close()


def test_records_from_a_server(server, tmp_path):
    url, calls, _ = server
    queries = benchmark.one_per_genre("zh", 3)
    path = serving.generate("cw", Endpoint(url, "m"), queries, SAMPLING, seed=1, out=tmp_path)
    answers = read_records(path, Generation)
    assert [a.query_id for a in answers] == [q.id for q in queries]
    assert {(a.reasoning, a.article, a.reasoning_state, a.n_tokens) for a in answers} == {
        ("构思", "文章", "closed", 7)
    }
    assert {c["temperature"] for c in calls} == {0.7}
    assert len({c["seed"] for c in calls}) == 3


def test_what_failed_is_counted_and_only_that_is_asked_again(server, tmp_path):
    url, calls, broken = server
    queries = benchmark.one_per_genre("zh", 3)
    broken.add(queries[1].query)
    endpoint = Endpoint(url, "m", cache=tmp_path / "cache", retries=1, backoff=0.01)
    with pytest.raises(EndpointError, match="1 of 3 queries stay unanswered"):
        serving.generate("cw", endpoint, queries, SAMPLING, seed=1, out=tmp_path)
    assert not (tmp_path / "cw.parquet").exists()
    broken.clear()
    before = len(calls)
    serving.generate("cw", endpoint, queries, SAMPLING, seed=1, out=tmp_path)
    assert len(calls) == before + 1
