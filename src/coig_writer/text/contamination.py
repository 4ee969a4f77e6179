"""What overlaps the benchmark is kept out of a dataset: a text that holds half of a query's n-grams."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import Any

import numpy as np

from coig_writer import benchmark
from coig_writer.text.minhash import hashes
from coig_writer.text.ngrams import GRAM, grams, reduced

SHARE = 0.5


@functools.cache
def _holders() -> tuple[dict[str, list[int]], list[tuple[str, int]]]:
    """Returns gram → queries that hold it, and (id, number of grams) per query."""
    holders: dict[str, list[int]] = defaultdict(list)
    queries: list[tuple[str, int]] = []
    for language in benchmark.LANGUAGES:
        for query in benchmark.queries(language):
            own = grams(query.query, GRAM[language])
            for gram in own:
                holders[gram].append(len(queries))
            queries.append((query.id, len(own)))
    return holders, queries


@functools.cache
def _hashes() -> dict[int, Any]:
    """Returns n-gram length → sorted hashes of all n-grams of the benchmark."""
    found: dict[int, Any] = {}
    for language in benchmark.LANGUAGES:
        size = GRAM[language]
        own = [hashes(reduced(q.query), size) for q in benchmark.queries(language)]
        found[size] = np.unique(np.concatenate(own))
    return found


def _touches(text: str) -> bool:
    """Says whether a text shares any n-gram with the benchmark: nearly all texts stop here."""
    flat = reduced(text)
    for size, known in _hashes().items():
        own = hashes(flat, size)
        nearest = known[np.minimum(np.searchsorted(known, own), len(known) - 1)]
        if (nearest == own).any():
            return True
    return False


def overlap(text: str) -> str:
    """Names the benchmark query of which a text holds half of the n-grams (13 Han, 40 Latin)."""
    if not _touches(text):
        return ""
    holders, queries = _holders()
    hits: dict[int, int] = defaultdict(int)
    for size in GRAM.values():
        for gram in grams(text, size) & holders.keys():
            for number in holders[gram]:
                hits[number] += 1
    for number, count in hits.items():
        name, total = queries[number]
        if count >= SHARE * total:
            return f"{count} of {total} n-grams of benchmark query {name}"
    return ""
