"""MinHash over Chinese character n-grams, as steps of datatrove: signatures, buckets, clusters.

The steps are datatrove's own (0.10) with two changes. Shingles are n-grams of letters, digits and Han
characters, hashed as arrays, where datatrove cuts words with a tokenizer; and a bucket is sorted as
one array, where datatrove merges files signature by signature in Python. File formats are unchanged.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.data import Document as Shingled
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer
from numpy.typing import NDArray

from coig_writer.metrics.overlap import reduced

GRAM = 4
# Of two texts that share 60 % of their 4-grams, 96 % meet in some bucket; of two that share 5 %, 0.02 %.
CONFIG = MinhashConfig(
    n_grams=GRAM,
    num_buckets=24,
    hashes_per_bucket=4,
    hash_config=HashConfig(precision=32),
)
BYTES_PER_DOCUMENT = CONFIG.num_buckets * (CONFIG.hashes_per_bucket * 4 + 4)
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_RECORD = np.dtype([("sig", "<u4", (CONFIG.hashes_per_bucket,)), ("doc", "<u4")])


def hashes(flat: str, size: int) -> NDArray[np.uint64]:
    """Returns the 64-bit hash of every character n-gram of a reduced text, in order."""
    codes = np.frombuffer(flat.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < size:
        codes = np.pad(codes, (0, size - len(codes)))
    windows = np.lib.stride_tricks.sliding_window_view(codes, size)
    hashed = np.zeros(len(windows), dtype=np.uint64)
    for column in windows.T:
        hashed = (hashed ^ column) * _FACTOR
    mixed: NDArray[np.uint64] = (hashed ^ (hashed >> np.uint64(31))) * _MIX
    return mixed


def shingles(text: str) -> NDArray[np.uint64]:
    """Returns the hashes of the distinct character n-grams of a text, 32 bits each."""
    return np.unique(hashes(reduced(text), GRAM) >> np.uint64(32))


def similarity(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    """Returns the Jaccard similarity of two sets of shingles."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


class Characters(WordTokenizer):  # type: ignore[misc]
    """Every character is a word: datatrove wants a tokenizer, and none is needed here."""

    def word_tokenize(self, text: str) -> list[str]:
        """Returns the characters."""
        return list(reduced(text))

    def sent_tokenize(self, text: str) -> list[str]:
        """Returns the text."""
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Returns the whole span."""
        return [(0, len(text))]


class Signatures(MinhashDedupSignature):  # type: ignore[misc]
    """Step 1: one signature per document and bucket."""

    def __init__(self, folder: str) -> None:
        super().__init__(output_folder=folder, config=CONFIG, language=Characters())

    def get_shingles(self, text: str) -> NDArray[np.uint64]:
        """Returns the shingles as a column, as datatrove wants them."""
        return shingles(text).reshape((-1, 1))


class Buckets(MinhashDedupBuckets):  # type: ignore[misc]
    """Step 2: pairs of documents with the same signature in a bucket."""

    def __init__(self, signatures: str, folder: str) -> None:
        super().__init__(input_folder=signatures, output_folder=folder, config=CONFIG)

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Sorts one bucket (``rank``) and writes its pairs in datatrove's format."""
        files = self.input_folder.list_files(subdirectory=f"bucket_{rank:03d}")
        with self.track_time():
            names = [int(Path(f).name.split(".")[0]) for f in files]
            tables = [np.frombuffer(self._bytes(f), dtype=_RECORD) for f in files]
            lengths = [len(t) for t in tables]
            found = np.concatenate(tables) if tables else np.zeros(0, _RECORD)
            owner = np.repeat(np.array(names, dtype=np.uint32), lengths)
            with self.output_folder.open(f"{rank:05d}_00.dups", mode="wb") as out:
                out.write(_pairs(found, owner).tobytes())

    def _bytes(self, file: str) -> bytes:
        with self.input_folder.open(file, mode="rb") as handle:
            content: bytes = handle.read()
            return content


def _pairs(found: NDArray[Any], owner: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Returns (file, document, file, document) of neighbours with equal signatures."""
    signature = found["sig"]
    order = np.lexsort((found["doc"], owner, *signature.T))
    equal = (signature[order][1:] == signature[order][:-1]).all(axis=1)
    first, second = order[:-1][equal], order[1:][equal]
    columns = (owner[first], found["doc"][first], owner[second], found["doc"][second])
    return np.stack(columns, axis=1).astype("<u4")


def cluster(folder: Path, texts: Iterable[str]) -> dict[int, int]:
    """Clusters texts on this machine, with all steps in one process.

    Args:
        folder: For signatures and pairs; ``BYTES_PER_DOCUMENT`` each.
        texts: The texts, in order.

    Returns:
        Position → number of its cluster, for texts that look like another one.
    """
    _quiet()
    signatures, pairs = str(folder / "signatures"), str(folder / "pairs")
    Signatures(signatures).run((Shingled(text=t, id="") for t in texts), 0, 1)
    for bucket in range(CONFIG.num_buckets):
        Buckets(signatures, pairs).run(None, bucket, CONFIG.num_buckets)
    return {doc: number for (_, doc), number in join(folder).items()}


def _quiet() -> None:
    """Keeps datatrove's progress to warnings."""
    from loguru import logger

    logger.disable("datatrove")


def join(folder: Path) -> dict[tuple[int, int], int]:
    """Step 3: joins the pairs under ``folder/pairs`` to clusters.

    Returns:
        (file, position in it) → number of its cluster.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    files = sorted((folder / "pairs").glob("*.dups"))
    pairs = np.concatenate([np.fromfile(f, dtype="<u4").reshape(-1, 2, 2) for f in files])
    if not len(pairs):
        return {}
    nodes, flat = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    first, second = flat.reshape(-1, 2).T
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), (len(nodes),) * 2)
    _, labels = connected_components(graph, directed=False)
    return {(int(f), int(d)): int(n) for (f, d), n in zip(nodes, labels, strict=True)}


__all__ = [
    "BYTES_PER_DOCUMENT",
    "CONFIG",
    "GRAM",
    "Buckets",
    "Signatures",
    "cluster",
    "hashes",
    "join",
]
assert struct.calcsize(f"<{CONFIG.hashes_per_bucket}II") == _RECORD.itemsize
