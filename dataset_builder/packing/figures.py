"""The pictures of the dataset card: Figures 3 and 6 of the paper, drawn from the rows.

Labels are English in PNG, since fonts for Chinese cannot be assumed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer.metrics.length import characters
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet
from dataset_builder.packing.summary import PARTS, Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#3b6ea5", "#c8553d", "#588157", "#e0a030", "#7b5ea7", "#4f9d9d", "#b5697d", "#6d6d6d")


def draw(
    triplets: Sequence[Triplet], groups: Mapping[str, Group], taxonomy: Taxonomy, folder: Path
) -> list[str]:
    """Writes the three figures to a folder and returns their file names; rows without any genre have one."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        "figure-3a-categories.png": lambda axes: _categories(axes, groups, taxonomy),
        "figure-3b-lengths.png": lambda axes: _lengths(axes, triplets),
        "figure-6-genres.png": lambda axes: _genres(axes, groups, taxonomy),
    }
    if not any(True for _ in _shares(groups, taxonomy)):
        drawn = {"figure-3b-lengths.png": drawn["figure-3b-lengths.png"]}
    for name, paint in drawn.items():
        _save(folder / name, paint, square=name.startswith("figure-6"))
    return list(drawn)


def _save(path: Path, paint: Callable[[Axes], None], *, square: bool) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        figsize=(9, 9) if square else (8, 4.2), dpi=110, layout="constrained"
    )
    paint(axes)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


@dataclasses.dataclass(frozen=True, slots=True)
class _Share:
    """One bar or wedge."""

    name: str
    rows: int
    colour: str

    @property
    def label(self) -> str:
        return f"{self.name} {self.rows}"


def _shares(
    groups: Mapping[str, Group], taxonomy: Taxonomy
) -> Iterator[tuple[_Share, list[_Share]]]:
    """Yields each category that has rows with its genres, in the category's colour.

    A category counts the rows that have a genre, so that both rings close on the same angles.
    """
    for place, category in enumerate(taxonomy.categories):
        colour = COLOURS[place % len(COLOURS)]
        genres = [
            _Share(genre.en, groups[f"genre/{genre.slug}"].count, colour)
            for genre in taxonomy.of_category(category.slug)
            if f"genre/{genre.slug}" in groups
        ]
        if genres:
            yield _Share(category.en, sum(genre.rows for genre in genres), colour), genres


def _categories(axes: Axes, groups: Mapping[str, Group], taxonomy: Taxonomy) -> None:
    shares = sorted((share for share, _ in _shares(groups, taxonomy)), key=lambda s: s.rows)
    bars = axes.barh(
        [s.name for s in shares], [s.rows for s in shares], color=[s.colour for s in shares]
    )
    axes.bar_label(bars, padding=4, fontsize=9)
    axes.set(title="Rows by category", xlabel="rows")
    axes.spines[["top", "right"]].set_visible(False)


def _lengths(axes: Axes, triplets: Sequence[Triplet]) -> None:
    import numpy as np

    lengths = {part: [characters(getattr(t, part)) for t in triplets] for part in PARTS}
    shortest, longest = min(map(min, lengths.values())), max(map(max, lengths.values()))
    edges = np.geomspace(max(1, shortest) * 0.95, longest * 1.05, 40)
    for colour, (part, values) in zip(COLOURS, lengths.items(), strict=False):
        axes.hist(
            values, bins=edges.tolist(), histtype="stepfilled", alpha=0.45, color=colour, label=part
        )
    axes.set(
        xscale="log",
        title="Length of the three parts",
        xlabel="characters (log scale)",
        ylabel="rows",
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _genres(axes: Axes, groups: Mapping[str, Group], taxonomy: Taxonomy) -> None:
    """Draws two rings: categories inside, their genres outside."""
    shares = list(_shares(groups, taxonomy))
    inner = [category for category, _ in shares]
    outer = [genre for _, genres in shares for genre in genres]
    edge = {"edgecolor": "white", "linewidth": 0.8}
    wedges, *_ = axes.pie(
        [s.rows for s in inner],
        radius=0.62,
        colors=[s.colour for s in inner],
        wedgeprops=edge | {"width": 0.3},
        startangle=90,
        counterclock=False,
    )
    axes.pie(
        [s.rows for s in outer],
        radius=0.92,
        labels=[s.label for s in outer],
        colors=[s.colour for s in outer],
        wedgeprops=edge | {"width": 0.28, "alpha": 0.55},
        rotatelabels=True,
        labeldistance=1.02,
        textprops={"fontsize": 6.5},
        startangle=90,
        counterclock=False,
    )
    axes.legend(
        wedges, [s.label for s in inner], loc="center", frameon=False, fontsize=7, title="Genres"
    )
