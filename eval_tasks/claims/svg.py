"""SVG by hand: the few shapes that the plots need, text in both languages at the same place.

Colours are CSS classes, so that one drawing serves light and dark; a ``Text`` becomes two elements,
of which the page shows one.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from eval_tasks.bilingual import Text


def canvas(width: int, height: int, parts: Iterable[str], label: str) -> str:
    """Wraps shapes into an image with a description for screen readers."""
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(label)}">{body}</svg>'
    )


def text(x: float, y: float, content: str | Text, css: str = "", anchor: str = "start") -> str:
    """Writes text with its baseline at y."""
    if isinstance(content, Text):
        if content.en != content.zh:
            english = text(x, y, content.en, f"{css} en", anchor)
            return english + text(x, y, content.zh, f"{css} zh", anchor)
        content = content.en
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css.strip()}" text-anchor="{anchor}">{escape(content)}</text>'


def line(start: tuple[float, float], end: tuple[float, float], css: str) -> str:
    """Draws a straight line."""
    (x1, y1), (x2, y2) = start, end
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def dot(x: float, y: float, radius: float, css: str) -> str:
    """Draws a filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{css}"/>'


def bar(x: float, y: float, size: tuple[float, float], css: str) -> str:
    """Draws a rectangle with slightly rounded corners; ``size`` is width and height."""
    width, height = max(size[0], 0.0), max(size[1], 0.0)
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" class="{css}"/>'


def polyline(points: Iterable[tuple[float, float]], css: str) -> str:
    """Joins points."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{joined}" class="{css}"/>'
