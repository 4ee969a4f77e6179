"""Fits what the signs of an assistant's frame count for: python benchmarks/framing.py [--write].

Learns from frames and literary lines that look like frames (text_rules/rounds.jsonl but for those of HELD, the half ``tune`` of
text_rules/frames.csv, the test cases) and from every line of the kit's samples, put where a frame would stand.
Prints recall and false alarms of lines that were left out, five parts in turn; --write replaces
src/coig_writer/data/frame_weights.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stages are never installed

from benchmarks import text_rules
from coig_writer.errors import run_command
from coig_writer.preference.rates import wilson
from coig_writer.text.framing import signs
from coig_writer.text.framing.closing import last_line
from coig_writer.text.framing.opening import first_line
from coig_writer.text.normalise import folded

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "coig_writer" / "text" / "cases.jsonl"
ROUNDS = text_rules.FOLDER / "rounds.jsonl"
WEIGHTS = ROOT / "src" / "coig_writer" / "data" / "frame_weights.json"
BODY = "巷口修鞋的老周把锥子在头发里蹭了蹭，又低头去缝那只布鞋。\n雨是傍晚落的。"
RIDGE = 1.0  # as if each weight were drawn with variance 1
FALSE = 0.0075  # of literary lines that look like frames, at most so many are taken for one
FOLDS = 5
HELD = (5, 9)  # the rounds that no weight and no pattern has seen
SEED = 17
SMALLEST = 0.15  # a sign that counts less is left out

Floats = NDArray[np.float64]
Example = tuple[str, bool, float]  # a document, whether a frame stands in it, how much it counts


def placed(kind: str, frame: str) -> str:
    """Puts a line where a frame would stand."""
    return f"{frame}\n\n{BODY}" if kind == "opening" else f"{BODY}\n\n{frame}"


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """Reads the rows of a .jsonl file."""
    for line in file.read_text(encoding="utf-8").strip("\n").split("\n"):
        yield json.loads(line)


def cases(kind: str) -> Iterator[tuple[str, bool]]:
    """Reads the test cases with a frame to take away, and those to leave whole."""
    for case in lines(CASES):
        text = case["text"]
        for whole in ("{long}", "{story}", "{english}"):
            text = text.replace(whole, BODY)
        if case["expect"] in (f"strip_{kind}", "keep", "keep_whole"):
            yield text, case["expect"] == f"strip_{kind}"


def examples(kind: str) -> Iterator[Example]:
    """Reads what the weights are fitted on."""
    rounds = [
        (row["text"], row["frame"])
        for row in lines(ROUNDS)
        if row["place"] == kind and row["round"] not in HELD and "doubtful" not in row
    ]
    tuned = [(placed(kind, frame), True) for frame, held in text_rules.frames(kind) if not held]
    for text, frame in (*rounds, *tuned, *cases(kind)):
        yield text, frame, 6.0 if frame else 3.0
    for sample in text_rules.kit_samples():
        for line in filter(str.strip, sample.text.split("\n")):
            yield placed(kind, line), False, 1.0


def table(kind: str) -> tuple[list[str], Floats, Floats, Floats]:
    """Reads the signs of every example: their names, a row of 0 and 1 each, frame or not, how much it counts.

    A line that its form rules out has no sign and a negative count: it is not fitted and scores below all.
    """
    shown, frames, counts = [], [], []
    candidate = first_line if kind == "opening" else last_line
    for text, frame, count in examples(kind):
        line = candidate(folded(text))
        shown.append(signs.signs(signs.marked(*line[:3])) if line else set())
        frames.append(frame)
        counts.append(count if line else -count)
    names = sorted(set().union(*shown))
    rows = np.array([[name in row for name in names] for row in shown], dtype=np.float64)
    return names, rows, np.array(frames, dtype=np.float64), np.array(counts)


def fit(rows: Floats, frames: Floats, counts: Floats) -> Floats:
    """Fits a ridge logistic regression; the start comes first."""
    design = np.column_stack([np.ones(len(rows)), rows])
    counts = np.maximum(counts, 0.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = design @ weights
        penalty = RIDGE * weights
        penalty[0] = 0.0
        value = counts @ (np.logaddexp(0.0, scores) - frames * scores) + weights @ penalty / 2
        return float(value), design.T @ (counts * (1 / (1 + np.exp(-scores)) - frames)) + penalty

    weights: Floats = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return weights


def left_out(rows: Floats, frames: Floats, counts: Floats) -> Floats:
    """Scores every example by weights that were fitted without it."""
    part = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        rest = part != fold
        weights = fit(rows[rest], frames[rest], counts[rest])
        scores[~rest] = weights[0] + rows[~rest] @ weights[1:]
    return np.where(counts > 0, scores, -np.inf)


def report(kind: str, scores: Floats, frames: Floats, counts: Floats, edge: float) -> Iterator[str]:
    """Renders recall and false alarms of what was left out."""
    for name, chosen in (
        ("frames", frames == 1),
        ("look-alikes", (frames == 0) & (np.abs(counts) > 1)),
        ("lines of the samples", np.abs(counts) == 1),
    ):
        rate = wilson(int((scores[chosen] > edge).sum()), int(chosen.sum()))
        yield f"{kind:<8} {name:<21} taken for a frame: {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}] of {int(chosen.sum())}"


def fitted(kind: str) -> tuple[dict[str, float], list[str]]:
    """Fits the weights of one kind: what each sign counts for, and the report on what was left out."""
    names, rows, frames, counts = table(kind)
    scores = left_out(rows, frames, counts)
    alike = (frames == 0) & (np.abs(counts) > 1)
    edge = float(np.sort(scores[alike])[-int(FALSE * alike.sum()) - 1])
    weights = fit(rows, frames, counts).tolist()
    chosen = {n: round(w, 2) for n, w in zip(names, weights[1:], strict=True) if abs(w) >= SMALLEST}
    summary = list(report(kind, scores, frames, counts, edge))
    return {"": round(weights[0] - edge, 2), **chosen}, summary


def main() -> int | None:
    """Fits and prints; with --write also writes the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="replace the kit's weights")
    options = parser.parse_args()
    kinds = {}
    for kind in ("opening", "closing"):
        kinds[kind], summary = fitted(kind)
        print("\n".join(summary))
    if options.write:
        WEIGHTS.write_text(json.dumps(kinds, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
