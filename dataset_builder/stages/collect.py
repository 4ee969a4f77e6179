"""Stage 1, collect: raw texts in, with provenance; dates and engagement decide (paper, section 2.1).

    python -m dataset_builder collect texts.jsonl more.csv folder/ --out build/curation

Dropped: rows that cannot be read, genres that the taxonomy lacks, texts from before November 2022
(the paper: "published after October 2022"), texts whose two dates lie more than ``--max-gap-days``
apart, texts without any date, and texts whose every count is below the platform's threshold. One
date alone and missing counts are kept and flagged. Rows of the official file bypass the dates and
thresholds: they carry neither.

First the sources are gathered, a share each: ``00-intake/documents.jsonl`` holds all documents, no id
twice, and ``sources.json`` what was read and the medians of likes, comments and shares per platform.
A source is read again only if it changed.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import shutil
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from coig_writer.document import Document, dropped
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import atomic_path, iterate, read_json, write_json, write_rows
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy
from dataset_builder.stages import sources
from dataset_builder.stages.parts import Outcome, Parts, Process, made_by
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding, option

SINCE = datetime.date(2022, 11, 1)
MAX_GAP_DAYS = 7
MEASURES = sources.NUMBERS
Thresholds = Mapping[str, Mapping[str, float]]


def read_thresholds(given: str) -> Thresholds | None:
    """Reads ``--engagement``: ``median`` (None), ``off`` (no threshold), or the name of a JSON file.

    The file holds ``{"platform": {"likes": 5000, "comments": 100}, "*": {…}}``.

    Raises:
        InputError: It holds something else.
    """
    if given in ("median", "off"):
        return None if given == "median" else {}
    found: Thresholds = read_json(Path(given))
    for platform, measures in found.items():
        if not isinstance(measures, dict) or set(measures) - set(MEASURES):
            raise InputError(
                f"{given}: {platform!r} holds more than {', '.join(MEASURES)}", "see --help"
            )
        if any(type(value) not in (int, float) for value in measures.values()):
            raise InputError(f"{given}: a threshold of {platform!r} is no number", "see --help")
    return found


@dataclasses.dataclass(frozen=True)
class Options:
    """What to collect and by which rules.

    Attributes:
        sources: Files and folders.
        provenance: Of all but official rows: ``curated`` or ``sample``.
        since: First day of publication that counts.
        max_gap_days: Most days that two dates of one text may differ.
        thresholds: Per platform (``*`` for the others) the least likes, comments, shares; one
            reached is enough. None: the platform's own medians.
    """

    sources: tuple[Path, ...] = option(
        (),
        ".jsonl, .csv, .parquet, the official .json, or a folder of .txt files",
        "sources",
        type=Path,
        nargs="*",
    )
    provenance: str = option(
        "curated",
        "what the rows are (default: curated; official rows are always 'published')",
        choices=("curated", "sample"),
    )
    since: datetime.date = option(
        SINCE, f"first day of publication (default: {SINCE})", type=datetime.date.fromisoformat
    )
    max_gap_days: int = option(
        MAX_GAP_DAYS, f"most days between two dates of one text (default: {MAX_GAP_DAYS})"
    )
    thresholds: Thresholds | None = option(
        None,
        "thresholds: each platform's median (default), none, or a JSON file"
        ' {"platform": {"likes": 5000}}',
        "--engagement",
        type=read_thresholds,
        metavar="median|off|FILE",
    )


def steps(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: read the sources, gather, decide, join.

    Raises:
        InputError: There are no sources.
    """
    if not options.sources:
        raise InputError("no raw texts given", "give files or folders (the samples: curate --demo)")
    gathering = Gathering(where.root, options.sources, options.provenance)

    def prepare() -> tuple[Parts, Process]:  # the medians are known when all is gathered
        given = options.thresholds
        thresholds = gathering.medians if given is None else given
        recorded = {
            "since": options.since.isoformat(),
            "max_gap_days": options.max_gap_days,
            "thresholds": {k: dict(v) for k, v in sorted(thresholds.items())},
            "genres": where.genres,
        }
        parts = where.parts("collect", recorded, gathering.documents)
        return parts, lambda found: [decide(d, options, thresholds, where.names) for d in found]

    return [*gathering.steps(), *deciding(prepare)]


def decide(
    document: Document, options: Options, thresholds: Thresholds, names: Taxonomy
) -> Outcome:
    """Keeps or drops one document; what is kept carries its flags in the history."""
    note = document.history[0] if document.history else {}
    if "unreadable" in note:
        return dropped(document, "collect", "unreadable_row", str(note["unreadable"]))
    if document.genre is not None:
        given = document.genre
        try:
            document = dataclasses.replace(document, genre=names.genre(given).slug)
        except InputError:
            return dropped(document, "collect", "unknown_genre", given)
    flags = ["no_genre"] if document.genre is None else []
    if note.get("provenance") == "published":
        return document.noted("collect", flags=[*flags, "published_row"])
    for rule in (_dates(document, options), _engagement(document, thresholds)):
        if isinstance(rule, tuple):
            return dropped(document, "collect", *rule)
        flags += [rule] if rule else []
    return document.noted("collect", flags=flags)


def _dates(document: Document, options: Options) -> str | tuple[str, str]:
    """Returns a flag (empty: none), or the reason and the evidence to drop."""
    given = [d for d in (document.published_at, document.published_at_other) if d]
    try:
        dates = [datetime.date.fromisoformat(d.strip()[:10]) for d in given]
    except ValueError:
        return "unreadable_date", " and ".join(given)
    if not dates:
        return "no_date", "neither published_at nor published_at_other"
    if min(dates) < options.since:
        return "too_early", f"{min(dates)} is before {options.since}"
    gap = (max(dates) - min(dates)).days
    if gap > options.max_gap_days:
        return "conflicting_dates", f"{given[0]} and {given[1]}: {gap} days apart"
    return "one_date" if len(dates) == 1 else ""


def _engagement(document: Document, thresholds: Thresholds) -> str | tuple[str, str]:
    """Returns a flag (empty: none), or the reason and the evidence to drop."""
    given = {n: getattr(document, n) for n in MEASURES if getattr(document, n) is not None}
    if not given:
        return "no_engagement"
    least = thresholds.get(document.platform or "*") or thresholds.get("*") or {}
    compared = {name: value for name, value in given.items() if name in least}
    if not compared:
        return "no_threshold"
    if any(value >= least[name] for name, value in compared.items()):
        return ""
    shown = ", ".join(f"{name} {value} < {least[name]:g}" for name, value in compared.items())
    return "engagement_below_threshold", shown


@dataclasses.dataclass(frozen=True)
class Gathering:
    """The sources of a curation and where their documents come to lie.

    Attributes:
        root: Folder of the whole curation.
        sources: Files and folders, one share each.
        provenance: Of all but official rows: ``curated`` or ``sample``.
    """

    root: Path
    sources: tuple[Path, ...]
    provenance: str

    @property
    def documents(self) -> Path:
        """All documents, in the order of the sources."""
        return self.root / "00-intake" / "documents.jsonl"

    @property
    def medians(self) -> Thresholds:
        """Platform → measure → median, of all documents."""
        found: Thresholds = self._note()["medians"]
        return found

    def steps(self) -> list[Step]:
        """Returns the steps: read the sources, put them together."""
        return [
            Step("read", self.read),
            alone("gather", self.gather),
        ]

    def parts(self) -> list[Path]:
        """Returns the file of each source's documents; its name changes when the source does."""
        place = self.root / ".00-intake.parts"
        return [place / f"{n:06d}-{self._stamp(s)}.jsonl" for n, s in enumerate(self.sources)]

    def _stamp(self, source: Path) -> str:
        files = [source]
        if source.is_dir():
            files = [*sorted(source.rglob("*.txt")), source / sources.METADATA]
        seen = [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.is_file()]
        content = json.dumps([self.provenance, seen], ensure_ascii=False).encode()
        return hashlib.sha256(content).hexdigest()[:16]

    def _note(self) -> dict[str, Any]:
        path = self.documents.with_name("sources.json")
        return read_json(path, made_by(self.root, "collect …")) if path.is_file() else {}

    def _done(self) -> bool:
        names = [path.name for path in self.parts()]
        return self.documents.is_file() and self._note().get("parts") == names

    def read(self, rank: int, world: int) -> None:
        """Reads every ``world``-th source that is new.

        Raises:
            MissingInputError: A source is not there.
            InputError: A source is of an unknown kind or damaged.
        """
        if self._done():
            return
        for number, (source, path) in enumerate(zip(self.sources, self.parts(), strict=True)):
            if number % world == rank and not path.is_file():
                write_rows(path, map(to_row, sources.read(source, self.provenance)))

    def gather(self) -> None:
        """Puts the documents of all sources into one file.

        Raises:
            MissingInputError: A source is not read yet.
            InputError: Two documents share an id, or there is none at all.
        """
        if self._done():
            return
        parts = self.parts()
        if missing := [s for s, p in zip(self.sources, parts, strict=True) if not p.is_file()]:
            raise MissingInputError(
                f"collect: {missing[0]} is not read yet",
                f"run: {made_by(self.root, 'collect …')}",
            )
        seen = array("Q")
        with atomic_path(self.documents) as partial:
            with partial.open("wb") as handle:
                found = medians(_copied(parts, handle, seen))
            if not seen:
                raise InputError("no documents in the sources", "check the sources")
            _check_ids(partial, seen)
        note = {"parts": [p.name for p in parts], "medians": found}
        write_json(self.documents.with_name("sources.json"), note)
        shutil.rmtree(parts[0].parent, ignore_errors=True)


def _copied(parts: Iterable[Path], to: BinaryIO, seen: array[int]) -> Iterator[dict[str, Any]]:
    """Copies lines, notes the hash of each id, and yields the rows."""
    for path in parts:
        with path.open("rb") as handle:
            for line in handle:
                row = json.loads(line)
                seen.append(_hash(row["id"]))
                to.write(line)
                yield row


def medians(rows: Iterable[Mapping[str, Any]]) -> Thresholds:
    """Returns platform → measure → median over the texts that give it."""
    values: dict[str, dict[str, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("q")))
    for row in rows:
        for name in MEASURES:
            if row.get(name) is not None:
                values[row.get("platform") or "*"][name].append(row[name])
    return {
        platform: {name: float(statistics.median(v)) for name, v in measures.items()}
        for platform, measures in values.items()
    }


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _check_ids(path: Path, seen: array[int]) -> None:
    """Finds a repeated id from eight bytes per document, then its name in the file."""
    hashes = np.sort(np.frombuffer(seen, dtype=np.uint64))
    repeated = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not repeated:
        return
    first: dict[str, str] = {}
    for document in iterate(path, Document):
        where = str(document.history[0].get("source", "?"))
        if document.id in first:
            raise InputError(
                f"duplicate id {document.id!r} in the sources: {first[document.id]} and {where}",
                "give each its own id, or leave the column out",
            )
        if _hash(document.id) in repeated:
            first[document.id] = where


STAGE = Stage("collect", __doc__, Options, steps)
main = STAGE.main
