"""What overlaps the benchmark is kept out of every dataset: a text that holds half of a query's n-grams."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from coig_writer import benchmark
from coig_writer.text.ngrams import GRAM, grams, hashes, within
from coig_writer.text.normalise import reduced, simplified
from coig_writer.text.verdict import Verdict
from coig_writer.triplet import Language

PREFIX = 8  # characters
SHARE = 0.5  # of a query's distinct n-grams (13 characters in Chinese, 40 in English)


@dataclasses.dataclass(frozen=True)
class _Known:
    """The n-grams of the queries of one language.

    Attributes:
        prefixes: Sorted hashes of how they begin.
        hashes: Their own sorted hashes.
        queries: The query that each is from.
        ids: Of the queries.
        sizes: How many n-grams each query has.
    """

    prefixes: NDArray[np.uint64]
    hashes: NDArray[np.uint64]
    queries: NDArray[np.int64]
    ids: tuple[str, ...]
    sizes: NDArray[np.int64]


@functools.cache
def _known(language: Language) -> _Known:
    queries = benchmark.queries(language)
    texts = [simplified(query.query) for query in queries]
    own = [grams(text, GRAM[language]) for text in texts]
    prefixes = np.unique(np.concatenate([grams(text, PREFIX) for text in texts]))
    hashed, numbers = np.concatenate(own), np.repeat(np.arange(len(own)), list(map(len, own)))
    order = np.argsort(hashed, kind="stable")
    ids = tuple(query.id for query in queries)
    return _Known(prefixes, hashed[order], numbers[order], ids, np.array(list(map(len, own))))


@dataclasses.dataclass(frozen=True, slots=True)
class Nearest:
    """The query that a text repeats most: how many of its n-grams, of how many."""

    query: str
    shared: int
    size: int

    @property
    def share(self) -> float:
        """Of the query's distinct n-grams."""
        return self.shared / self.size


def nearest(text: str) -> Nearest | None:
    """Finds the benchmark query of which a text holds the largest share of n-grams; None if it holds none.

    Args:
        text: A prompt or an article, in any language; Chinese in either script, where OpenCC is installed.
    """
    flat = reduced(simplified(text))
    begun = hashes(flat, PREFIX)
    candidates: list[Nearest] = []
    for language in benchmark.LANGUAGES:
        known = _known(language)
        if not within(begun, known.prefixes).any():  # most texts: no whole n-gram can be there
            continue
        own = hashes(flat, GRAM[language])
        own = own[within(own, known.hashes)]
        if not own.size:
            continue
        held = known.queries[np.isin(known.hashes, own)]
        shared = np.bincount(held, minlength=len(known.ids))
        best = int((shared / known.sizes).argmax())
        candidates.append(Nearest(known.ids[best], int(shared[best]), int(known.sizes[best])))
    return max(candidates, key=lambda n: (n.share, n.query), default=None)


def contaminated(text: str) -> Verdict | None:
    """Returns a verdict ``of`` the nearest query, if a text holds half of it or more; None for nearly all texts."""
    closest = nearest(text)
    if closest is None or closest.share < SHARE:
        return None
    evidence = f"{closest.shared} of {closest.size} n-grams of benchmark query {closest.query}"
    return Verdict("contaminated", evidence, of=closest.query)
