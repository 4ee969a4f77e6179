"""Rows in the authors' format, drawn to published counts and lengths, for tests and benchmarks.

The texts are filler: only ids, genres, lengths and the opening of each prompt mean anything. They
are never packed under the name of COIG-Writer.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from coig_writer import paper, taxonomy
from coig_writer.paper import Lengths, Spread

# Characters that tell no genre: of 江湖 and 琴棋 in a row every text was half a wuxia novel.
FILLER = "的了是在有和就不也都这那个一上下里外前后左右大小多少好来去说看想知道时候东西地方"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row of the authors' file, and the genre it was drawn for."""

    id: str
    query: str
    thought: str
    answer: str
    genre: str

    def official(self) -> dict[str, str]:
        """Returns the row as the authors' file has it: without the genre."""
        return {
            "id": self.id,
            "query": self.query,
            "thought": self.thought,
            "answer": self.answer,
        }


def rows(seed: int, tables: Mapping[str, Lengths | None] | None = None) -> list[Row]:
    """Draws a whole dataset in random order.

    Args:
        seed: Of everything that is drawn.
        tables: Counts and lengths by genre slug; those of the paper if None.
    """
    random = np.random.default_rng(seed)
    drawn: list[Row] = []
    for genre, lengths in (tables or paper.genres()).items():
        if lengths is not None:
            drawn += _of_genre(genre, lengths, random)
    return [drawn[i] for i in random.permutation(len(drawn))]


def _of_genre(genre: str, lengths: Lengths, random: np.random.Generator) -> list[Row]:
    queries, thoughts, answers = (
        draw_lengths(spread, lengths.count, random)
        for spread in (lengths.prompt, lengths.reasoning, lengths.article)
    )
    asks = f"请写一篇{taxonomy.published().genre(genre).zh.split('-')[0]}，"
    return [
        Row(
            str(uuid.UUID(bytes=random.bytes(16), version=4)),
            _text(asks, int(query), random),
            _text("", int(thought), random),
            _text("", int(answer), random),
            genre,
        )
        for query, thought, answer in zip(queries, thoughts, answers, strict=True)
    ]


def draw_lengths(spread: Spread, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Draws lengths that have the given minimum, maximum and mean, in random order."""
    if count <= 2:
        return random.permutation(np.array([spread.min, spread.max][:count]))
    width = spread.max - spread.min
    # The two extremes are fixed; the others are beta distributed around the mean that is left for them.
    inner_mean = (spread.mean * count - spread.min - spread.max) / (count - 2)
    share = float(np.clip((inner_mean - spread.min) / max(width, 1), 0.01, 0.99))
    inner = spread.min + width * random.beta(3 * share, 3 * (1 - share), count - 2)
    total = round(spread.mean * count) - spread.min - spread.max
    whole = _summing(inner.round().astype(np.int64), total, spread)
    return random.permutation(np.concatenate([[spread.min, spread.max], whole]))


def _summing(values: NDArray[np.int64], total: int, spread: Spread) -> NDArray[np.int64]:
    """Moves values by one at a time, within the spread, until they sum to ``total``."""
    while missing := total - int(values.sum()):
        free = np.flatnonzero(values < spread.max if missing > 0 else values > spread.min)
        if not len(free):
            break
        values[free[: abs(missing)]] += 1 if missing > 0 else -1
    return values


def _text(opening: str, length: int, random: np.random.Generator) -> str:
    filler = "".join(random.choice(list(FILLER), max(0, length - len(opening))))
    return (opening + filler)[:length]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A corpus reduced to what assignment sees, with the truth and tables of its own.

    Attributes:
        log_probability: (rows, genres) what signals say; right in about three rows of four.
        lengths: (rows, 3) article, prompt, reasoning.
        tables: Counts and lengths per genre, taken from the rows.
        truth: (rows,) index of each row's genre.
    """

    log_probability: NDArray[np.float64]
    lengths: NDArray[np.int64]
    tables: list[Lengths | None]
    truth: NDArray[np.int64]


def corpus(seed: int, *, rows: int = 1000, genres: int = 51, empty: int = 5) -> Corpus:
    """Draws a corpus: uneven counts, log-normal lengths of each genre's own, noisy signals."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(genres - empty, 0.8))
    truth = np.concatenate(
        [np.arange(genres - empty), random.choice(genres - empty, rows - genres + empty, p=shares)]
    )
    centres = np.array([7.3, 5.5, 6.9]) + random.normal(0, [0.8, 0.3, 0.25], (genres, 3))
    lengths = np.exp(random.normal(centres[truth], [0.7, 0.5, 0.3])).astype(np.int64) + 10
    # One row in five asks for nothing in particular.
    clear = random.choice([0.0, 4.5], rows, p=[0.2, 0.8])
    scores = random.normal(0, 1, (rows, genres))
    scores[np.arange(rows), truth] += clear
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return Corpus(logs, lengths, _tables(lengths, truth, genres), truth)


def _tables(
    lengths: NDArray[np.int64], truth: NDArray[np.int64], genres: int
) -> list[Lengths | None]:
    tables: list[Lengths | None] = []
    for genre in range(genres):
        of_genre = lengths[truth == genre]
        spreads = [
            Spread(int(c.min()), float(c.mean()), int(c.max())) for c in of_genre.T if len(c)
        ]
        article, prompt, reasoning = spreads or (None, None, None)
        if article and prompt and reasoning:
            tables.append(Lengths(len(of_genre), article, prompt, reasoning))
        else:
            tables.append(None)
    return tables


def miscounted(tables: list[Lengths | None], share: float, seed: int) -> list[Lengths | None]:
    """Moves a share of all rows from one genre's count to another's; lengths stay."""
    random = np.random.default_rng(seed)
    counts = np.array([table.count if table else 0 for table in tables])
    filled = np.flatnonzero(counts)
    for _ in range(round(share * counts.sum())):
        giver = random.choice(filled[counts[filled] > 1])
        counts[giver] -= 1
        counts[random.choice(filled[filled != giver])] += 1
    return [
        table and dataclasses.replace(table, count=int(count))
        for table, count in zip(tables, counts, strict=True)
    ]
