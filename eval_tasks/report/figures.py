"""The report's figures: drawn once with matplotlib, kept as PNG files and as SVG inside the page.

Labels are English, since fonts for Chinese cannot be assumed in PNG. In the SVG text stays text and
ink follows the page's colours, light or dark.
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coig_writer.metrics.behaviour import BEHAVIOURS
from coig_writer.preference.association import Association
from coig_writer.preference.board import Board
from coig_writer.preference.pooling import Pooled
from eval_tasks.bilingual import Text
from eval_tasks.report.reasoning import BINS, Reasoning
from eval_tasks.report.relation import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.typing import RcKeyType

INK, SOFT, RULE, CALM = "#22252a", "#62666d", "#e6e2d8", "#b9b5aa"
RED, BLUE = "#b5462f", "#2f5f8f"
BEHAVIOUR_COLOURS = ("#c9c4b8", "#2f5f8f", "#b98524", "#b5462f")
THEMED = {INK: "var(--ink)", SOFT: "var(--soft)", RULE: "var(--rule)"}
Paint = Callable[["Canvas"], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A drawn figure: its file name without ending, its caption, and its SVG."""

    name: str
    caption: Text
    svg: str


def draw(name: str, caption: Text, size: tuple[float, float], paint: Paint, folder: Path) -> Figure:
    """Draws a figure, writes its PNG to the folder and returns it with its SVG.

    Args:
        name: File name without ending.
        caption: One or two sentences for the page.
        size: Width and height in inches.
        paint: Draws on the matplotlib figure that it is given.
        folder: Where the PNG goes.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    style: dict[RcKeyType, object] = {
        "svg.fonttype": "none", "text.parse_math": False, "svg.hashsalt": name, "font.size": 9, "text.color": INK,
        "axes.edgecolor": RULE, "axes.labelcolor": SOFT, "xtick.color": SOFT, "ytick.color": INK,
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "axes.facecolor": "none", "axes.titlesize": 10, "axes.titlelocation": "left", "grid.color": RULE, "axes.axisbelow": True,
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = plt.figure(figsize=size, dpi=150, layout="constrained")
        paint(figure)
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", metadata={"Software": None}, facecolor="#fbfaf7")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
        plt.close(figure)
    return Figure(name, caption, _themed(buffer.getvalue()))


def _themed(svg: str) -> str:
    """Strips the XML head and lets ink and font follow the page."""
    svg = svg[svg.index("<svg") :]
    for colour, variable in THEMED.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)


def boxes(values: Mapping[str, Sequence[float]], label: str, paper: Mapping[str, float]) -> Paint:
    """Paints one box per variant, whiskers at 1.5 quartile ranges, the mean as a dot.

    ``paper`` holds published means, shown as open diamonds.
    """

    def paint(figure: Canvas) -> None:
        axes = figure.subplots()
        names = list(values)[::-1]
        axes.boxplot(
            [values[n] for n in names], orientation="horizontal", widths=0.55, patch_artist=True, showmeans=True,
            boxprops={"facecolor": CALM, "edgecolor": "none", "alpha": 0.55},
            medianprops={"color": INK, "linewidth": 1.4}, whiskerprops={"color": CALM}, capprops={"visible": False},
            flierprops={"marker": ".", "markersize": 3, "markerfacecolor": CALM, "markeredgecolor": "none"},
            meanprops={"marker": "o", "markersize": 4, "markerfacecolor": RED, "markeredgecolor": "none"},
        )  # fmt: skip
        for place, name in enumerate(names, 1):
            _published(axes, paper.get(name), place)
        axes.set_yticks(range(1, len(names) + 1), names)
        axes.tick_params(length=0)
        axes.grid(axis="x")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_xlabel(label)

    return paint


def _published(axes: Axes, value: float | None, place: float) -> None:
    """Marks a number that the paper printed."""
    if value is not None:
        axes.plot(value, place, "D", markersize=5, markerfacecolor="none", markeredgecolor=BLUE)


def intervals(
    rows: Mapping[str, tuple[float, float, float]],
    label: str,
    *,
    reference: float | None,
    paper: Mapping[str, float] | None = None,
    conclusive: bool = True,
) -> Paint:
    """Paints estimates with intervals, one line each, over an optional reference line.

    ``paper`` holds published values, shown as open diamonds. Where nothing is concluded nothing is red.
    """

    def paint(figure: Canvas) -> None:
        axes = figure.subplots()
        places = np.arange(len(rows))[::-1]
        for place, (value, low, high) in zip(places, rows.values(), strict=True):
            clear = conclusive and reference is not None and not low <= reference <= high
            colour = RED if clear else SOFT
            axes.plot(
                [low, high],
                [place] * 2,
                color=colour,
                alpha=0.35,
                linewidth=4.5,
                solid_capstyle="round",
            )
            axes.plot(value, place, "o", color=colour, markersize=5)
        for place, name in zip(places, rows, strict=True):
            _published(axes, (paper or {}).get(name), place)
        if reference is not None:
            axes.axvline(reference, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.set_yticks(places, list(rows))
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.tick_params(length=0)
        axes.grid(axis="x")
        axes.set_xlabel(label)

    return paint


def profiles(reasonings: Mapping[str, Reasoning]) -> Paint:
    """Paints a small panel per variant: behaviours stacked by tenth of the reasoning, a tenth without paragraphs blank."""

    def paint(figure: Canvas) -> None:
        columns = min(3, len(reasonings))
        panels = figure.subplots(
            -(-len(reasonings) // columns), columns, sharex=True, sharey=True, squeeze=False
        )
        starts = np.arange(BINS) / BINS
        for axes, (variant, reasoning) in zip(panels.flat, reasonings.items(), strict=False):
            floor = np.zeros(BINS)
            for share, colour in zip(
                np.nan_to_num(reasoning.profile), BEHAVIOUR_COLOURS, strict=True
            ):
                axes.bar(starts, share, 1 / BINS, floor, align="edge", color=colour, linewidth=0)
                floor += share
            axes.set_title(f"{variant}  ({reasoning.paragraphs:,} paragraphs)")
            axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            axes.tick_params(length=0)
        for axes in list(panels.flat)[len(reasonings) :]:
            axes.set_visible(False)
        names = [b.replace("_", " ") for b in BEHAVIOURS]
        figure.legend(
            panels.flat[0].containers, names, loc="outside lower left", ncols=4, frameon=False
        )

    return paint


def board_rows(board: Board) -> dict[str, tuple[float, float, float]]:
    """Returns strengths with intervals, strongest first."""
    strengths = [(s.model, s.strength) for s in board.standings]
    return {name: (i.estimate, i.low, i.high) for name, i in strengths}


def genre_rows(
    pooled: Mapping[str, Pooled], titles: Mapping[str, str], scale: float
) -> dict[str, tuple[float, float, float]]:
    """Returns pooled values times ``scale`` with intervals, labelled with name and prompts."""
    return {
        f"{titles.get(genre, genre)} ({p.n})": (scale * p.value, scale * p.low, scale * p.high)
        for genre, p in pooled.items()
    }


def relation_rows(associations: Mapping[str, Association]) -> dict[str, tuple[float, float, float]]:
    """Returns concordance in percent with intervals, by metric."""
    return {
        METRICS[m].en: (
            100 * a.concordance.estimate,
            100 * a.concordance.low,
            100 * a.concordance.high,
        )
        for m, a in associations.items()
    }
