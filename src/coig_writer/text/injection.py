"""Orders to whoever scores a text. A character who is told to ignore the rules is fiction."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

NEAR = 60  # characters in which an order to ignore the rules must speak of scores or prompts

_IGNORE = re.compile(
    r"(?:忽略|无视|忘记|忘掉|不要理会)(?:你)?(?:之前|以上|上面|前面|此前|先前|上述|上文|所有)(?:的|所有|全部|一切)*(?P<what>指令|提示词?|设定|要求|规则|内容|评分标准|标准)"
    r"|(?:ignore|disregard|forget) (?:all )?(?:of )?(?:the |your )?(?:previous|prior|above|earlier|preceding) (?P<english>instructions|prompts|rules|directions)",
    re.IGNORECASE,
)
_SCORES = re.compile(
    r"打分|评分|满分|10\s*分|十分|高分|评审|评委|评估|评价模型|审核(?:员|模型)|输出|模型|AI|score|rating|reviewer|grader|evaluat|output|full marks",
    re.IGNORECASE,
)
_FULL_MARKS = re.compile(
    r"(?:请|务必|必须|应当|应该|直接)[^。！？\n]{0,12}?(?:给|为|对)(?:予)?(?:本文|这篇(?:文章|作品|作文|小说|散文|诗)?|此文|该文|本作品|上文|以上(?:文章|文本|内容|作品))[^。！？\n]{0,12}?(?:满分|10\s*分|十分|最高分|高分|100\s*分|一百分|通过)"
    r"|(?:本文|这篇文章|该文本|此文本)(?:的)?(?:质量|创意|各项)?(?:评分|得分|分数)(?:应|必须|请|务必|设)(?:该|为|给)?[^。！？\n]{0,8}?(?:满分|10|十分)"
    r"|(?:评分|评审|评估|打分|阅卷)(?:者|员|人|模型|助手|系统)[^。！？\n]{0,10}?(?:请|必须|应)[^。！？\n]{0,16}?(?:满分|10\s*分|十分|最高分|高分)"
    r"|(?:give|rate|score|award) (?:this|the) (?:essay|text|story|article|piece|response|answer|submission)[^.!?\n]{0,30}?(?:\b10\b|ten|full marks|highest|maximum|perfect)",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"(?:要求|要|让|叫|命令|逼|请|劝|告诉|提醒)(?:你|我|他|她|它|我们|人)[^。\n]{0,6}\Z|(?:不能|不要|别|不会|怎能|无法)\Z"
)
_QUOTES = "“「『‘\"'"


def addresses_model(text: str, *, genre: str | None = None) -> Verdict | None:
    """The text gives orders to whoever scores it.

    Rules horror orders its reader to ignore rules, too: an order counts if it speaks of instructions
    to a model, or of scores nearby, and is not what a character says or is told.
    """
    for match in _IGNORE.finditer(text):
        around = text[max(0, match.start() - NEAR) : match.end() + NEAR]
        to_model = match["english"] or match["what"] in ("指令", "提示", "提示词", "设定")
        before = text[max(0, match.start() - 12) : match.start()]
        spoken = _TOLD.search(before) or before[-1:] in tuple(_QUOTES)
        scored = _SCORES.search(around) and not _TOLD.search(before)
        if scored or (to_model and not spoken):
            return Verdict("addresses_model", match.group(), match.start(), match.end())
    if marks := _FULL_MARKS.search(text):
        return Verdict("addresses_model", marks.group(), marks.start(), marks.end())
    return None
