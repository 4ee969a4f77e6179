"""Claims about lexical diversity and length (paper, section 3.2, Tables 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping

from coig_writer import paper
from coig_writer.mixture import VARIANTS
from coig_writer.preference import association, significance
from coig_writer.preference.association import Correlation
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.claims import plots
from eval_tasks.claims.claim import ALPHA, Claim, Finding, decide, p_value, percent, points
from eval_tasks.claims.counts import NAMES, corrected, mean_rates, rate
from eval_tasks.claims.plots import Axis

CHAPTER = "style"
WIN_AXIS = Axis(Text("mean win rate", "平均胜率"), 0.2, 0.8)

_TTR = Axis(Text("across: type–token ratio", "横轴：类符–形符比"), 0.5, 0.7)
TTR_AXES = {"zh": _TTR, "en": _TTR}
_CHARACTERS = Text("across: mean length in characters", "横轴：平均字符数")
LENGTH_AXES = {"zh": Axis(_CHARACTERS, 900, 1200, 0), "en": Axis(_CHARACTERS, 2900, 4200, 0)}


def claims() -> list[Claim]:
    """Returns the chapter."""
    return [
        paradox(), lowest(), identical(), length_english(), verbosity(), shorter(), variance(),
    ]  # fmt: skip


def _against_wins(table: Mapping[Language, dict[str, float]], language: Language) -> Correlation:
    wins = mean_rates(language)
    return association.correlate(
        [table[language][v] for v in VARIANTS], [wins[v] for v in VARIANTS]
    )


def _scatter(table: Mapping[Language, dict[str, float]], axes: dict[str, Axis]) -> str:
    wins = {language: mean_rates(language) for language in table}
    points: dict[str, dict[str, tuple[float, float]]] = {
        language: {NAMES[v]: (values[v], wins[language][v]) for v in VARIANTS}
        for language, values in table.items()
    }
    return plots.scatter(axes, WIN_AXIS, points)


def _diversity() -> dict[Language, dict[str, float]]:
    return {"zh": paper.TABLE_4_MEAN["zh"], "en": paper.TABLE_4_MEAN["en"]}


def paradox() -> Claim:
    """More diversity, less preference? The tables point the other way."""
    zh, en = _against_wins(_diversity(), "zh"), _against_wins(_diversity(), "en")
    chinese = points(zh.low, zh.high, 1, 2, "，")
    reason = Text(
        f"Over the five models the correlation of type–token ratio and mean win rate is positive in both languages: r = {zh.value:+.2f} in Chinese [{points(zh.low, zh.high, 1, 2)}], {en.value:+.2f} in English. Five points decide little, but nothing here is inverse; "
        "the claim rests on one pair, G against CW+10k in Chinese.",
        f"在五个模型上，类符–形符比与平均胜率的相关在两种语言中都为正：中文 r = {zh.value:+.2f}［{chinese}］，英文 {en.value:+.2f}。五个点说明不了太多，但看不出任何负相关；"
        "这一论断只建立在中文 G 对 CW+10k 这一组上。",
    )
    return Claim(
        "ttr-paradox", CHAPTER,
        Text("Lexical diversity goes inversely with quality: the TTR paradox.", "词汇多样性与质量负相关，即“TTR 悖论”。"),
        "abstract; section 3.2; Tables 2 and 4",
        Finding(decide(zh.value < 0 and zh.p < ALPHA), reason, zh.value, zh.low, zh.high, zh.n, zh.p, "r", Text("Chinese", "中文")),
        _scatter(_diversity(), TTR_AXES),
    )  # fmt: skip


def lowest() -> Claim:
    """37.25 is not the lowest preference in the table."""
    wins = mean_rates("zh")
    order = sorted(VARIANTS, key=lambda v: -wins[v])
    place = order.index("g") + 1
    worst = rate("zh", "cw", "cw_10k")
    reason = Text(
        f"G has the highest TTR ({paper.TABLE_4_MEAN['zh']['g']}) and comes {place}rd of five, winning {percent(wins['g'])} on average; 37.25% is its rate against the best model, the lowest of its own four. The lowest cell of the table is CW against CW+10k, {percent(worst.value, 2)}, and CW has the lowest TTR ({paper.TABLE_4_MEAN['zh']['cw']}).",
        f"G 的 TTR 最高（{paper.TABLE_4_MEAN['zh']['g']}），但在五个模型中排第 {place}，平均胜率 {percent(wins['g'])}；37.25% 是它对最强模型的胜率，只是它自己四个胜率中最低的。表中最低的一格是 CW 对 CW+10k 的 {percent(worst.value, 2)}，而 CW 的 TTR 恰恰最低（{paper.TABLE_4_MEAN['zh']['cw']}）。",
    )
    return Claim(
        "ttr-lowest", CHAPTER,
        Text("The model with the highest TTR, G, has the lowest preference: 37.25%.", "TTR 最高的 G 最不受偏好：37.25%。"),
        "introduction; section 5",
        Finding(decide(order[-1] == "g"), reason, wins["g"], n=paper.QUERIES["zh"], subject=Text("mean win rate of G", "G 的平均胜率")),
        plots.shares({NAMES[v]: wins[v] for v in order}, 0.5, 0.8),
    )  # fmt: skip


def identical() -> Claim:
    """Equal means, different medians, and a tie."""
    p = corrected("en")["cw_10k", "g"]
    won = rate("en", "cw_10k", "g")
    medians = paper.TABLE_4_MEDIAN["en"]
    reason = Text(
        f"The mean TTRs are equal; the medians are {medians['cw_10k']} and {medians['g']}. The seven points between the two are a tie ({won.successes:.0f} of {won.n}, {p_value(p)} after correction), so there is no deficit to explain.",
        f"平均 TTR 相同，但中位数分别为 {medians['cw_10k']} 和 {medians['g']}。两者相差的七个百分点在统计上是平手（{won.n} 题胜 {won.successes:.0f} 题，校正后 {p_value(p)}），没有需要解释的差距。",
    )
    return Claim(
        "ttr-identical", CHAPTER,
        Text("In English, CW+10k does 7 points worse than G at identical TTR.", "英文上 TTR 相同，CW+10k 仍比 G 低 7 个百分点。"),
        "section 3.2; Table 4",
        Finding(decide(p < ALPHA), reason, won.value, won.low, won.high, won.n, p, subject=Text("CW+10k against G", "CW+10k 对 G")),
        plots.rates([plots.Row("CW+10k / G", won, "no")]),
    )  # fmt: skip


def length_english() -> Claim:
    """Longer goes with better in English, as the paper says itself."""
    zh, en = _against_wins(_lengths(), "zh"), _against_wins(_lengths(), "en")
    p = significance.holm([zh.p, en.p])[1]
    reason = Text(
        f"r = {en.value:+.2f} [{en.low:.2f}, {en.high:.2f}] over five models, {p_value(p)} corrected for two languages. Five points that also differ in training: an association, no cause.",
        f"五个模型上 r = {en.value:+.2f}［{en.low:.2f}，{en.high:.2f}］，对两种语言校正后 {p_value(p)}。只有五个点，且它们的训练也不同：这是相关，不是因果。",
    )
    return Claim(
        "length-english", CHAPTER,
        Text("In English, longer answers go with higher preference.", "英文回答越长，越受偏好。"),
        "section 3.2; Table 3",
        Finding(decide(p < ALPHA and en.value > 0), reason, en.value, en.low, en.high, en.n, p, "r", Text("English", "英文")),
        _scatter(_lengths(), LENGTH_AXES),
    )  # fmt: skip


def _lengths() -> dict[Language, dict[str, float]]:
    zh, en = paper.TABLE_3_CHARS["zh"], paper.TABLE_3_CHARS["en"]
    return {"zh": {v: float(n) for v, n in zh.items()}, "en": {v: float(n) for v, n in en.items()}}


def verbosity() -> Claim:
    """Content or length? Only the answers themselves can tell."""
    correlation = _against_wins(_lengths(), "zh")
    chars = paper.TABLE_3_CHARS["zh"]
    ratio = chars["cw_10k"] / chars["g"]
    reason = Text(
        f"CW+10k writes {percent(ratio)} of G's length and wins, so length does not explain this pair. Over the five Chinese models length and mean win rate still go together (r = {correlation.value:+.2f}, {p_value(correlation.p)}). Win rates at equal length need the length of each answer, which is not published.",
        f"CW+10k 的篇幅是 G 的 {percent(ratio)} 却赢了，所以这一组不能用长度解释。但在五个中文模型上，长度与平均胜率仍然同向（r = {correlation.value:+.2f}，{p_value(correlation.p)}）。要得到等长条件下的胜率，需要每篇回答的长度，论文没有公布。",
    )
    return Claim(
        "length-verbosity", CHAPTER,
        Text("The gains in Chinese come from content, not from length.", "中文的提升来自内容，而不是篇幅。"),
        "section 3.2; Table 3",
        Finding("not testable here", reason, correlation.value, correlation.low, correlation.high, correlation.n, correlation.p, "r"),
    )  # fmt: skip


def shorter() -> Claim:
    """Two percentages of lengths that are right, and an inference from a tie."""
    chars = paper.TABLE_3_CHARS["en"]
    less, near = 1 - chars["cw"] / chars["g"], chars["cw_10k"] / chars["g"]
    won, p = rate("en", "cw_10k", "g"), corrected("en")["cw_10k", "g"]
    reason = Text(
        f"The lengths are as printed: {chars['cw']:,} of {chars['g']:,} characters are {percent(less)} fewer, {chars['cw_10k']:,} are {percent(near)}. "
        f"That CW+10k does worse is not shown: {won.successes:.0f} of {won.n} is a tie ({p_value(p)} after correction), so nothing beyond length is needed to explain it.",
        f"篇幅数字与论文一致：{chars['cw']:,} 字符比 {chars['g']:,} 少 {percent(less)}，{chars['cw_10k']:,} 字符是它的 {percent(near)}。"
        f"但 CW+10k 更差并未得到证明：{won.n} 题胜 {won.successes:.0f} 题在统计上是平手（校正后 {p_value(p)}），因此无需用篇幅之外的因素来解释。",
    )
    holds = p < ALPHA and won.value < 0.5
    return Claim(
        "length-shares", CHAPTER,
        Text("In English, CW+10k reaches 98.3% of G's length (CW is 25.4% shorter) and still does worse, so something beyond length decides.", "英文上 CW+10k 的篇幅达到 G 的 98.3%（CW 短 25.4%）却仍然更差，可见起作用的不止篇幅。"),
        "section 3.2; Table 3",
        Finding(decide(holds), reason, won.value, won.low, won.high, won.n, p, subject=Text("CW+10k against G", "CW+10k 对 G")),
        plots.rates([plots.Row("CW+10k / G", won, "no")]),
    )  # fmt: skip


def variance() -> Claim:
    """A figure without numbers."""
    reason = Text(
        "Figure 4 shows box plots; no standard deviation or quartile is printed. The kit computes it from your own scores.",
        "图 4 只有箱线图，没有给出标准差或四分位数。用你自己的得分，工具包可以直接计算。",
    )
    return Claim(
        "length-variance", CHAPTER,
        Text("The spread of lengths shrinks as general data are added.", "通用数据越多，篇幅的离散程度越小。"),
        "section 3.2; Figure 4",
        Finding("not testable here", reason),
    )  # fmt: skip
