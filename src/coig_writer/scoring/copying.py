"""Memorisation scores: answers against the training rows that the run's lock names.

They need the mixture's rows, which no lighteval document holds, so they are the kit's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.metrics.catalogue import AGAINST_TRAINING
from coig_writer.metrics.definition import NO_GRAM
from coig_writer.metrics.memorisation import Index
from coig_writer.mixture import MixtureRow
from coig_writer.score import Score


def score(records: Sequence[Generation], mixtures: Path) -> list[Score]:
    """Scores what the answers of one variant copy from ``MIXTURES/VARIANT/train.parquet``.

    Without that file, or without 13 characters of article, the scores are missing.
    """
    rows = mixtures / records[0].variant / "train.parquet"
    if not rows.is_file():
        return [
            s for r in records for s in _missing(r, "no training rows of this variant are here")
        ]
    index = Index(row.messages[-1].content for row in read_records(rows, MixtureRow))
    return [score for record in records for score in _one(record, index)]


def _one(record: Generation, index: Index) -> list[Score]:
    copied = index.copied(record.article)
    if copied is None:
        return _missing(record, NO_GRAM.reason)
    values = {"copied_share": copied.share, "longest_copied": float(copied.longest)}
    return [
        Score(record.variant, record.query_id, k, v, "scored", sample=record.sample)
        for k, v in values.items()
    ]


def _missing(record: Generation, reason: str) -> list[Score]:
    return [
        Score(record.variant, record.query_id, name, None, "missing", reason, record.sample)
        for name in AGAINST_TRAINING
    ]
