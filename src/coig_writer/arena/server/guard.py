"""What every request passes before the arena looks at it, and all that a refusal ever says.

A refusal is one fixed sentence for each status, whatever caused it. Errors raised inside name files,
rows and models, for who runs the study; built from them, a reply to a rater could tell who wrote what.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coig_writer.arena.server.database import DuplicateError, StoreError
from coig_writer.errors import KitError

MAX_BODY_BYTES = 20_000
LONGEST_WAIT_S = 5.0  # in line for the results
MAX_KEYS = 50_000
LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
SENTENCES = {
    400: ("the request cannot be read", "open the page again"),
    401: ("no session", "open the page again, or sign in where the study asks for it"),
    403: ("this study does not take your votes", "open the link that was sent to you"),
    404: ("not found", "open the page again"),
    405: ("this method is not allowed", "open the page again"),
    409: ("this item already has your vote", "go on to the next one"),
    413: ("the request is too large or has no length", "shorten the comment"),
    415: ("votes are sent as application/json", "use the page"),
    421: ("unknown host name", "open the address that the arena printed"),
    422: ("the request does not fit this item or this study", "open the page again"),
    428: (
        "this browser keeps no cookies",
        "allow them here, or open the page in a window of its own",
    ),
    429: ("too many requests", "wait a moment, then go on"),
    500: ("the server failed", "try again in a moment"),
    503: ("votes cannot be stored just now", "keep the page open and try again in a moment"),
}
_PAGE_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)


# What of Gradio's own routes answers: its engine, and the files of its pages. Uploads, proxies, shared files,
# recordings and monitoring stay closed.
OPEN = frozenset(
    [
        "info",
        "openapi.json",
        "call",
        "run",
        "api",
        "queue",
        "cancel",
        "reset",
        "heartbeat",
        "startup-events",
        "app_id",
        "login_check",
        "theme.css",
    ]
)
_GRADIO = re.compile(
    r"/(?:(?:gradio(?:_api)?|operator)(?:/|$)|assets/|static/|svelte/|config/?$|theme\.css|favicon\.ico|manifest\.json|pwa_icon)"
)
_OPERATOR = re.compile(r"/operator(?:/|$)")
_CLOSED = re.compile(r"/(?:.*/)?(?:monitoring|login)(?:/(?!huggingface$|callback$).*)?$")


def known_hosts(address: str) -> frozenset[str] | None:
    """Returns the names that a server on an address is asked by; None takes any, where other machines reach it."""
    return LOCAL | {address} if address in LOCAL | {"::1"} else None


class RefusedError(KitError):
    """A request that is answered with the sentence of a status."""

    def __init__(self, status: int) -> None:
        super().__init__(*SENTENCES[status])
        self.status = status


class Limit:
    """Allows ``per_minute`` events per key, in bursts of at most a sixth of that (at least 5).

    Memory is bounded: the key unused for longest is forgotten first.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._burst = max(5.0, per_minute / 6)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, key: str) -> bool:
        """Counts one event and says whether it is within the limit."""
        with self._lock:
            now = self._clock()
            level, last = self._buckets.pop(key, (self._burst, now))
            level = min(self._burst, level + (now - last) * self._rate)
            allowed = level >= 1
            self._buckets[key] = (level - 1 if allowed else level, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
            return allowed

    def check(self, key: str) -> None:
        """Counts one event.

        Raises:
            RefusedError: It is beyond the limit.
        """
        if not self.allows(key):
            raise RefusedError(429)


class Pace:
    """Lets readers through one after another, at most ``per_second``; whoever comes sooner waits for a turn.

    So a thousand readers of the results cost voters no more than a few do. Used from one event loop.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1 / per_second
        self._clock = clock
        self._next = 0.0

    def turn(self) -> float:
        """Takes the next turn and returns the seconds until it comes.

        Raises:
            RefusedError: Too many wait already.
        """
        now = self._clock()
        wait = max(0.0, self._next - now)
        if wait > LONGEST_WAIT_S:
            raise RefusedError(429)
        self._next = now + wait + self._gap
        return wait


def status_of(error: Exception) -> int:
    """Returns the HTTP status that says what kind of error this is, and no more."""
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, HTTPException):
        return error.status_code if error.status_code in SENTENCES else 400
    kinds = {DuplicateError: 409, StoreError: 503, RequestValidationError: 422, KitError: 422}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 500)


def refusal(status: int) -> JSONResponse:
    """Returns the one reply that a status has."""
    sentence, remedy = SENTENCES[status]
    return JSONResponse({"error": sentence, "remedy": remedy}, status)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = status_of(error)
    if status == 503:  # who runs the study learns what the rater is not told
        sys.stderr.write(f"arena: {error}\n")
    return refusal(status)


FRAMEWORKS = frozenset({"gradio", "fastapi", "starlette", "uvicorn", "pydantic", "anyio"})


def is_own_fault(error: BaseException) -> bool:
    """Whether an error arose in the kit's code or a library it called, and not while a framework read a request."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [str(f.f_globals.get("__name__", "")).partition(".")[0] for f in frames]
    own = max((place for place, name in enumerate(packages) if name == "coig_writer"), default=-1)
    framework = max(
        (place for place, name in enumerate(packages) if name in FRAMEWORKS), default=-1
    )
    return own > framework


def _one_line(error: BaseException) -> str:
    return f"a request could not be read: {type(error).__name__}: {str(error)[:200]!r}"


class Tracebacks(logging.Filter):
    """What Gradio and uvicorn print of an error: all of it if it is the kit's own fault, else one line.

    Anyone can send requests that a framework cannot read; forty lines for each would bury real faults.
    It takes the place of the module ``traceback`` in Gradio's, and filters uvicorn's log.
    """

    def print_exc(self) -> None:
        """Prints the error that is being handled."""
        error = sys.exc_info()[1]
        if error is not None and not is_own_fault(error):
            sys.stderr.write(f"gradio: {_one_line(error)}\n")
        else:
            traceback.print_exc()

    def filter(self, record: logging.LogRecord) -> bool:
        """Shortens a record; none is dropped."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not is_own_fault(error):
            record.msg, record.args, record.exc_info = _one_line(error), (), None
        return True


def say_no_more(app: FastAPI) -> None:
    """Lets an application answer every error with the sentence of its status alone."""
    for kind in (KitError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _refused)


class ShortWay:
    """Answers by one endpoint behind an application's middlewares, without the layers of FastAPI around them.

    Those search the routes and solve parameters, which took a vote as long as being stored.
    """

    def __init__(self, app: FastAPI, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        self._app, self._endpoint = app, endpoint
        self._stack: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; the first finds all middlewares, those of ``launch()`` included."""
        if self._stack is None:
            stack: ASGIApp = self._answer
            for middleware in reversed(self._app.user_middleware):
                stack = middleware.cls(stack, *middleware.args, **middleware.kwargs)
            self._stack = stack
        await self._stack(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await self._endpoint(request)
        except Exception as error:
            response = await _refused(request, error)
            await response(scope, receive, send)
            if response.status_code == 500:
                raise  # to the server's log
        else:
            await response(scope, receive, send)


class Guard:
    """Refuses foreign hosts, oversized and cross-site requests; sets the security headers.

    Plain ASGI: Starlette's middleware base class would cost every vote a task and a queue.

    Args:
        app: What it guards.
        hosts: Names this machine is asked by; None takes any, for a server behind a proxy. On a local
            arena a foreign page whose name was rebound to this machine would else read along.
        most: Bytes of a request's body.
        operator: Whether the sender of these headers runs the study; ``/operator`` is there for nobody else.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str] | None = None,
        most: int = MAX_BODY_BYTES,
        operator: Callable[[Mapping[str, str]], bool] = lambda _: False,
    ) -> None:
        self._app, self._hosts, self._most, self._operator = app, hosts, most, operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        sent = reversed(scope["headers"])  # of a header that was sent twice the first counts
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}
        status = self._refused(headers, path, scope["method"])
        gradio = shows_gradio(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_security_headers(path, gradio=gradio)]
            await send(message)

        await (refusal(status) if status else self._app)(scope, receive, guarded)

    def _refused(self, headers: Mapping[str, str], path: str, method: str) -> int | None:
        host = headers.get("host", "")
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return 421
        if _closed(path) or (_OPERATOR.match(path) and not self._operator(headers)):
            return 404
        reading = method in ("GET", "HEAD")
        programmatic = not reading or path.startswith("/api/") or "/gradio_api/" in path
        if programmatic and _foreign(headers, host):
            return 403
        if reading:
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > self._most:
            return 413
        json_sent = headers.get("content-type", "").split(";")[0] == "application/json"
        return 415 if path.startswith("/api/") and not json_sent else None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _foreign(headers: Mapping[str, str], host: str) -> bool:
    """Whether another site's page sends this: by Fetch Metadata, or by origin in browsers before it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    own_hosts = {host, headers.get("x-forwarded-host", host)}
    return origin is not None and origin.partition("://")[2] not in own_hosts


def _closed(path: str) -> bool:
    """Whether a path is one of Gradio's that the arena does not need."""
    _, engine, after = path.partition("/gradio_api/")
    return after.split("/")[0] not in OPEN if engine else bool(_CLOSED.match(path))


def shows_gradio(scope: Scope) -> bool:
    """Whether a request is for one of Gradio's pages or their parts."""
    if scope["path"] == "/":
        return b"view=api" in scope["query_string"].split(b"&")
    return bool(_GRADIO.match(scope["path"]))


def _security_headers(path: str, *, gradio: bool) -> list[tuple[bytes, bytes]]:
    always = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
    if gradio:
        return always
    kept = b"no-store" if path.startswith("/api/") else b"no-cache"
    return [*always, (b"content-security-policy", _PAGE_POLICY), (b"cache-control", kept)]
