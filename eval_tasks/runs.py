"""The runs that report and claims are made from: generations, scores, ballots and judgements, checked against each other."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal, TypeVar

import typer

from coig_writer import ballot as ballots_module
from coig_writer.ballot import Ballot, Comparison
from coig_writer.errors import InputError
from coig_writer.files import read_records
from coig_writer.generation import Generation, check
from coig_writer.mixture import VARIANTS
from coig_writer.preference import ratings, summary
from coig_writer.preference.board import Board, board
from coig_writer.preference.ratings import Implied
from coig_writer.score import Judgement, Score
from coig_writer.triplet import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
FIRST = frozenset({0})  # the sample that stands for a prompt without votes
R = TypeVar("R")
# The options that name records: files or folders of Parquet or JSON lines.
Generations = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH…", help="answers, as recipes/generate.py writes them"),
]
Scores = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH…", help="scores, as python -m eval_tasks score writes them"),
]
Ballots = Annotated[
    list[Path] | None, typer.Option(metavar="PATH…", help="votes, as the arena exports them")
]
Judgements = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH…", help="a judge's verdicts, as python -m eval_tasks judge run writes them"
    ),
]


@dataclasses.dataclass(frozen=True)
class Runs:
    """Everything known about the user's models.

    ``variants`` are in the paper's order, then ``base``, then others by name. ``languages`` and
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
        """Returns the scored values of a metric: variant → query id → value of the answer that people saw.

        Where they voted on several samples of a prompt, the mean over those; without votes, the first sample.
        """
        values: dict[str, dict[str, float]] = {}
        for variant, scored in self.sampled(metric, language).items():
            answers: dict[str, list[float]] = defaultdict(list)
            for (query, sample), value in scored.items():
                if sample in self.seen.get(query, FIRST):
                    answers[query].append(value)
            values[variant] = {query: fmean(seen) for query, seen in answers.items()}
        return values

    def sampled(self, metric: str, language: Language) -> dict[str, dict[tuple[str, int], float]]:
        """Returns the scored values of a metric: variant → (query id, sample) → value."""
        values: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
        for score in self.scores:
            if (
                score.metric == metric
                and score.value is not None
                and self.languages[score.query_id] == language
            ):
                values[score.variant][score.query_id, score.sample] = score.value
        return dict(values)

    def by_answer(self, metric: str, language: Language) -> dict[tuple[str, str], float]:
        """Returns the scored values of a metric: (variant, query id) → value."""
        return {
            (variant, query): value
            for variant, scored in self.values(metric, language).items()
            for query, value in scored.items()
        }

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

    def votes(self, language: Language, genres: tuple[str, ...] = ()) -> list[Comparison]:
        """Returns the votes on queries of a language, of some genres or all."""
        voted = self.voted(language)
        return summary.votes(
            b for b in voted if not genres or self.genres.get(b.query_id) in genres
        )

    def preferences(self, language: Language) -> Preferences:
        """Returns the votes on a language, or where there are none what its ratings imply."""
        if votes := self.votes(language):
            return Preferences("votes", votes)
        implied = ratings.implied(self.voted(language))
        return Preferences("ratings", implied.comparisons, implied)

    def board(self, language: Language, genres: tuple[str, ...] = ()) -> Board | None:
        """Returns the board of the votes on a language, of some genres or all; None without votes."""
        if (language, genres) not in self._boards:
            votes = self.votes(language, genres)
            self._boards[language, genres] = board(votes) if votes else None
        return self._boards[language, genres]

    @functools.cached_property
    def seen(self) -> dict[str, set[int]]:
        """The samples of each query that people voted on."""
        seen: dict[str, set[int]] = defaultdict(set)
        for ballot in self.ballots:
            seen[ballot.query_id].add(ballot.sample)
        return dict(seen)

    @functools.cached_property
    def _boards(self) -> dict[tuple[Language, tuple[str, ...]], Board | None]:
        """Boards made so far: many questions read the same one."""
        return {}


@dataclasses.dataclass(frozen=True)
class Preferences:
    """Comparisons and where they come from: ``votes``, or pairs that ``ratings`` imply."""

    source: Literal["votes", "ratings"]
    comparisons: list[Comparison]
    implied: Implied | None = None

    @property
    def conclusive(self) -> bool:
        """Whether people compared answers; false where each answer was scored by other raters."""
        return self.implied is None or self.implied.conclusive


def command(verb: str, **given: Path | Sequence[Path | str] | None) -> str:
    """Returns the command line that recomputes; absolute paths keep their name only.

    Args:
        verb: Of ``python -m eval_tasks``.
        given: Flag to what it was given; None or nothing is left out.
    """
    words = ["python", "-m", "eval_tasks", verb]
    for flag, values in given.items():
        listed = [values] if isinstance(values, Path) else values
        if listed:
            words += [f"--{flag}", *(shown(v) if isinstance(v, Path) else v for v in listed)]
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
        InputError: A row does not fit, an answer, score or ballot is duplicate, or the language of a query
            is unknown.
    """
    answers = _all(generations, Generation, "python recipes/generate.py")
    measured = _all(scores, Score, "python -m eval_tasks score")
    votes = [ballots_module.check(b) for b in _all(ballots, Ballot, "")]
    judged = _all(judgements, Judgement, "python -m eval_tasks judge run")
    return together(answers, measured, votes, judged)


def _all(paths: Sequence[Path], cls: type[R], made_by: str) -> list[R]:
    return [record for path in paths for record in read_records(path, cls, made_by)]


def together(
    answers: Sequence[Generation],
    scores: Sequence[Score],
    ballots: Sequence[Ballot],
    judgements: Sequence[Judgement] = (),
) -> Runs:
    """Puts records together; see ``read`` for what is raised."""
    check(answers)
    _once([(s.variant, s.query_id, s.metric, str(s.sample)) for s in scores], "score")
    _once([(b.id,) for b in ballots], "ballot")
    variants = {record.variant for records in (answers, scores) for record in records}
    variants |= {variant for b in ballots for variant in b.shown} | {j.left for j in judgements}
    if not variants:
        raise InputError("nothing to report on", "give --generations, --scores or --ballots")
    languages: dict[str, Language] = {a.query_id: a.language for a in answers}
    queries = {r.query_id for records in (scores, ballots, judgements) for r in records}
    languages |= {query: _language(query) for query in queries - languages.keys()}
    genres = {a.query_id: a.genre for a in answers if a.genre is not None}
    return Runs(
        tuple(answers), tuple(scores), tuple(ballots), ordered(variants), languages, genres,
        tuple(judgements),
    )  # fmt: skip


def ordered(variants: set[str]) -> tuple[str, ...]:
    """Sorts variants: the paper's order, then ``base``, then others by name."""
    first = [v for v in (*VARIANTS, "base") if v in variants]
    return (*first, *sorted(variants - set(first)))


def _once(keys: list[tuple[str, ...]], what: str) -> None:
    seen: set[tuple[str, ...]] = set()
    for key in keys:
        if key in seen:
            raise InputError(
                f"duplicate {what}: {' / '.join(key)}",
                "give each file once; delete the older of two runs",
            )
        seen.add(key)


def _language(query_id: str) -> Language:
    for language in LANGUAGES:
        if query_id.startswith(f"{language}-"):
            return language
    raise InputError(
        f"query {query_id!r}: unknown language",
        "give its generation, or an id that starts with zh- or en-",
    )
