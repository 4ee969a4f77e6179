"""The same questions asked of the user's own runs, where votes and scores allow.

A question whose data are not there is left unanswered; one that they cannot carry says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from coig_writer.errors import StatisticsError
from coig_writer.preference import equivalence, significance
from coig_writer.preference.rates import Rate, difference
from coig_writer.triplet import Language
from eval_tasks.claims import own_components, own_scores
from eval_tasks.claims.claim import ALPHA, Finding, Text, Verdict, decide, p_value, percent
from eval_tasks.claims.counts import MIXED, NAMES
from eval_tasks.claims.majority import corrected, counted, exact, majority, rate_finding
from eval_tasks.report.inputs import Runs

TECHNICAL = ("product-manual", "proposal")
Question = Callable[[Runs], Finding | None]


def findings(runs: Runs) -> dict[str, Finding]:
    """Returns what the runs say, by claim id; questions that they cannot carry are absent."""
    found: dict[str, Finding] = {}
    for claim, question in QUESTIONS.items():
        try:
            finding = question(runs)
        except StatisticsError as error:
            finding = Finding(
                "not testable here", Text(error.message, f"数据不足：{error.message}")
            )
        if finding is not None:
            found[claim] = finding
    return found


def _headline(runs: Runs) -> Finding | None:
    rate = majority(runs, "zh", "cw_10k", "g")
    if rate is None:
        return None
    p = corrected(runs, "zh")["cw_10k", "g"]
    return rate_finding(decide(p < ALPHA and rate.value > 0.5), counted(rate, p), rate, p)


def _only_one(runs: Runs) -> Finding | None:
    rates = {v: majority(runs, "zh", v, "g") for v in MIXED}
    if any(rate is None for rate in rates.values()):
        return None
    p = corrected(runs, "zh")
    better = [v for v, rate in rates.items() if rate and rate.value > 0.5 and p[v, "g"] < ALPHA]
    shown = ", ".join(NAMES[v] for v in better) or "–"
    reason = Text(f"Significantly better than G: {shown}.", f"显著优于 G 的：{shown}。")
    return Finding(decide(better == ["cw_10k"]), reason)


def _parity(runs: Runs) -> Finding | None:
    rate = majority(runs, "zh", "cw_5k", "g")
    return None if rate is None else _even(rate)


def _even(rate: Rate) -> Finding:
    found = equivalence.even(round(rate.successes), rate.n)
    verdicts: dict[str, Verdict] = {"equivalent": "supported", "different": "not supported"}
    reason = Text(
        f"{rate.successes:.0f} of {rate.n} decided prompts; equivalence within {100 * found.margin:.0f} points {p_value(found.p)}, difference {p_value(found.p_difference)}. About {found.needed} prompts would decide.",
        f"{rate.n} 道分出胜负的题中胜 {rate.successes:.0f} 道；{100 * found.margin:.0f} 个百分点内等效性 {p_value(found.p)}，差异检验 {p_value(found.p_difference)}。约需 {found.needed} 题才能判定。",
    )
    return rate_finding(verdicts.get(found.finding, "not testable here"), reason, rate, found.p)


def _monotone(language: Language) -> Question:
    def question(runs: Runs) -> Finding | None:
        steps = [majority(runs, language, b, a) for a, b in itertools.pairwise(MIXED)]
        rates = [rate for rate in steps if rate is not None]
        if len(rates) < len(steps):
            return None
        p = max(significance.holm([exact(rate) for rate in rates]))
        weakest = min(rates, key=lambda rate: rate.value)
        shown = ", ".join(percent(rate.value) for rate in rates)
        reason = Text(f"Step by step: {shown}.", f"逐步胜率：{shown}。")
        return rate_finding(decide(p < ALPHA and weakest.value > 0.5), reason, weakest, p)

    return question


def _baseline(runs: Runs) -> Finding | None:
    rates = {v: rate for v in MIXED if (rate := majority(runs, "en", "g", v)) is not None}
    if len(rates) < len(MIXED):
        return None
    p = corrected(runs, "en")
    worst = max(rates, key=lambda v: p["g", v])
    holds = all(rate.value > 0.5 and p["g", v] < ALPHA for v, rate in rates.items())
    rate, largest = rates[worst], p["g", worst]
    return rate_finding(decide(holds), counted(rate, largest), rate, largest)


def _no_transfer(runs: Runs) -> Finding | None:
    rate = majority(runs, "en", "cw_10k", "g")
    if rate is None:
        return None
    limit = 0.5 + equivalence.MARGIN
    p = significance.binomial(round(rate.successes), rate.n, limit, "less").p
    return rate_finding(decide(p < ALPHA), counted(rate, p), rate, p)


def _gap(runs: Runs) -> Finding | None:
    zh, en = (majority(runs, x, "cw_10k", "g") for x in ("zh", "en"))
    if zh is None or en is None:
        return None
    gap = difference(zh, en)
    p = significance.two_shares((round(zh.successes), round(en.successes)), (zh.n, en.n)).p
    reason = Text(
        f"{percent(zh.value)} in Chinese, {percent(en.value)} in English.",
        f"中文 {percent(zh.value)}，英文 {percent(en.value)}。",
    )
    holds = p < ALPHA and gap.value > 0
    return Finding(decide(holds), reason, gap.value, gap.low, gap.high, gap.n, p, "points")


def _technical(runs: Runs) -> Finding | None:
    rate = majority(runs, "zh", "cw_10k", "g", TECHNICAL)
    return None if rate is None else _even(rate)


QUESTIONS: dict[str, Question] = {
    "zh-headline": _headline,
    "zh-only-one": _only_one,
    "zh-parity": _parity,
    "zh-monotone": _monotone("zh"),
    "en-baseline": _baseline,
    "en-monotone": _monotone("en"),
    "no-transfer": _no_transfer,
    "gap-16": _gap,
    "confusion-cw": own_scores.confused,
    "ttr-paradox": own_scores.paradox,
    "length-verbosity": own_scores.verbosity,
    "length-variance": own_scores.spread,
    "agreement": own_scores.agreed,
    "technical-genres": _technical,
    "abstract-genres": own_scores.abstract,
    "two-components": own_components.dissociated,
}
