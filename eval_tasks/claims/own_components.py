"""Do narrative logic and linguistic expression come apart? Asked of a judge's scores, or of votes.

The thesis is a double dissociation: creative rows lift logic more than expression (``cw_10k`` over
``g``), general rows lift expression more than logic (``cw_10k`` over ``cw``). Both must show; one
alone is what any scale that saturates earlier than the other would give.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from scipy import stats

from coig_writer.ballot import tags_about
from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import ALPHA, Finding, decide, p_value, points
from eval_tasks.runs import Runs

LOGIC, EXPRESSION = "narrative_logic", "linguistic_expression"
# Reasons that a voter can give in the arena, by component.
REASONS = {
    LOGIC: {"plot_holds", "structure_clear", "ending_earned"},
    EXPRESSION: {"language_precise", "voice_distinct", "imagery_fresh"},
}
LANGUAGE: Language = "zh"
FEWEST = 10  # fewest prompts for a mean of whole numbers from 0 to 3
Leads = dict[
    str, list[float]
]  # by prompt: the lead of one over the other, such as logic over expression


@dataclasses.dataclass(frozen=True, slots=True)
class Gain:
    """Mean over ``n`` prompts of one gain less another; p is Student's."""

    value: float
    low: float
    high: float
    n: int
    p: float


def dissociated(runs: Runs) -> Finding | None:
    """Answers from scores where a judge gave them, else from the reasons that voters gave."""
    for leads, source in (
        (_judged, Text("a judge's scores of 0–3", "评判模型的 0–3 分")),
        (_voted, Text("the reasons that voters gave", "投票者给出的理由")),
    ):
        creative, general = leads(runs, "cw_10k", "g"), leads(runs, "cw_10k", "cw")
        if creative and general:
            return _finding(gain(creative), gain(general, sign=-1), source)
    return None


def _finding(logic: Gain, expression: Gain, source: Text) -> Finding:
    """Both gains must hold, so the larger p decides and needs no further correction."""
    weaker, p = min(logic, expression, key=lambda part: part.value), max(logic.p, expression.p)
    shown = [
        f"{part.value:+.2f} [{points(part.low, part.high, 1, 2)}]".replace("-", "\N{MINUS SIGN}")
        for part in (logic, expression)
    ]
    reason = Text(
        f"By {source.en}: CW+10k over G gains {shown[0]} more in logic than in expression ({logic.n} prompts), over CW {shown[1]} more in expression than in logic ({expression.n} prompts). The thesis needs both above zero; the larger {p_value(p)}.",
        f"依据{source.zh}：CW+10k 相对 G，逻辑比表达多提升 {shown[0]}（{logic.n} 题）；相对 CW，表达比逻辑多提升 {shown[1]}（{expression.n} 题）。这一论断要求两者都大于零；较大的 {p_value(p)}。",
    )
    subject = Text("the smaller of the two", "两者中较小的")
    holds = weaker.value > 0 and p < ALPHA
    return Finding(
        decide(holds), reason, weaker.value, weaker.low, weaker.high, weaker.n, p, "score", subject
    )


def gain(leads: Leads, sign: int = 1) -> Gain:
    """Averages over prompts.

    Raises:
        StatisticsError: Too few prompts, or the same lead on all of them.
    """
    values = [sign * sum(lead) / len(lead) for lead in leads.values()]
    if len(values) < FEWEST:
        raise StatisticsError(
            f"{len(values)} prompts say something about both",
            f"answer, judge or vote on at least {FEWEST}",
        )
    if len(set(values)) == 1:
        raise StatisticsError("every prompt says the same", "there is no spread to test against")
    mean = bootstrap.mean(np.array(values), np.arange(len(values)))
    p = float(stats.ttest_1samp(values, 0.0).pvalue)
    return Gain(mean.estimate, mean.low, mean.high, mean.n, p)


def _judged(runs: Runs, first: str, second: str) -> Leads:
    """Compares scores within a judge, prompt and sample that has all four."""
    scores: dict[tuple[str, str, int], dict[tuple[str, str], float]] = defaultdict(dict)
    for row in runs.judgements:
        if row.rubric in REASONS and row.verdict and runs.languages[row.query_id] == LANGUAGE:
            value = json.loads(row.verdict).get(row.rubric)
            if value is not None:
                scores[row.judge, row.query_id, row.sample][row.left, row.rubric] = float(value)
    leads: Leads = defaultdict(list)
    for (_, query, _), given in scores.items():
        if all((v, rubric) in given for v in (first, second) for rubric in REASONS):
            logic, expression = (given[first, r] - given[second, r] for r in REASONS)
            leads[query].append(logic - expression)
    return leads


def _voted(runs: Runs, first: str, second: str) -> Leads:
    """Counts a reason for the side that won: +1 for the first, -1 for the second."""
    leads: Leads = defaultdict(list)
    for ballot in runs.voted(LANGUAGE):
        verdict = json.loads(ballot.verdict)
        if ballot.protocol != "pairwise" or set(ballot.shown) != {first, second}:
            continue
        if verdict not in ("left", "right"):
            continue
        won = ballot.shown[0 if verdict == "left" else 1]
        tags = tags_about(ballot, won)
        if _speaks(tags):
            logic, expression = (bool(REASONS[r] & tags) for r in REASONS)
            leads[ballot.query_id].append((logic - expression) * (1 if won == first else -1))
    return leads


def _speaks(tags: Iterable[str]) -> bool:
    return any(tag in reasons for tag in tags for reasons in REASONS.values())
