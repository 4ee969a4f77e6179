"""The answer key of the demonstration: what the scripted model and the scripted people say.

Verdicts that matter are written down here by document; all other scores are drawn from the seed
between 9 and 10. Nothing here judges a text: the key only makes every outcome of every stage happen
once, at the borders above all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from coig_writer.document import DIMENSIONS

SEED = 20251016
# One measure reached is enough; other platforms of the samples have no threshold.
THRESHOLDS: Mapping[str, Mapping[str, float]] = {"问答社区": {"shares": 30}}
REVIEWERS = ("r1", "r2", "r3", "r4", "r5")

# Screen: (quality, creativity). 8 passes, 7 does not.
SCREEN = {
    "raw-006": (7, 9),
    "raw-025": (9, 7),
    "raw-038": (8, 8),
    "raw-031": (6, 4),
    "raw-037": (7, 5),
    "raw-048": (8, 5),
}
REFUSED = frozenset({"raw-052"})
# Validate: criterion → number of drafts that fail it.
UNMET = {"raw-023": ("ii", 1), "raw-020": ("i", 3)}
# Score: the six in the order of quality.DIMENSIONS; sums 48, 49, 50, and one 7 under a sum of 57.
SCORES = {
    "raw-030": (8, 8, 8, 8, 8, 8),
    "raw-017": (8, 9, 8, 8, 8, 8),
    "raw-055": (8, 8, 9, 8, 9, 8),
    "raw-024": (10, 10, 10, 10, 10, 7),
}
LEAKING = frozenset({"raw-042"})  # the scripted prompt copies a passage
# Reverse: documents whose draft the scripted annotator changes.
EDITED = frozenset({"raw-012", "raw-047"})
# Review: verdicts by position among the reviewers of an item; the last one repeats.
FACTUAL = {
    "raw-010": "一九六六年的供销社不可能扫二维码付款",
    "raw-016": "北宋没有平板玻璃窗和煤油灯",
    "raw-041": "辣椒明末才传入中国，贞观年间没有",
}
TIES = {"raw-003": ("accept", "refine"), "raw-007": ("refine", "accept")}
REFINE_DRAFTS = {"raw-018": 1, "raw-039": 3}
MINORITY = {"raw-034": ("accept", "refine", "accept", "accept")}


def screen(document: str, seed: int = SEED) -> tuple[int, int]:
    """Returns the scripted screen scores of a document."""
    return SCREEN.get(document) or (_drawn(document, "q", seed), _drawn(document, "c", seed))


def scores(document: str, seed: int = SEED) -> dict[str, int]:
    """Returns the six scripted scores of a document."""
    given = SCORES.get(document)
    if given:
        return dict(zip(DIMENSIONS, given, strict=True))
    return {name: _drawn(document, name, seed) for name in DIMENSIONS}


def unmet(document: str, draft: int) -> str | None:
    """Returns the criterion that a draft (counted from 1) fails."""
    criterion, drafts = UNMET.get(document, ("", 0))
    return criterion if draft <= drafts else None


def review(document: str, draft: int, position: int) -> tuple[str, str, str | None]:
    """Returns (verdict, note, cause) of the reviewer at a position; the adjudicator has none."""
    if document in FACTUAL:
        return "remove", FACTUAL[document], "factual_error"
    if draft <= REFINE_DRAFTS.get(document, 0):
        return "refine", "构思没有说明为什么这样收尾，请补上取舍的理由", None
    row = TIES.get(document) or MINORITY.get(document) or ("accept",)
    verdict = row[min(position, len(row) - 1)] if position >= 0 else "accept"
    return verdict, "" if verdict == "accept" else "提示偏泛，可以更具体", None


def _drawn(document: str, name: str, seed: int) -> int:
    return random.Random(f"{seed}:{document}:{name}").choice((9, 10))
