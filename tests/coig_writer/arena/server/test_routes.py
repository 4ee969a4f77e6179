from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
from fastapi.testclient import TestClient

from coig_writer.arena.server.api import ProgramEndpoints
from coig_writer.arena.server.app import create_app
from coig_writer.arena.server.guard import RefusedError
from coig_writer.arena.study.definition import Study

START = {"protocol": "pairwise", "language": "zh", "consent": True}


def begin(client, **changes):
    return client.post("/api/session", json={**START, **changes})


def vote(client, item_id, verdict="left", **changes):
    body = {"protocol": "pairwise", "language": "zh", "item": item_id, "verdict": verdict}
    return client.post("/api/vote", json={**body, **changes})


def test_a_vote_is_stored_and_answered_with_the_next_item(service, client_of):
    client = client_of(service)
    first = begin(client).json()
    reply = vote(client, first["item"]["id"]).json()
    (ballot,) = service.store.ballots("demo")
    assert reply["id"] == ballot.id
    assert set(reply) == {"id", "next"}
    assert reply["next"]["progress"]["done"] == 1
    assert reply["next"]["item"]["id"] != first["item"]["id"]


JSON = {"content-type": "application/json"}


def test_past_fastapi_a_vote_is_answered_as_through_it(make_service, tmp_path, monkeypatch, clock):
    def answers(way):
        (tmp_path / way).mkdir()
        service = make_service(folder=tmp_path / way)
        app = create_app(service, hosts=frozenset({"testserver"}))
        assert ("POST", "/api/vote") in app.state.short_ways
        if way == "long":
            app.state.short_ways = {}
        client = TestClient(app, raise_server_exceptions=False)
        client.cookies.set("arena_rater", service.identity.cookie("r"))
        good = {"protocol": "pairwise", "language": "zh", "verdict": "left"}
        good["item"] = begin(client).json()["item"]["id"]
        for wrong in ({"verdict": "best"}, {"dwell_s": -1}, {"language": "fr"}, {"item": "x"}):
            yield client.post("/api/vote", json=good | wrong)
        for sent in (
            {"cookie": "arena_rater=r.forged"},
            {"host": "evil.example"},
            {"sec-fetch-site": "cross-site"},
            {"content-type": "text/plain"},
        ):
            yield client.post("/api/vote", json=good, headers=sent)
        for content in (b"not json", b" " * 30_000, iter([b"{}"])):
            yield client.post("/api/vote", content=content, headers=JSON)
        yield client.get("/api/vote")
        yield client.post("/api/vote", json=good)
        yield client.post("/api/vote", json=good)
        monkeypatch.setattr(service, "ballot", lambda *_: 1 / 0)
        failed = client.post("/api/vote", json=good)
        failed.headers.clear()  # the long way leaves the security headers out
        yield failed

    short, long = (
        [
            (reply.status_code, reply.headers.multi_items(), reply.json() | {"id": 0})
            for reply in answers(way)
        ]
        for way in ("short", "long")
    )
    assert short == long
    statuses = [status for status, _, _ in short]
    assert statuses == [422] * 4 + [401, 421, 403, 415, 422, 413, 413, 405, 200, 409, 500]


def test_authors_come_at_the_end_of_the_sitting_and_not_before(make_service, client_of):
    service = make_service(Study(items_per_rater=2, repeats=0.5, votes_per_minute=1000))
    client = client_of(service)
    sitting = {"protocol": "pairwise", "language": "zh"}
    view = begin(client).json()
    while view["item"]:
        assert client.post("/api/authors", json=sitting).status_code == 422
        view = vote(client, view["item"]["id"]).json()["next"]
    told = client.post("/api/authors", json=sitting).json()
    cast = [b for b in service.store.ballots("demo") if b.repeat == 0]
    # Two votes of one millisecond have no order in the store.
    assert sorted(item["models"] for item in told) == sorted(list(b.shown) for b in cast)


def test_a_replay_is_refused(service, client_of):
    client = client_of(service)
    item = begin(client).json()["item"]["id"]
    vote(client, item)
    again = vote(client, item, "right")
    assert again.status_code == 409
    assert len(service.store.ballots("demo")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "best"},
        {"verdict": {"left": 1}},
        {"surprise": 1},
        {"tags": ["nonsense"]},
        {"comment": "x" * 2001},
        {"dwell_s": -1},
        {"depths": [2, 0]},
        {"depths": [1]},
        {"item": "x" * 22},
        {"protocol": "duel"},
        {"interface_language": "fr"},
    ],
)
def test_a_malformed_vote_is_refused_and_nothing_is_stored(service, client_of, change):
    client = client_of(service)
    item = begin(client).json()["item"]["id"]
    assert vote(client, item, **change).status_code == 422
    assert service.store.ballots("demo") == []


def test_no_session_no_vote_and_a_forged_cookie_is_no_session(service, client_of):
    client = client_of(service)
    item = begin(client_of(service)).json()["item"]["id"]
    assert vote(client, item).status_code == 401
    client.cookies.set("arena_rater", "somebody.AAAAAAAAAAAAAAAAAAAAAA")
    assert vote(client, item).status_code == 401


def test_consent_comes_first(service, client_of):
    assert begin(client_of(service), consent=False).status_code == 422
    assert service.store.keys("seats") == set()


def test_the_cookie_is_a_pseudonym_out_of_reach_of_scripts(service, client_of):
    header = begin(client_of(service)).headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=lax" in header


def test_on_a_space_the_cookie_works_inside_the_hubs_frame(service, client_of, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "org/arena")
    header = begin(client_of(service)).headers["set-cookie"]
    assert all(part in header for part in ("Secure", "SameSite=none", "Partitioned"))


def test_an_invitation_becomes_a_cookie_and_leaves_the_address(make_service, invited, client_of):
    service = make_service(invited)
    client = client_of(service)
    token = service.identity.invitation("trial", "乙")
    reply = client.get(f"/?invite={token}&protocol=ranking&lang=en", follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/?protocol=ranking&lang=en")
    view = begin(client, protocol="ranking").json()
    assert view["progress"]["total"] == len(service.seats("ranking", "zh")[1])


def test_without_an_invitation_an_invited_study_stays_closed(make_service, invited, client_of):
    client = client_of(make_service(invited))
    assert begin(client).status_code == 403
    assert client.get("/?invite=AAAAAAAAAAAAAAAAAAAAAA").status_code == 403
    assert begin(client).status_code == 403


def test_an_invited_study_reveals_nothing(make_service, invited, client_of):
    service = make_service(invited)
    client = client_of(service)
    client.get(f"/?invite={service.identity.invitation('trial', '甲')}")
    reply = vote(client, begin(client).json()["item"]["id"]).json()
    assert set(reply) == {"id", "next"}
    assert (
        client.post("/api/authors", json={"protocol": "pairwise", "language": "zh"}).status_code
        == 422
    )
    assert client.get("/api/results?protocol=pairwise&language=zh").json()["results"] is None


def test_an_annotators_account_is_refused(make_service, client_of):
    service = make_service(Study(annotators=("Wrote-It",)))
    client = client_of(service)

    @client.app.middleware("http")
    async def signed_in(request, call_next):
        request.scope["session"] = {"oauth_info": {"userinfo": {"preferred_username": "wrote-it"}}}
        return await call_next(request)

    assert begin(client).status_code == 403


def test_a_flood_is_slowed_down(make_service, client_of):
    client = client_of(make_service(Study(votes_per_minute=30, raters_per_minute=30)))
    item = begin(client).json()["item"]["id"]
    codes = [vote(client, item).status_code for _ in range(8)]
    assert codes[:2] == [200, 409]
    assert codes[-1] == 429
    newcomers = [begin(TestClient(client.app)).status_code for _ in range(8)]
    assert newcomers[-1] == 429


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/json"}, b"{" + b" " * 30_000 + b"}", 413),
        ({"content-type": "application/json"}, b"not json", 422),
    ],
)
def test_writes_that_no_page_sends_are_refused(service, client_of, headers, body, status):
    client = client_of(service)
    begin(client)
    assert client.post("/api/vote", content=body, headers=headers).status_code == status


def test_a_rater_sees_and_withdraws_only_own_votes(service, client_of):
    one, two = client_of(service), client_of(service)
    ballot = vote(one, begin(one).json()["item"]["id"]).json()["id"]
    begin(two)
    assert two.get("/api/history").json() == []
    assert two.post("/api/withdraw", json={"ballot": ballot}).status_code == 422
    assert one.post("/api/withdraw", json={"ballot": ballot}).json()["ballot"] == ballot
    assert [entry["withdrawn"] for entry in one.get("/api/history").json()] == [True]


def test_pages_forbid_foreign_scripts(service, client_of):
    client = client_of(service)
    for path in ("/", "/results", "/page/main.js"):
        reply = client.get(path)
        assert reply.status_code == 200
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy


def test_health_speaks_of_texts_and_store(service, client_of):
    assert client_of(service).get("/health").json() == {
        "status": "ok",
        "prompts": 12,
        "backup": None,
    }


def test_results_are_hidden_until_there_are_enough(service, client_of, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.board.FRESH_S", -1)
    monkeypatch.setattr("coig_writer.arena.server.board.STAYS", 0)
    client = client_of(service)
    url = "/api/results?protocol=pairwise&language=zh"
    assert client.get(url).json()["ballots"] == 0
    view = begin(client).json()
    for count in range(1, 4):
        view = vote(client, view["item"]["id"]).json()["next"]
        shown = client.get(url).json()
        assert shown["ballots"] == count
        assert (shown["results"] is None) == (count < 3)


def test_no_route_names_a_model_before_the_vote(service, client_of):
    client = client_of(service)
    replies = [client.get("/"), client.get("/api/study"), begin(client), client.get("/api/history")]
    replies.append(client.get("/api/results?protocol=pairwise&language=zh"))
    for reply in replies:
        words = json.dumps(reply.text).replace("\\", " ").replace('"', " ").split()
        assert not set(words) & set(service.collection.variants)


def test_a_studys_own_consent_text_reaches_the_page(make_service, client_of):
    study = dataclasses.replace(Study(), consent=dataclasses.replace(Study().consent, zh="同意书"))
    assert client_of(make_service(study)).get("/api/study").json()["consent"]["zh"] == "同意书"


def signed_in(client, name):
    @client.app.middleware("http")
    async def account(request, call_next):
        request.scope["session"] = {"oauth_info": {"userinfo": {"preferred_username": name}}}
        return await call_next(request)


def test_an_invited_rater_who_signs_in_stays_the_invited_rater(make_service, invited, client_of):
    service = make_service(invited)
    client = client_of(service)
    signed_in(client, "somebody")
    assert client.get("/api/study").json()["signed_in"]
    client.get(f"/?invite={service.identity.invitation('trial', '甲')}")
    vote(client, begin(client).json()["item"]["id"])
    (ballot,) = service.store.ballots("trial")
    assert ballot.rater == service.identity.rater("invited", "甲")


def test_in_a_public_study_the_account_comes_before_the_cookie(service, client_of):
    client = client_of(service)
    signed_in(client, "somebody")
    client.cookies.set("arena_rater", service.identity.cookie("visitor"))
    vote(client, begin(client).json()["item"]["id"])
    (ballot,) = service.store.ballots("demo")
    assert ballot.rater == service.identity.rater("account", "somebody")


def test_a_browser_without_cookies_gets_a_true_message_and_no_seat(service, client_of):
    client = client_of(service)
    client.get("/api/study")
    client.cookies.clear()
    refused = begin(client, page=True)
    assert (refused.status_code, "cookies" in refused.json()["error"]) == (428, True)
    assert service.store.keys("seats") == set()
    client.get("/api/study")
    assert begin(client, page=True).status_code == 200


def test_a_study_that_requires_sign_in_takes_no_cookie_and_knows_the_account(
    make_service, client_of
):
    service = make_service(Study(sign_in=True))
    start = {"protocol": "pairwise", "language": "zh"}
    stranger, client = client_of(service), client_of(service)
    stranger.cookies.set("arena_rater", service.identity.cookie("r"))
    assert stranger.get("/api/study").json()["sign_in"] is True
    assert stranger.post("/api/session", json={**start, "consent": True}).status_code == 401
    assert stranger.get("/api/history").status_code == 401
    signed_in(client, "somebody")
    view = client.post("/api/session", json={**start, "consent": True}).json()
    vote = {**start, "item": view["item"]["id"], "verdict": "left"}
    assert stranger.post("/api/vote", json=vote).status_code == 401
    assert client.post("/api/vote", json=vote).status_code == 200
    assert service.known_by() == {service.identity.rater("account", "somebody"): "account"}


def test_a_cookie_from_before_a_study_required_sign_in_votes_by_no_endpoint(
    make_service, client_of
):
    client = client_of(make_service(Study()))
    item = begin(client).json()["item"]["id"]
    service = make_service(Study(sign_in=True))
    vote = ProgramEndpoints(create_app(service).state).vote
    with pytest.raises(RefusedError, match="no session"):
        asyncio.run(vote(client.cookies["arena_rater"], "pairwise", "zh", item, "left"))
    assert service.store.ballots("demo") == []
