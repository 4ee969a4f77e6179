"""The table of benchmarks/text_rules.py, on the kit's own samples and, where they are, on the answers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks import text_rules
from coig_writer.text.verdict import Verdict


def test_the_goals_hold_on_the_kits_own_samples() -> None:
    lines = list(text_rules.table(text_rules.kit_samples()))
    assert "kit samples dropped: 0 of 102" in lines
    result = [line for line in lines if "; goal" in line]
    assert len(result) == 6
    for line in result:
        share, goal = (float(line.split(mark)[1].split("%")[0]) for mark in (": ", "goal "))
        assert share >= goal, line


def test_two_readings_of_the_same_passages_agree() -> None:
    shown = text_rules.agreement(text_rules.labels("labels"), text_rules.labels("labels_second"))
    assert shown == "second reading, blind: 47 of 50 verdicts agree, kappa 0.87"


@pytest.mark.parametrize(
    ("firings", "shown"), [(59, "each listed"), (60, "60 of 60 read are right")]
)
def test_a_rule_that_fires_fewer_than_sixty_times_has_no_percentage(
    firings: int, shown: str
) -> None:
    text = text_rules.Text("a", "雨", None)
    result = [text_rules.Firing("cut_off", text, Verdict("cut_off", ""), True)] * firings
    assert shown in next(text_rules.precision(result))


def test_a_false_drop_is_dropped_by_wrong_rules_alone() -> None:
    text, verdict = text_rules.Text("a", "雨", None), Verdict("loop", "雨")
    wrong = text_rules.Firing("loop", text, verdict, False)
    right = text_rules.Firing("refusal", text, verdict, True)
    assert next(text_rules.false_drops([wrong])).startswith("false drops, all rules together: 1 ")
    assert next(text_rules.false_drops([wrong, right])).startswith("false drops, all rules together: 0 ")  # fmt: skip


def test_a_cut_falls_inside_a_sentence() -> None:
    text = "标题\n清早的雾还没散。卖豆花的阿婆掀开木桶。"
    cuts = {text_rules.cut(text, random.Random(seed)) for seed in range(50)}
    assert not any(cut.endswith(("。", "\n")) for cut in cuts)
    assert "标题\n清早的雾" in cuts


@pytest.mark.slow
def test_the_page_holds_the_table(root: Path, shared: Path) -> None:
    table = text_rules.table(
        text_rules.answers(shared / "data" / "writing_preference_bench_zh.jsonl.gz")
    )
    assert "\n".join(table) in (root / "docs" / "text-rules.md").read_text(encoding="utf-8")
