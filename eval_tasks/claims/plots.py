"""The pictures of the claims page: intervals, growth with general data, scatter, genres, means."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from coig_writer.preference.rates import Rate
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import percent
from eval_tasks.claims.svg import bar, canvas, dot, line, polyline, text

WIDTH = 380  # the width of a phone, so that letters are not shrunk
SERIES = {"zh": "first", "en": "second"}  # CSS classes of the two languages


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of an interval plot."""

    label: str | Text
    rate: Rate
    css: str


def rates(
    rows: Sequence[Row], *, reference: float | None = 0.5, ends: tuple[float, float] = (0.15, 0.85)
) -> str:
    """Draws shares with their intervals, one line each, over a reference line."""
    left, right, step = 118.0, 314.0, 30
    height = 12 + step * len(rows) + 26
    floor, (low, high) = height - 26, ends

    def x(share: float) -> float:
        return left + (right - left) * (share - low) / (high - low)

    ticks = (0.2, 0.35, 0.5, 0.65, 0.8) if low > 0 else tuple(high * i / 4 for i in range(5))
    parts = [line((x(tick), 6), (x(tick), floor), "grid") for tick in ticks]
    parts += [text(x(t), height - 8, percent(t, 0), "tick", "middle") for t in ticks[::2]]
    if reference is not None:
        parts.append(line((x(reference), 2), (x(reference), floor), "reference"))
    if reference is not None and reference not in ticks:
        parts.append(text(x(reference) + 5, 11, percent(reference, 0), "tick"))
    for i, row in enumerate(rows):
        y = 10 + step * (i + 0.5)
        parts += [
            text(left - 14, y + 4, row.label, "label", "end"),
            line((x(row.rate.low), y), (x(row.rate.high), y), f"whisker {row.css}"),
            dot(x(row.rate.value), y, 4.5, f"fill {row.css}"),
            text(WIDTH, y + 4, percent(row.rate.value, 2), "value", "end"),
        ]
    spoken = "; ".join(f"{_english(r.label)} {percent(r.rate.value, 2)}" for r in rows)
    return canvas(WIDTH, height, parts, spoken)


def _english(label: str | Text) -> str:
    return label.en if isinstance(label, Text) else label


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """The measures of the hero: for a page beside which the languages are named, and for a phone."""

    width: int
    height: int
    sides: tuple[float, float]
    levels: tuple[float, float]
    inset: tuple[float, float]
    columns: tuple[str, ...]
    beside: bool

    def x(self, i: int) -> float:
        """Maps a mixture, by its number, onto the page."""
        start, end = self.sides[0] + self.inset[0], self.sides[1] - self.inset[1]
        return start + (end - start) * i / (len(self.columns) - 1)

    def y(self, share: float) -> float:
        """Maps a share onto the page."""
        top, floor = self.levels
        return floor - (floor - top) * (share - 0.15) / 0.6


WIDE = Frame(
    1000, 430, (64, 860), (24, 366), (70, 50), ("0", "2,000", "10,000", "20,000"), beside=True
)
NARROW = Frame(340, 400, (38, 338), (52, 330), (32, 26), ("0", "2k", "10k", "20k"), beside=False)


def growth(
    series: Mapping[str, Sequence[Rate]], titles: Mapping[str, Text], frame: Frame = WIDE
) -> str:
    """Draws the hero: win rate against the general-only model as general rows are added."""
    parts = _growth_grid(frame)
    for number, (language, rates) in enumerate(series.items()):
        parts += _growth_line(rates, SERIES[language], frame, above=language == "zh")
        ends = (frame.sides[1] + 14, frame.y(rates[-1].value) + 5)
        place = ends if frame.beside else (frame.sides[0] + 140 * number, 16.0)
        parts.append(text(*place, titles[language], f"series ink-{SERIES[language]}"))
    spoken = "; ".join(
        f"{titles[language].en}: {', '.join(percent(r.value, 2) for r in rates)}"
        for language, rates in series.items()
    )
    return canvas(frame.width, frame.height, parts, spoken)


def _growth_grid(frame: Frame) -> list[str]:
    """Draws the levels, the line of an even chance and the amounts of general data."""
    (left, right), floor = frame.sides, frame.levels[1]
    parts = []
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        level = frame.y(share)
        parts.append(line((left, level), (right, level), "reference" if share == 0.5 else "grid"))
        parts.append(text(left - 8, level + 4, percent(share, 0), "tick", "end"))
    parts.append(text(left, frame.y(0.5) - 8, Text("even with G", "与 G 持平"), "tick"))
    for i, name in enumerate(frame.columns):
        parts.append(text(frame.x(i), floor + 26, name, "label", "middle"))
    across = Text(
        "general rows mixed with the 1,665 creative ones", "与 1,665 条创作数据混合的通用数据条数"
    )
    last = len(frame.columns) - 1
    parts.append(text((frame.x(0) + frame.x(last)) / 2, floor + 52, across, "tick", "middle"))
    return parts


def _growth_line(rates: Sequence[Rate], css: str, frame: Frame, *, above: bool) -> list[str]:
    """Draws one language: its line, its intervals, and each rate clear of both."""
    shift = -7 if above else 7
    places = [(frame.x(i) + shift, r) for i, r in enumerate(rates)]
    parts = [polyline([(x, frame.y(r.value)) for x, r in places], f"path {css}")]
    for x, r in places:
        end = frame.y(r.high) - 13 if above else frame.y(r.low) + 22
        parts += [
            line((x, frame.y(r.low)), (x, frame.y(r.high)), f"whisker wide {css}"),
            dot(x, frame.y(r.value), 6, f"fill {css}"),
            text(x, end, f"{100 * r.value:.2f}", f"value ink-{css}", "middle"),
        ]
    return parts


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """A scale of a scatter plot: what it is, and its ends."""

    name: Text
    low: float
    high: float
    digits: int = 2

    def at(self, value: float, start: float, end: float) -> float:
        """Maps a value onto the page."""
        return start + (end - start) * (value - self.low) / (self.high - self.low)


def scatter(
    x_axes: Mapping[str, Axis],
    y_axis: Axis,
    points: Mapping[str, Mapping[str, tuple[float, float]]],
) -> str:
    """Draws one small panel per language: models as labelled points."""
    height, top, floor, panel, gap = 236, 30.0, 184.0, 158.0, 28.0
    parts: list[str] = []
    for number, (language, models) in enumerate(points.items()):
        left = 36 + number * (panel + gap)
        parts += _frame(language, x_axes[language], y_axis, (left, left + panel, top, floor))
        axis = x_axes[language]
        placed = {
            name: (axis.at(x, left, left + panel), y_axis.at(y, floor, top))
            for name, (x, y) in models.items()
        }
        parts += _labelled(placed, SERIES[language], left + panel)
    parts.append(text(36, height - 10, x_axes["zh"].name, "tick"))
    across = Text(f"vertical: {y_axis.name.en}", f"纵轴：{y_axis.name.zh}")
    parts.append(text(WIDTH, height - 10, across, "tick", "end"))
    spoken = "; ".join(
        f"{language} {name} {x:g}, {percent(y)}"
        for language, models in points.items()
        for name, (x, y) in models.items()
    )
    return canvas(WIDTH, height, parts, spoken)


def _frame(
    language: str, x_axis: Axis, y_axis: Axis, box: tuple[float, float, float, float]
) -> list[str]:
    """Draws the title, grid and ends of a panel."""
    left, right, top, floor = box
    title = {"zh": Text("Chinese", "中文"), "en": Text("English", "英文")}[language]
    parts = [text(left, 16, title, f"series ink-{SERIES[language]}")]
    for share in (0.25, 0.5, 0.75):
        level = y_axis.at(share, floor, top)
        parts.append(line((left, level), (right, level), "reference" if share == 0.5 else "grid"))
        if language == "zh":
            parts.append(text(left - 6, level + 4, percent(share, 0), "tick", "end"))
    for end, anchor in ((x_axis.low, "start"), (x_axis.high, "end")):
        place = x_axis.at(end, left, right)
        parts.append(text(place, floor + 18, f"{end:,.{x_axis.digits}f}", "tick", anchor))
    return parts


Box = tuple[float, float, float, float]  # left, top, right, bottom


def _labelled(placed: Mapping[str, tuple[float, float]], css: str, right: float) -> list[str]:
    """Draws points with names beside them, each where it covers no point and no other name."""
    parts: list[str] = []
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in placed.values()]
    for name, (x, y) in placed.items():
        spots = _spots(name, x, y)
        spot = min(spots, key=lambda s: sum(_meet(spots[s], b) for b in taken) + (spots[s][2] > right + 6))  # fmt: skip
        taken.append(spots[spot])
        (at, level), anchor = spot
        parts += [text(at, level, name, "point", anchor), dot(x, y, 4.5, f"fill {css}")]
    return parts


def _spots(name: str, x: float, y: float) -> dict[tuple[tuple[float, float], str], Box]:
    """Returns the possible places of a name, best first: start of the text with its anchor, to its box."""
    wide = 7.0 * len(name)
    spots = {}
    for level, gap in ((y + 4, 9), (y - 6, 6), (y + 14, 6)):
        spots[(x + gap, level), "start"] = (x + gap, level - 9, x + gap + wide, level + 1)
        spots[(x - gap, level), "end"] = (x - gap - wide, level - 9, x - gap, level + 1)
    return spots


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def genres(counts: Sequence[int], empty: int, *, limit: int | None) -> str:
    """Draws one bar per genre by size, hollow where it has no row, over an optional limit."""
    height, floor, width = 150, 120.0, (WIDTH - 4) / (len(counts) + empty)
    top = max(counts)
    parts = []
    for i, count in enumerate(sorted(counts, reverse=True)):
        tall = (floor - 14) * count / top
        css = "fill no" if limit is not None and count < limit else "fill calm"
        parts.append(bar(i * width, floor - tall, (width - 2, tall), css))
    parts += [dot((len(counts) + i + 0.4) * width, floor - 4, 3, "hollow") for i in range(empty)]
    parts.append(line((0, floor + 0.5), (WIDTH, floor + 0.5), "axis"))
    if limit is not None:
        level = floor - (floor - 14) * limit / top
        parts.append(line((0, level), (WIDTH, level), "reference"))
        parts.append(text(WIDTH, level - 6, Text(f"{limit} rows", f"{limit} 条"), "tick", "end"))
    parts.append(
        text(
            0,
            height - 8,
            Text(f"{len(counts)} genres with rows", f"{len(counts)} 个体裁有数据"),
            "tick",
        )
    )
    if empty:
        parts.append(
            text(WIDTH, height - 8, Text(f"{empty} without", f"{empty} 个没有"), "tick", "end")
        )
    return canvas(
        WIDTH,
        height,
        parts,
        f"{len(counts)} genres from {top} rows to {min(counts)}; {empty} empty",
    )


def shares(rows: Mapping[str | Text, float], reference: float, top: float) -> str:
    """Draws shares as bars over a reference line."""
    left, right, step = 122.0, 318.0, 30
    height = 10 + step * len(rows) + 24
    at = left + (right - left) * reference / top
    parts = [line((at, 2), (at, height - 24), "reference")]
    parts.append(text(at, height - 8, percent(reference, 0), "tick", "middle"))
    for i, (label, share) in enumerate(rows.items()):
        y = 8 + step * i
        wide = (right - left) * share / top
        parts += [
            text(left - 14, y + 17, label, "label", "end"),
            bar(left, y + 6, (wide, 14), "fill calm"),
            text(WIDTH, y + 17, percent(share, 1), "value", "end"),
        ]
    return canvas(
        WIDTH, height, parts, "; ".join(f"{_english(k)} {percent(v)}" for k, v in rows.items())
    )


def dumbbells(rows: Mapping[Text, tuple[float, float]], headings: tuple[Text, Text]) -> str:
    """Draws printed against recomputed means, one line each."""
    left, right, step = 122.0, 318.0, 26
    height = 34 + step * len(rows)
    top = max(max(pair) for pair in rows.values()) * 1.05
    parts = [
        dot(left + 4, 10, 4, "hollow strong"), text(left + 14, 14, headings[0], "tick"),
        dot(left + 104, 10, 4, "fill no"), text(left + 114, 14, headings[1], "tick"),
    ]  # fmt: skip
    for i, (label, (printed, computed)) in enumerate(rows.items()):
        y = 34 + step * (i + 0.3)
        a, b = (left + (right - left) * value / top for value in (printed, computed))
        parts += [
            text(left - 14, y + 4, label, "label", "end"),
            line((left, y), (right, y), "grid"),
            line((a, y), (b, y), "link"),
            dot(a, y, 4, "hollow strong"),
            dot(b, y, 4, "fill no"),
            text(WIDTH, y + 4, f"{computed - printed:+,.0f}", "value", "end"),
        ]
    return canvas(
        WIDTH,
        height,
        parts,
        "; ".join(f"{k.en} {a:g} printed, {b:.0f} found" for k, (a, b) in rows.items()),
    )


def printed_and_computed(printed: float, computed: tuple[float, float, float]) -> str:
    """Draws printed points (hollow) and the recomputed ones with their interval on one scale."""
    left, right, height = 30.0, WIDTH - 44.0, 90
    value, low, high = computed
    top = max(printed, high) * 1.04

    def x(v: float) -> float:
        return left + (right - left) * v / top

    parts = [
        line((left, 48), (right, 48), "axis"),
        line((x(low), 48), (x(high), 48), "whisker found"),
        dot(x(value), 48, 5.5, "fill found"),
        dot(x(printed), 48, 5.5, "hollow strong"),
        text(x(value), 28, _points(f"{value:.2f}"), "value", "middle"),
        text(x(printed), 28, _points(f"{printed:g}"), "value", "middle"),
        text(x(value), 76, Text("counts", "数据"), "tick", "middle"),
        text(x(printed), 76, Text("paper", "论文"), "tick", "middle"),
    ]
    return canvas(WIDTH, height, parts, f"paper {printed:g}, counts {value:.2f} points")


def _points(number: str) -> Text:
    return Text(f"{number} points", f"{number} 个百分点")
