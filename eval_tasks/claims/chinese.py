"""Claims about who wins in Chinese (paper, abstract, sections 3.2 and 3.4, Table 2)."""

from __future__ import annotations

import itertools

from coig_writer import paper
from coig_writer.mixture import PUBLISHED, steps
from coig_writer.preference import significance
from eval_tasks.bilingual import Text
from eval_tasks.claims import plots
from eval_tasks.claims.claim import (
    ALPHA,
    Claim,
    Finding,
    Verdict,
    decide,
    p_value,
    percent,
    powers,
    span,
)
from eval_tasks.claims.counts import MIXED, NAMES, corrected, decided, flips, not_better, only, rate
from eval_tasks.claims.plots import Row

CHAPTER = "chinese"


def claims() -> list[Claim]:
    """Returns the chapter."""
    return [headline(), only_one(), parity(), monotone(), gain(), threshold(), process()]


def headline() -> Claim:
    """62.75 % against the general-only model."""
    won, p = rate("zh", "cw_10k", "g"), corrected("zh")["cw_10k", "g"]
    raw = significance.binomial(round(won.successes), won.n).p
    turned = flips("zh", "cw_10k", "g")
    reason = Text(
        f"{won.successes:.0f} of {won.n} prompts. The exact binomial test gives p = {powers(raw)}, and {p:.3f} after Holm's correction over the ten Chinese pairs. "
        f"If {turned} prompts had gone the other way, the difference would no longer be significant after that correction. One judgement per prompt: what another rater would say is unknown.",
        f"{won.n} 题中胜 {won.successes:.0f} 题。精确二项检验 p = {powers(raw)}，对十个中文对比做 Holm 校正后为 {p:.3f}。"
        f"只要有 {turned} 题反转，校正后的差异就不再显著。每题只有一次评判，换一位评审会怎样无从得知。",
    )
    return Claim(
        "zh-headline", CHAPTER,
        Text(f"CW+10k beats the general-only model G in Chinese: 62.75%, {p_value(0)}.", f"中文写作中，CW+10k 以 62.75% 的胜率超过只用通用数据的 G（{p_value(0)}）。"),
        "abstract; section 3.2; Table 2",
        Finding(decide(p < ALPHA and won.value > 0.5), reason, won.value, won.low, won.high, won.n, p),
        plots.rates([Row("CW+10k / G", won, "yes")]),
    )  # fmt: skip


def only_one() -> Claim:
    """No other mixture beats the general-only model."""
    others = {v: rate("zh", v, "g") for v in MIXED if v != "cw_10k"}
    best = max(others.values(), key=lambda r: r.value)
    open_ = not_better({v: (round(r.successes), r.n) for v, r in others.items()})
    better = [v for v in MIXED if (v, "g") in decided("zh")]
    reason = Text(
        f"CW+10k is better. The next best, CW+5k, wins {best.successes:.0f} of {best.n}, so that a true lead over G of up to {100 * (best.high - 0.5):.1f} points is not excluded: it may be better too. The other two lose more often than they win. That CW+5k is really worse than CW+10k is less sure "
        f"({p_value(corrected('zh')['cw_10k', 'cw_5k'])} in their direct comparison, corrected).",
        f"CW+10k 更好。次好的 CW+5k 在 {best.n} 题中胜 {best.successes:.0f} 题，不能排除它实际领先 G 至多 {100 * (best.high - 0.5):.1f} 个百分点，也就是说它可能同样更好。另外两个负多胜少。CW+5k 是否真的不如 CW+10k 则没有那么确定"
        f"（两者直接对比，校正后 {p_value(corrected('zh')['cw_10k', 'cw_5k'])}）。",
    )
    rows = [
        Row(f"{NAMES[v]} / G", rate("zh", v, "g"), "yes" if v == "cw_10k" else "open")
        for v in MIXED
    ]
    return Claim(
        "zh-only-one", CHAPTER,
        Text("CW+10k is the only mixture that does better than G in Chinese.", "在中文上，只有 CW+10k 优于 G。"),
        "section 3.2; Table 2",
        Finding(only(better, open_), reason, best.value, best.low, best.high, best.n, subject=Text("CW+5k against G", "CW+5k 对 G")),
        plots.rates(rows),
    )  # fmt: skip


def parity() -> Claim:
    """50.00 % with 10,000 general rows: even, or just too few prompts to tell?"""
    won = rate("zh", "cw_5k", "g")
    equivalence = significance.even(round(won.successes), won.n)
    verdicts: dict[str, Verdict] = {"equivalent": "supported", "different": "not supported"}
    verdict = verdicts.get(equivalence.finding, "not testable here")
    worse, close = (rate("zh", v, "g") for v in ("cw", "cw_1k"))
    p_worse, p_close = (corrected("zh")[v, "g"] for v in ("cw", "cw_1k"))
    reason = Text(
        f"{won.successes:.0f} of {won.n} is exactly even, but that does not prove parity: these counts fit any true rate within {span(won.low, won.high)}. "
        f"Showing that the two are within {100 * equivalence.margin:.0f} points of each other takes about {equivalence.needed} prompts (equivalence test here: {p_value(equivalence.p)}). "
        f"Of the two that the sentence calls worse, CW is ({percent(worse.value, 2)}, {p_value(p_worse)} corrected); CW+1k is not shown to be ({percent(close.value, 2)}, {p_value(p_close)}).",
        f"{won.n} 题中胜 {won.successes:.0f} 题，正好一半，但这证明不了持平：真实胜率在 {span(won.low, won.high)} 之间都说得通。"
        f"要证明两者相差不到 {100 * equivalence.margin:.0f} 个百分点，约需 {equivalence.needed} 题（此处等效性检验 {p_value(equivalence.p)}）。"
        f"原文称更差的两个模型中，CW 确实更差（{percent(worse.value, 2)}，校正后 {p_value(p_worse)}）；CW+1k 更差则没有得到证明（{percent(close.value, 2)}，{p_value(p_close)}）。",
    )
    return Claim(
        "zh-parity", CHAPTER,
        Text("With 10,000 general rows the mixture reaches parity with G: 50.00%.", "加入 1 万条通用数据后，混合模型与 G 持平：50.00%。"),
        "section 3.2; Table 2",
        Finding(verdict, reason, won.value, won.low, won.high, won.n, equivalence.p),
        plots.rates([Row("CW+5k / G", won, "open")]),
    )  # fmt: skip


def monotone() -> Claim:
    """Each step of general data beats the one before, head to head."""
    steps = [(after, before) for before, after in itertools.pairwise(MIXED)]
    won = [rate("zh", *step) for step in steps]
    p = significance.holm([significance.binomial(round(r.successes), r.n).p for r in won])
    ladder = [rate("zh", v, "g") for v in MIXED]
    against = [percent(r.value, 2) for r in ladder]
    stepwise = [percent(r.value) for r in won]
    reason = Text(
        f"Against G the four stand at {', '.join(against)}. Head to head, each mixture beats the one with less general data: {', '.join(stepwise)}. After Holm's correction over the three steps every p is at most {max(p):.3f}. It holds of the mixtures: G, with general data alone, does worse than CW+10k.",
        f"对 G 的四个胜率为 {'、'.join(against)}。两两直接对比，每个混合模型都胜过通用数据更少的那个：{'、'.join(stepwise)}。对三步做 Holm 校正后 p 均不超过 {max(p):.3f}。这说的是混合模型：只用通用数据的 G 反而不如 CW+10k。",
    )
    weakest = min(won, key=lambda r: r.value)
    rows = [Row(f"{NAMES[v]} / G", r, "first") for v, r in zip(MIXED, ladder, strict=True)]
    rows += [
        Row(f"{NAMES[a]} / {NAMES[b]}", r, "yes") for (a, b), r in zip(steps, won, strict=True)
    ]
    return Claim(
        "zh-monotone", CHAPTER,
        Text("In Chinese, performance rises with every step of general data.", "中文表现随通用数据逐级提升。"),
        "section 3.2; Table 2",
        Finding(decide(max(p) < ALPHA and weakest.value > 0.5), reason, weakest.value, weakest.low, weakest.high, weakest.n, max(p), subject=Text("the smallest step", "最小的一步")),
        plots.rates(rows),
    )  # fmt: skip


def gain() -> Claim:
    """The 25.5 points count the same prompts twice."""
    won, lost = rate("zh", "cw_10k", "g"), rate("zh", "g", "cw_10k")
    printed, gained = 100 * (won.value - lost.value), 100 * (won.value - 0.5)
    interval = (100 * (won.low - 0.5), 100 * (won.high - 0.5))
    reason = Text(
        f"{printed:.1f} is {100 * won.value:.2f} − {100 * lost.value:.2f}: each prompt enters twice, once as a win and once as the other side's loss. Over an even chance the gain is {gained:.2f} points "
        f"[{interval[0]:.1f}, {interval[1]:.1f}].",
        f"{printed:.1f} 来自 {100 * won.value:.2f} − {100 * lost.value:.2f}：同一题先算作一方的胜，又算作另一方的负。相对五五开，提升是 {gained:.2f} 个百分点"
        f"［{interval[0]:.1f}，{interval[1]:.1f}］。",
    )
    return Claim(
        "zh-gain", CHAPTER,
        Text("The gain in Chinese is 25.5 percentage points.", "中文提升 25.5 个百分点。"),
        "section 3.2; section 3.4",
        Finding("not supported", reason, won.value - 0.5, won.low - 0.5, won.high - 0.5, won.n, corrected("zh")["cw_10k", "g"], "points"),
        plots.printed_and_computed(25.5, (gained, *interval)),
    )  # fmt: skip


def threshold() -> Claim:
    """A threshold needs points on both sides of it."""
    ratios = [PUBLISHED[v].general_per_language * 2 / paper.ROWS for v in MIXED]
    training = paper.TRAINING
    cw, g = (
        steps(PUBLISHED[v].total, training.global_batch_size, training.epochs) for v in ("cw", "g")
    )
    reason = Text(
        f"Four ratios were trained: 1:{ratios[0]:.0f}, 1:{ratios[1]:.1f}, 1:{ratios[2]:.1f} and 1:{ratios[3]:.1f}. Nothing lies between the last two and nothing beyond, so neither a threshold nor an optimum can be placed. "
        f"CW also took {cw} optimizer steps and G {g:,}: quantity and mixture are not told apart.",
        f"只训练了四种比例：1:{ratios[0]:.0f}、1:{ratios[1]:.1f}、1:{ratios[2]:.1f}、1:{ratios[3]:.1f}。最后两档之间没有数据点，之后也没有，因此阈值和最优点都无法定位。"
        f"此外 CW 只训练了 {cw} 步，G 训练了 {g:,} 步：数据量与配比的作用分不开。",
    )
    return Claim(
        "threshold", CHAPTER,
        Text("At least twelve general rows per creative row are needed for the best result.", "每条创作数据至少要配十二条通用数据才能达到最佳。"),
        "abstract; section 3.4",
        Finding("not testable here", reason),
    )  # fmt: skip


def process() -> Claim:
    """No model was trained without the reasoning."""
    first, last = rate("zh", "cw", "g"), rate("zh", "cw_10k", "g")
    reason = Text(
        f"From {percent(first.value, 2)} to {percent(last.value, 2)} the creative rows, and their reasoning, stay the same; what changes is the general data. The effect of the reasoning needs a model trained on prompt and article alone, and there is none.",
        f"从 {percent(first.value, 2)} 到 {percent(last.value, 2)}，创作数据及其构思过程完全没变，变的是通用数据。要看构思过程的作用，需要一个只用写作提示和文章训练的对照模型，而论文没有。",
    )
    return Claim(
        "process-supervision", CHAPTER,
        Text("Process supervision lifts Chinese creative writing from 35.78% to 62.75%.", "过程监督把中文创作从 35.78% 提升到 62.75%。"),
        "contributions",
        Finding("not testable here", reason),
    )  # fmt: skip
