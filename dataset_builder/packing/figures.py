"""The pictures of the dataset card: Figures 3 and 6 of the paper, drawn from the rows.

Labels are English in PNG, since fonts for Chinese cannot be assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coig_writer.metrics.length import characters
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet
from dataset_builder.packing.summary import PARTS, Group

COLOURS = ("#3b6ea5", "#c8553d", "#588157", "#e0a030", "#7b5ea7", "#4f9d9d", "#b5697d", "#6d6d6d")


def draw(
    triplets: Sequence[Triplet], groups: dict[str, Group], taxonomy: Taxonomy, folder: Path
) -> list[str]:
    """Writes the three figures to a folder and returns their file names."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        "figure-3a-categories.png": lambda axes: _categories(axes, groups, taxonomy),
        "figure-3b-lengths.png": lambda axes: _lengths(axes, triplets),
        "figure-6-genres.png": lambda axes: _genres(axes, groups, taxonomy),
    }
    for name, paint in drawn.items():
        _save(folder / name, paint, square=name.startswith("figure-6"))
    return list(drawn)


def _save(path: Path, paint: Any, *, square: bool) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        figsize=(9, 9) if square else (8, 4.2), dpi=110, layout="constrained"
    )
    paint(axes)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def _present(groups: dict[str, Group], taxonomy: Taxonomy) -> list[tuple[str, str, int]]:
    """Returns (slug, English name, rows) of the categories that have rows."""
    return [
        (c.slug, c.en, groups[f"category/{c.slug}"].count)
        for c in taxonomy.categories
        if f"category/{c.slug}" in groups
    ]


def _categories(axes: Any, groups: dict[str, Group], taxonomy: Taxonomy) -> None:
    rows = sorted(_present(groups, taxonomy), key=lambda r: r[2])
    colours = {c.slug: COLOURS[i % len(COLOURS)] for i, c in enumerate(taxonomy.categories)}
    bars = axes.barh(
        [r[1] for r in rows], [r[2] for r in rows], color=[colours[r[0]] for r in rows]
    )
    axes.bar_label(bars, padding=4, fontsize=9)
    axes.set(title="Rows by category", xlabel="rows")
    axes.spines[["top", "right"]].set_visible(False)


def _lengths(axes: Any, triplets: Sequence[Triplet]) -> None:
    import numpy as np

    lengths = {part: [characters(getattr(t, part)) for t in triplets] for part in PARTS}
    shortest, longest = min(map(min, lengths.values())), max(map(max, lengths.values()))
    edges = np.geomspace(max(1, shortest) * 0.95, longest * 1.05, 40)
    for colour, (part, values) in zip(COLOURS, lengths.items(), strict=False):
        axes.hist(values, bins=edges, histtype="stepfilled", alpha=0.45, color=colour, label=part)
    axes.set(
        xscale="log",
        title="Length of the three parts",
        xlabel="characters (log scale)",
        ylabel="rows",
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _genres(axes: Any, groups: dict[str, Group], taxonomy: Taxonomy) -> None:
    inner = _present(groups, taxonomy)
    colours = {c.slug: COLOURS[i % len(COLOURS)] for i, c in enumerate(taxonomy.categories)}
    leaves = [
        (g.en, g.category, groups[f"genre/{g.slug}"].count)
        for slug, _, _ in inner
        for g in taxonomy.of_category(slug)
        if f"genre/{g.slug}" in groups
    ]
    ring: dict[str, Any] = {"startangle": 90, "counterclock": False}
    edge = {"edgecolor": "white", "linewidth": 0.8}
    # the inner ring counts only rows with a genre, so that both rings close on the same angles
    assigned = [
        sum(count for _, category, count in leaves if category == slug) for slug, _, _ in inner
    ]
    axes.pie(
        assigned,
        radius=0.62,
        labels=None,
        colors=[colours[s] for s, _, _ in inner],
        wedgeprops=edge | {"width": 0.3},
        **ring,
    )
    outer, texts = axes.pie(
        [n for *_, n in leaves],
        radius=0.92,
        labels=[f"{name} {n}" for name, _, n in leaves],
        colors=[colours[c] for _, c, _ in leaves],
        wedgeprops=edge | {"width": 0.28, "alpha": 0.55},
        rotatelabels=True,
        labeldistance=1.02,
        textprops={"fontsize": 6.5},
        **ring,
    )[:2]
    axes.legend(
        handles=[
            _patch(colours[s], f"{name} {n}")
            for (s, name, _), n in zip(inner, assigned, strict=True)
        ],
        loc="center",
        frameon=False,
        fontsize=7,
        title="Genres",
    )
    del outer, texts


def _patch(colour: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)
