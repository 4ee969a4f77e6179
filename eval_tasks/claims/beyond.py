"""Claims that the published counts cannot decide, and what would settle each."""

from __future__ import annotations

from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import Claim, unanswered

CHAPTER = "beyond"

# id, claim, source, why not and what would settle it
_OPEN = (
    (
        "ratings",
        Text("Each output was rated 0–3 on five dimensions.", "每篇输出都按五个维度打了 0–3 分。"),
        "section 2.4",
        Text(
            "No rating is reported anywhere. Section 3.1 describes another protocol, blind comparison of pairs, and only that one fits Table 2: all 20 printed pairs sum to 100.00, without a tie, where scores on four levels would often be equal. Whether ratings exist cannot be told; no result of the paper rests on one.",
            "论文没有报告任何评分。3.1 节描述的是另一种做法，即两两盲评，而表 2 只与后者相符：印出的 20 组对比全部正好加到 100.00，没有一个平局；四级评分则会经常打平。是否真有评分无从得知，但论文没有一项结果建立在评分上。",
        ),
    ),
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
    return unanswered(CHAPTER, _OPEN)
