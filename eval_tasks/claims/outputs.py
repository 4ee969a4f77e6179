"""Claims about what outputs and their reasoning look like (paper, section 3.3 and Appendix C)."""

from __future__ import annotations

from coig_writer.preference.significance import prompts_to_show_even
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import Claim, unanswered

CHAPTER = "outputs"

# id, claim, source, why not and what would settle it
_OPEN = (
    (
        "disconnected",
        Text("G writes paragraphs that hang together less, fluent as they are.", "G 行文流畅，段落之间却缺少逻辑联系。"),
        "section 3.3",
        Text(
            "An impression from manual inspection: no coding scheme, no counts, no second reader; 557 samples are named where five models on 557 prompts give 2,785. Blind coding of answers, or a measure of cohesion on the answers themselves, would show it.",
            "这是人工翻看得到的印象：没有编码标准，没有计数，也没有第二位读者；文中说看了 557 篇，而五个模型在 557 道题上共有 2,785 篇。对回答做盲编码，或直接在回答上计算衔接指标，才能证明。",
        ),
    ),
    (
        "unformatted",
        Text("A model writes unformatted blocks of text, without paragraphs.", "有的模型输出不分段的大块文字。"),
        "section 3.3",
        Text(
            "No count is given, and the text at hand has lost the model's name; your runs are asked about CW, the model of creative rows alone. The share of characters in paragraphs of readable length answers it.",
            "论文没有给出计数，而手头的文本中模型名称已经缺失；在你的实验里按只用创作数据的 CW 来问。统计处在适读长度段落中的字符比例即可回答。",
        ),
    ),
    (
        "one-task",
        Text("On one retelling, one model follows the instruction and the others do not.", "在一道改写题上，一个模型遵循了指令，其他模型没有。"),
        "section 3.3",
        Text(
            "One answer each to one prompt is an anecdote: it shows that such answers exist, not that a model follows instructions better. Requirements checked over all prompts would.",
            "一道题各一篇回答只是个例：它说明存在这样的回答，说明不了哪个模型更会遵循指令。要在全部题目上检查要求是否满足。",
        ),
    ),
    (
        "slogans",
        Text("In advertisements and slogans one model brings in poetry and idioms; others write simpler words.", "写广告和标语时，有的模型会用诗词成语，其他模型用词更简单。"),
        "section 3.3",
        Text(
            "No count is given, and the text at hand has lost the models' names; your runs are asked about CW+10k against G. Idioms per word, on the prompts of these two genres, would answer it; they hold few prompts.",
            "论文没有给出计数，而手头的文本中模型名称已经缺失；在你的实验里按 CW+10k 对 G 来问。统计这两种体裁的题目上每词的成语数即可回答，只是这类题目很少。",
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
        "reasoning-zh",
        Text("In Chinese, creative rows bring more deep reasoning and self-exploration than G has.", "中文上，加入创作数据使深度推理和自我探索多于 G。"),
        "Appendix C",
        Text(
            "Figure 7 is drawn without numbers, and neither the labels' definition nor who gave them is published. Labels of each paragraph, with their agreement, on the same prompts would answer it.",
            "图 7 没有给出数字，标签如何定义、由谁标注也没有公布。在相同题目上逐段标注并报告一致性，才能回答。",
        ),
    ),
    (
        "reasoning-en",
        Text("In English, models with creative rows reflect too much and reason deeply too little.", "英文上，加入创作数据的模型自我反思过多而深度推理不足。"),
        "Appendix C",
        Text(
            "Figure 8 is drawn without numbers. The Chinese paragraph calls a balance of the four behaviours good, this one calls steady deep reasoning good: which profile is better was read off the win rates that it is to explain.",
            "图 8 没有给出数字。中文一段把四种行为均衡称为好，这里又把持续的深度推理称为好：哪种分布更好，是从它要解释的胜率倒推出来的。",
        ),
    ),
    (
        "reasoning-explains",
        Text("Reasoning patterns explain why English does not profit.", "推理模式解释了英文为何没有受益。"),
        "Appendix C",
        Text(
            "Two differences between models that also differ in everything else are no mechanism. It takes reasoning that is changed while the model stays the same, and articles judged blind to it.",
            "这些模型在各方面都不同，其中两处差别同时出现，并不构成机制。需要在模型不变的情况下只改变推理过程，再对文章做盲评。",
        ),
    ),
)  # fmt: skip


def claims() -> list[Claim]:
    """Returns the chapter."""
    return unanswered(CHAPTER, _OPEN)
