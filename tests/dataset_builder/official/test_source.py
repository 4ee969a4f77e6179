"""The Hub's part is played by a small server of the same addresses and headers."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading

import pytest

from coig_writer.errors import PublicationError
from dataset_builder.official.importing import import_file
from dataset_builder.official.source import fetch

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = json.dumps([{"id": "a", "query": "写诗", "thought": "想", "answer": "诗"}]).encode()
REPOSITORY = "m-a-p/COIG-Writer"


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hub)
        self.asked = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Hub(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        self.server.asked.append(self.path)
        info = f"/api/datasets/{REPOSITORY}"
        if self.path in (info, f"{info}/revision/v1"):
            return self._send(json.dumps({"id": REPOSITORY, "sha": COMMIT}).encode(), body)
        if self.path == f"/datasets/{REPOSITORY}/resolve/{COMMIT}/all_human_data.json":
            return self._send(CONTENT, body)
        return self._send(b"{}", body, 404, {"X-Error-Code": "RevisionNotFound"})

    def _send(self, content, body, status=200, more=()):
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(content)),
            "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            **dict(more),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


def test_a_revision_is_resolved_to_its_commit_and_recorded(hub, tmp_path):
    download = fetch(REPOSITORY, "v1", endpoint=hub.address)
    assert download.revision == COMMIT
    assert download.path.read_bytes() == CONTENT
    assert any(COMMIT in path for path in hub.asked)
    imported = import_file(download.path, tmp_path / "out", download=download)
    assert (imported.repository, imported.revision) == (REPOSITORY, COMMIT)
    assert imported.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert str(tmp_path) not in (tmp_path / "out" / "import.json").read_text()


def test_an_unknown_revision_and_a_dead_hub_end_in_a_sentence(hub):
    with pytest.raises(PublicationError, match="at nowhere"):
        fetch(REPOSITORY, "nowhere", endpoint=hub.address)
    with pytest.raises(PublicationError, match="the default branch"):
        fetch(REPOSITORY, endpoint="http://127.0.0.1:9")
