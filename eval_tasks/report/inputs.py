"""What a report is made from: generations, scores and ballots, checked against each other."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import shlex
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

from coig_writer import ballot as ballots_module
from coig_writer.ballot import Ballot, Comparison
from coig_writer.errors import InputError
from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.mixture import VARIANTS
from coig_writer.score import Judgement, Score
from coig_writer.triplet import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Runs:
    """Everything known about the user's models.

    ``variants`` stand in the paper's order, then ``base``, then others by name. ``languages`` and
    ``genres`` are by query id.
    """

    generations: tuple[Generation, ...]
    scores: tuple[Score, ...]
    ballots: tuple[Ballot, ...]
    variants: tuple[str, ...]
    languages: dict[str, Language]
    genres: dict[str, str]
    judgements: tuple[Judgement, ...] = ()

    def values(self, metric: str, language: Language) -> dict[str, dict[str, float]]:
        """Returns the scored values of a metric: variant → query id → value."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for score in self.scores:
            if (
                score.metric == metric
                and score.value is not None
                and self.languages[score.query_id] == language
            ):
                found[score.variant][score.query_id] = score.value
        return dict(found)

    def missing(self, metric: str, language: Language) -> dict[str, int]:
        """Counts the named absences of a metric per variant."""
        counts: dict[str, int] = defaultdict(int)
        for score in self.scores:
            if (
                score.metric == metric
                and score.state == "missing"
                and self.languages[score.query_id] == language
            ):
                counts[score.variant] += 1
        return dict(counts)

    def voted(self, language: Language) -> tuple[Ballot, ...]:
        """Returns the ballots on queries of a language."""
        return tuple(b for b in self.ballots if self.languages[b.query_id] == language)

    def preferences(self, language: Language) -> Preferences:
        """Returns the votes on a language, or where there are none what its ratings imply."""
        votes = [c for b in self.voted(language) for c in ballots_module.comparisons(b)]
        if votes:
            return Preferences("votes", votes)
        return Preferences("ratings", implied(self.voted(language)))


@dataclasses.dataclass(frozen=True)
class Preferences:
    """Comparisons and where they come from: ``votes``, or pairs that ``ratings`` imply."""

    source: Literal["votes", "ratings"]
    comparisons: list[Comparison]


def implied(ballots: Sequence[Ballot]) -> list[Comparison]:
    """Turns ratings into pairs: of two answers to a query, the one rated higher overall won."""
    rated: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for ballot in ballots:
        value = rating(ballot, "overall_preference")
        if value is not None:
            rated[ballot.query_id][ballot.shown[0]].append(value)
    means = {q: {v: sum(x) / len(x) for v, x in found.items()} for q, found in rated.items()}
    return [
        Comparison(query, "ratings", a, b, (1 + (found[a] > found[b]) - (found[a] < found[b])) / 2)
        for query, found in means.items()
        for a, b in itertools.combinations(sorted(found), 2)
    ]


def rating(ballot: Ballot, dimension: str) -> int | None:
    """Returns a rating ballot's value on a dimension; None for a skip, repeat or other protocol."""
    if ballot.protocol != "rating" or ballot.repeat:
        return None
    verdict = json.loads(ballot.verdict)
    return None if verdict == "skip" else verdict.get(dimension)


def add_arguments(parser: argparse.ArgumentParser, *, judgements: bool = False) -> None:
    """Adds the options that name records, each a list of files or folders."""
    for name, text in (
        ("generations", "answers, as written by recipes/generate.py"),
        ("scores", "scores, as written by python -m eval_tasks score"),
        ("ballots", "votes, as exported by the arena"),
        *(
            (("judgements", "a judge's scores, as written by python -m eval_tasks judge"),)
            if judgements
            else ()
        ),
    ):
        parser.add_argument(
            f"--{name}", type=Path, nargs="+", default=[], metavar="PATH", help=text
        )


def command(stage: str, arguments: argparse.Namespace) -> str:
    """Returns the command line that recomputes; absolute paths keep their name only."""
    words = ["python", "-m", "eval_tasks", stage]
    for name in ("generations", "scores", "ballots", "judgements"):
        paths: list[Path] = getattr(arguments, name, [])
        if paths:
            words += [f"--{name}", *map(shown, paths)]
    return shlex.join(words)


def shown(path: Path) -> str:
    """Returns a path as a page may show it: of an absolute one the name only."""
    return path.name if path.is_absolute() else path.as_posix()


def read(
    generations: Sequence[Path],
    scores: Sequence[Path],
    ballots: Sequence[Path],
    judgements: Sequence[Path] = (),
) -> Runs:
    """Reads records from files or folders (Parquet or JSONL).

    Raises:
        MissingInputError: A path does not exist.
        InputError: A row does not fit, an answer or score stands twice, or the language of a query
            is unknown.
    """
    answers = _all(generations, Generation, "python recipes/generate.py")
    measured = _all(scores, Score, "python -m eval_tasks score")
    votes = [ballots_module.check(b) for b in _all(ballots, Ballot, "")]
    judged = _all(judgements, Judgement, "python -m eval_tasks judge run")
    return assemble(answers, measured, votes, judged)


def _all(paths: Sequence[Path], cls: type[R], made_by: str) -> list[R]:
    return [record for path in paths for record in read_records(path, cls, made_by)]


def assemble(
    answers: Sequence[Generation],
    measured: Sequence[Score],
    votes: Sequence[Ballot],
    judged: Sequence[Judgement] = (),
) -> Runs:
    """Puts records together; see ``read`` for what is raised."""
    _once([(a.variant, a.query_id) for a in answers], "answer")
    _once([(s.variant, s.query_id, s.metric) for s in measured], "score")
    _once([(b.id,) for b in votes], "ballot")
    known: dict[str, Language] = {a.query_id: a.language for a in answers}
    queries = {record.query_id for found in (measured, votes, judged) for record in found}
    names = (
        {a.variant for a in answers}
        | {s.variant for s in measured}
        | {variant for b in votes for variant in b.shown}
        | {j.left for j in judged}
    )
    if not names:
        raise InputError("nothing to report on", "give --generations, --scores or --ballots")
    return Runs(
        tuple(answers),
        tuple(measured),
        tuple(votes),
        ordered(names),
        known | {q: _language(q) for q in queries - set(known)},
        {a.query_id: a.genre for a in answers if a.genre is not None},
        tuple(judged),
    )


def ordered(names: set[str]) -> tuple[str, ...]:
    """Sorts variants: the paper's order, then ``base``, then others by name."""
    first = [v for v in (*VARIANTS, "base") if v in names]
    return (*first, *sorted(names - set(first)))


def _once(keys: list[tuple[str, ...]], what: str) -> None:
    seen: set[tuple[str, ...]] = set()
    for key in keys:
        if key in seen:
            raise InputError(
                f"{what} {' / '.join(key)} stands twice",
                "give each file once; delete the older of two runs",
            )
        seen.add(key)


def _language(query_id: str) -> Language:
    for language in LANGUAGES:
        if query_id.startswith(f"{language}-"):
            return language
    raise InputError(
        f"query {query_id!r}: its language is unknown",
        "give its generation, or an id that starts with zh- or en-",
    )
