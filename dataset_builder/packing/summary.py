"""What is measured on a packed set: the statistics of Tables 5–10, known defects, benchmark, removals."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from coig_writer.benchmark import Query
from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.metrics.length import characters
from coig_writer.text import framing
from coig_writer.text.contamination import contaminated
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Curated, Language, Triplet
from dataset_builder.packing import layout
from dataset_builder.packing.layout import Removal

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


def facts(
    triplets: Sequence[Triplet],
    queries: Mapping[Language, Sequence[Query]],
    log: Sequence[Removal],
) -> list[Fact]:
    """Returns every fact of a dataset card.

    The artefact of what is measured on rows is their hash in the order of their ids, whichever files
    hold them.

    Args:
        triplets: All rows.
        queries: The benchmark queries packed with them.
        log: Of removed rows.
    """
    in_order = sorted(triplets, key=lambda t: t.id)
    rows = rows_sha256(in_order)
    return [
        *_statistics(triplets, rows),
        *(
            Fact(
                f"benchmark/{language}/queries",
                len(some),
                command=COMMAND,
                artefact=rows_sha256(some),
            )
            for language, some in queries.items()
        ),
        *_removed(log),
        *_defects(triplets, rows),
        *_authorship(triplets, rows),
    ]


def _statistics(triplets: Sequence[Triplet], artefact: str) -> list[Fact]:
    """Returns ``GROUP/rows`` and ``GROUP/PART/{min,mean,max}``."""
    statistics = []
    for key, group in summarize(triplets).items():
        statistics.append(Fact(f"{key}/rows", group.count, command=COMMAND, artefact=artefact))
        for part, lengths in group.lengths.items():
            statistics += [
                Fact(
                    f"{key}/{part}/{name}",
                    round(value, 2),
                    n=group.count,
                    unit="characters",
                    command=COMMAND,
                    artefact=artefact,
                )
                for name, value in dataclasses.asdict(lengths).items()
            ]
    return statistics


def _removed(log: Sequence[Removal]) -> list[Fact]:
    """Returns version and number of removed rows; nothing where none was removed."""
    if not log:
        return []
    artefact = rows_sha256(log)
    return [
        Fact("removed/rows", len(log), command=COMMAND, artefact=artefact),
        Fact("removed/version", layout.version(log), command=COMMAND, artefact=artefact),
    ]


def _defects(triplets: Sequence[Triplet], artefact: str) -> list[Fact]:
    """Counts rows whose prompt repeats a benchmark query, and other defects.

    ``contamination/prompts`` uses the rule by which such rows are kept out of training mixtures.
    """
    repeated = Counter(reduced(t.article) for t in triplets)
    counts = {
        "contamination/prompts": sum(contaminated(t.prompt) is not None for t in triplets),
        "defects/boilerplate": sum(framing.opening(t.article) is not None for t in triplets),
        "defects/equal_articles": sum(times - 1 for times in repeated.values()),
    }
    return [
        Fact(name, count, n=len(triplets), command=COMMAND, artefact=artefact)
        for name, count in counts.items()
    ]


def _authorship(triplets: Sequence[Triplet], artefact: str) -> list[Fact]:
    """Counts who wrote each part: ``authorship/PART/AUTHOR``; nothing where no row can know."""
    curated = [t for t in triplets if isinstance(t, Curated)]
    return [
        Fact(f"authorship/{part}/{author}", count, len(curated), command=COMMAND, artefact=artefact)
        for part in PARTS
        for author, count in Counter(
            getattr(t, f"{part}_author") or "unknown" for t in curated
        ).items()
    ]
