"""No refusal says who wrote what: fixed sentences, whatever was sent, in every protocol, language and mode."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest
from fastapi.responses import JSONResponse

from coig_writer.arena.server import guard
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.ballot import DIMENSIONS

NAMES = ("variant-ash", "variant-birch", "variant-cedar", "variant-dogwood", "variant-elm")
VERDICTS = {
    "pairwise": "left",
    "ranking": [0, 1, 2, 3, 4],
    "rating": dict.fromkeys(DIMENSIONS, 1),
}
BAD_VERDICTS = (
    "best",
    "",
    "left ",
    [],
    [0],
    [0, 1],
    [0, 1, 2, 3, 3],
    [0, 1, 2, 3, 9],
    [0, 1, 2, 3, -1],
    [[0, 1], 2, 3, 4],
    [[], 0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0, 0],
    {"overall_preference": 4},
    {"overall_preference": 1},
    {"beauty": 1},
    dict.fromkeys(DIMENSIONS, 4),
    *VERDICTS.values(),
)
RAW = (
    b'{"verdict": NaN}',
    b'{"dwell_s": Infinity}',
    b'{"dwell_s": 1e999}',
    b'{"depths": [-Infinity]}',
    b'{"comment": "\\ud800"}',
    b'{"tags": ["\\udfff"]}',
    b'{"item": "\\ud83d"}',
    b'{"verdict": ["\\ud800"]}',
    b"[" * 9000 + b"]" * 9000,
    b"[]",
    b"null",
    b"",
    b"\xff\xfe",
    b"{" + b" " * 30_000 + b"}",
)
STUDIES = {
    "public": Study(votes_per_minute=10**6, raters_per_minute=10**6, repeats=0.5),
    "invited": Study(
        study="trial",
        mode="invited",
        raters=("甲", "乙", "丙"),
        overlap=Overlap(0.5, 2),
        votes_per_minute=10**6,
        raters_per_minute=10**6,
    ),
}


def enter(service, client, rater=0):
    client.cookies.clear()
    if service.study.mode == "invited":
        token = service.identity.invitation(service.study.study, service.study.raters[rater])
        client.get(f"/?invite={token}", follow_redirects=False)
    else:
        client.cookies.set("arena_rater", service.identity.cookie(f"rater{rater}"))


def malformed(client, whole, foreign):
    """Sends votes and other writes that are wrong in one thing each; yields the replies."""
    for verdict in BAD_VERDICTS:
        if verdict != VERDICTS[whole["protocol"]]:
            yield client.post("/api/vote", json={**whole, "verdict": verdict})
    changes: list[dict[str, object]] = [
        {"item": foreign},
        {"item": ""},
        {"item": NAMES[0]},
        {"tags": ["nonsense"]},
        {"tags": [NAMES[1]]},
        {"comment": "x" * 2001},
        {"comment": "nul \0"},
        {"dwell_s": -1},
        {"depths": [2, 0]},
        {"depths": []},
        {"protocol": "duel"},
        {"language": "fr"},
        {"surprise": 1},
    ]
    for change in changes:
        yield client.post("/api/vote", json={**whole, **change})
    json_sent = {"content-type": "application/json"}
    for raw, route in itertools.product(RAW, ("vote", "session", "withdraw")):
        body = raw
        if raw.startswith(b'{"'):  # one bad field in a request that is whole otherwise
            fields = {
                "vote": whole,
                "session": {"protocol": "pairwise", "language": "zh", "consent": True},
                "withdraw": {"ballot": "x"},
            }
            named = raw[2 : raw.index(b'"', 2)].decode()
            rest = {k: v for k, v in fields[route].items() if k != named}
            body = raw[:-1] + b", " + json.dumps(rest).encode()[1:]
        yield client.post(f"/api/{route}", content=body, headers=json_sent)


def refusals(service, client, protocol, language):
    """Sends everything that must be refused to every route; yields the replies."""
    start = {"protocol": protocol, "language": language}
    enter(service, client, 1)
    foreign = client.post("/api/session", json={**start, "consent": True}).json()["item"]["id"]
    enter(service, client)
    item = client.post("/api/session", json={**start, "consent": True}).json()["item"]["id"]
    whole = {**start, "item": item, "verdict": VERDICTS[protocol]}
    yield from malformed(client, whole, foreign)
    yield client.post("/api/vote", json=whole, headers={"sec-fetch-site": "cross-site"})
    yield client.post("/api/vote", json=whole, headers={"origin": "http://elsewhere.example"})
    yield client.post(
        "/api/vote", content=json.dumps(whole), headers={"content-type": "text/plain"}
    )
    yield client.post("/api/session", json={**start, "consent": False})
    yield client.post("/api/withdraw", json={"ballot": "0" * 32})
    for path in ("/api/vote", "/api/none", "/api/results", "/api/results?protocol=x&language=zh"):
        yield client.get(path)
    assert client.post("/api/vote", json=whole).status_code == 200
    yield client.post("/api/vote", json=whole)  # doubled
    yield client.post("/api/vote", json={**whole, "verdict": "skip"})  # late, and another one
    client.cookies.clear()
    yield client.post("/api/vote", json=whole)
    yield client.get("/api/history")
    client.cookies.set("arena_rater", "rater0.AAAAAAAAAAAAAAAAAAAAAA")
    yield client.post("/api/vote", json=whole)


def told(names, replies):
    """What in the replies could tell a model: its name, or a digest of it, whole or cut."""
    signs = [n.lower() for n in names]
    for name, kind in itertools.product(names, ("md5", "sha1", "sha256")):
        signs.append(hashlib.new(kind, name.encode()).hexdigest()[:8])
    texts = [f"{r.text} {sorted(r.headers.items())}".lower() for r in replies]
    return sorted({sign for sign in signs for text in texts if sign in text})


MATRIX = [(m, p, lang) for m in STUDIES for p in VERDICTS for lang in ("zh", "en")]


@pytest.mark.parametrize(("mode", "protocol", "language"), MATRIX)
def test_every_refusal_is_the_one_sentence_of_its_status(
    make_service, client_of, mode, protocol, language
):
    service = make_service(STUDIES[mode], names=NAMES)
    replies = list(refusals(service, client_of(service), protocol, language))
    assert len(replies) > 60
    assert told(NAMES, replies) == []
    shapes: dict[int, set[tuple[bytes, tuple[tuple[str, str], ...]]]] = {}
    for reply in replies:
        assert 400 <= reply.status_code < 500, reply.text
        shapes.setdefault(reply.status_code, set()).add(
            (reply.content, tuple(sorted(reply.headers.items())))
        )
    for status, seen in shapes.items():
        bodies = {body for body, _ in seen}
        assert [json.loads(body)["error"] for body in bodies] == [guard.SENTENCES[status][0]]
        assert len({frozenset(dict(headers)) for _, headers in seen}) <= 2  # 405 names the method
    assert set(shapes) >= {401, 403, 404, 405, 409, 413, 415, 422}


@pytest.mark.parametrize("raw", RAW[:8])
def test_numbers_and_characters_that_json_does_not_have_are_422(service, client_of, raw):
    client = client_of(service)
    client.cookies.set("arena_rater", service.identity.cookie("r"))
    start = {"protocol": "ranking", "language": "zh", "item": "x", "verdict": "skip"}
    body = raw[:-1] + b", " + json.dumps(start).encode()[1:]
    sent = {"content-type": "application/json"}
    assert client.post("/api/vote", content=body, headers=sent).status_code == 422


def test_with_the_old_error_text_the_search_finds_the_names(make_service, client_of, monkeypatch):
    async def as_it_was(_request, error):
        said = getattr(error, "message", "") + getattr(error, "remedy", "")
        return JSONResponse({"error": said}, guard.status_of(error))

    monkeypatch.setattr(guard, "_refused", as_it_was)
    service = make_service(STUDIES["invited"], names=NAMES)
    replies = list(refusals(service, client_of(service), "ranking", "zh"))
    assert told(NAMES, replies) == sorted(NAMES)


def test_an_error_nobody_thought_of_says_no_more(make_service, monkeypatch):
    from fastapi.testclient import TestClient

    from coig_writer.arena.server.app import create_app

    service = make_service(names=NAMES)
    client = TestClient(create_app(service), raise_server_exceptions=False)

    def broken(*_):
        raise RuntimeError(" ".join(NAMES))

    monkeypatch.setattr(service, "checked", broken)
    reply = client.get("/api/results?protocol=pairwise&language=zh")
    assert (reply.status_code, reply.json()["error"]) == (500, guard.SENTENCES[500][0])


def test_who_runs_the_study_reads_on_standard_error_why_votes_are_not_stored(
    service, client_of, monkeypatch, capsys
):
    from coig_writer.arena.server.database import StoreError

    client = client_of(service)
    client.post("/api/session", json={"protocol": "pairwise", "language": "zh", "consent": True})

    def lost(*_):
        raise StoreError("no route to db.internal:5432", "look there")

    monkeypatch.setattr(service.store, "ballots", lost)
    reply = client.get("/api/history")
    assert (reply.status_code, reply.json()["error"]) == (503, guard.SENTENCES[503][0])
    assert "db.internal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("127.0.0.1:7860", True),
        ("localhost", True),
        ("[::1]:7860", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:7860", False),
        ("", False),
    ],
)
def test_a_local_arena_answers_to_local_names_alone(service, host, taken):
    from fastapi.testclient import TestClient

    from coig_writer.arena.server.app import create_app

    client = TestClient(create_app(service, hosts=guard.LOCAL))
    assert client.get("/api/study", headers={"host": host}).status_code == (200 if taken else 421)


def test_a_raters_other_questions_have_a_rate_too(make_service, client_of):
    client = client_of(make_service(Study(votes_per_minute=30)))
    start = {"protocol": "pairwise", "language": "zh", "consent": True}
    assert client.post("/api/session", json=start).status_code == 200
    codes = [client.get("/api/history").status_code for _ in range(3)]
    codes += [client.post("/api/withdraw", json={"ballot": "x"}).status_code for _ in range(3)]
    codes.append(client.post("/api/session", json=start).status_code)
    assert codes == [200, 200, 200, 422, 429, 429, 429]
