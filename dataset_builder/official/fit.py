"""Fits the genre classifier that the package ships, on texts that were written for this kit.

Beside samples, queries and raw texts these are 6,135 requests (``sample/genre_requests.jsonl``) and 913 openings
of articles (``sample/genre_openings.jsonl``), both CC0. A language model wrote them for this classifier, without
sight of the kit's other prompts or of any benchmark's; decision 51 says how they were read. They are no samples
of the format.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from scipy.sparse import csr_array

from coig_writer import benchmark
from coig_writer.files import atomic_path, read_rows
from coig_writer.taxonomy import published
from coig_writer.text.genre import PARTS, Classifier, Part, Weights, genres, grams
from dataset_builder.packing import samples

OUT = Path("src/coig_writer/data/genre_classifier.npz")
RAW = samples.FOLDER.parent / "raw_texts.jsonl"
REQUESTS = samples.FOLDER.parent / "genre_requests.jsonl"
OPENINGS = samples.FOLDER.parent / "genre_openings.jsonl"
# Chosen by cross-validation (decision 51).
PENALTY: Mapping[Part, float] = {"prompt": 1.0, "article": 4.0}
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
    labelled["article"] += [(row["article"], row["genre"]) for _, row in read_rows(OPENINGS)]
    return labelled


def fit(labelled: Mapping[Part, Labelled]) -> Classifier:
    """Fits both parts."""
    return {part: fit_weights(labelled[part], PENALTY[part]) for part in PARTS}


def fit_weights(labelled: Labelled, penalty: float) -> Weights:
    """Fits ridge regression of each genre against the rest, each genre weighing the same.

    It is solved for one unknown per text, of which there are fewer than characters and pairs.
    """
    order = genres()
    counts = [grams(text) for text, _ in labelled]
    times = Counter(gram for counted in counts for gram in counted)
    # What one or two texts have tells little and would double the file.
    known = sorted(gram for gram, count in times.items() if count > 2)
    rarity = 1 + np.log([(1 + len(labelled)) / (1 + times[gram]) for gram in known])
    unfitted = Weights(
        {gram: row for row, gram in enumerate(known)},
        rarity.astype(np.float32),
        np.zeros((len(known), len(order)), np.float32),
    )
    features = [unfitted.features(text) for text, _ in labelled]
    x = csr_array(
        (
            np.concatenate([v / max(float(np.linalg.norm(v)), 1e-9) for _, v in features]),
            np.concatenate([rows for rows, _ in features]),
            np.cumsum([0, *(len(rows) for rows, _ in features)]),
        ),
        shape=(len(labelled), len(known)),
    )
    y = np.array([order.index(genre) for _, genre in labelled])
    # Genres with many texts count no more than those with few.
    share = np.sqrt(len(y) / len(order) / np.bincount(y, minlength=len(order))[y])[:, None]
    kernel = share * (x @ x.T).toarray().astype(np.float64) * share.T + penalty * np.eye(len(y))
    dual = share * np.linalg.solve(kernel, share * (np.eye(len(order))[y] - 1 / len(order)))
    return dataclasses.replace(unfitted, weights=(x.T @ dual).astype(np.float32))


def write(path: Path, classifier: Classifier) -> None:
    """Writes weights as bytes with a scale per part: a quarter of the size, the same genres."""
    arrays: dict[str, Any] = {}
    for part, fitted in classifier.items():
        scale = float(np.abs(fitted.weights).max()) / 127
        arrays[part] = np.round(fitted.weights / scale).astype(np.int8)
        arrays[f"{part}_scale"] = np.float32(scale)
        arrays[f"{part}_grams"] = np.frombuffer("\n".join(fitted.place).encode(), np.uint8)
        arrays[f"{part}_rarity"] = fitted.rarity.astype(np.float16)
    with atomic_path(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def main(
    out: Annotated[Path, typer.Option(metavar="FILE", help="the weights to write")] = OUT,
) -> None:
    """Reads texts that were written for this kit, and nothing else.

    They are the sample triplets, the Chinese benchmark queries, the raw texts of the construction demo, requests
    and openings that were written to tell genres apart, and the genres' names. Run it again when they change.
    """
    labelled = texts()
    write(out, fit(labelled))
    counts = ", ".join(f"{len(pairs)} {part}s" for part, pairs in labelled.items())
    print(f"{out}: fitted on {counts}; {out.stat().st_size // 1024} KiB")
