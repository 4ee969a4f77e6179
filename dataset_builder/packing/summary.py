"""The statistics of Tables 5–10: rows and lengths per genre and category, as facts."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.metrics.length import characters
from coig_writer.triplet import Triplet

PARTS = ("article", "prompt", "reasoning")
COMMAND = "python -m dataset_builder describe"


@dataclasses.dataclass(frozen=True, slots=True)
class PartLengths:
    """Shortest, mean and longest text of one part, in characters without white space."""

    min: int
    mean: float
    max: int


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One row of a statistics table."""

    count: int
    lengths: dict[str, PartLengths]


def summarize(triplets: Sequence[Triplet]) -> dict[str, Group]:
    """Groups triplets and measures them.

    Returns:
        ``overall``, ``category/SLUG``, ``genre/SLUG`` and ``genre/unassigned`` to their numbers.
    """
    members: dict[str, list[Triplet]] = defaultdict(list)
    for triplet in triplets:
        members["overall"].append(triplet)
        members[f"genre/{triplet.genre or 'unassigned'}"].append(triplet)
        # As the configs have it: a row without a genre is in no category's config either.
        if triplet.category and triplet.genre:
            members[f"category/{triplet.category}"].append(triplet)
    return {key: _group(rows) for key, rows in members.items()}


def _group(rows: Sequence[Triplet]) -> Group:
    lengths = {}
    for part in PARTS:
        counts = [characters(getattr(row, part)) for row in rows]
        lengths[part] = PartLengths(min(counts), sum(counts) / len(counts), max(counts))
    return Group(len(rows), lengths)


def facts(triplets: Sequence[Triplet]) -> list[Fact]:
    """Measures triplets and returns facts: ``GROUP/rows``, ``GROUP/PART/{min,mean,max}``.

    Their artefact is the hash of the rows in the order of their ids, whichever files hold them.
    """
    artefact = rows_sha256(sorted(triplets, key=lambda t: t.id))
    found = []
    for key, group in summarize(triplets).items():
        found.append(Fact(f"{key}/rows", group.count, command=COMMAND, artefact=artefact))
        for part, lengths in group.lengths.items():
            for name in ("min", "mean", "max"):
                value = getattr(lengths, name)
                found.append(
                    Fact(
                        f"{key}/{part}/{name}",
                        round(value, 2),
                        n=group.count,
                        unit="characters",
                        command=COMMAND,
                        artefact=artefact,
                    )
                )
    return found
