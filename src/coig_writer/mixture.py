"""The five published mixtures and the sampling that makes them exactly reproducible.

A row's place is decided by a hash of (seed, source, source id), so the counts are exact, the
smaller mixtures lie inside the larger ones, and a row added upstream moves nothing else
(docs/decisions/0006-sampling.md). Nothing here reads a file.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

SAMPLER_VERSION = 1
Lock: TypeAlias = Mapping[str, Any]  # ``mixture.lock.json``
Variant = Literal["cw", "cw_1k", "cw_5k", "cw_10k", "g", "base"]


@dataclasses.dataclass(frozen=True, slots=True)
class Mixture:
    """A training mixture of the paper (section 3.1, Table 1).

    ``general_per_language`` counts rows of each of the two general sources.
    """

    variant: str
    creative: int
    general_per_language: int

    @property
    def total(self) -> int:
        """Rows in all."""
        return self.creative + 2 * self.general_per_language


PUBLISHED: dict[str, Mixture] = {
    m.variant: m
    for m in (
        Mixture("cw", 1665, 0),
        Mixture("cw_1k", 1665, 1000),
        Mixture("cw_5k", 1665, 5000),
        Mixture("cw_10k", 1665, 10000),
        Mixture("g", 0, 10000),
    )
}
VARIANTS = tuple(PUBLISHED)


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A row of any source after conversion; ``reasoning`` is None where a control leaves it out.

    ``genre`` is empty where the source has none.
    """

    source: str
    source_id: str
    prompt: str
    reasoning: str | None
    article: str
    genre: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class MixtureRow:
    """One row of a mixture: a conversation and where it came from.

    Attributes:
        messages: A user's turn and the assistant's.
        source: Name of the source in the recipe.
        source_id: Id of the row there.
        n_tokens: Tokens of the whole conversation.
    """

    messages: tuple[Turn, ...]
    source: str
    source_id: str
    n_tokens: int


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """A conversation turn as a record (``Message`` is the same as a dictionary).

    Attributes:
        role: ``user`` or ``assistant``.
        content: What is said; the assistant's reasoning is between ``<think>`` and ``</think>``.
    """

    role: str
    content: str


def content_id(prompt: str, reasoning: str | None, article: str) -> str:
    """Returns the id of a row that has none of its own: the SHA-256 of its three parts.

    Parts are length-prefixed, so that no two different rows share a byte string.
    """
    digest = hashlib.sha256()
    for part in (prompt, reasoning, article):
        data = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % (-1 if part is None else len(data)) + data)
    return digest.hexdigest()


def rank(seed: int, source: str, source_id: str) -> bytes:
    """Returns a row's place in the sampling order of its source: lowest first."""
    return hashlib.sha256(f"{SAMPLER_VERSION}\n{seed}\n{source}\n{source_id}".encode()).digest()


def ids_hash(ids: Iterable[str]) -> str:
    """Returns one hash for a set of row ids, whatever their order."""
    digest = hashlib.sha256()
    for row_id in sorted(ids):
        digest.update(row_id.encode() + b"\n")
    return digest.hexdigest()


def steps(documents: int, batch_size: int, epochs: int) -> int:
    """Returns the number of optimizer steps: each epoch ends with a part batch if need be."""
    return -(-documents // batch_size) * epochs
