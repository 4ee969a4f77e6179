"""The place of a text among people's texts: the percentile of each metric within a genre, else a language."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

from coig_writer.generation import Generation
from coig_writer.metrics.answer import of_generation
from coig_writer.metrics.catalogue import CONFUSION, METRICS, REASONING, measure
from coig_writer.metrics.definition import Missing

HUMAN = "human"  # the variant of people's articles, in files and in the arena
ENOUGH = 20  # people's texts that a percentile needs behind it
Level = Literal["genre", "language"]
# Metrics of the article alone: neither of its reasoning nor of the tokens that a model spent.
COMPARED = tuple(
    m.name
    for m in METRICS
    if m not in REASONING and m not in CONFUSION and m.name != "model_tokens" and m.kind != "share"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Percentile:
    """A value's place among people's, 0 to 100: those below, and half of those equal.

    ``n`` counts the texts it is computed from, all of the genre or of the language.
    """

    value: float
    level: Level
    n: int


@dataclasses.dataclass(frozen=True)
class Reference:
    """People's values, sorted: (metric, language, genre) → values; genre None holds the whole language."""

    values: Mapping[tuple[str, str, str | None], list[float]]

    def percentile(
        self, metric: str, language: str, genre: str | None, value: float
    ) -> Percentile | None:
        """Returns a value's percentile within its genre, else its language; None under 20 texts of either."""
        levels: tuple[tuple[Level, str | None], ...] = (("genre", genre), ("language", None))
        for level, group in levels:
            if level == "genre" and genre is None:
                continue
            known = self.values.get((metric, language, group), [])
            if len(known) >= ENOUGH:
                below, upto = bisect.bisect_left(known, value), bisect.bisect_right(known, value)
                return Percentile(50 * (below + upto) / len(known), level, len(known))
        return None


def reference(people: Iterable[Generation]) -> Reference:
    """Measures people's articles."""
    values: dict[tuple[str, str, str | None], list[float]] = {}
    for record in people:
        measured = measure(of_generation(record))
        for metric in COMPARED:
            value = measured[metric]
            if isinstance(value, Missing):
                continue
            for genre in {record.genre, None}:
                values.setdefault((metric, record.language, genre), []).append(value)
    return Reference({key: sorted(measurements) for key, measurements in values.items()})
