"""The arena's application: a ``gradio.Server`` with a page of its own.

The page at ``/`` is plain HTML, CSS and JavaScript from ``page/``; its votes go to ``POST /api/vote``, a
direct route that touches no queue. Programs use Gradio's engine on the same application
(``gradio_client.Client(URL)``; ``/?view=api`` shows the endpoints). Both end in the same checks, writer
and sentences. Of Gradio's own routes only those of ``guard.OPEN`` answer.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.requests import cookie_parser
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from coig_writer.arena.server import api, routes
from coig_writer.arena.server.backup import HANG_S, IN_STORE_ALONE, Backup
from coig_writer.arena.server.board import Board
from coig_writer.arena.server.guard import (
    Guard,
    Limit,
    Pace,
    ShortWay,
    Tracebacks,
    refusal,
    say_no_more,
)
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.tables import operator_page, tables
from coig_writer.arena.server.tally import Tally, TallyProcess
from coig_writer.arena.server.writer import BatchWriter
from coig_writer.errors import STOPPED, ConfigError
from coig_writer.hub.remote import in_background

if TYPE_CHECKING:
    import gradio

PROXIES = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,::1,fc00::/7"  # private networks
READS_PER_SECOND = 50  # of the results, by all readers together
GRACE_S = 10  # for requests under way when the server is told to stop
TWICE_S = 0.2  # within which a Ctrl-C may come twice: from the terminal, and passed on by a wrapper such as npm
# Gradio 6.31 leaves /?view=api empty until its link has been clicked twice: off, and on again.
OPENS_API_PAGE = """
const twice = setInterval(() => {
  const link = document.querySelector(".show-api");
  if (!link) return;
  clearInterval(twice);
  link.click();
  setTimeout(() => document.querySelector(".show-api").click(), 100);
}, 100);
"""


def create_app(
    service: StudyService,
    backup: Backup | None = None,
    hosts: frozenset[str] | None = None,
    *,
    with_tables: bool = False,
    apart: bool = False,
) -> gradio.Server:
    """Builds the application around a service; ``launch()`` serves it.

    Args:
        service: The study as raters meet it.
        backup: Pushed as long as the application runs, and once more when it stops.
        hosts: Names the application answers to; None takes any.
        with_tables: Whether the results are at ``/gradio`` as Gradio's tables too, and the operator's page at
            ``/operator``.
        apart: Whether a process of its own makes the results.
    """
    board = Board(TallyProcess(service) if apart else Tally(service))
    app = server_class()(
        title="COIG-Writer arena",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_running(service, backup, board),
    )
    app.state.backup = backup
    app.state.service = service
    app.state.board = board
    app.state.writer = BatchWriter(service.store.add_all)
    app.state.reading = anyio.CapacityLimiter(2)  # threads for who reads results; votes have others
    app.state.pace = Pace(READS_PER_SECOND)
    app.state.voting = Limit(service.study.votes_per_minute)
    app.state.asking = Limit(service.study.votes_per_minute)
    app.state.arriving = Limit(service.study.raters_per_minute)
    say_no_more(app)
    app.add_api_route("/", routes.page, methods=["GET", "HEAD"])
    app.add_api_route("/results", routes.results_page, methods=["GET", "HEAD"])
    app.add_api_route("/health", routes.health, methods=["GET", "HEAD"])
    app.add_api_route("/api/study", routes.study)
    app.add_api_route("/api/results", routes.results)
    app.add_api_route("/api/history", routes.history)
    app.add_api_route("/api/session", routes.session, methods=["POST"])
    app.router.routes.insert(0, Route("/api/vote", routes.vote, methods=["POST"]))
    app.state.short_ways = {("POST", "/api/vote"): ShortWay(app, routes.vote)}
    app.add_api_route("/api/authors", routes.authors, methods=["POST"])
    app.add_api_route("/api/withdraw", routes.withdraw, methods=["POST"])
    app.mount("/page", StaticFiles(directory=routes.PAGE), name="page")
    api.add_endpoints(app)
    _add_gradio(app, with_tables=with_tables)
    app.add_middleware(Guard, hosts=hosts, operator=functools.partial(_runs, service))
    return app


def _runs(service: StudyService, headers: Mapping[str, str]) -> bool:
    return routes.runs(service, cookie_parser(headers.get("cookie", "")).get(routes.OPERATOR, ""))


@functools.cache
def server_class() -> type[gradio.Server]:
    """Returns Gradio's server, which here keeps its lifespan, and so its backup, through ``launch()``."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # After each event Gradio sums up the last 10,000, for a page that is closed here. One half surrogate
    # among them made that fail, with forty lines in the log for every event that came later.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    import gradio

    tracebacks = Tracebacks()
    for module in (gradio.routes, gradio.queueing):
        vars(module)["traceback"] = tracebacks
    logging.getLogger("uvicorn.error").addFilter(tracebacks)

    class Arena(gradio.Server):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            ways = getattr(self.state, "short_ways", {})
            way = ways.get((scope.get("method"), scope.get("path")), super().__call__)
            await way(scope, receive, send)

        def launch(self, *given: Any, **settings: Any) -> tuple[gradio.routes.App, str, str]:
            settings.setdefault("ssr_mode", False)
            settings.setdefault("js", OPENS_API_PAGE)
            settings.setdefault("_frontend", False)  # looks at its own page, and gives up after 3 s
            of_app = {"lifespan": self.router.lifespan_context, **settings.pop("app_kwargs", {})}
            return super().launch(*given, app_kwargs=of_app, **settings)

    return Arena


def _add_gradio(app: gradio.Server, *, with_tables: bool) -> None:
    import gradio

    unknown = gradio.route_utils.FnIndexInferError
    app.add_exception_handler(unknown, lambda *_: refusal(404))
    add_sign_in(app)
    if with_tables:
        blocks = tables(app.state.service, app.state.board)
        gradio.mount_gradio_app(app, blocks, path="/gradio", ssr_mode=False)
        operator = operator_page(app.state.service, app.state.board, app.state.backup)
        gradio.mount_gradio_app(app, operator, path="/operator", ssr_mode=False)


def add_sign_in(app: gradio.Server) -> None:
    """Adds Gradio's routes for signing in with a Hugging Face account where the Space offers it (``hf_oauth: true``)."""
    import gradio

    if os.environ.get("OAUTH_CLIENT_ID"):
        gradio.oauth.attach_oauth(app)


def _running(
    service: StudyService, backup: Backup | None, board: Board
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        if backup:
            service.on_ballot = backup.notice
            backup.start()
        yield
        if backup:
            await anyio.to_thread.run_sync(backup.close)
        await anyio.to_thread.run_sync(board.close)
        service.store.close()

    return running


def settle(service: StudyService) -> None:
    """Deals all seats and takes what lasts out of garbage collection, whose walks over it held up votes for 0.2 s."""
    for protocol in service.study.protocols:
        for language in service.collection.languages:
            service.seats(protocol, language)
    gc.collect()
    gc.freeze()


def address(named: str | None) -> str:
    """Returns the address to serve on where none is named: on a Space every one, else this machine's own."""
    return named or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")


def serve(app: gradio.Server, host: str, port: int, name: str = "arena") -> int:
    """Launches the application and waits for Ctrl-C or SIGTERM; returns when all is stored and pushed.

    Ctrl-C ends the process at once where it comes again meanwhile. SIGTERM changes nothing then: whoever
    manages servers may send it twice, and has SIGKILL.

    Raises:
        ConfigError: The port is taken.
    """
    # Python tells the main thread of a signal between two steps. One that comes while it falls asleep on a
    # lock, or that the system gives to another thread, would not wake it; a byte in a socket does.
    stopped, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _unheard) for number in ends]
    # A Space's proxies say who the client is; what a client says itself is not believed.
    if os.environ.get("SPACE_ID"):
        os.environ.setdefault("FORWARDED_ALLOW_IPS", PROXIES)
    try:
        app.launch(server_name=host, server_port=port, prevent_thread_lock=True, quiet=True)
    except OSError as error:
        signal.set_wakeup_fd(-1)
        for number, handler in zip(ends, before, strict=True):
            signal.signal(number, handler)
        raise ConfigError(
            f"port {port} is taken, or {host} is not this machine", "give another --port"
        ) from error
    sys.stderr.write(f"{name}: http://{host}:{port}/  (Ctrl-C stops it)\n")
    stopped.recv(1)
    signal.set_wakeup_fd(-1)
    time.sleep(TWICE_S)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write(
            f"{name}: stopping, when all is stored and pushed (Ctrl-C ends it at once)\n"
        )
        in_background(functools.partial(_close, app))
        signal.signal(signal.SIGINT, _unheard)
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: ended at once; {_where(app)}\n")
        sys.stderr.flush()
        os._exit(STOPPED)  # an orderly end would wait for threads that wait for the Hub
    return 0


def _unheard(*_: object) -> None:
    """Takes a signal, and does nothing."""


def _close(app: gradio.Server) -> None:
    blocks = app.get_blocks()
    blocks.server.config.timeout_graceful_shutdown = GRACE_S
    blocks.close(verbose=False)
    blocks.server.thread.join(GRACE_S + 2 * HANG_S)


def _where(app: gradio.Server) -> str:
    """Says where the records of a server are that did not come to its end."""
    backup: Backup | None = getattr(app.state, "backup", None)
    if backup is None or backup.complete:
        return "all that was confirmed is in the store"
    return f"what was not pushed {IN_STORE_ALONE}"
