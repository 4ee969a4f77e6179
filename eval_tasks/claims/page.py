"""The claims as one self-contained HTML page in English and Chinese."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from coig_writer import __version__, paper
from coig_writer.preference.significance import MARGIN
from eval_tasks.bilingual import Text, environment
from eval_tasks.claims import plots
from eval_tasks.claims.claim import NO_BREAK, VERDICTS, Claim, Finding, Verdict, p_value, points
from eval_tasks.claims.counts import MIXED, rate

HERE = Path(__file__).parent
BASE_CSS = HERE.parent / "report" / "base.css"
CSS_OF: dict[Verdict, str] = {
    "supported": "yes",
    "not supported": "no",
    "not testable here": "open",
}
NAMES: dict[Verdict, Text] = {
    "supported": Text("supported", "成立"),
    "not supported": Text("not supported", "不成立"),
    "not testable here": Text("not testable here", "此处无法检验"),
}
CHAPTERS = {
    "chinese": (Text("Chinese: who wins", "中文：谁胜出"),
                Text("204 prompts, five models, one judgement each. CW is trained on the 1,665 creative rows alone; +1k, +5k and +10k add that many general rows in each of two languages; G has the general rows only.",
                     "204 题，五个模型，每题一次评判。CW 只用 1,665 条创作数据训练；+1k、+5k、+10k 表示两种语言各加这么多通用数据；G 只用通用数据。")),
    "english": (Text("English, and the gap", "英文，以及两种语言的差距"),
                Text("353 prompts, the same models.", "353 题，模型相同。")),
    "style": (Text("Diversity and length", "词汇多样性与篇幅"),
              Text("Tables 3 and 4 give one mean per model: five points per language.", "表 3、表 4 每个模型只有一个均值：每种语言五个点。")),
    "dataset": (Text("The dataset", "数据集"),
                Text("A census of 1,665 rows: numbers are right or wrong, no interval needed.", "1,665 条的全量统计：数字只有对错，不需要区间。")),
    "outputs": (Text("What outputs look like", "输出是什么样子"),
                Text("Manual inspection and figures without numbers.", "人工翻看的印象，以及没有数字的图。")),
    "beyond": (Text("Beyond the counts", "数字之外"),
               Text("What the published numbers cannot reach, and what would settle it.", "公布的数字回答不了的论断，以及怎样才能检验。")),
}  # fmt: skip
# Places in the paper, English pattern to Chinese.
PLACES: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"\babstract": "摘要",
    r"\bintroduction": "引言",
    r"\bcontributions": "贡献",
    r"\bsections? ([\d.]+)": r"第 \1 节",
    r"\bAppendix ([A-E])": r"附录 \1",
    r"\bTables? ([\d–]+)(?: and (\d))?": lambda m: f"表 {m[1]}" + (f"、表 {m[2]}" if m[2] else ""),
    r"\bFigure (\d)": r"图 \1",
}
LEAD = Text(
    "{n} statements of the paper, each put to the numbers that the paper itself publishes. What is missing is called missing; a difference that is not seen is not called equality.",
    "把论文中的 {n} 条论断逐一交给论文自己公布的数字来检验。缺什么就说缺什么；没看到差异，不等于证明了相同。",
)
METHOD = (
    Text("Every cell of Table 2 is a whole number of wins over 204 Chinese or 353 English prompts, so counts are tested, not percentages. Intervals are Wilson's at 95%; differences of two rates are Newcombe's; correlations carry Fisher's interval.",
         "表 2 的每一格都是 204 道中文题或 353 道英文题上的整数胜场，因此检验的是计数而不是百分比。区间为 95% Wilson 区间；两率之差用 Newcombe 区间；相关系数用 Fisher 区间。"),
    Text("p-values are exact binomial or Fisher's, corrected by Holm's method within a declared family: the ten pairs of a language, the steps of one ladder, the comparisons with CW.",
         "p 值为精确二项检验或 Fisher 检验，并在事先声明的族内做 Holm 校正：同一语言的十个对比、同一阶梯的各步、与 CW 的各次比较。"),
    Text(f"Parity is tested as equivalence, within {100 * MARGIN:.0f} points (two one-sided tests). Not testable here means that the published counts cannot decide, whatever they say.",
         f"“持平”按等效性检验，界限为 {100 * MARGIN:.0f} 个百分点（两个单侧检验）。“此处无法检验”是指无论数字如何，已公布的计数都不足以作出判断。"),
    Text("Five-way rankings give ten dependent pairs per prompt. Rates of one pair are unaffected; anything pooled over pairs would need intervals by prompt.",
         "每题对五个回答排序，得到的十个两两对比彼此相关。单个对比的胜率不受影响；凡是把多个对比合并计算的量，区间都要以题目为抽样单位。"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """A heading with the claims under it."""

    title: Text
    about: Text
    claims: list[Claim]


def render(claims: Sequence[Claim], command: str, report: str = "") -> str:
    """Returns the page; ``report`` is the address of a report beside it."""
    from markupsafe import Markup

    shown = [dataclasses.replace(c, plot=Markup(c.plot) if c.plot else "") for c in claims]
    chapters = [
        Chapter(title, about, [c for c in shown if c.chapter == key])
        for key, (title, about) in CHAPTERS.items()
    ]
    count = len(claims)
    return str(
        environment(HERE).get_template("page.html.jinja").render(
            css=Markup(BASE_CSS.read_text(encoding="utf-8") + (HERE / "page.css").read_text(encoding="utf-8")),
            arxiv=paper.ARXIV_ID,
            report=report,
            lead=Text(LEAD.en.format(n=count), LEAD.zh.format(n=count)),
            verdicts=VERDICTS,
            names=NAMES,
            css_of=CSS_OF,
            tally=Counter(c.finding.verdict for c in claims),
            chapters=chapters,
            hero=_hero(),
            figures=figures,
            place=place,
            said=Text("The paper:", "论文原文："),
            own_title=Text("Your runs", "你的实验"),
            method={"title": Text("How the verdicts are reached", "结论是怎样得出的"), "paragraphs": METHOD},
            footer=Text(f"Recomputed by: {command} · kit {__version__}", f"重新计算：{command} · 工具包 {__version__}"),
        )
    )  # fmt: skip


def _hero() -> dict[str, object]:
    from markupsafe import Markup

    titles = {"zh": Text("Chinese prompts", "中文题"), "en": Text("English prompts", "英文题")}
    series = {x: [rate(x, v, "g") for v in MIXED] for x in ("zh", "en")}
    return {
        "title": Text(
            "Win rate against G, the model of general data alone",
            "对 G（只用通用数据的模型）的胜率",
        ),
        "wide": Markup(plots.growth(series, titles)),
        "narrow": Markup(plots.growth(series, titles, plots.NARROW)),
        "caption": Text(
            "Bands are 95% intervals: 204 Chinese and 353 English prompts. In Chinese the last step clears the line; in English no mixture does, and the last one cannot be told from even.",
            "色带为 95% 区间：中文 204 题，英文 353 题。中文的最后一步越过了五五开；英文没有一个混合模型越过，最后一个与五五开无法区分。",
        ),
    }


def place(source: str) -> Text:
    """Returns a claim's place in the paper, in both languages."""
    zh = source
    for en, name in PLACES.items():
        zh = re.sub(en, name, zh)
    return Text(source, zh.replace("; ", "；").replace(", ", "、"))


def figures(finding: Finding) -> list[Text]:
    """Returns the numbers of a finding as short texts: estimate with interval, n, p."""
    if finding.unit == "count" or finding.estimate is None:
        return []
    parts = [_estimate(finding.estimate, finding)]
    if finding.subject is not None:
        parts[0] = Text(
            f"{finding.subject.en}: {parts[0].en}", f"{finding.subject.zh}：{parts[0].zh}"
        )
    if finding.n is not None:
        parts.append(Text(*2 * (f"n{NO_BREAK}={NO_BREAK}{finding.n:,}",)))
    if finding.p is not None:
        parts.append(Text(p_value(finding.p), p_value(finding.p)))
    return parts


def _estimate(value: float, finding: Finding) -> Text:
    """Formats an estimate in its unit, with its interval where it has one."""
    scale, digits = (100, 1) if finding.unit in ("share", "points") else (1, 2)
    interval = ""
    if finding.low is not None and finding.high is not None:
        interval = f" [{points(finding.low, finding.high, scale, digits)}]"
    number = f"{scale * value:.2f}".replace("-", "\N{MINUS SIGN}")
    before, after = {
        "r": (f"r{NO_BREAK}={NO_BREAK}", Text("", "")),
        "ratio": ("", Text(" times", " 倍")),
        "points": ("", Text(" points", " 个百分点")),
        "share": ("", Text("%", "%")),
    }.get(finding.unit, ("", Text("", "")))
    return Text(f"{before}{number}{after.en}{interval}", f"{before}{number}{after.zh}{interval}")
