"""What the base model reads: nothing that shares a run of characters with a held-out text."""

from __future__ import annotations

from coig_writer.training.pretraining import GRAM, Text, without

HELD_OUT = "清早的雾还没散卖豆花的阿婆掀开木桶"


def test_a_paragraph_with_a_run_of_a_held_out_text_is_dropped() -> None:
    copied, near = "他说" + HELD_OUT[2 : 2 + GRAM], "他说" + HELD_OUT[: GRAM - 1] + "了又聚拢来。"
    left, gone = without([Text("a", f"{copied}\n{near}"), Text("b", copied)], [HELD_OUT, "雨"])
    assert (left, gone) == ([Text("a", near)], 2)


def test_nothing_held_out_drops_nothing() -> None:
    assert without([Text("a", HELD_OUT)], []) == ([Text("a", HELD_OUT)], 0)
