"""Votes × judge: hand-computed, honest where the judge is bad, narrower where it is good."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import significance
from coig_writer.preference.prediction_powered import LEAST, estimate, votes_needed
from coig_writer.preference.rates import wilson


def named(values: list[float]) -> dict[str, float]:
    return {f"q{i:02}": v for i, v in enumerate(values)}


def test_the_estimate_by_hand() -> None:
    """Twelve votes, the judge right on ten; on all 24 it sees more wins than among the voted.

    λ = 1.91667 / 2.91667. The variances are 2.91667 / 144 alone and 1.65714 / 120 + λ² .231884 / 24 with the
    judge, so that twelve votes are worth 13.52, for Wilson's interval 14.
    """
    votes = [1.0] * 7 + [0.0] * 5
    verdicts = [1.0] * 6 + [0.0] * 5 + [1.0]
    more = [1.0] * 9 + [0.0] * 3
    result = estimate(named(votes), named(verdicts + more))
    assert result.tuning == pytest.approx(23 / 35)
    assert result.value == pytest.approx(7 / 12 + 23 / 35 * (16 / 24 - 7 / 12))
    assert (result.voted, result.judged) == (12, 24)
    assert result.alone == 7 / 12
    assert (result.alone_low, result.alone_high) == (wilson(7, 12).low, wilson(7, 12).high)
    assert result.worth == pytest.approx(1.5167, abs=1e-3)
    powered = wilson(14 * result.value, 14)
    assert (result.low, result.high) == (powered.low, powered.high)


def test_a_perfect_judge_is_worth_a_vote_on_every_prompt_that_it_saw() -> None:
    """What is left open is nothing, so 20 votes count as the 100 verdicts, but for n - 1: 99."""
    powered = estimate(named([1.0, 0.0] * 10), named([1.0, 0.0] * 50))
    assert powered.worth == pytest.approx(79)
    assert (powered.low, powered.high) == (wilson(49.5, 99).low, wilson(49.5, 99).high)


def test_several_voters_on_each_prompt_count_for_more_than_one() -> None:
    """Shares of .4 and .6 vary less than single votes: Student's half width stays, in Wilson's form."""
    votes = [0.4, 0.6] * 10
    powered = estimate(named(votes), named([1.0, 0.0, 0.0, 1.0] * 10))
    half = float(stats.t.ppf(0.975, 19) * np.std(votes, ddof=1) / np.sqrt(20))
    assert powered.alone_high - powered.alone == pytest.approx(half, rel=0.01)


def test_a_judge_that_knows_nothing_changes_nothing() -> None:
    votes = [1.0, 0.0] * 10
    powered = estimate(named(votes), named([1.0, 1.0, 0.0, 0.0] * 15))
    assert powered.tuning == 0
    assert (powered.value, powered.low, powered.high) == (
        powered.alone,
        powered.alone_low,
        powered.alone_high,
    )
    assert powered.worth == 0


@pytest.mark.parametrize("seed", range(40))
def test_an_interval_holds_its_estimate_and_stays_on_the_scale(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = rng.binomial(3, rng.random() ** 3, size=20) / 3
    verdicts = rng.choice([0.0, 0.5, 1.0], size=50)
    verdicts[:20] = np.where(rng.random(20) < rng.random(), votes, verdicts[:20])
    powered = estimate(named(votes.tolist()), named(verdicts.tolist()))
    assert 0 <= powered.low <= powered.value <= powered.high <= 1
    assert powered.low < powered.high


def test_unanimous_votes_are_not_certain() -> None:
    powered = estimate(named([1.0] * 20), named([1.0] * 30))
    assert powered.low == pytest.approx(20 / (20 + 3.841459), abs=1e-6)
    assert powered.high == 1


def test_it_needs_ten_votes_and_verdicts_on_all_of_them() -> None:
    assert estimate(named([1.0, 0.0] * 5), named([0.0] * LEAST)).voted == LEAST
    with pytest.raises(StatisticsError, match="9 voted prompts"):
        estimate(named([1.0] * (LEAST - 1)), named([1.0] * 20))
    with pytest.raises(StatisticsError, match="no verdict"):
        estimate(named([1.0] * 20), named([1.0] * 19))


def test_how_many_votes_a_judge_saves() -> None:
    """194 find 60 %. At ρ = .8 and 1,000 judged: .36 / (1/194 - .64/1000) = 79.8."""
    alone = significance.sample_size(0.6)
    assert votes_needed(alone, 0.8, 1000) == 80
    assert votes_needed(alone, 0.0, 1000) == alone
    assert votes_needed(alone, 1.0, 1000) == LEAST
    assert votes_needed(alone, 0.8, alone) == alone
    with pytest.raises(StatisticsError, match="too few"):
        votes_needed(alone, 0.8, alone - 1)
    with pytest.raises(StatisticsError, match="correlation"):
        votes_needed(alone, 1.1, 1000)
