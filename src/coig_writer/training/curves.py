"""The training log of a run as files that can be published: its entries, and loss per source as an SVG.

A run leaves both, a card shows the plot, a release ships both. ``trainer_state.json`` stays where it is: it
also holds what only a resume needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from coig_writer.errors import InputError
from coig_writer.files import read_json, read_rows, write_rows

TOKEN = "supervised token"
LOG, PLOT = "training_log.jsonl", "loss.svg"
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 56, 16, 150, 40
COLOURS = (
    "#4269d0",
    "#efb118",
    "#ff725c",
    "#6cc5b0",
    "#9c6b4e",
    "#3ca951",
)  # told apart by most eyes
Entry = Mapping[str, float]
Points = Sequence[tuple[float, float]]


def read(folder: Path) -> list[Entry]:
    """Reads what a run logged, from its state or from a release's log; nothing if neither is there."""
    if (folder / "trainer_state.json").is_file():
        return list(read_json(folder / "trainer_state.json").get("log_history", []))
    return [entry for _, entry in read_rows(folder / LOG)] if (folder / LOG).is_file() else []


def write(folder: Path, history: Sequence[Entry], per: str = TOKEN) -> None:
    """Writes log and plot into the folder of a run or release; neither if no loss was logged.

    Args:
        folder: Where to.
        history: What the run logged.
        per: What its loss is a mean over.
    """
    if lines := curves(history):
        write_rows(folder / LOG, history)
        (folder / PLOT).write_text(svg(lines, per), encoding="utf-8")


def curves(history: Iterable[Entry]) -> dict[str, Points]:
    """Returns (step, loss per supervised token) of every source, of all, and of held-out rows.

    Raises:
        InputError: A loss or its step is no number, as in a log that was edited.
    """
    lines: dict[str, list[tuple[float, float]]] = {}
    for entry in history:
        for key, value in entry.items():
            if key in {"loss", "eval_loss"} or key.startswith("loss/"):
                name = {"loss": "all", "eval_loss": "held out"}.get(key, key.removeprefix("loss/"))
                step = entry.get("step")
                if not (isinstance(step, (int, float)) and isinstance(value, (int, float))):
                    raise InputError(
                        f"training log: {key} {value!r} at step {step!r}: not numbers",
                        f"restore {LOG} from the run, or run: python recipes/sft.py",
                    )
                lines.setdefault(name, []).append((step, value))
    return dict(sorted(lines.items(), key=lambda item: (item[0] != "all", item[0])))


def alt(lines: Mapping[str, Points]) -> str:
    """Says in words where the first curve, the loss over all sources, starts and ends."""
    name, line = next(iter(lines.items()))
    (first, start), (last, end) = line[0], line[-1]
    what = "Training loss" if name == "all" else f"Loss, {name}"
    return f"{what}: {start:.3g} at step {first:.0f}, {end:.3g} at step {last:.0f}"


def svg(lines: Mapping[str, Points], per: str = TOKEN) -> str:
    """Draws curves, of which there is at least one, as an SVG: the same bytes for the same numbers; ``per`` as for ``write``."""
    points = [point for line in lines.values() for point in line]
    last, high = max(x for x, _ in points), max(y for _, y in points)
    low = min(0.0, *(y for _, y in points))

    def at(step: float, loss: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / max(last, 1)
        y = TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / ((high - low) or 1)
        return f"{x:.1f},{y:.1f}"

    def text(x: float, y: float, words: str, anchor: str = "end") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = float(at(0, low + share * (high - low)).partition(",")[2])
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(LEFT - 6, y + 4, f"{low + share * (high - low):.2f}"))
    for step in sorted({round(share * last) for share in (0.0, 0.25, 0.5, 0.75, 1.0)}):
        x = float(at(step, low).partition(",")[0])
        parts.append(text(x, HEIGHT - BOTTOM + 18, f"{step:,}", "middle"))
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(at(*point) for point in line)
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>'
            for x, _, y in (at(*point).partition(",") for point in line)
            if len(line) < 12
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>{dots}')
        y = TOP + 10 + 18 * number
        parts.append(
            f'<path d="M{WIDTH - RIGHT + 12} {y - 4}h18" stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(text(WIDTH - RIGHT + 36, y, name, "start"))
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(text(middle, HEIGHT - 6, f"optimizer step; loss in nats per {per}", "middle"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label={quoteattr(alt(lines))} font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
