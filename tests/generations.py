"""Generation records for tests."""

from __future__ import annotations

from typing import Any

from coig_writer.generation import Generation


def generation(
    variant: str, query: str, text: str, language: Any = "zh", **other: Any
) -> Generation:
    """A generation record whose parts follow from its text."""
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
        **fields,
    )
