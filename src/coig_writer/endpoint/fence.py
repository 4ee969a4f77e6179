"""The fence around a text that a language model is given to read; no text inside can close it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from coig_writer.text.normalise import reduced

DIGITS = 16


def code(texts: Iterable[str]) -> str:
    """Returns the digits that open and close the fences of one request.

    They are a hash of all texts inside, so that an equal request has an equal key in the cache,
    and are drawn again until no text holds them, also not in another width or case. Whoever writes a
    text that holds its own digits only has others drawn.
    """
    inside = list(texts)
    flat = [reduced(text) for text in inside]
    whole = json.dumps(inside).encode()
    for draw in range(len(whole) + 1):
        digits = hashlib.sha256(f"{draw}:".encode() + whole).hexdigest()[:DIGITS]
        if not any(digits in text for text in flat):
            break
    return digits


def closed(name: str, text: str, digits: str) -> str:
    """Returns a text between two lines that name it and carry the digits."""
    return f"〔{name} {digits} 开始〕\n{text}\n〔{name} {digits} 结束〕"
