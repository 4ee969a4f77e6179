"""The application as Gradio launches it: page, engine, lifespan, sign-in, and what stays closed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any, cast

import gradio
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from gradio_client import Client
from gradio_client.exceptions import AppError
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from coig_writer.arena.server.app import PROXIES, create_app, serve
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.guard import LOCAL, SENTENCES, Tracebacks
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.definition import Study
from coig_writer.errors import ConfigError
from tests.coig_writer.arena.processes import free_port, started

NAMES = ("variant-ash", "variant-birch", "variant-cedar", "variant-dogwood", "variant-elm")
STUDY = Study(items_per_rater=4, repeats=0, votes_per_minute=10_000, results_after=3)


@contextlib.contextmanager
def launched(service, backup=None, hosts=LOCAL):
    app = create_app(service, backup, hosts, with_tables=True)
    _, url, _ = app.launch(prevent_thread_lock=True, server_port=free_port(), quiet=True)
    try:
        yield url.rstrip("/")
    finally:
        app.get_blocks().close(verbose=False)
        app.get_blocks().server.thread.join()


@pytest.fixture
def served(make_service):
    service = make_service(STUDY, names=NAMES)
    with launched(service) as url:
        yield service, url


TOLD_IN_ANOTHER_THREAD = """
import os, signal, threading
from types import SimpleNamespace
from coig_writer.arena.server.app import serve

def tell():
    while os.read(log, 1) != b")":  # "(Ctrl-C stops it)": the main thread is about to wait
        pass
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

log, sys_stderr = os.pipe()
os.dup2(sys_stderr, 2)
teller = threading.Thread(target=tell)
server = SimpleNamespace(config=SimpleNamespace(), thread=teller)
blocks = SimpleNamespace(server=server, close=lambda verbose: None)
app = SimpleNamespace(launch=lambda **_: teller.start(), get_blocks=lambda: blocks)
raise SystemExit(serve(app, "127.0.0.1", 0) + 7)
"""


def test_a_signal_that_another_thread_gets_stops_the_server_too():
    command = [sys.executable, "-c", TOLD_IN_ANOTHER_THREAD]
    assert subprocess.run(command, check=False, timeout=500).returncode == 7


HUB_THAT_HANGS = """
import sys, threading
from types import SimpleNamespace
from coig_writer.arena.server.app import serve
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.store import Store
from coig_writer.ballot import Ballot

class Deaf:
    def files(self):
        return []
    def write(self, path, content):
        threading.Event().wait()

store = Store(sys.argv[1])
store.add(Ballot("1", "s", "pairwise", "q", "q", "r", 0, ("a", "b"), '"left"'))
backup = Backup(store, Deaf(), hang_s=float(sys.argv[2]))
server = SimpleNamespace(config=SimpleNamespace(), thread=threading.Thread(target=backup.close))
blocks = SimpleNamespace(server=server, close=lambda verbose: server.thread.start())
server.thread.daemon = True
state = SimpleNamespace(backup=backup)
app = SimpleNamespace(launch=lambda **_: None, get_blocks=lambda: blocks, state=state)
raise SystemExit(serve(app, "127.0.0.1", 0) + 7)
"""


@pytest.mark.parametrize(
    ("second", "hangs_s", "code", "last"),
    [
        (
            signal.SIGINT,
            300,
            130,
            "arena: ended at once; what was not pushed is in the store alone",
        ),
        (signal.SIGTERM, 0.1, 7, "backup: the last push failed, and what it lacks"),
    ],
)
def test_a_second_ctrl_c_ends_a_server_that_waits_for_its_backup_and_no_second_sigterm(
    tmp_path, second, hangs_s, code, last
):
    url = sqlite_url(tmp_path / "ballots.sqlite")
    command = [sys.executable, "-c", HUB_THAT_HANGS, url, str(hangs_s)]
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            said.append(line)
            if "(Ctrl-C" in line:
                server.send_signal(second)
    assert (server.returncode, said[-1].startswith(last)) == (code, True), said
    assert [b.id for b in Store(url).ballots("s")] == ["1"]


PASSED_ON = """
import os, signal, time

def comes_again(_seconds):
    os.kill(os.getpid(), signal.SIGINT)
    os.write(2, b"came again")

time.sleep = comes_again
"""


def test_a_ctrl_c_that_a_wrapper_passes_on_is_no_second_one(tmp_path):
    url = sqlite_url(tmp_path / "ballots.sqlite")
    command = [sys.executable, "-c", PASSED_ON + HUB_THAT_HANGS, url, "0.1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "stops it" in server.stderr.readline()
        server.send_signal(signal.SIGINT)
        said = server.stderr.read()
    assert (server.returncode, "came again" in said) == (7, True), said


def test_a_server_that_cannot_start_leaves_signals_as_they_were():
    def launch(**_: object) -> None:
        raise OSError("taken")

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    app = SimpleNamespace(launch=launch)
    with pytest.raises(ConfigError, match="is taken"):
        serve(cast("gradio.Server", app), "127.0.0.1", 0)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_server_starts_though_it_is_too_busy_to_look_at_its_own_page(make_service, monkeypatch):
    monkeypatch.setattr("gradio.networking.url_ok", lambda _url: False)
    with launched(make_service(STUDY)) as url:
        assert httpx.get(f"{url}/health").json()["status"] == "ok"


def test_a_program_sits_votes_and_reads_results_as_a_visitor_of_the_page_does(served):
    service, url = served
    arena = Client(url, verbose=False)
    seat = arena.predict("pairwise", "zh", True, api_name="/session")
    answers: list[dict[str, Any]] = []
    for number in range(4):
        assert arena.predict(seat["rater"], "pairwise", "zh", api_name="/next")["item"]
        item = (answers[-1]["next"] if answers else seat)["item"]["id"]
        answers.append(
            arena.predict(seat["rater"], "pairwise", "zh", item, "left", api_name="/vote")
        )
        assert len(service.store.ballots("demo")) == number + 1
    assert {a["id"] for a in answers} == {b.id for b in service.store.ballots("demo")}
    said = json.dumps([seat, answers])
    assert [name for name in NAMES if name in said] == []
    board = arena.predict("pairwise", "zh", api_name="/results")
    assert board == httpx.get(f"{url}/api/results?protocol=pairwise&language=zh").json()
    assert sorted(board["models"]) == sorted(NAMES)


def test_programs_meet_the_same_checks_and_the_same_sentences(served):
    service, url = served
    arena = Client(url, verbose=False)
    seat = arena.predict("ranking", "zh", True, api_name="/session")
    rater, item = seat["rater"], seat["item"]["id"]
    one = arena.predict(rater, "ranking", "zh", item, [0, 1, 2, 3, 4], api_name="/vote")
    assert one["id"]
    fresh = one["next"]["item"]["id"]
    asked: dict[int, list[tuple[object, ...]]] = {
        409: [(rater, "ranking", "zh", item, "skip")],
        401: [
            ("forged.AAAA", "ranking", "zh", fresh, "skip"),
            ("", "ranking", "zh", fresh, "skip"),
        ],
        422: [
            (rater, "ranking", "zh", fresh, verdict)
            for verdict in ([0, 1, 2, 3, 3], [0], "best", {"overall_preference": 4})
        ]
        + [(rater, "duel", "zh", fresh, "skip"), (rater, "ranking", "zh", "x" * 65, "skip")],
    }
    for status, calls in asked.items():
        for call in calls:
            with pytest.raises(AppError) as refused:
                arena.predict(*call, api_name="/vote")
            assert str(refused.value) == SENTENCES[status][0]
    with pytest.raises(AppError) as refused:
        arena.predict("ranking", "zh", False, api_name="/session")
    assert str(refused.value) == SENTENCES[422][0]
    for rater in (5, ["a"], {"a": 1}, "\ud800"):  # Gradio checks no types
        for name, body in (
            ("session", ["ranking", "zh", True, rater]),
            ("next", [rater, "ranking", "zh"]),
        ):
            told = {"content-type": "application/json"}
            sent = json.dumps({"data": body})  # httpx itself sends no half surrogate
            reply = httpx.post(f"{url}/gradio_api/run/{name}", content=sent, headers=told)
            assert reply.json()["error"] == SENTENCES[401][0], (name, rater)
    reply = httpx.post(f"{url}/gradio_api/run/nothing", json={"data": []})
    assert (reply.status_code, reply.json()["error"]) == (404, SENTENCES[404][0])
    assert len(service.store.ballots("demo")) == 1


UNREADABLE: dict[str, list[str | None]] = {
    "run/session": ['{"data": []}', '{"data": [], "fn_index": 99999}'],
    "run/vote": ['{"data": ["x"]}'],
    "call/session": ['{"data": []}'],
    "call/v2/session": ['{"nonsense": 1}'],
    "queue/join": [
        '{"data": [], "fn_index": 0, "session_hash": "\\ud800"}',
        '{"data": [], "fn_index": 0, "session_hash": "a"}',
        '{"data": [], "fn_index": 12345, "session_hash": "a"}',
    ],
    "queue/data?session_hash=nobody": [None],
    "call/session/nothing": [None],
}


def test_a_request_that_gradio_cannot_read_is_one_line_in_the_log(tmp_path, root):
    port = free_port()
    command = [sys.executable, str(root / "space" / "app.py"), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with started(
        [*command, "--folder", str(tmp_path / "a")], f"{url}/health", tmp_path, os.environ
    ):
        (log,) = tmp_path.glob("server-*.log")
        sent = 0
        for path, bodies in UNREADABLE.items():
            for body in bodies:
                method, headers = (
                    ("POST", {"content-type": "application/json"}) if body else ("GET", {})
                )
                address = f"{url}/gradio_api/{path}"
                with httpx.stream(method, address, content=body, headers=headers, timeout=300):
                    sent += 1
        end, lines = time.monotonic() + 300, 0
        while lines < sent and time.monotonic() < end:  # Gradio prints when its queue gets there
            time.sleep(0.05)
            lines = log.read_text().count("could not be read")
        time.sleep(0.2)
        printed = [
            li for li in log.read_text().splitlines() if not li.startswith(("arena:", "operator:"))
        ]
        assert len(printed) == lines == sent, printed


def test_a_fault_of_the_kit_keeps_its_traceback(service, capsys):
    queue = service.admit("r", "pairwise", "zh")
    service.prompts = {}
    try:
        service.view("pairwise", queue)
    except KeyError:
        Tracebacks().print_exc()
        record = logging.LogRecord("uvicorn.error", 40, "", 0, "failed", (), sys.exc_info())
    assert "in view\n" in capsys.readouterr().err
    assert Tracebacks().filter(record)
    assert record.exc_info


def test_an_invited_program_brings_its_invitation(make_service, invited):
    service = make_service(invited, names=NAMES)
    with launched(service) as url:
        arena = Client(url, verbose=False)
        with pytest.raises(AppError, match=SENTENCES[403][0]):
            arena.predict("ranking", "zh", True, api_name="/session")
        token = service.identity.invitation("trial", "乙")
        seat = arena.predict("ranking", "zh", True, token, api_name="/session")
        assert seat["progress"]["total"] == len(service.seats("ranking", "zh")[1])
        assert service.identity.from_cookie(seat["rater"]) == service.identity.rater(
            "invited", "乙"
        )


def test_page_engine_and_tables_answer_and_the_rest_of_gradio_is_closed(served):
    _, url = served
    for path, sign in (
        ("/", "/page/main.js"),
        ("/?view=api", "gradio"),
        ("/gradio/", "gradio"),
        ("/health", "ok"),
        ("/gradio_api/info", "/vote"),
    ):
        reply = httpx.get(url + path)
        assert (reply.status_code, sign in reply.text) == (200, True), path
    for prefix in ("/gradio_api", "/gradio/gradio_api"):
        sent = httpx.post(f"{url}{prefix}/upload", files={"files": b"x"})
        assert (sent.status_code, sent.json()["error"]) == (404, SENTENCES[404][0])
        for path in ("/file=/etc/hostname", "/proxy=https://x.hf.space/", "/stream/1/2", "/runs"):
            assert httpx.get(url + prefix + path).status_code == 404, path
    for path in ("/monitoring", "/monitoring/summary", "/login", "/docs", "/openapi.json"):
        assert httpx.get(url + path).status_code == 404, path
    assert httpx.post(f"{url}/login", data={"username": "a", "password": "b"}).status_code == 404


def test_the_operators_page_is_there_for_the_operator_alone(served):
    service, url = served
    paths = (
        "/operator",
        "/operator/",
        "/operator/config",
        "/operator/gradio_api/info",
        "/operator/theme.css",
    )
    with httpx.Client(base_url=url, follow_redirects=True) as client:
        for cookie in (
            {},
            {"arena_operator": "A" * 22},
            {"arena_rater": service.identity.cookie("r")},
        ):
            assert {client.get(p, cookies=cookie).status_code for p in paths} == {404}
        assert client.get("/?operator=AAAA").cookies.get("arena_operator") is None
        assert (
            client.get("/", params={"operator": service.identity.operator("other")}).url.path == "/"
        )
        client.cookies.clear()
        opened = client.get("/", params={"operator": service.identity.operator("demo")})
        assert (opened.status_code, opened.url.path) == (200, "/operator/")
        assert "operator" not in str(opened.url.query)
        assert client.get("/operator/config").status_code == 200


def test_head_is_answered_where_get_is(served):
    _, url = served
    for path in ("/", "/results", "/health"):
        reply = httpx.head(url + path)
        assert (reply.status_code, reply.content) == (200, b"")


def test_foreign_pages_and_foreign_names_reach_neither_page_nor_engine(served):
    _, url = served
    body = {"data": ["pairwise", "zh", True, ""]}
    for path in ("/gradio_api/call/session", "/gradio_api/run/session"):
        for told in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
            assert httpx.post(url + path, json=body, headers=told).status_code == 403
        assert (
            httpx.post(url + path, json=body, headers={"host": "evil.example"}).status_code == 421
        )
        assert httpx.post(url + path, json=body).status_code == 200
    told = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    assert httpx.get(f"{url}/api/history", headers=told).status_code == 403


def test_no_name_and_no_digest_of_one_is_in_what_gradio_tells(served):
    _, url = served
    told = "".join(
        httpx.get(url + path).text
        for path in (
            "/config",
            "/gradio_api/info",
            "/gradio_api/openapi.json",
            "/?view=api",
            "/gradio/config",
        )
    )
    signs = [hashlib.sha256(name.encode()).hexdigest()[:8] for name in NAMES]
    assert [sign for sign in (*NAMES, *signs) if sign in told] == []


class Remote:
    def __init__(self):
        self.kept: dict[str, bytes] = {}

    def files(self):
        return list(self.kept)

    def read(self, path):
        return self.kept[path]

    def write(self, path, content):
        time.sleep(0.3)
        self.kept[path] = content

    def forget(self, path):
        del self.kept[path]


def test_the_backup_runs_with_the_server_and_takes_the_last_votes_when_it_stops(make_service):
    service, remote = make_service(STUDY, names=NAMES), Remote()
    backup = Backup(service.store, remote, every_s=600)
    with launched(service, backup) as url:
        arena = Client(url, verbose=False)
        seat = arena.predict("pairwise", "zh", True, api_name="/session")
        item = seat["item"]["id"]
        stored = arena.predict(seat["rater"], "pairwise", "zh", item, "tie", api_name="/vote")
    assert any(stored["id"].encode() in content for content in remote.kept.values())


def test_sigterm_ends_the_server_in_order(root, tmp_path):
    port = free_port()
    command = [sys.executable, str(root / "space" / "app.py"), "--no-gradio"]
    command += ["--folder", str(tmp_path / "arena"), "--port", str(port)]
    with started(command, f"http://127.0.0.1:{port}/health", tmp_path, os.environ) as server:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            start = {"protocol": "pairwise", "language": "zh"}
            view = client.post("/api/session", json={**start, "consent": True}).json()
            vote = {**start, "item": view["item"]["id"], "verdict": "left"}
            assert client.post("/api/vote", json=vote).status_code == 200
            # another study on the same port; one on the same folder would wait for its turn
            folder = str(tmp_path / "arena")
            other = [str(tmp_path / "other") if word == folder else word for word in command]
            second = subprocess.run(other, capture_output=True, text=True, check=False, timeout=500)
            assert (second.returncode, "is taken" in second.stderr) == (1, True), second.stderr
        server.send_signal(signal.SIGTERM)
        assert server.wait(300) == 0
    store = Store(sqlite_url(tmp_path / "arena" / "ballots.sqlite"))
    (study,) = {str(row[0]) for row in store.keys("studies")}
    assert len(store.ballots(study)) == 1


def test_an_account_signs_in_through_gradio(make_service, monkeypatch):
    monkeypatch.setenv("OAUTH_CLIENT_ID", "id")
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr("gradio.oauth.OAUTH_CLIENT_ID", "id")
    monkeypatch.setattr("gradio.oauth.get_space", lambda: None)
    monkeypatch.setattr(
        "gradio.oauth._get_mocked_oauth_info",
        lambda: {"userinfo": {"preferred_username": "reader", "sub": "1"}},
        raising=False,
    )
    service = make_service(STUDY)
    with launched(service) as url:
        assert httpx.get(f"{url}/api/study").json()["accounts"] is True
        assert httpx.get(f"{url}/login/huggingface").status_code in (302, 307)


def test_on_a_space_the_address_is_what_its_proxy_saw_not_what_a_client_claims():
    app: Any = FastAPI()

    @app.get("/")
    def address(request: Request) -> str:
        return request.client.host if request.client else ""

    behind: Any = ProxyHeadersMiddleware(app, PROXIES)
    client = TestClient(behind, client=("10.16.0.1", 5))
    told = {"x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.16.3.4"}
    assert client.get("/", headers=told).json() == "203.0.113.9"
