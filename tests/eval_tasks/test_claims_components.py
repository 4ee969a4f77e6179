"""The two-components thesis asked of a judge's scores and of the reasons that voters give."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import pytest

from coig_writer.arena.server.service import TAGS
from coig_writer.ballot import Ballot
from coig_writer.score import Judgement
from eval_tasks.claims.own import findings
from eval_tasks.claims.own_components import EXPRESSION, LOGIC, REASONS
from eval_tasks.runs import together

# Logic and expression of each variant under a thesis that holds: creative rows bring logic,
# general rows bring expression.
HOLDS = {"cw": (2, 0), "cw_10k": (2, 2), "g": (0, 2)}
ONE_SCALE = {"cw": (1, 1), "cw_10k": (2, 2), "g": (1, 1)}


def judged(scores: Mapping[str, tuple[int, int]], prompts: int = 12) -> list[Judgement]:
    """A judge's scores; every third prompt one point lower in logic, so that there is spread."""
    result = []
    for (variant, values), query in itertools.product(scores.items(), range(prompts)):
        for rubric, value in zip((LOGIC, EXPRESSION), values, strict=True):
            less = rubric == LOGIC and variant == "cw_10k" and query % 3 == 0
            said = json.dumps({rubric: value - less})
            result.append(
                Judgement("judge", rubric, f"zh-{query}", variant, None, "single", said, "scored",
                          None, None, None, None)
            )  # fmt: skip
    return result


def voted(tags: Mapping[str, str], prompts: int = 12) -> list[Ballot]:
    """Votes for cw_10k against each rival, for the reason given; every third for another reason."""
    return [
        Ballot(f"{rival}-{query}", "s", "pairwise", f"i{query}", f"zh-{query}", "r", 0,
               ("cw_10k", rival), '"left"', (("imagery_fresh", "plot_holds") if query % 3 == 0 else (tag,)))
        for rival, tag in tags.items() for query in range(prompts)
    ]  # fmt: skip


def verdict(judgements: list[Judgement], ballots: list[Ballot]) -> str | None:
    result = findings(together([], [], ballots, judgements)).get("two-components")
    return result.verdict if result else None


def test_a_double_dissociation_is_found_in_scores() -> None:
    result = findings(together([], [], [], judged(HOLDS)))["two-components"]
    assert result.verdict == "supported"
    assert result.estimate == pytest.approx(2 - 1 / 3)
    assert result.p is not None
    assert result.p < 0.05


def test_models_that_differ_on_one_scale_do_not_dissociate() -> None:
    assert verdict(judged(ONE_SCALE), []) == "not supported"


def test_reasons_of_voters_answer_where_no_judge_did() -> None:
    assert verdict([], voted({"g": "plot_holds", "cw": "language_precise"})) == "supported"
    assert verdict([], voted({"g": "plot_holds", "cw": "plot_holds"})) == "not supported"


def test_too_few_prompts_are_not_testable_and_no_data_no_answer() -> None:
    assert verdict(judged(HOLDS, 5), []) == "not testable here"
    assert verdict([j for j in judged(HOLDS) if j.left != "cw"], []) is None
    assert verdict([], voted({"g": "off_task", "cw": "cliched"}, 2)) == "not testable here"


def test_the_reasons_are_those_that_the_arena_offers() -> None:
    assert set().union(*REASONS.values()) <= set(TAGS)
