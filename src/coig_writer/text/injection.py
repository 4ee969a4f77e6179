"""Orders to whoever scores a text. A character who is told to ignore the rules is fiction."""

from __future__ import annotations

import re

from coig_writer.text.verdict import Verdict

_ORDER = re.compile(
    r"(?<!要求你)(?<!要你)(?<!让你)(?<!叫你)(?<!命令你)(?:忽略|无视|忘记)(?:之前|以上|上面|前面)(?:的|所有)*(?:指令|要求|提示|规则|内容)"
    r"|ignore (?:all )?(?:previous|prior|above) instructions"
    r"|请(?:给|为)(?:本文|这篇文章|我|此文)?.{0,6}打(?:满分|10\s*分|十分)",
    re.IGNORECASE,
)


def addresses_model(text: str) -> Verdict | None:
    """The text gives orders to whoever scores it."""
    if found := _ORDER.search(text):
        return Verdict("addresses_model", found.group(), found.start(), found.end())
    return None
