"""MinHash over Chinese character n-grams: signatures, pairs that share one, clusters.

Signatures are those of datatrove (0.10) to the bit; a test compares them. They are taken of n-grams of
letters, digits and Han characters that are hashed as arrays, where datatrove cuts words with a tokenizer.
Pairs come from sorting a bucket as one array, where datatrove merges files signature by signature in Python.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coig_writer.text.ngrams import hashes
from coig_writer.text.normalise import reduced

GRAM = 4
# Of two texts that share 60 % of their 4-grams, 96 % meet in some bucket; of two that share 5 %, 0.02 %.
BUCKETS, HASHES_PER_BUCKET = 24, 4
_PRIME = np.uint64((1 << 61) - 1)


def shingles(text: str) -> NDArray[np.uint64]:
    """Returns the hashes of the distinct character n-grams of a text, 32 bits each."""
    return np.unique(hashes(reduced(text), GRAM) >> np.uint64(32))


@functools.cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Returns factors and summands of the hash functions, one a row; datatrove draws them so."""
    draw, count = np.random.RandomState(1), BUCKETS * HASHES_PER_BUCKET
    factors = draw.randint(1, _PRIME, dtype=np.uint64, size=(count, 1))
    return factors, draw.randint(0, _PRIME, dtype=np.uint64, size=(count, 1))


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Returns the signatures of texts, shape (buckets, texts, hashes of a bucket)."""
    factors, summands = _permutations()
    signed = [
        ((factors * shingles(text) + summands) % _PRIME).astype(np.uint32).min(axis=1)
        for text in texts
    ]
    flat = np.array(signed, dtype=np.uint32)
    return flat.reshape(len(texts), BUCKETS, HASHES_PER_BUCKET).transpose(1, 0, 2)


def pairs(bucket: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Returns neighbours with equal signatures.

    Args:
        bucket: Signatures of one bucket, shape (texts, hashes of a bucket).

    Returns:
        Positions, shape (pairs, 2); n equal texts make n − 1 pairs.
    """
    order = np.lexsort((np.arange(len(bucket)), *bucket.T))
    equal = (bucket[order][1:] == bucket[order][:-1]).all(axis=1)
    return np.stack((order[:-1][equal], order[1:][equal]), axis=1)


def clusters(duplicates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Joins pairs to clusters.

    Args:
        duplicates: Positions, shape (pairs, 2).

    Returns:
        (position, number of its cluster) of every text in a pair, by position, shape (texts, 2).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(duplicates):
        return np.zeros((0, 2), dtype=np.int64)
    nodes, flat = np.unique(duplicates, return_inverse=True)
    first, second = flat.reshape(-1, 2).T
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), (len(nodes),) * 2)
    _, labels = connected_components(graph, directed=False)
    return np.stack((nodes, labels.astype(np.int64)), axis=1)
