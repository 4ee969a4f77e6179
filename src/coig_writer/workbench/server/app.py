"""The workbench's application: the arena's server, guard and writer around a page of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import anyio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from coig_writer.arena.server import routes as arena
from coig_writer.arena.server.app import add_sign_in, server_class
from coig_writer.arena.server.guard import Guard, Limit, say_no_more
from coig_writer.arena.server.writer import BatchWriter
from coig_writer.workbench.drafting import Assistant
from coig_writer.workbench.server import overview, routes
from coig_writer.workbench.server.entries import EntryStore
from coig_writer.workbench.server.service import Workbench

if TYPE_CHECKING:
    import gradio

PER_MINUTE = 600  # a draft is saved every second or so


def create_app(
    workbench: Workbench,
    store: EntryStore,
    hosts: frozenset[str] | None = None,
    assistant: Assistant | None = None,
) -> gradio.Server:
    """Builds the application around a workbench.

    Args:
        workbench: Who works on what.
        store: Where entries go.
        hosts: Names the application answers to; None takes any.
        assistant: A model that may be asked for drafts.
    """
    app = server_class()(
        title="COIG-Writer workbench",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_running(store),
    )
    app.state.workbench, app.state.store = workbench, store
    app.state.writer = BatchWriter(store.add_all)
    app.state.dealing = anyio.Lock()
    app.state.asking = Limit(PER_MINUTE)
    app.state.assistant = assistant
    workbench.write_all_answers()
    for person in workbench.threads.left:  # a server that was killed may not have come to it
        routes.erase_drafts(workbench, store, person)
    say_no_more(app)
    app.add_api_route("/", routes.page)
    app.add_api_route("/health", routes.health)
    app.add_api_route("/api/about", routes.about)
    for name, endpoint in routes.POSTED.items():
        app.add_api_route(f"/api/{name}", endpoint, methods=["POST"])
    app.add_api_route("/api/overview", overview.everything)
    app.add_api_route("/api/move", overview.move, methods=["POST"])
    app.add_api_route("/export/{name}", overview.exported)
    app.mount("/page", StaticFiles(directory=arena.PAGE), name="page")
    app.mount("/workbench", StaticFiles(directory=routes.PAGE), name="workbench")
    add_sign_in(app)
    overview.mount(app, workbench, app.state.writer)
    app.add_middleware(Guard, hosts=hosts, most=routes.MAX_BODY_BYTES)
    return app


def _running(store: EntryStore) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    return running
