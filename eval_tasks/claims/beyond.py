"""Claims that the published counts cannot reach, and what would settle each."""

from __future__ import annotations

from coig_writer.preference.significance import prompts_to_show_even
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import Claim, Finding

CHAPTER = "beyond"

# id, claim, source, why not and what would settle it
_OPEN = (
    (
        "agreement",
        Text("Raters agreed with each other to a high degree.", "评审之间一致性很高。"),
        "section 2.4",
        Text(
            "Every cell of Table 2 fits one judgement per prompt, and no coefficient is given. Agreement needs at least two raters on a share of the prompts: then Krippendorff's α with an interval.",
            "表 2 的每一格都与每题一次评判相符，论文也没有给出一致性系数。要谈一致性，至少要有两位评审重叠评一部分题目，再报告带区间的 Krippendorff α。",
        ),
    ),
    (
        "technical-genres",
        Text("In technical genres the models cannot be told apart.", "在技术类体裁上各模型没有可分辨的差别。"),
        "section 3.3",
        Text(
            f"Not finding a difference is not finding equality, least of all on a handful of prompts. An equivalence test within five points takes about {prompts_to_show_even()} judged prompts; wins per genre are not published.",
            f"没有发现差别不等于没有差别，何况题目寥寥无几。要用等效性检验证明相差不到五个百分点，约需 {prompts_to_show_even()} 道经过评判的题；论文没有公布各体裁的胜场。",
        ),
    ),
    (
        "abstract-genres",
        Text("All models fail at abstract internet genres: under 15% success.", "各模型在抽象文学类体裁上普遍失败：成功率低于 15%。"),
        "section 3.3",
        Text(
            "Neither what counts as a success nor the counts are given. Ratings of 0–3 with a stated cut would answer it.",
            "论文既没有定义什么算成功，也没有给出计数。只要有 0–3 分的评分和明确的及格线就能回答。",
        ),
    ),
    (
        "two-components",
        Text("Creative writing has two separable parts: narrative logic and linguistic expression.", "创作由两个可分离的部分构成：叙事逻辑与语言表达。"),
        "abstract; section 3.2",
        Text(
            "One overall preference cannot dissociate two parts. It takes separate ratings of logic and of expression, and a mixture that moves one without the other.",
            "单一的总体偏好无法拆出两个部分。需要对逻辑和表达分别评分，并且有一种配比只改变其中一个。",
        ),
    ),
    (
        "ttr-diagnostic",
        Text("High lexical diversity is an early sign of unbalanced training.", "词汇多样性偏高是训练失衡的早期信号。"),
        "section 3.4",
        Text(
            "A warning sign needs runs with known faults to be tested on. TTR also falls with length, so that it first of all tells how long a text is.",
            "要验证预警信号，需要已知有问题的训练结果作对照。而且 TTR 随篇幅下降，它首先反映的是文章有多长。",
        ),
    ),
    (
        "acceptance",
        Text("70% of the triplets passed the first review.", "首轮审核通过率为 70%。"),
        "section 2.3",
        Text(
            "Neither the number of reviewed triplets nor that of rejections is given, and the released rows carry no review marks.",
            "论文没有给出送审数和退回数，公开的数据也不带审核标记。",
        ),
    ),
)  # fmt: skip


def claims() -> list[Claim]:
    """Returns the chapter."""
    return [
        Claim(name, CHAPTER, claim, source, Finding("not testable here", reason))
        for name, claim, source, reason in _OPEN
    ]
