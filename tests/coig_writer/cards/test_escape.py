"""A text of unknown origin shows on a card as it is, and does nothing."""

from __future__ import annotations

import pytest

from coig_writer.cards import card, escape
from coig_writer.cards.card import Literal
from coig_writer.facts import Fact

HOSTILE = [
    "Qwen/Qwen2.5-7B-Instruct",
    "a\n\n# Heading\n---\nlicense: mit",
    "<script>alert(1)</script> <img src=x onerror=y> &amp;",
    "``` ` `` ```",
    "a | b || c",
    "[link](javascript:x) ![i](y) **bold** _it_ ~~s~~ $x$",
    "# 1. > - x",
    "1. first",
    "1.0.2",
    "-0.5",
    "--- a",
    "=== a",
    "\u202egpj.exe\u2066 \x1b[31mred \x00",
    "\\| \\` \\",
    "",
]


@pytest.fixture(scope="module")
def markdown():
    from markdown_it import MarkdownIt

    return MarkdownIt("gfm-like", {"linkify": False, "html": True})


def text_of(tokens):
    """The text that a reader sees, and the types of what else is there."""
    shown, others = "", set()
    for token in tokens:
        for child in token.children or []:
            if child.type in ("text", "text_special", "code_inline"):
                shown += child.content
            elif child.content not in ("<code>", "</code>"):
                others.add(child.type)
    return shown, others


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_is_read_as_it_stands_and_nothing_else(markdown, hostile):
    for form in (escape.inline, escape.code):
        wanted = escape.plain(hostile) or ("–" if form is escape.code else "")
        for around in ("{}", "| a | b |\n| --- | --- |\n| {} | last |"):
            tokens = markdown.parse(around.format(form(hostile)))
            shown, others = text_of(tokens)
            assert others == set(), form(hostile)
            assert shown == (wanted if around == "{}" else f"ab{wanted}last")
            kinds = {t.type for t in tokens}
            assert not kinds & {"heading_open", "hr", "html_block", "fence", "ordered_list_open"}


def test_a_block_holds_its_lines_whatever_they_are(markdown):
    text = "第一行\n```\n# not a heading\n<b>\n````"
    (token,) = markdown.parse(escape.block(text))
    assert (token.type, token.content) == ("fence", text + "\n")


def test_facts_and_names_go_through_it(tmp_path):
    template = tmp_path / "t.jinja"
    template.write_text("{{ fact('x') }} {{ name('<b>') }} {{ code('`') }}")
    rendered = card.render(template, {"x": Fact("x", "a\n# b|<i>")})
    assert rendered == "a # b&#124;&lt;i&gt; &lt;b&gt; `` ` ``"
    row = card.table(("A",), [(card.name("a|b"),), (Literal("c|d"),)]).text.splitlines()
    assert row[2:] == ["| a&#124;b |", "| c\\|d |"]
