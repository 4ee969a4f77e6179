"""Advertisements stuck to the end of a text."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

# Genres that sell or invite themselves.
ADVERTISING = frozenset({"advertising", "slogan", "proposal"})
TAIL = 220  # characters of the last paragraph that are read
PHRASES = 2  # different phrases of which one calls to buy; a reading club's sign-up sells nothing

_CALLS = re.compile(
    r"点击.{0,6}链接|下方链接|领取?.{0,8}(?:优惠)?券|到手价|闭眼入|(?<![他她我们人了没不])加(?:微信|我|[vV])|微信号?[：: ]|私信(?:我|小编|领|获取|咨询|了解|下单|回复|即可)|拉你进|前\s*\d+\s*名[^，。]{0,6}(?:下单|购|拍|付|送|赠|减|免|享|半价|优惠|立)|报名立减|立减|免费领|关注(?!了).{0,6}公众号|(?<![我他她])下单(?!了)|包邮(?!的)|暗号|购买链接|橱窗|小黄车"
)
# What somebody cries in a story is told, as is 她下单了.
_QUOTED = re.compile(r"“[^“”\n]{0,100}”|「[^「」\n]{0,100}」")
_SELLS = re.compile(
    r"现价|原价|秒杀|团购|特惠|扫码|扫.{0,6}二维码|进群|限时|咨询热线|热线|名额有限|赠送|报名|折扣?优惠|清仓"
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
