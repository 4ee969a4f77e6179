"""Stage 1, collect: raw texts in, with provenance; dates and engagement decide (paper, section 2.1).

    python -m dataset_builder collect texts.jsonl more.csv folder/ --out build/curation

Dropped: rows that cannot be read, genres that the taxonomy lacks, texts from before November 2022
(the paper: "published after October 2022"), texts whose two dates lie more than ``--max-gap-days``
apart, texts without any date, and texts whose every count is below the platform's threshold. One
date alone and missing counts are kept and flagged. Rows of the official file bypass the dates and
thresholds: they carry neither.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer.document import Document, dropped
from coig_writer.errors import InputError
from coig_writer.taxonomy import Taxonomy
from dataset_builder.stages import intake, steps
from dataset_builder.stages.flow import Counts, Flow, Outcome, Process
from dataset_builder.stages.gathering import Gathering
from dataset_builder.stages.options import Settings, parser, report, settings
from dataset_builder.stages.steps import Step

SINCE = datetime.date(2022, 11, 1)
MAX_GAP_DAYS = 7
MEASURES = intake.NUMBERS
Thresholds = Mapping[str, Mapping[str, float]]


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

    sources: tuple[Path, ...]
    provenance: str = "curated"
    since: datetime.date = SINCE
    max_gap_days: int = MAX_GAP_DAYS
    thresholds: Thresholds | None = None


def run(where: Settings, options: Options) -> Counts:
    """Collects."""
    return steps.run(shared(where, options))


def shared(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: read the sources, gather, decide, join."""
    gathering = Gathering(where.root, options.sources, options.provenance)

    # the medians are known when all is gathered
    ending = steps.deciding(lambda: _prepared(where, options, gathering))
    return [*gathering.steps(), *ending]


def _prepared(where: Settings, options: Options, gathering: Gathering) -> tuple[Flow, Process]:
    given = options.thresholds
    thresholds = gathering.medians if given is None else given
    recorded = {
        "since": options.since.isoformat(),
        "max_gap_days": options.max_gap_days,
        "thresholds": {k: dict(v) for k, v in sorted(thresholds.items())},
        "genres": where.genres,
    }
    flow = Flow(where.root, "collect", recorded, gathering.documents, where.part_size)
    return flow, lambda found: [decide(d, options, thresholds, where.names) for d in found]


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
        if rule.reason:
            return dropped(document, "collect", rule.reason, rule.evidence)
        flags += [rule.flag] if rule.flag else []
    return document.noted("collect", flags=flags)


@dataclasses.dataclass(frozen=True)
class _Rule:
    """Outcome of a rule: a reason to drop, or a flag, or neither."""

    reason: str = ""
    evidence: str = ""
    flag: str = ""


def _dates(document: Document, options: Options) -> _Rule:
    given = [d for d in (document.published_at, document.published_at_other) if d]
    try:
        dates = [datetime.date.fromisoformat(d.strip()[:10]) for d in given]
    except ValueError:
        return _Rule("unreadable_date", " and ".join(given))
    if not dates:
        return _Rule("no_date", "neither published_at nor published_at_other")
    if min(dates) < options.since:
        return _Rule("too_early", f"{min(dates)} is before {options.since}")
    gap = (max(dates) - min(dates)).days
    if gap > options.max_gap_days:
        return _Rule("conflicting_dates", f"{given[0]} and {given[1]}: {gap} days apart")
    return _Rule(flag="one_date" if len(dates) == 1 else "")


def _engagement(document: Document, thresholds: Thresholds) -> _Rule:
    given = {n: getattr(document, n) for n in MEASURES if getattr(document, n) is not None}
    if not given:
        return _Rule(flag="no_engagement")
    least = thresholds.get(document.platform or "*") or thresholds.get("*") or {}
    compared = {name: value for name, value in given.items() if name in least}
    if not compared:
        return _Rule(flag="no_threshold")
    if any(value >= least[name] for name, value in compared.items()):
        return _Rule()
    shown = ", ".join(f"{name} {value} < {least[name]:g}" for name, value in compared.items())
    return _Rule("engagement_below_threshold", shown)


def read_thresholds(path: Path) -> Thresholds:
    """Reads ``{"platform": {"likes": 5000, "comments": 100}, "*": {…}}``.

    Raises:
        InputError: It is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        right = all(
            name in MEASURES and isinstance(value, (int, float)) and not isinstance(value, bool)
            for measures in found.values()
            for name, value in measures.items()
        )
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: not a thresholds file ({error})", "see --help") from error
    if not right:
        raise InputError(f"{path}: a measure is unknown or no number", f"use {MEASURES}")
    thresholds: Thresholds = found
    return thresholds


def add_options(to: argparse.ArgumentParser, least: str = "+") -> None:
    """Adds the stage's own options; ``least`` is how many sources there must be (``nargs``)."""
    to.add_argument(
        "sources",
        type=Path,
        nargs=least,
        help=".jsonl, .csv, .parquet, the official .json, or a folder of .txt files",
    )
    to.add_argument(
        "--provenance",
        choices=("curated", "sample"),
        default="curated",
        help="what the rows are (default: curated; official rows are always 'published')",
    )
    to.add_argument(
        "--since",
        type=datetime.date.fromisoformat,
        default=SINCE,
        help=f"first day of publication (default: {SINCE})",
    )
    to.add_argument(
        "--max-gap-days",
        type=int,
        default=MAX_GAP_DAYS,
        help=f"most days between two dates of one text (default: {MAX_GAP_DAYS})",
    )
    to.add_argument(
        "--engagement",
        default="median",
        metavar="median|off|FILE",
        help='thresholds: each platform\'s median (default), none, or a JSON file {"platform": {"likes": 5000}}',
    )


def options(given: argparse.Namespace) -> Options:
    """Builds the options from the command line."""
    thresholds: Thresholds | None = None
    if given.engagement == "off":
        thresholds = {}
    elif given.engagement != "median":
        thresholds = read_thresholds(Path(given.engagement))
    sources: Sequence[Path] = given.sources
    return Options(tuple(sources), given.provenance, given.since, given.max_gap_days, thresholds)


def from_command_line(arguments: Sequence[str] | None = None) -> list[Step]:
    """Returns the steps as the command line says; ``cluster`` calls it in every worker."""
    command = parser(__doc__, model=False)
    add_options(command)
    given = command.parse_args(arguments)
    return shared(settings(given), options(given))


def main() -> int | None:
    """Runs the stage."""
    report(steps.run(from_command_line()))
    return None
