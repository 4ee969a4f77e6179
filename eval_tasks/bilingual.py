"""Texts in English and Chinese, for pages that are read in either."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A sentence in English and Chinese."""

    en: str
    zh: str


def both(text: Text) -> Markup:
    """Returns a text as two spans, of which the page's style shows one; what it holds is escaped."""
    from markupsafe import Markup

    spans = '<span class="en">{}</span><span class="zh" lang="zh-Hans">{}</span>'
    return Markup(spans).format(text.en, text.zh)


def say(en: str, zh: str) -> Markup:
    """Returns both texts, for templates."""
    return both(Text(en, zh))
