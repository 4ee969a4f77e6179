"""Advertisements stuck to the end of a text."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

ADVERTISING = frozenset({"advertising"})
TAIL = 220  # characters of the last paragraph that are read
PHRASES = 2  # different phrases of which one sells; a reading club's sign-up sells nothing

_SELLS = re.compile(
    r"点击.{0,6}链接|下方链接|领取?.{0,8}(?:优惠)?券|到手价|闭眼入|秒杀|加(?:微信|我|[vV])|微信号?[：: ]|私信|拉你进|"
    r"前\s*\d+\s*名|报名立减|现价|原价|立减|免费领|关注.{0,6}公众号|下单|团购|包邮|特惠|暗号"
)
_INVITES = re.compile(r"扫码|扫.{0,6}二维码|进群|限时|咨询热线|热线|名额有限|赠送|报名")


def advertisement_tail(text: str, *, genre: str | None = None) -> Verdict | None:
    """Two or more phrases of selling in the last paragraph, outside the genre of advertising."""
    if genre in ADVERTISING:
        return None
    tail = text.strip().rsplit("\n", 1)[-1][-TAIL:]
    sells, invites = set(_SELLS.findall(tail)), set(_INVITES.findall(tail))
    if not sells or len(sells | invites) < PHRASES:
        return None
    return Verdict("advertisement_tail", f"{'、'.join(sorted(sells | invites))}: {tail[:60]}")
