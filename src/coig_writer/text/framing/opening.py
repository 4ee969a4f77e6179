"""The assistant's opening before a text: 好的，以下是为您创作的短篇小说, and a colon.

A frame speaks to whoever asked for the text, names what it delivers, and is set apart from it. What a
story says to its own people is literature: 好的，我这就去。 opens one, 以下是我奶奶留下的字条： is followed by
one. So an opening needs an announcement and a text behind it. Patterns know the common wordings for sure; what
they do not know is weighed by its signs.
"""

from __future__ import annotations

import re

from coig_writer.text.framing import signs
from coig_writer.text.framing.signs import SPOKEN, Candidate
from coig_writer.text.normalise import folded
from coig_writer.text.verdict import Verdict

LONGEST_OPENING = 120  # characters of the first line that are read
LONGEST_WEIGHED = 110  # a longer line is not weighed
SHORT = 16  # characters of an assent that is a line of its own
READ = 1_000  # characters of a text in which its opening is looked for
_BEFORE = "\n\r\t 　#*>_=-—"

KIND = (
    r"(?:小说|故事|短篇|散文|诗|词|文章|作文|短文|剧本|文案|稿|书评|影评|乐评|评论|评测|测评|歌词|童话|寓言|随笔|日记|信|内容|作品|方案|提案"
    r"|策划|报告|标语|广告|口号|问题|清单|提纲|大纲|纪要|模板|范文|范例|范本|示例|样本|样稿|简历|说明书|传记|传奇|语录|话术|顺口溜|段子|相声|小品|评书"
    r"|台词|独白|对话|摘要|论文|推文|博客|帖子|祝福|致辞|发言|通知|公告|启事|教程|攻略|游记|回忆录|杂文|议论文|记叙文|绝句|律诗|对联|开头|开场白|结尾|片段|抽象话|构思|版本|部分|章|正文|全文|文字)"
)
_COUNTED = (
    r"(?:[一二两三四五六七八九十几数\d]{1,4}|多)\s*(?:个|种)?[篇首则封份段组部条套幅版章个种]"
)
_MAKES = r"(?:创作|撰写|写|撰|准备|生成|提供|整理|介绍|编写|构思|带来|设计|呈现|呈上|奉上|献上|送上|拟定|拟|起草|定制|打造|制作|改写|续写|润色|修改|安排|讲述|定做|来)"
# A text that is made for whoever asked: 为您创作, 您要的, 给你写.
_FOR_YOU = rf"(?:[为给替](?:您|你)(?:们)?(?:量身|专门|精心|详细|简单|特别)?(?:地)?{_MAKES}|(?:您|你)(?:们)?(?:所)?(?:要|想要|需要|需|要求)的|给您|供(?:您|你|大家)?(?:参考|欣赏|选择|选用|阅读)|请(?:您|你)?(?:过目|欣赏|查收|查阅))"
AS_ASKED = (
    r"(?:根据|按照|按|基于|依照|遵照|遵循|为了满足|结合|围绕|符合|满足)(?:您|你)(?:们)?(?:所)?(?:的|提供|给出|给|提出|设定|指定)?[^。！？\n]{0,20}?(?:要求|需求|描述|提示|设定|主题|题目|关键词|大纲|需要|要点|指令|材料|素材|信息|资料|开头|情节|思路|框架)"
    r"|(?:按照?|根据|依照)(?:题目)?要求|已按要求"
)
_ASSENT = re.compile(
    r"(?:(?:好的|好嘞|好|当然(?:可以|没问题)?|没问题|没有问题|可以的?|我?(?:已经?)?(?:明白|了解|理解|清楚|知道)了?|收到(?:[您你]的(?:要求|需求|请求|指令))?|(?:非常|很|十分)?(?:抱歉|对不起|不好意思)[^。！!，,\n]{0,16}|如[您你]所愿|亲(?:爱的)?|遵命|乐意效劳|嗯+|[Oo][Kk]|[Oo]kay|(?:我)?(?:非常|很)?(?:乐意|荣幸|高兴)(?:能)?(?:效劳|(?:为|帮)(?:您|你)[^。！!，,\n]{0,12})?|(?:非常|十分|衷心|多谢|很)?感谢(?:您|你)的[^。！!，,\n]{0,8}"
    r"|作为[^。！!，,\n]{0,14}(?:AI|人工智能|模型|助手)[，,]\s*我(?:很|非常)?(?:乐意|荣幸|高兴)[^。！!，,\n]{0,12}"
    r"|这(?:真)?是一?个(?:很|非常|十分|极|特别)[^。！!，,\n]{0,10}的?(?:题目|主题|想法|创意|设定|话题|选题|命题)|(?:好|很好的|非常好的|很棒的)(?:问题|主题|题目|创意|想法|选题)|太[棒好]了"
    r"|用户(?:希望|想|要求|需要|让)我[^。！!\n]{0,20}(?:写|创作|生成)[^。！!\n]{0,40})"
    r"(?:[呀啊哦呢吧啦])?\s*[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]{0,6}[，,。.！!：:～~—…]+[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]{0,6}\s*)+"
)
_GREETING = re.compile(
    r"(?:(?:亲爱的|尊敬的)(?:用户|朋友|读者|作者)|(?:您|你)好(?:呀|啊)?|哈喽|嗨|[Hh]ello|[Hh]i)\s*[，,。！!：:～~]+\s*"
)
# Assent that is an opening by itself: it promises to write.
_OBLIGES = re.compile(
    r"(?:乐意|荣幸|高兴)[^。\n]{0,4}[为帮][您你][^。\n]{0,4}(?:写|创作)|(?:happy|glad|delighted|love) to (?:help|write)",
    re.IGNORECASE,
)
# With assent before it, an announcement is enough; 我写了 alone is a narrator.
_ANNOUNCES = re.compile(
    rf"[为给替]您(?:们)?(?:量身|专门|精心|详细)?(?:地)?{_MAKES}"
    rf"|(?:您|你)(?:们)?(?:所)?(?:想?要|需要?|要求)的[^，,。\n]{{0,12}}?{KIND}"
    r"|(?:这就|马上|现在就?)(?:[为给][您你])?[奉呈献送]上"
    rf"|{AS_ASKED}"
    rf"|[为给替]你[^。！？\n]{{0,6}}?{_MAKES}[^。！？\n]{{0,30}}?{KIND}"
    rf"|(?:以下|下面|这里|下文|这|本文|我们?(?:来|将|会|选择)|让我|来|这就|请)[^。！？\n]{{0,60}}?(?:{_COUNTED}|这[篇首段则封个])[^。！？\n]{{0,60}}?{KIND}"
    rf"|(?:以下|下面|这里)[^。！？\n]{{0,60}}?{KIND}[^。！？\n]{{0,40}}?(?:[：:]|$)"
    r"|看我的[吧哈啦]\s*[：:]"
    r"|写一[篇首段版份][：:]$"
    r"|(?:重新|再)(?:为您|给你)?(?:写|改|创作|生成|撰写)了?一?[版篇稿份首]"
)
# Without assent the line must also say what an assistant says of what it delivers.
_HERE_IS = re.compile(
    rf"(?:请(?:您|你)?(?:看|欣赏|阅读|查收|查看))?(?:(?:以下|下面|下文|接下来)[^。！？\n]{{0,70}}?(?:{KIND}|{_FOR_YOU}|{AS_ASKED})|这里(?:就?是|有|[我先]|[为给][您你]|提供|整理|准备|[附呈奉献送]上)[^，,。！？\n]{{0,60}}?(?:{_COUNTED}[^，,。！？\n]{{0,50}}?{KIND}|{_FOR_YOU}|{AS_ASKED}))"
    rf"|这是{_COUNTED}[^。！？\n]{{0,30}}?\d字[^。！？\n]{{0,20}}?{KIND}"
    rf"|我(?:已经?)?{_MAKES}了[^。！？\n]{{0,40}}?供(?:您|你)(?:参考|选择)"
    rf"|这(?:里)?(?:就?是|为)[^。！？\n]{{0,40}}?(?:{_FOR_YOU}|{AS_ASKED})"
    rf"|(?:这|本)[篇首份]?{KIND}将?(?:会)?(?:按照|根据)[^。！？\n]{{0,30}}?您"
    rf"|(?:我(?:将|会|已经?)?)?(?:{AS_ASKED})[^。！？\n]{{0,40}}?(?:{_MAKES}|以下|下面|{_COUNTED}|[：:]$)"
    rf"|(?:作为[^，,。！？\n]{{1,16}}[，,])?(?:(?:让|请允许)?我(?:将|会|来|可以|已经?)?|特|已经?)?[为给]您(?:们)?(?:量身|专门|精心)?{_MAKES}"
    rf"|您要的[^，,。\n]{{0,8}}?{KIND}(?:来[了啦]|如下|已|写好)"
    rf"|您的[^，,。\n]{{0,6}}?{KIND}已[^。\n]{{0,12}}(?:如下|[：:]$)"
    r"|[【（(\[]?以下(?:内容)?[为由是](?:AI|人工智能)[^。\n]{0,4}(?:生成|创作|撰写)"
)
_DELIVERS = re.compile(
    rf"{_FOR_YOU}|{AS_ASKED}|针对|关于|旨在|力求|涵盖|适合|覆盖|兼具|暂定|[奉献呈]上[一这]|模仿|围绕|题为|为题|\d{{1,6}}字|[一二三四五六七八九十百千]{{2,}}字|字数|风格|要求|范文|模板|示例|样本|范本"
    rf"|初稿|草稿|(?:修改|优化|润色|改写|调整|扩写|续写)后的|(?:AI|人工智能)(?:大模型)?(?:生成|创作)|定制|专属|如下|提供|版本|为原型|方案|标语|广告|{_COUNTED}[^。！？，,\n]{{0,4}}?(?:短篇|微型|散文|文案|剧本|议论文|演讲|律诗|绝句|歌词)"
)
_NO_ANNOUNCEMENT = re.compile(r"以下[^，,。]{0,8}(?:基于|仅供|通过|以)|以下(?:传记|评测|问题)")
# Who asked is spoken to, a text is written and pointed at: with a colon at the end, an announcement in any words.
_ASKER = re.compile(rf"您|[为给帮替]你|{AS_ASKED}")
_WRITES = re.compile(r"写|创作|撰|构思|生成|起草|完成")
_POINTS = re.compile(
    rf"以下|如下|下面|下文|全文|正文|请(?:查收|查阅|查看|过目|审阅)|(?:这[篇首则段份个]|{_COUNTED})[^，,。]{{0,8}}?{KIND}"
)
_REPORTS = re.compile(r"汇报|报告如下|现将|兹|尊敬的")
# A narrator feels so too: 太好了，这是一封录取通知书。
_FEELS = re.compile(r"(?:非常|很|十分)?(?:抱歉|对不起|不好意思|太[好棒]了)")
# A narrator, or a thing found in the story: no assistant.
_WITHIN_STORY = re.compile(
    r"我(?!将|会|为|给|来|根据|按|选择|写[了的]|想到的|重新|们?创作|们来|构思|马上|已|很|尽|帮|的(?:创作|作品|[吧哈啦])|可以[为给帮]|继续|这?就|现在|试)|[他她](?!们)|留给|留下|寄给|寄来|发现|找到|捡到|收到的"
    r"|遗[书言嘱]|字条|爷爷|奶奶|祖父|抽屉|口述|请听|只是|不过是|最后一[封首篇次]|没有寄出|迟到[了的]|来自|[摘出引]自|节选自|要讲的|(?:下面|接下来)(?:的|这个)故事[，,]是关于|写信|的时候|写给(?:你|十年|自己|未来)|以下犯"
)
_ENGLISH_ASSENT = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|no problem|(?:i(?:'d|’d| would) (?:be )?)?(?:happy|glad|delighted|love) to (?:help|write)[^.,!\n]{0,40}"
    r"|great(?: (?:idea|prompt|choice|question|request|theme|topic))?|okay|ok|alright|understood|got it|thank you for[^.,!\n]{0,40}|as requested|based on your \w{1,20})\s?[,.!:—–-]{1,2}\s*"
)
_ENGLISH_YES = re.compile(rf"(?:{_ENGLISH_ASSENT}){{1,3}}", re.IGNORECASE)
# A line that is praise or assent and a promise to write and nothing else; I'll tell you how it happened is a narrator.
_ENGLISH_PRAISE = r"(?:(?:what an?|such an?|i (?:love|like)|love|that(?:'s|’s) an?) [^.,!\n]{0,30}(?:idea|prompt|question|request|theme|topic|premise|challenge)\s?[,.!:—–-]{1,2}\s*)"
_ENGLISH_TRIES = re.compile(
    rf"(?:{_ENGLISH_ASSENT}|{_ENGLISH_PRAISE}){{1,3}}(?:here goes(?: nothing)?|let(?:'s|’s) (?:dive (?:right )?in|get started|give (?:it|this) a)"
    r"|(?:let me|i(?:'ll|’ll| will)) (?:take|have|give) [^.!\n]{0,12}\b(?:shot|stab|crack|go|try|swing|whirl)\b(?! (?:of|at (?!(?:it|this|that|the|your)\b)))|here(?:'s|’s| is) (?:my|a) (?:take|attempt|go|try|stab|shot|version|draft)"
    r"|i(?:'ve|’ve| have) (?:tightened|revised|rewritten|edited|polished|trimmed|reworked|shortened|expanded|fixed))\b[^.!:\n]{0,60}[.!:…]*",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"(?:here(?: you go| it is|'s|’s| is| are| goes)|below (?:is|are)|the following is|this is|i(?:'ve|’ve| have) (?:written|created|crafted|drafted|put together|composed)"
    r"|(?:i(?:'ll|’ll| will)|let me) (?:write|create|craft))\b",
    re.IGNORECASE,
)
YOURS = re.compile(
    r"\byour\b|\byou (?:asked|requested|wanted|described|specified|provided|gave)|\bfor you\b|\bas requested\b|\b\d{2,5}[- ]words?\b",
    re.IGNORECASE,
)
_ENGLISH_KIND = re.compile(
    r"\b(?:story|poem|essay|article|script|screenplay|letter|speech|eulogy|piece|draft|version|tale|fable|scene|haiku|limerick|sonnet|monologue|slogans?"
    r"|chapter|description|summary|outline|post|review|take|attempt|lyrics|goes|text)\b",
    re.IGNORECASE,
)
_ENGLISH_STORY = re.compile(
    r"\b(?:my(?! (?:take|attempt|version|try|best)\b)|me(?! write)|he|she|they|him|her|his|their|left|found|we|our)\b",
    re.IGNORECASE,
)

_COLON = re.compile("[：:](?![^《\n]{0,40}》)")  # a title has its own
_STOP = re.compile("[。！!]")
_LISTED = re.compile(r"\s{0,8}\d{1,2}[.、]|[\W_]{0,8}版本[一二三四五\d][\W_]{0,4}\Z")
_FOR_ASKER = re.compile(rf"[为给帮替][您你]|{AS_ASKED}")  # in a heading, which may say 谢谢您
_ASKED = re.compile(rf"[为给帮替]您|{AS_ASKED}")  # under a title, where a letter may say 写给你的
_TITLE = re.compile(r"\s{0,9}(?:#{1,6} [^\n]{1,40}|\*\*[^\n*]{1,40}\*\*|《[^》\n]{1,40}》)\s{0,9}")
_OF_PAPER = re.compile(r"本文|文章|研究|this (?:paper|essay|article|study)", re.IGNORECASE)
_KEYWORDS = re.compile(r"[\W_]{0,8}(?:关键词|key ?words)", re.IGNORECASE)
# A plan before the text, and the line that ends it.
_PLANS = re.compile(
    r"[\W_]{0,6}(?:(?:创作|写作|文章|故事|小说|内容|主题)?(?:思路|构思|说明|分析|大纲|背景)|构思|体裁|题材|字数|要求|写作要求|题目)[\s*_】\]]{0,4}(?:[：:】\]]|\Z)"
)
# A title or synopsis has a frame's end only where it is spoken: 下面开始正文.
_SYNOPSIS = re.compile(
    r"[\W_]{0,6}(?:标题|类型|(?:故事|剧情)?(?:梗概|简介))[\s*_】\]]{0,4}[：:】\]]"
)
_BEGINS = re.compile(r"开始|进入")
_BODY = re.compile(
    r"\n[#*_【\[（( \t]{0,6}(?:以下[为是]|(?:以下|下面|接下来|现在)(?:就|便|正式)?(?:开始|进入|是))?(?:小说|故事|诗歌|文章|作品|散文|剧本|作文)?(?:正文|全文)(?:部分|开始|如下)?[：:。】\]）)*_ \t]{0,6}(?=\n)"
)
_CLOSES_TITLE = tuple('》】）)"”」』')
_EMPHASIS = re.compile(r"\s*([*_]{1,3})")
# A rule after the opening; headings and bold stay.
_APART = re.compile(r"\s*(?:[-*_—=~]{2,}[ \t]*\n\s*)?")


def opening(text: str) -> Verdict | None:
    """Finds the assistant's opening (好的，以下是为您创作的短篇小说, and a colon) before a text.

    Returns:
        A verdict whose place is the opening with the white space after it: the text goes on behind.
    """
    text = folded(text)
    start, end = 0, _known(text) or _planned(text) or _weighed(text)
    if end is None:
        start, end = _titled(text)
    if end is None:
        return None
    if blank := _APART.match(text, end):
        end = blank.end()
    return Verdict("boilerplate_opening", text[start:].lstrip(_BEFORE)[:40].strip(), start, end)


def _known(text: str) -> int | None:
    """Returns where an opening in known words ends."""
    start, stop = _line(text, 0)
    while greeted := _GREETING.match(text, start, stop):
        start, stop = _line(text, greeted.end())
    words = text[start:stop].strip(" *_")
    if _ENGLISH_TRIES.fullmatch(words) and text[stop:].strip():
        return stop
    assented = bool(_ASSENT.fullmatch(words) or _ENGLISH_YES.fullmatch(words))
    if assented:  # a line of its own; the next one announces
        start, stop = _line(text, stop)
    line = text[start:stop]
    announced = _announced(line[:LONGEST_OPENING], assented)
    if announced is None and assented and _OBLIGES.search(words):
        start, stop = _line(text, 0)
        line, announced = text[start:stop], stop - start
    if announced is None:
        return None
    # What follows the colon or the sentence on the same line is the text itself.
    mark = _COLON.search(line, max(0, announced - 1)) or (
        _STOP.search(line, announced) if len(line) > LONGEST_OPENING else None
    )
    end = start + (mark.end() if mark else len(line))
    if marked := _EMPHASIS.match(text):  # **以下是您要的诗：** is one line in bold
        end += len(marked[1]) if text.startswith(marked[1], end) else 0
    return end


def first_line(text: str) -> Candidate | None:
    """Reads the first line with letters, where it may be an opening; a bare 当然可以！ goes with the next."""
    rows = signs.rows(text[:READ])
    lettered = [row for row in rows if row.lettered]
    if len(lettered) < 2:
        return None
    line, last = lettered[0].text, lettered[0]
    assent = len(line) < SHORT and line.rstrip(_BEFORE)[-1:] in tuple("。！!～~，,.…")
    assent = assent and signs.SIGNS["assents"].search(line.lower()) is not None
    told = any(signs.SIGNS[name].search(line) for name in ("narrator", "third_person", "speech"))
    if assent and not told and len(lettered) > 2:
        line, last = line + lettered[1].text, lettered[1]
    bare = line.strip(_BEFORE)
    title = bare[-1:].isalnum() or bare[-1:] in _CLOSES_TITLE or line.lstrip().startswith("#")
    if (
        len(bare) > LONGEST_WEIGHED
        or bare[:1] in tuple(SPOKEN)
        or (title and not _FOR_ASKER.search(bare))
    ):
        return None
    preface = _NO_ANNOUNCEMENT.match(bare) and bare[-1] not in "：:"
    keywords = _OF_PAPER.search(bare) and _KEYWORDS.match(rows[rows.index(last) + 1].text)
    if keywords or signs.ABSTRACT.match(line):
        return None
    if preface or _LISTED.match(line) or signs.SIGNS["found"].search(bare):
        return None
    behind = rows[rows.index(last) + 1].text
    return Candidate(line, behind, text[last.end : last.end + READ], last.start, last.end)


def _weighed(text: str) -> int | None:
    """Returns where an opening ends that its signs betray."""
    first = first_line(text)
    return first.end if first and signs.weight("opening", first) > 0 else None


def _titled(text: str) -> tuple[int, int | None]:
    """Returns where an opening begins and ends that stands under a title and says that it was asked for."""
    lettered = [row for row in signs.rows(text[:READ]) if row.lettered][:3]
    if len(lettered) < 3 or not _TITLE.fullmatch(lettered[0].text):
        return 0, None
    start = lettered[1].start
    if not (_POINTS.search(lettered[1].text) and _ASKED.search(lettered[1].text)):
        return start, None
    end = _known(text[start:]) or _weighed(text[start:])
    return start, end and start + end


def _planned(text: str) -> int | None:
    """Returns where a plan ends (创作思路：…) that is closed by 正文：."""
    start, stop = _line(text, 0)
    plan, label = _PLANS.match(text, start, stop), _SYNOPSIS.match(text, start, stop)
    body = _BODY.search(text, stop, READ) if plan or label else None
    if body and not plan and not _BEGINS.search(body.group()):
        return None
    return body.end() if body else None


def _line(text: str, place: int) -> tuple[int, int]:
    """Returns where the next line with letters begins and ends."""
    while place < len(text) and text[place] in _BEFORE:
        place += 1
    stop = text.find("\n", place)
    return place, stop if stop >= 0 else len(text)


def _announced(line: str, assented: bool) -> int | None:
    """Returns where the words end that announce a text to whoever asked for it."""
    assent = _ASSENT.match(line)
    start = assent.end() if assent else 0
    if assent or assented:
        announcement = _ANNOUNCES.search(line, start) or _HERE_IS.match(line, start)
    else:
        announcement = _HERE_IS.match(line) if _DELIVERS.search(line) else None
        announcement = None if _NO_ANNOUNCEMENT.match(line) else announcement
    if (
        announcement is None
        and line.rstrip(" *_")[-1:] in tuple("：:")
        and not _REPORTS.search(line)
    ):
        pointed = _ASKER.search(line) and _WRITES.search(line)
        announcement = _POINTS.search(line) if pointed else None
    if announcement:
        mark = _COLON.search(line, max(start, announcement.end() - 1))
        sentence = max(start, *(line.rfind(stop, 0, announcement.start()) for stop in "。！!"))
        story = _WITHIN_STORY.search(line, sentence, mark.start() if mark else len(line))
        felt = _FEELS.match(line) and line.rstrip(" *_")[-1:] not in tuple("：:")
        return None if story or (felt and not _ASKER.search(line)) else announcement.end()
    yes = _ENGLISH_YES.match(line)
    english = _ENGLISH.match(line, yes.end() if yes else 0)
    if english is None:
        return None
    bare = line.rstrip(" *#")
    telling = _ENGLISH_STORY.search(bare)
    presented = yes or not english.group().lower().startswith("this")
    yours = YOURS.search(bare) and (yes or _ENGLISH_KIND.search(bare)) and bare[-1] in ":.!"
    kind = english.group().lower() in ("here you go", "here it is") or _ENGLISH_KIND.search(bare)
    announced = presented and sum(map(bool, (yes, kind, bare[-1] == ":"))) > 1
    return len(bare) if (yours or announced) and not telling else None
