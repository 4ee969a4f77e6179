"""Scores saved generations with the kit's own metrics; lighteval's tasks give the same values.

That they do is a test: it runs lighteval over hostile and real answers and compares value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coig_writer.generation import Generation
from coig_writer.metrics.answer import of_generation
from coig_writer.metrics.catalogue import measure, measure_together
from coig_writer.metrics.definition import Missing, Value
from coig_writer.score import Score
from coig_writer.scoring import copying


def score(records: Sequence[Generation], mixtures: Path) -> list[Score]:
    """Scores the answers of one variant.

    Args:
        records: Its answers; their prompts need not be in the benchmark.
        mixtures: Folder of training mixtures, to measure what was copied.

    Returns:
        One score per answer and metric, in the order of the answers; what was copied comes last.
    """
    own = [
        Score(record.variant, record.query_id, name, None, "missing", value.reason)
        if isinstance(value, Missing)
        else Score(record.variant, record.query_id, name, value, "scored")
        for record, values in zip(records, measured(records), strict=True)
        for name, value in values.items()
    ]
    return [*own, *copying.score(records, mixtures)]


def measured(records: Sequence[Generation]) -> list[dict[str, Value]]:
    """Returns the metrics of each record of one variant."""
    answers = [of_generation(record) for record in records]
    found = [measure(answer) for answer in answers]
    for language in ("zh", "en"):
        own = [i for i, record in enumerate(records) if record.language == language]
        for name, values in measure_together([answers[i] for i in own]).items():
            for i, value in zip(own, values, strict=True):
                found[i][name] = value
    return found
