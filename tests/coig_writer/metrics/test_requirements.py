"""Checks against what a query asks for."""

from __future__ import annotations

import pytest

from coig_writer.benchmark import Length
from coig_writer.metrics.requirements import length_error, required_share, script_share


@pytest.mark.parametrize(
    ("article", "asked", "error"),
    [
        ("一二三四 五", Length(5, 10, "chars"), 0.0),
        ("一二三", Length(5, 10, "chars"), -0.4),
        ("一" * 15, Length(5, 10, "chars"), 0.5),
        ("one two's three-four", Length(3, 3, "words"), 0.0),
        ("a\n\nb\n", Length(None, 1, "lines"), 1.0),
        ("", Length(None, 10, "chars"), 0.0),
        ("", Length(4, None, "words"), -1.0),
    ],
)
def test_length(article: str, asked: Length, error: float) -> None:
    assert length_error(article, asked) == pytest.approx(error)


def test_required_strings_ignore_case_width_and_space_only() -> None:
    assert required_share("截止 12月８日，满三件包邮", ("满三件包邮", "12月8日")) == 1
    assert required_share("FREE Shipping", ("free shipping", "refund")) == 0.5
    assert required_share("满三件 不包邮", ("满三件包邮",)) == 0


def test_scripts_are_told_from_prose() -> None:
    chinese = "第一场 内 厨房 夜\n△ 水开了。\n老王：谁把火关了？\n小李（低声）：我。\n"
    english = "INT. KITCHEN - NIGHT\n\nANNA\nWho turned it off?\n\n(beat)\nBEN: I did."
    assert script_share(chinese) == 1
    assert script_share(english) == 1
    assert script_share("雨下了一夜。他没有睡。\n天亮的时候，水涨到了门口。") == 0
    assert script_share("It rained. He did not sleep.\nBy dawn the water stood at the door.") == 0
    assert script_share("") == 0
