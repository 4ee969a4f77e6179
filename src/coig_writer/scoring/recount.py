"""Measures generations again, without a facts file: the short way to check a number on a card."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from coig_writer.facts import Fact
from coig_writer.generation import Generation
from coig_writer.metrics.averages import Average, Place, averages
from coig_writer.scoring import run
from coig_writer.scoring.generations import variants


def facts(records: Sequence[Generation], mixtures: Path) -> list[Fact]:
    """Returns ``VARIANT/LANGUAGE/METRIC/{mean,macro_mean}`` of every average, and the decoding."""
    places = {r.query_id: Place(r.language, r.genre) for r in records}
    scores = [s for answers in variants(records).values() for s in run.score(answers, mixtures)]
    means = [
        fact(average)
        for average in averages(scores, places)
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
