"""A language-model server on the loopback address that answers as a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[dict[str, Any], int], Answer]


class Server:
    """Answers by a function of the request and its number; remembers what was asked."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = lambda _body, _n: said("hello")
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.peers: set[object] = set()  # one per connection
        self.at_once = self.most_at_once = 0
        self.pause = 0.0  # seconds before each byte of an answer's body
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections stay open

            def do_POST(self) -> None:
                outer.handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self.lock:
            self.bodies.append(body)
            self.headers.append(dict(handler.headers))
            self.peers.add(handler.client_address)
            number = len(self.bodies)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            status, headers, content = self.behaviour(body, number)
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            if "content-length" in headers:  # a lie: the reader waits for more
                handler.close_connection = True
            else:
                handler.send_header("content-length", str(len(content)))
            handler.end_headers()
            for piece in (
                (content[i : i + 1] for i in range(len(content))) if self.pause else [content]
            ):
                time.sleep(self.pause)
                handler.wfile.write(piece)
        except OSError:
            handler.close_connection = True  # the client went away
        finally:
            with self.lock:
                self.at_once -= 1


def said(text: object, usage: object = (10, 5), **message: Any) -> Answer:
    finish = message.pop("finish_reason", "stop")
    data: dict[str, Any] = {
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish}]
    }
    if isinstance(usage, tuple):
        data["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return 200, {}, json.dumps(data).encode()
