"""The published counts and extreme lengths as constraints of one assignment problem.

Tables 5–10 of the paper give, for each of 46 genres, the number of rows and the shortest and longest
article, prompt and reasoning. Given the whole published set, that rules most genres out for most
rows, names the genre of rows that alone have an extreme length, and fixes how many rows each genre
gets. What is left is decided by the signals: the assignment of least total −log probability.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coig_writer.paper import Lengths

if TYPE_CHECKING:
    from scipy.sparse import coo_matrix

PARTS = ("article", "prompt", "reasoning")
# Prices in nats. A count is worth less than clear signals, as it may be off by a row or two; that a
# genre has its extreme length is worth more than any signal.
COUNT_PRICE = 6.0
EXTREME_PRICE = 50.0
# Share of extremes that must occur in the rows for lengths to mean anything.
ENOUGH_EXTREMES = 0.8
SINKHORN_ROUNDS = 200
SECONDS = 120.0


@dataclasses.dataclass(frozen=True)
class Constrained:
    """The assignment.

    Attributes:
        genre: (rows,) index of each row's genre.
        probability: (rows, genres) after the constraints; rows sum to 1.
        pinned: (rows,) whether an extreme length that no other row can have named the genre.
        extremes_found: Share of the extreme lengths that some row has.
        lengths_used: Whether lengths took part.
    """

    genre: NDArray[np.int64]
    probability: NDArray[np.float64]
    pinned: NDArray[np.bool_]
    extremes_found: float
    lengths_used: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Extreme:
    """One published extreme: ``rows`` could be the ones that have it."""

    genre: int
    rows: tuple[int, ...]


def solve(
    log_probability: NDArray[np.float64],
    lengths: NDArray[np.int64],
    tables: Sequence[Lengths | None],
    fixed: Mapping[int, int] | None = None,
) -> Constrained:
    """Assigns all rows at once.

    Args:
        log_probability: (rows, genres) from the signals.
        lengths: (rows, 3) article, prompt and reasoning in characters.
        tables: Published counts and lengths per genre; None for a genre without rows.
        fixed: Row to genre where a person has decided.
    """
    share = extremes_found(lengths, tables)
    allowed = _with_rows(len(lengths), tables)
    extremes: list[_Extreme] = []
    if share >= ENOUGH_EXTREMES:
        allowed = _within(lengths, tables)
        extremes = _extremes(lengths, tables, allowed)
    for row, decided in (fixed or {}).items():
        allowed[row] = np.arange(len(tables)) == decided
    pinned = _pin(allowed, extremes, set(fixed or {}))
    counts = np.array([table.count if table else 0 for table in tables], dtype=float)
    genre = _assign(-log_probability, allowed, counts, extremes)
    probability = _sinkhorn(log_probability, allowed, counts)
    return Constrained(genre, probability, pinned, share, bool(extremes))


def extremes_found(lengths: NDArray[np.int64], tables: Sequence[Lengths | None]) -> float:
    """Returns the share of published extreme lengths that occur among the rows."""
    occurs = [
        value in set(lengths[:, column].tolist())
        for table in tables
        if table
        for column, part in enumerate(PARTS)
        for value in (getattr(table, part).min, getattr(table, part).max)
    ]
    return sum(occurs) / len(occurs) if occurs else 0.0


def _with_rows(rows: int, tables: Sequence[Lengths | None]) -> NDArray[np.bool_]:
    return np.tile([table is not None for table in tables], (rows, 1))


def _within(lengths: NDArray[np.int64], tables: Sequence[Lengths | None]) -> NDArray[np.bool_]:
    """Tells which genres each row's lengths allow; a row that fits none may be any."""
    allowed = _with_rows(len(lengths), tables)
    for genre, table in enumerate(tables):
        for column, part in enumerate(PARTS if table else ()):
            spread = getattr(table, part)
            allowed[:, genre] &= (lengths[:, column] >= spread.min) & (
                lengths[:, column] <= spread.max
            )
    fits_none = ~allowed.any(axis=1)
    allowed[fits_none] = _with_rows(int(fits_none.sum()), tables)
    return allowed


def _extremes(
    lengths: NDArray[np.int64], tables: Sequence[Lengths | None], allowed: NDArray[np.bool_]
) -> list[_Extreme]:
    extremes = []
    for genre, table in enumerate(tables):
        for column, part in enumerate(PARTS if table else ()):
            spread = getattr(table, part)
            for value in {spread.min, spread.max}:
                rows = np.flatnonzero((lengths[:, column] == value) & allowed[:, genre])
                if len(rows):
                    extremes.append(_Extreme(genre, tuple(rows.tolist())))
    return extremes


def _pin(
    allowed: NDArray[np.bool_], extremes: Sequence[_Extreme], fixed: set[int]
) -> NDArray[np.bool_]:
    """Leaves one genre to each row that alone can have an extreme; rows claimed by two genres stay open."""
    claims: dict[int, set[int]] = {}
    for extreme in extremes:
        if len(extreme.rows) == 1:
            claims.setdefault(extreme.rows[0], set()).add(extreme.genre)
    pinned = np.zeros(len(allowed), bool)
    for row, genres in claims.items():
        if len(genres) == 1 and row not in fixed:
            allowed[row] = np.arange(allowed.shape[1]) == next(iter(genres))
            pinned[row] = True
    return pinned


def _assign(
    cost: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    counts: NDArray[np.float64],
    extremes: Sequence[_Extreme],
) -> NDArray[np.int64]:
    """Solves the assignment with HiGHS, as an integer program.

    Variables: each allowed pair of row and genre (1 if chosen), then per genre how many rows it lacks
    and how many it has too many, then per extreme whether no row of its genre has it; all but the pairs
    at a price. Constraints: one genre per row, the published count per genre, one row per extreme.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_array, coo_matrix, identity

    rows, genres = np.nonzero(allowed)
    pairs = np.arange(len(rows))
    per_row = coo_matrix((np.ones(len(pairs)), (rows, pairs)), (len(allowed), len(pairs)))
    per_genre = coo_matrix((np.ones(len(pairs)), (genres, pairs)), (len(counts), len(pairs)))
    per_extreme = _members(extremes, rows, genres)
    # Slack variables: a wrong count or a missing extreme costs, and never makes the program infeasible.
    of_genres, of_extremes = identity(len(counts)), identity(len(extremes))
    matrix = block_array(
        [
            [per_row, None, None, None],
            [per_genre, of_genres, -of_genres, None],
            [per_extreme, None, None, of_extremes],
        ]
    )
    exactly = np.concatenate([np.ones(len(allowed)), counts])
    at_least = np.ones(len(extremes))
    penalties = [np.full(2 * len(counts), COUNT_PRICE), np.full(len(extremes), EXTREME_PRICE)]
    prices = np.concatenate([cost[rows, genres], *penalties])
    optimum = milp(
        prices,
        constraints=LinearConstraint(
            matrix.tocsr(),
            np.concatenate([exactly, at_least]),
            np.concatenate([exactly, at_least * np.inf]),
        ),
        bounds=Bounds(0, np.inf),
        integrality=np.arange(len(prices)) < len(pairs),  # slack may be fractional
        options={"time_limit": SECONDS, "mip_rel_gap": 1e-6},
    )
    # The solver returns values near 0 and 1, so each row takes its largest.
    chosen = np.full(cost.shape, -1.0)
    chosen[rows, genres] = optimum.x[pairs]
    result: NDArray[np.int64] = chosen.argmax(axis=1)
    return result


def _members(
    extremes: Sequence[_Extreme], rows: NDArray[np.int64], genres: NDArray[np.int64]
) -> coo_matrix:
    """Returns a sparse matrix (extremes, pairs) of which pair would satisfy which extreme."""
    from scipy.sparse import coo_matrix

    place = {pair: i for i, pair in enumerate(zip(rows.tolist(), genres.tolist(), strict=True))}
    entries = [
        (number, place[row, extreme.genre])
        for number, extreme in enumerate(extremes)
        for row in extreme.rows
        if (row, extreme.genre) in place
    ]
    numbers, columns = zip(*entries, strict=True) if entries else ((), ())
    return coo_matrix((np.ones(len(entries)), (numbers, columns)), (len(extremes), len(rows)))


def _sinkhorn(
    log_probability: NDArray[np.float64], allowed: NDArray[np.bool_], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scales genres until the expected counts are the published ones (Sinkhorn's iteration).

    It corrects the prior of a classifier whose class frequencies are known. Each row still sums to 1.
    """
    scores = np.where(allowed, log_probability, -np.inf)
    kernel = np.exp(scores - scores.max(axis=1, keepdims=True))
    scale = np.ones(len(counts))
    for _ in range(SINKHORN_ROUNDS):
        weighted = kernel * scale
        shares = weighted / weighted.sum(axis=1, keepdims=True)
        # Half a row more on both sides keeps genres without rows from dividing by zero.
        wanted = (counts + 0.5) / (shares.sum(axis=0) + 0.5)
        scale *= wanted
        if np.abs(np.log(wanted)).max() < 1e-4:
            break
    weighted = kernel * scale
    result: NDArray[np.float64] = weighted / weighted.sum(axis=1, keepdims=True)
    return result
