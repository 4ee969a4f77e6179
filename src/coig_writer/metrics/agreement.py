"""Agreement of two labellers beyond chance, with an interval that resamples whole queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def cohen(pairs: Sequence[tuple[object, object]]) -> float | None:
    """Returns Cohen's kappa (1960), unweighted; None where chance agreement is already perfect."""
    if not pairs:
        return None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(count * right[label] for label, count in left.items()) / (n * n)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def kappa_interval(
    pairs: Sequence[tuple[object, object]], queries: Sequence[str], rounds: int = 500
) -> tuple[float | None, float | None]:
    """Returns kappa's 95 % percentile interval, whole queries resampled; None below ten queries."""
    groups: dict[str, list[tuple[object, object]]] = {}
    for pair, query in zip(pairs, queries, strict=True):
        groups.setdefault(query, []).append(pair)
    if len(groups) < 10:
        return None, None
    members = list(groups.values())
    draws = np.random.default_rng(0).integers(len(members), size=(rounds, len(members)))
    values = [cohen([pair for i in draw for pair in members[i]]) for draw in draws.tolist()]
    low, high = np.quantile([v for v in values if v is not None], [0.025, 0.975])
    return float(low), float(high)
