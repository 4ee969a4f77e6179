"""Reasoning behaviour by cues."""

from __future__ import annotations

import pytest

from coig_writer.metrics.behaviour import BEHAVIOURS, label, share, steps


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("雨下了一夜，院子里积了水。", "zh", "normal_writing"),
        ("因为他没有回头，所以读者会猜，这意味着结局要晚一点给。", "zh", "deep_reasoning"),
        ("或者换成他母亲来讲？也许可以试试倒叙。", "zh", "self_exploration"),
        ("这样不对，太顺了，删。", "zh", "self_reflection"),
        ("Rain fell on the yard all night.", "en", "normal_writing"),
        ("Because the reader knows it, the point is the delay.", "en", "deep_reasoning"),
        ("Maybe a letter? Or what if she never comes, perhaps.", "en", "self_exploration"),
        ("Wait, that doesn’t work; too neat. Scrap it.", "en", "self_reflection"),
    ],
)
def test_cues_decide(text: str, language, expected: str) -> None:
    behaviour, cues = label(text, language)
    assert behaviour == expected
    assert bool(cues) == (expected != "normal_writing")


def test_positions_run_from_zero_to_one() -> None:
    labelled = steps("一。\n\n因为。\n\n或者。", "zh")
    assert [s.position for s in labelled] == [0, 0.5, 1]
    assert [s.position for s in steps("一。", "zh")] == [0]
    assert steps("", "zh") == []


def test_shares_add_up_to_one() -> None:
    text = "雨停了。\n\n因为冷，所以走。\n\n不对，删掉。"
    assert sum(share(text, "zh", b) or 0 for b in BEHAVIOURS) == pytest.approx(1)
    assert share("", "zh", "normal_writing") is None
