"""Fits the genre classifier that the package ships, on texts that were written for this kit.

Beside samples, queries and raw texts these are 916 requests (``sample/genre_requests.jsonl``, CC0),
about 18 per genre. A language model wrote them for this classifier, without sight of the kit's
other prompts or of any benchmark's; decision 51 says how they were read. They are no samples of the format.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
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
from coig_writer.text.genre import (
    BUCKETS,
    Classifier,
    Part,
    PromptWeights,
    features,
    genres,
    prompt_grams,
)
from dataset_builder.packing import samples

OUT = Path("src/coig_writer/data/genre_classifier.npz")
RAW = samples.FOLDER.parent / "raw_texts.jsonl"
REQUESTS = samples.FOLDER.parent / "genre_requests.jsonl"
# Both chosen by cross-validation (decision 51).
PENALTY = 1e-4
PROMPT_PENALTY = 4.0
Labelled = Sequence[tuple[str, str]]


def requests() -> list[tuple[str, str]]:
    """Returns (prompt, genre) of the requests that were written to tell genres apart."""
    return [(row["prompt"], row["genre"]) for _, row in read_rows(REQUESTS)]


def texts() -> dict[Part, list[tuple[str, str]]]:
    """Returns (text, genre) pairs per part; a genre's name is one more of its prompts."""
    triplets = samples.read(published())
    labelled: dict[Part, list[tuple[str, str]]] = {
        "prompt": [(t.prompt, str(t.genre)) for t in triplets],
        "article": [(t.article, str(t.genre)) for t in triplets],
    }
    labelled["prompt"] += [(q.query, q.genre) for q in benchmark.queries("zh")]
    labelled["prompt"] += requests()
    labelled["prompt"] += [(genre.zh, genre.slug) for genre in published().genres]
    known = set(genres())
    raw = [row for _, row in read_rows(RAW)]
    labelled["article"] += [(row["text"], row["genre"]) for row in raw if row.get("genre") in known]
    return labelled


def fit(labelled: dict[Part, list[tuple[str, str]]]) -> Classifier:
    """Fits both parts."""
    return Classifier(fit_prompts(labelled["prompt"]), fit_articles(labelled["article"]))


def fit_prompts(labelled: Labelled, penalty: float = PROMPT_PENALTY) -> PromptWeights:
    """Fits ridge regression of each genre against the rest, each genre weighing the same.

    It is solved for one unknown per prompt, of which there are fewer than characters and pairs.
    """
    order = genres()
    times = Counter(gram for text, _ in labelled for gram in prompt_grams(text))
    # What one prompt alone has tells little and would double the file.
    known = sorted(gram for gram, count in times.items() if count >= 2)
    rarity = 1 + np.log([(1 + len(labelled)) / (1 + times[gram]) for gram in known])
    unfitted = PromptWeights(
        {gram: row for row, gram in enumerate(known)},
        rarity.astype(np.float32),
        np.zeros((len(known), len(order)), np.float32),
    )
    x = np.zeros((len(labelled), len(known)), np.float32)
    for row, (text, _) in enumerate(labelled):
        columns, values = unfitted.features(text)
        x[row, columns] = values / max(float(np.linalg.norm(values)), 1e-9)
    y = np.array([order.index(genre) for _, genre in labelled])
    # Genres with many prompts count no more than those with few.
    share = np.sqrt(len(y) / len(order) / np.bincount(y, minlength=len(order))[y])[:, None]
    kernel = share * (x @ x.T).astype(np.float64) * share.T + penalty * np.eye(len(y))
    dual = share * np.linalg.solve(kernel, share * (np.eye(len(order))[y] - 1 / len(order)))
    return dataclasses.replace(unfitted, weights=(x.T @ dual).astype(np.float32))


def fit_articles(labelled: Labelled, penalty: float = PENALTY) -> NDArray[np.float32]:
    """Fits softmax regression with an L2 penalty, each genre weighing the same.

    Returns:
        Weights (genres, buckets + 1); the last column is the bias.
    """
    order = genres()
    x = np.stack([features(text) for text, _ in labelled])
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


def write(path: Path, classifier: Classifier) -> None:
    """Writes weights as bytes with a scale per part: a quarter of the size, the same genres."""
    grams = "\n".join(classifier.prompt.place).encode()
    arrays: dict[str, Any] = {
        "grams": np.frombuffer(grams, np.uint8),
        "rarity": classifier.prompt.rarity.astype(np.float16),
    }
    for part, values in (("prompt", classifier.prompt.weights), ("article", classifier.article)):
        scale = float(np.abs(values).max()) / 127
        arrays[part] = np.round(values / scale).astype(np.int8)
        arrays[f"{part}_scale"] = np.float32(scale)
    with atomic_path(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def main(
    out: Annotated[Path, typer.Option(metavar="FILE", help="the weights to write")] = OUT,
) -> None:
    """Reads texts that were written for this kit, and nothing else.

    They are the sample triplets, the Chinese benchmark queries, the raw texts of the construction demo, requests
    that were written to tell genres apart, and the genres' names. Run it again when they change.
    """
    labelled = texts()
    write(out, fit(labelled))
    counts = ", ".join(f"{len(pairs)} {part}s" for part, pairs in labelled.items())
    print(f"{out}: fitted on {counts}; {out.stat().st_size // 1024} KiB")
