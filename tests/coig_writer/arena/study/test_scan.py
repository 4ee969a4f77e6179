from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.arena.study.scan import Scanner

SCANNER = Scanner(["cw_10k", "style-plain", "g", "base"])


PIECES = st.lists(
    st.sampled_from(
        [
            "<s>",
            "</s>",
            "<think>",
            "</think>",
            "好的，",
            "希望这能帮助",
            "\n",
            "：",
            "\u200d",
            "👩",
            "字",
        ]
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("text", "cleaned", "rule"),
    [
        ("春天来了。<|im_end|>", "春天来了。", "template token at the end"),
        ("<s>春天来了。</s>\n", "春天来了。", "template token at the start"),
        ("<think>想一想</think>\n\n春天来了。", "春天来了。", "closed <think> block"),
        ("好的，下面为您写一首诗：\n\n春天来了。", "春天来了。", "assistant's opening line"),
        ("Sure, here is your poem.\n\nSpring.", "Spring.", "assistant's opening line"),
        ("春天来了。\n\n希望这首诗能对你有帮助！", "春天来了。", "assistant's closing line"),
        ("Spring.\n\nLet me know if you want changes!", "Spring.", "assistant's closing line"),
        ("春\u200b天\u2060来了。", "春天来了。", "byte-order mark or zero-width character"),
        ("abc \u202edcba\u202c", "abc dcba", "direction-changing character"),
        ("a\x00b\x1bc", "abc", "control character"),
    ],
)
def test_cleans_by_a_recorded_rule(text, cleaned, rule):
    scan = SCANNER.scan(text)
    assert scan.text == cleaned
    assert not scan.refused
    assert rule in {f.rule for f in scan.findings}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty answer"),
        ("\u200b \n", "empty answer"),
        ("<think>想着想着就断了", "unclosed reasoning"),
        ("半句</think>春天", "unclosed reasoning"),
        ("春天<|im_start|>来了", "template token inside the text"),
        ("作为一个AI语言模型，我没有春天。", "speaks as an assistant"),
        ("我是通义千问。春天来了。", "names a model or its maker"),
        ("Written by Q\u200bwen2.5.", "names a model or its maker"),
        ("I'm Claude, and this is spring.", "names a model or its maker"),
        ("GPT-4 says spring.", "names a model or its maker"),
        ("来自 cw_10k 的春天", "names a model of this study"),
        ("In style-plain: spring.", "names a model of this study"),
    ],
)
def test_refuses_what_cannot_be_cleaned(text, rule):
    scan = SCANNER.scan(text)
    assert scan.refused
    assert rule in {f.rule for f in scan.findings}


@pytest.mark.parametrize(
    "text",
    [
        "Subopenai is no word; so is unqwen.",
        "克劳德·莫奈画了睡莲。Claude Monet painted water lilies.",
        "Gemini rose over the base of the hill; a llama chewed.",
        "好的酒要慢慢喝。",
        "以下犯上，罪不可恕。他说完就走了。",
        "家庭群聊里的表情👨‍👩‍👧。",
        "Sure as spring, the ice went out.",
        "x < 3 and y > 4; <s",
    ],
)
def test_leaves_writing_alone(text):
    scan = SCANNER.scan(text)
    assert (scan.text, scan.findings) == (text, ())


def test_a_name_in_the_prompt_or_the_allow_list_passes():
    assert not SCANNER.scan("ChatGPT 上班第一天。", prompt="写一篇关于 chatgpt 的故事").refused
    assert not Scanner(["a"], ["OpenAI"]).scan("OpenAI 大楼前").refused


@given(st.text(max_size=300) | PIECES)
def test_scanning_twice_changes_nothing_more_and_never_fails(text):
    once = SCANNER.scan(text)
    if not once.refused:
        twice = SCANNER.scan(once.text)
        assert (twice.text, twice.findings) == (once.text, ())


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 100_000 + "x",
        " " * 100_000 + "x",
        "</think>" + "<think>" * 15_000,
        "<s>" * 30_000 + "x",
        "\n希望这" * 25_000,
        "qwe" * 40_000,
        "好的，" * 40_000,
    ],
)
def test_hostile_repetition_is_scanned_in_linear_time(text):
    """Doubling a text may about double the work; a quadratic rule would take minutes here."""
    SCANNER.scan(text)
