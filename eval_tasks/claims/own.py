"""The same questions asked of the user's own runs, where votes and scores allow.

A question without data gets no answer; one that the data cannot decide says so.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

from coig_writer.errors import StatisticsError
from coig_writer.mixture import VARIANTS
from coig_writer.preference import significance
from coig_writer.preference.board import Conclusion, conclusions
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.rates import Rate, difference
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.claims import own_components, own_scores
from eval_tasks.claims.claim import ALPHA, Finding, Verdict, decide, p_value, percent
from eval_tasks.claims.counts import MIXED, NAMES, not_better, only
from eval_tasks.runs import Runs

TECHNICAL = ("product-manual", "proposal")
Question = Callable[[Runs], Finding | None]


def findings(runs: Runs) -> dict[str, Finding]:
    """Returns the findings by claim id; questions without data are absent."""
    answers: dict[str, Finding] = {}
    for claim, question in QUESTIONS.items():
        try:
            finding = question(runs)
        except StatisticsError as error:
            finding = Finding(
                "not testable here", Text(error.message, f"数据不足：{error.message}")
            )
        if finding is not None:
            answers[claim] = finding
    return answers


def _against(runs: Runs, language: Language, row: str, column: str) -> Conclusion | None:
    """Returns the conclusion about a pair, corrected over the published variants that met."""
    return _family(runs, language).get(frozenset((row, column)))


def _family(runs: Runs, language: Language) -> dict[frozenset[str], Conclusion]:
    board = runs.board(language)
    concluded = conclusions(board, VARIANTS) if board else ()
    return {frozenset((c.better, c.worse)): c for c in concluded}


def _cell(
    runs: Runs, language: Language, row: str, column: str, genres: tuple[str, ...] = ()
) -> Decided | None:
    """Returns a pair's rate and majority; None where the votes decide no prompt."""
    board = runs.board(language, genres)
    cell = board.cell(row, column) if board else None
    if cell is None or cell.rate is None or cell.majority is None:
        return None
    return Decided(cell.rate, cell.majority)


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """A pair on the board: its rate, and of the prompts that the votes decide those that the row won."""

    rate: Interval
    majority: Rate

    @property
    def counts(self) -> tuple[int, int]:
        """Prompts won, and prompts decided."""
        return round(self.majority.successes), self.majority.n

    def finding(self, verdict: Verdict, reason: Text, p: float) -> Finding:
        """Returns a finding about the rate."""
        rate = self.rate
        return Finding(verdict, reason, rate.estimate, rate.low, rate.high, rate.n, p)

    def counted(self, p: float) -> Text:
        """Returns the counts as a sentence."""
        won, n = self.counts
        return Text(
            f"{won} of {n} decided prompts, {p_value(p)} after correction.",
            f"{n} 道分出胜负的题中胜 {won} 道，校正后 {p_value(p)}。",
        )


def _headline(runs: Runs) -> Finding | None:
    pair, conclusion = _cell(runs, "zh", "cw_10k", "g"), _against(runs, "zh", "cw_10k", "g")
    if pair is None or conclusion is None:
        return None
    holds = conclusion.significant and conclusion.better == "cw_10k"
    return pair.finding(decide(holds), pair.counted(conclusion.corrected), conclusion.corrected)


def _only_one(runs: Runs) -> Finding | None:
    against = {v: _against(runs, "zh", v, "g") for v in MIXED}
    cells = {v: cell for v in MIXED if (cell := _cell(runs, "zh", v, "g")) is not None}
    if any(conclusion is None for conclusion in against.values()) or len(cells) < len(MIXED):
        return None
    better = [v for v, c in against.items() if c and c.significant and c.better == v]
    no_better = not_better({v: cell.counts for v, cell in cells.items() if v != "cw_10k"})
    shown = ", ".join(NAMES[v] for v in better) or "–"
    excluded = ", ".join(NAMES[v] for v in no_better) or "–"
    points_ = f"{100 * significance.MARGIN:.0f}"
    reason = Text(
        f"Significantly better than G: {shown}. Shown not to be better by {points_} points: {excluded}.",
        f"显著优于 G 的：{shown}。已证明不比 G 好 {points_} 个百分点的：{excluded}。",
    )
    return Finding(only(better, no_better), reason)


def _parity(runs: Runs) -> Finding | None:
    pair = _cell(runs, "zh", "cw_5k", "g")
    return None if pair is None else _even(pair)


def _even(pair: Decided) -> Finding:
    won, n = pair.counts
    equivalence = significance.even(won, n)
    verdicts: dict[str, Verdict] = {"equivalent": "supported", "different": "not supported"}
    reason = Text(
        f"{won} of {n} decided prompts; equivalence within {100 * equivalence.margin:.0f} points {p_value(equivalence.p)}, difference {p_value(equivalence.p_difference)}. About {equivalence.needed} prompts would decide.",
        f"{n} 道分出胜负的题中胜 {won} 道；{100 * equivalence.margin:.0f} 个百分点内等效性 {p_value(equivalence.p)}，差异检验 {p_value(equivalence.p_difference)}。约需 {equivalence.needed} 题才能判定。",
    )
    return pair.finding(
        verdicts.get(equivalence.finding, "not testable here"), reason, equivalence.p
    )


def _monotone(language: Language) -> Question:
    def question(runs: Runs) -> Finding | None:
        steps = [_cell(runs, language, b, a) for a, b in itertools.pairwise(MIXED)]
        pairs = [pair for pair in steps if pair is not None]
        if len(pairs) < len(steps):
            return None
        p = max(significance.holm([significance.binomial(*pair.counts).p for pair in pairs]))
        weakest = min(pairs, key=lambda pair: pair.rate.estimate)
        shown = ", ".join(percent(pair.rate.estimate) for pair in pairs)
        reason = Text(f"Step by step: {shown}.", f"逐步胜率：{shown}。")
        holds = p < ALPHA and all(pair.rate.low > 1 / 2 for pair in pairs)
        return weakest.finding(decide(holds), reason, p)

    return question


def _baseline(runs: Runs) -> Finding | None:
    pairs = {v: pair for v in MIXED if (pair := _cell(runs, "en", "g", v)) is not None}
    if len(pairs) < len(MIXED):
        return None
    family = _family(runs, "en")
    against = {v: family[frozenset(("g", v))] for v in pairs}
    worst = max(against, key=lambda v: against[v].corrected)
    holds = all(c.significant and c.better == "g" for c in against.values())
    p = against[worst].corrected
    return pairs[worst].finding(decide(holds), pairs[worst].counted(p), p)


def _no_transfer(runs: Runs) -> Finding | None:
    pair = _cell(runs, "en", "cw_10k", "g")
    if pair is None:
        return None
    limit = 0.5 + significance.MARGIN
    p = significance.binomial(*pair.counts, limit, "less").p
    return pair.finding(decide(p < ALPHA), pair.counted(p), p)


def _gap(runs: Runs) -> Finding | None:
    zh, en = (_cell(runs, x, "cw_10k", "g") for x in ("zh", "en"))
    if zh is None or en is None:
        return None
    gap = difference(zh.rate, en.rate)
    (zh_won, zh_n), (en_won, en_n) = zh.counts, en.counts
    p = significance.two_shares((zh_won, en_won), (zh_n, en_n)).p
    reason = Text(
        f"{percent(zh.rate.estimate)} in Chinese, {percent(en.rate.estimate)} in English.",
        f"中文 {percent(zh.rate.estimate)}，英文 {percent(en.rate.estimate)}。",
    )
    holds = p < ALPHA and gap.low > 0
    return Finding(decide(holds), reason, gap.value, gap.low, gap.high, gap.n, p, "points")


def _technical(runs: Runs) -> Finding | None:
    pair = _cell(runs, "zh", "cw_10k", "g", TECHNICAL)
    return None if pair is None else _even(pair)


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
    "confusion-trend": own_scores.confusion_trend,
    "ttr-paradox": own_scores.paradox,
    "length-verbosity": own_scores.verbosity,
    "length-variance": own_scores.spread,
    "agreement": own_scores.agreed,
    "technical-genres": _technical,
    "abstract-genres": own_scores.abstract,
    "disconnected": own_scores.disconnected,
    "unformatted": own_scores.unformatted,
    "slogans": own_scores.slogans,
    "reasoning-zh": own_scores.reasoning_zh,
    "reasoning-en": own_scores.reasoning_en,
    "two-components": own_components.dissociated,
}
