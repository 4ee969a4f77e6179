"""Stage 3, dedup: exact and near duplicates go, and what overlaps the benchmark.

Candidates come from MinHash over Chinese character 4-grams (datatrove); each is then measured: a
document is dropped if it shares half of its 4-grams (Jaccard) with one that stays. Of two, the one
published first stays (by both its dates, in China, whatever their form and zone), then the one with
the smaller id. Nothing is dropped on a hash alone. Traditional and simplified copies are one text
(OpenCC); where it is not installed, the stage says so.

Reads what assess kept; writes 03-dedup/: kept.jsonl, and dropped.jsonl with reasons and evidence.
While it runs, what its processes share is in .03-dedup.search-HASH/:

  signatures/PART.npy    of every document of a part (sign)
  pairs/BUCKET.npy       documents with equal signatures in a bucket (pair)
  clusters.npy           the clusters that the pairs of all buckets make (group)
  duplicates/NN.jsonl    documents that go, of every 64th cluster (measure)
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coig_writer.document import Document, dropped
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.files import atomic_path, file_sha256, iterate, write_rows
from coig_writer.record import parse_line, to_row
from coig_writer.text import contamination, minhash, normalise
from coig_writer.text.ngrams import similarity
from dataset_builder.stages import dates, sources
from dataset_builder.stages.dates import Published
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Counts, Outcome, Parts, made_by
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding

SIMILARITY_THRESHOLD = 0.5
SLICES = 64
Share = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Member:
    """A document of a cluster; the order decides which of two stays.

    Attributes:
        published: The earliest of its dates; None if it has none.
    """

    published: Published | None
    id: str
    text: str

    @property
    def order(self) -> tuple[bool, Published | None, str]:
        """Earlier publication first; no date comes last."""
        return self.published is None, self.published, self.id


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


def within(members: Sequence[Member], least: float) -> list[Duplicate]:
    """Measures the members of one cluster against those that stay, earliest first."""
    stay: list[tuple[str, str, NDArray[np.uint64]]] = []
    duplicates: list[Duplicate] = []
    for member in sorted(members, key=lambda m: m.order):
        text = normalise.simplified(member.text)
        grams, flat = minhash.shingles(text), normalise.reduced(text)
        # Equal 4-grams are exact only if the texts are equal too: the cap keeps the two apart.
        alike = [
            (1.0 if flat == other else min(similarity(grams, theirs), 0.9999), name)
            for name, other, theirs in stay
        ]
        share, nearest = max(alike, default=(0.0, ""))
        if share >= least:
            duplicates.append(Duplicate(member.id, nearest, round(share, 4)))
        else:
            stay.append((member.id, flat, grams))
    return duplicates


class Search:
    """The duplicates among the documents that a stage reads, of ``least`` similarity."""

    def __init__(self, parts: Parts, least: float) -> None:
        self.parts, self.least = parts, least

    @functools.cached_property
    def folder(self) -> Path:
        """The folder of the shares; another input, option or size of parts has another one."""
        content = [file_sha256(self.parts.input), self.parts.options, self.parts.size]
        name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        return self.parts.out.with_name(f".{self.parts.out.name}.search-{name}")

    def steps(self) -> list[Step]:
        """Returns the steps, in order; a finished stage has none to do: what they made is gone."""

        def unless_done(share: Share) -> Share:
            return lambda rank, world: None if self.parts.done() else share(rank, world)

        return [
            Step("sign", unless_done(self.sign)),
            Step("pair", unless_done(self.pair)),
            Step("group", unless_done(lambda _rank, _world: self.group()), alone=True),
            Step("measure", unless_done(self.measure)),
        ]

    def sign(self, rank: int, world: int) -> None:
        """Signs every ``world``-th part of the documents."""
        for number, (path, lines) in enumerate(self.parts.lines()):
            target = self.folder / "signatures" / f"{path.stem}.npy"
            if number % world == rank and not target.is_file():
                location = f"{self.parts.input}, part {number}"
                texts = [normalise.simplified(parse_line(line, location)["text"]) for line in lines]
                _save(target, minhash.signatures(texts))

    def pair(self, rank: int, world: int) -> None:
        """Finds the pairs of every ``world``-th bucket."""
        open_ = [
            (bucket, target)
            for bucket in range(rank, minhash.BUCKETS, world)
            if not (target := self.folder / "pairs" / f"{bucket:03d}.npy").is_file()
        ]
        if not open_:
            return
        signed = self._whole("signatures", [f"{path.stem}.npy" for path, _ in self.parts.lines()])
        for bucket, target in open_:
            # copied one by one: a map of each file would hold it open
            bucket_hashes = [np.array(np.load(file, mmap_mode="r")[bucket]) for file in signed]
            _save(
                target, minhash.pairs(np.concatenate(bucket_hashes) if bucket_hashes else _NOTHING)
            )

    def group(self) -> None:
        """Joins the pairs of all buckets to clusters."""
        target = self.folder / "clusters.npy"
        if not target.is_file():
            files = self._whole("pairs", [f"{b:03d}.npy" for b in range(minhash.BUCKETS)])
            _save(target, minhash.clusters(np.concatenate([np.load(file) for file in files])))

    def measure(self, rank: int, world: int) -> None:
        """Measures every ``world``-th slice of the clusters; only their texts are in memory."""
        open_ = {n: f for n in range(rank, SLICES, world) if not (f := self._slice(n)).is_file()}
        if not open_:
            return
        grouped = np.load(self._whole("", ["clusters.npy"])[0])
        cluster_of = {int(p): int(c) for p, c in grouped if c % SLICES in open_}
        # Documents are known by their position in the input until their texts are needed.
        members: dict[int, list[Member]] = defaultdict(list)
        for position, line in enumerate(line for _, lines in self.parts.lines() for line in lines):
            if position in cluster_of:
                row = parse_line(line, f"{self.parts.input} line {position + 1}")
                date = dates.first(*(row[name] for name in sources.DATES))
                members[cluster_of[position]].append(Member(date, row["id"], row["text"]))
        for number, file in open_.items():
            clusters = (m for cluster, m in sorted(members.items()) if cluster % SLICES == number)
            duplicates = itertools.chain.from_iterable(within(m, self.least) for m in clusters)
            write_rows(file, map(to_row, duplicates))

    @functools.cached_property
    def duplicates(self) -> dict[str, Duplicate]:
        """The duplicates by the id of the document that goes."""
        files = self._whole("duplicates", [self._slice(n).name for n in range(SLICES)])
        return {duplicate.id: duplicate for file in files for duplicate in iterate(file, Duplicate)}

    def _slice(self, number: int) -> Path:
        return self.folder / "duplicates" / f"{number:02d}.jsonl"

    def _whole(self, kind: str, file_names: Sequence[str]) -> list[Path]:
        """Returns the files of a step that came before.

        Raises:
            MissingInputError: A share of it is not done.
        """
        files = [self.folder / kind / name for name in file_names]
        if missing := [file for file in files if not file.is_file()]:
            raise MissingInputError(
                f"dedup: {len(missing)} of {len(files)} shares of the step before are missing, the first is {missing[0].name}",
                f"run: {made_by(self.parts.root, 'dedup')}",
            )
        return files


_NOTHING = np.zeros((0, minhash.HASHES_PER_BUCKET), dtype=np.uint32)


def _save(path: Path, array: NDArray[Any]) -> None:
    with atomic_path(path) as partial, partial.open("wb") as handle:
        np.save(handle, array)


@dataclasses.dataclass(frozen=True)
class Options:
    """How similar two duplicates are.

    Raises:
        ConfigError: ``similarity_threshold`` is not above 0 and at most 1.
    """

    similarity_threshold: float = option(
        SIMILARITY_THRESHOLD,
        "least Jaccard similarity of a duplicate, above 0 and at most 1",
    )

    def __post_init__(self) -> None:
        if not 0 < self.similarity_threshold <= 1:
            raise ConfigError(
                f"--similarity-threshold is {self.similarity_threshold}",
                "give a Jaccard similarity above 0 and at most 1",
            )


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: the search for duplicates, then the decisions."""
    recorded = {"least": options.similarity_threshold, "benchmark": contamination.SHARE}
    recorded |= {"scripts_as_one": normalise.opencc_installed()}
    parts = settings.parts("dedup", recorded)
    search = Search(parts, options.similarity_threshold)

    def process(documents: list[Document]) -> list[Outcome]:
        return [decide(d, search.duplicates) for d in documents]

    def finish() -> Counts:
        counts = parts.join()
        for folder in settings.root.glob(f".{parts.out.name}.search-*"):
            shutil.rmtree(folder, ignore_errors=True)
        return counts

    decided, _ = deciding(lambda: (parts, process))
    return [*search.steps(), decided, alone("join", finish)]


def decide(document: Document, duplicates: Mapping[str, Duplicate]) -> Outcome:
    """Drops a duplicate, or a text that holds half of a benchmark query."""
    duplicate = duplicates.get(document.id)
    if duplicate is not None:
        shown = f"{duplicate.similarity:.2f} of the 4-grams shared with {duplicate.of}"
        return dropped(document, "dedup", duplicate.reason, shown)
    if repeats := contamination.contaminated(document.text):
        return dropped(document, "dedup", "overlaps_benchmark", repeats.evidence)
    return document.noted("dedup")


def warnings(_settings: Settings) -> list[str]:
    """Returns a warning if copies in the other script are not found."""
    if normalise.opencc_installed():
        return []
    return [
        "traditional and simplified copies were not recognised as one text: pip install opencc, and run dedup again"
    ]


STAGE = Stage("dedup", __doc__, Options, steps, closing=warnings)
main = STAGE.main
