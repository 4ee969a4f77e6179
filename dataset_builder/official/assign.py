"""Gives each imported row a genre, from its prompt, the form of its article, and the paper's tables.

Signals are what the prompt asks for and the form of the article (``coig_writer.text.genre``); where the
file is the published one, the published counts and extreme lengths decide all rows together.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from numpy.typing import NDArray

from coig_writer import paper
from coig_writer.files import read_json, read_records, read_rows, write_records
from coig_writer.metrics.length import characters
from coig_writer.paper import Lengths
from coig_writer.taxonomy import Taxonomy, published
from coig_writer.text import genre
from coig_writer.text.genre import Guess
from coig_writer.triplet import Triplet
from dataset_builder.official import model_vote, published_counts
from dataset_builder.official import overrides as assign_overrides
from dataset_builder.official.published_counts import Constrained

FOLDER = Path("build/import")
MADE_BY = "python -m dataset_builder import PATH"
# At this 94 % of the kit's own texts in the tuning half are right and 93 % of the requests; elsewhere it may be less (decision 51).
THRESHOLD = 0.7
CATEGORY_THRESHOLD = 0.7
# Log-odds that the older file's own `query_type` adds to the genre it names.
QUERY_TYPE = 8.0
# The published set, give or take what an import rejects.
WHOLE = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """What was decided about one row, and how.

    Attributes:
        id: Of the row.
        genre: None below the threshold.
        category: Also without a genre, where the category is sure.
        confidence: Probability of the best genre; 1 for an override.
        method: ``override``, ``length`` (an extreme length that only this row has), ``published``
            (all constraints together), ``query_type``, ``vote``, ``signals``, or ``undecided``.
        alternatives: The likeliest genres, the chosen one first.
        note: A person's note on an override.
    """

    id: str
    genre: str | None
    category: str | None
    confidence: float
    method: str
    alternatives: tuple[Guess, ...]
    note: str | None = None


@dataclasses.dataclass(frozen=True)
class Evidence:
    """All that decides: (rows, genres) log-odds, and the method that rows owe it to."""

    log_odds: NDArray[np.float64]
    methods: Sequence[str]


def evidence(triplets: Sequence[Triplet], query_types: Mapping[str, str]) -> Evidence:
    """Reads the signals of every row.

    Args:
        triplets: The rows.
        query_types: Row id to what the older schema says.
    """
    from tqdm import tqdm

    order = genre.genres()
    table = np.zeros((len(triplets), len(order)))
    methods = ["signals"] * len(triplets)
    for i, t in enumerate(tqdm(triplets, unit="row", disable=not sys.stderr.isatty())):
        table[i] = genre.log_odds(t.prompt, t.article)
        named = _named(query_types.get(t.id, ""))
        if named:
            table[i, order.index(named)] += QUERY_TYPE
            methods[i] = "query_type"
    return Evidence(table, methods)


def voted(
    triplets: Sequence[Triplet], signals: Evidence, server: tuple[str, str], threshold: float
) -> Evidence:
    """Adds a language model's votes to the rows that the signals leave open.

    Args:
        triplets: The rows.
        signals: Their evidence so far.
        server: Address and model name.
        threshold: Rows whose best genre reaches it are not asked about.
    """
    sure = genre.softmax(signals.log_odds).max(axis=1) >= threshold
    open_ = np.flatnonzero(~sure).tolist()
    table, methods = signals.log_odds.copy(), list(signals.methods)
    replies = model_vote.votes([triplets[i] for i in open_], *server)
    for row, reply in zip(open_, replies, strict=True):
        choice = model_vote.vote(reply)
        if choice is not None:
            table[row, choice] += model_vote.WEIGHT
            methods[row] = "vote"
    states = Counter(reply.state for reply in replies)
    print(f"votes: {', '.join(f'{n} {state}' for state, n in states.most_common()) or 'none'}")
    return Evidence(table, methods)


def _named(query_type: str) -> str | None:
    """Finds the genre that ``诗歌 (Poetry)`` and its like name; None if no single one."""
    zh, _, en = query_type.partition("(")
    slugs = {
        g.slug
        for g in published().genres
        if (zh.strip() and (zh.strip() == g.zh or zh.strip() in g.zh.split("-")))
        or en.rstrip(" )").lower() == g.en.lower()
    }
    return slugs.pop() if len(slugs) == 1 else None


def query_types(folder: Path) -> dict[str, str]:
    """Reads what the older schema says about the kind of each row, if the import kept it."""
    path = folder / "extra.jsonl"
    if not path.is_file():
        return {}
    return {
        row["id"]: row["query_type"]
        for _, row in read_rows(path)
        if isinstance(row.get("query_type"), str)
    }


def whole(rows: int) -> bool:
    """Says whether this many rows can be the complete published set."""
    return abs(rows - paper.ROWS) <= WHOLE * paper.ROWS


def published_file(folder: Path, triplets: Sequence[Triplet]) -> bool:
    """Says whether these rows are the published ones, so that the paper's tables apply to them.

    They are if the import knew the file by its checksum, or, for a later version of it, if there are as
    many rows and every extreme length of the paper occurs among them. The tables do not apply to others.
    """
    record = folder / "import.json"
    known = record.is_file() and read_json(record)
    if known and known.get("known") and known.get("rows") == len(triplets):
        return True
    return whole(len(triplets)) and (
        published_counts.extremes_found(_lengths(triplets), _tables()) == 1
    )


def _tables() -> list[Lengths | None]:
    return [paper.genres()[slug] for slug in genre.genres()]


def _lengths(triplets: Sequence[Triplet]) -> NDArray[np.int64]:
    """Returns (rows, 3) lengths of article, prompt and reasoning, in the unit that meets more extremes."""
    units = [
        np.array([[unit(t.article), unit(t.prompt), unit(t.reasoning)] for t in triplets])
        for unit in (characters, len)
    ]
    return max(units, key=lambda unit: published_counts.extremes_found(unit, _tables()))


def constrain(
    triplets: Sequence[Triplet], signals: Evidence, overrides: Mapping[str, tuple[str, str]]
) -> Constrained:
    """Applies the published counts and lengths, in the unit that reproduces more of the extremes."""
    order = genre.genres()
    lengths, tables = _lengths(triplets), _tables()
    fixed = {
        i: order.index(overrides[t.id][0]) for i, t in enumerate(triplets) if t.id in overrides
    }
    return published_counts.solve(np.log(genre.softmax(signals.log_odds)), lengths, tables, fixed)


def decide(
    triplets: Sequence[Triplet],
    signals: Evidence,
    overrides: Mapping[str, tuple[str, str]],
    *,
    constrained: Constrained | None = None,
    threshold: float = THRESHOLD,
) -> list[Assignment]:
    """Turns probabilities into genres; overrides win."""
    table = constrained.probability if constrained else genre.softmax(signals.log_odds)
    decided = []
    for i, triplet in enumerate(triplets):
        if triplet.id in overrides:
            slug, note = overrides[triplet.id]
            category, sure = published().genre(slug).category, (Guess(slug, 1.0),)
            decided.append(Assignment(triplet.id, slug, category, 1.0, "override", sure, note))
            continue
        first = int(constrained.genre[i]) if constrained else int(table[i].argmax())
        method = signals.methods[i]
        if constrained:
            method = "length" if constrained.pinned[i] else "published"
        decided.append(_decided(triplet.id, table[i], first, method, threshold))
    return decided


def _decided(
    row_id: str, row: NDArray[np.float64], first: int, method: str, threshold: float
) -> Assignment:
    chosen = Guess(genre.genres()[first], round(float(row[first]), 4))
    others = [Guess(g.genre, round(g.probability, 4)) for g in genre.best(row, 4)]
    alternatives = (chosen, *(g for g in others if g.genre != chosen.genre))[:4]
    confidence = chosen.probability
    if confidence >= threshold:
        category = published().genre(chosen.genre).category
        return Assignment(row_id, chosen.genre, category, confidence, method, alternatives)
    return Assignment(row_id, None, _category(row), confidence, "undecided", alternatives)


def _category(row: NDArray[np.float64]) -> str | None:
    sums: defaultdict[str, float] = defaultdict(float)
    for entry, probability in zip(published().genres, row, strict=True):
        sums[entry.category] += float(probability)
    category, total = max(sums.items(), key=lambda entry: entry[1])
    return category if total >= CATEGORY_THRESHOLD else None


def applied(triplet: Triplet, assignment: Assignment, taxonomy: Taxonomy) -> Triplet:
    """Returns the row with its category and genre."""
    zh = taxonomy.genre(assignment.genre).zh if assignment.genre else None
    return dataclasses.replace(
        triplet, category=assignment.category, genre=assignment.genre, genre_zh=zh
    )


def _write(
    folder: Path,
    triplets: Sequence[Triplet],
    assignments: Sequence[Assignment],
    overrides: Mapping[str, tuple[str, str]],
) -> None:
    taxonomy = published()
    rows = [applied(t, a, taxonomy) for t, a in zip(triplets, assignments, strict=True)]
    write_records(folder / "triplets.parquet", rows, Triplet)
    write_records(folder / "assignments.jsonl", assignments, Assignment)
    open_ = {
        t.id: _note(t, a) for t, a in zip(triplets, assignments, strict=True) if a.genre is None
    }
    assign_overrides.write(folder / "overrides.csv", overrides, open_)


def _note(triplet: Triplet, assignment: Assignment) -> str:
    """Says what the row may be; starts with a letter, so that no spreadsheet takes it for a formula."""
    guesses = ", ".join(f"{g.genre} {g.probability:.2f}" for g in assignment.alternatives[:3])
    return f"perhaps {guesses} | {' '.join(triplet.prompt.split())[:60]}"


def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="what import wrote")] = FOLDER,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="P", min=0, max=1, help="least confidence of a genre, as a probability"
        ),
    ] = THRESHOLD,
    constraints: Annotated[
        Literal["auto", "on", "off"],
        typer.Option(help="the paper's counts and lengths; auto: if the file is the published one"),
    ] = "auto",
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="model server whose model votes on the rows left open"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="with --endpoint: the model's name on that server"),
    ] = None,
) -> None:
    """The prompt and the form of the article tell the genre, which the authors' file lacks.

    Where the file is the published one, the paper's counts and extreme lengths decide all rows together.
    Reads and writes FOLDER:

      triplets.parquet   the same rows with category and genre
      assignments.jsonl  genre, confidence, method and alternatives of each row
      overrides.csv      the rows left open, for a person: fill in a genre and run this again

    Below the threshold a row has no genre; it has a category where that much is sure.
    """
    if (endpoint is None) != (model is None):
        raise typer.BadParameter("--endpoint and --model go together")
    triplets = read_records(folder / "triplets.parquet", Triplet, MADE_BY)
    overrides = assign_overrides.read(
        folder / "overrides.csv", published(), {t.id for t in triplets}
    )
    signals = evidence(triplets, query_types(folder))
    if endpoint and model:
        signals = voted(triplets, signals, (endpoint, model), threshold)
    use = constraints == "on" or (constraints == "auto" and published_file(folder, triplets))
    constrained = constrain(triplets, signals, overrides) if use else None
    assignments = decide(triplets, signals, overrides, constrained=constrained, threshold=threshold)
    _write(folder, triplets, assignments, overrides)
    _report(assignments, constrained, folder)


def _report(
    assignments: Sequence[Assignment], constrained: Constrained | None, folder: Path
) -> None:
    methods = Counter(a.method for a in assignments)
    decided = len(assignments) - methods["undecided"]
    print(f"{folder}: {decided} of {len(assignments)} rows have a genre")
    for method, count in methods.most_common():
        print(f"  {method:<11}{count:>6}")
    if constrained is None:
        print("the paper's counts and lengths were not used: this is not the published file")
    else:
        used = "used" if constrained.lengths_used else "too few: lengths were not used"
        print(f"published extreme lengths found: {constrained.extremes_found:.0%} ({used})")
    if methods["undecided"]:
        print(
            f"rows without a genre are in {folder / 'overrides.csv'}: fill in genres and run this again"
        )
    if not decided:
        print(
            "next: no row has a genre: fill in genres there, or ask a model with --endpoint URL --model NAME"
        )
        return
    source = "import" if folder == FOLDER else folder
    print(f"next: python -m dataset_builder pack --source {source}")
