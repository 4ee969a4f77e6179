"""The arena's web application: routes, page, security headers, and Gradio beside them.

The page at ``/`` is plain HTML, CSS and JavaScript from ``page/``; votes go to ``POST /api/vote``, a
direct route that touches no queue. ``create_app`` imports no Gradio and is what most tests drive;
``mount_gradio`` adds Gradio at ``/gradio``, and Hugging Face sign-in where a Space provides it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coig_writer.arena.server import routes
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.board import Board
from coig_writer.arena.server.booth import Booth
from coig_writer.arena.server.limits import Limit
from coig_writer.arena.server.store import DuplicateError, StoreError
from coig_writer.arena.server.writer import Writer
from coig_writer.errors import KitError

PAGE = Path(__file__).parents[1] / "page"
MAX_BODY_BYTES = 20_000
_PAGE_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)

_STATUS = {DuplicateError: 409, StoreError: 503, routes.ForbiddenError: 403}


def create_app(booth: Booth, backup: Backup | None = None) -> FastAPI:
    """Builds the web application around a booth; a backup runs as long as the application does."""
    app = FastAPI(
        title="COIG-Writer arena",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_running(booth, backup),
    )
    app.state.backup = backup
    app.state.booth = booth
    app.state.board = Board(booth)
    app.state.writer = Writer(booth.store)
    app.state.voting = Limit(booth.study.votes_per_minute)
    app.state.arriving = Limit(booth.study.raters_per_minute)
    app.add_middleware(Guard)
    app.exception_handler(KitError)(_explained)
    app.add_api_route("/", routes.page)
    app.add_api_route("/results", routes.results_page)
    app.add_api_route("/health", routes.health)
    app.add_api_route("/api/study", routes.study)
    app.add_api_route("/api/results", routes.results)
    app.add_api_route("/api/history", routes.history)
    app.add_api_route("/api/session", routes.session, methods=["POST"])
    app.add_api_route("/api/vote", routes.vote, methods=["POST"])
    app.add_api_route("/api/withdraw", routes.withdraw, methods=["POST"])
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app


def _running(
    booth: Booth, backup: Backup | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        if backup:
            booth.on_ballot = backup.notice
            backup.start()
        yield
        if backup:
            await anyio.to_thread.run_sync(backup.close)
        booth.store.close()

    return running


def mount_gradio(app: FastAPI) -> FastAPI:
    """Mounts Gradio at ``/gradio``: the results as tables, and as an API for programs."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio

    from coig_writer.arena.server.tables import tables

    if os.environ.get("OAUTH_CLIENT_ID"):
        gradio.oauth.attach_oauth(app)
    return gradio.mount_gradio_app(
        app, tables(app.state.booth, app.state.board), path="/gradio", ssr_mode=False
    )


class Guard:
    """Refuses oversized and cross-site writes; sets the security headers.

    Plain ASGI: Starlette's middleware base class would cost every vote a task and a queue.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        refused = None
        if scope["method"] == "POST" and path.startswith("/api/"):
            refused = _refused_write(Headers(scope=scope))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_security_headers(path)]
            await send(message)

        await (refused or self._app)(scope, receive, guarded)


def _security_headers(path: str) -> list[tuple[bytes, bytes]]:
    always = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
    if path.startswith("/gradio"):
        return always
    kept = b"no-store" if path.startswith("/api/") else b"no-cache"
    return [*always, (b"content-security-policy", _PAGE_POLICY), (b"cache-control", kept)]


def _refused_write(headers: Headers) -> Response | None:
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return _problem(413, "the request is too large or has no length", "shorten the comment")
    # A foreign page cannot send this type without a preflight, which no route here answers.
    if headers.get("content-type", "").split(";")[0] != "application/json":
        return _problem(415, "votes are sent as application/json", "use the page")
    return None


def _problem(status: int, message: str, remedy: str) -> JSONResponse:
    return JSONResponse({"error": message, "remedy": remedy}, status)


def _explained(_request: Request, error: Exception) -> Response:
    if not isinstance(error, KitError):
        raise error
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 422)
    return _problem(status, error.message, error.remedy)
