"""Stage 1, collect: raw texts in, with provenance; dates and engagement decide (paper, section 2.1).

Files are read as Excel and pandas write them: UTF-8, UTF-16, GB18030 and Big5; comma, semicolon or tab.
--column text=正文 says what a file calls a column; other columns are kept aside and named.

Dropped: rows that cannot be read, genres that the taxonomy lacks, texts from before November 2022
(the paper: "published after October 2022") or of a future date, texts whose two dates, or date and
address, are more than --max-gap-days apart, texts without any date, and texts whose every count is
below the platform's threshold. One date alone, a missing address, an address with another year and
missing counts are kept and flagged; date_evidence says what speaks for a date. Rows of the official
file bypass the dates and thresholds: they carry neither.

Writes 01-collect/: kept.jsonl, and dropped.jsonl with reasons and evidence. Before that 00-intake/ has
documents.jsonl (all documents, each id once) and sources.json (what was read, and the medians of likes,
comments and shares per platform). A source is read again only if its content changed.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import shutil
import statistics
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypedDict

import numpy as np

from coig_writer.document import DateEvidence, Document, Dropped, dropped
from coig_writer.errors import InputError, MissingInputError, shown
from coig_writer.files import (
    atomic_path,
    file_sha256,
    iterate,
    line,
    read_json,
    write_json,
    write_rows,
)
from coig_writer.record import parse_line, to_row
from coig_writer.taxonomy import Taxonomy
from dataset_builder.stages import dates, sources
from dataset_builder.stages.dates import Published
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Outcome, Parts, Process, made_by
from dataset_builder.stages.sources import Note
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding

SINCE = datetime.date(2022, 11, 1)
MAX_GAP_DAYS = 7
MEASURES = sources.NUMBERS
NAMES = ", ".join(sources.COLUMNS)
Thresholds = Mapping[str, Mapping[str, float]]


class Gathered(TypedDict):
    """What was learnt about the sources while they were read.

    Attributes:
        parts: Names of the files of parts that were joined; they change when a source does.
        medians: Platform → measure of engagement → its median over all documents.
        read: What was learnt about each source.
    """

    parts: list[str]
    medians: Thresholds
    read: list[Note]


def read_thresholds(given: str) -> Thresholds | None:
    """Reads ``--engagement``: ``median`` (None), ``off`` (no threshold), or the name of a JSON file.

    The file holds ``{"platform": {"likes": 5000, "comments": 100}, "*": {…}}``.

    Raises:
        InputError: It holds something else.
    """
    if given in ("median", "off"):
        return None if given == "median" else {}
    thresholds: Thresholds = read_json(Path(given))
    for platform, measures in thresholds.items():
        if not isinstance(measures, dict) or set(measures) - set(MEASURES):
            raise InputError(
                f"{given}: {platform!r} holds more than {', '.join(MEASURES)}", "see --help"
            )
        if any(type(value) not in (int, float) for value in measures.values()):
            raise InputError(f"{given}: a threshold of {platform!r} is not a number", "see --help")
    return thresholds


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
        columns: Pairs ``NAME=YOURS``: what the sources call the kit's columns.
    """

    sources: tuple[Path, ...] = option(
        (),
        ".jsonl, .json, .csv, .tsv or .parquet files, or folders of .txt files",
        "sources",
        metavar="SOURCES",
    )
    provenance: Literal["curated", "sample"] = option(
        "curated", "what the rows are; official rows are always 'published'"
    )
    since: datetime.date = option(
        SINCE,
        "first day of publication that counts",
        parser=datetime.date.fromisoformat,
        metavar="YYYY-MM-DD",
    )
    max_gap_days: int = option(MAX_GAP_DAYS, "most days between two dates of one text", min=0)
    thresholds: Thresholds | None = option(
        None,
        "least likes, comments or shares: each platform's median (the default), no threshold, "
        'or those of a JSON file: {"platform": {"likes": 5000}}',
        "--engagement",
        parser=read_thresholds,
        metavar="median|off|FILE",
    )
    columns: tuple[str, ...] = option(
        (),
        "what your files call a column: --column text=正文 --column published_at=发布时间; "
        f"NAME is one of {NAMES}",
        "--column",
        metavar="NAME=YOURS",
    )


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: read the sources, gather, decide, join.

    Raises:
        InputError: There are no sources, or one is given twice.
    """
    if not options.sources:
        raise InputError("no raw texts given", "give files or folders (the samples: curate --demo)")
    for path, times in Counter(source.resolve() for source in options.sources).items():
        if times > 1:
            raise InputError(f"{path}: given {times} times", "name each source once")
    gathering = Gathering(
        settings.root, options.sources, options.provenance, sources.read_columns(options.columns)
    )

    def prepare() -> tuple[Parts, Process]:  # the medians are known when all is gathered
        given = options.thresholds
        thresholds = gathering.medians if given is None else given
        recorded = {
            "since": options.since.isoformat(),
            "max_gap_days": options.max_gap_days,
            "thresholds": {k: dict(v) for k, v in sorted(thresholds.items())},
            "genres": settings.genres,
        }
        parts = settings.parts("collect", recorded, gathering.documents)
        return parts, lambda documents: [
            decide(d, options, thresholds, settings.taxonomy) for d in documents
        ]

    return [*gathering.steps(), *deciding(prepare)]


def decide(
    document: Document, options: Options, thresholds: Thresholds, taxonomy: Taxonomy
) -> Outcome:
    """Keeps or drops one document; what is kept carries its flags in the history."""
    note = document.history[0] if document.history else {}
    if "unreadable" in note:
        return dropped(document, "collect", "unreadable_row", str(note["unreadable"]))
    by_folder = False
    if document.genre is not None:
        given, genre = document.genre, None
        try:
            genre = taxonomy.genre(given).slug
        except InputError:
            by_folder = note.get("genre") == "folder"  # a folder may be named after anything
        document = document.changed(genre=genre)
        if genre is None and not by_folder:
            evidence = f"{given[:40]}: unknown genre; nearest: {taxonomy.nearest(given)}"
            return dropped(document, "collect", "unknown_genre", evidence)
    flags = ["no_genre"] if document.genre is None else []
    flags += ["folder_names_no_genre"] if by_folder else []
    if note.get("provenance") == "published":
        return document.noted("collect", flags=[*flags, "published_row"])
    dated = _dated(document, options)
    if isinstance(dated, Dropped):
        return dated
    document, date_flags = dated
    rule = _engagement(document, thresholds)
    if isinstance(rule, tuple):
        return dropped(document, "collect", *rule)
    return document.noted("collect", flags=[*flags, *date_flags, *([rule] if rule else [])])


def _dated(document: Document, options: Options) -> tuple[Document, list[str]] | Dropped:
    """Reads the dates of a document: in the kit's form, with what speaks for them and flags."""
    typed = {n: given for n in sources.DATES if (given := getattr(document, n))}
    try:
        read = {name: dates.read(given) for name, given in typed.items()}
    except ValueError:
        return dropped(document, "collect", "unreadable_date", " and ".join(typed.values()))
    if not read:
        return dropped(
            document, "collect", "no_date", "neither published_at nor published_at_other"
        )
    published, address = sorted(read.values()), dates.in_url(document.url or "")
    if against := next(_against(published, address, options), None):
        return dropped(document, "collect", *against)
    flags = {
        "one_date": len(published) == 1,
        "vague_date": not any(d.exact for d in published),
        "no_url": not document.url,
        "url_carries_another_year": address is not None and _apart(published, address, options),
    }
    forms = {name: date.form for name, date in read.items()}
    document = document.changed(
        published_at=forms.get("published_at"),
        published_at_other=forms.get("published_at_other"),
        date_evidence=_evidence(published, address),
    )
    return document, [flag for flag, holds in flags.items() if holds]


def _against(
    published: Sequence[Published], address: Published | None, options: Options
) -> Iterator[tuple[str, str]]:
    """Yields what speaks against dates (sorted) and against the one that the address carries."""
    today = datetime.datetime.now(dates.CHINA).date()
    if early := [d.form for d in published if d.last_day < options.since]:
        yield "too_early", f"{early[0]} is before {options.since}"
    if all(d.first_day < options.since for d in published):
        yield "date_too_vague", f"{published[0].form} may be before {options.since}"
    if late := [d.form for d in published if d.first_day > today]:
        yield "future_date", f"{late[0]} is after {today}"
    if (gap := published[0].days_from(published[-1])) > options.max_gap_days:
        yield "conflicting_dates", f"{published[0].form} and {published[-1].form}: {gap} days apart"
    if address and address.month_known and _apart(published, address, options):
        yield "conflicting_dates", f"{published[0].form}, and the address carries {address.form}"


def _apart(published: Sequence[Published], address: Published, options: Options) -> bool:
    return min(address.days_from(d) for d in published) > options.max_gap_days


def _evidence(published: Sequence[Published], address: Published | None) -> DateEvidence:
    """Returns what speaks for dates that nothing speaks against."""
    if address and address.month_known:
        return "found_in_url"
    return "two_dates_agree" if len(published) > 1 and all(d.exact for d in published) else "typed"


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
    """The sources of a curation, and the file that their documents are gathered in.

    Attributes:
        root: Folder of the whole curation.
        sources: Files and folders, one share each.
        provenance: Of all but official rows: ``curated`` or ``sample``.
        columns: The sources' own names of columns → the kit's.
    """

    root: Path
    sources: tuple[Path, ...]
    provenance: str
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def documents(self) -> Path:
        """All documents, in the order of the sources."""
        return self.root / "00-intake" / "documents.jsonl"

    @property
    def medians(self) -> Thresholds:
        """Platform → measure → median, of all documents."""
        medians: Thresholds = self._note()["medians"]
        return medians

    def steps(self) -> list[Step]:
        """Returns the steps: read the sources, put them together."""
        return [
            Step("read", self.read),
            alone("gather", self.gather),
        ]

    @functools.cached_property
    def parts(self) -> list[Path]:
        """The file of each source's documents; its name changes when the source does."""
        place = self.root / ".00-intake.parts"
        return [place / f"{n:06d}-{self._stamp(s)}.jsonl" for n, s in enumerate(self.sources)]

    def _stamp(self, source: Path) -> str:
        """Returns 16 digits that change with what a source holds, whatever its size and time."""
        files = [source]
        if source.is_dir():
            files = [*sources.texts_of(source), source / sources.METADATA]
        seen = [[str(f.relative_to(source)), file_sha256(f)] for f in files if f.is_file()]
        content = [sources.VERSION, str(source), self.provenance, dict(self.columns), seen]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def _note(self) -> dict[str, Any]:
        path = self.documents.with_name("sources.json")
        return read_json(path, made_by(self.root, "collect …")) if path.is_file() else {}

    def _done(self) -> bool:
        parts = [path.name for path in self.parts]
        return self.documents.is_file() and self._note().get("parts") == parts

    def read(self, rank: int, world: int) -> None:
        """Reads every ``world``-th source that is new.

        Raises:
            MissingInputError: A source is not there.
            InputError: A source is of an unknown kind or damaged.
        """
        if self._done():
            return
        for number, (path, part) in enumerate(zip(self.sources, self.parts, strict=True)):
            if number % world == rank and not part.is_file():
                unique = [s.name for s in self.sources].count(path.name) == 1
                label = path.name if unique else str(path)
                source = sources.Source(path, self.provenance, self.columns, label)
                write_rows(part, _rows(source))

    def gather(self) -> None:
        """Puts the documents of all sources into one file.

        Raises:
            MissingInputError: A source is not read yet.
            InputError: Two documents share an id, there are no documents, or no source has a column
                that ``--column`` names.
        """
        if self._done():
            return
        parts = self.parts
        if missing := [s for s, p in zip(self.sources, parts, strict=True) if not p.is_file()]:
            raise MissingInputError(
                f"collect: {missing[0]} is not read yet",
                f"run: {made_by(self.root, 'collect …')}",
            )
        seen = array("Q")
        read: list[Note] = []
        with atomic_path(self.documents) as partial:
            with partial.open("wb") as handle:
                platform_medians = medians(_copied(parts, handle, seen, read))
            if not seen:
                raise InputError(
                    "the sources hold no documents", "give files with at least one row"
                )
            _check_ids(partial, seen)
            self._check_columns(read)
        names = [part.name for part in parts]
        note: Gathered = {"parts": names, "medians": platform_medians, "read": read}
        write_json(self.documents.with_name("sources.json"), note)
        shutil.rmtree(parts[0].parent, ignore_errors=True)

    def _check_columns(self, read: Sequence[Note]) -> None:
        known = {column for note in read for column in note["columns"]}
        if lost := sorted(set(self.columns) - known):
            others = sorted(known.union(*(note["aside"] for note in read)))
            raise InputError(
                f"no source has the column {lost[0]!r}, which --column names",
                f"the columns are {', '.join(others)}",
            )


def source_notes(root: Path) -> Iterator[str]:
    """Yields what a curator should know about each source: its encoding, and columns kept aside."""
    path = root / "00-intake" / "sources.json"
    for note in read_json(path)["read"] if path.is_file() else ():
        facts = [
            f"{name}: {count} files" if count > 1 else name
            for name, count in note["encodings"].items()
        ]
        aside = [f"{name} ({count} rows)" for name, count in note["aside"].items()]
        if aside:
            facts.append(f"kept aside in extra: {', '.join(aside)}")
        if facts:
            yield shown(f"read {note['source']}: {'; '.join(facts)}")


def _rows(source: sources.Source) -> Iterator[dict[str, object]]:
    """Yields the documents of a source and, at the end, what was learnt about it."""
    yield from map(to_row, source.documents())
    yield {"note": source.note()}


def _copied(
    parts: Iterable[Path], to: BinaryIO, seen: array[int], read: list[Note]
) -> Iterator[dict[str, Any]]:
    """Copies the documents, notes the hash of each id and what was read, and yields the rows.

    An id that was made, from the text or from a file's name, may come again; it gets a number then.
    """
    made: Counter[int] = Counter()
    for path in parts:
        with path.open("rb") as handle:
            for raw in handle:
                row, copied = parse_line(raw, str(path)), raw
                if "note" in row:
                    read.append(row["note"])
                    continue
                if row["history"][0].get("id") == "made":
                    hashed = _hash(row["id"])
                    made[hashed] += 1
                    if made[hashed] > 1:
                        row["id"] += f"~{made[hashed]}"
                        copied = line(row).encode()
                seen.append(_hash(row["id"]))
                to.write(copied)
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
        source = str(document.history[0].get("source", "?"))
        if document.id in first:
            raise InputError(
                f"duplicate id {document.id!r} in the sources: {first[document.id]} and {source}",
                "give each its own id, or leave the column out",
            )
        if _hash(document.id) in repeated:
            first[document.id] = source


STAGE = Stage(
    "collect", __doc__, Options, steps, closing=lambda settings: source_notes(settings.root)
)
main = STAGE.main
