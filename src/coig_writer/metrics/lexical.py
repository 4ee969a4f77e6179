"""Lexical diversity of a token sequence; all functions take the tokens of ``metrics.tokens``.

TTR falls with length: over real Chinese prose from .724 at 100 tokens to .428 at 1,600. MATTR does
not, and MTLD hardly; so they are given beside the paper's TTR. Published packages agree on TTR, MATTR
and HD-D and disagree on MTLD, where the rule for the remainder is open.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

MTLD_THRESHOLD = 0.72
HDD_SAMPLE = 42


def type_token_ratio(tokens: Sequence[str]) -> float | None:
    """Returns distinct tokens over tokens (paper, Table 4); None for a text without tokens.

    Falls with length: compare only texts of like length, or use a length-robust measure.
    """
    return len(set(tokens)) / len(tokens) if tokens else None


def type_token_ratio_first(tokens: Sequence[str], first: int = 400) -> float | None:
    """Returns the TTR of the first ``first`` tokens; None for a shorter text."""
    return type_token_ratio(tokens[:first]) if len(tokens) >= first else None


def moving_average_ttr(tokens: Sequence[str], window: int) -> float | None:
    """Returns the mean TTR of all windows of ``window`` tokens (Covington and McFall 2010).

    None for a text shorter than the window.
    """
    if len(tokens) < window:
        return None
    counts = Counter(tokens[:window])
    total = len(counts)
    for leaving, entering in zip(tokens, tokens[window:], strict=False):
        counts[leaving] -= 1
        if not counts[leaving]:
            del counts[leaving]
        counts[entering] += 1
        total += len(counts)
    return total / (window * (len(tokens) - window + 1))


def mtld(tokens: Sequence[str], threshold: float = MTLD_THRESHOLD) -> float | None:
    """Returns the measure of textual lexical diversity (McCarthy and Jarvis 2010).

    The mean of a forward and a backward pass. A factor ends at the first token where its running
    TTR is at or below the threshold. The remainder counts as the part ``(1 - TTR) / (1 -
    threshold)`` of a factor; a text without a factor and without a repeated token counts as one
    factor, so that its value is its length.

    Returns:
        Tokens per factor; None for a text without tokens.
    """
    if not tokens:
        return None
    return (
        _mtld(tokens, len(tokens), threshold) + _mtld(reversed(tokens), len(tokens), threshold)
    ) / 2


def _mtld(tokens: Iterable[str], length: int, threshold: float) -> float:
    factors, count, ratio = 0.0, 0, 1.0
    types: set[str] = set()
    for token in tokens:
        count += 1
        types.add(token)
        ratio = len(types) / count
        if ratio <= threshold:
            factors, count, ratio, types = factors + 1, 0, 1.0, set()
    factors += (1 - ratio) / (1 - threshold)
    return length / factors if factors else float(length)


def hdd(tokens: Sequence[str], sample: int = HDD_SAMPLE) -> float | None:
    """Returns HD-D (McCarthy and Jarvis 2007): the expected TTR of ``sample`` tokens drawn at random.

    None for a text shorter than the sample.
    """
    n = len(tokens)
    if n < sample:
        return None
    drawn = math.lgamma(n + 1) - math.lgamma(n - sample + 1)

    def absent(count: int) -> float:
        """The chance that none of ``count`` equal tokens is drawn."""
        if n - count < sample:
            return 0.0
        return math.exp(math.lgamma(n - count + 1) - math.lgamma(n - count - sample + 1) - drawn)

    kinds = Counter(Counter(tokens).values())
    return math.fsum(many * (1 - absent(count)) for count, many in kinds.items()) / sample
