"""Lexical diversity."""

from __future__ import annotations

from collections.abc import Sequence


def type_token_ratio(tokens: Sequence[str]) -> float | None:
    """Returns distinct tokens over tokens (paper, Table 4); None for a text without tokens.

    Falls with length: compare only texts of like length, or use a length-robust measure.
    """
    return len(set(tokens)) / len(tokens) if tokens else None
