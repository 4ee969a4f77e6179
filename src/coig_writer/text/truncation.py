"""Texts that are not whole: cut off in mid-sentence, or too short to be one."""

from __future__ import annotations

import re
import unicodedata

from coig_writer.text.language import HAN
from coig_writer.text.verdict import Verdict

SHORTEST = 12  # characters with punctuation: the shortest article of the paper (section 2.5)
LONGEST_SIGNATURE = 20  # a last line up to this length may be a signature, a date or a place
LONGEST_MOTTO = 40  # a last line in an alphabet up to this length may be a motto or a title
SHORT_TAIL = 400  # characters of the last line that are read
ENDED = 0.7  # share of the characters in lines like the last one whose line must end, before its own end is missed
LONGEST_NAME = 3  # characters of a name alone under a text
ALMOST_ALL = 0.95  # the same, where the last line is as short as a name
NEAR = 6  # items of a list before the last one that are compared with it
STOPS = frozenset("。！？!?…；;.”")  # items and fields that are sentences end in one of these
GOES_ON = "，,、：:；;（(“「『《〈【[‘"
# Why a model stopped, as servers say it.
SPENT = frozenset({"length", "max_tokens", "max_new_tokens", "max_output_tokens", "model_length"})
ENDED_ITSELF = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
VERSE = frozenset({"poetry", "slogan", "hip-hop-rap"})
SLOGANS = frozenset({"advertising", "social-media"})  # genres whose last line may be one

_HTML = re.compile(
    r"<!--[^<>\n]{0,200}-->|</?[a-zA-Z][^<>\n]{0,200}>|&(?:nbsp|#\d{1,6}|[a-z]{2,8});"
)
_MARKUP = re.compile(
    r"!?\[[^\[\]\n]{0,200}\]\([^()\n]{0,300}\)|[\[［〔][\^\d、,，\-– ]{1,12}[\]］〕]|(?<![①-⑳⑴-⒇¹²³⁰-⁹])[①-⑳⑴-⒇¹²³⁰-⁹]+\Z|[*_`|]+|~~"
)
_LEAD = re.compile(
    r"(?:[#>\-*+•·]{1,8}\s+|[(（]?(?:\d{1,3}|[一二三四五六七八九十]{1,3})[)）.、．:：]\s*|\|)"
)
_HEADING = re.compile(
    r"#{1,6}\s|\*\*[^*\n]{1,60}\*\*\s*\Z|第[\d一二三四五六七八九十百]{1,5}[章节回幕场]"
)
_LABEL = re.compile(r"\*\*[^*\n]{1,20}(?:[：:]\*\*|\*\*\s?[：:])")
_NUMBER = r"[\dXxＸ×〇零一二三四五六七八九十廿]"
_DATE = rf"(?:{_NUMBER}{{4}}\s?年|{_NUMBER}{{1,3}}\s?月|[正冬腊]月|[春夏秋冬][日天夜])"
_CYCLE = "[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]年?[初仲季暮深孟]?"
_TIMES = r"\d〇零一二三四五六七八九十廿年月日号季春夏秋冬初仲暮深孟正腊上中下旬末夜晨午 "
_DAY = (
    r"\W{0,4}\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?(?:\s+\S{1,20}|\s[\u4e00-\u9fff][，,\s][\u4e00-\u9fff]{1,4})?"
    r"|(?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? (?:\d{1,2}(?:st|nd|rd|th)?,? )?\d{4}"
)
# What may follow the last sentence, on its line too: tags, a link or address, a date, a credit, an end.
_BEHIND = re.compile(
    r"\W{0,4}(?:[#＃][^\s#＃]{1,40}\s*)+|.{0,200}(?:https?://|www\.)\S+|[^@]{0,120}@[^\s@]{1,60}\.\w{2,6}|(?:@[^\s@]{1,30}\s*)+"
    rf"|\W{{0,4}}(?:{_CYCLE}[春夏秋冬]|(?:{_CYCLE})?{_DATE}).{{0,20}}|(?:[^，,。：:“]{{1,12}}[，,·|]\s?){{1,2}}时?(?:{_NUMBER}{{4}}\s?年|{_CYCLE})[{_TIMES}]{{0,16}}|{_DAY}|\W{{0,4}}\d{{4}}\s?[-—–~～至]+\s?\d{{4}}"
    r"|[^。！？]{0,12}(?:作者|来源|编辑|摄影|图片|译者|责编|校对|审核|素材|转载)[：:/丨|｜].{0,40}|.{0,16}[草写记作摄成改]于.{2,20}"
    r"|(?:©|※|＊|原标题|注[：:]).{1,60}|.{0,40}(?:转载|版权所有|侵权必究|侵删|授权).{0,24}"
    r"|(?:本[文书诗篇]|全[文书剧篇])?(?:完|终|剧终|未完待续|待续|[Tt]he [Ee]nd|END|FIN)"
    r"|[—–]{1,2}\s?[^，,。]{1,12}|(?:编辑|发表|发布|更新)于.{1,40}|(?:阅读|点赞|在看|评论|转发|收藏)\s?\d.{0,40}|.{0,60}且听下回分解"
    r"|(?:\w{2,12} )?[Bb]y [A-Z][\w.'-]{0,20}(?: [A-Z][\w.'-]{0,20}){0,2}(?:, .{1,20})?|[A-Z][A-Za-z .'-]{1,30}, (?:[A-Z][a-z]{2,8} )?\d{4}"
    r"|关键词[：:].{1,80}|联系(?:电话|方式|人)[：:].{1,40}"
)
# Lines that end by what they are: a field or list of keywords, a date or place, a signature, the number of what follows.
_APART = re.compile(
    r"[^，,。：:“「\"我你他她]{1,10}[：:]\s?(?:[^。！？，,“「\"]{1,24}|(?:[^。！？，,“「\"]{1,8}[，,]){1,6}[^。！？，,“「\"]{1,8})"
    r"|(?:[^，,。；;、：:]{1,10}[：:]\s?)?(?:[^，,。；;、]{1,16}[；;、]\s?){2,12}[^，,。；;、]{1,12}"
    rf"|[^，,。“\"]{{0,12}}{_DATE}.{{0,16}}"
    r"|(?:[Pp]\.?\s?[Ss]\.?|又及|又启|附言)[：:.,， ].{1,40}"
    r"|[—–\-].{0,60}|.{0,30}(?:敬上|谨上|谨启|顿首|拜上|敬礼|此致|手书|亲笔)|于[\u4e00-\u9fff]{2,8}|[^。]{0,40}请(?:批示|审[示批议阅]|函复|指示)"
    r"|(?:[你您](?:永远|最好|最?亲爱|最?忠实|真诚|不孝|远方)?|爱你|想你|永远爱你|一直爱你)的[^，,。的]{1,10}|谨?以此[^，,。]{1,12}献给[^，,。]{1,16}|.{0,12}[译文图者][：:/丨|｜].{0,40}|.{0,40}[》」】）\s](?:完|终|剧终|待续)"
    r"|.{0,300}[呢吗吧啊呀嘛啦哦噢哟嘞呗咯哈嗯唉喂哇哩]|.{0,300}[。！？][一二三四五六七八九十\d]|.{0,300}=\s?-?[\d.]{1,12}%?"
)
# Letters and digits of words; one of another script at the end belongs to a face: ʕ•ᴥ•ʔ.
_IN_WORDS = re.compile(
    "[0-9A-Za-z\u00c0-\u024f\u0370-\u04ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U00020000-\U0003134f]"
)
# Who begins no sentence with a capital may well end the last one without a stop.
_STOP = re.compile(r"[。！？!?]|[a-z]\.[\"”’)]?\s{1,3}[\"“‘(]?[A-Z]")
_AFTER_STOP = re.compile('[。！？!?…”」"]')
_ENTRY = re.compile(r"[\[［]\^?\d{1,3}[\]］]:?\s?\S.{3,300}")  # of a list of sources or notes
_QUOTE_OPENS = re.compile(r"(?:[，,：:\s]|^)\"\Z")
# Quotation marks as German and some input methods set them: the left one ends.
_QUOTE_CLOSES = re.compile(r"[„“][^„“”]{1,300}“\Z|[‚‘][^‚‘’]{1,300}‘\Z")
_BLANK = re.compile(r"[_＿]{2,}\s*\Z|[（(\[]\s*[)）\]]\s*\Z")  # to be filled in
_EMOTICON = re.compile(
    r"[:;=8xX][-'^o]?[)(\]\[DdPpOo3/\\|*]+\Z|[\^><Tto0;uQ=\-][_.\-ω▽∀﹏︿3][\^><Tto0;uQ=\-]\S{0,3}\Z|(?<![a-z\d])(?:orz|OTL|QAQ|QwQ|TAT|XD|xswl|hhh+|233+|666+|ovo|owo|mua|zzz+)\Z",
    re.IGNORECASE,
)
_KAOMOJI = re.compile(r"[(（][^()（）\u4e00-\u9fff]{2,20}[)）][^\s，,、。\u4e00-\u9fff]{0,6}\Z")
# Words after which a sentence must go on.
_UNFINISHED = re.compile(
    r"(?:再也|只是|因为|但是|可是|然后|并且|而且|以及|如果|虽然|所以|不是|仿佛|好像|这种|那种|一个|一种|这个|那个|他们?的|她们?的|我们?的|[和与或及被把向从像就也才却将让对以是在很更最不的地得之其而])\Z"
)
# Words that end in one of these and need nothing: 人间值得, 共创成就, 心有所向.
_WHOLE = re.compile(
    r"(?:[值难心]得|[自存所现实内]在|方向|所向|成就|人才|参与|[天大土高田]地|目的地|影像|偶像|[人亲共祥平温]和|绝对|[面应]对|反而|目的|似的|[所可足]以|普及|礼让|火把|即将)\Z"
)
_NEEDS_MORE = re.compile(
    r"(?:因为|但是|可是|然后|并且|而且|以及|如果|虽然|所以|仿佛|好像|这种|那种|一种|[^一不]个|[^调温谐附柔和]和|[给赋]?与|(?<![来涉提普埃危触论波顾得不])及|[和或被把将让使而且])\Z"
)
_PAIRS = (("“", "”"), ("（", "）"), ("「", "」"), ("《", "》"), ("【", "】"), ("『", "』"))
_GOODBYE = re.compile(r"此致|敬礼|敬上|顺颂|祝|安好|再见|谢谢|感谢|愿|[—–]")
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文阿小老"
)
_KIN = frozenset("爸妈爹娘父母哥姐弟妹儿女爷奶姥孙舅姨叔姑")
_CALLS = re.compile(r"[：:]\s*\Z")  # 尊敬的各位来宾： says nothing of how sentences end
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_SAID = re.compile(r"[的了着把是我你他她它就都也还这那被从给让使很却在]|一[个种片阵声只条]|[，,、]")


def too_short(text: str) -> Verdict | None:
    """Fewer than twelve characters, punctuation included, white space not."""
    length = len("".join(text.split()))
    return Verdict("too_short", f"{length} characters") if length < SHORTEST else None


def length_spent(finish_reason: str | None) -> bool:
    """Says whether a model stopped because the length that it was given was spent."""
    return _reason(finish_reason) in SPENT


def _reason(given: str | None) -> str:
    return (given or "").strip().lower()


def cut_off(
    text: str, *, genre: str | None = None, finish_reason: str | None = None
) -> Verdict | None:
    """The last line stops without an end, while the lines like it have one.

    Markup, tags, links, emoticons and invisible characters at the end are no part of the sentence. A
    short last line that reads like no sentence is taken for a signature, a place or a title. Verse
    and slogans, whose lines end without punctuation, are left to the model.

    Args:
        text: The text.
        genre: Its genre, if known.
        finish_reason: Why its model stopped, where that is known: that its length was spent, or that it
            ended itself, decides (``SPENT``, ``ENDED_ITSELF``); any other reason says nothing.
    """
    if length_spent(finish_reason):
        return Verdict("cut_off", "the model's length was spent")
    lines = [line for line in text.splitlines() if line.strip()]
    if _reason(finish_reason) in ENDED_ITSELF or not lines or genre in VERSE:
        return None
    raw = lines.pop()[-SHORT_TAIL:]
    last = _bare(raw)
    if not last or _finished(last, raw) or _foreign(last, lines):
        return None
    if genre in SLOGANS and len(last) <= LONGEST_SIGNATURE and not _unfinished(last):
        return None
    if not _left_open(raw, last) and (_sung(text) or not _stands_out(raw, last, lines)):
        return None
    return Verdict("cut_off", f"ends with …{last[-20:]}")


def _left_open(raw: str, last: str) -> bool:
    """Says whether a line ends in a word that needs another, or inside its own brackets."""
    if last.count('"') % 2 or raw.count("**") % 2:
        return True
    return bool(_NEEDS_MORE.search(last)) or any(last.count(a) > last.count(b) for a, b in _PAIRS)


def _stands_out(raw: str, last: str, lines: list[str]) -> bool:
    """Says whether a line stops without an end while the lines like it have one."""
    shape = _shape(raw)
    greets = lines[:1] if lines and _CALLS.search(lines[0]) else []
    like = [line for line in lines[len(greets) :] if _shape(line) == shape]
    if shape == "prose":
        ended = [line for line in like if _ended(line)]
    else:
        like = like[-NEAR:]
        ended = [line for line in like if _bare(line)[-1:] in STOPS]
        if len(ended) < len(like):
            return False
    enough = sum(map(len, ended)) >= ENDED * sum(map(len, like))
    if last in _KIN and _is_letter(lines):
        return False
    if enough and (like or _stops(last)) and (len(last) > LONGEST_SIGNATURE or _goes_on(last)):
        return True
    # A short line under marked ones alone, also verse with commas; under a letter it is a signature.
    marked = sum(len(line) for line in like if not _bare(line)[-1:].isalnum())
    among = len(like) >= NEAR and marked >= ALMOST_ALL * sum(map(len, like))
    named = " " in last or (len(last) <= LONGEST_NAME and last[0] in _SURNAMES)
    return among and not named and not _is_letter(lines)


def _sung(text: str) -> bool:
    """Says whether a text ends in a few short lines without punctuation: a verse, a shop and its slogan."""
    block = _BLANK_LINE.split(text.rstrip())[-1].split("\n")
    return len(block) > 1 and all(
        len(line) <= LONGEST_SIGNATURE and _bare(line)[-1:].isalnum() for line in block
    )


def _is_letter(lines: list[str]) -> bool:
    greeted = any(line.rstrip().endswith(("：", ":")) for line in lines[:3])
    return greeted or _GOODBYE.search(lines[-1]) is not None


def _bare(line: str) -> str:
    """Returns a line without markup, and without what no eye sees at its end."""
    bare = _MARKUP.sub("", _HTML.sub("", line)).strip()
    if lead := _LEAD.match(bare):
        bare = bare[lead.end() :]
    while bare and (bare[-1].isspace() or unicodedata.category(bare[-1]) in ("Cf", "Mn", "Cc")):
        bare = bare[:-1]
    return bare


def _shape(line: str) -> str:
    """Says what a line is: lines are compared with their kind alone."""
    bare = line.strip()
    if _HEADING.match(bare):
        return "heading"
    if bare.startswith("|") or bare.count("|") > 2:
        return "table"
    if lead := _LEAD.match(bare):
        sign = lead[0].strip(" (（")[0]
        return f"item {'0' if sign.isdigit() else '一' if sign.isalnum() else lead[0][0]}"
    return "field" if _LABEL.match(bare) else "prose"


def _ended(line: str) -> bool:
    """Says whether a line ends in a mark of any kind but a comma or colon."""
    bare = _bare(line[-SHORT_TAIL:])
    return not bare or not (bare[-1].isalnum() or bare[-1] in "，,、：:")


def _stops(line: str) -> bool:
    return _STOP.search(line) is not None


def _finished(last: str, raw: str) -> bool:
    """Says whether the last line ends: in a mark or a symbol, or by what it is."""
    if _BLANK.search(raw):
        return True
    if _QUOTE_CLOSES.search(last):
        return True
    if last[-1] in GOES_ON or _QUOTE_OPENS.search(last):
        return False
    return (
        _IN_WORDS.match(last[-1]) is None
        or any(
            sign.search(end[-30:]) for sign in (_EMOTICON, _KAOMOJI) for end in (last, raw.rstrip())
        )
        or raw.rstrip().endswith((">", "*", "_", "`", "|", "~"))
        or _HEADING.match(raw.strip()) is not None
        or _ENTRY.fullmatch(raw.strip()) is not None
        or any(_BEHIND.fullmatch(said.strip()) for said in (last, _AFTER_STOP.split(last)[-1]))
        or (_APART.fullmatch(last) is not None and not _NEEDS_MORE.search(last))
    )


def _foreign(last: str, lines: list[str]) -> bool:
    """Says whether a line in an alphabet stands alone under Chinese ones: a motto, a title, a name."""
    short = len(last) <= LONGEST_MOTTO and HAN.search(last) is None
    return short and any(HAN.search(line) for line in lines[-NEAR:])


def _unfinished(line: str) -> bool:
    return _UNFINISHED.search(line) is not None and _WHOLE.search(line) is None


def _goes_on(line: str) -> bool:
    """Says whether a short line reads like the beginning of a sentence."""
    spoken = line.count('"') % 2 or line.count("“") > line.count("”")
    return bool(spoken or _unfinished(line) or _SAID.search(line)) or len(line) == 1
