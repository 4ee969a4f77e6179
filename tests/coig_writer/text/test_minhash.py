"""Signatures, pairs and clusters of near duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.utils.hashing import HashConfig

from coig_writer.text import minhash


def met(similarity: float) -> float:
    """The chance that two texts of a similarity share one bucket's signature."""
    return 1 - (1 - similarity**minhash.HASHES_PER_BUCKET) ** minhash.BUCKETS


def test_the_layout_finds_what_it_says() -> None:
    assert minhash.GRAM == 4
    assert round(met(0.6), 2) == 0.96
    assert met(0.05) == pytest.approx(0.00015, rel=1e-3)  # 24 buckets of four: 24 × 0.05⁴
    signed = minhash.signatures(["长亭外，古道边", "长亭外古道边！", "芳草碧连天晚风"])
    assert signed.shape == (24, 3, 4)
    assert signed[:, 0].nbytes == 384  # per document, as docs/curate-a-new-set.md says
    assert np.array_equal(signed[:, 0], signed[:, 1])
    assert not (signed[:, 0] == signed[:, 2]).all(axis=1).any()


def test_signatures_are_those_of_datatrove() -> None:
    config = MinhashConfig(
        n_grams=minhash.GRAM,
        num_buckets=minhash.BUCKETS,
        hashes_per_bucket=minhash.HASHES_PER_BUCKET,
        hash_config=HashConfig(precision=32),
    )
    theirs = MinhashDedupSignature.__new__(MinhashDedupSignature)  # without its tokenizer
    theirs.config, theirs.num_hashes, theirs._parameters = config, 96, None
    texts = ["长亭外，古道边，芳草碧连天。晚风拂柳笛声残，夕阳山外山。" * 9, "雨", ""]
    ours = minhash.signatures(texts)
    for number, text in enumerate(texts):
        grams = minhash.shingles(text).reshape(-1, 1)
        assert ours[:, number].tolist() == theirs.get_signature(grams)
    assert minhash.signatures([]).shape == (24, 0, 4)


def test_equal_signatures_make_pairs_and_pairs_make_clusters() -> None:
    bucket = np.array([[1, 2], [3, 4], [1, 2], [1, 3], [1, 2]], dtype=np.uint32)
    found = minhash.pairs(bucket)
    assert found.tolist() == [[0, 2], [2, 4]]
    more = np.concatenate((found, [[1, 3]]))
    assert minhash.clusters(more).tolist() == [[0, 0], [1, 1], [2, 0], [3, 1], [4, 0]]
    assert minhash.clusters(np.zeros((0, 2), dtype=np.int64)).shape == (0, 2)
