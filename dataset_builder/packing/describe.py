"""Measures a packed dataset again, from its rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import benchmark, facts
from coig_writer import taxonomy as taxonomies
from coig_writer.benchmark import Query
from coig_writer.errors import InputError
from coig_writer.facts import Fact
from coig_writer.files import atomic_path, read_records
from coig_writer.triplet import Triplet, check
from dataset_builder.packing import card as dataset_card
from dataset_builder.packing import layout, summary

PACK = "python -m dataset_builder pack"
DATASET = Path("COIG-Writer")


def read_packed(folder: Path) -> list[Triplet]:
    """Reads all rows of a packed dataset.

    Raises:
        MissingInputError: There is none.
        InputError: A row breaks an invariant, or its genre is not in the set's taxonomy.
    """
    triplets = read_records(folder / "data", Triplet, made_by=f"{PACK} --out {folder}")
    taxonomy = taxonomies.of(folder)
    try:
        return [check(triplet, taxonomy) for triplet in triplets]
    except InputError as error:
        taxonomy_file = folder / taxonomies.FILE
        raise InputError(
            f"{folder}: {error.message}",
            f"{error.remedy}; a set packed with --taxonomy keeps it as {taxonomy_file}: put it there",
        ) from error


def measure(folder: Path, triplets: Sequence[Triplet]) -> list[Fact]:
    """Returns every fact of a packed dataset's card, measured from its Parquet files."""
    queries = {
        language: read_records(folder / layout.benchmark_file(language), Query, PACK)
        for language in benchmark.of(taxonomies.of(folder))
    }
    return summary.facts(triplets, queries, layout.removals(folder))


def card(folder: Path, triplets: Sequence[Triplet]) -> str:
    """Renders the card of a packed dataset again."""
    measured = {fact.id: fact for fact in measure(folder, triplets)}
    pictures = sorted(file.name for file in (folder / "figures").glob("*.png"))
    return dataset_card.render(triplets, taxonomies.of(folder), measured, pictures, folder)


def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="packed dataset")] = DATASET,
    facts_file: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FILE", help="also write the statistics as facts"),
    ] = None,
    card_file: Annotated[
        Path | None, typer.Option("--card", metavar="FILE", help="also render the card")
    ] = None,
) -> None:
    """Prints rows and lengths per category and genre.

    --facts writes them as facts and --card renders the card, both from the rows alone: the folder's own
    facts.json and README.md are not read.
    """
    triplets = read_packed(folder)
    groups = summary.summarize(triplets)
    print(
        f"{'':<44}{'rows':>6}  {'article':>19}  {'prompt':>15}  {'reasoning':>17}   (characters: min|mean|max)"
    )
    for key in sorted(groups, key=lambda k: (k.count("/"), k)):
        group = groups[key]
        cells = [f"{v.min}|{v.mean:.0f}|{v.max}" for v in group.lengths.values()]
        print(f"{key:<44}{group.count:>6}  {cells[0]:>19}  {cells[1]:>15}  {cells[2]:>17}")
    if facts_file:
        facts.write(facts_file, measure(folder, triplets))
    if card_file:
        with atomic_path(card_file) as partial:
            partial.write_text(card(folder, triplets), encoding="utf-8")
