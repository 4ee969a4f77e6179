"""Measures generations again with the kit's own metrics, without lighteval and without a facts file.

``eval_tasks score`` proves on every run that these metrics equal lighteval's; this is the short way
to check a number on a card.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from coig_writer.facts import Fact
from coig_writer.generation import Generation
from coig_writer.metrics.averages import Average, Place, averages
from coig_writer.metrics.definition import Missing
from coig_writer.score import Score
from coig_writer.scoring import copying, run
from coig_writer.scoring.generations import variants


def scores(records: Sequence[Generation], mixtures: Path) -> list[Score]:
    """Scores answers with the kit's own metrics.

    Args:
        records: Answers of any variants.
        mixtures: Folder of training mixtures, to measure what was copied.
    """
    return [
        score
        for answers in variants(records).values()
        for score in (*_own(answers), *copying.score(answers, mixtures))
    ]


def _own(answers: Sequence[Generation]) -> list[Score]:
    return [
        Score(record.variant, record.query_id, name, None, "missing", value.reason)
        if isinstance(value, Missing)
        else Score(record.variant, record.query_id, name, value, "scored")
        for record, values in zip(answers, run.measured(answers), strict=True)
        for name, value in values.items()
    ]


def facts(records: Sequence[Generation], mixtures: Path) -> list[Fact]:
    """Returns ``VARIANT/LANGUAGE/METRIC/{mean,macro_mean}`` of every average, and the decoding."""
    places = {r.query_id: Place(r.language, r.genre) for r in records}
    means = [
        fact(average)
        for average in averages(scores(records, mixtures), places)
        if average.value is not None and average.scope in ("micro", "macro")
    ]
    return means + [f for answers in variants(records).values() for f in decoding(answers)]


def decoding(answers: Sequence[Generation]) -> list[Fact]:
    """Returns how one variant's answers were decoded; nothing where the records do not agree."""
    settings = {answer.sampling for answer in answers}
    (sampling,) = settings if len(settings) == 1 else (None,)
    if sampling is None:
        return []
    values = dataclasses.asdict(sampling) | {"answers": len(answers)}
    values = {name: " ".join(v) if isinstance(v, tuple) else v for name, v in values.items()}
    return [
        Fact(f"{answers[0].variant}/decoding/{name}", v)
        for name, v in values.items()
        if v is not None
    ]


def fact(average: Average) -> Fact:
    """Turns an average into a fact."""
    name = "mean" if average.scope == "micro" else "macro_mean"
    return Fact(
        f"{average.variant}/{average.language}/{average.metric}/{name}",
        average.value if average.value is not None else "",
        n=average.n,
        low=average.low,
        high=average.high,
    )
