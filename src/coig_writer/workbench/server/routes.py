"""What the workbench's page asks and sends, checked at the edge; programs use the same routes.

Somebody is known by an invitation, whose cookie the page keeps, or by an account; in every case only as a
pseudonym. A reply names what became of what was sent: ``saved``, ``submitted``, ``stale`` (another device was
quicker: both versions are in the reply), ``changed``, ``removed``, ``incomplete``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import anyio
from fastapi import Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from coig_writer.arena.server.database import DuplicateError, now
from coig_writer.arena.server.guard import RefusedError
from coig_writer.arena.server.routes import account, keep
from coig_writer.record import to_row
from coig_writer.text.normalise import repaired
from coig_writer.workbench.annotation import DECISIONS, PROMPT_FIELDS
from coig_writer.workbench.forms import standing
from coig_writer.workbench.review import CAUSES, CRITERIA
from coig_writer.workbench.server.entries import Entry, EntryStore, Key, Kind
from coig_writer.workbench.server.service import (
    ROLE,
    GoneError,
    PlannedEntry,
    Submission,
    Workbench,
)

COOKIE = "workbench_person"
PAGE = Path(__file__).parents[1] / "page"
MAX_BODY_BYTES = 400_000  # a prompt and a reasoning, ten times as long as the paper's longest
DEEPEST = 8  # a marked passage is three deep
Work = Literal["exercise", "annotate", "review", "panel"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Asked(_Body):
    """Which kind of work, in which language of the page."""

    work: Work
    language: Literal["zh", "en"] = "zh"


class Opened(Asked):
    """Which item."""

    item: str = Field(max_length=500)
    round: int = Field(ge=0, le=99)


class Written(Opened):
    """What is sent about an item; see ``coig_writer.workbench.server.service.Submission``."""

    id: str = Field(pattern=r"^[\w-]{8,64}$")
    base: int = Field(ge=0, le=10**6)
    content: dict[str, Any]
    seconds: float = Field(default=0, ge=0, le=86400)
    seen: str = Field(default="", max_length=12)


class Assist(Opened):
    """What is asked of the model; see ``coig_writer.workbench.drafting``."""

    what: Literal["draft", "usability", "article", "pair"]


class Consent(_Body):
    """The agreement to what is kept."""

    agree: Literal[True]


class Leaving(_Body):
    """The wish to leave, said twice."""

    leave: Literal[True]


def _workbench(request: Request) -> Workbench:
    workbench: Workbench = request.app.state.workbench
    return workbench


def person_of(workbench: Workbench, request: Request) -> str | None:
    """Returns the pseudonym behind a cookie or an account that the roster knows, or None."""
    held = workbench.identity.from_cookie(request.cookies.get(COOKIE))
    if held in workbench.people:
        return held
    name = account(request)
    if name is None:
        return None
    listed = {person: p.account for person, p in workbench.people.items() if p.account}
    return next((p for p, a in listed.items() if a.casefold() == name.casefold()), None)


async def _person(request: Request) -> str:
    person = person_of(_workbench(request), request)
    if person is None:
        raise RefusedError(401)
    request.app.state.asking.check(person)
    if person in _workbench(request).threads.left:
        raise RefusedError(403)
    return person


async def _consenting(request: Request) -> str:
    person = await _person(request)
    if person not in _workbench(request).threads.consented:
        raise RefusedError(403)
    return person


Person = Annotated[str, Depends(_person)]
Consenting = Annotated[str, Depends(_consenting)]


def page(request: Request) -> Response:
    """Serves the page; an invitation becomes a cookie and leaves the address bar."""
    workbench, token = _workbench(request), request.query_params.get("invite")
    if token is None:
        return FileResponse(PAGE / "index.html")
    aliases = tuple(person.alias for person in workbench.roster.people)
    alias = workbench.identity.invited(workbench.roster.workbench, aliases, token)
    if alias is None:  # the page sees the token still in its address, and says what to do
        return FileResponse(PAGE / "index.html", 403)
    rest = [(k, v) for k, v in request.query_params.multi_items() if k != "invite"]
    response = RedirectResponse(f"/?{urlencode(rest)}" if rest else "/", 303)
    keep(response, COOKIE, workbench.identity.cookie(workbench.identity.rater("invited", alias)))
    return response


def health(request: Request, response: Response) -> dict[str, object]:
    """Says whether the store takes what is written, and whether there are items to read."""
    trouble = request.app.state.store.trouble() or _workbench(request).curation.trouble()
    if trouble:
        response.status_code = 503
    return {"status": trouble or "ok"}


async def about(request: Request) -> dict[str, object]:
    """Says who is there and what the forms ask."""
    workbench = _workbench(request)
    person = person_of(workbench, request)
    roles = workbench.people[person].roles if person else ()
    return {
        "alias": workbench.people[person].alias if person else None,
        "work": [work for work, role in ROLE.items() if role in roles],
        "operator": "operate" in roles,
        "consented": person in workbench.threads.consented,
        "left": person in workbench.threads.left,
        "consent": dataclasses.asdict(workbench.roster.consent),
        "accounts": bool(os.environ.get("OAUTH_CLIENT_ID")),
        "signed_in": account(request) is not None,
        "fields": {"prompt": PROMPT_FIELDS, "reasoning": DECISIONS},
        "criteria": list(CRITERIA),
        "causes": CAUSES,
        "topics": standing(workbench.chosen(person)) if person else {},
        "model": request.app.state.assistant is not None,
    }


async def consent(body: Consent, request: Request, person: Person) -> dict[str, str]:
    """Notes the consent, once."""
    workbench = _workbench(request)
    if person not in workbench.threads.consented:
        await _append(
            request, Entry(f"consent:{person}", "person", "", 0, person, 1, "consent", {}, 0, now())
        )
    return {"outcome": "consented"}


async def next_item(body: Asked, request: Request, person: Consenting) -> dict[str, object]:
    """Gives a person what they go on with, or take up."""
    _check_role(_workbench(request), person, body.work)
    async with request.app.state.dealing:  # while one takes an item up, nobody else is given it
        return await _dealt(body, request, person)


async def _dealt(body: Asked, request: Request, person: str) -> dict[str, object]:
    workbench = _workbench(request)
    key = workbench.next(person, body.work)
    if key is None:
        held_back = body.work == "annotate" and workbench.held_back(person)
        return {
            "item": None,
            "held_back": held_back,
            "progress": workbench.progress(person, body.work),
        }
    item, number = key
    return await _opened(request, person, Opened(**body.model_dump(), item=item, round=number))


async def open_item(body: Opened, request: Request, person: Consenting) -> dict[str, object]:
    """Opens an item that is the person's already."""
    workbench = _workbench(request)
    _check_role(workbench, person, body.work)
    if not workbench.threads.there((body.work, body.item, body.round, person)):
        raise RefusedError(404)
    return await _opened(request, person, body)


async def _opened(request: Request, person: str, body: Opened) -> dict[str, object]:
    workbench = _workbench(request)
    entry = workbench.taken(person, body.work, body.item, body.round)
    if entry is not None:
        await _append(request, entry)
    try:
        view = workbench.view(person, body.work, body.item, body.round, body.language)
    except GoneError:
        raise RefusedError(404) from None
    return {"item": view, "progress": workbench.progress(person, body.work)}


def _check_role(workbench: Workbench, person: str, work: str) -> None:
    if not workbench.may(person, ROLE[work]):
        raise RefusedError(403)


async def _append(request: Request, entry: Entry) -> Exception | None:
    """Stores an entry and takes it in; returns why it is not stored, if another one was first."""
    error: Exception | None = await request.app.state.writer.add(entry)
    if error is None:
        _workbench(request).stored(entry)
    elif not isinstance(error, DuplicateError):
        raise error
    return error


async def save(body: Written, request: Request, person: Consenting) -> Response:
    """Stores a version of a draft."""
    return await _kept(request, person, "draft", body)


async def submit(body: Written, request: Request, person: Consenting) -> Response:
    """Submits an answer; one that may not be submitted is stored as a draft."""
    return await _kept(request, person, "submit", body)


async def skip(body: Written, request: Request, person: Consenting) -> Response:
    """Gives an item back, with a reason."""
    return await _kept(request, person, "skip", body)


async def flag(body: Written, request: Request, person: Consenting) -> Response:
    """Tells the operator something about an item."""
    return await _kept(request, person, "flag", body)


async def _kept(request: Request, person: str, kind: Kind, body: Written) -> Response:
    workbench = _workbench(request)
    _check_role(workbench, person, body.work)
    sent = Submission(**body.model_dump(exclude={"content"}), content=_mended(body.content))
    plan = _planned(workbench, person, kind, sent)
    newest = workbench.threads.get(plan.entry.thread).number
    if sent.base > newest:  # it would follow a version that is not there
        return _stale(workbench, person, sent)
    if await _append(request, plan.entry) is not None:
        return _stale(workbench, person, sent)
    return JSONResponse({"outcome": plan.outcome, "number": plan.entry.number, **plan.reply})


def _planned(workbench: Workbench, person: str, kind: Kind, sent: Submission) -> PlannedEntry:
    try:
        return workbench.planned(person, kind, sent)
    except GoneError:
        raise RefusedError(404) from None


def _stale(workbench: Workbench, person: str, sent: Submission) -> Response:
    thread = workbench.threads.get((sent.work, sent.item, sent.round, person))
    there = {"number": thread.number, "content": thread.content, "state": thread.state}
    return JSONResponse({"outcome": "stale", "yours": sent.content, "there": there}, 409)


def _mended(content: Any, depth: int = 0) -> Any:
    """Replaces half surrogates and NUL, which no file and no database can store.

    Raises:
        RefusedError: It is nested deeper than any form, or holds a number that JSON has not.
    """
    if depth > DEEPEST or (isinstance(content, float) and not math.isfinite(content)):
        raise RefusedError(422)
    if isinstance(content, dict):
        return {str(_mended(k)): _mended(v, depth + 1) for k, v in content.items()}
    if isinstance(content, list):
        return [_mended(value, depth + 1) for value in content]
    return repaired(content).replace("\x00", "\ufffd") if isinstance(content, str) else content


async def assist(body: Assist, request: Request, person: Consenting) -> dict[str, object]:
    """Asks the model for a draft, or for what it says about the article; a draft that was given is kept."""
    workbench, assistant = _workbench(request), request.app.state.assistant
    _check_role(workbench, person, "annotate")
    key: Key = ("annotate", body.item, body.round, person)
    item = workbench.curation.to_annotate().get((body.item, body.round))
    if assistant is None or item is None or not workbench.threads.there(key):
        raise RefusedError(404)
    thread = workbench.threads.get(key)
    if body.what != "draft":
        prompt = str(thread.content.get("prompt", ""))
        analysis = await anyio.to_thread.run_sync(assistant.says, body.what, item, prompt)
        return {"text": analysis, "number": workbench.threads.get(key).number}
    drafted = await anyio.to_thread.run_sync(assistant.draft, item)
    _check_role(workbench, person, "annotate")  # who left meanwhile gets nothing more stored
    if drafted.writing is None:
        return {"text": f"{drafted.reason} {drafted.detail}".strip(), "number": thread.number}
    draft = to_row(drafted.writing)
    number = workbench.threads.get(key).number + 1
    entry = Entry(uuid.uuid4().hex, *key, number, "assist", draft, 0, now())
    if await _append(request, entry) is not None:
        raise RefusedError(503)
    return {"draft": draft, "number": number}


async def versions(body: Opened, request: Request, person: Consenting) -> list[dict[str, object]]:
    """Returns the versions of what the person wrote, oldest first."""
    thread = (body.work, body.item, body.round, person)
    entries = await anyio.to_thread.run_sync(request.app.state.store.versions, thread)
    return [
        {"number": e.number, "kind": e.kind, "created_at": e.created_at, "content": e.content}
        for e in entries
        if e.kind in ("draft", "submit")
    ]


async def mine(body: Asked, request: Request, person: Consenting) -> list[dict[str, object]]:
    """Lists what the person worked on."""
    return [
        {"item": key[1], "round": key[2], "state": t.state, "last": t.last, "seconds": t.seconds}
        for key, t in _workbench(request).threads.of(body.work, person)
    ]


async def leave(body: Leaving, request: Request, person: Person) -> dict[str, str]:
    """Lets a person go: drafts are erased, submitted answers stay without their name."""
    workbench, store = _workbench(request), request.app.state.store
    gone = Entry(f"leave:{person}", "person", "", 0, person, 2, "leave", {}, 0, now())
    await _append(request, gone)
    # Written once more, which the store knows already, so that what came in meanwhile is stored first.
    await request.app.state.writer.add(gone)
    await anyio.to_thread.run_sync(erase_drafts, workbench, store, person)
    return {"outcome": "left"}


def erase_drafts(workbench: Workbench, store: EntryStore, person: str) -> None:
    """Erases what somebody who left did not submit, from the disk and from memory."""
    store.erase(person, workbench.threads.answer_ids(person))
    workbench.threads.forget(person)


POSTED: Mapping[str, Callable[..., Awaitable[object]]] = {
    "consent": consent,
    "next": next_item,
    "open": open_item,
    "save": save,
    "submit": submit,
    "skip": skip,
    "flag": flag,
    "assist": assist,
    "versions": versions,
    "mine": mine,
    "leave": leave,
}
