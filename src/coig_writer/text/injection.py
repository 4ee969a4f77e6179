"""Orders to whoever scores a text. A character who is told to ignore the rules is fiction."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

NEAR = 60  # characters in which an order to ignore the rules must speak of scores or prompts

_IGNORE = re.compile(
    r"(?:忽略|无视|忘记|忘掉|不要理会)(?:你)?(?:之前|以上|上面|前面|此前|先前|上述|上文|所有)(?:的|所有|全部|一切)*(?P<what>指令|提示词?|设定|要求|规则|内容|评分标准|标准)"
    r"|(?:ignore|disregard|forget) (?:all )?(?:of )?(?:the |your )?(?:(?:previous|prior|above|earlier|preceding) (?:(?P<english>instructions|prompts|directions)|rules|rubric|criteria)|(?:instructions|prompt|rubric|criteria) above)",
    re.IGNORECASE,
)
_SCORES = re.compile(
    r"打分|评分|满分|10\s*分|十分|高分|评审|评委|评估|评价模型|审核(?:员|模型)|输出|模型|(?<![a-z])AI(?![a-z])|score|rating|reviewer|grader|evaluat|output|full marks",
    re.IGNORECASE,
)
_SCORER = r"(?:(?:评分|评审|评估|评价|打分|阅卷)(?:用|的)?(?:者|员|人|AI|模型|助手|系统|程序)|AI评(?:审|委|分))"
_FULL = r"满分(?!一百|\d|为|是)|10\s*分|十分(?![\u4e00-\u9fff])|最高分|(?<!满分)(?:100\s*|一百)分"
_MARKS = rf"(?:{_FULL}|高分|\W{{0,3}}score\W{{1,4}}10)"
_THIS = "(?:本文|这篇(?:文章|作品|作文|小说|散文|诗)?|此文|该文|本作品|上文|以上(?:文章|文本|内容|作品))"
_ITSELF = "(?:本文|这篇文章|[该此]文本?|以上(?:文章|文本|内容|作品))"
_ENGLISH_THIS = r"this (?:text|essay|response|answer|submission|story|one)\b"
_ENGLISH_SCORER = "(?:judge|grader|reviewer|evaluator|rater|scorer)s?"
_FULL_MARKS = re.compile(
    rf"(?:请|务必|必须|应当|应该|直接)[^。！？\n]{{0,12}}?(?:(?:给|为|对)(?:予)?{_THIS}[^。！？\n]{{0,12}}?(?:{_MARKS}|通过)|[把将]{_THIS}[^。！？，,\n]{{0,8}}?[评判打给算][^。！？，,\n]{{0,4}}?{_MARKS})"
    rf"|{_ITSELF}(?:的)?(?:质量|创意|各项)?(?:(?:评分|得分|分数)(?:应|必须|请|务必|设)(?:当|该|为|给)?[^。！？，,\n]{{0,8}}?(?:{_MARKS}|10)|(?:应当?|必须|务必)(?:该|得|获得|给|评为|判为){{1,2}}(?:{_FULL}))"
    rf"|{_SCORER}[^。！？\n]{{0,10}}?(?:请|必须|应)[^。！？\n]{{0,16}}?{_MARKS}"
    rf"|请{_SCORER}[^。！？，,\n]{{0,4}}?(?:输出|给出?|打)[^。！？，,\n]{{0,4}}?{_MARKS}"
    rf"|{_SCORER}请?(?:注意|读)[：:，,][^。！？\n]{{0,40}}?(?:{_MARKS}|请(?:选择?|判定?|输出))"
    rf"|评分时(?:请|务必|必须)[^。！？，,\n]{{0,6}}?[评判打给][^。！？，,\n]{{0,4}}?{_MARKS}"
    r"|你不再是(?:评审|评委|评分|打分)[^。！？\n]{0,30}?请(?:只|直接)?(?:输出|(?:回复|回答)[“「‘\"\d满])"
    r"|(?:give|rate|score|award) (?:this|the) (?:essay|text|story|article|piece|response|answer|submission)[^.!?\n]{0,30}?(?:\b10\b|ten|full marks|highest|maximum|perfect)"
    # A letter to judges of flesh and blood asks for no marks, and a rule of a contest speaks of whichever text.
    rf"|\b(?:dear|attention|(?:note |message |instructions? )?(?:to|for))[,:]? (?:the |any )?(?:(?:ai|llm|language model|automated) )?(?:{_ENGLISH_SCORER}|llm|ai)\s?[:,]\s?[^.!?\n]{{0,60}}?(?:full marks|(?:maximum|highest|full|perfect) (?:score|marks|rating)|(?:rate|score|output|give|award|answer)\b[^.!?\n]{{0,20}}?\b10\b"
    rf"|(?:choose|select|pick|prefer|favou?r|rate|score|rank|award|accept)\b[^.!?\n]{{0,12}}? {_ENGLISH_THIS}|{_ENGLISH_THIS} (?:is (?:the best|better|perfect|excellent)|deserves|should|must|wins))"
    rf"|\b{_ENGLISH_SCORER} (?:must|should|has to|will) (?:assign|give|award)[^.!?\n]{{0,20}}?(?:maximum|highest|full|perfect) (?:score|marks|rating) (?:to|for) (?:this|the) (?:essay|text|story|article|piece|response|answer|submission)\b(?! (?:that|which|with|of|in|by)\b)",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"(?:要求|要|让|叫|命令|逼|请|劝|告诉|提醒)(?:你|我|他|她|它|我们|人)[^。\n]{0,6}\Z|(?:不能|不要|别|不会|怎能|无法)\Z"
    r"|\b(?:asks?|asked|tells?|told|orders?|ordered|begs?|begged|wants?|wanted) (?:you|me|him|her|them|us|it)(?: all)?(?: to)? \Z|\b(?:do not|don't|don’t|never|cannot|can't|can’t) \Z",
    re.IGNORECASE,
)
_QUOTES = "“「『‘\"'"
# Words of which each order has one; most texts have none, and a search for a word is quicker than for an order.
_SAYS_IGNORE = ("忽略", "无视", "忘记", "忘掉", "不要理会", "ignore", "disregard", "forget")
_NAMES_TEXT_OR_SCORER = (
    *("本文", "这篇", "此文", "该文", "本作品", "上文", "以上"),
    *("评分", "打分", "评审", "评委", "评估", "评价", "阅卷", "ai", "llm"),
    *("essay", "text", "story", "article", "piece", "response", "answer", "submission"),
    *("judge", "grader", "reviewer", "evaluator", "rater", "scorer"),
)


def addresses_model(text: str, *, genre: str | None = None) -> Verdict | None:
    """The text gives orders to whoever scores it.

    Rules horror orders its reader to ignore rules, too: an order counts if it speaks of instructions
    to a model, or of scores nearby, and is not what a character says or is told.
    """
    folded = text.lower()
    for match in _IGNORE.finditer(text) if any(w in folded for w in _SAYS_IGNORE) else ():
        around = text[max(0, match.start() - NEAR) : match.end() + NEAR]
        to_model = match["english"] or match["what"] in ("指令", "提示", "提示词", "设定")
        before = text[max(0, match.start() - 24) : match.start()]
        spoken = _TOLD.search(before) or before[-1:] in tuple(_QUOTES)
        scored = _SCORES.search(around) and not _TOLD.search(before)
        if scored or (to_model and not spoken):
            return Verdict("addresses_model", match.group(), match.start(), match.end())
    ordered = any(w in folded for w in _NAMES_TEXT_OR_SCORER)
    if ordered and (marks := _FULL_MARKS.search(text)):
        return Verdict("addresses_model", marks.group(), marks.start(), marks.end())
    return None
