"""Stage 3, dedup: exact and near duplicates go, and what overlaps the benchmark.

    python -m dataset_builder dedup --out build/curation

Candidates come from MinHash over Chinese character 4-grams (datatrove); each is then measured: a
document is dropped if it shares half of its 4-grams (Jaccard) with one that stays. Of two, the one
published first stays, then the one with the smaller id. Nothing is dropped on a hash alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from coig_writer import benchmark
from coig_writer.document import Document, dropped
from coig_writer.files import atomic_path
from coig_writer.metrics.overlap import GRAM, grams, reduced
from dataset_builder.curation import Counts, Flow, Outcome, work
from dataset_builder.stage_options import Settings, parser, report, settings

LEAST = 0.5
BENCHMARK_SHARE = 0.5
LAST_DATE = "9999"


@dataclasses.dataclass(frozen=True)
class Member:
    """A document of a cluster; the order decides which of two stays."""

    published_at: str
    id: str
    text: str

    @property
    def order(self) -> tuple[str, str]:
        """Earlier publication first; no date comes last."""
        return self.published_at, self.id


@dataclasses.dataclass(frozen=True)
class Duplicate:
    """Why a document goes: ``of`` stays; ``similarity`` is the Jaccard of their 4-grams."""

    id: str
    of: str
    similarity: float

    @property
    def reason(self) -> str:
        """Exact if letters, digits and Han characters are the same."""
        return "exact_duplicate" if self.similarity == 1.0 else "near_duplicate"


def run(where: Settings, least: float = LEAST) -> Counts:
    """Deduplicates."""
    flow = Flow(
        where.root,
        "dedup",
        {"least": least, "benchmark": BENCHMARK_SHARE},
        part_size=where.part_size,
    )
    done = flow.done()
    if done is not None:
        return done
    found = {d.id: d for d in duplicates(flow, least)}
    return flow.run(lambda documents: [decide(d, found) for d in documents])


def duplicates(flow: Flow, least: float) -> list[Duplicate]:
    """Finds the duplicates of a whole stage; the signatures are removed afterwards."""
    from dataset_builder import minhash

    folder = work(flow.root, "dedup")
    shutil.rmtree(folder, ignore_errors=True)
    clusters = minhash.cluster(folder, (row["text"] for row in _rows(flow)))
    members: dict[int, list[Member]] = defaultdict(list)
    for position, row in enumerate(_rows(flow)):
        if position in clusters:
            date = row["published_at"] or LAST_DATE
            members[clusters[position]].append(Member(date, row["id"], row["text"]))
    found = list(itertools.chain.from_iterable(within(m, least) for m in members.values()))
    shutil.rmtree(folder, ignore_errors=True)
    write(folder / "duplicates.jsonl", found)
    return found


def _rows(flow: Flow) -> Iterator[dict[str, str]]:
    for _, lines in flow.parts():
        yield from map(json.loads, lines)


def within(members: Sequence[Member], least: float) -> list[Duplicate]:
    """Measures the members of one cluster against those that stay, earliest first."""
    from dataset_builder.minhash import shingles, similarity

    stay: list[tuple[str, str, object]] = []
    found: list[Duplicate] = []
    for member in sorted(members, key=lambda m: m.order):
        own, flat = shingles(member.text), reduced(member.text)
        alike = [
            (1.0 if flat == other else min(similarity(own, theirs), 0.9999), name)  # type: ignore[arg-type]
            for name, other, theirs in stay
        ]
        share, of = max(alike, default=(0.0, ""))
        if share >= least:
            found.append(Duplicate(member.id, of, round(share, 4)))
        else:
            stay.append((member.id, flat, own))
    return found


def write(path: Path, found: Iterable[Duplicate]) -> None:
    """Writes the duplicates, for people and for the other processes of a cluster."""
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as handle:
        for duplicate in found:
            handle.write(json.dumps(dataclasses.asdict(duplicate), ensure_ascii=False) + "\n")


def read(path: Path) -> dict[str, Duplicate]:
    """Reads what ``write`` wrote, by the id of the document that goes."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["id"]: Duplicate(**row) for row in rows}


def decide(document: Document, found: dict[str, Duplicate]) -> Outcome:
    """Drops a duplicate, or a text that holds half of a benchmark query."""
    duplicate = found.get(document.id)
    if duplicate is not None:
        shown = f"{duplicate.similarity:.2f} of the 4-grams shared with {duplicate.of}"
        return dropped(document, "dedup", duplicate.reason, shown)
    if overlap := benchmark_overlap(document.text):
        return dropped(document, "dedup", "overlaps_benchmark", overlap)
    return document.noted("dedup")


@functools.cache
def _benchmark_grams() -> tuple[dict[str, list[int]], list[tuple[str, int]]]:
    """Returns gram → queries that hold it, and (id, number of grams) per query."""
    holders: dict[str, list[int]] = defaultdict(list)
    queries: list[tuple[str, int]] = []
    for language in benchmark.LANGUAGES:
        for query in benchmark.queries(language):
            own = grams(query.query, GRAM[language])
            for gram in own:
                holders[gram].append(len(queries))
            queries.append((query.id, len(own)))
    return holders, queries


@functools.cache
def _benchmark_hashes() -> dict[int, Any]:
    """Returns n-gram length → sorted hashes of all n-grams of the benchmark."""
    import numpy as np

    from dataset_builder.minhash import hashes

    found: dict[int, Any] = {}
    for language in benchmark.LANGUAGES:
        size = GRAM[language]
        own = [hashes(reduced(q.query), size) for q in benchmark.queries(language)]
        found[size] = np.unique(np.concatenate(own))
    return found


def _touches_benchmark(text: str) -> bool:
    """Says whether a text shares any n-gram with the benchmark: nearly all texts stop here."""
    import numpy as np

    from dataset_builder.minhash import hashes

    flat = reduced(text)
    for size, known in _benchmark_hashes().items():
        own = hashes(flat, size)
        nearest = known[np.minimum(np.searchsorted(known, own), len(known) - 1)]
        if (nearest == own).any():
            return True
    return False


def benchmark_overlap(text: str) -> str:
    """Names the benchmark query of which a text holds half of the n-grams (13 Han, 40 Latin)."""
    if not _touches_benchmark(text):
        return ""
    holders, queries = _benchmark_grams()
    hits: dict[int, int] = defaultdict(int)
    for size in GRAM.values():
        for gram in grams(text, size) & holders.keys():
            for number in holders[gram]:
                hits[number] += 1
    for number, count in hits.items():
        name, total = queries[number]
        if count >= BENCHMARK_SHARE * total:
            return f"{count} of {total} n-grams of benchmark query {name}"
    return ""


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--similar",
        type=float,
        default=LEAST,
        help=f"least Jaccard similarity of a duplicate ({LEAST})",
    )


def main() -> int | None:
    """Runs the stage."""
    command = parser(__doc__, model=False)
    add_options(command)
    given = command.parse_args()
    report(run(settings(given), given.similar))
    return None
