"""What a reasoning settles on and whether its article does it, as a judge reads it: rubrics of kind ``decisions``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from coig_writer.record import from_row
from coig_writer.score import Judgement
from coig_writer.text.normalise import reduced, repaired
from coig_writer.workbench.prompts import quoted

Verdict = Literal["kept", "broken", "undecidable", "unquoted"]
UNQUOTED: Verdict = "unquoted"
VERDICTS = tuple(verdict for verdict in get_args(Verdict) if verdict != UNQUOTED)
MOST = 12  # decisions of one reasoning

Place = tuple[str, str, int]  # query id, variant, sample


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """One decision, the words of the reasoning that settle on it, and those of the article that show the verdict.

    ``verdict`` is one of ``VERDICTS``, or ``UNQUOTED`` where the text does not contain the words.
    """

    decision: str
    quotation: str
    verdict: Verdict
    evidence: str


def checked(named: Iterable[Mapping[str, str]], reasoning: str, article: str) -> list[Decision]:
    """Holds a judge's decisions against the texts.

    Args:
        named: What the judge replied; it fits the schema.
        reasoning: As the judge was shown it.
        article: Likewise.

    Returns:
        Each decision once. One whose quotation is not in the reasoning, or that is kept or broken on
        words that are not in the article, is ``UNQUOTED``.
    """
    decisions: dict[str, Decision] = {}
    for item in named:
        decision = from_row(Decision, {key: repaired(value) for key, value in item.items()})
        if decision.verdict == "undecidable":
            decision = dataclasses.replace(decision, evidence="")
        elif not quoted(decision.evidence, article):
            decision = dataclasses.replace(decision, verdict=UNQUOTED)
        if not quoted(decision.quotation, reasoning):
            decision = dataclasses.replace(decision, verdict=UNQUOTED)
        decisions.setdefault(reduced(decision.quotation), decision)
    return list(decisions.values())


def readings(rows: Iterable[Judgement]) -> list[tuple[Place, list[Decision]]]:
    """Returns the decisions of every judgement that names some; those of other rubrics are left out.

    Raises:
        InputError: A decision lacks a part or has a wrong one, as in a file that people wrote.
    """
    read = []
    for row in rows:
        reply = json.loads(row.verdict) if row.verdict else None
        if isinstance(reply, list) and all(isinstance(item, dict) for item in reply):
            place = f"{row.judge}, {row.rubric}, {row.left}, {row.query_id}"
            decisions = [from_row(Decision, item, place, "key") for item in reply]
            read.append(((row.query_id, row.left, row.sample), decisions))
    return read


def shared(own: Sequence[Decision], other: Sequence[Decision]) -> list[tuple[Verdict, Verdict]]:
    """Returns the two verdicts on each decision that two readings both name.

    They name the same where one quotation holds the other; what is unquoted is left out.
    """
    left = [(reduced(d.quotation), d.verdict) for d in other if d.verdict != UNQUOTED]
    verdicts = []
    for decision in own:
        words = reduced(decision.quotation)
        same = next((o for o in left if words and o[0] and (o[0] in words or words in o[0])), None)
        if decision.verdict != UNQUOTED and same is not None:
            left.remove(same)
            verdicts.append((decision.verdict, same[1]))
    return verdicts
