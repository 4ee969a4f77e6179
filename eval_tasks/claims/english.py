"""Claims about English and about the gap between the languages (paper, sections 3.2 and 3.4)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from scipy import stats

from coig_writer import paper
from coig_writer.mixture import VARIANTS
from coig_writer.preference import significance
from coig_writer.preference.rates import difference
from coig_writer.preference.significance import MARGIN
from eval_tasks.bilingual import Text
from eval_tasks.claims import plots
from eval_tasks.claims.claim import ALPHA, Claim, Finding, decide, p_value, percent, points, span
from eval_tasks.claims.counts import (
    MIXED,
    NAMES,
    against_general_share,
    confusion,
    corrected,
    general_share,
    rate,
)
from eval_tasks.claims.plots import Row

CHAPTER = "english"


def claims() -> list[Claim]:
    """Returns the chapter."""
    return [
        baseline(), monotone(), no_transfer(), wrong_gap(), right_gap(), bound(), data(),
        confused(), confusion_trend(),
    ]  # fmt: skip


def baseline() -> Claim:
    """Three deficits and one tie."""
    won = {v: rate("en", "g", v) for v in MIXED}
    p = {v: corrected("en")["g", v] for v in MIXED}
    tie = won["cw_10k"]
    sure = sum(value < ALPHA for value in p.values())
    reason = Text(
        f"True against {sure} of the four. Against CW+10k it wins {tie.successes:.0f} of {tie.n}: {p_value(p['cw_10k'])} after correction over the ten English pairs. {percent(tie.value, 2)} [{span(tie.low, tie.high)}] is a statistical tie, "
        "so a lead over CW+10k, and with it the introduction's drop to 46.46%, is not shown.",
        f"四个对手中有 {sure} 个成立。对 CW+10k，G 在 {tie.n} 题中胜 {tie.successes:.0f} 题，对十个英文对比校正后 {p_value(p['cw_10k'])}。{percent(tie.value, 2)}［{span(tie.low, tie.high)}］在统计上是平手，"
        "因此对 CW+10k 的领先，以及引言所说的“降到 46.46%”，都没有得到证明。",
    )
    rows = [Row(f"G / {NAMES[v]}", won[v], "yes" if p[v] < ALPHA else "no") for v in MIXED]
    return Claim(
        "en-baseline", CHAPTER,
        Text("In English, G dominates every mixture, from 53.54% against CW+10k to 76.49% against CW.", "英文上 G 胜过每一个混合模型，从对 CW+10k 的 53.54% 到对 CW 的 76.49%。"),
        "section 3.2; Table 2",
        Finding(decide(max(p.values()) < ALPHA), reason, tie.value, tie.low, tie.high, tie.n, p["cw_10k"], subject=Text("G against CW+10k", "G 对 CW+10k")),
        plots.rates(rows),
    )  # fmt: skip


def monotone() -> Claim:
    """The last step in English makes no visible difference."""
    steps = [(after, before) for before, after in itertools.pairwise(MIXED)]
    won = [rate("en", *step) for step in steps]
    p = significance.holm([significance.binomial(round(r.successes), r.n).p for r in won])
    last, ladder = won[-1], [rate("en", v, "g") for v in MIXED]
    whole, end = difference(ladder[-1], ladder[0]), difference(ladder[-1], ladder[-2])
    shown = [percent(r.value, 2) for r in ladder]
    reason = Text(
        f"Against G the four stand at {', '.join(shown)}: from first to last a rise of {100 * whole.value:.1f} points [{points(whole.low, whole.high)}], but the last step of it is {100 * end.value:.1f} [{points(end.low, end.high)}]. Head to head two of three steps are clear and the last, CW+10k over CW+5k, is {last.successes:.0f} of {last.n} ({percent(last.value)}, {p_value(p[-1])} after Holm over three steps). "
        "It rises, and not with every step: doubling the general data at the end changes nothing that these counts can see.",
        f"对 G 的四个胜率为 {'、'.join(shown)}：首尾上升 {100 * whole.value:.1f} 个百分点［{points(whole.low, whole.high, between='，')}］，但最后一步只有 {100 * end.value:.1f}［{points(end.low, end.high, between='，')}］。直接对比时，三步中有两步很清楚；最后一步 CW+10k 对 CW+5k 是 {last.n} 题胜 {last.successes:.0f} 题（{percent(last.value)}，三步 Holm 校正后 {p_value(p[-1])}）。"
        "总体在升，却并非步步上升：最后把通用数据翻倍，看不出任何变化。",
    )
    rows = [Row(f"{NAMES[v]} / G", r, "second") for v, r in zip(MIXED, ladder, strict=True)]
    rows += [
        Row(f"{NAMES[a]} / {NAMES[b]}", r, "yes" if q < ALPHA else "no")
        for (a, b), r, q in zip(steps, won, p, strict=True)
    ]
    return Claim(
        "en-monotone", CHAPTER,
        Text("In English too, performance rises with every step of general data.", "英文表现同样随通用数据逐级提升。"),
        "section 3.2; Table 2",
        Finding(decide(max(p) < ALPHA), reason, last.value, last.low, last.high, last.n, max(p), subject=Text("the last step", "最后一步")),
        plots.rates(rows),
    )  # fmt: skip


def no_transfer() -> Claim:
    """No gain worth having: a one-sided question that a tie can answer."""
    won = rate("en", "cw_10k", "g")
    p = float(stats.binomtest(round(won.successes), won.n, 0.5 + MARGIN, alternative="less").pvalue)
    reason = Text(
        f"Read as no gain over G in English: a gain of {100 * MARGIN:.0f} points or more is ruled out ({p_value(p)}, one-sided), and the interval ends {100 * (won.high - 0.5):.1f} points above even. "
        "It says nothing about transfer beyond what general data give already, for the untuned model is not in the table.",
        f"若理解为“英文上不比 G 更好”：提升 {100 * MARGIN:.0f} 个百分点及以上已被排除（单侧 {p_value(p)}），区间上端只比五五开高 {100 * (won.high - 0.5):.1f} 个百分点。"
        "至于通用数据之外有没有迁移，则无从判断，因为表中没有未微调的模型。",
    )
    return Claim(
        "no-transfer", CHAPTER,
        Text("What is learned from Chinese triplets does not carry over to English.", "从中文三元组学到的能力不会迁移到英文。"),
        "abstract; section 3.2",
        Finding(decide(p < ALPHA), reason, won.value, won.low, won.high, won.n, p, subject=Text("CW+10k against G", "CW+10k 对 G")),
        plots.rates([Row("CW+10k / G", won, "yes")], reference=0.5 + MARGIN),
    )  # fmt: skip


def wrong_gap() -> Claim:
    """89.26 has no source in the tables."""
    zh, en = rate("zh", "cw_10k", "g"), rate("en", "cw_10k", "g")
    gap = difference(zh, en)
    shown = (100 * gap.value, 100 * gap.low, 100 * gap.high)
    reason = Text(
        f"{percent(zh.value, 2)} − {percent(en.value, 2)} is {shown[0]:.2f} points [{shown[1]:.1f}, {shown[2]:.1f}], as the paper's own contributions say. No sum, difference or ratio of two cells of Table 2 gives 89.26.",
        f"{percent(zh.value, 2)} − {percent(en.value, 2)} 等于 {shown[0]:.2f} 个百分点［{shown[1]:.1f}，{shown[2]:.1f}］，论文“贡献”一节也是这样写的。表 2 任意两格的和、差、比都得不到 89.26。",
    )
    return Claim(
        "gap-89", CHAPTER,
        Text("Chinese and English performance lie 89.26 percentage points apart.", "中英文表现相差 89.26 个百分点。"),
        "abstract",
        Finding("not supported", reason, gap.value, gap.low, gap.high, gap.n, _gap_p(), "points"),
        plots.printed_and_computed(89.26, shown),
    )  # fmt: skip


def right_gap() -> Claim:
    """16.29 is right, as a difference between two sets of prompts."""
    gap = difference(rate("zh", "cw_10k", "g"), rate("en", "cw_10k", "g"))
    p = _gap_p()
    reason = Text(
        f"{100 * gap.value:.2f} points [{100 * gap.low:.1f}, {100 * gap.high:.1f}], Fisher's exact test {p_value(p)}. The prompts of the two languages differ, so language and prompt set cannot be told apart.",
        f"{100 * gap.value:.2f} 个百分点［{100 * gap.low:.1f}，{100 * gap.high:.1f}］，Fisher 精确检验 {p_value(p)}。两种语言用的题目不同，语言与题目的影响分不开。",
    )
    return Claim(
        "gap-16", CHAPTER,
        Text("CW+10k does 16.29 points better against G in Chinese than in English.", "CW+10k 对 G 的胜率，中文比英文高 16.29 个百分点。"),
        "contributions",
        Finding(decide(p < ALPHA), reason, gap.value, gap.low, gap.high, gap.n, p, "points"),
        plots.rates([
            Row(Text("Chinese", "中文"), rate("zh", "cw_10k", "g"), "first"),
            Row(Text("English", "英文"), rate("en", "cw_10k", "g"), "second"),
        ]),
    )  # fmt: skip


def _gap_p() -> float:
    zh, en = (paper.TABLE_2[x]["cw_10k", "g"] for x in ("zh", "en"))
    return significance.two_shares((zh.wins, en.wins), (zh.n, en.n)).p


def bound() -> Claim:
    """Why the languages differ is not in the counts."""
    reason = Text(
        "The counts show that the languages differ, not why. All creative rows are Chinese, so language, culture and the amount of creative data in that language are one variable here; the paper's own limitations say so. English triplets of the same kind would settle it.",
        "数据只能说明两种语言有差异，说明不了原因。创作数据全部是中文，语言、文化和该语言创作数据的数量在这里是同一个变量，论文的局限一节也承认这一点。要回答它，需要同样做法的英文三元组。",
    )
    return Claim(
        "culturally-bound", CHAPTER,
        Text("Creative ability is bound to culture at the level of reasoning.", "创作能力在推理层面受文化约束。"),
        "abstract; section 3.4",
        Finding("not testable here", reason),
    )  # fmt: skip


def data() -> Claim:
    """How much English creative writing the base model read was not measured."""
    reason = Text(
        "No corpus was counted in either language and no English triplets were trained on, so scarce data and a limit of the method give the same table. The paper's limitations say so themselves, and section 3.4 names culture at the level of reasoning as another cause of the same gap.",
        "两种语言的语料都没有统计，也没有用英文三元组训练，因此数据稀缺与方法局限会给出同一张表。论文的局限一节自己也这样说，而 3.4 节又把同一差距归因于推理层面的文化差异。",
    )
    return Claim(
        "data-availability", CHAPTER,
        Text("The gap between the languages comes from data availability, not from limits of process supervision.", "两种语言的差距来自数据多寡，而不是过程监督本身的局限。"),
        "section 3.4",
        Finding("not testable here", reason),
    )  # fmt: skip


def confused() -> Claim:
    """The creative-only model answers in Chinese; the others hardly ever do."""
    rates = confusion()
    others = [v for v in VARIANTS if v != "cw"]
    n = paper.QUERIES["en"]
    tests = [
        significance.two_shares(
            (paper.LANGUAGE_CONFUSION["cw"], paper.LANGUAGE_CONFUSION[v]), (n, n)
        ).p
        for v in others
    ]
    p = max(significance.holm(tests))
    worst = rates["cw"]
    reason = Text(
        f"{worst.successes:.0f} of {n} answers [{span(worst.low, worst.high)}], far above each other model (largest corrected {p_value(p)}). How Chinese text was detected is not stated.",
        f"{n} 篇中有 {worst.successes:.0f} 篇［{span(worst.low, worst.high)}］，远高于其他每个模型（校正后最大 {p_value(p)}）。论文没有说明如何判定出现了中文。",
    )
    rows = [Row(NAMES[v], rates[v], "yes" if v == "cw" else "open") for v in VARIANTS]
    return Claim(
        "confusion-cw", CHAPTER,
        Text("CW writes Chinese on 12.18% of English prompts, against 1.13% for CW+10k and 1.42% for G.", "CW 在 12.18% 的英文题上写出中文，CW+10k 为 1.13%，G 为 1.42%。"),
        "section 3.3",
        Finding(decide(p < ALPHA), reason, worst.value, worst.low, worst.high, worst.n, p, subject=Text("CW", "CW")),
        plots.rates(rows, reference=None, ends=(0.0, 0.2)),
    )  # fmt: skip


def confusion_trend() -> Claim:
    """The sentence states a correlation over five models: it is there, and CW alone makes it."""
    rates, n = confusion(), paper.QUERIES["en"]
    correlation = against_general_share({v: r.value for v, r in rates.items()})
    intermediate = all(
        rates["cw_10k"].value < rates[v].value < rates["cw"].value for v in ("cw_1k", "cw_5k")
    )
    rest = [v for v in VARIANTS if v != "cw"]
    counts = "/".join(str(paper.LANGUAGE_CONFUSION[v]) for v in rest)
    p, gap = _trend(rest), difference(rates["cw_1k"], rates["cw_10k"])
    r = f"{correlation.value:.2f}".replace("-", "\N{MINUS SIGN}")
    ends = (correlation.low, correlation.high)
    reason = Text(
        f"Over the five models the rate correlates with the share of general data at r = {r} [{points(*ends, 1, 2)}], {p_value(correlation.p)}, and the trend over their answers is as clear ({p_value(_trend(VARIANTS))}). CW+1k and CW+5k lie between CW and CW+10k, as the sentence says. "
        f"But CW alone makes the correlation. Without it the counts are {counts} of {n}: no trend ({p_value(p)}), and from CW+1k to CW+10k a fall of {100 * gap.value:.1f} points [{points(gap.low, gap.high)}]. Some general data cure it; that more cure it further is not shown.",
        f"五个模型一起看，比例与通用数据占比的相关为 r = {r}［{points(*ends, 1, 2, '，')}］，{p_value(correlation.p)}；按回答做趋势检验同样明显（{p_value(_trend(VARIANTS))}）。CW+1k 和 CW+5k 也确如原文所说介于 CW 与 CW+10k 之间。"
        f"但这一相关全靠 CW 一个。除去 CW，其余分别是 {n} 篇中的 {counts} 篇：看不出趋势（{p_value(p)}），从 CW+1k 到 CW+10k 只降 {100 * gap.value:.1f} 个百分点［{points(gap.low, gap.high, between='，')}］。加入一些通用数据就能消除它；再多是否更好，没有得到证明。",
    )
    holds = correlation.value < 0 and correlation.p < ALPHA and intermediate
    return Claim(
        "confusion-trend", CHAPTER,
        Text("Over the five models, Chinese in English answers becomes rarer as the share of general data rises.", "五个模型中，通用数据占比越高，英文回答里的中文越少。"),
        "section 3.3",
        Finding(decide(holds), reason, correlation.value, *ends, correlation.n, correlation.p, "r", Text("over five models", "五个模型")),
        plots.rates([Row(NAMES[v], rate, "yes" if v == "cw" else "open") for v, rate in rates.items()], reference=None, ends=(0.0, 0.2)),
    )  # fmt: skip


def _trend(models: Sequence[str]) -> float:
    """Two-sided p of the Cochran–Armitage test: confusion over the share of general data in training."""
    n = paper.QUERIES["en"]
    hits = [paper.LANGUAGE_CONFUSION[v] for v in models]
    dose = [general_share(v) for v in models]
    share = sum(hits) / (n * len(hits))
    centre = sum(dose) / len(dose)
    score = sum(h * (d - centre) for h, d in zip(hits, dose, strict=True))
    variance = share * (1 - share) * n * sum((d - centre) ** 2 for d in dose)
    return float(2 * stats.norm.sf(abs(score) / variance**0.5))
