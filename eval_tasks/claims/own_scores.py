"""Questions about scores and ratings of the user's own runs: style, length, agreement, genres."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from coig_writer import benchmark, taxonomy
from coig_writer.errors import KitError, StatisticsError
from coig_writer.preference import (
    association,
    bootstrap,
    ratings,
    significance,
    summary,
)
from coig_writer.preference.agreement import Alpha
from coig_writer.preference.board import share
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.control import length_control
from coig_writer.preference.pairs import Floats, encode
from coig_writer.preference.rates import Rate, wilson
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import (
    ALPHA,
    Finding,
    Verdict,
    decide,
    p_value,
    percent,
    span,
)
from eval_tasks.claims.counts import MIXED, NAMES, against_general_share
from eval_tasks.claims.own_components import Leads, gain
from eval_tasks.runs import LANGUAGES, Runs

ABSTRACT = "funny-literature"  # the category, for prompts that are not of the benchmark
SLOGANS = ("advertising", "slogan")
PROBES = ("crazy_literature", "homophonic_wordplay")  # what the benchmark's abstract queries probe
CONFIGURATIONS = (*MIXED, "g")  # by rising share of general data
KINDS = {
    "rating": Text("ratings", "评分"),
    "ranking": Text("rankings", "排序"),
    "pairwise": Text("pairs", "成对投票"),
}
SUCCESS = 2  # of 0–3 on overall preference
RARE = 0.15  # the share of successes that the paper names
RELIABLE = 0.667  # Krippendorff's bound for tentative conclusions


def _confusion(runs: Runs) -> dict[str, Rate]:
    """Returns the share of English prompts answered in part in another language, by variant."""
    return {
        v: wilson(sum(x > 0 for x in values.values()), len(values))
        for v, values in runs.values("language_confusion_any", "en").items()
    }


def confused(runs: Runs) -> Finding | None:
    rates = _confusion(runs)
    others = [v for v in rates if v != "cw"]
    if "cw" not in rates or not others:
        return None
    cw = rates["cw"]
    tests = [
        significance.two_shares(
            (round(cw.successes), round(rates[v].successes)), (cw.n, rates[v].n)
        ).p
        for v in others
    ]
    p = max(significance.holm(tests))
    highest = max(rates[v].value for v in others)
    reason = Text(
        f"{cw.successes:.0f} of {cw.n} English answers [{span(cw.low, cw.high)}]; at most {percent(highest)} elsewhere.",
        f"{cw.n} 篇英文回答中有 {cw.successes:.0f} 篇［{span(cw.low, cw.high)}］；其他模型最高 {percent(highest)}。",
    )
    holds = p < ALPHA and cw.value > highest
    return Finding(decide(holds), reason, cw.value, cw.low, cw.high, cw.n, p)


def confusion_trend(runs: Runs) -> Finding | None:
    """Does the rate fall with the share of general data, over all five configurations?"""
    rates = _confusion(runs)
    if not set(CONFIGURATIONS) <= rates.keys():
        return None
    correlation = against_general_share({v: rates[v].value for v in CONFIGURATIONS})
    shown = ", ".join(f"{NAMES[v]} {percent(rates[v].value)}" for v in CONFIGURATIONS)
    reason = Text(
        f"Over five models: {shown}; {p_value(correlation.p)} of the correlation with the share of general data.",
        f"五个模型：{shown}；与通用数据占比的相关 {p_value(correlation.p)}。",
    )
    holds = correlation.value < 0 and correlation.p < ALPHA
    return Finding(
        decide(holds),
        reason,
        correlation.value,
        correlation.low,
        correlation.high,
        correlation.n,
        correlation.p,
        "r",
    )


def paradox(runs: Runs) -> Finding | None:
    values, met = runs.by_answer("ttr", "zh"), runs.preferences("zh")
    if not values or not met.comparisons:
        return None
    if not met.conclusive:
        raise StatisticsError("no rater rated two answers to one prompt: rater and model are one")
    relation = association.associate("ttr", encode(met.comparisons), values)
    share = relation.concordance
    reason = Text(
        f"The answer with the higher TTR is preferred in {percent(share.estimate)} of {share.n:,} decided pairs on {relation.prompts} Chinese prompts; the interval resamples prompts.",
        f"在 {relation.prompts} 道中文题的 {share.n:,} 个分出高下的对比中，TTR 较高的一方有 {percent(share.estimate)} 更受偏好；区间按题目重抽样。",
    )
    return Finding(decide(share.high < 0.5), reason, share.estimate, share.low, share.high, share.n)


def verbosity(runs: Runs) -> Finding | None:
    pair = ("cw_10k", "g")
    duels = length_control.duels(runs.votes("zh"), pair, runs.values("chars", "zh"))
    if duels is None:
        return None
    controlled = length_control.fit(duels)
    reason = Text(
        f"At equal length CW+10k beats G in {percent(controlled.value)} [{span(controlled.low, controlled.high)}]; without control in {percent(controlled.raw)}.",
        f"等长条件下 CW+10k 对 G 的胜率为 {percent(controlled.value)}［{span(controlled.low, controlled.high)}］；不控制长度时为 {percent(controlled.raw)}。",
    )
    return Finding(
        decide(controlled.low > 0.5),
        reason,
        controlled.value,
        controlled.low,
        controlled.high,
        controlled.n,
    )


def spread(runs: Runs) -> Finding | None:
    """Does the spread of lengths fall with every share of general data, in both languages?

    The slope of the log standard deviation over the five configurations, from no general data to nothing else.
    """
    slopes = {x: slope for x in LANGUAGES if (slope := _spread(runs.values("chars", x)))}
    if not slopes:
        return None
    worst = max(slopes.values(), key=lambda slope: slope.high)
    shown = ", ".join(
        f"{x} {s.value:+.2f} [{s.low:+.2f}, {s.high:+.2f}]" for x, s in slopes.items()
    )
    reason = Text(
        f"Slope of the log standard deviation of lengths per step over {', '.join(NAMES[v] for v in CONFIGURATIONS)}: {shown}.",
        f"篇幅标准差的对数随 {'、'.join(NAMES[v] for v in CONFIGURATIONS)} 每步的斜率：{shown}。",
    )
    verdict: Verdict = (
        "not supported"
        if any(slope.high >= 0 for slope in slopes.values())
        else "supported"
        if len(slopes) == len(LANGUAGES)
        else "not testable here"
    )
    return Finding(verdict, reason, worst.value, worst.low, worst.high, worst.n, unit="score")


@dataclasses.dataclass(frozen=True, slots=True)
class Slope:
    """A slope with its interval, which resamples prompts."""

    value: float
    low: float
    high: float
    n: int


def _spread(chars: dict[str, dict[str, float]]) -> Slope | None:
    """Returns the slope over the five configurations; None without all of them on ten prompts."""
    queries = sorted(set.intersection(*(set(chars.get(v, {})) for v in CONFIGURATIONS)))
    if len(queries) < 10:
        return None
    weights = bootstrap.cluster_weights(len(queries), bootstrap.ROUNDS, np.random.default_rng(0))
    whole = np.ones((1, len(queries)))
    values = [np.array([chars[v][q] for q in queries]) for v in CONFIGURATIONS]
    steps = np.arange(len(values)) - (len(values) - 1) / 2

    def slope(drawn: Floats) -> Floats:
        spreads = np.array([np.log(np.maximum(_sd(x, drawn), 1e-12)) for x in values])
        return np.asarray(steps @ spreads / (steps @ steps))

    low, high = bootstrap.percentiles(slope(weights), 0.95)
    return Slope(float(slope(whole)[0]), low, high, len(queries))


def _sd(values: Floats, weights: Floats) -> Floats:
    share = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.maximum(share @ values**2 - (share @ values) ** 2, 0)))


def agreed(runs: Runs) -> Finding | None:
    """Is agreement high? Ratings, rankings and pairs are asked separately; the lowest decides."""
    dimension = "overall_preference"
    kinds = {b.protocol for b in runs.ballots}
    if not kinds or (kinds == {"rating"} and not _rated(runs, dimension)):
        return None
    by_kind = {
        kind: summary.agreement([b for b in runs.ballots if b.protocol == kind], dimension)
        for kind in sorted(kinds)
    }
    alphas = {kind: alpha for kind, alpha in by_kind.items() if isinstance(alpha, Alpha)}
    if not alphas:
        why = next((x for x in by_kind.values() if isinstance(x, str)), "")
        if not why and not _rated(runs, dimension):
            return None
        raise StatisticsError(why or "no two answers have two ratings: agreement is unknown")
    lowest = min(alphas.values(), key=lambda alpha: alpha.low)
    en = ", ".join(
        f"{KINDS[k].en} {a.value:.2f} [{a.low:.2f}, {a.high:.2f}] over {a.units} units"
        for k, a in alphas.items()
    )
    zh = "，".join(
        f"{KINDS[k].zh} {a.value:.2f}［{a.low:.2f}, {a.high:.2f}］（{a.units} 个单位）"
        for k, a in alphas.items()
    )
    reason = Text(
        f"Krippendorff's ordinal α, prompts resampled: {en}; {RELIABLE} is the least for tentative conclusions.",
        f"Krippendorff 序数 α，按题目重抽样：{zh}；{RELIABLE} 是作初步结论的最低要求。",
    )
    return Finding(
        decide(lowest.low >= RELIABLE), reason, lowest.value, lowest.low, lowest.high, lowest.units,
        unit="score", subject=Text("α", "α"),
    )  # fmt: skip


def _rated(runs: Runs, dimension: str) -> bool:
    return any(ratings.rating(b, dimension) is not None for b in runs.ballots)


def abstract(runs: Runs) -> Finding | None:
    """Do abstract tasks fail for every model? Each model is asked alone, since one that succeeds half the time would hide in a pool."""
    genres = {g.slug for g in taxonomy.published().of_category(ABSTRACT)}
    by_model: dict[str, list[tuple[bool, str, str]]] = defaultdict(list)
    for ballot in runs.voted("zh"):
        value = ratings.rating(ballot, "overall_preference")
        if value is not None and _abstract(
            ballot.query_id, runs.genres.get(ballot.query_id), genres
        ):
            by_model[ballot.shown[0]].append((value >= SUCCESS, ballot.query_id, ballot.rater))
    rates = {
        model: _success(rows)
        for model, rows in by_model.items()
        if len({query for _, query, _ in rows}) > 1
    }
    if not rates:
        return None
    best = max(rates.values(), key=lambda rate: rate.estimate)
    decision: Verdict = (
        "supported"
        if all(rate.high < RARE for rate in rates.values())
        else "not supported"
        if any(rate.low > RARE for rate in rates.values())
        else "not testable here"
    )
    shown = ", ".join(
        f"{model} {percent(rate.estimate)} [{span(rate.low, rate.high)}] of {rate.n}"
        for model, rate in rates.items()
    )
    reason = Text(
        f"Rated {SUCCESS} or 3 of 3, model by model: {shown}.",
        f"得到 {SUCCESS} 分或 3 分（满分 3）的比例，逐个模型：{shown}。",
    )
    return Finding(decision, reason, best.estimate, best.low, best.high, best.n)


def _abstract(query_id: str, genre: str | None, genres: set[str]) -> bool:
    """Tells whether a query probes abstract writing, by the benchmark's own field or else by genre."""
    try:
        return benchmark.query(query_id).probe in PROBES
    except KitError:
        return genre in genres


def _success(rows: list[tuple[bool, str, str]]) -> Interval:
    hits, queries, raters = zip(*rows, strict=True)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in (queries, raters)]
    return share(np.array(hits, dtype=np.float64), *codes)


def disconnected(runs: Runs) -> Finding | None:
    """Do adjacent paragraphs of G share fewer words than those of CW+10k?"""
    return _lead(
        {"G − CW+10k": _leads(runs, "disconnected", "zh", "g", "cw_10k")},
        Text("adjacent paragraphs without a content word in common", "没有共同实词的相邻段落占比"),
    )


def unformatted(runs: Runs) -> Finding | None:
    """Has CW less text in paragraphs of readable length than CW+10k and than G?"""
    return _lead(
        {f"{NAMES[v]} − CW": _leads(runs, "readable_share", "zh", v, "cw") for v in ("cw_10k", "g")},
        Text("characters in paragraphs of readable length", "处在适读长度段落中的字符占比"),
    )  # fmt: skip


def slogans(runs: Runs) -> Finding | None:
    """Has CW+10k more idioms than G in advertisements and slogans?"""
    return _lead(
        {"CW+10k − G": _leads(runs, "idiom_density", "zh", "cw_10k", "g", SLOGANS)},
        Text("idioms per 100 words", "每百词成语数"),
    )


def reasoning_zh(runs: Runs) -> Finding | None:
    """Does CW+10k reason deeply and explore itself more than G, in Chinese?"""
    kinds = ("deep_reasoning", "self_exploration")
    return _lead(
        {f"{k} CW+10k − G": _leads(runs, f"reasoning_{k}", "zh", "cw_10k", "g") for k in kinds},
        Text("paragraphs of reasoning", "思维过程中的段落占比"),
    )


def reasoning_en(runs: Runs) -> Finding | None:
    """Does every mixture reflect more and reason deeply less than G, in English?"""
    leads: dict[str, Leads] = {}
    for v in MIXED:
        leads[f"self_reflection {NAMES[v]} − G"] = _leads(runs, "reasoning_self_reflection", "en", v, "g")  # fmt: skip
        leads[f"deep_reasoning G − {NAMES[v]}"] = _leads(runs, "reasoning_deep_reasoning", "en", "g", v)  # fmt: skip
    return _lead(leads, Text("paragraphs of reasoning", "思维过程中的段落占比"))


def _leads(
    runs: Runs, metric: str, language: Language, first: str, second: str, genres: tuple[str, ...] = ()
) -> Leads:  # fmt: skip
    """Returns, by prompt that both answered, how much more of a metric the first has."""
    values = runs.values(metric, language)
    a, b = values.get(first, {}), values.get(second, {})
    return {
        query: [a[query] - b[query]]
        for query in sorted(a.keys() & b.keys())
        if not genres or runs.genres.get(query) in genres
    }


def _lead(leads: Mapping[str, Leads], what: Text) -> Finding | None:
    """Decides whether every lead is above zero: all must be, so that the largest p needs no correction."""
    if not all(leads.values()):
        return None
    gains = {name: gain(lead) for name, lead in leads.items()}
    weakest, p = (
        min(gains.values(), key=lambda lead: lead.value),
        max(g.p for g in gains.values()),
    )
    shown = "; ".join(
        f"{name} {g.value:+.2f} [{g.low:+.2f}, {g.high:+.2f}]".replace("-", "\N{MINUS SIGN}")
        for name, g in gains.items()
    )
    reason = Text(
        f"Mean difference in {what.en}, by prompt: {shown}. All must lie above zero; the largest {p_value(p)}.",
        f"{what.zh}逐题之差的均值：{shown}。须全部大于零；最大的 {p_value(p)}。",
    )
    return Finding(
        decide(p < ALPHA and weakest.value > 0), reason, weakest.value, weakest.low, weakest.high, weakest.n, p, "score",
        Text("the smallest difference", "最小的差"),
    )  # fmt: skip
