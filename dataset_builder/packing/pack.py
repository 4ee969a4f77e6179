"""Packs triplets as the published dataset: the folder that the Hub gets."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import benchmark, facts
from coig_writer import taxonomy as taxonomies
from coig_writer.cards.card import yaml_text
from coig_writer.errors import DriftError, InputError, MissingInputError
from coig_writer.files import read_records, write_records
from coig_writer.folder import SUMS, atomic_folder
from coig_writer.hub.versions import REMOVED
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet, alike, check
from dataset_builder.packing import card as dataset_card
from dataset_builder.packing import figures, layout, samples, summary
from dataset_builder.packing.layout import Note, Removal

IMPORTED = Path("build/import")
OUT = Path("COIG-Writer")
SHOWN = 5
logger = logging.getLogger(__name__)


def read_source(source: str, taxonomy: Taxonomy) -> list[Triplet]:
    """Reads the triplets of ``samples``, of ``import``, or of a folder with ``triplets.parquet``.

    Raises:
        MissingInputError: There is nothing to read.
        InputError: A row breaks an invariant, an id repeats, or provenances are mixed.
    """
    if source == "samples":
        triplets = samples.read(taxonomy)
    else:
        folder = _folder(source)
        made_by = "python -m dataset_builder import PATH" if source == "import" else ""
        rows = read_records(_triplets_file(folder, made_by), Triplet, made_by)
        triplets = [check(t, taxonomy) for t in alike(rows)]
    _check_whole(triplets, source)
    return triplets


def _folder(source: str) -> Path:
    return IMPORTED if source == "import" else Path(source)


def _triplets_file(folder: Path, made_by: str) -> Path:
    for name in ("triplets.parquet", "triplets.jsonl"):
        if (folder / name).is_file():
            return folder / name
    raise MissingInputError(
        f"{folder}: no triplets.parquet or triplets.jsonl",
        f"run: {made_by}" if made_by else "give the folder of a finished stage",
    )


def _check_whole(triplets: Sequence[Triplet], source: str) -> None:
    provenances = sorted({t.provenance for t in triplets})
    if len(provenances) > 1:
        raise InputError(
            f"{source}: rows of provenance {' and '.join(provenances)} in one dataset",
            "pack each kind into a folder of its own",
        )
    seen: set[str] = set()
    for triplet in triplets:
        if triplet.id in seen:
            raise InputError(
                f"{source}: duplicate id {triplet.id!r}", "give each row an id of its own"
            )
        seen.add(triplet.id)


def pack(
    triplets: Sequence[Triplet],
    taxonomy: Taxonomy,
    out: Path,
    removals: Sequence[Removal] | None = None,
    notes: Sequence[Note] = (),
) -> list[Triplet]:
    """Writes the dataset folder, completely or not at all; it replaces nothing but a packed dataset.

    Args:
        triplets: The rows.
        taxonomy: Their taxonomy.
        out: The folder.
        removals: Rows to leave out, and their log; the folder's own log if None.
        notes: Words on them, for the file beside the folder.

    Returns:
        The rows that were written.

    Raises:
        InputError: The folder holds what the kit did not pack.
        DriftError: Another process took rows out of the folder meanwhile.
    """
    earlier = () if (out / SUMS).is_file() else layout.EARLIER
    with atomic_folder(out, "packed dataset", earlier) as folder:
        before = list(layout.removals(out) if removals is None else removals)
        log, words = layout.without_words(before)
        gone = {removal.id for removal in log}
        triplets = [t for t in triplets if t.id not in gone]
        _fill(folder, triplets, taxonomy, log, out)
        there = layout.removals(out)
        if there != before[: len(there)]:
            raise DriftError(
                f"{out}: another process took rows out meanwhile, which would come back",
                "run the same command again",
            )
        # Before the folder is in its place: stopped in between, a note is there twice, never lost.
        if said := (*words, *notes):
            layout.add_notes(out, said)
    if words:
        logger.warning(
            f"{out / REMOVED}: {len(words)} reasons in free words now read 'other', as the log is public; "
            f"the words are in {layout.notes_file(out)}"
        )
    return triplets


def _fill(
    folder: Path, triplets: Sequence[Triplet], taxonomy: Taxonomy, log: Sequence[Removal], out: Path
) -> None:
    """Writes rows, benchmark, pictures, log, facts and card into the folder that will be ``out``."""
    by_genre: dict[str | None, list[Triplet]] = defaultdict(list)
    for triplet in triplets:
        by_genre[triplet.genre].append(triplet)
    for genre, rows in by_genre.items():
        write_records(folder / layout.genre_file(genre), rows, type(rows[0]))
    queries = benchmark.of(taxonomy)
    for language, of_language in queries.items():
        write_records(folder / layout.benchmark_file(language), of_language, benchmark.Query)
    groups = summary.summarize(triplets)
    pictures = figures.draw(triplets, groups, taxonomy, folder / "figures")
    if log:
        write_records(folder / REMOVED, log, Removal)
    (folder / taxonomies.FILE).write_text(taxonomy.to_json(), encoding="utf-8")
    measured = summary.facts(triplets, queries, log)
    facts.write(folder / "facts.json", measured)
    card = dataset_card.render(triplets, taxonomy, facts.read(folder / "facts.json"), pictures, out)
    (folder / "README.md").write_text(card, encoding="utf-8")
    if queries:
        tasks = yaml_text(benchmark.hub_benchmark(queries))
        (folder / benchmark.EVAL_FILE).write_text(tasks, encoding="utf-8")


def main(
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="samples, import, or a folder with triplets.parquet or triplets.jsonl",
        ),
    ] = "samples",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="dataset folder to write")] = OUT,
    own_taxonomy: Annotated[
        Path | None,
        typer.Option(
            "--taxonomy",
            metavar="FILE",
            help="your own genres, in the form of src/coig_writer/data/taxonomy.json "
            "(default: the source's taxonomy.json, else the published one)",
        ),
    ] = None,
) -> None:
    """Reads triplets of one provenance, and writes what the Hub gets.

    That is Parquet per genre, the benchmark, a card with its configs, statistics as in Tables 5-10, the
    figures, and facts.json. Then, in the folder above it:

      from datasets import load_dataset
      load_dataset("COIG-Writer", "wuxia", split="train")
    """
    taxonomy = taxonomies.load(own_taxonomy) if own_taxonomy else taxonomies.of(_folder(source))
    triplets = read_source(source, taxonomy)
    triplets = pack(triplets, taxonomy, out)
    genres = {t.genre for t in triplets if t.genre}
    configs = len(layout.yaml_configs(taxonomy, genres, ""))
    print(f"{out}: {len(triplets)} rows over {len(genres)} genres, {configs} configs")
    if lacking := layout.partial(triplets, taxonomy):
        print(_lacks(lacking))
    config = next((f', "{name}"' for name in layout.examples(taxonomy, genres) if name), "")
    place = out.resolve()
    print(f'load it in {place.parent}: load_dataset("{place.name}"{config})')


def _lacks(lacking: layout.Partial) -> str:
    """Says what a set lacks, in one sentence."""
    filled = lacking.genres - len(lacking.empty)
    if not filled:
        return (
            "no row has a genre: all are in the config default alone (for genres: python -m dataset_builder "
            "assign after import; with your own texts a column genre, then curate again)"
        )
    rows = f"{lacking.rows} of {lacking.published} published rows, " if lacking.published else ""
    none = ", ".join(lacking.empty[:SHOWN])
    more = f" and {len(lacking.empty) - SHOWN} more" if len(lacking.empty) > SHOWN else ""
    without = f"; none of {none}{more}" if none else ""
    return f"a partial set: {rows}{filled} of {lacking.genres} genres have rows{without}"
