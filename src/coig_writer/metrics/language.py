"""Language confusion: Chinese text in an answer to an English query (paper, section 3.2).

The paper calls it contamination and does not define it; the kit reports three thresholds, and
keeps the word *contamination* for overlap of training and test data.
"""

from __future__ import annotations

import re

_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f]")


def han_share(text: str) -> float | None:
    """Returns the share of Han characters among letters; None for a text without letters."""
    letters = sum(c.isalpha() for c in text)
    return len(_HAN.findall(text)) / letters if letters else None
