"""The kit's own sample triplets: one text file each under ``sample/triplets``.

Written for this kit, CC0, two per genre. They show the format and carry the demo; they are not
rows of COIG-Writer.
"""

from __future__ import annotations

import re
from pathlib import Path

from coig_writer.errors import InputError, MissingInputError
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet, check

FOLDER = Path(__file__).parents[1] / "sample" / "triplets"
PARTS = ("prompt", "reasoning", "article")
_MARKER = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)


def read(taxonomy: Taxonomy, folder: Path = FOLDER) -> list[Triplet]:
    """Reads all sample triplets, in the order of the taxonomy.

    Raises:
        MissingInputError: The folder holds no sample.
        InputError: A file has a wrong name or lacks a part.
    """
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise MissingInputError(
            f"{folder}: no sample triplets", "restore dataset_builder/sample from the repository"
        )
    triplets = [parse(file.read_text(encoding="utf-8"), file.stem, taxonomy) for file in files]
    order = [g.slug for g in taxonomy.genres]
    return sorted(triplets, key=lambda t: (order.index(t.genre or ""), t.id))


def parse(text: str, name: str, taxonomy: Taxonomy) -> Triplet:
    """Reads one sample: ``=== prompt ===``, ``=== reasoning ===``, ``=== article ===``.

    Args:
        text: The file's text.
        name: The file's name without ending: genre slug, hyphen, number.
        taxonomy: Where the genre is looked up.
    """
    pieces = _MARKER.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if tuple(parts) != PARTS or pieces[0].strip():
        raise InputError(
            f"{name}.txt: sections are {', '.join(parts) or 'none'}",
            "write === prompt ===, === reasoning === and === article ===, in this order",
        )
    genre = taxonomy.genre(name.rpartition("-")[0])
    triplet = Triplet(
        id=f"sample-{name}",
        prompt=parts["prompt"].strip(),
        reasoning=parts["reasoning"].strip(),
        article=parts["article"].strip("\n"),
        category=genre.category,
        genre=genre.slug,
        genre_zh=genre.zh,
        language="zh",
        source="COIG-Writer kit samples",
        license="CC0-1.0",
        provenance="sample",
    )
    return check(triplet, taxonomy)
