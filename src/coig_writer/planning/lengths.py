"""Row lengths of a mixture in tokens: counted where the rows are at hand, else drawn and called synthetic.

Drawn creative rows keep the count, minimum, mean and maximum of every genre of the paper (Tables 5–10),
part by part. The general rows' lengths are assumptions from the sources' bytes per row, named below.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from coig_writer import paper
from coig_writer.errors import ConfigError
from coig_writer.mixing import mixing
from coig_writer.paper import Spread

CHARACTERS_PER_TOKEN = 1.57  # Chinese answers, tokens and characters of the paper's Table 3
TEMPLATE_TOKENS = 40  # system turn, role marks and reasoning tags


@dataclasses.dataclass(frozen=True, slots=True)
class Assumed:
    """An assumed length distribution in tokens: log-normal, redrawn above the mixture's length."""

    median: float
    spread: float
    why: str


GENERAL = {
    "general_zh": Assumed(1200, 0.5, "about 6.1 kB per row, mean 1.2–1.5k tokens (estimate)"),
    "general_en": Assumed(5800, 0.7, "22–24 kB per row, 6–7k tokens before the cut (estimate)"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens per row, in training order, and how they are known."""

    tokens: tuple[int, ...]
    origin: str

    @property
    def mean(self) -> float:
        """Mean tokens per row."""
        return sum(self.tokens) / len(self.tokens)

    @property
    def attended(self) -> float:
        """Length of the row that a mean token is in, E[L²] / E[L]: what its attention costs."""
        return sum(n * n for n in self.tokens) / self.total

    @property
    def total(self) -> int:
        """Tokens of one epoch."""
        return sum(self.tokens)


def counted(folder: Path, max_length: int, *, sample_scale: bool) -> Lengths | None:
    """Returns the lengths of a built mixture as the trainer sees them; None if it is not built.

    Raises:
        ConfigError: It was built for another length or scale than the recipe's.
    """
    if not (folder / "mixture.lock.json").is_file():
        return None
    rows, _ = mixing.read(folder, max_length, sample_scale=sample_scale)
    return Lengths(
        tuple(min(r.n_tokens, max_length) for r in rows), f"counted in {folder / 'train.parquet'}"
    )


def drawn(
    rows: Mapping[str, int], max_length: int, seed: int = 0, *, together: bool = False
) -> Lengths:
    """Draws the lengths of a mixture of so many rows per source; creative rows are cut, as in training.

    Args:
        rows: Rows per source.
        max_length: Tokens at which a row is cut.
        seed: Of the draw.
        together: A genre's longest prompt, reasoning and article fall on one row, its next longest
            on the next, which is the widest spread that the published figures allow; otherwise the
            three are drawn apart.

    Raises:
        ConfigError: A source has no assumed lengths.
    """
    unknown = [source for source in rows if source != "creative" and source not in GENERAL]
    if unknown:
        raise ConfigError(
            f"nothing is known of the lengths of source {unknown[0]!r}",
            "build the mixture first, so that they can be counted: python recipes/mix.py --config CONFIG",
        )
    rng = np.random.default_rng(seed)
    parts = []
    for source, count in rows.items():
        tokens = (
            _creative(count, rng, together=together)
            if source == "creative"
            else _general(GENERAL[source], count, max_length, rng)
        )
        parts.append(np.minimum(tokens, max_length))
    shuffled = rng.permutation(np.concatenate(parts)).astype(int)
    return Lengths(
        tuple(shuffled.tolist()),
        "synthetic: drawn to the paper's minimum, mean and maximum per genre",
    )


def _creative(count: int, rng: np.random.Generator, *, together: bool) -> NDArray[np.float64]:
    order = np.sort if together else rng.permutation
    rows = []
    for genre in paper.genres().values():
        if genre is not None:
            parts = (genre.prompt, genre.reasoning, genre.article)
            rows.append(sum(order(spread(p, genre.count)) for p in parts))
    characters = rng.permutation(np.concatenate(rows))[:count]
    return np.ceil(characters / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS


def spread(published: Spread, count: int) -> NDArray[np.float64]:
    """Returns ``count`` lengths with the published minimum, mean and maximum.

    Between the extremes they are the quantiles of a log-normal law cut at both ends; its centre is
    found by bisection so that the mean is met (as nearly as the extremes allow).
    """
    low, high = float(published.min), float(published.max)
    if count < 3:
        return np.full(count, published.mean)
    z: NDArray[np.float64] = ndtri((np.arange(count) + 0.5) / count)
    sigma = math.log(high / low) / (z[-1] - z[0])
    below, above = math.log(low) - 10, math.log(high) + 10
    for _ in range(60):
        centre = (below + above) / 2
        values: NDArray[np.float64] = np.clip(np.exp(centre + sigma * z), low, high)
        values[0], values[-1] = low, high
        below, above = (centre, above) if values.mean() < published.mean else (below, centre)
    return values


def _general(
    law: Assumed, count: int, max_length: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draws quantiles of the law below the length: over-long general rows never enter a mixture."""
    top = ndtr(math.log(max_length / law.median) / law.spread)
    z: NDArray[np.float64] = ndtri(rng.uniform(0, top, count))
    return np.exp(math.log(law.median) + law.spread * z)


def padded(lengths: Lengths, batch: int) -> int:
    """Returns the tokens that micro-batches process when padded to their longest row."""
    rows = lengths.tokens
    batches = (rows[i : i + batch] for i in range(0, len(rows), batch))
    return sum(len(b) * max(b) for b in batches)


def packed(lengths: Lengths, length: int) -> int:
    """Returns the tokens that best-fit-decreasing bins of a length hold, empty ends included."""
    space = np.full(len(lengths.tokens), length)
    used = 0
    for row in sorted(lengths.tokens, reverse=True):
        fits = np.flatnonzero(space[:used] >= row)
        if fits.size:
            at = fits[np.argmin(space[fits])]
        else:
            at, used = used, used + 1
        space[at] -= row
    return used * length
