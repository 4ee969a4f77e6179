"""Advertisements stuck to the end of a text."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

# Genres that sell or invite themselves.
ADVERTISING = frozenset({"advertising", "slogan", "proposal"})
TAIL = 220  # characters of the last paragraph that are read
PHRASES = 2  # different phrases of which one calls to buy; a reading club's sign-up sells nothing

_FIRST = r"前\s*[\d一二三四五六七八九十百两]{1,4}\s*名"
_CALLS = re.compile(
    r"点击.{0,6}链接|下方链接|购买链接|点击下一页|到手价|闭眼入|拉你进|(?:回复|发送|输入|备注|报)[^，。！？]{0,4}暗号|暗号[：:“]|(?:点(?!亮)|戳|主页|直播间|[我本小]店)[^，。！？]{0,4}橱窗|橱窗[里内]?[^，。！？]{0,4}(?:链接|同款|下单|有售)|小黄车|搜索?(?:微信)?小程序"
    r"|领取?.{0,8}(?:优惠|阅读|代金|现金)?券|免费领|[0零]元领|立领"
    r"|(?:免费|[0零]元|即可|立即|点击|限时)[^，。！？]{0,6}领取|领取(?:全套|价值|专属|限量|新人|体验课)"
    r"|(?<![他她我们人了没不])(?:添加|加)(?:(?:客服|老师|助教|小编|店主|顾问)的?)?(?:微信|我|[vV])"
    r"|微信号?[：: ]|私信(?:我|小编|领|获取|咨询|了解|下单|回复|即可)|关注(?!了).{0,6}公众号"
    rf"|{_FIRST}[^，。]{{0,6}}(?:下单|购|拍|付|减|免|享|半价|优惠|立)|(?:报名)?立减|包邮(?!的)|(?<![我他她])下单(?!了)"
    r"|(?:仅需|只需|只要)\s?\d[\d.]{0,6}[元块]?[，,！!][^，。！？]{0,4}(?:扫码|点击|戳|抢|报名)"
    # What sites that copy novels put under a chapter.
    r"|(?<![他她我们人了])下载(?![了过])[^，。！？]{0,12}(?:APP|App|app|客户端)|手机用户请(?:浏览|访问)|最新章节(?:请|就|尽|首发)"
)
# What somebody cries in a story is told, as is 她下单了.
_QUOTED = re.compile(r"“[^“”\n]{0,100}”|「[^「」\n]{0,100}」")
_SELLS = re.compile(
    r"现价|原价|秒杀|团购|特惠|限时|清仓|赠送|折扣?优惠|价值\d|名额有限|名额仅剩|报名|进群|咨询热线|热线"
    rf"|扫码|(?:扫|识别).{{0,6}}二维码|{_FIRST}[^，。]{{0,4}}(?:送|赠|有)|新(?:用户|人)[^，。！？]{{0,6}}(?:领|送|享|免费|立减)"
    r"|【(?:广告|推广)】|更多精彩|继续阅读|免费阅读|本章未完|请勿转载"
)


def advertisement_tail(text: str, *, genre: str | None = None) -> Verdict | None:
    """Two or more phrases of selling in the last paragraph, one of them a call to buy or to write.

    Prices alone are a market scene, and a notice may ask for a sign-up.
    """
    if genre in ADVERTISING:
        return None
    tail = _QUOTED.sub("“”", text.strip().rsplit("\n", 1)[-1][-TAIL:])
    calls, sells = set(_CALLS.findall(tail)), set(_SELLS.findall(tail))
    if not calls or len(calls | sells) < PHRASES:
        return None
    return Verdict("advertisement_tail", f"{'、'.join(sorted(calls | sells))}: {tail[:60]}")
