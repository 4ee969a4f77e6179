"""What a packed folder holds: rows by genre, the configs that load them, and the log of removed rows.

``data/GENRE/train-*.parquet`` for each genre, ``data/unassigned/`` for rows of no known genre,
``benchmark/{zh,en}-*.parquet`` if the set has the benchmark's genres, ``taxonomy.json`` with the set's categories and genres, and, once a row
was taken out, ``removed.jsonl``. Configs: ``default``, one per category, one per genre, ``benchmark``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from coig_writer import benchmark, paper
from coig_writer.errors import InputError
from coig_writer.files import appending, read_records
from coig_writer.hub.versions import NOTES, REASONS, REMOVED
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet

UNASSIGNED = "unassigned"
SHARD = "00000-of-00001.parquet"
# What a folder may hold that was packed before folders listed their files.
EARLIER = (
    "data/*/train-*.parquet",
    "benchmark/*-*.parquet",
    "figures/*.png",
    "README.md",
    "facts.json",
    "taxonomy.json",
    REMOVED,
)


class DataFiles(TypedDict):
    """The files of one split, as the card's YAML names them."""

    split: str
    path: str | list[str]


class Config(TypedDict, total=False):
    """One entry of the card's ``configs:``."""

    config_name: str
    default: bool
    description: str
    data_files: list[DataFiles]


@dataclasses.dataclass(frozen=True, slots=True)
class Removal:
    """A row that was taken out; nothing of its text is kept.

    Attributes:
        id: Of the row.
        reason: Why, as one word of a fixed list; a log of an older kit may hold other words until it is packed again.
        version: The first version without the row.
        time: When that was made (UTC).
    """

    id: str
    reason: str
    version: str
    time: str


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """What the operator wrote about a removal; it lies beside the dataset's folder and is not published.

    Attributes:
        id: Of the row.
        time: When it was taken out (UTC).
        note: The words, as they were typed.
    """

    id: str
    time: str
    note: str


def removals(folder: Path) -> list[Removal]:
    """Reads the log of a packed dataset; no file is an empty log."""
    path = folder / REMOVED
    return read_records(path, Removal) if path.is_file() else []


def without_words(log: Sequence[Removal]) -> tuple[list[Removal], list[Note]]:
    """Returns a log with reasons of the fixed list alone, and as notes the words that older kits logged."""
    notes = [Note(r.id, r.time, r.reason) for r in log if r.reason not in REASONS]
    fixed = [r if r.reason in REASONS else dataclasses.replace(r, reason="other") for r in log]
    return fixed, notes


def notes_file(folder: Path) -> Path:
    """Returns where the notes on a dataset's removals are: beside its folder, outside what is published."""
    place = folder.resolve()
    return place.with_name(place.name + NOTES)


def add_notes(folder: Path, notes: Sequence[Note]) -> None:
    """Adds notes on a dataset's removals."""
    with appending(notes_file(folder)) as add:
        for note in notes:
            add(to_row(note))


def version(log: Sequence[Removal]) -> str:
    """Returns the version that the last removal made; 1.0.0 where no row was removed."""
    return max((removal.version for removal in log), key=order, default="1.0.0")


def order(version: str) -> tuple[int, ...]:
    """Returns what versions sort by: their numbers.

    Raises:
        InputError: It is not a version of three numbers.
    """
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", version, re.ASCII)
    if match is None:
        raise InputError(f"{version!r} is not a version", "write three numbers: 1.1.0")
    return tuple(int(number) for number in match.groups())


def genre_file(genre: str | None) -> str:
    """Returns the path of a genre's rows inside the dataset folder."""
    return f"data/{genre or UNASSIGNED}/train-{SHARD}"


def benchmark_file(language: str) -> str:
    """Returns the path of a language's benchmark queries inside the dataset folder."""
    return f"benchmark/{language}-{SHARD}"


@dataclasses.dataclass(frozen=True, slots=True)
class Partial:
    """What a set lacks of what its taxonomy, or the paper, names.

    Attributes:
        genres: How many genres there should be rows of; of the published set those with published rows.
        empty: Those without a row, in the taxonomy's order.
        rows: How many rows there are.
        published: How many there should be; None for a set of your own.
    """

    genres: int
    empty: tuple[str, ...]
    rows: int
    published: int | None


def partial(triplets: Sequence[Triplet], taxonomy: Taxonomy) -> Partial | None:
    """Returns what a set lacks; None if it is complete."""
    official = triplets[0].provenance == "published"
    wanted = [g.slug for g in taxonomy.genres if not official or paper.genres().get(g.slug)]
    have = {t.genre for t in triplets}
    empty = tuple(slug for slug in wanted if slug not in have)
    lacking = Partial(len(wanted), empty, len(triplets), paper.ROWS if official else None)
    return lacking if empty or (official and len(triplets) < paper.ROWS) else None


def configs(taxonomy: Taxonomy, with_rows: set[str]) -> dict[str, list[str]]:
    """Maps each config that has rows to the genres it holds, in the taxonomy's order."""
    held = {
        name: [g for g in genres if g in with_rows] for name, genres in taxonomy.configs().items()
    }
    return {name: genres for name, genres in held.items() if genres}


def examples(taxonomy: Taxonomy, with_rows: set[str]) -> tuple[str | None, str | None]:
    """Returns a genre and a category of several genres that have rows, to show how they load.

    None where there is none; of the published genres it is the wuxia story and the novel.
    """
    categories = {c.slug for c in taxonomy.categories}
    held = configs(taxonomy, with_rows)
    genres = [name for name in held if name not in categories]
    # A category of one genre would show the same rows as that genre.
    several = [name for name, of_config in held.items() if len(of_config) > 1]
    return _first(genres, "wuxia"), _first(several, "novel")


def _first(candidates: Sequence[str], preferred: str) -> str | None:
    return preferred if preferred in candidates else next(iter(candidates), None)


def yaml_configs(taxonomy: Taxonomy, with_rows: set[str], content: str) -> list[Config]:
    """Renders the ``configs:`` list of the card.

    Every config names its files explicitly, so that no folder name is ever taken for a split.

    Args:
        taxonomy: Categories and genres.
        with_rows: Genres that have rows.
        content: Hash of all rows. The cache of ``load_dataset`` looks at the card and not at local
            files, so without it a folder packed anew under the same name would load its old rows.
    """
    default: Config = {
        "config_name": "default",
        "default": True,
        "description": f"all rows, content {content[:16]}",
        "data_files": [{"split": "train", "path": "data/*/train-*.parquet"}],
    }
    by_name: list[Config] = [
        {
            "config_name": name,
            "data_files": [
                {"split": "train", "path": [f"data/{g}/train-*.parquet" for g in genres]}
            ],
        }
        for name, genres in configs(taxonomy, with_rows).items()
    ]
    queries: Config = {
        "config_name": "benchmark",
        "data_files": [
            {"split": language, "path": f"benchmark/{language}-*.parquet"}
            for language in benchmark.of(taxonomy)
        ],
    }
    return [default, *by_name, *([queries] if queries["data_files"] else [])]
