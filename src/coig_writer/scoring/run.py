"""Scores saved generations with the kit's own metrics; lighteval's tasks give the same values.

That they do is a test: it runs lighteval over hostile and real answers and compares value by value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from coig_writer.generation import Generation
from coig_writer.metrics.answer import of_generation
from coig_writer.metrics.catalogue import measure, measure_together, measure_within
from coig_writer.metrics.definition import Missing, Value
from coig_writer.score import Score
from coig_writer.scoring import copying


def score(records: Sequence[Generation], mixtures: Path) -> list[Score]:
    """Scores the answers of one variant.

    Args:
        records: Its answers; their prompts need not be in the benchmark.
        mixtures: Folder of training mixtures, to measure copied text.

    Returns:
        One score per answer and metric, in the order of the answers; copied text comes last.
    """
    scores = [
        _score(record, name, value)
        for record, values in zip(records, measured(records), strict=True)
        for name, value in values.items()
    ]
    return [*scores, *copying.score(records, mixtures), *_within(records)]


def _score(record: Generation, name: str, value: Value) -> Score:
    key = (record.variant, record.query_id, name)
    if isinstance(value, Missing):
        return Score(*key, None, "missing", value.reason, record.sample)
    return Score(*key, value, "scored", sample=record.sample)


def _within(records: Sequence[Generation]) -> list[Score]:
    """Returns the metrics of all answers to one prompt together; none where every prompt has one answer."""
    by_query: dict[str, list[Generation]] = {}
    for record in records:
        by_query.setdefault(record.query_id, []).append(record)
    if all(len(answers) == 1 for answers in by_query.values()):
        return []
    return [
        dataclasses.replace(_score(answers[0], name, value), sample=0)
        for answers in by_query.values()
        for name, value in measure_within([of_generation(a) for a in answers]).items()
    ]


def measured(records: Sequence[Generation]) -> list[dict[str, Value]]:
    """Returns the metrics of each record of one variant; other answers are those of the same sample."""
    answers = [of_generation(record) for record in records]
    values_of = [measure(answer) for answer in answers]
    for language in ("zh", "en"):
        for sample in sorted({record.sample for record in records}):
            group = [
                i for i, r in enumerate(records) if (r.language, r.sample) == (language, sample)
            ]
            for name, values in measure_together([answers[i] for i in group]).items():
                for i, value in zip(group, values, strict=True):
                    values_of[i][name] = value
    return values_of
