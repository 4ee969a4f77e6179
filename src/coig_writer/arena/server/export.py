"""Ballots out, raw and derived, and the authors' ranking files in.

``ballots.parquet`` holds the records as they were cast; ``comparisons.parquet`` and
``scores.parquet`` what an analysis starts from, one column per exclusion rule; ``raters.parquet`` the
time each rater gave, ``influence.parquet`` what hangs on each of them, ``agreement.parquet`` how far they
agree. A withdrawn ballot
is in none of them; ``tombstones.parquet`` says only that there was one. The same store exports to
the same bytes.
"""

from __future__ import annotations

import codecs
import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from coig_writer import __version__
from coig_writer.arena.server.results import AgreementRow, agreement_rows, by_kind, seconds
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.store import standing
from coig_writer.arena.study.exclusions import RULES, excluded
from coig_writer.ballot import (
    SCHEMA_VERSION,
    Ballot,
    Comparison,
    Protocol,
    Tombstone,
    check,
    comparisons,
)
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import file_sha256, parsed, write_json, write_records
from coig_writer.folder import atomic_folder
from coig_writer.preference.summary import influence

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclasses.dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A pair out of a ballot, with what an analysis may leave out by.

    Attributes:
        ballot: Id of the ballot.
        protocol: How it was asked.
        repeat: The ballot's.
        query_id: The query.
        rater: The rater's pseudonym.
        left: Variant of the one text.
        right: Variant of the other.
        outcome: 1 if left won, 0 if right won, 0.5 for a tie.
        both_bad: Whether the tie was ``both_bad``.
        excluded_by: Exclusion rules that the ballot breaks.
    """

    ballot: str
    protocol: Protocol
    repeat: int
    query_id: str
    rater: str
    left: str
    right: str
    outcome: float
    both_bad: bool
    excluded_by: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score of one dimension out of a rating.

    Attributes:
        ballot: Id of the ballot.
        repeat: The ballot's.
        query_id: The query.
        rater: The rater's pseudonym.
        variant: Whose text was rated.
        dimension: What was rated.
        score: From 0 to 3.
        excluded_by: Exclusion rules that the ballot breaks.
    """

    ballot: str
    repeat: int
    query_id: str
    rater: str
    variant: str
    dimension: str
    score: int
    excluded_by: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RaterRow:
    """What one rater gave and how long it took, for pay.

    Attributes:
        rater: Their pseudonym.
        ballots: How many they cast.
        seconds: Spent on them, by the shorter of both clocks; null where none was measured, as of imports.
        first: Time of the first ballot (UTC).
        last: Time of the last one.
        known_by: By what they were recognised: ``account`` or ``cookie``; null where it was not noted.
    """

    rater: str
    ballots: int
    seconds: float | None
    first: str
    last: str
    known_by: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class InfluenceRow:
    """What changes of a protocol and language when one rater is left out.

    Attributes:
        protocol: The protocol.
        language: The texts' language.
        rater: Pseudonym of who is left out.
        ballots: How many of theirs count.
        flips: Pairs of models that get another leader, or none.
        first: Models that then lead most pairs; none where nobody leads any.
        moved: Whether they are others than with all raters.
    """

    protocol: Protocol
    language: str
    rater: str
    ballots: int
    flips: int
    first: tuple[str, ...]
    moved: bool


class Exported(TypedDict):
    """A file of the export.

    Attributes:
        rows: How many rows it has.
        sha256: Its checksum.
    """

    rows: int
    sha256: str


class Manifest(TypedDict):
    """What an export holds, and what decides how it is read.

    Attributes:
        study: Name of the study.
        schema_version: Of the ballots.
        kit_version: Of the kit that exported.
        models: The variants that were compared.
        exclusion_rules: Rule → what it leaves out.
        scan: What the scan of the answers did before they were shown.
        files: Name → rows and checksum.
    """

    study: str
    schema_version: int
    kit_version: str
    models: list[str]
    exclusion_rules: dict[str, str]
    scan: list[dict[str, object]]
    files: dict[str, Exported]


def export(service: StudyService, folder: Path) -> dict[str, int]:
    """Writes all ballots of a study to a folder, whole or not at all.

    Returns:
        Rows by file name.

    Raises:
        InputError: There is no ballot yet.
    """
    cast, tombstones = service.store.ballots(service.study.study), service.store.tombstones()
    if not cast:
        raise InputError(
            f"no votes yet in {service.store.place}: nothing to export",
            "collect some first, or name the folder that was served with --folder",
        )
    ballots = standing(cast, tombstones)
    ids = {b.id for b in cast}
    gone = [t for t in tombstones if t.ballot in ids]
    excluded_by = _excluded_by(service, ballots)
    files: dict[str, tuple[Sequence[DataclassInstance], type]] = {
        "ballots.parquet": (ballots, Ballot),
        "tombstones.parquet": (gone, Tombstone),
        "comparisons.parquet": (_comparison_rows(ballots, excluded_by), ComparisonRow),
        "scores.parquet": (_score_rows(ballots, excluded_by), ScoreRow),
        "raters.parquet": (_rater_rows(ballots, service.known_by()), RaterRow),
        "influence.parquet": (_influence_rows(service, ballots), InfluenceRow),
        "agreement.parquet": (agreement_rows(service, ballots), AgreementRow),
    }
    with atomic_folder(folder, "votes export") as partial:
        for name, (rows, cls) in files.items():
            write_records(partial / name, rows, cls)
        _write_manifest(partial, service, {name: len(rows) for name, (rows, _) in files.items()})
    return {name: len(rows) for name, (rows, _) in files.items()}


def _excluded_by(service: StudyService, ballots: Sequence[Ballot]) -> dict[str, tuple[str, ...]]:
    language = {p.query_id: p.language for p in service.collection.prompts}
    out = excluded([b for b in ballots if b.query_id in language], language)
    return {b.id: tuple(name for name in RULES if b.id in out[name]) for b in ballots}


def _influence_rows(service: StudyService, ballots: Sequence[Ballot]) -> list[InfluenceRow]:
    return [
        InfluenceRow(protocol, language, r.rater, r.ballots, r.flips, r.first, r.moved)
        for (protocol, language), cast in by_kind(service, ballots).items()
        for r in influence(cast)
    ]


def _comparison_rows(
    ballots: Sequence[Ballot], by: dict[str, tuple[str, ...]]
) -> list[ComparisonRow]:
    return [
        ComparisonRow(
            b.id,
            b.protocol,
            b.repeat,
            pair.query_id,
            pair.rater,
            pair.left,
            pair.right,
            pair.outcome,
            b.verdict == '"both_bad"',
            by[b.id],
        )
        for b in ballots
        for pair in map(functools.partial(_tossed, b), comparisons(b))
    ]


def _tossed(ballot: Ballot, pair: Comparison) -> Comparison:
    """Turns a pair out of a ranking, whose better text stands left, by a coin that falls the same way every time."""
    toss = hashlib.sha256("\x1f".join([ballot.id, pair.left, pair.right]).encode()).digest()[0]
    if ballot.protocol != "ranking" or toss % 2:
        return pair
    return dataclasses.replace(pair, left=pair.right, right=pair.left, outcome=1 - pair.outcome)


def _score_rows(ballots: Sequence[Ballot], by: dict[str, tuple[str, ...]]) -> list[ScoreRow]:
    return [
        ScoreRow(b.id, b.repeat, b.query_id, b.rater, b.shown[0], dimension, score, by[b.id])
        for b in ballots
        if b.protocol == "rating" and b.verdict != '"skip"'
        for dimension, score in json.loads(b.verdict).items()
    ]


def _rater_rows(ballots: Sequence[Ballot], known_by: Mapping[str, str | None]) -> list[RaterRow]:
    by_rater: dict[str, list[Ballot]] = {}
    for ballot in ballots:
        by_rater.setdefault(ballot.rater, []).append(ballot)
    return [
        RaterRow(
            rater,
            len(cast),
            None if (given := seconds(cast)) is None else round(given, 1),
            min(b.created_at for b in cast),
            max(b.created_at for b in cast),
            known_by.get(rater),
        )
        for rater, cast in sorted(by_rater.items())
    ]


def _write_manifest(folder: Path, service: StudyService, rows: dict[str, int]) -> None:
    manifest: Manifest = {
        "study": service.study.study,
        "schema_version": SCHEMA_VERSION,
        "kit_version": __version__,
        "models": sorted(service.collection.variants),
        "exclusion_rules": {name: (rule.__doc__ or "").strip() for name, rule in RULES.items()},
        "scan": [dataclasses.asdict(finding) for finding in service.collection.findings],
        "files": {n: {"rows": rows[n], "sha256": file_sha256(folder / n)} for n in sorted(rows)},
    }
    path = folder / "manifest.json"
    write_json(path, manifest)


def read_rankings(path: Path, *, study: str, rater: str) -> list[Ballot]:
    """Reads one rater's ranking file in the authors' form.

    A JSON list, or JSONL, of ``{sequence_number, question_id, prompt, ranked_responses: [{rank,
    source_file, my_response}]}``; equal ranks are ties. The model is the name of ``source_file``
    without its ending. The same file gives the same ballot ids, so importing it twice adds nothing.

    Args:
        path: The file.
        study: Study that the ballots are to belong to.
        rater: Pseudonym of who ranked.

    Raises:
        MissingInputError: There is no such file.
        InputError: A row does not have this form, or there is none.
    """
    ranked = [_ranking(row, place, study, rater) for place, row in _ranking_rows(path)]
    if not ranked:
        raise InputError(f"{path}: no ranking in it", "export it again, or name another file")
    return ranked


def _ranking_rows(path: Path) -> Iterable[tuple[str, object]]:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such ranking file", "check the path")
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # which Windows' Notepad writes
    if not content.lstrip().startswith(b"["):
        return parsed(content.splitlines(keepends=True), str(path))
    try:
        rows = json.loads(content)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})", "export it as UTF-8 JSON") from error
    return [(f"{path} row {number}", row) for number, row in enumerate(rows, 1)]


def _named(value: object) -> str:
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise ValueError(f"{value!r} is no name")


def _whole(value: object) -> int:
    """Returns a rank; one like 1.5 would else become another model's tie."""
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise ValueError(f"{value!r} is no rank")


def _ranking(row: Any, place: str, study: str, rater: str) -> Ballot:
    try:
        query_id = _named(row["question_id"])
        ranks = [
            (_whole(r["rank"]), Path(_named(r["source_file"])).stem)
            for r in row["ranked_responses"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{place}: not a ranking ({error!r})",
            "each row needs question_id and ranked_responses with rank and source_file",
        ) from error
    variants = tuple(name for _, name in ranks)
    groups = [[n for r, n in ranks if r == rank] for rank in sorted({r for r, _ in ranks})]
    verdict = [group[0] if len(group) == 1 else group for group in groups]
    verdict_json = json.dumps(verdict, ensure_ascii=False)
    digest = hashlib.sha256(
        "\x1f".join([study, rater, query_id, verdict_json]).encode()
    ).hexdigest()
    return check(
        Ballot(
            id=digest[:32],
            study=study,
            protocol="ranking",
            item=query_id,
            query_id=query_id,
            rater=rater,
            repeat=0,
            shown=variants,
            verdict=verdict_json,
        )
    )
