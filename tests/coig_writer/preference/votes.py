"""Comparisons to test with: any shape, and a kind on which every strength is finite."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from coig_writer.ballot import Comparison

NAMES = ("alpha", "beta", "gamma", "delta")


@st.composite
def connected(draw: st.DrawFn) -> list[Comparison]:
    """Comparisons in which everyone beats the next one round a ring, so that a maximum exists."""
    ring = [
        Comparison(f"q{i}", f"r{i % 2}", a, b, 1.0)
        for i, (a, b) in enumerate(zip(NAMES, NAMES[1:] + NAMES[:1], strict=True))
    ]
    more = draw(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(1, 3),
                st.sampled_from((0.0, 0.5, 1.0)),
                st.integers(0, 9),
            ),
            max_size=40,
        )
    )
    return ring + [
        Comparison(f"q{query}", f"r{query % 3}", NAMES[a], NAMES[(a + step) % 4], outcome)
        for a, step, outcome, query in more
    ]


def simulated(n: int, seed: int, *, ties: float = 0.2, players: int = 6) -> list[Comparison]:
    """Votes drawn from known strengths, some of them ties."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(-1, 1, players)
    rows = []
    for i in range(n):
        a, b = rng.choice(players, 2, replace=False)
        won = rng.random() < 1 / (1 + np.exp(strength[b] - strength[a]))
        outcome = 0.5 if rng.random() < ties else float(won)
        rows.append(Comparison(f"q{i % 97}", f"r{i % 5}", f"m{a}", f"m{b}", outcome))
    return rows
