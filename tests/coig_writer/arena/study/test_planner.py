from __future__ import annotations

import dataclasses

import pytest

from coig_writer.arena.server import command
from coig_writer.arena.study.answers import collect
from coig_writer.arena.study.assignment import Task, Unit
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.arena.study.planner import confounding, detectable_win_rate, needed, plan
from coig_writer.errors import ConfigError, StatisticsError


@pytest.mark.parametrize(("n", "percent"), [(104, 64.1), (204, 60.0), (353, 57.6), (557, 56.1)])
def test_the_detectable_win_rate_is_that_of_the_exact_test(n, percent):
    assert detectable_win_rate(n) == pytest.approx(percent / 100, abs=0.001)


def test_more_tests_need_a_larger_effect_and_five_prompts_show_nothing():
    assert detectable_win_rate(204, tests=10) == pytest.approx(0.629, abs=0.001)
    assert detectable_win_rate(5) is None


def test_a_plan_counts_what_is_dealt(texts_of):
    raters = ("a", "b", "c")
    study = Study(study="s", mode="invited", raters=raters, overlap=Overlap(0.5, 2), repeats=0.0)
    plans = {(p.protocol, p.language): p for p in plan(study, collect(texts_of(prompts=12)))}
    ranking = plans["ranking", "zh"]
    assert (ranking.items, ranking.shared, ranking.seats) == (12, 6, 3)
    assert ranking.per_seat == (6, 6)
    assert ranking.prompts_per_pair == 12
    pairwise = plans["pairwise", "en"]
    assert (pairwise.items, pairwise.prompts_per_pair) == (120, 12)
    assert plans["rating", "zh"].detectable is None
    assert ranking.warnings == ()


def test_confounding_of_raters_and_models_is_told():
    def seat(*models):
        return [Task(Unit(f"q{i}", "essay", (m,)), (m,)) for i, m in enumerate(models)]

    assert "one rater only" in confounding([seat(0, 1)], 2)[0]
    own_model_each = [seat(*[m] * 9) for m in range(3)]
    warnings = " ".join(confounding(own_model_each, 3))
    assert "not seen by 2 of 3 raters" in warnings
    assert "twice as frequent" in warnings
    assert confounding([seat(0, 1, 2), seat(2, 1, 0)], 3) == []


def test_minutes_are_those_of_the_texts_at_the_speeds_of_reading(texts_of):
    study = Study(study="s", mode="invited", raters=("a",), overlap=Overlap(0.0, 2), repeats=0.0)
    texts = [dataclasses.replace(t, article="字" * 600) for t in texts_of(prompts=6)]
    texts = [dataclasses.replace(t, article=t.article + t.variant.replace("_", "")) for t in texts]
    ranking = next(
        p for p in plan(study, collect(texts)) if (p.protocol, p.language) == ("ranking", "zh")
    )
    characters = 6 * (5 * 600 + len("cwcw1kcw5kcw10kg"))  # 18,096
    assert ranking.minutes == pytest.approx((characters / 600, characters / 300))


def test_a_plan_says_how_many_votes_a_judge_saves():
    """194 find 60 %, 330 over ten pairs. At ρ = .8 and 1,000 judged: .36 / (1/194 - .00064) = 79.8."""
    sizes = needed(0.6, 1000, 0.8)
    assert (sizes.alone, sizes.judged) == (194, 80)
    assert needed(0.6, 1000, None, tests=10).alone == 330
    assert needed(0.6, 193, 0.8).judged == (
        "193 judged prompts are too few for the power of 194 votes; let the judge see at least 194 prompts"
    )
    with pytest.raises(StatisticsError, match="correlation 2"):
        needed(0.6, 1000, 2)


def test_the_command_asks_for_rate_and_judge_together(texts_of, capsys):
    study, texts = Study(study="s"), collect(texts_of(prompts=2))
    command.show_plan(study, texts, 0.6, 0.8, 1000)
    said = capsys.readouterr().out
    assert "for one pair alone, by 194 voted prompts" in said
    assert "with a judge of correlation 0.8 on all 1000: by 80" in said
    with pytest.raises(ConfigError, match="--correlation needs --rate"):
        command.show_plan(study, texts, None, 0.8)
    with pytest.raises(ConfigError, match="--judged needs"):
        command.show_plan(study, texts, 0.6, None, 1000)
