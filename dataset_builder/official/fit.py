"""Fits the genre classifier that the package ships, on texts that were written for this kit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize

from coig_writer import benchmark
from coig_writer.files import atomic_path, read_rows
from coig_writer.taxonomy import published
from coig_writer.text.genre import BUCKETS, PARTS, READ, Part, features, genres
from dataset_builder.packing import samples

OUT = Path("src/coig_writer/data/genre_classifier.npz")
RAW = samples.FOLDER.parent / "raw_texts.jsonl"
PENALTY = 1e-4
Labelled = Sequence[tuple[str, str]]


def texts() -> dict[Part, list[tuple[str, str]]]:
    """Returns (text, genre) pairs per part."""
    triplets = samples.read(published())
    labelled: dict[Part, list[tuple[str, str]]] = {
        "prompt": [(t.prompt, str(t.genre)) for t in triplets],
        "article": [(t.article, str(t.genre)) for t in triplets],
    }
    labelled["prompt"] += [(q.query, q.genre) for q in benchmark.queries("zh")]
    known = set(genres())
    raw = [row for _, row in read_rows(RAW)]
    labelled["article"] += [(row["text"], row["genre"]) for row in raw if row.get("genre") in known]
    return labelled


def fit(labelled: Labelled, part: Part, penalty: float = PENALTY) -> NDArray[np.float32]:
    """Fits softmax regression with an L2 penalty, each genre weighing the same.

    Returns:
        Weights (genres, buckets + 1); the last column is the bias.
    """
    order = genres()
    x = np.stack([features(text, READ[part]) for text, _ in labelled])
    x = np.hstack([x, np.ones((len(x), 1), np.float32)]).astype(np.float64)
    y = np.array([order.index(genre) for _, genre in labelled])
    # Genres with many texts count no more than those with few.
    share = 1.0 / np.bincount(y, minlength=len(order))[y]
    share /= share.sum()

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(len(order), BUCKETS + 1)
        scores = x @ weights.T
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        value = -(share * logs[np.arange(len(y)), y]).sum() + penalty * (flat**2).sum()
        # The gradient of the cross-entropy: predicted probability minus 1 for the right genre.
        error = np.exp(logs)
        error[np.arange(len(y)), y] -= 1
        gradient = (share[:, None] * error).T @ x + 2 * penalty * weights
        return float(value), gradient.ravel()

    start = np.zeros(len(order) * (BUCKETS + 1))
    minimum: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    weights: NDArray[np.float32] = minimum.x.reshape(len(order), -1).astype(np.float32)
    return weights


def write(path: Path, weights: dict[Part, NDArray[np.float32]]) -> None:
    """Writes weights as bytes with a scale per part: a quarter of the size, the same genres."""
    arrays: dict[str, Any] = {}
    for part, values in weights.items():
        scale = float(np.abs(values).max()) / 127
        arrays[part] = np.round(values / scale).astype(np.int8)
        arrays[f"{part}_scale"] = np.float32(scale)
    with atomic_path(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def main(
    out: Annotated[Path, typer.Option(metavar="FILE", help="the weights to write")] = OUT,
) -> None:
    """Reads texts that were written for this kit, and nothing else.

    They are the sample triplets, the Chinese benchmark queries and the raw texts of the construction demo.
    Run it again when they change.
    """
    labelled = texts()
    write(out, {part: fit(labelled[part], part) for part in PARTS})
    counts = ", ".join(f"{len(labelled[part])} {part}s" for part in PARTS)
    print(f"{out}: fitted on {counts}; {out.stat().st_size // 1024} KiB")
