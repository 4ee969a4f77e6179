"""Texts in English and Chinese, for pages that are read in either."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
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


def plural(n: int, one: str, many: str = "") -> str:
    """Counts something in English; ``many`` where more than an s is added."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def environment(folder: Path) -> Environment:
    """Returns the Jinja environment of a folder's pages: escaping on, undefined names refused."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
