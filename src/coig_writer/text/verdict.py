"""What a rule about a text finds: the same value everywhere; the caller decides what to do with it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One rule that a text breaks.

    Attributes:
        rule: The name of the rule, as reasons and logs have it.
        evidence: What was found, for a person to read.
        start: Where in the text it begins; None where it is about the whole text.
        end: Where it ends.
        of: What the text repeats, such as the id of a benchmark query; empty for most rules.
    """

    rule: str
    evidence: str
    start: int | None = None
    end: int | None = None
    of: str = ""
