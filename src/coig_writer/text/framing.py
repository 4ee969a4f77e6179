"""The assistant's frame around a text: an opening that announces it, a closing or note about it.

A frame speaks to whoever asked for the text and names what it delivers. What a story says to its
own people is literature: 好的，我这就去。 opens one, 以下是我奶奶留下的字条： is followed by one. So an opening
needs an announcement, and neither a word of assent nor 以下是 alone is one.
"""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

LONGEST_OPENING = 120  # characters of the first line that are read
LONGEST_CLOSING = 400  # characters of the last line; a longer one is no frame

_WORK = (
    r"(?:短篇|长篇|微型|爱情|科幻|武侠|悬疑|童话|儿童)?"
    r"(?:小说|故事|散文|诗歌?|词|文章|作文|短文|剧本|文案|稿子?|演讲稿|书评|影评|评论|歌词|童话|寓言|随笔|日记|信|内容|作品|方案|提案|报告|标语|广告)"
)
_COUNTED = r"[一两三几\d]\s*[篇首则封份个段组部条]"
_WRITES = r"(?:创作|撰写|写|撰|准备|生成|提供|整理|介绍|编写|构思|带来|设计|呈现|奉上|详细)"
_FOR_YOU = rf"(?:[为给替](?:您|你)(?:们)?{_WRITES}|(?:您|你)(?:要|想要|需要|要求)的)"
_AS_ASKED = r"(?:根据|按照|按|基于|依照|为了满足|结合)(?:您|你)(?:所|们)?(?:的|提供|给出|给|提出)[^。！？\n]{0,20}?(?:要求|需求|描述|提示|设定|主题|题目|关键词)"
_ASSENT = re.compile(
    r"(?:好的|好|当然(?:可以)?|没问题|可以的?|明白了?|收到|非常乐意|很?乐意|很高兴)[呀啊哦呢]?\s*[，,。！!：:～~]"
)
_ANNOUNCES = re.compile(
    rf"{_FOR_YOU}|{_AS_ASKED}|(?:以下|下面|这里|这)(?:就?是|为|有)[^。！？\n]{{0,20}}?(?:{_COUNTED}|{_WORK}\s*[：:])"
    r"|(?:以下|下面)(?:我?将|我会|我来|是)[^。！？\n]{0,20}?(?:您|你)"
)
_HERE_IS = re.compile(
    rf"(?:以下|下面|这里|这)(?:就?是|为|将|我将|我会|我来)[^。！？\n]{{0,24}}?(?:{_FOR_YOU}|{_AS_ASKED}|{_COUNTED}[^。！？\n：:]{{0,24}}?{_WORK}\s*[：:])"
    rf"|(?:以下|下面)(?:将|我将|我会|就)?[为给](?:您|你){_WRITES}"
)
_ON_REQUEST = re.compile(
    rf"{_AS_ASKED}[^。！？\n]{{0,20}}?(?:{_WRITES}|以下|下面|{_COUNTED}|[：:]$)"
)
# A narrator, or a thing found in the story: no assistant.
_WITHIN_STORY = re.compile(
    r"我(?!将|会|为|给|来|根据|按|们?创作|写了一)|写给|留给|留下|寄给|寄来|发现|找到|捡到|收到的"
)
_ENGLISH = re.compile(
    r"(?:(?:sure|certainly|of course|absolutely|no problem|happy to help|great)(?: thing)?[,.!]+ +)?"
    r"(?:here(?:'s|’s| is| are)|below is|the following is|i(?:'ve|’ve| have) (?:written|created|crafted)|i(?:'ll|’ll| will) (?:write|create|craft))"
    r" [^\n]{0,60}?(?:(?P<yours>\byour\b|\byou (?:asked|requested|wanted|described)|\bfor you\b)|\b(?:story|poem|essay|article|script|letter|speech|piece|draft|version|tale|scene)\b)[^\n]{0,60}",
    re.IGNORECASE,
)
_ENGLISH_STORY = re.compile(r"\b(?:my|me|he|she|they|him|her|left|found)\b", re.IGNORECASE)

_CLOSING = re.compile(
    r"希望(?:这|以上|本)[^\n]{0,30}?(?:您|你|要求|需求|期待)[^\n]{0,30}"
    r"|希望(?:能够?)?(?:满足|符合)(?:您|你)的[^\n]{0,30}"
    r"|如(?:果)?(?:您|你)?(?:对|觉得|认为|还|有|需要?|希望|想要?)[^\n]{0,30}?(?:修改|调整|润色|补充|扩写|缩写|续写|其[他它](?:要求|需求|问题|写作)|帮助|改动|优化)[^\n]{0,40}"
    r"|(?:请|欢迎)?随时(?:告诉我|告知|联系|提出|吩咐)[^\n]{0,40}"
    r"|(?:i hope (?:this|the) (?:story|poem|essay|article|piece|draft|helps|meets)|i hope you (?:enjoy|like|find) (?:this|the|it)\b"
    r"|let me know if you(?:'d|’d| would)? (?:like|want|need|have)\b[^\n]{0,40}?(?:change|revis|adjust|tweak|edit|more|else|different|version|question|feedback)"
    r"|(?:please )?feel free to (?:ask|let me|reach|modify|adjust|change|request))[^\n]{0,160}",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"[（(【\[*]*\s*(?:注|备注|说明|附注|创作说明|写作说明|创作思路|写作思路|创作手记|赏析|点评|note)\s*[】\]]?\s*[：:]",
    re.IGNORECASE,
)
_OWN_TEXT = re.compile(
    r"本(?:文|诗|篇|作|故事|小说|剧)|这(?:篇|首|则|个)(?:文章|诗|作品|故事|小说|散文|词)|全(?:文|诗)|文中|诗中|\bthis (?:story|poem|essay|piece)\b",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"题目|要求|意象|手法|展现|体现|符合|通过|运用|采用|字数|结构|主题|满足|meets|theme|uses|explores",
    re.IGNORECASE,
)
_BEFORE = "\n\r\t 　#*>"
_COLON, _STOP = re.compile("[：:]"), re.compile("[。！!]")
_SEPARATOR = re.compile(r"[-*_—=~ ]{2,}")


def opening(text: str) -> Verdict | None:
    """Finds the assistant's opening (好的，以下是为您创作的短篇小说, and a colon).

    Returns:
        A verdict whose place is the opening with the white space after it: the text goes on behind.
    """
    start = len(text) - len(text.lstrip(_BEFORE))
    stop = text.find("\n", start)
    line = text[start : stop if stop >= 0 else len(text)]
    said = _announced(line[:LONGEST_OPENING])
    if said is None:
        return None
    # What follows the colon or the sentence on the same line is the text itself.
    mark = _COLON.search(line, max(0, said - 1)) or (
        _STOP.search(line, said) if len(line) > LONGEST_OPENING else None
    )
    end = start + (mark.end() if mark else len(line))
    end += len(text[end:]) - len(text[end:].lstrip(_BEFORE))
    return Verdict("boilerplate_opening", line[:40].strip(), 0, end)


def _announced(line: str) -> int | None:
    """Returns where the words end that announce a text to whoever asked for it."""
    if assent := _ASSENT.match(line):
        found = _ANNOUNCES.search(line, assent.end())
        within_story = _WITHIN_STORY.search(line, assent.end())
    else:
        found = _HERE_IS.match(line) or _ON_REQUEST.match(line)
        within_story = _WITHIN_STORY.search(line)
    if found:
        return None if within_story else found.end()
    english = _ENGLISH.match(line)
    if english is None:
        return None
    mark = line.rstrip(" *#")[-1:]
    yours = english["yours"] is not None and mark in ":.!"
    announced = mark == ":" and not _ENGLISH_STORY.search(line)
    return len(line.rstrip(" *#")) if yours or announced else None


def closing(text: str) -> Verdict | None:
    """Finds what an assistant says about its own text in the last line, where a text stands before.

    Offers (如需修改请告知), wishes for the reader who asked (希望这首诗能对你有帮助), and notes that explain the
    text's own devices.

    Returns:
        A verdict whose place reaches from the end of the text to the end.
    """
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    line = text[start:end].lstrip(" \t　>")
    if not 0 < len(line) <= LONGEST_CLOSING or not text[:start].strip():
        return None
    said = line.lstrip("*_（(【[")
    note = _NOTE.match(line) and _OWN_TEXT.search(line) and _DEVICE.search(line)
    if not (note or _CLOSING.match(said)):
        return None
    before = text[:start].rstrip()
    last = before.rfind("\n") + 1
    if last and _SEPARATOR.fullmatch(before[last:].strip()):
        before = before[:last].rstrip()
    return Verdict("boilerplate_closing", line[:80], len(before), len(text))
