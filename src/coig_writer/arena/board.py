"""What the votes say: win matrix with counts and intervals, hidden until there are enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from coig_writer.arena.booth import Booth
from coig_writer.arena.store import standing
from coig_writer.ballot import Ballot, Comparison, Protocol, comparisons
from coig_writer.preference.rates import Rate, wilson


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One model against another: wins, losses and ties of ``row``; rate is None without votes."""

    row: str
    column: str
    wins: int
    losses: int
    ties: int
    rate: Rate | None


def win_matrix(pairs: Sequence[Comparison], variants: Sequence[str]) -> list[Cell]:
    """Counts who beat whom. A tie is half a win; an empty cell has no rate."""
    counts = {(a, b): [0, 0, 0] for a in variants for b in variants if a != b}
    for pair in pairs:
        won = {1.0: 0, 0.0: 1, 0.5: 2}[pair.outcome]
        counts[pair.left, pair.right][won] += 1
        counts[pair.right, pair.left][{0: 1, 1: 0, 2: 2}[won]] += 1
    return [
        Cell(a, b, wins, losses, ties, _rate(wins, losses, ties))
        for (a, b), (wins, losses, ties) in counts.items()
    ]


def _rate(wins: int, losses: int, ties: int) -> Rate | None:
    n = wins + losses + ties
    return wilson(wins + ties / 2, n) if n else None


def first_showings(booth: Booth, protocol: Protocol, language: str) -> list[Ballot]:
    """Returns the standing ballots of one protocol and language, repeats left out."""
    queries = {p.query_id for p in booth.collection.in_language(language)}
    ballots = standing(booth.store.ballots(booth.study.study), booth.store.tombstones())
    return [
        b for b in ballots if b.protocol == protocol and b.query_id in queries and b.repeat == 0
    ]


def public_view(booth: Booth, protocol: Protocol, language: str) -> dict[str, Any]:
    """Returns the board as the page may show it."""
    ballots = first_showings(booth, protocol, language)
    needed = booth.study.results_after
    view: dict[str, Any] = {"ballots": len(ballots), "needed": needed, "matrix": None}
    if booth.study.mode == "public" and len(ballots) >= max(1, needed):
        pairs = [pair for ballot in ballots for pair in comparisons(ballot)]
        variants = sorted(booth.collection.variants)
        view["variants"] = variants
        view["matrix"] = [dataclasses.asdict(cell) for cell in win_matrix(pairs, variants)]
    return view
