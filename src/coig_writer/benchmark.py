"""Benchmark queries: what a model is asked to write, and what can be checked about the answer.

204 Chinese and 353 English queries, as many as the paper used (section 2.4); these were written
for this kit and are not expert-validated. 104 of the Chinese ones form the subset that the paper
names.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable
from importlib import resources
from typing import Literal

from coig_writer.errors import InputError
from coig_writer.record import from_row, parse_line
from coig_writer.taxonomy import Taxonomy, published
from coig_writer.triplet import Language

VERSION = 3  # 3: a fifth of the queries ask as people ask; 2: forbidden, bans, form, sections
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Unit = Literal["chars", "words", "lines"]
Difficulty = Literal["easy", "medium", "hard"]


@dataclasses.dataclass(frozen=True, slots=True)
class Length:
    """The length a query asks for.

    Attributes:
        min: Least; null where the query states none.
        max: Most; null where the query states none.
        unit: What is counted.
    """

    min: int | None
    max: int | None
    unit: Unit


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """One benchmark query.

    Attributes:
        id: Of the query.
        language: In which it is asked and to be answered.
        genre: Slug of the genre it asks for.
        query: The text as a person would type it.
        length: The length it asks for; null where it asks for none.
        required: Strings that must be in the answer.
        style: The style it asks for.
        theme: What it is about.
        cultural_context: The culture it draws on.
        difficulty: How many demands it makes.
        subset_104: Whether it is of the 104 queries that a short evaluation takes.
        probe: The abstract task of the paper that it is of, such as ``homophonic_wordplay``; null for most.
        validation: Whether experts checked the query.
        forbidden: Strings that must not be in the answer.
        bans: Bans that no search for a string can check, as the query words them: a judge is asked about each.
        form: The form of verse or dialogue it names, as ``coig_writer.verse.form`` knows it.
        sections: Sections it asks for by name, in their order.
    """

    id: str
    language: Language
    genre: str
    query: str
    length: Length | None
    required: tuple[str, ...]
    style: str
    theme: str
    cultural_context: str
    difficulty: Difficulty
    subset_104: bool
    probe: str | None
    validation: str
    forbidden: tuple[str, ...] = ()
    bans: tuple[str, ...] = ()
    form: str | None = None
    sections: tuple[str, ...] = ()


def bare(query_id: str, language: Language, genre: str | None, prompt: str) -> Query:
    """Returns a prompt from elsewhere as a query that states nothing that can be checked."""
    return Query(
        query_id, language, genre or "", prompt, None, (), "", "", "", "medium", False, None, ""
    )


EVAL_FILE = "eval.yaml"  # in the root of the dataset, by which the Hub knows a benchmark
# What a model's page shows of its scores: metric and what it says.
LEADERBOARD = ("ttr", "chars", "language_confusion_wrong", "reasoning_closed")


def task(language: str, metric: str) -> str:
    """Returns the id of a task of the benchmark, as scores name it."""
    return f"{language}_{metric}"


def hub_benchmark(languages: Iterable[str]) -> dict[str, object]:
    """Returns the content of ``eval.yaml``: one task per language and metric of the leaderboard."""
    return {
        "name": "COIG-Writer kit benchmark",
        "description": "Creative writing in Chinese and English: queries of the COIG-Writer release kit, "
        "which are not the paper's. Scores describe texts; none says which model writes better.",
        "evaluation_framework": "inspect-ai",
        "tasks": [
            {"id": task(language, metric), "config": "benchmark", "split": language}
            for language in languages
            for metric in LEADERBOARD
        ],
    }


@functools.cache
def queries(language: Language) -> tuple[Query, ...]:
    """Returns the embedded queries of a language, by genre in the taxonomy's order and number.

    Raises:
        InputError: A line of the package data is no query (named with file and line).
    """
    folder = resources.files("coig_writer") / "data" / "benchmark" / language
    parsed: list[Query] = []
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".jsonl"):
            continue
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            origin = f"benchmark/{language}/{file.name} line {number}"
            parsed.append(from_row(Query, parse_line(line, origin), origin))
    order = {genre.slug: place for place, genre in enumerate(published().genres)}
    return tuple(sorted(parsed, key=lambda q: (order[q.genre], int(q.id.rpartition("-")[2]))))


def of(taxonomy: Taxonomy) -> dict[Language, tuple[Query, ...]]:
    """Returns the queries that go with a set; none if one asks for a genre that its taxonomy lacks."""
    known = {genre.slug for genre in taxonomy.genres}
    by_language = {language: queries(language) for language in LANGUAGES}
    genres = {query.genre for some in by_language.values() for query in some}
    return by_language if genres <= known else {}


def query(query_id: str) -> Query:
    """Finds a query by id in either language.

    Raises:
        InputError: No query has that id.
    """
    for language in LANGUAGES:
        for candidate in queries(language):
            if candidate.id == query_id:
                return candidate
    raise InputError(
        f"unknown benchmark query {query_id!r}", "ids look like zh-wuxia-1 or en-essay-3"
    )


def one_per_genre(language: Language, count: int) -> tuple[Query, ...]:
    """Returns a slice of the benchmark: the first query of ``count`` genres, over all categories.

    Genres are taken category by category in turn, so that a small slice is not all of one kind.
    """
    first: dict[str, Query] = {}
    for candidate in queries(language):
        first.setdefault(candidate.genre, candidate)
    taxonomy = published()
    columns = [
        [first[g.slug] for g in taxonomy.of_category(c.slug) if g.slug in first]
        for c in taxonomy.categories
    ]
    rounds = itertools.zip_longest(*columns)
    return tuple(q for turn in rounds for q in turn if q is not None)[:count]
