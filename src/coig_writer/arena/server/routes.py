"""The arena's routes: what the page asks and what it sends, checked at the edge.

A rater is known by an account, an invitation or a cookie, in every case only as a pseudonym.
"""

from __future__ import annotations

import dataclasses
import hmac
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import anyio
from fastapi import Depends, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from starlette.datastructures import State

from coig_writer.arena.server.board import Board, CachedResults
from coig_writer.arena.server.guard import RefusedError, refusal, shows_gradio
from coig_writer.arena.server.service import TAGS, StudyService, TaskQueue, Vote
from coig_writer.ballot import DIMENSIONS

COOKIE = "arena_rater"
OPERATOR = "arena_operator"
PROBE = "arena_cookies"  # sent back by a browser that keeps cookies
PAGE = Path(__file__).parents[1] / "page"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Sitting(_Body):
    """What is judged, and in which language."""

    protocol: str = Field(max_length=16)
    language: str = Field(max_length=8)


class Session(Sitting):
    """What the start screen sends; ``page`` says that a browser does, which keeps cookies or not."""

    consent: bool
    page: bool = False


class VoteBody(Sitting):
    """What the page sends with a vote; see ``coig_writer.arena.server.service.Vote``."""

    item: str = Field(max_length=64)
    verdict: str | list[int | list[int]] | dict[str, int]
    tags: list[str] = Field(default=[], max_length=9 * len(TAGS))
    comment: str | None = Field(default=None, max_length=2000, pattern=r"^[^\x00]*$")  # PostgreSQL
    reported: bool = False
    dwell_s: float | None = Field(default=None, ge=0, le=1e6)
    depths: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(default=None, max_length=9)
    interface_language: str | None = Field(default=None, pattern="^(zh|en)$")
    shown: str | None = Field(default=None, max_length=64)


class Withdrawal(_Body):
    """Which ballot a rater takes back."""

    ballot: str = Field(max_length=32)


def _service(request: Request) -> StudyService:
    service: StudyService = request.app.state.service
    return service


def account(request: Request) -> str | None:
    """Returns the Hugging Face account that is signed in, or None."""
    oauth = request.scope.get("session", {}).get("oauth_info", {})
    name = oauth.get("userinfo", {}).get("preferred_username")
    return None if name is None else str(name)


async def _known(request: Request) -> str | None:
    """Returns the rater behind an invitation, an account or a cookie, or None.

    Who was invited stays who was invited; in a public study the account comes before the cookie.
    """
    service, name = _service(request), account(request)
    held = service.identity.from_cookie(request.cookies.get(COOKIE))
    if name is None or (service.study.mode == "invited" and held is not None):
        known = held
    else:
        known = service.identity.rater("account", name)
    if service.study.sign_in and name is None:
        known = None
    if name is not None and name.casefold() in {a.casefold() for a in service.study.annotators}:
        raise RefusedError(403)
    return known


async def _rater(request: Request) -> str:
    known = await _known(request)
    if known is None:
        raise RefusedError(401)
    return known


# Coroutines, because a plain function would cost every request a trip to the thread pool.
Known = Annotated[str | None, Depends(_known)]
Rater = Annotated[str, Depends(_rater)]


def page(request: Request) -> Response:
    """Serves the page; an invitation becomes a cookie and leaves the address bar.

    ``/?view=api`` is left to the page that Gradio puts at the same place when it is launched.
    """
    if shows_gradio(request.scope):
        at_root = [r for r in request.app.routes if isinstance(r, APIRoute) and r.path == "/"]
        theirs = [r for r in at_root if r.methods == {"GET"} and r.endpoint is not page]
        return theirs[0].endpoint(request, None) if theirs else refusal(404)
    key = request.query_params.get("operator")
    if key is not None and runs(_service(request), key):
        response = RedirectResponse("/operator/", 303)
        keep(response, OPERATOR, key)
        return response
    service, token = _service(request), request.query_params.get("invite")
    if token is None:
        return FileResponse(PAGE / "index.html")
    name = service.identity.invited(service.study.study, service.study.raters, token)
    if name is None:  # the page sees the token still in its address, and says what to do
        return FileResponse(PAGE / "index.html", 403)
    rest = [(k, v) for k, v in request.query_params.multi_items() if k != "invite"]
    response = RedirectResponse(f"/?{urlencode(rest)}" if rest else "/", 303)
    _set_cookie(service, response, service.identity.rater("invited", name))
    return response


def runs(service: StudyService, key: str) -> bool:
    """Whether a key is the one of who runs the study."""
    return hmac.compare_digest(
        service.identity.operator(service.study.study).encode(), key.encode()
    )


def results_page() -> Response:
    """Serves the results page."""
    return FileResponse(PAGE / "results.html")


def health(request: Request, response: Response) -> dict[str, object]:
    """Says whether texts are loaded, the store takes votes, and how the backup stands."""
    service, backup = _service(request), request.app.state.backup
    trouble = service.store.trouble()
    if trouble:
        response.status_code = 503
    status = dataclasses.asdict(backup.status()) if backup and not trouble else None
    return {"status": trouble or "ok", "prompts": len(service.prompts), "backup": status}


def study(request: Request, response: Response) -> dict[str, object]:
    """Describes the study to the page; no model is named."""
    keep(response, PROBE, "1")
    service = _service(request)
    described = service.study
    return {
        "mode": described.mode,
        "protocols": described.protocols,
        "languages": service.collection.languages,
        "ties": described.ties,
        "dimensions": DIMENSIONS,
        "consent": dataclasses.asdict(described.consent),
        "accounts": bool(os.environ.get("OAUTH_CLIENT_ID")),
        "signed_in": account(request) is not None,
        "sign_in": described.sign_in,
    }


def session(body: Session, request: Request, response: Response, known: Known) -> dict[str, object]:
    """Gives a rater a seat and the first open item."""
    if known is None and body.page and PROBE not in request.cookies:
        raise RefusedError(428)  # a seat would be lost with the cookie that names its rater
    address = request.client.host if request.client else ""
    known_by = "cookie" if account(request) is None else "account"
    rater, view = seated(request.app.state, body, known, address, known_by)
    if known is None:
        _set_cookie(_service(request), response, rater)
    return view


def seated(
    state: State, body: Session, known: str | None, address: str, known_by: str = "cookie"
) -> tuple[str, dict[str, object]]:
    """Gives a rater, or who comes from an address for the first time, a seat; returns who and what is next."""
    service: StudyService = state.service
    protocol, language = service.checked(body.protocol, body.language)
    if not body.consent:
        raise RefusedError(422)
    if service.study.sign_in and known_by != "account":
        raise RefusedError(401)
    if known is None:
        if service.study.mode == "invited":
            raise RefusedError(403)
        state.arriving.check(address)
    rater = known or service.identity.visitor()
    state.asking.check(rater)
    return rater, service.view(protocol, service.admit(rater, protocol, language, known_by))


async def vote(request: Request) -> Response:
    """Stores a vote; replies with its ballot's id and the next item.

    A route without FastAPI's solver of parameters, which took half of the time of a vote.
    """
    rater = await _rater(request)
    try:
        body = VoteBody.model_validate_json(await request.body())
    except ValidationError:
        raise RefusedError(422) from None
    return Response(
        to_json(await cast(request.app.state, body, rater)), media_type="application/json"
    )


async def cast(state: State, body: VoteBody, rater: str) -> dict[str, object]:
    """Stores a rater's vote; returns its ballot's id and the next item."""
    state.voting.check(rater)
    service: StudyService = state.service
    protocol, language = service.checked(body.protocol, body.language)
    sent = Vote(
        body.item,
        body.verdict,
        tuple(body.tags),
        body.comment,
        body.reported,
        body.dwell_s,
        None if body.depths is None else tuple(body.depths),
        body.interface_language,
        body.shown,
    )
    queue = service.cached(rater, protocol, language)
    if queue is None:
        queue = await anyio.to_thread.run_sync(service.queue, rater, protocol, language)
    queue = queue or TaskQueue({}, set())  # who has no seat has no item either
    ballot = service.ballot(rater, protocol, queue, sent)
    stored = service.receipt(queue, sent, ballot, await state.writer.add(ballot))
    return {"id": stored, "next": service.view(protocol, queue)}


def authors(body: Sitting, request: Request, rater: Rater) -> list[dict[str, object]]:
    """Says who wrote what in a sitting that is over, in a public study."""
    request.app.state.asking.check(rater)
    service = _service(request)
    revealed = service.authors(rater, *service.checked(body.protocol, body.language))
    return [dataclasses.asdict(item) for item in revealed]


def history(request: Request, rater: Rater) -> list[dict[str, object]]:
    """Returns the rater's own votes."""
    request.app.state.asking.check(rater)
    return _service(request).history(rater)


def withdraw(body: Withdrawal, request: Request, rater: Rater) -> dict[str, str]:
    """Takes back one of the rater's own votes."""
    request.app.state.asking.check(rater)
    service = _service(request)
    tombstone = service.store.withdraw(rater, body.ballot)
    service.on_ballot()
    return {"ballot": tombstone.ballot, "time": tombstone.time}


async def results(request: Request, protocol: str, language: str) -> Response:
    """Returns the board of one protocol and language, as far as it may be shown."""
    kept = await board(request.app.state, protocol, language)
    return Response(kept.body, media_type="application/json")


async def board(state: State, protocol: str, language: str) -> CachedResults:
    """Returns what the public may see of one protocol and language; made off the way of votes."""
    results: Board = state.board
    known = state.service.checked(protocol, language)
    await anyio.sleep(state.pace.turn())
    kept = results.cached(*known)
    if kept is None:
        kept = await anyio.to_thread.run_sync(results.latest, *known, limiter=state.reading)
    return kept


def _set_cookie(service: StudyService, response: Response, rater: str) -> None:
    keep(response, COOKIE, service.identity.cookie(rater))


def keep(response: Response, name: str, value: str) -> None:
    """Sets a cookie that a Space in the Hub's frame keeps too."""
    on_space = bool(os.environ.get("SPACE_ID"))
    response.set_cookie(
        name,
        value,
        max_age=365 * 24 * 3600,
        httponly=True,
        secure=on_space,
        samesite="none" if on_space else "lax",  # a Space is shown in a frame of the Hub
    )
    if on_space:  # Starlette sets this attribute from Python 3.14 on only
        header, cookie = response.raw_headers.pop()
        response.raw_headers.append((header, cookie + b"; Partitioned"))
