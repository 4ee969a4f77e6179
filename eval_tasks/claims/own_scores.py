"""Questions about scores and ratings of the user's own runs: style, length, agreement, genres."""

from __future__ import annotations

import numpy as np

from coig_writer import taxonomy
from coig_writer.errors import StatisticsError
from coig_writer.preference import (
    association,
    bootstrap,
    ratings,
    significance,
    summary,
)
from coig_writer.preference.agreement import Alpha
from coig_writer.preference.board import share
from coig_writer.preference.control import length_control
from coig_writer.preference.pairs import Floats, encode
from coig_writer.preference.rates import wilson
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import ALPHA, Finding, Verdict, decide, percent, span
from eval_tasks.runs import Runs

ABSTRACT = "funny-literature"
SUCCESS = 2  # of 0–3 on overall preference
RARE = 0.15  # the share of successes that the paper names
RELIABLE = 0.667  # Krippendorff's bound for tentative conclusions


def confused(runs: Runs) -> Finding | None:
    rates = {
        v: wilson(sum(x > 0 for x in values.values()), len(values))
        for v, values in runs.values("language_confusion_any", "en").items()
    }
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


def paradox(runs: Runs) -> Finding | None:
    values, met = runs.by_answer("ttr", "zh"), runs.preferences("zh")
    if not values or not met.comparisons:
        return None
    if not met.conclusive:
        raise StatisticsError("no rater rated two answers to one prompt: rater and model are one")
    found = association.associate("ttr", encode(met.comparisons), values)
    share = found.concordance
    reason = Text(
        f"The answer with the higher TTR is preferred in {percent(share.estimate)} of {share.n:,} decided pairs on {found.prompts} Chinese prompts; the interval resamples prompts.",
        f"在 {found.prompts} 道中文题的 {share.n:,} 个分出高下的对比中，TTR 较高的一方有 {percent(share.estimate)} 更受偏好；区间按题目重抽样。",
    )
    return Finding(decide(share.high < 0.5), reason, share.estimate, share.low, share.high, share.n)


def verbosity(runs: Runs) -> Finding | None:
    pair = ("cw_10k", "g")
    duels = length_control.duels(runs.votes("zh"), pair, runs.values("chars", "zh"))
    if duels is None:
        return None
    found = length_control.fit(duels)
    reason = Text(
        f"At equal length CW+10k beats G in {percent(found.value)} [{span(found.low, found.high)}]; without control in {percent(found.raw)}.",
        f"等长条件下 CW+10k 对 G 的胜率为 {percent(found.value)}［{span(found.low, found.high)}］；不控制长度时为 {percent(found.raw)}。",
    )
    return Finding(decide(found.low > 0.5), reason, found.value, found.low, found.high, found.n)


def spread(runs: Runs) -> Finding | None:
    chars = runs.values("chars", "zh")
    queries = sorted(set(chars.get("cw", {})) & set(chars.get("cw_10k", {})))
    if len(queries) < 10:
        return None
    first, last = (np.array([chars[v][q] for q in queries]) for v in ("cw", "cw_10k"))
    weights = bootstrap.cluster_weights(len(queries), bootstrap.ROUNDS, np.random.default_rng(0))
    drawn = _sd(first, weights) / np.maximum(_sd(last, weights), 1e-12)
    ratio = float(first.std() / max(last.std(), 1e-12))
    low, high = bootstrap.percentiles(drawn, 0.95)
    reason = Text(
        f"The standard deviation of lengths in CW is {ratio:.2f} times that in CW+10k [{low:.2f}, {high:.2f}].",
        f"CW 篇幅的标准差是 CW+10k 的 {ratio:.2f} 倍［{low:.2f}，{high:.2f}］。",
    )
    return Finding(decide(low > 1), reason, ratio, low, high, len(queries), unit="ratio")


def _sd(values: Floats, weights: Floats) -> Floats:
    share = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.maximum(share @ values**2 - (share @ values) ** 2, 0)))


def agreed(runs: Runs) -> Finding | None:
    dimension = "overall_preference"
    if all(ratings.rating(b, dimension) is None for b in runs.ballots):
        return None
    found = summary.agreement(runs.ballots, dimension)
    if not isinstance(found, Alpha):
        raise StatisticsError(found or "no two answers have two ratings: agreement is unknown")
    reason = Text(
        f"Krippendorff's ordinal α over {found.units} answers with two ratings or more; {RELIABLE} is the least for tentative conclusions.",
        f"在 {found.units} 篇有两个以上评分的回答上计算的 Krippendorff 序数 α；{RELIABLE} 是作初步结论的最低要求。",
    )
    return Finding(
        decide(found.low >= RELIABLE),
        reason,
        found.value,
        found.low,
        found.high,
        found.units,
        unit="score",
        of=Text("α", "α"),
    )


def abstract(runs: Runs) -> Finding | None:
    genres = {g.slug for g in taxonomy.published().of_category(ABSTRACT)}
    rated = [
        (value >= SUCCESS, ballot.query_id, ballot.rater)
        for ballot in runs.voted("zh")
        if runs.genres.get(ballot.query_id) in genres
        and (value := ratings.rating(ballot, "overall_preference")) is not None
    ]
    if len({query for _, query, _ in rated}) < 2:
        return None
    hits, queries, raters = zip(*rated, strict=True)
    codes = [np.unique(names, return_inverse=True)[1] for names in (queries, raters)]
    found = share(np.array(hits, dtype=np.float64), *codes)
    prompts = len(set(queries))
    decision: Verdict = (
        "supported"
        if found.high < RARE
        else "not supported"
        if found.low > RARE
        else "not testable here"
    )
    reason = Text(
        f"Rated {SUCCESS} or 3 of 3: {percent(found.estimate)} of {found.n} answers to {prompts} prompts.",
        f"{prompts} 题的 {found.n} 篇回答中，{percent(found.estimate)} 得到 {SUCCESS} 分或 3 分（满分 3）。",
    )
    return Finding(decision, reason, found.estimate, found.low, found.high, found.n)
