"""What speaks for and against a line being an assistant's frame, weighed.

A frame is an act (to deliver, to offer, to wish, to explain) upon a text as a thing, before whoever asked
for it, in its place: the first line or the last. Each sign is one of these in many words, or what tells a
story, a letter, a notice. ``data/frame_weights.json`` says what each counts; ``python benchmarks/framing.py``
fits it on frames and on literary lines that look like frames.
"""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from typing import NamedTuple

_OBJECT = (
    r"(?:小说|故事|短篇|散文|诗(?!人)|词(?![语汇典])|文章|作文|短文|美文|小品文|剧本|文案|笔记|稿|书评|影评|乐评|评论|评测|测评|歌词|童话|寓言|绘本|随笔|日记|家书|书信|信(?![息任心号])|作品|方案|提案|策划"
    r"|报告|总结|标语|广告|口号|清单|提纲|大纲|纪要|模板|范[文例本]|示例|样本|简历|传记|段子|笑话|相声|小品|评书|台词|独白|对[白话联]|摘要|推文|帖子|祝福语|致辞|贺词|发言|通知|教程|攻略|游记|杂文|议论文|记叙文|[绝律]句|[五七][绝律]"
    r"|(?:对手|独角|这场)戏|(?:主持|解说|导游|颁奖|祝酒|串|贺|悼|挽|旁白)词|情书|检讨书|保证书|辞职信|绕口令|快板|三句半|谜语|祭文|檄文|[赋铭](?=[，,：:。])|消息稿|短章|诗作|词作|脚本|信函|信件|讲话稿|成稿|完稿|成品|材料|联语|广告语|slogan|vignette|正文|全文|全篇|初稿|续写|改写|版本|这一幕|开场白|写法|创作|回答|story|poem|essay|letter|speech|script|piece|draft|version|lyrics|article|scene|tale|fiction)"
)
_PART = rf"(?:{_OBJECT}|篇幅|结[局尾]|开头|情节|语气|风格|文风|笔[调法触]|韵|格律|版|口吻|视角|人称|设定|分镜|标题|标签|配图|海报|段落?|章|场(?!地)|幕|续集|后续|细节|字数|世界观|主题|节奏|措辞|用词|旋律|副歌|预案|时间表|ending|tone|title)"
_COUNTED = r"[一二两三四五六七八几数这本此该0-9]\s*[篇首则封份段组部条套幅版章个种阕幕场句支]"
_MAKE = r"(?:创作|撰写|编写|[改续扩仿重试代]?写|撰|拟(?!人)|准备|生成|提供|整理|构思|设计|定制|打造|制作|润色|修改|调整|起草|讲|填|吟|赋|作(?=了?[一首诗])|来[一个点]|整[个一]|呈现|[呈奉献送]上|构建|展开|扩展|发挥|完成)"
_EDIT = (
    r"(?:修改|改[写成编动短长一为]|再改|调整|润色|补充|[扩续缩仿重]写|优化|替换|压缩|完善|[扩拓]展|扩充|精简|继续|接着|往下写|再(?:写|来|短|长|正式|口语|[\u4e00-\u9fff]{0,3}[一几两]?[版篇首个段])|翻译|换[成个一]|增减|删[减去改]|加入|增加"
    r"|更[\u4e00-\u9fff]{1,4}的?|[另新]写|提供|生成|输出|创作|帮[您你][^，,。]{0,4}[想写改做把压整制]|expand|revise|adjust|tweak|change|edit|rewrite|continue|shorten|translate|turn|try)"
)
_IF = r"(?:如[果需有若对想]|若|要是|需要|想(?![象到起])|要不要|是否|[不哪][^，,。]{0,4}(?:满意|合适|够|对|喜欢|贴合)|喜欢|觉得|嫌|有(?:什么|任何|其他|哪)|还[想要需]|\bif\b|would you|do you|want)"
_SOURCES = {
    # acts and marks of delivery
    "assents": r"\A(?:好(?:的|嘞|呀|啊|吧|哒)?[，,。！!～~、 ]|当然|没问题|可以[呀啊的]?[，,。！!]|行[，,。！!]|来[啦了]|收到|明白|了解|理解|懂了|清楚|遵命|得令|安排|嗯|哈哈|嘿|哇|没事|谢谢|感谢|多谢|(?:很|非常|十分|特别)?(?:有趣|有意思|好玩|精彩|棒|高兴|乐意|荣幸)|这(?:个|真是|是一?个)[^。，]{0,10}(?:棒|有趣|有意思|精彩|简单|题目|好)|太[棒好]了|承蒙|ok\b|okay|sure|certainly|of course|absolutely|great|no problem|happy to|i'd (?:be|love)|got it|alright|understood|definitely|yes\b|thanks|thank you)",
    "makes": rf"(?:我|在下|咱|小的|小助手|让我们?|这就|马上|接下来|那就?|先|特)[^，,。！：]{{0,16}}?{_MAKE}|(?:我|让我|我来)来?(?:试|代入|[以用从帮]|采用|选择)|\bi(?:'ve| have|'ll| will|'d)? (?:written|write|tried|craft|draft|made it|kept it|aimed)|let me|here's my|my (?:take|attempt)",
    "made": rf"{_MAKE}(?:[了好出成就得毕]|完[成毕稿]?)|已经?[^，,。]{{0,10}}?(?:{_MAKE}|按|加入|增加|控制|[拟备]|送达)|试[作着]|尝试|成[文稿篇]|[完定]稿|出炉|草成|拟[就得好]|想了?几|编[一了个]|备好|[献奉敬]上|敬呈|coming (?:right )?up",
    "points": r"以下|如下|下[面方文]|接下来|敬?请[您你]?(?:看|查收|查阅|过目|审阅|欣赏|阅读|享用|雅正|参考|品读|指教|鉴赏|审)|[斧雅]正|任[君您]|这[里儿][是有为给就]|这(?:就|便)?是|(?:直接|先|这就)?[给上](?:你看|成稿|正?文|故事|稿)|如次|(?:故事|正文)?从(?:这里|此)开始|下面开始|[👇⬇↓]|here(?:'s| is| are| it is| you go| goes)|\bbelow\b|following",
    "points_first": r"(?:\A|[，,。！!：])\s*(?:以下|如下|下面|这里|这就?是)",
    "ends_in_colon": r"[：:]\s*[*_）)\]】\"]*\s*\Z",
    "ends_softly": r"[～~👇⬇↓…😊😄🌙✨💪😁🥰]\s*\Z",
    # whoever asked
    "您": r"您",
    "你": r"你(?!们)|\byour?\b",
    "for_you": rf"[为给帮替](?:您|你|阁下|宝贝)[^，,。！]{{0,12}}?(?:{_MAKE}|好|了|[一这][篇首则封份段版个])|[送献呈奉]给[您你]|供[您你]|for you\b",
    "as_asked": r"(?:根据|按照?|基于|依照?|遵照|遵循|结合|围绕|针对|符合|满足|参照|依据)[^，,。！]{0,24}?(?:要求|需求|描述|提示|设定|主题|题目|关键词|大纲|要点|指令|材料|素材|信息|资料|开头|情节|思路|框架|反馈|意见|说的|想法|给的|提供|路子|风格|结构|笔法|口吻|格式|要素|品牌|格律|卖点)|依题|[您你]所?(?:想?要|需要|要求|说|提到|描述|希望)的?|题目要求|应[您你]|requested|asked for|your (?:prompt|request|idea|keywords)|as you",
    "plays": r"(?:我|由我)(?:现在|这就|便|就|将|会|来)*(?:要)?(?:扮演|饰演|化身|担任|充当|代入|是您的)|进入角色|以[^，,。！]{1,16}的(?:身份|口吻|语气)[，,]?(?:来)?(?:与|和|跟|同|陪)[您你]|(?:与|和|跟|同|陪)[您你](?:展开|开始|进行)?(?:对话|聊天|交谈|互动)|开始(?:我们的|[与和]我)?(?:对话|角色扮演)",
    "plans": r"用户(?:希望|想|要|让|的|需)|题目(?:要求|是)|需求是|我需要(?:注意|写|创作|确保)|首先，?我",
    # the text as a thing
    "names_text": _OBJECT,
    "names_part": _PART,
    "counts_text": rf"{_COUNTED}[^，,。！：]{{0,30}}?{_OBJECT}|\b(?:an?|the|this) (?:\w{{1,20}}[ -]){{0,5}}(?:story|poem|essay|letter|speech|script|piece|draft|version)",
    "specifies": r"\d\s*(?:字|分钟|行|段|版|words?)|[一二三四五六七八九十百千]{2,}字|字数|字以内|篇幅|风格|主[题线]|第[一二三]人称|视角|口[吻语]|笔[法调]|手法|白描|语[气言]|意象|押[^，,。]?韵|格律|平仄|韵|[题体]裁|结构|人设|设定|关键词|左右|适[合用]|剧透|emoji|标签|结局|开放式|文风|格式|套路|说教|余味|留白|悬念|反转|节奏|记忆点|叙事|调性|爆款|温情|克制|幽默|朴素|口号|切入点|线索|核心|开头|结尾|正式|简洁|完整|详细|原创|[高满]分|\bword|\btone|style",
    "for_use": r"供[^，,。]{0,6}(?:参考|选|使用|学习|欣赏|发布)|仅供|直接(?:使用|复制|发布|套用)|根据[^，,。]{0,8}(?:实际|情况|需要|平台|场合|渠道|喜好)|自行|灵活|酌情|适当|替换|选用|可按|取舍|增减|删减",
    "length": r"(?:全文|本文|共|约|字数|控制|以内|左右|篇)[^，,。]{0,8}\d[\d,]*\s*(?:字|分钟|行)|\d[\d,]*\s*(?:字|words)|[一二三四五六七八九十百千]{2,}字|千字|字数|word count",
    "version": r"(?:修改|润色|优化|[改扩续缩重]写|调整|精简|升级|翻译)[后过完好版]|[一二两几新]版|版本|换(?:一种|[个成])|重新|改成|再来",
    # offers, wishes, questions
    "offers": rf"{_IF}[^。！!\n]{{0,60}}?(?:{_EDIT}[^。！!\n]{{0,20}}?{_PART}|{_PART}[^。！!\n]{{0,30}}?{_EDIT})",
    "offers_self": rf"{_IF}[^。！!\n]{{0,50}}?(?:我(?:可以|[也还再来能会帮照据就这将]|马上|随时|立刻)|告诉我|告知|说一声|[跟和]我说|吩咐|回复|提出|尽管|随时|i can|i'll|i could|i'd|me to|let me know|tell me)",
    "can": r"我(?:[也还都就再会将能来]|可以|愿意|很乐意|马上|随时|立刻|这边){1,3}[^，,。！]{0,14}?(?:[改调写续补扩换帮做出试]|提供|优化|压缩|继续|完善|设计|生成|创作)|可以?再续|亦可吩咐|\bi(?:'ll| will| can| could| am happy|'m happy|'d be)",
    "tells": r"告诉我|告知|说一声|[跟和]我说|吩咐|回复|提出|提意见|反馈|指出|补充|随时|尽管|欢迎[您你]?[提补指随继]|tell me|let me know|feel free",
    "asks": r"(?:吗|呢|怎么样|如何|合适|好不好|行不行|可以|想法|满意)[？?]|\?\s*\Z|怎么样[，,]|(?:不知|是否)[^。！\n]{0,12}(?:满意|心意|要求|预期)",
    "asks_more": r"(?:还[想要]|要不要|要接着|想不想|需不需要|需要|想要?)[^。！？?\n]{0,24}(?:吗|么|呢|不)[？?]|(?:would you like|want|do you want|shall i)[^.!\n]{0,60}\?",
    "asks_of_text": rf"[您你](?:觉得|看看?|认为|喜欢|还|对)?[^。！!？\n]{{0,16}}?{_PART}[^。！!？\n]{{0,12}}?(?:怎么样|如何|吗|合适|满意|行)[^。！!\n]{{0,6}}[？?]|(?:这[个种样]|这么)(?:[^，,。！!？\n]{{0,4}}?)(?:处理|安排|设计)[^，,。！!？\n]{{0,8}}?(?:怎么样|如何|吗|呢)[？?]|{_PART}[^。！!？\n]{{0,14}}?(?:合适|满意|合[您你])[^。！!\n]{{0,6}}[？?]",
    "changes": r"修改|调整|润色|补充|[扩缩续改重]写|改[成编动]|优化|更改|替换|压缩|完善|[扩拓]展|扩充|版本|续集|下一章|第二[章场幕]|后续|继续(?:写|往下|创作|输出)?|再[写改调来短长续听讲多正]|接着|往下写|翻译|换[成个一风]|增减|删减|更[换改短长]|不同的?(?:结局|版本|风格)|另一[个种版]|其[他它]的?(?:风格|主题|需|版|想)|分镜|想法|\bchange|revis|adjust|tweak|\bedit|expand|version|continue|rewrite|longer|shorter|another",
    "wishes": r"希望|期[望待]|但?愿(?=这|它|本|此|以上|你|您)|祝[您你]|相信|\bhope\b|\bwish",
    "wishes_text": rf"(?:希望|愿|期待|相信|祝|hope)[^。！!\n]{{0,14}}?(?:这[些个篇首份段则组版]?|此|本|以上|它|您|你|this|it|you)[^。！!\n]{{0,24}}?(?:{_PART}|内容|文字|它|this|it)",
    "serves": r"帮[助到]|满[足意]|符合|合[您你]?的?(?:心意|口味|胃口)|要求|需求|期待|预期|参考|启发|喜欢|有用|启迪|共鸣|灵感|思考|触动|打动|感受|贴合|助力|顺利|成功|愉快|开心|enjoy|\bhelp|meets|\bfits\b|captures|works|suits|\blike\b",
    "serves_you": r"(?:希望|愿|期待|相信|hope)[^。！!\n]{0,30}?(?:(?:满足|符合|达到|贴合|合)了?[您你大]?家?的?[^。！!\n]{0,6}(?:要求|需求|期待|期望|预期|心意|需要|想象)|[对为给][您你][^。！!\n]{0,10}(?:帮助|灵感|启发|参考|有用|思考|带来)|(?:帮|打动|触动)[到助]?[您你]|(?:[您你]|孩子|小朋友|宝[贝宝]|读者|听众|观众|老师)们?[能会]{0,2}(?:喜欢|满意))|期待[您你]的(?:反馈|意见|回复|建议)|祝[您你][^。！!\n]{0,6}(?:写作|创作|演讲|投稿|发布|活动|求职|表演|朗诵|比赛|演出|拍摄|排练|采访)",
    "thanks": r"感谢[您你]的?(?:阅读|信任|使用|支持|耐心)|谢谢[您你]?的?阅读|下一?次合作|加油",
    # commentary
    "devices": r"意象|手法|修辞|比喻|拟人|对比|排比|反复|双关|反讽|象征|隐喻|暗示|折射|[展体表]现|表达|传[达递]|营造|塑造|刻画|渲染|烘托|铺垫|呼应|对照|点[题明睛]|升华|收束|开篇|起兴|抒[情怀]|含蓄|隽永|张力|氛围|节奏|线索|串联|贯穿|主题|结构|风格|笔[法调触]|文风|第[一二三]人称|留白|悬念|伏笔|反转|叙[事述]|质朴|细腻|凝练|真挚|生动|韵[脚味律]|押韵|平仄|对仗|格律|用典|感染力|首尾|前后|探讨|揭示|唤起|强化|采用|运用|致敬|以小见大|画面感|symbol|metaphor|theme|imagery|serves as|represents|suggests|explores|deliberately|rhyme|convey",
    "of_text": rf"(?:\A|[。！!；;？?\n])[\W_]{{0,4}}(?:(?:这|本|此|该|全|整|上面这)(?:[一两三四五几]?[篇首则个份段组部条版幕场章套联句行]|些|样)?(?:微型|短篇|现代|自由|七言|五言|原创|广告|演讲|睡前|小|短)?(?:{_OBJECT}|文(?!书)|作|篇|段|剧|[版联稿句]|写法|改法)|(?:[文诗词信剧联稿]|小说|故事|剧本|文案|歌词)[里中末尾](?!的?(?:人|话))|(?:故事|小说|文章|散文|诗歌?|剧本|文案|稿[子件]|演讲|童话|歌词)(?:采用|通过|[以用借可不控时])|(?:字数|篇幅|时长|通篇|全诗|整[篇体]|语[气言]|平仄|韵脚|横批|标题|题目|结构|框架|数据|视角|配图|排版|拍摄时?|朗诵时?|讲的时候)|(?:关于)?(?:开[头篇]|结尾|中段|[首末][句节段尾]|最后一[句段节]|[前后]两句|[上下][阕联]|[副主]歌)(?=[用以处则设留采部的，是可也想故写把借与不没另若“]))|(?:\A|[.] )(?:this|the) (?:story|poem|piece|essay|monologue|letter|speech|script|ending|voice)\b|(?:works|serves|acts) as an?\b|stands? in for",
    "quotes_text": r"@quote",
    "defines": rf"\A这(?:就|便)?是一?[篇首部个则段出][^，,。]{{0,24}}?{_OBJECT}[，,](?:[^。]{{0,40}}?[，,])?(?:[^，,。]{{0,6}}(?:通过|借|以|用))?[^。]{{0,30}}?(?:写出|表[现达]|探讨|展[现示]|传达|揭示|刻画|营造|体现|呈现|反映|描[写绘]|讲述)",
    "fits": r"控制在|[未没]有?(?:出现|使用|用|押)|避[开免]|符合|满足|达到|适[合配]|兼顾|便于|契合|贴合|走[^，,。]{0,10}路[线子]|总计|预计|大约|约\d|as you specified|no dialogue|as you wanted|on purpose|stands? in for",
    "decides": r"我(?:在|把|将|让|给)[^，,。！\n]{0,8}?(?:结[尾局]|开[头篇场]|中段|冲突|矛盾|视角|场景|时间线?|叙[事述]|伏笔|悬念|高潮|转折|反转|人物|主角|对[白话]|台词|节奏|情节|重[点心]|落点|背景|篇幅|语气|笔墨|句子|最后一[句段幕])[^，,。！\n]{0,12}?(?:[放设压落收留改省删加换定写]|安排|处理|交代|融|集中|控制)",
    "means": r"故意|(?<!被)特意|刻意|有意|意在|目的是|是想|是怕|为的是|考虑|机关|伏笔|小心思|潜台词",
    "by_means": r"(?:^|[，,。；：\s])(?:借|以|用|把|靠)[^，,。]{1,14}(?:写|作|为|串|收|起|开|代|喻|衬|表|引|定|化|区分|呼应|回应|替)",
    "which": r"[你您]想(?:[让看要]|先)|哪[一种个条首版句些]|(?:情节|故事|剧情|结[局尾]|后续|人物)的?走向|偏[爱好向]|那个方向|想先看|[你您]想要的(?:吗|么|？)|顺一些|更喜欢",
    "has_more": r"我(?:手里|这里|这边)?还?有[^，,。]{0,4}[一几两套版]|另(?:外|行)?(?:可|附|写|提供)|我(?:再|来|照|逐|帮|就)[^，,。]{0,10}[写改删加标做]|重来|[喊叫找]我|回复|番外|下一段|请指出|圈出来|剩余部分",
    "edits_part": r"(?:可以?|记得|建议|不妨|请|也)(?:自行|考虑|再|先|直接|适当)?[^。！!\n]{0,16}?(?:删|改[成为用]|换成|断开|配[图合乐上]|补[上写充]|[加融放]入|增[加添]|添加|提高|放慢|收一收|发给我|提炼|套[红用]|留着|压[缩到]|加粗|成段|标上|停[顿两]|拆|核对|附上|引导)",
    "praises": r"(?:语[言气]|文[字笔风]|笔[调触法]|格律|结构|情感|感情|意境|风格|氛围|节奏|画面)[^，,。]{0,8}(?:朴[实素]|质朴|细腻|优美|生动|流畅|工整|严谨|完整|真挚|含蓄|深沉|清冷|冷峻|舒缓|稚嫩|平实|克制|温[暖馨情]|幽默|简[洁练]|凝练|活泼|自然|真实|静谧|感人|押韵)",
    "about_self": r"(?:我|已|刻意|尽量|(?<!被)特意|特地)(?:在[^，,。]{0,8})?(?:尽量|特意|刻意|特地|[也还已按把将都]|适当)?[^，,。]{0,4}?(?:保[持留]|控制|避[免开]|[加融]入|留了|删|统一|采[用取]|模仿|突出|强调|安排|设置|没有[用写]|按要求|参考了)|(?:要求|控制)[^，,。]{0,8}\d+\s*字|由?ai(?:生成|创作|辅助|的分析|模型)|as requested|you asked|\bi (?:kept (?:it|the (?:tone|language|style|voice|dialogue))|used|tried|avoided|chose|aimed)\b",
    "heads_note": r"\A[\W_]{0,6}(?:注意?|备注|附注?|说明|(?:温馨)?提示|小?贴士|tips?|点评|评语|字数(?:统计)?|白话(?:译文)?|译文|今译|大意|适合年龄|核心主题|关键词|note|ps|p\.s\.)[\s】\]*_]*[：:】\]]",
    "of_above": rf"\A[\W_]{{0,4}}(?:以上|上述|上面)[就便即均]?[是为的]?[^，,。！!\n]{{0,24}}?(?:{_PART}|内容|文字|练习)|\A[\W_]{{0,4}}(?:这就是我的(?:创作|作品|回答)|写完[啦了]|已按|(?:故事|诗|文章|全文|剧本|文案|稿子)(?:到此|到这里|就写到这))",
    "advises": r"(?:[请可您你需]|建议|记得|自行|直接)[^。！!\n]{0,20}?(?:替换|修改|增减|删[减去改]|调整|取舍|选用|停顿|放慢|换[成掉]|压缩|投稿|发布|配[图乐合]|填[写充入]|套用|改写|挑选|拆分|合并|加入|增[加添]|添加|提高|结合)|供[您你同大]?[学家]?(?:参考|选|使用|学习|发布|借鉴)|仅供(?:参考|学习)|切勿照[搬抄]|占位|以实际(?:情况)?为准|you can (?:replace|adjust|change)",
    "brackets": r"括号|方框|\[[^\]]{0,12}\]|姓名|日期|占位|bracket|placeholder",
    # against: a story, a letter, a notice, a work of somebody else
    "third_person": r"[他她](?!们的?(?:创作|需求))|妈|爸|爷爷|奶奶|外[公婆]|[母父]亲(?!节)|祖[父母]|老师(?!要求)|先生|姑娘|女儿|儿子|老[人头汉太]|[男女]人|少[年女](?=讲|说|写|念)|\b(?:he|she|they|him|her|his|their|we|our|(?:grand)?(?:mother|father)|ma|brother|sister)\b",
    "speech": r"[？！。?!][^。？！\n]{1,14}(?:睁|问|说|笑|摇摇?头|点点?头|抬|转身)|(?<!小)[说问道喊答念](?:[，,：:。？]|[着过]|了一)|\b(?:said|wrote)\b",
    "to_me": r"(?:给|对|跟|教|替|为|陪|让)我(?![们再来试帮写为做更一具继])",
    "needs_me": r"需要我(?:为|帮|再|把|给|继续|也|另)",
    "narrator": r"我(?!将|会|来|写|为|给|根|按|选|想到|重|们来|构|马|已|很|尽|帮|可以|继|这?就|现|试|先|拟|再|也可|[以用从创]|把主|把[^，。]{0,6}改|还可|随|能为|希望|在此基|理解您|明白|了解|需要注|的(?:创作|作品|尝试|理解|建议)|采用|保留|刻意|避|代入|照着|陪)",
    "events": r"[了着](?=[，,。！\n]|\Z)|[走坐站拿放看听望推拉开关合掏递捡捧端抬低转][下起进出上开过回]?[了着来去]",
    "found": r"留[下给]|寄[给来]|发现|找到|捡到|收到的|遗[书言嘱稿]|字条|抽屉|口述|录音|警方|没有?寄出|摘自|原载|[选节]自|生前|请听|来信|铁盒|遗愿|写给(?:你|他|她|父|母|妈|老)|信纸|那封信|旧货|公告|张贴|要讲的|最后一[封首篇次]|抄来|供词|口供|笔录|证词|判决书|检举|病历|诉状|状纸|现将[^，,。]{0,12}(?:情况|经过|结果)|没有?写完|我写的第|我第一次写|死者的(?:日记|信)|书接上回|[您你]的举报|[您你]反映的|广播电台|是一个真实的故事|(?<![您你])之[邀约托嘱]|[给为替][他她](?!们)|[信纸碑墙门牌条面][上里中]?(?:写|刻|贴|印)着|我(?:一直|早就?|曾经?|总|多|很)?想要?[为给]你|给[你您]写(?:这封|此)?信(?!息)|\A(?:爸|妈|爷爷|奶奶|老师|哥|姐|弟|妹|儿子|女儿|孩子)[妈爸哥姐弟妹]?[，,]|\bleft\b|\bfound\b",
    "public": r"看官|列位|顾客|客[户服]|门店|官网|家长(?!可以)|来宾|领导|评委|各位|大家|观众|老师们|同学们|本[品店公院行]|须知|规则|守则|公告|欢迎[您你]?(?:来|选择|加入|使用|光临|入住|参加|回到|关注|收听)|(?:选择|购买|使用|支持)(?:本|我们|我司)|评论区|点赞|关注|收藏|转发|下期|明天|报名|征[集稿文]|来稿|自拟|面向全|联系|致电|电话|热线|预约|批[评示准]|审批|商祺|此致|敬礼|宝子们|姐妹|我们(?:致力|随时|将|会)|免责|版权|医生|产品|投票|编辑|责任|作者(?:有话|简介|系)|系统|宿主|直播|节目|本期",
    "true_story": r"雷同|虚构|化名|真[实人](?:故事|事件|真事)|改编自|艺术加工",
    "letter": r"随信|贵公司|组织上|我们的?[^，,。]{0,6}(?:团队|随时|将|致力)|工作室|携手|主办|居委会|参赛|征文|面试|岗位|来信|敬上",
    "treatise": r"摘要|关键词|研究|综上|总体而言|结论|实验|用户(?!希望|想|要求)|手机|教育|社会|参考资料|附件|责任人|纪要|保修|说明书|机器人|恕不|最终解释权|异议|推测|实测|数据",
    "other_work": r"《[^》\n]{1,30}》|电影|影片|全片|这部(?!小说|短)|本书|专辑|导演|诗人|作者(?!注)|学生",
    "scenery": r"[风雨雪月夜灯窗门手眼声梦街河海山树花酒]|黄昏|心里|沉默|看见|听见",
    "parts": r"永远|记忆|历史|一辈子|来世|想你|爱你|原谅|回家|因为我|问自己|你的孩子听|翻回|合上|再会|下次光临",
    "question": r"[？?]\s*\Z",
    "sentences": r"[。！!？?][^。！!？?\n]{2,}[。！!？?]",
    "long": r"\A.{60}", "short": r"\A.{0,8}\Z",
    # place, written before the line by ``marked``
    "bold": r"@bold", "bracketed": r"@bracket", "headed": r"@head", "cited": r"@cite",
    "at_rule": r"@rule", "at_title": r"@title", "in_review": r"@review",
}  # fmt: skip
SIGNS = {name: re.compile(source, re.DOTALL) for name, source in _SOURCES.items()}
DEVICES = (2, 3)  # that many different devices are signs of their own
TOGETHER = (  # two signs that say more than one and one
    ("of_text", "devices 2"), ("offers", "offers_self"), ("heads_note", "advises"), ("of_above", "advises"),
    ("of_above", "length"), ("asks_more", "changes"), ("wishes_text", "serves"), ("asks", "changes"),
    ("makes", "specifies"), ("points", "names_text"), ("points", "specifies"), ("assents", "makes"),
    ("assents", "names_text"), ("ends_in_colon", "names_text"), ("ends_in_colon", "你"),
    ("ends_in_colon", "您"), ("narrator", "ends_in_colon"), ("third_person", "names_text"),
    ("of_text", "fits"), ("of_text", "edits_part"), ("of_text", "means"), ("of_text", "by_means"),
    ("has_more", "offers_self"), ("fits", "specifies"), ("points", "fits"), ("plays", "assents"),
    ("plays", "您"), ("decides", "asks"), ("decides", "points"), ("defines", "in_review"),
    ("decides", "asks_of_text"), ("for_you", "names_text"), ("version", "ends_in_colon"),
)  # fmt: skip
# A paper's own summary: 摘要：本文以…
ABSTRACT = re.compile(
    r"[\W_]{0,8}(?:(?:内容)?[摘提] ?要|abstract)[】\]*_]{0,4} ?[：:】\]]", re.IGNORECASE
)
SPOKEN = "“\"「『‘'"
_QUOTED = re.compile(r"[“\"「『][^”\"」』\n]{1,40}[”\"」』]")
_MARKS = (
    ("@bold", re.compile(r"[\s>#]{0,9}[*_]{1,3}")),
    ("@bracket", re.compile(r"[\s*_>#]{0,9}[（(【\[]")),
    ("@head", re.compile(r"\s{0,9}#")),
    ("@cite", re.compile(r"\s{0,9}>")),
)
# A text that speaks of works in some of these words: what it says of one is its own.
_CRITIC = re.compile(
    r"作者|诗人|译[本者文]|原[文著]|读者|小说|影片|电影|导演|这首诗|全诗|[诗书文]中|意象|叙事|主题|主人公|笔法|余味|keywords|关键词"
)
CRITICAL, PER = 2, 500  # words, and one more for so many characters
_RULE = re.compile(r"[-*_—=~ \t]{2,}")
_TITLE = re.compile(r"\s{0,9}(?:#|\*\*|《|【)")


class Row(NamedTuple):
    """A line that is not blank, with its place; a rule of dashes has no letters."""

    text: str
    start: int
    end: int
    lettered: bool


class Candidate(NamedTuple):
    """A line that may be a frame, its neighbour on the side of the text, and its place."""

    line: str
    behind: str
    text: str
    start: int
    end: int


def rows(text: str) -> list[Row]:
    """Splits a text into the lines that are not blank."""
    lines, start = [], 0
    for line in text.split("\n"):
        if line.strip():
            lettered = any(map(str.isalnum, line))
            lines.append(Row(line, start, start + len(line), lettered))
        start += len(line) + 1
    return lines


def marked(line: str, neighbour: str, text: str) -> str:
    """Writes the marks of a line's place behind it; quotations lose their words.

    Whether one of them is a quotation from the text itself is such a mark, and whether the text is about works.
    """
    marks = [mark for mark, pattern in _MARKS if pattern.match(line)]
    if any(quoted.group()[1:-1].strip("，。！？…") in text for quoted in _QUOTED.finditer(line)):
        marks.append("@quote")
    if reviews(text):
        marks.append("@review")
    if _RULE.fullmatch(neighbour):
        marks.append("@rule")
    elif _TITLE.match(neighbour):
        marks.append("@title")
    bare = _QUOTED.sub("“”", line.strip(" #*>_\t　")).lower()
    return bare + "\n" + " ".join(marks) if marks else bare


def reviews(text: str) -> bool:
    """Says whether a text speaks of works: a comment on one is its own."""
    return len(set(_CRITIC.findall(text))) >= CRITICAL + len(text) // PER


def signs(line: str) -> set[str]:
    """Finds the signs of a marked line."""
    words, _, marks = line.partition("\n")
    shown = {
        name for name, sign in SIGNS.items() if sign.search(marks if name in _PLACE else words)
    }
    devices = len(set(SIGNS["devices"].findall(words)))
    shown.update(f"devices {number}" for number in DEVICES if devices >= number)
    shown.update(f"{a} & {b}" for a, b in TOGETHER if a in shown and b in shown)
    return shown


_PLACE = frozenset(name for name, source in _SOURCES.items() if source.startswith("@"))


@functools.cache
def weights(kind: str) -> dict[str, float]:
    """Reads what each sign counts for an ``opening`` or a ``closing``; the empty name is the start."""
    file = resources.files("coig_writer").joinpath("data/frame_weights.json")
    table: dict[str, dict[str, float]] = json.loads(file.read_text(encoding="utf-8"))
    return table[kind]


def weight(kind: str, candidate: Candidate) -> float:
    """Weighs a line: above zero it is a frame rather than a line of the text."""
    table = weights(kind)
    return table[""] + sum(table.get(name, 0.0) for name in signs(marked(*candidate[:3])))
