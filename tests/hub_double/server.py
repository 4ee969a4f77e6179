"""The double of the Hub: a real HTTP server on the loopback address. See README.md beside it."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.hub_double.repository import (
    SDKS,
    RefusedError,
    Repository,
    card_problems,
    listing,
    travels_as_lfs,
)

TOKEN = "hf_" + "double" * 6
Fault = Literal["refuse", "hang", "cut", "lose", "wrong"]
HANG_S = 10.0
Answer = tuple[int, dict[str, str], bytes]


class Hub:
    """The server and everything it keeps. ``requests`` lists method and path of each request."""

    def __init__(self, port: int = 0) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[str] = []
        self.faults: dict[int, Fault] = {}
        self.lock = threading.RLock()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Or each body would wait 40 ms until the head is acknowledged.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                hub.handle(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def repository(self, name: str, kind: str = "dataset") -> Repository:
        if (kind, name) not in self.repositories:
            raise RefusedError(404, "Repository not found", "RepoNotFound")
        return self.repositories[kind, name]

    def fault(self, number: int, kind: Fault) -> None:
        """Makes the request with this number (from 1, counted from now) fail in some way."""
        self.faults[len(self.requests) + number] = kind

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self.lock:
            self.requests.append(f"{handler.command} {urllib.parse.unquote(handler.path)}")
            number = len(self.requests)
            fault = self.faults.pop(number, None)
        try:
            if fault == "refuse":
                send(handler, error(RefusedError(503, "try later")))
            elif fault == "hang":
                threading.Event().wait(HANG_S)
            else:
                send(handler, self.answer(handler, body), fault)
        except OSError:
            pass  # the client went away
        if fault in ("hang", "cut", "lose"):
            handler.close_connection = True

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        try:
            with self.lock:
                return self.route(handler, body)
        except RefusedError as refused:
            return error(refused)

    def route(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        path, _, query = handler.path.partition("?")
        authorized = handler.headers.get("authorization") == f"Bearer {TOKEN}"
        if handler.command in ("POST", "DELETE") and not authorized:
            raise RefusedError(401, "Invalid credentials in Authorization header")
        for method, pattern, of in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and handler.command in method:
                parts = {k: urllib.parse.unquote(v or "") for k, v in match.groupdict().items()}
                return of(self, parts, body, handler, urllib.parse.parse_qs(query))
        raise RefusedError(404, f"the double has no {handler.command} {path}")


def send(handler: BaseHTTPRequestHandler, answer: Answer, fault: Fault | None = None) -> None:
    status, headers, content = answer
    if fault == "lose":
        return
    if fault == "wrong":
        content = content.swapcase() if content[:1] == b"{" else content[::-1]
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if "content-length" not in {name.lower() for name in headers}:
        handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content[: len(content) // 2] if fault == "cut" else content)


def error(refused: RefusedError) -> Answer:
    headers = {
        "X-Error-Message": " ".join(str(refused).split()),
        "content-type": "application/json",
    }
    if refused.code:
        headers["X-Error-Code"] = refused.code
    return (
        refused.status,
        headers,
        json.dumps({"error": str(refused), "errors": [], "url": refused.url}).encode(),
    )


def ok(value: Any) -> Answer:
    return 200, {"content-type": "application/json"}, json.dumps(value).encode()


def whoami(_hub: Hub, _p: Any, _body: bytes, handler: Any, _q: Any) -> Answer:
    if handler.headers.get("authorization") != f"Bearer {TOKEN}":
        raise RefusedError(401, "Invalid credentials in Authorization header")
    return ok({"type": "user", "name": "user", "orgs": [], "auth": {"type": "access_token"}})


def validate(_hub: Hub, _p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    asked = json.loads(body)
    found = card_problems(asked["content"], asked["repoType"])
    answer = {"errors": [{"message": m} for m in found], "warnings": []}
    return (
        (400 if found else 200),
        {"content-type": "application/json"},
        json.dumps(answer).encode(),
    )


def create(hub: Hub, _p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    asked = json.loads(body)
    kind = asked.get("type", "model")
    name = f"{asked.get('organization') or 'user'}/{asked['name']}"
    url = f"{hub.url}/{'' if kind == 'model' else kind + 's/'}{name}"
    if (kind, name) in hub.repositories:
        raise RefusedError(409, "You already created this repo", url=url)
    if kind == "space" and asked.get("sdk") not in SDKS:
        raise RefusedError(400, f"a Space's sdk is one of {', '.join(SDKS)}")
    private = bool(asked.get("private") or asked.get("visibility") == "private")
    hub.repositories[kind, name] = Repository(kind, name, private)
    return ok({"url": url, "name": name, "id": name})


def info(hub: Hub, p: Any, _body: bytes, _h: Any, _q: Any) -> Answer:
    repository = hub.repository(p["id"], p["kind"])
    sha = repository.resolve(p.get("rev") or "main")
    siblings = [{"rfilename": path} for path in sorted(repository.tree(sha))]
    common = {"id": p["id"], "sha": sha, "private": repository.private, "siblings": siblings}
    return ok(common | {"tags": [], "disabled": False, "gated": False, "downloads": 0, "likes": 0})


def tree(hub: Hub, p: Any, _body: bytes, _h: Any, q: Any) -> Answer:
    rows = listing(hub.repository(p["id"], p["kind"]).tree(p["rev"]))
    folder = p.get("path")
    if folder:
        rows = [r for r in rows if r["path"].startswith(folder + "/")]
        if not rows:
            raise RefusedError(404, "Entry not found", "EntryNotFound")
    if q.get("recursive", ["false"])[0].lower() != "true":
        depth = folder.count("/") + 1 if folder else 0
        rows = [r for r in rows if r["path"].count("/") == depth]
    return ok(rows)


def paths_info(hub: Hub, p: Any, body: bytes, handler: Any, _q: Any) -> Answer:
    if "json" in (handler.headers.get("content-type") or ""):
        wanted = json.loads(body)["paths"]
    else:
        wanted = urllib.parse.parse_qs(body.decode()).get("paths", [])
    rows = listing(hub.repository(p["id"], p["kind"]).tree(p["rev"]))
    return ok([r for r in rows if r["path"] in wanted])


def refs(hub: Hub, p: Any, _body: bytes, _h: Any, _q: Any) -> Answer:
    repository = hub.repository(p["id"], p["kind"])

    def ref(name: str, full: str, oid: str) -> dict[str, str]:
        return {"name": name, "ref": full, "targetCommit": oid}

    return ok(
        {
            "branches": [ref("main", "refs/heads/main", repository.head)],
            "converts": [],
            "tags": [ref(n, f"refs/tags/{n}", o) for n, o in repository.tags.items()],
            "pullRequests": [
                ref(n.rpartition("/")[2], n, o)
                for n, o in repository.refs.items()
                if n.startswith("refs/pr/")
            ],
        }
    )


def preupload(hub: Hub, p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    there = hub.repository(p["id"], p["kind"]).tree(p["rev"])
    files = [
        {
            "path": f["path"],
            "uploadMode": "lfs" if travels_as_lfs(f["path"], f["size"]) else "regular",
            "shouldIgnore": False,
            "oid": there[f["path"]].etag if f["path"] in there else None,
        }
        for f in json.loads(body)["files"]
    ]
    return ok({"files": files})


def commit(hub: Hub, p: Any, body: bytes, _h: Any, q: Any) -> Answer:
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    repository = hub.repository(p["id"], p["kind"])
    oid, ref = repository.commit(p["rev"], lines, pull=q.get("create_pr") == ["1"])
    base = f"{hub.url}/{'' if p['kind'] == 'model' else p['kind'] + 's/'}{p['id']}"
    pull = f"{base}/discussions/{ref.rpartition('/')[2]}" if ref.startswith("refs/pr/") else None
    return ok(
        {
            "success": True,
            "commitOid": oid,
            "commitUrl": f"{base}/commit/{oid}",
            "pullRequestUrl": pull,
        }
    )


def squash(hub: Hub, p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    hub.repository(p["id"], p["kind"]).squash(p["rev"], json.loads(body)["message"])
    return ok({})


def tag(hub: Hub, p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    repository = hub.repository(p["id"], p["kind"])
    name = json.loads(body)["tag"]
    if name in repository.tags:
        raise RefusedError(409, f"Tag {name} already exists")
    repository.tags[name] = repository.resolve(p["rev"])
    return ok({})


def batch(hub: Hub, p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    kind = (p["kinds"] or "models/").rstrip("/").removesuffix("s")
    repository = hub.repository(p["id"], kind)
    objects = []
    for asked in json.loads(body)["objects"]:
        entry = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] not in repository.lfs:
            href = f"{hub.url}/_lfs/{kind}/{p['id']}/{asked['oid']}/{asked['size']}"
            entry["actions"] = {"upload": {"href": href}}
        objects.append(entry)
    return ok({"transfer": "basic", "objects": objects})


def put(hub: Hub, p: Any, body: bytes, _h: Any, _q: Any) -> Answer:
    hub.repository(p["id"], p["kind"]).store(p["oid"], int(p["size"]), body)
    return ok({})


def resolve(hub: Hub, p: Any, _body: bytes, handler: Any, _q: Any) -> Answer:
    kind = (p["kinds"] or "models/").rstrip("/").removesuffix("s")
    repository = hub.repository(p["id"], kind)
    oid = repository.resolve(p["rev"])
    blob = repository.commits[oid].get(p["path"])
    if blob is None:
        raise RefusedError(404, "Entry not found", "EntryNotFound")
    headers = {
        "X-Repo-Commit": oid,
        "ETag": f'"{blob.etag}"',
        "Accept-Ranges": "bytes",
        "content-type": "application/octet-stream",
    }
    if blob.lfs:
        headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))}
    span = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("range") or "")
    if span is None:
        return 200, headers | {"content-length": str(len(blob.content))}, blob.content
    first, last = int(span[1]), min(int(span[2] or len(blob.content)), len(blob.content) - 1)
    headers["content-range"] = f"bytes {first}-{last}/{len(blob.content)}"
    return 206, headers, blob.content[first : last + 1]


_API = r"/api/(?P<kind>model|dataset|space)s/(?P<id>[\w.-]+/[\w.-]+)"
_FILES = r"/(?P<kinds>datasets/|spaces/)?(?P<id>[\w.-]+/[\w.-]+)"
ROUTES: tuple[tuple[tuple[str, ...], str, Callable[..., Answer]], ...] = (
    (("GET",), "/api/whoami-v2", whoami),
    (("POST",), "/api/validate-yaml", validate),
    (("POST",), "/api/repos/create", create),
    (("GET",), _API + r"(?:/revision/(?P<rev>[^/]+))?", info),
    (("GET",), _API + r"/tree/(?P<rev>[^/]+)(?:/(?P<path>.+))?", tree),
    (("POST",), _API + r"/paths-info/(?P<rev>[^/]+)", paths_info),
    (("GET",), _API + r"/refs", refs),
    (("POST",), _API + r"/preupload/(?P<rev>[^/]+)", preupload),
    (("POST",), _API + r"/commit/(?P<rev>[^/]+)", commit),
    (("POST",), _API + r"/super-squash/(?P<rev>[^/]+)", squash),
    (("POST",), _API + r"/tag/(?P<rev>[^/]+)", tag),
    (("POST",), _FILES + r"\.git/info/lfs/objects/batch", batch),
    (("PUT",), r"/_lfs/(?P<kind>\w+)/(?P<id>[\w.-]+/[\w.-]+)/(?P<oid>\w+)/(?P<size>\d+)", put),
    (("GET", "HEAD"), _FILES + r"/resolve/(?P<rev>[^/]+)/(?P<path>.+)", resolve),
)
