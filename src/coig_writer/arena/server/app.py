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
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from coig_writer.arena.server import routes
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.board import Board
from coig_writer.arena.server.booth import Booth
from coig_writer.arena.server.guard import Guard, Limit, say_no_more
from coig_writer.arena.server.tables import tables
from coig_writer.arena.server.writer import Writer

PAGE = Path(__file__).parents[1] / "page"


def create_app(
    booth: Booth, backup: Backup | None = None, hosts: frozenset[str] | None = None
) -> FastAPI:
    """Builds the web application around a booth; a backup runs as long as the application does.

    Args:
        booth: The study as raters meet it.
        backup: Pushed as long as the application runs.
        hosts: Names the application answers to; None takes any.
    """
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
    app.state.asking = Limit(booth.study.votes_per_minute)
    app.state.arriving = Limit(booth.study.raters_per_minute)
    app.add_middleware(Guard, hosts=hosts)
    say_no_more(app)
    app.add_api_route("/", routes.page)
    app.add_api_route("/results", routes.results_page)
    app.add_api_route("/health", routes.health)
    app.add_api_route("/api/study", routes.study)
    app.add_api_route("/api/results", routes.results)
    app.add_api_route("/api/history", routes.history)
    app.add_api_route("/api/session", routes.session, methods=["POST"])
    app.add_api_route("/api/vote", routes.vote, methods=["POST"])
    app.add_api_route("/api/authors", routes.authors, methods=["POST"])
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

    if os.environ.get("OAUTH_CLIENT_ID"):
        gradio.oauth.attach_oauth(app)
    mounted: FastAPI = gradio.mount_gradio_app(
        app, tables(app.state.booth, app.state.board), path="/gradio", ssr_mode=False
    )
    return mounted
