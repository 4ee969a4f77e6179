"""The arena for programs: four endpoints of Gradio's engine on the checks and the writer of the page.

    from gradio_client import Client
    arena = Client("http://127.0.0.1:7860")
    seat = arena.predict("pairwise", "zh", True, api_name="/session")
    arena.predict(seat["rater"], "pairwise", "zh", seat["item"]["id"], "left", api_name="/vote")

A program has no cookie: ``session`` hands it the same signed value, which it sends along as ``rater``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from starlette.datastructures import State

from coig_writer.arena.server import routes
from coig_writer.arena.server.guard import SENTENCES, RefusedError, status_of
from coig_writer.arena.server.service import StudyService

if TYPE_CHECKING:
    import gradio

B = TypeVar("B", bound=routes.Sitting)


class ProgramEndpoints:
    """The four endpoints, on the state of an application."""

    def __init__(self, state: State) -> None:
        self._state = state

    def _known(self, rater: object) -> str:
        service: StudyService = self._state.service
        pseudonym = service.identity.from_cookie(_text(rater))
        if pseudonym is None or service.study.sign_in:  # a program has a cookie's value, no account
            raise RefusedError(401)
        return pseudonym

    def session(
        self,
        protocol: str,
        language: str,
        consent: bool,
        rater: str = "",
        request: gradio.Request | None = None,
    ) -> dict[str, object]:
        """Gives a rater a seat and the first open item; ``rater`` is empty, an invitation, or what an earlier session gave."""
        service, body = (
            self._state.service,
            _body(routes.Session, protocol, language, consent=consent),
        )
        invited = service.identity.invited(
            service.study.study, service.study.raters, _text(rater or "")
        )
        who = (
            service.identity.rater("invited", invited)
            if invited
            else self._known(rater)
            if rater
            else None
        )
        address = request.client.host if request and request.client else ""
        seated, view = routes.seated(self._state, body, who, address)
        return {"rater": service.identity.cookie(seated), **view}

    def next(self, rater: str, protocol: str, language: str) -> dict[str, object]:
        """Returns the next open item of a rater who has a seat, and how far the sitting is."""
        body = _body(routes.Session, protocol, language, consent=True)
        return routes.seated(self._state, body, self._known(rater), "")[1]

    async def vote(  # noqa: PLR0913, PLR0917 - the fields of a vote, as a form shows them
        self,
        rater: str,
        protocol: str,
        language: str,
        item: str,
        verdict: Any,
        tags: list[str] | None = None,
        comment: str | None = None,
        reported: bool = False,
    ) -> dict[str, object]:
        """Stores a vote; returns the ballot's id and the next item. The verdict is by position."""
        fields = {"item": item, "verdict": verdict, "tags": tags or [], "comment": comment}
        body = _body(routes.VoteBody, protocol, language, reported=reported, **fields)
        return await routes.cast(self._state, body, self._known(rater))

    async def results(self, protocol: str, language: str) -> dict[str, object]:
        """Returns the board of one protocol and language, as far as it may be shown."""
        return (await routes.board(self._state, protocol, language)).view


def add_endpoints(app: gradio.Server) -> None:
    """Adds ``session``, ``next``, ``vote`` and ``results`` to the application."""
    import gradio

    # By which Gradio knows to give it.
    ProgramEndpoints.session.__annotations__["request"] = gradio.Request
    endpoints = ProgramEndpoints(app.state)
    for endpoint in (endpoints.session, endpoints.next, endpoints.vote, endpoints.results):
        app.api(in_sentences(endpoint), name=endpoint.__name__, concurrency_limit=None)


def _body(kind: type[B], protocol: str, language: str, **fields: Any) -> B:
    try:
        return kind(protocol=protocol, language=language, **fields)
    except ValidationError:
        raise RefusedError(422) from None


def _text(sent: object) -> str:
    """Gradio checks no types: a program may send anything as ``rater``, and half surrogates within."""
    if not isinstance(sent, str) or not sent.isascii():
        raise RefusedError(401)
    return sent


def in_sentences(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Lets an endpoint say the same fixed sentences as the page's routes."""
    import gradio

    @functools.wraps(endpoint)
    async def answered(*given: Any, **named: Any) -> Any:
        try:
            outcome = endpoint(*given, **named)
            return await outcome if inspect.isawaitable(outcome) else outcome
        except Exception as error:
            sentence = SENTENCES[status_of(error)][0]
            raise gradio.Error(sentence, print_exception=status_of(error) >= 500) from error

    return answered
