"""Generations for scoring tests, and a network that is not there."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from coig_writer.generation import Generation, split


def generation(
    variant: str, query: str, text: str, language: Any = "zh", **other: Any
) -> Generation:
    """A generation record whose parts follow from its text."""
    parts = split(text)
    fields: dict[str, Any] = {
        "genre": None,
        "prompt": f"写一写{query}",
        "finish_reason": "stop",
        "n_tokens": None,
        "seed": None,
        "sampling": None,
        "model": "m",
        "revision": None,
    } | other
    return Generation(
        variant=variant,
        query_id=query,
        language=language,
        text=text,
        reasoning=parts.reasoning,
        article=parts.article,
        reasoning_state=parts.state,
        **fields,
    )


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt to connect fails the test."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
