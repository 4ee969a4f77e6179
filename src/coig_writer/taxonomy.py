"""The genres of COIG-Writer: 8 categories (7 published and role-playing) and 51 genres.

A slug is everything at once: the name of a dataset config, of its folder and the value of the
column ``genre``. Poetry, Script and Role-playing are category and genre in one (paper, Figure 6);
46 of the genres have published rows, the other five come from the taxonomy of
WritingPreferenceBench (arXiv 2510.14616), on which the paper's 204 Chinese queries rest.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
from importlib import resources
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.record import from_row

# The file of a set's taxonomy in the set's folder.
FILE = "taxonomy.json"
LONGEST_NAME = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Category:
    """A group of genres (paper, section 2.1).

    Attributes:
        slug: Its name in columns and paths.
        zh: Its Chinese name.
        en: Its English name.
    """

    slug: str
    zh: str
    en: str


@dataclasses.dataclass(frozen=True, slots=True)
class Genre:
    """One genre.

    Attributes:
        slug: Its name in columns and paths.
        category: Slug of its category.
        zh: Its Chinese name.
        en: Its English name.
    """

    slug: str
    category: str
    zh: str
    en: str


@dataclasses.dataclass(frozen=True)
class Taxonomy:
    """Categories and genres.

    Attributes:
        categories: In the order in which they are shown.
        genres: In the order in which they are shown.
    """

    categories: tuple[Category, ...]
    genres: tuple[Genre, ...]

    def genre(self, name: str) -> Genre:
        """Finds a genre by slug or Chinese name.

        Raises:
            InputError: No genre has that name.
        """
        for genre in self.genres:
            if name in (genre.slug, genre.zh):
                return genre
        raise InputError(
            f"unknown genre {name!r}",
            f"nearest: {self.nearest(name)}; genres are {', '.join(g.slug for g in self.genres)}",
        )

    def nearest(self, name: str) -> str:
        """Returns the three genres whose names are most like one that no genre has: 诗歌 (poetry)、…."""
        known = {key: g for g in self.genres for key in (g.zh, g.slug)}
        close = difflib.get_close_matches(name[:LONGEST_NAME], known, 6, 0.0)
        genres = list(dict.fromkeys(known[key] for key in close))[:3]
        return "、".join(f"{g.zh} ({g.slug})" for g in genres)

    def category(self, slug: str) -> Category:
        """Finds a category by slug.

        Raises:
            InputError: No category has that slug.
        """
        for category in self.categories:
            if category.slug == slug:
                return category
        raise InputError(
            f"unknown category {slug!r}",
            f"categories are {', '.join(c.slug for c in self.categories)}",
        )

    def category_of(self, genre: str) -> str:
        """Returns the category of a genre; a genre of one's own stands for itself."""
        return next((known.category for known in self.genres if known.slug == genre), genre)

    def of_category(self, slug: str) -> tuple[Genre, ...]:
        """Returns the genres of a category."""
        return tuple(g for g in self.genres if g.category == slug)

    def to_json(self) -> str:
        """Returns the form that ``parse`` reads."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1) + "\n"

    def configs(self) -> dict[str, tuple[str, ...]]:
        """Maps each dataset config to the genres whose rows it holds.

        Categories come first; a genre that is its own category (poetry, script, role-playing)
        appears once. The published taxonomy gives 56 names.
        """
        by_category = {
            c.slug: tuple(g.slug for g in self.of_category(c.slug)) for c in self.categories
        }
        by_genre = {g.slug: (g.slug,) for g in self.genres}
        return by_category | by_genre


def parse(text: str | bytes, where: str) -> Taxonomy:
    """Reads a taxonomy from JSON: ``{"categories": [...], "genres": [...]}``.

    Args:
        text: The JSON.
        where: Name of the file, for errors.

    Raises:
        InputError: Not JSON, a key is wrong, a slug repeats, or a category is unknown.
    """
    try:
        data = json.loads(text)
        categories = tuple(from_row(Category, row, where) for row in data["categories"])
        genres = tuple(from_row(Genre, row, where) for row in data["genres"])
    except (InputError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{where}: not a taxonomy ({str(error).splitlines()[0][:120]})",
            "copy src/coig_writer/data/taxonomy.json and edit it",
        ) from error
    _check(categories, genres, where)
    return Taxonomy(categories, genres)


def _check(categories: tuple[Category, ...], genres: tuple[Genre, ...], where: str) -> None:
    slugs = [g.slug for g in genres]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise InputError(
                f"{where}: duplicate genre {slug!r}", "give each genre a slug of its own"
            )
        if not slug.replace("-", "").isalnum() or slug != slug.lower() or not slug.isascii():
            raise InputError(
                f"{where}: {slug!r} is not a slug", "use lower-case letters, digits and hyphens"
            )
    known = {c.slug for c in categories}
    for genre in genres:
        if genre.category not in known:
            raise InputError(
                f"{where}: genre {genre.slug!r} has unknown category {genre.category!r}",
                f"use one of {', '.join(sorted(known))}",
            )
        if genre.slug in known and genre.slug != genre.category:
            raise InputError(
                f"{where}: genre {genre.slug!r} has the slug of another category",
                "rename one of them",
            )


@functools.cache
def published() -> Taxonomy:
    """Returns the taxonomy of the paper: 8 categories, 51 genres."""
    path = resources.files("coig_writer") / "data" / "taxonomy.json"
    return parse(path.read_text(encoding="utf-8"), "taxonomy.json")


def load(path: Path) -> Taxonomy:
    """Reads a curator's own taxonomy from a file."""
    if not path.is_file():
        raise InputError(f"{path}: no such file", "give the path of a taxonomy in JSON")
    return parse(path.read_bytes(), str(path))


def of(folder: Path) -> Taxonomy:
    """Returns the taxonomy that a set carries; the published one where its folder holds none."""
    path = folder / FILE
    return load(path) if path.is_file() else published()
