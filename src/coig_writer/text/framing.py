"""The assistant's frame around a text: an opening that announces it, a closing or note about it.

A frame speaks to whoever asked for the text, names what it delivers, and is set apart from it. What a
story says to its own people is literature: 好的，我这就去。 opens one, 以下是我奶奶留下的字条： is followed by
one. So a rule reads what a line does in its place: an opening needs an announcement and a text behind
it; a closing needs a text before it that it speaks of.
"""

from __future__ import annotations

import re

from coig_writer.text.normalise import folded
from coig_writer.text.verdict import Verdict

LONGEST_OPENING = 120  # characters of the first line that are read
LONGEST_CLOSING = 400  # characters of the last line; a longer one is no frame
SHORTEST_NOTE = 16  # characters; （全文完） is the text's own
_BEFORE = "\n\r\t 　#*>_=-—"
REVIEWS = frozenset({"reviews", "product-review"})

_KIND = (
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
_AS_ASKED = (
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
    rf"[为给替]您(?:们)?(?:量身|专门|精心|详细)?(?:地)?{_MAKES}|(?:您|你)(?:们)?(?:所)?(?:想?要|需要?|要求)的[^，,。\n]{{0,12}}?{_KIND}|(?:这就|马上|现在就?)(?:[为给][您你])?[奉呈献送]上|{_AS_ASKED}"
    rf"|[为给替]你[^。！？\n]{{0,6}}?{_MAKES}[^。！？\n]{{0,30}}?{_KIND}"
    rf"|(?:以下|下面|这里|下文|这|本文|我们?(?:来|将|会|选择)|让我|来|这就|请)[^。！？\n]{{0,60}}?(?:{_COUNTED}|这[篇首段则封个])[^。！？\n]{{0,60}}?{_KIND}"
    rf"|(?:以下|下面|这里)[^。！？\n]{{0,60}}?{_KIND}[^。！？\n]{{0,40}}?(?:[：:]|$)"
    rf"|(?:以下|下面)[^。！？，,\n]{{0,12}}?(?:版本|正文|内容|创作|作品)\s*[：:]|[为给替帮][你您]写了?{_COUNTED}\s*[：:]|看我的[吧哈啦]\s*[：:]|(?:{_KIND}|内容|续写|改写)如下[：:]$|写一[篇首段版份][：:]$|(?:重新|再)(?:为您|给你)?(?:写|改|创作|生成|撰写)了?一?[版篇稿份首]|请(?:您|你)?(?:看|欣赏|过目|查收|查阅|阅读|审阅|笑纳)[^，,。\n]{{0,6}}[：:]$|希望(?:您|你)(?:能|会)?喜欢\s*[：:]$"
)
# Without assent the line must also say what an assistant says of what it delivers.
_HERE_IS = re.compile(
    rf"(?:请(?:您|你)?(?:看|欣赏|阅读|查收|查看))?(?:(?:以下|下面|下文|接下来)[^。！？\n]{{0,70}}?(?:{_KIND}|{_FOR_YOU}|{_AS_ASKED})|这里(?:就?是|有|[我先]|[为给][您你]|提供|整理|准备|[附呈奉献送]上)[^，,。！？\n]{{0,60}}?(?:{_COUNTED}[^，,。！？\n]{{0,50}}?{_KIND}|{_FOR_YOU}|{_AS_ASKED}))"
    rf"|这是{_COUNTED}[^。！？\n]{{0,30}}?\d字[^。！？\n]{{0,20}}?{_KIND}|我(?:已经?)?{_MAKES}了[^。！？\n]{{0,40}}?供(?:您|你)(?:参考|选择)"
    rf"|这(?:里)?(?:就?是|为)[^。！？\n]{{0,40}}?(?:{_FOR_YOU}|{_AS_ASKED})"
    rf"|(?:这|本)[篇首份]?{_KIND}将?(?:会)?(?:按照|根据)[^。！？\n]{{0,30}}?您"
    rf"|(?:我(?:将|会|已经?)?)?(?:{_AS_ASKED})[^。！？\n]{{0,40}}?(?:{_MAKES}|以下|下面|{_COUNTED}|[：:]$)"
    rf"|(?:作为[^，,。！？\n]{{1,16}}[，,])?(?:(?:让|请允许)?我(?:将|会|来|可以|已经?)?|特|已经?)?[为给]您(?:们)?(?:量身|专门|精心)?{_MAKES}"
    rf"|您要的[^，,。\n]{{0,8}}?{_KIND}(?:来[了啦]|如下|已|写好)|您的[^，,。\n]{{0,6}}?{_KIND}已[^。\n]{{0,12}}(?:如下|[：:]$)|[【（(\[]?以下(?:内容)?[为由是](?:AI|人工智能)[^。\n]{{0,4}}(?:生成|创作|撰写)"
)
_DELIVERS = re.compile(
    rf"{_FOR_YOU}|{_AS_ASKED}|针对|关于|旨在|力求|涵盖|适合|覆盖|兼具|暂定|[奉献呈]上[一这]|模仿|围绕|题为|为题|\d{{1,6}}字|[一二三四五六七八九十百千]{{2,}}字|字数|风格|要求|范文|模板|示例|样本|范本"
    rf"|初稿|草稿|(?:修改|优化|润色|改写|调整|扩写|续写)后的|(?:AI|人工智能)(?:大模型)?(?:生成|创作)|定制|专属|如下|提供|版本|为原型|方案|标语|广告|{_COUNTED}[^。！？，,\n]{{0,4}}?(?:短篇|微型|散文|文案|剧本|议论文|演讲|律诗|绝句|歌词)"
)
_NO_ANNOUNCEMENT = re.compile(r"以下[^，,。]{0,8}(?:基于|仅供|通过|以)|以下(?:传记|评测|问题)")
# Who asked is spoken to, a text is written and pointed at: with a colon at the end, an announcement in any words.
_ASKER = re.compile(rf"您|[为给帮替]你|{_AS_ASKED}")
_WRITES = re.compile(r"写|创作|撰|构思|生成|起草|完成")
_POINTS = re.compile(
    rf"以下|如下|下面|下文|全文|正文|请(?:查收|查阅|查看|过目|审阅)|(?:这[篇首则段份个]|{_COUNTED})[^，,。]{{0,8}}?{_KIND}"
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
_ENGLISH = re.compile(
    r"(?:here(?: you go| it is|'s|’s| is| are| goes)|below (?:is|are)|the following is|this is|i(?:'ve|’ve| have) (?:written|created|crafted|drafted|put together|composed)"
    r"|(?:i(?:'ll|’ll| will)|let me) (?:write|create|craft))\b",
    re.IGNORECASE,
)
_YOURS = re.compile(
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

_PUBLIC = re.compile(
    r"说明书|指南|攻略|游记|推文(?!案)|产品|本品|客服|门店|官网|官方网站|医生|热线|评论区|留言|小时内|工作日|主办方|组委会|批准|告诉我妈"
    r"|管理[处员]|工作人员|前台|窗口|物业|报备|致电|售后|请到|请前往|提前[一二两三四五六七八九十\d]|我们随时|作者后记|雷同|免责|不构成|版权|仅代表|化名|艺术加工|下期|给大家带来|批评指正|批示|用量|火候|口味|我们联系|如有任何问题(?![^\n]{0,20}(?:修改|调整|润色))|大家都能"
)
# Verbs by which an assistant hopes to have served; a letter hopes to be understood.
_SERVES = r"(?:帮助|帮到|帮您|帮你|满足|符合|满意|要求|需求|期待|预期|参考|启发|喜欢|有用|效果|氛围|打动|号召|增添|启迪|共鸣|良好|提供|支持|会心一笑|贴合|助力|灵感|收获)"
_ITEM = rf"(?:(?:这|本|此|以上|上述)(?:一)?(?:些|次|[篇首则封份段组部条套个]|[两三四五六]+[个篇条])?[^，,。！!？?\n]{{0,20}}?{_KIND}|以上|我的回答|本文|此文)"
_WISH = re.compile(
    rf"(?:希望|期望)(?:您|你)?(?:能|会)?(?:喜欢|满意)?(?:{_ITEM})[^\n]{{0,80}}?{_SERVES}"
    rf"|希望(?:您|你)(?:能|会)?喜欢(?:{_ITEM}|这个?(?![^，,。！!\n]{{0,6}}(?:礼物|名字|惊喜|地方|世界|城市|味道|称呼|房间|季节|颜色)))(?![^\n]{{0,12}}[，,](?:因为|毕竟|就像|哪怕|即使|尽管))|希望(?:您|你)(?:能|会)?对(?:{_ITEM}|这)[^，,。\n]{{0,8}}满意|\A{_ITEM}[^\n]{{0,120}}希望(?:您|你)(?:能|会)?喜欢|希望这?(?:能够?|组|段)?[^，,。\n]{{0,4}}(?:满足|符合|达到)(?:您|你)的|希望[^，,。\n]{{0,10}}(?:满足|符合|达到)(?:您|你)的[^，,。\n]{{0,4}}(?:要求|需求|期待|期望|预期|需要)|希望[^，,。\n]{{0,6}}对(?:您|你)[^，,。\n]{{0,8}}(?:帮助|用|启发)"
    rf"|希望(?:它|这次|能)[^，,。\n]{{0,16}}(?:符合|达到|满足)(?:您|你)|希望能(?:为(?:您|你)的[^，,。\n]{{0,6}}提供|打动(?:您|你))|希望您(?:能|会)?满意[！!。]?\Z|希望能?帮到您[！!。～~]?\Z|祝(?:您|你)(?:写作|创作)(?:愉快|顺利)"
)
_CHANGES = (
    r"(?:修改|调整|润色|补充|扩写|缩写|续写|改写|重写|重新(?:撰写|创作|写)|改成|改动|优化|更[改换]|改编|不同的?(?:结局|版本|风格|开头)|替换|增加|压缩|完善|扩展|拓展|扩充|其[他它](?:的)?(?:要求|需求|写作|主题|风格|版本|文案)"
    r"|英文版|版本|续集|继续(?:写|创作|为)|再写|再改|接着写|配套|翻译|加入更|整理成|选用)"
)
_OFFER = re.compile(
    rf"(?:如(?:果|需|有|对|您)?|若|要是|需要|您(?:也)?可以|你(?:也)?可以(?=[^\n]{{0,24}}?(?:根据|按照?|随时|自由|告诉我|让我|要求|替换))|可(?:以)?(?:根据|按)|请(?:您)?(?:根据|随时)|是否需要|还有什么|(?:也)?欢迎(?:您|你)?(?:继续|随时)?提|还请(?:您|你)|以上)[^\n]{{0,70}}?{_CHANGES}"
    r"|如果[您你]?还有[^，,。\n]{0,8}(?:想法|需要|要求|问题)[，,](?:欢迎|请|可以)(?:继续|随时)|(?:请问)?[您你]还需要[^。\n]{0,12}(?:帮助|修改|调整)吗|(?:请问)?[您你]?还有(?:什么|其[他它]|别的)[^。\n]{0,8}需要[^。\n]{0,6}帮[^。\n]{0,3}吗"
    rf"|要不要我(?:再)?(?:写|来|给你|提供)一?[个篇版][^，,。\n]{{0,8}}(?:版本?|结局|结尾|风格|续)|这(?:只|仅)?是[^，,。\n]{{0,6}}(?:示例|范例|初稿|草稿|模板)[，,][^\n]{{0,40}}?{_CHANGES}|(?:怎么样[，,])?这[个篇首段]{_KIND}[^，,。\n]{{0,2}}您(?:还)?(?:喜欢|满意)|如[果需有][^，,。\n]{{0,6}}(?:更多|同类|类似|其[他它])[^，,。\n]{{0,6}}{_KIND}|[^，,。\n]{{0,24}}[，,]如需[^，,。\n]{{0,12}}{_CHANGES}|(?:请问)?这个?(?:版本|篇|稿)[^，,。\n]{{0,12}}[您你]的(?:要求|需求|期待|期望|预期)"
    r"|(?:请|欢迎)?随时(?:告诉我|告知我?|跟我说|吩咐)[哦呀～~]*\Z|(?:请问)?(?:您|你)?(?:还)?有(?:什么|哪些|任何|没有)[^，,。\n]{0,6}(?:修改|调整)的?(?:地方|意见|建议)|[^。\n]{0,16}如有(?:任何)?(?:修改|调整)(?:的)?(?:意见|建议|需要)|(?:您|你)对(?:这|以上)[^，,。\n]{0,8}有(?:什么|何|哪些)[^，,。\n]{0,4}(?:看法|意见|建议)|(?:请问)?(?:是否|需不)?需要我[^。\n]{0,12}(?:改编|改写|扩写|续写|修改|调整|润色|翻译)|(?:这个?|这样)(?:版本|稿子?|改|写)[^，,。\n]{0,4}(?:您|你)[^，,。\n]{0,4}满意|这样[改写]?[^，,。\n]{0,4}符合(?:您|你)的|(?:如果?|若)(?:您|你)?(?:还)?有(?:其[他它]|别的|任何|什么)?[^，,。\n]{0,6}(?:想法|需要|需求|要求|问题|建议)[，,](?:也)?(?:欢迎|请|可以|可)?(?:您|你)?(?:继续|随时)(?:提问|提出|问我|告诉|告知|吩咐|与我|和我|跟我|向我)|期待(?:您|你)的(?:宝贵)?(?:反馈|意见)|(?:还请|欢迎)[^。\n]{0,12}(?:宝贵)?(?:意见|反馈)|(?:您|你)(?:觉得|认为)(?:这个|这|以上)(?:版本|稿|文案)"
)
_TO_ONE = re.compile(
    r"您|你(?!们)[^\n]{0,40}?[我请]|要不要我|需要|告知|告诉我|跟我说|随时|灵活|根据实际|可进一步|提出修改|突出匹配|不满意|我[会将](?:继续|进一步|立即|马上)|请问|满意吗|和我交流"
)
_DELIVERED = re.compile(
    rf"以上(?!(?:就|即|便)?(?:是|为)?(?:我的|我们|我今|我对|各位|本期|今天))(?:就|即|便)?(?:是|为)?[^，,。！!？?\n]{{0,24}}?(?:{_KIND}|全部内容)[^\n]{{0,40}}?(?:希望|内容涵盖|涵盖|适合|供|期待|查收|如需|根据|调整|选用|您)"
    rf"|以上[^，,。\n]{{0,4}}(?:为|给|根据)您"
)
_ENGLISH_CLOSING = re.compile(
    r"(?:please )?(?:i )?hope (?:this|the(?= \w+ (?:meets|captures|works|helps|fits|suits))) (?:story|poem|essay|article|piece|draft|letter|script|speech|version|helps|meets|works|captures|fits|suits|resonates|inspires|matches|is what you)|if this isn(?:'|’)t [^\n]{0,20}what you (?:had in mind|were looking for|wanted)|i hope you found this|i hope you (?:enjoy(?:ed)?|liked?|find(?=[^\n]{0,40} (?:helpful|useful|engaging|enjoyable|inspiring|satisf|to your))) (?:this|it|the (?:story|poem|essay|article|piece|draft|letter|script|speech|version|result))\b|hope (?:this|that|it) (?:helps|works|meets|captures|fits|suits|resonates|inspires|matches)|hope you (?:enjoy|like) (?:it|this)\b"
    r"|(?:please )?let me know (?:if|whether) (?:you(?:'d|’d| would)? (?:like|want|need|have)\b[^\n]{0,60}?(?:chang|revis|adjust|tweak|edit|more|else|different|version|question|feedback|another|expand|ending|tone|length|style|longer|shorter|sequel|rewrit|translat)|(?:this|it|anything)\b[^\n]{0,30}(?:meets|works|needs|expect|chang))"
    r"|(?:please )?feel free to (?:ask|let me know|reach|modify|adjust|change|request|tweak|edit)"
    r"|(?:would|do) you (?:like|want|need) me to (?:write|change|expand|revise|make|add|adjust|continue|translate)|is there anything else you(?:'d| would) like me to"
    r"|if you(?:'d| would)? (?:like|need|want|prefer)[^\n]{0,60}?(?:\bi can (?:also |always )?(?:write|revise|adjust|change|make|rewrite|provide|expand|try|help|tweak|edit|translate|continue|offer|add)\b|\bi(?:'ll|’ll) (?:be (?:happy|glad)|gladly|happily|revise|adjust|change|rewrite|make|write|edit|tweak|help|provide|expand|continue)|just tell me|let me know)|i(?:'d| would) be (?:happy|glad) to (?:revise|change|adjust|expand|edit)"
    r"|i can (?:also )?(?:provide|write|offer|adjust|translate|expand)[^\n]{0,60}?(?:if you|for you|version|ending)|i tried to [^\n]{0,60}as (?:you )?requested"
    r"|you can (?:replace|adjust|change|customi[sz]e)[^\n]{0,60}(?:bracket|placeholder|as needed)|thank you for the opportunity[^\n]{0,60}(?:for you|feedback)",
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
    rf"本(?:文(?!书)|诗|篇|作|故事|小说|剧|品)|此(?:文|诗|剧本|篇)|这[篇首则个段套组份部][^，,。\n]{{0,8}}?{_KIND}|[全整](?:篇|文|诗)|文中|诗中|剧中|在这个故事|是一部[^，,。]{{0,20}}小说|尾字|每[条句首]"
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
    rf"[*_（(【\[—–]{{0,3}}(?:注[】\]：:]{{1,2}})?(?:本|以上|此|该|上述)[^。\n]{{0,20}}?(?:由(?:AI|人工智能|[^，,。\n]{{0,6}}模型)|(?=[^。\n]{{0,20}}您){_AS_ASKED})[^，,。\n]{{0,4}}(?:生成|创作|撰写)"
)
_BARE_SUBJECT = re.compile(
    rf"(?:这[篇首段套组份些]|整篇|全篇)[^，,。\n]{{0,10}}?{_KIND}|本剧围绕|此剧本|这首"
)
_PLOT = re.compile(
    rf"这(?:个故事|[篇首部][^，,。\n]{{0,4}}?{_KIND})(?:主要)?(?:以[^，,。\n]{{1,20}}为|通过|运用|采用|采取)"
)
_SERVING = re.compile(r"您|希望|力求|旨在|需要时|相信你|调整|符合|细化|正是")
_END_MARK = re.compile(
    r"[*_（(【\[~—\- ]{0,20}(?:(?:全|本)?(?:文|书|剧|篇)?(?:完|终|完结)|未完待续|the end|剧终|end)[*_）)】\]~—\- ]{0,20}",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！!？?；;]+")
# A stage direction or a voice of the play itself.
_STAGE = re.compile(r"(?:画外音|旁白|灯光|舞台|大?幕|镜头|音乐|字幕|全场)")
_COLON, _STOP = (
    re.compile("[：:](?![^《\n]{0,40}》)"),
    re.compile("[。！!]"),
)  # a title has its own colons
_EMPHASIS = re.compile(r"\s*([*_]{1,3})")
_APART = re.compile(
    r"\s*(?:[-*_—=~]{2,}[ \t]*\n\s*)?"
)  # a rule after the opening; headings and bold stay
_SEPARATOR = re.compile(r"[-*_—=~ ]{2,}")
_SPOKEN = "“\"「『‘'"


def opening(text: str) -> Verdict | None:
    """Finds the assistant's opening (好的，以下是为您创作的短篇小说, and a colon) before a text.

    Returns:
        A verdict whose place is the opening with the white space after it: the text goes on behind.
    """
    text = folded(text)
    start, stop = _line(text, 0)
    while greeted := _GREETING.match(text, start, stop):
        start, stop = _line(text, greeted.end())
    words = text[start:stop].strip(" *_")
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
    if blank := _APART.match(text, end):
        end = blank.end()
    return Verdict("boilerplate_opening", text.lstrip(_BEFORE)[:40].strip(), 0, end)


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
    yours = _YOURS.search(bare) and (yes or _ENGLISH_KIND.search(bare)) and bare[-1] in ":.!"
    kind = english.group().lower() in ("here you go", "here it is") or _ENGLISH_KIND.search(bare)
    announced = presented and sum(map(bool, (yes, kind, bare[-1] == ":"))) > 1
    return len(bare) if (yours or announced) and not telling else None


def closing(text: str, *, genre: str | None = None) -> Verdict | None:
    """Finds what an assistant says about its own text in the last line, if there is a text before it.

    Offers (如需修改请告知), wishes for the reader who asked (希望这首诗能对你有帮助), and notes that explain the
    text's own devices.

    Returns:
        A verdict whose place reaches from the end of the text to the end.
    """
    text = folded(text)
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    line = text[start:end].lstrip(" \t　>")
    before = text[:start].rstrip()
    if not 0 < len(line) <= LONGEST_CLOSING or not before:
        return None
    last = before[before.rfind("\n") + 1 :].strip()
    separated = bool(before.count("\n") and _SEPARATOR.fullmatch(last))
    apart = separated or bool(_END_MARK.fullmatch(last)) or line[0] in "*（(【["
    if not (_serves(line.lstrip("*_（(【[")) or _comments(line, apart, genre)):
        return None
    if separated:
        before = before[: before.rfind("\n")].rstrip()
    return Verdict("boilerplate_closing", line[:80], len(before), len(text))


def _serves(line: str) -> bool:
    """Says whether a line wishes whoever asked well with the text, hands it over, or offers to change it."""
    if line[:1] in _SPOKEN:
        return False
    if _ENGLISH_CLOSING.match(line) or _MADE_FOR_YOU.match(line):
        return True
    if _PUBLIC.search(line):
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


def _comments(line: str, apart: bool, genre: str | None) -> bool:
    """Says whether a line praises or explains the devices of the text before it."""
    words = line.strip("*_（(【[） ")
    devices = len(set(_DEVICE.findall(words)))
    praised = len(set(_PRAISE.findall(words))) > 1
    if _PUBLIC.search(line) or _STAGE.match(words):
        return False
    note = _NOTE.match(words)
    if note and devices and _MAKING.match(note.group()):
        return True
    if len(words) < SHORTEST_NOTE:
        return False
    if _ENGLISH_NOTE.match(words) and (apart or devices > 1 or _YOURS.search(words)):
        return True
    own = _OWN_TEXT.search(words) is not None
    if note:
        told = devices > 1 and _STORY_PARTS.search(words) is not None
        return told or (own and (praised or devices > 0))
    return (
        devices > 1 and own
        if apart
        else genre not in REVIEWS and _explains(words, devices, praised)
    )


def _explains(words: str, devices: int, praised: bool) -> bool:
    """Says whether a line that is not set apart is about the text before it and nothing else."""
    if praised and _OWN_TEXT.match(words):
        return True
    served = _BARE_SUBJECT.match(words) and _SERVING.search(words)
    return devices > 1 and bool(_PLOT.match(words) or served)
