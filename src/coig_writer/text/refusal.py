"""Refusals, and texts that speak as an assistant. An AI that narrates is literature."""

from __future__ import annotations

import re

from coig_writer.text.normalise import folded
from coig_writer.text.verdict import Verdict

_QUOTES = ("“", "「", "『", "‘", '"', "'")
LONGEST = 400  # characters: a longer text has more in it than a refusal

_SERVICE = r"(?:提供|生成|创作|撰写|写|协助|回答|满足|完成|帮助|帮您|帮你(?:写|创作|生成|完成|处理|回答|这|[，,。！!])|讨论|处理|继续|参与|输出)"
_CANNOT = rf"(?:无法|不能|不便|不可以|没有办法|没办法|难以)(?:为|给|替|向|帮)?(?:您|你)?[^。！？\n]{{0,8}}?{_SERVICE}"
_REFUSES = re.compile(
    rf"\s?\s?(?:(?:非常|很|十分|真的)?(?:抱歉|对不起|不好意思|遗憾)[，,。！! ]*)?(?:(?:由于|因为|鉴于|根据)[^，,。\n]{{0,30}}[，,])?(?:作为[^，,。\n]{{0,16}}?(?:AI|人工智能|助手|助理|模型|程序(?!员)|机器人)[^，,。\n]{{0,6}}[，,]?)?(?:我(?:能|完全|非常|很)?(?:理解|明白|了解)(?:您|你)的[^，,。\n]{{0,10}}[，,]|(?:您|你)的(?:请求|要求|描述|问题)[^，,。\n]{{0,12}}(?:违反|违背|不符合)[^，,。\n]{{0,16}}[，,])?\s?\s?(?:但是?|目前|因此|所以)?我(?:暂时|目前|可能)?{_CANNOT}"
    r"|\s?\s?(?:(?:(?:i(?:'m|’m| am) )?(?:very |really |so )?sorry|i(?: do| must)? apologi[sz]e|unfortunately)[,.]? (?:but )?)?(?:as an? [^,.\n]{0,30}, )?i(?: can(?:no|'|’)t|(?: am|'m|’m) (?:unable|not able) to| won(?:'|’)t(?: be able to)?) "
    r"(?:(?:help|assist)(?: you)?(?: with\b|[.!]? *$)|comply|(?:help )?(?:write|create|provide|generate|fulfil|continue|discuss|produce)(?: [a-z'’]+){0,5}? (?:(?:that|this)(?: (?:kind|type|sort|story|text|for you|as|because|since)\b|[^ \w]| *$)|content|request|material)(?!\w))",
    re.IGNORECASE,
)
# In other words, where the whole text is short and nobody is told of.
_REQUEST = "(?:内容|请求|要求|提问|话题|主题|题材|问题|描述|描写|任务|歌词|作品|文本|输入)"
_OF_HARM = "(?:敏感|违|版权|未成年|隐私|真实|暴力|血腥|色情|政治|仇恨|歧视|非法|不当|不适|危险|伤害|自杀|自残)"
_AI = r"(?:AI|人工智能|语言模型|助手|助理|大模型)"
_REFUSES_SHORT = re.compile(
    r"(?:(?:您|你)好[，,！!]?)?(?:"
    rf"(?:作为|我是)[^，,。！？\n]{{0,10}}{_AI}[^，,。\n]{{0,8}}[，,]我?(?:没有|不具备|缺乏|并不)[^。！？\n]{{0,20}}[，,](?:因此|所以|也|我){{0,2}}{_CANNOT}"
    rf"|我(?:只)?是[^，,。！？\n]{{0,10}}{_AI}[^，,。\n]{{0,4}}[，,]我?{_CANNOT}"
    rf"|(?:对于|关于|[这此该]|您|你)[^，,。！？\n]{{0,24}}?{_REQUEST}[^，,。！？\n]{{0,4}}[，,]?(?:因此|所以|但)?我?(?:暂时|目前|可能|实在|就)?(?:{_CANNOT}|做不到|不写了)"
    rf"|(?:[这此该]|您的|你的)[^，,。！？\n]{{0,6}}?{_REQUEST}[^，,。！？\n]{{0,4}}?(?:违反|(?:涉及|包含|含有|触及)[^，,。！？\n]{{0,8}}?{_OF_HARM})[^，,。！？\n]{{0,16}}[，,。]我?(?:暂时|目前)?(?:{_CANNOT}|请(?:修改|更换|调整|换))"
    rf"|我(?:(?:必须|只能|不得不|需要)(?:拒绝|婉拒)你的|(?:必须|只能|不得不|需要)?(?:拒绝|婉拒)(?:[这此该]个?|您的))[^，,。！？\n]{{0,6}}?(?:请求|要求)"
    rf"|(?:非常|很|十分|真的)?(?:抱歉|对不起|不好意思|遗憾)[，,][^。！？\n]{{0,30}}?我(?:暂时|目前|可能)?{_CANNOT}"
    r"|(?:(?:i(?:'m|’m| am) )?(?:very |really |so )?sorry|i apologi[sz]e|unfortunately)?[,.]? ?(?:but )?(?:"
    r"as an? (?:[^,.\n]{0,20} )?(?:ai(?: (?:language )?(?:model|assistant|system))?|language model|virtual assistant), i [^.\n]{0,60}(?:can(?:no|'|’)t|unable to|not able to) (?:write|create|provide|offer|give|generate|share)\b"
    r"|i (?:must|have to|need to) (?:respectfully |politely )?decline (?:to (?:write|create|help|assist|provide|generate)|(?:this|that) request|your request(?: (?:to|for|as|because|since)\b|[.!]? *\Z))"
    r"|(?:this|that)(?:(?:(?:'s|’s| is) not| isn(?:'|’)t) something (?:that )?i(?:'m|’m| am| can)|(?:'s|’s| is) something (?:that )?i(?: can(?:no|'|’)t|(?:'m|’m| am) (?:not able|unable)))[^.\n]{0,14}? (?:help(?: you)? with|assist|write|create|provide|generate)\b(?!, (?!but|as|because|since|due))"
    r"|i(?: don(?:'|’)t feel| do not feel|(?: am|'m|’m) not) comfortable (?:writing|creating|providing|generating|with (?:this|that|your) (?:request|content|material|topic|prompt|kind|type)\b)"
    r"|i(?:'m|’m| am)? ?(?:can(?:no|'|’)t|unable to|not able to) (?:reproduce|share|provide|quote|fulfill?|complete|comply|engage|process)(?! my\b)[^.\n]{0,30}?(?:copyright|lyrics|request(?! of)|guidelines)"
    r"))",
    re.IGNORECASE,
)
LONGEST_ALONE = 160  # characters: a longer text than this has more in it than those words
_OF_REQUEST = re.compile(
    rf"您|请求|[这此]类|版权|涉及|违[反规法]|敏感|准则|政策|{_AI}|可以(?:为|帮|给)你(?!的)|can|able|declin|comfortable",
    re.IGNORECASE,
)
_TOLD_OF = re.compile(
    r"[他她](?!人)|[父母]亲|妈|爸|奶奶|爷爷|外[婆公]|儿子|女儿|说[：:，。]|\bsaid\b|\bwrote\b",
    re.IGNORECASE,
)
# Whoever refuses speaks of what was asked for, or to whoever asked; 我无法写出她的名字 opens a story.
_WAS_ASKED = re.compile(
    r"您|如果你|[请要需]求|指令|任务|内容|话题|主题|问题|[此这]类|这[种样]|相关|类似|涉及|服务|帮[助您]|帮你(?:写|创作|生成|完成|处理|回答|这)|AI|人工智能|助手|模型|规定|规范|准则|政策|法规|can|won|unable|not able",
    re.IGNORECASE,
)
_TWO_SENTENCES = re.compile(r"[^。！？\n]*[。！？\n]*[^。！？\n]*")
_ASSISTANT = re.compile(
    r"作为(?:一个|一名|一款)?(?:ai|人工智能)?(?:大?语言模型|(?:智能|写作|ai)助手)"
    rf"|作为(?:一个|一名|一款)?(?:ai|人工智能)[^，,。\n]{{0,6}}[，,]\s?\s?我{_CANNOT}"
    r"|\bas an? (?:ai |artificial intelligence |large )?(?:language model|assistant)\b"
    r"|\bas an (?:ai|artificial intelligence), i (?:can(?:no|'|’)t|am unable|do not|don(?:'|’)t) ",
    re.IGNORECASE,
)

_SORRY = re.compile(
    r"\s?\s?(?:(?:非常|很|十分|真的|实在)?(?:抱歉|对不起|不好意思|遗憾)|(?:您|你)(?:的|所)(?:请求|要求|提问|描述|问题)|(?:这个|该|此)(?:话题|请求|内容|要求|主题)|作为(?:一个|一名|一款)?[^，,。\n]{0,10}(?:AI|人工智能|助手|模型))",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"(?:无法|不能|不便|不会|不可以|不应该?|不太?适合|不宜|不方便|没办法|没有?学会)[^。！？\n]{0,14}?(?:提供|生成|创作|撰写|写|协助|回答|满足|完成|讨论|处理|参与|输出|进行|帮)|违反|违法|违规|不符合[^。\n]{0,10}(?:规定|规范|准则|政策)"
)
_OFFERS = re.compile(
    r"(?:如果|若|如)(?:您|你)?(?:还)?有(?:其他|别的|任何)|(?:很|非常)?乐意(?:为(?:您|你)|帮|协助)|换(?:一?个|其他)(?:话题|主题|问题)|[聊谈][^。\n]{0,4}(?:别的|其他)|问我(?:别的|其他)|话题[^。\n]{0,20}换[^。\n]{0,4}(?:别的|其他)|其他(?:话题|问题|主题|需求|写作)|合法合规|请(?:您|你)?(?:理解|谅解|提供其他|更换)"
)


def refusal(text: str) -> Verdict | None:
    """Finds a text that is nothing but an assistant's refusal to write one."""
    if len(text) > LONGEST:
        return None
    text = folded(text)
    words = text.lstrip()
    begins = _TWO_SENTENCES.match(words)
    refused = _REFUSES.match(words) and begins and _WAS_ASKED.search(begins.group())
    declined = _SORRY.match(words) and _DECLINES.search(text) and _OFFERS.search(text)
    short = (
        len(words) <= LONGEST_ALONE
        and _REFUSES_SHORT.match(words)
        and _OF_REQUEST.search(words)
        and not _TOLD_OF.search(words)
    )
    if not (refused or declined or short):
        return None
    return Verdict("refusal", text.strip()[:40], 0, len(text))


def speaks_as_assistant(text: str) -> Verdict | None:
    """Finds where a text speaks of itself as a language model or an assistant."""
    for match in _ASSISTANT.finditer(text):
        if text[match.start() - 1 : match.start()] not in _QUOTES:  # a machine that is quoted
            return Verdict("speaks_as_assistant", match.group(), match.start(), match.end())
    return None
