"""What an assistant says behind a text: offers, wishes for whoever asked, notes on the text's own devices.

A closing needs a text before it that it speaks of: a poem may end in a hope, a letter in an offer.
Patterns know the common wordings for sure; what they do not know is weighed by its signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from coig_writer.text.framing import signs
from coig_writer.text.framing.opening import AS_ASKED, KIND, YOURS
from coig_writer.text.framing.signs import SPOKEN, Candidate
from coig_writer.text.normalise import folded
from coig_writer.text.verdict import Verdict

LONGEST_CLOSING = 400  # characters of the last line; a longer one is no frame
SHORTEST_NOTE = 16  # characters; （全文完） is the text's own
LONGEST_WEIGHED = 600  # bytes of a last line that is weighed; half where it is not set apart
SHORTEST_VERSE = 10  # characters with marks of a line that may be one of a poem's, of one measure
LINES_OF_NOTE = 14  # a note under a heading is no longer
READ = 1_500  # characters of a text in which its closing is looked for
REVIEWS = frozenset({"reviews", "product-review"})
# Their texts speak to a reader, of themselves or of their own use: here only known wordings count.
ADDRESSING = frozenset(
    {
        "role-playing", "product-manual", "resume", "proposal", "tutorial", "open-letter", "apology-letter",
        "meeting-minutes", "interview-questions", "popular-science", "travel", "blog", "social-media",
        "academic-abstract", "lab-report",
    }
)  # fmt: skip

_PUBLIC = re.compile(
    r"说明书|指南|攻略|游记|推文(?!案)|产品|本品|客服|门店|官网|官方网站|医生|热线|评论区|留言|(?:可|欢迎|请)来[信电函]|小时内|工作日|主办方|组委会|批准|告诉我妈"
    r"|管理[处员]|工作人员|前台|窗口|物业|报备|致电|售后|请到|请前往|提前[一二两三四五六七八九十\d]|我们随时|我们的?[^，,。\n]{0,6}(?:团队|顾问)|作者后记|雷同|免责|不构成|版权|仅代表|化名|艺术加工|下期|给大家带来|批评指正|读者指正|真[实人][^，,。]{0,4}改编|以实物为准|几点[^\n。]{0,8}供大家|批示|用量|火候|口味|我们联系|如有任何问题(?![^\n]{0,20}(?:修改|调整|润色))|大家都能"
)
# Verbs by which an assistant hopes to have served; a letter hopes to be understood.
_SERVES = r"(?:帮助|帮到|帮您|帮你|满足|符合|满意|要求|需求|期待|预期|参考|启发|喜欢|有用|效果|氛围|打动|号召|增添|启迪|共鸣|良好|提供|支持|会心一笑|贴合|助力|灵感|收获)"
_ITEM = rf"(?:(?:这|本|此|以上|上述)(?:一)?(?:些|次|[篇首则封份段组部条套个]|[两三四五六]+[个篇条])?[^，,。！!？?\n]{{0,20}}?{KIND}|以上|我的回答|本文|此文)"
_WISH = re.compile(
    rf"(?:希望|期望)(?:您|你)?(?:能|会)?(?:喜欢|满意)?(?:{_ITEM})[^\n]{{0,80}}?{_SERVES}"
    rf"|希望(?:您|你)(?:能|会)?喜欢(?:{_ITEM}|这个?(?![^，,。！!\n]{{0,6}}(?:礼物|名字|惊喜|地方|世界|城市|味道|称呼|房间|季节|颜色)))(?![^\n]{{0,12}}[，,](?:因为|毕竟|就像|哪怕|即使|尽管|希望你永远))"
    rf"|希望(?:您|你)(?:能|会)?对(?:{_ITEM}|这)[^，,。\n]{{0,8}}满意"
    rf"|\A{_ITEM}[^\n]{{0,120}}希望(?:您|你)(?:能|会)?喜欢"
    r"|希望这?(?:能够?|组|段)?[^，,。\n]{0,4}(?:满足|符合|达到)(?:您|你)的"
    r"|希望[^，,。\n]{0,10}(?:满足|符合|达到)(?:您|你)的[^，,。\n]{0,4}(?:要求|需求|期待|期望|预期|需要)"
    r"|希望[^，,。\n]{0,6}对(?:您|你)[^，,。\n]{0,8}(?:帮助|用|启发)"
    r"|希望(?:它|这次|能)[^，,。\n]{0,16}(?:符合|达到|满足)(?:您|你)"
    r"|希望能(?:为(?:您|你)的[^，,。\n]{0,6}提供|打动(?:您|你))"
    r"|希望您(?:能|会)?满意[！!。]?\Z"
    r"|希望能?帮到您[！!。～~]?\Z"
    r"|祝(?:您|你)(?:写作|创作)(?:愉快|顺利)"
)
_CHANGES = (
    r"(?:修改|调整|润色|补充|扩写|缩写|续写|改写|重写|重新(?:撰写|创作|写)|改成|改动|优化|更[改换]|改编|不同的?(?:结局|版本|风格|开头)|替换|增加|压缩|完善|扩展|拓展|扩充|其[他它](?:的)?(?:要求|需求|写作|主题|风格|版本|文案)"
    r"|英文版|版本|续集|继续(?:写|创作|为)|再写|再改|接着写|配套|翻译|加入更|整理成|选用)"
)
_OFFER = re.compile(
    rf"(?:如(?:果|需|有|对|您)?|若|要是|需要|您(?:也)?可以|你(?:也)?可以(?=[^\n]{{0,24}}?(?:根据|按照?|随时|自由|告诉我|让我|要求|替换))|可(?:以)?(?:根据|按)|请(?:您)?(?:根据|随时)|是否需要|还有什么|(?:也)?欢迎(?:您|你)?(?:继续|随时)?提|还请(?:您|你)|以上)[^\n]{{0,70}}?{_CHANGES}"
    r"|如果[您你]?还有[^，,。\n]{0,8}(?:想法|需要|要求|问题)[，,](?:欢迎|请|可以)(?:继续|随时)"
    r"|(?:请问)?[您你]还需要[^。\n]{0,12}(?:帮助|修改|调整)吗"
    r"|(?:请问)?[您你]?还有(?:什么|其[他它]|别的)[^。\n]{0,8}需要[^。\n]{0,6}帮[^。\n]{0,3}吗"
    r"|[如若]有其[他它](?:写作|创作)?的?需[要求][，,](?:欢迎|请|可以?)?(?:您|你)?(?:随时)?(?:继续)?(?:联系|找|告诉)我"
    r"|要不要我(?:再)?(?:写|来|给你|提供)一?[个篇版][^，,。\n]{0,8}(?:版本?|结局|结尾|风格|续)"
    rf"|这(?:只|仅)?是[^，,。\n]{{0,6}}(?:示例|范例|初稿|草稿|模板)[，,][^\n]{{0,40}}?{_CHANGES}"
    rf"|(?:怎么样[，,])?这[个篇首段]{KIND}[^，,。\n]{{0,2}}(?:您(?:还)?(?:喜欢|满意)|你?还?满意吗)"
    rf"|如[果需有][^，,。\n]{{0,6}}(?:更多|同类|类似|其[他它])[^，,。\n]{{0,6}}{KIND}"
    rf"|[^，,。\n]{{0,24}}[，,]如需[^，,。\n]{{0,12}}{_CHANGES}"
    r"|(?:请问)?这个?(?:版本|篇|稿)[^，,。\n]{0,12}[您你]的(?:要求|需求|期待|期望|预期)"
    r"|(?:请|欢迎)?随时(?:告诉我|告知我?|跟我说|吩咐)[哦呀～~]*\Z"
    r"|(?:请问)?(?:您|你)?(?:还)?有(?:什么|哪些|任何|没有)[^，,。\n]{0,6}(?:修改|调整)的?(?:地方|意见|建议)"
    r"|[^。\n]{0,16}如有(?:任何)?(?:修改|调整)(?:的)?(?:意见|建议|需要)"
    r"|(?:您|你)对(?:这|以上)[^，,。\n]{0,8}有(?:什么|何|哪些)[^，,。\n]{0,4}(?:看法|意见|建议)"
    r"|(?:请问)?(?:是否|需不)?需要我[^。\n]{0,12}(?:改编|改写|扩写|续写|修改|调整|润色|翻译)"
    r"|(?:这个?|这样)(?:版本|稿子?|改|写)[^，,。\n]{0,4}(?:您|你)[^，,。\n]{0,4}满意"
    r"|这样[改写]?[^，,。\n]{0,4}符合(?:您|你)的"
    r"|(?:如果?|若)(?:您|你)?(?:还)?有(?:其[他它]|别的|任何|什么)?[^，,。\n]{0,6}(?:想法|需要|需求|要求|问题|建议)[，,](?:也)?(?:欢迎|请|可以|可)?(?:您|你)?(?:继续|随时)(?:提问|提出|问我|告诉|告知|吩咐|与我|和我|跟我|向我)"
    r"|期待(?:您|你)的(?:宝贵)?(?:反馈|意见)"
    r"|(?:还请|欢迎)[^。\n]{0,12}(?:宝贵)?(?:意见|反馈)"
    r"|(?:您|你)(?:觉得|认为)(?:这个|这|以上)(?:版本|稿|文案)"
)
_TO_ONE = re.compile(
    r"您|你(?!们)[^\n]{0,40}?[我请]|要不要我|需要|告知|告诉我|跟我说|随时|灵活|根据实际|可进一步|提出修改|突出匹配|不满意|我[会将](?:继续|进一步|立即|马上)|请问|满意吗|和我交流"
)
_DELIVERED = re.compile(
    rf"以上(?!(?:就|即|便)?(?:是|为)?(?:我的|我们|我今|我对|各位|本期|今天))(?:就|即|便)?(?:是|为)?[^，,。！!？?\n]{{0,24}}?(?:{KIND}|全部内容)[^\n]{{0,40}}?(?:希望|内容涵盖|涵盖|适合|供|期待|查收|如需|根据|调整|选用|您)"
    rf"|以上[^，,。\n]{{0,4}}(?:为|给|根据)您"
)
_ENGLISH_CLOSING = re.compile(
    r"(?:please )?(?:i )?hope (?:this|the(?= \w+ (?:meets|captures|works|helps|fits|suits))) (?:story|poem|essay|article|piece|draft|letter(?! (?:finds|reaches))|script|speech|version|helps|meets|works|captures|fits|suits|resonates|inspires|matches|is what you)"
    r"|if this isn(?:'|’)t [^\n]{0,20}what you (?:had in mind|were looking for|wanted)"
    r"|i hope you found this"
    r"|i hope you (?:enjoy(?:ed)?|liked?|find(?=[^\n]{0,40} (?:helpful|useful|engaging|enjoyable|inspiring|satisf|to your))) (?:this|it|the (?:story|poem|essay|article|piece|draft|letter|script|speech|version|result))\b(?! (?:here|there))"
    r"|hope (?:this|that|it) (?:helps|works|meets|captures|fits|suits|resonates|inspires|matches)"
    r"|hope you (?:enjoy|like) (?:it|this)\b(?! (?:here|there))"
    r"|(?:please )?let me know (?:if|whether) (?:you(?:'d|’d| would)? (?:like|want|need|have)\b[^\n]{0,60}?(?:chang|revis|adjust|tweak|edit|more|else|different|version|question|feedback|another|expand|ending|tone|length|style|longer|shorter|sequel|rewrit|translat)|(?:this|it|anything)\b[^\n]{0,30}(?:meets|works|needs|expect|chang))"
    r"|(?:please )?feel free to (?:ask|let me know|reach|modify|adjust|change|request|tweak|edit)"
    r"|(?:would|do) you (?:like|want|need) me to (?:write|change|expand|revise|make|add|adjust|continue|translate)"
    r"|is there anything else you(?:'d| would) like me to"
    r"|if you(?:'d| would)? (?:like|need|want|prefer)[^\n]{0,60}?(?:\bi can (?:also |always )?(?:write|revise|adjust|change|make|rewrite|provide|expand|try|help|tweak|edit|translate|continue|offer|add|turn)\b|\bi(?:'ll|’ll) (?:be (?:happy|glad)|gladly|happily|revise|adjust|change|rewrite|make|write|edit|tweak|help|provide|expand|continue)|just tell me|let me know)"
    r"|i(?:'d| would) be (?:happy|glad) to (?:revise|change|adjust|expand|edit)"
    r"|happy to (?:adjust|revise|change|tweak|rework|edit) (?:the )?(?:tone|length|style|ending|pacing|wording|voice)"
    r"|(?:how(?:'s|’s| is) (?:that|this)|does (?:that|this) work|what do you think)\? (?:i can|i could|want me to|shall i|should i) (?:also )?(?:make (?:it|this)|change|revise|adjust|add|write|expand|tweak|rework)"
    r"|i can (?:also )?(?:provide|write|offer|adjust|translate|expand)[^\n]{0,60}?(?:if you|for you|version|ending)"
    r"|i tried to [^\n]{0,60}as (?:you )?requested"
    r"|you can (?:replace|adjust|change|customi[sz]e)[^\n]{0,60}(?:bracket|placeholder|as needed)"
    r"|thank you for the opportunity[^\n]{0,60}(?:for you|feedback)",
    re.IGNORECASE,
)
_ENGLISH_NOTE = re.compile(
    r"note: ?i(?:['’]ve| have)? (?:kept|used|tried|chose|aimed|made|wrote|written|included)\b[^\n]{0,160}\byour? (?:prompt|request|asked|wanted|theme)|(?:note: ?)?(?:this|the) (?:story|poem|essay|piece|monologue|article|letter|speech|script|sonnet)\b[^\n]{0,80}?\b(?:you asked|you requested|as requested|your prompt|(?:theme|metaphor|rhyme|imagery|words|structure|convey|explore|repetition)s?\b)",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:注|备注|说明|附注|创作(?:说明|思路|意图|手记|背景|灵感)|写作(?:说明|思路|手法|意图)|设计(?:说明|思路)|作品?赏析|赏析|简析|点评|字数|note)\s*[】\]*]*\s*[：:】\]]",
    re.IGNORECASE,
)
_MAKING = re.compile(r"(?:创作|写作|设计)(?:说明|思路|意图|手记|背景|灵感|手法)|字数")
_OWN_TEXT = re.compile(
    rf"本(?:文(?!书)|诗|篇|作|故事|小说|剧|品)|此(?:文|诗|剧本|篇)|这[篇首则个段套组份部][^，,。\n]{{0,8}}?{KIND}|[全整](?:篇|文|诗)|文中|诗中|剧中|在这个故事|是一部[^，,。]{{0,20}}小说|尾字|每[条句首]"
    r"|所有代指|实际(?:报告|创作)|后续章节|篇幅限制|结构完整|以上(?:内容|文字|作品)|\bthis (?:story|poem|essay|piece|monologue)\b|本次",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"题目|要求|意象|手法|展现|体现|符合|通过|运用|采用|结构|主题|满足|融合|呼应|象征|叙事|倒叙|线索|伏笔|修辞|比喻|拟人|语言|风格|情节|突出|旨在|表达|节奏|韵|描写|讲述|贴合"
    r"|层层递进|文眼|传达|点题|寄托|烘托|渲染|刻画|塑造|揭示|升华|留白|悬念|传递|铺垫|反转|反映|简洁|涵盖|鼓励|调整|替换|需补充|省略|融入|双关|元素|探讨|力求|帮助|丰富|意义|视角|读者|点出"
    r"|meets|theme|uses|explores|words|structure|convey",
    re.IGNORECASE,
)
# What a teacher would write under a text, two of them or more.
_PRAISE = re.compile(
    r"紧扣(?:主题|题目|题意)|(?:语言|文笔|文字)(?:朴实|生动|优美|流畅|细腻|凝练|简[洁练]|精练|质朴)|(?:富有|充满)感染力|点明主题|意味深长|层层(?:推进|递进)|(?:情感|感情)(?:真挚|细腻|饱满|丰富)|结构(?:严谨|完整|清晰|紧凑)|(?:首尾|前后)呼应"
    r"|点睛之笔|引人深思|发人深省|余韵悠长|含蓄隽永|[耐余回]味无穷|耐人寻味|构思(?:精巧|巧妙|新颖)|以小见大|立意(?:深刻|新颖)|主题(?:鲜明|突出|深刻)|层次分明|画面感强?"
)
_STORY_PARTS = re.compile(r"故事|小说|结尾|开头|全篇|诗句")
_MADE_FOR_YOU = re.compile(
    rf"[*_（(【\[—–]{{0,3}}(?:注[】\]：:]{{1,2}})?(?:本|以上|此|该|上述)[^。\n]{{0,20}}?(?:由(?:AI|人工智能|[^，,。\n]{{0,6}}模型)|(?=[^。\n]{{0,20}}您){AS_ASKED})[^，,。\n]{{0,4}}(?:生成|创作|撰写)"
)
_BARE_SUBJECT = re.compile(
    rf"(?:这[篇首段套组份些]|整篇|全篇)[^，,。\n]{{0,10}}?{KIND}|本剧围绕|此剧本|这首"
)
_PLOT = re.compile(
    rf"这(?:个故事|[篇首部][^，,。\n]{{0,4}}?{KIND})(?:主要)?(?:以[^，,。\n]{{1,20}}为|通过|运用|采用|采取)"
)
_SERVING = re.compile(r"您|希望|力求|旨在|需要时|相信你|调整|符合|细化|正是")
_END_MARK = re.compile(
    r"[*_（(【\[~—\- ]{0,20}(?:(?:全|本)?(?:文|书|剧|篇)?(?:完|终|完结)|未完待续|the end|剧终|end)[*_）)】\]~—\- ]{0,20}",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！!？?；;]+")
# A stage direction or a voice of the play itself.
_STAGE = re.compile(r"(?:画外音|旁白|灯光|舞台|大?幕|镜头|音乐|字幕|全场)")
# A note, a question of a list, a voice or a count that is the text's own.
_OF_ITS_OWN = re.compile(
    r"(?:[-*•]|\d{1,2}[.、])\s|请?(?:根据[上原]|结合全)文|[^，,。：:\n]{0,8}(?:(?<!其)[他她]们?|老师|先生|[爸妈爷]|奶奶|编辑|处|背面)[^，,。：:\n]{0,8}(?:说|问|答|喊|念|批[语注]?|写[着道]?)[，,：:]|[^。\n]{0,6}(?:作业|思考|讨论|练习|画外音|旁白|灯光|舞台|大?幕|镜头|音乐|字幕)|(?:注|备注|说明)?[^。，\n]{0,8}本(?:方案|纪要|报告|策划[案书]|案|活动|实验|公告|通知|制度|规定)"
    r"|[\W_]{0,12}(?:本[章回节卷]完[，,]?|完|全文|本文|字数)[^。，\n]{0,8}(?:\d[\d,]*|[一二三四五六七八九十百千]{2,})\s*字?[\W_]{0,12}\Z"
)
# What a letter, a paper, a talk, an interview or a notice says of itself.
_WITHIN_TEXT = re.compile(
    r"随信|扫码|公众号[“「，]|道理|人生|翻译|再也|永远|各位|(?<![你您])想要的吗|[？！?!][^。？！\n]{1,10}(?:问|说(?!一声)|道|睁|笑)|\b(?:he|she|they) (?:said|asked|wrote|answered)\b|if you ever|免费|领取|限时|写给谁|贵公司|组织上|我们的?[^，,。]{0,6}(?:团队|顾问|随时)|工作室|[采受]访|访谈|关键词|本研究|记得收藏|点赞|婚礼|请回信|即作者|(?:老师|评委|同学)们?[^，,。]{0,3}喜欢我的|再说一[遍次句]|写了[^，,。]{0,6}[年月天夜冬夏春秋]|读完(?:这|我的|此)[^，,。]{0,4}信|我联系|楼主|二维码|乘客|旅途|参赛|征文|告诉我们|[1-9]\.|以[供便]审|签名|鉴定|拍品"
)
_OBJECTS = (
    "of_text", "of_above", "offers", "offers_self", "needs_me", "has_more", "asks_of_text", "asks_more", "which",
    "wishes_text", "serves_you", "advises", "about_self", "heads_note", "counts_text", "length",
)  # fmt: skip
# A line that speaks of a text as a thing, of how to use it, or to whoever asked.
_ABOUT = ("names_text", "of_text", "for_use", "advises", "length", "brackets")
_SALUTES = re.compile(r"[\W_]{0,8}(?:尊敬的|亲爱的|敬爱的|各位|致)[^\n]{0,30}\n")
# A heading that says: what follows is about the text or its making.
_HEADING = re.compile(
    r"[\W_]{0,8}(?:(?:创作|写作|设计|构思|改编|润色|修改|改动|优化|续写)(?:思路|手法)?(?:说明|思路|意图|手记|灵感|理念|亮点|手法|构思|要点|心得|初衷|解析|阐述|小结|指导|点拨)(?:回顾|总结|小结|梳理)?"
    r"|(?:文案|剧本|故事|小说|诗歌|诗词|文章|作品|文本|意象|笑点|情节|风格|格律|歌词|修辞)(?:亮点|赏析|解析|解读|分析|说明|简析|点评|特色|特点)|(?:亮点|策略)(?:分析|说明|解析)"
    r"|(?:使用|演讲|朗诵|表演|演出|排版|发布|配图|配乐|投稿|演唱|讲述)(?:建议|技巧)(?:提示)?|赏析|简析|creative notes?|writing notes?)[】\]*_）) ]{0,4}(?:[：:】\]]|\Z)",
    re.IGNORECASE,
)
# What could still be done to the text; the list under it names a part of the text.
_DIRECTIONS = re.compile(
    r"[\W_]{0,8}(?:可以?|供)?(?:继续|进一步|后续|下一步|再)?(?:可以?)?(?:继续|进一步|再)?(?:修改|润色|改写|打磨|扩写|续写|深化|调整|完善|优化)的?(?:方向|地方|空间|可能|选项)[】\]*_）) ]{0,4}(?:[：:】\]]|\Z)"
)
# Lines on the text behind its frame: **字数统计**：约480字.
_LABEL = re.compile(
    r"[\W_]{0,8}(?:字数(?:统计)?|风格|体裁|题材|类型|文体|基调|主题|视角|人称|时长|适[用合读](?:场景|人群|年龄|平台)|word count)[】\]*_]{0,4}[：:]",
    re.IGNORECASE,
)
_COUNT = re.compile("字数|word count", re.IGNORECASE)
# A question whether it fits, a wish for the occasion: somebody is spoken to.
_FITS = re.compile(
    r"(?:请问)?(?:您(?:看看?|觉得|认为)?|请问)(?:这样|这么)(?:写|改|处理|安排)?(?:可以|行|合适|好|满意)(?:吗|么|不)[？?](?:[您你]看看?[。！!]?)?\Z"
)
_FITS_PART = re.compile(
    r"(?:这样的?|这[个种])(风格|语气|版本|篇幅|文风|笔调|结尾|开头|格式|口吻)(?:[您你])?(?:可以|行|合适|满意)(?:吗|么|不)[？?]\Z"
)
_OCCASION = re.compile(
    r"(?:预?祝|愿)[您你]的?[^，,。！!]{0,4}(?:演讲|朗诵|致辞|发言|主持|投稿|答辩|面试|求职|竞[聘选]|述职|路演|表演|演出|比赛|参赛|婚礼|拍摄|发布)[^，,。！!]{0,8}(?:成功|顺利|圆满|出彩|愉快)"
)
# The text before it is over: 谢谢大家！, a date, （完）.
_OVER = re.compile(
    r"[^\n]{0,60}(?:[谢感]谢(?:大家|各位|聆听)[^\n]{0,6}|[\d〇零一二三四五六七八九十]{1,5}年[\d一二三四五六七八九十]{1,3}月[\d一二三四五六七八九十]{1,3}日)[\s*_）)]{0,4}"
)
_COPY = re.compile(r"文案|广告[语词]|标语|口号|推文|脚本|slogan", re.IGNORECASE)
_SOLD = re.compile("产品|门店")
_LISTENERS = re.compile(r"希望(小朋友|孩子|宝[贝宝]|同学|听众|观众|读者|大家)")
_CALLED = re.compile(r"(小朋友|孩子|宝[贝宝]|同学|听众|观众|读者|大家)们?[好，,！!：:]")
# Advice to whoever uses a thing: 您可以根据水质调整频率.
_BY_USE = re.compile(
    r"[您你](?:可以?|需要?)(?:根据|按照?|结合|视)(?!(?:自[己身]的?|实际|具体|[您你]的|个人)?(?:需要|需求|情况|喜好)[^，,。\n]{0,6}(?:调整|增减|修改))[^\n]{0,40}?(?:调整|增减|加入|更换|选择|增加|减少)"
)
_PASSAGE = re.compile(r"情节|结[尾局]|开头|段落|措辞|语气|篇幅|细节|内容")
# A fable's moral is its own, unless it says for which age it is.
_FOR_READERS = re.compile(
    r"[\W_]{0,6}(?:适[读合](?:年龄|人群)|推荐年龄|互动(?:小?问题|提问))[】*_]{0,4}[：:]"
)
_PAUSE = re.compile("[，,、；;。！!？?]")
_SEPARATOR = re.compile(r"[-*_—=~ ]{2,}")


def closing(text: str, *, genre: str | None = None) -> Verdict | None:
    """Finds what an assistant says about its own text in the last line, if there is a text before it.

    Offers (如需修改请告知), wishes for the reader who asked (希望这首诗能对你有帮助), and notes that explain the
    text's own devices.

    Returns:
        A verdict whose place reaches from the end of the text to the end.
    """
    text = folded(text)
    start = _start(text[: _labelled(text)], genre)
    if start is None:
        start = _start(text, genre)
    if start is None:
        return None
    start = _labelled(text[:start])
    return Verdict("boilerplate_closing", text[start:].strip()[:80], start, len(text))


def _start(text: str, genre: str | None) -> int | None:
    """Returns where a closing begins, in known words or by its signs."""
    places = (_known(text, genre), None if genre in ADDRESSING else _weighed(text, genre))
    return min((place for place in places if place is not None), default=None)


def _labelled(text: str) -> int:
    """Returns where the last lines begin that are labels (字数统计：…), with the rule before them, or the end."""
    shift = max(0, len(text) - READ)
    rows = signs.rows(text[shift:])
    kept = len(rows)
    while kept and _LABEL.match(rows[kept - 1].text):
        kept -= 1
    ruled = 0 < kept < len(rows) and not rows[kept - 1].lettered
    if not kept or not (ruled or any(_COUNT.search(row.text) for row in rows[kept:])):
        return len(text)
    while kept > 1 and not rows[kept - 1].lettered:
        kept -= 1
    return rows[kept - 1].end + shift


def last_line(text: str) -> Candidate | None:
    """Reads the last line with letters, where it may be a closing."""
    rows = signs.rows(text[-READ:])
    lettered = [row for row in rows if row.lettered]
    if len(lettered) < 2:
        return None
    last, shift = lettered[-1], max(0, len(text) - READ)
    before, start = rows[rows.index(last) - 1], last.start + shift
    apart = not before.lettered or last.text.strip()[0] in "*_>（(【["
    longest = LONGEST_WEIGHED if apart else LONGEST_WEIGHED // 2
    body, line = text[max(0, start - READ) : start], last.text.strip(" \t　*_>（(【[")
    if len(last.text.encode()) > longest or _of_text_itself(line, body):
        return None
    if _SALUTES.match(text) and before.text.rstrip()[-1:] in tuple("。！？!?…，,：:"):
        return None  # a letter or a speech goes on speaking to its reader
    return Candidate(last.text, before.text, body, start, last.end + shift)


def _public(line: str) -> bool:
    """Says whether a line speaks to the public; what a copy sells does not count."""
    return _PUBLIC.search(_SOLD.sub("", line) if _COPY.search(line) else line) is not None


def _on_use(line: str) -> bool:
    """Says whether a line advises how to use a thing that is no text."""
    written = _shows(line, ("names_text",)) or _PASSAGE.search(line)
    return _BY_USE.match(line) is not None and not written


def _turns(line: str, body: str) -> bool:
    """Says whether a line turns to somebody whom the text before it never spoke to (您看这样可以吗？)."""
    if part := _FITS_PART.match(line):
        return part[1] not in body
    if not (_FITS.match(line) or _OCCASION.match(line)):
        return False
    last = body[body.rfind("\n") + 1 :].strip()
    over = _OVER.fullmatch(last) or _END_MARK.fullmatch(last)
    return over is not None or not set("您你我") & set(body)


def _of_text_itself(line: str, body: str) -> bool:
    """Says whether a line belongs to the text by its form: a voice, a question to no one in particular, a note."""
    public = _public(line) and not _shows(line, ("has_more", "can", "needs_me"))
    moral = line.replace("故事告诉我们", "") if _shows(line, ("serves_you",)) else line
    listeners = _LISTENERS.search(line)
    called = listeners and listeners[1] in _CALLED.findall(body)
    if line[:1] in SPOKEN or public or called or _WITHIN_TEXT.search(moral):
        return True
    if _OF_ITS_OWN.match(line) or signs.ABSTRACT.match(line) or _is_verse(line, body):
        return True
    if line[-1:] in "？?" and "您" not in line:
        decided = _shows(line, ("decides",)) and _shows(line, ("asks_of_text",))
        asked = _shows(line, ("asks_more", "needs_me", "changes", "can", "which"))
        return not (decided or asked)
    if _on_use(line) or not _shows(line, _OBJECTS):
        return True
    glossary = signs.SIGNS["heads_note"].match(line)  # 注：旧时一斗为十升。
    return bool(len(line) < SHORTEST_NOTE or glossary) and not _shows(line, _ABOUT)


def _is_verse(line: str, body: str) -> bool:
    """Says whether a line has clauses of the same lengths as the one before it."""
    lines = body.rstrip().rsplit("\n", 1)
    same = [len(part) for part in _PAUSE.split(line)] == [
        len(part) for part in _PAUSE.split(lines[-1].strip())
    ]
    return same and len(line) >= SHORTEST_VERSE


def _shows(line: str, names: Iterable[str]) -> bool:
    """Says whether a line shows one of these signs."""
    return any(signs.SIGNS[name].search(line.lower()) for name in names)


def _weighed(text: str, genre: str | None) -> int | None:
    """Returns where a closing begins that its signs betray, or a note under a heading of its own."""
    start = _headed(text) if genre not in REVIEWS else None
    if start is None:
        last = last_line(text)
        if last is None or (genre in REVIEWS and signs.SIGNS["devices"].search(last.line)):
            return None
        if signs.weight("closing", last) <= 0:
            return None
        start = last.start
    before = text[:start].rstrip()
    line = before[before.rfind("\n") + 1 :].strip()
    if before.count("\n") and _SEPARATOR.fullmatch(line):
        before = before[: before.rfind("\n")].rstrip()
    return len(before) or None


def _headed(text: str) -> int | None:
    """Returns where the last lines begin, if their heading says that they are about the making."""
    shift = max(0, len(text) - READ)
    lettered = [row for row in signs.rows(text[shift:]) if row.lettered]
    for row in lettered[: -LINES_OF_NOTE - 1 : -1]:
        start = row.start + shift
        directs = _DIRECTIONS.match(row.text) and signs.SIGNS["names_part"].search(
            text, row.end + shift
        )
        headed = directs or _HEADING.match(row.text) or _FOR_READERS.match(row.text)
        if row is not lettered[0] and headed:
            return None if _PUBLIC.search(text, start) else start
    return None


def _known(text: str, genre: str | None) -> int | None:
    """Returns where a closing in known words begins."""
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    line = text[start:end].lstrip(" \t　>")
    before = text[:start].rstrip()
    if not 0 < len(line) <= LONGEST_CLOSING or not before:
        return None
    last = before[before.rfind("\n") + 1 :].strip()
    separated = bool(before.count("\n") and _SEPARATOR.fullmatch(last))
    apart = separated or bool(_END_MARK.fullmatch(last)) or line[0] in "*（(【["
    spoken = line.lstrip("*_（(【[")
    body = before[-READ:]
    turned = (separated or text[:start].endswith("\n\n")) and _turns(spoken, body)
    if not (
        turned or _serves(spoken) or _comments(line, apart, genre in REVIEWS or signs.reviews(body))
    ):
        return None
    if separated:
        before = before[: before.rfind("\n")].rstrip()
    return len(before)


def _serves(line: str) -> bool:
    """Says whether a line wishes whoever asked well with the text, hands it over, or offers to change it."""
    if line[:1] in SPOKEN:
        return False
    if _ENGLISH_CLOSING.match(line) or _MADE_FOR_YOU.match(line):
        return True
    if _public(line) or _on_use(line):
        return False
    note = _NOTE.match(line)
    bare = line[note.end() :] if note else line
    sentences = [match.group().strip() for match in _SENTENCE.finditer(bare)]
    return any(
        _WISH.search(words)
        or _DELIVERED.match(words)
        or (_OFFER.match(words) and _TO_ONE.search(line))
        for words in sentences
    )


def _comments(line: str, apart: bool, review: bool) -> bool:
    """Says whether a line praises or explains the devices of the text before it."""
    words = line.strip("*_（(【[） ")
    devices = len(set(_DEVICE.findall(words)))
    praised = len(set(_PRAISE.findall(words))) > 1
    if _public(line) or _STAGE.match(words):
        return False
    note = _NOTE.match(words)
    if note and devices and _MAKING.match(note.group()):
        return True
    if len(words) < SHORTEST_NOTE:
        return False
    if _ENGLISH_NOTE.match(words) and (apart or devices > 1 or YOURS.search(words)):
        return True
    own = _OWN_TEXT.search(words) is not None
    if note:
        told = devices > 1 and _STORY_PARTS.search(words) is not None
        return told or (own and (praised or devices > 0))
    return devices > 1 and own if apart else not review and _explains(words, devices, praised)


def _explains(words: str, devices: int, praised: bool) -> bool:
    """Says whether a line that is not set apart is about the text before it and nothing else."""
    if praised and _OWN_TEXT.match(words):
        return True
    served = _BARE_SUBJECT.match(words) and _SERVING.search(words)
    return devices > 1 and bool(_PLOT.match(words) or served)
