"""The arena's web application: routes, page, security headers, and Gradio beside them.

The page at ``/`` is plain HTML, CSS and JavaScript from ``page/``; votes go to ``POST /api/vote``, a
direct route that touches no queue. ``create_app`` imports no Gradio and is what most tests drive;
``mount_gradio`` adds Gradio at ``/gradio``, and Hugging Face sign-in where a Space provides it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from coig_writer.arena import routes
from coig_writer.arena.booth import Booth
from coig_writer.arena.limits import Limit
from coig_writer.arena.store import DuplicateError, StoreError
from coig_writer.errors import KitError

PAGE = Path(__file__).parent / "page"
MAX_BODY_BYTES = 20_000
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)

_STATUS = {DuplicateError: 409, StoreError: 503, routes.ForbiddenError: 403}


def create_app(booth: Booth) -> FastAPI:
    """Builds the web application around a booth."""
    app = FastAPI(title="COIG-Writer arena", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.booth = booth
    app.state.voting = Limit(booth.study.votes_per_minute)
    app.state.arriving = Limit(booth.study.raters_per_minute)
    app.middleware("http")(_guard)
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


def mount_gradio(app: FastAPI) -> FastAPI:
    """Mounts Gradio at ``/gradio``: the results as tables, and as an API for programs."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio

    from coig_writer.arena.tables import tables

    if os.environ.get("OAUTH_CLIENT_ID"):
        gradio.oauth.attach_oauth(app)
    return gradio.mount_gradio_app(app, tables(app.state.booth), path="/gradio", ssr_mode=False)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuses oversized and cross-site writes; sets the security headers."""
    path = request.url.path
    if request.method == "POST" and path.startswith("/api/"):
        refused = _refused_write(request)
        if refused:
            return refused
    response = await call_next(request)
    if not path.startswith("/gradio"):
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["Cache-Control"] = "no-store" if path.startswith("/api/") else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _refused_write(request: Request) -> Response | None:
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return _problem(413, "the request is too large or has no length", "shorten the comment")
    # A foreign page cannot send this type without a preflight, which no route here answers.
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        return _problem(415, "votes are sent as application/json", "use the page")
    return None


def _problem(status: int, message: str, remedy: str) -> JSONResponse:
    return JSONResponse({"error": message, "remedy": remedy}, status)


def _explained(_request: Request, error: Exception) -> Response:
    if not isinstance(error, KitError):
        raise error
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 422)
    return _problem(status, error.message, error.remedy)
