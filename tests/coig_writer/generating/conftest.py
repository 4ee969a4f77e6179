"""A loopback server that speaks the OpenAI protocol."""

from __future__ import annotations

import http.server
import json
import threading

import pytest


@pytest.fixture
def server():
    """Its address, the bodies it was sent, and a set of prompts that it fails on."""
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
