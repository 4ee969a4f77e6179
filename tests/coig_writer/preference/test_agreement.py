from __future__ import annotations

import dataclasses
import json

import krippendorff
import numpy as np
import pytest

from coig_writer.ballot import Ballot
from coig_writer.errors import StatisticsError
from coig_writer.preference.agreement import Rating, alpha, tau
from coig_writer.preference.bootstrap import Resampling
from coig_writer.preference.rankings import encode

QUICK = Resampling(rounds=200)


def simulated(units: int, seed: int, missing: float = 0.15) -> tuple[list[Rating], np.ndarray]:
    """Four raters, 0–3, some ratings missing: as ratings and as the matrix that krippendorff takes."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=units)
    matrix = np.clip(np.round(1.5 + truth + rng.normal(0, 0.8, size=(4, units))), 0, 3)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    ratings = [
        Rating(f"u{u}", f"r{r}", matrix[r, u])
        for r in range(4)
        for u in range(units)
        if not np.isnan(matrix[r, u])
    ]
    return ratings, matrix


@pytest.mark.parametrize("metric", ["ordinal", "nominal"])
def test_agrees_with_krippendorff(metric) -> None:
    ratings, matrix = simulated(300, 0, missing=0.4)
    agreement = alpha(ratings, metric, QUICK)
    reference = krippendorff.alpha(reliability_data=matrix, level_of_measurement=metric)
    assert agreement.value == pytest.approx(reference, abs=1e-12)
    assert agreement.units + agreement.unpaired == len({r.unit for r in ratings})
    assert agreement.low < agreement.value < agreement.high


def test_unit_bootstrap_agrees_with_resampling_by_hand() -> None:
    ratings, matrix = simulated(200, 1)
    agreement = alpha(ratings, plan=Resampling(rounds=1000))
    rng = np.random.default_rng(5)
    drawn = [
        krippendorff.alpha(
            reliability_data=matrix[:, rng.integers(0, 200, 200)], level_of_measurement="ordinal"
        )
        for _ in range(400)
    ]
    assert (agreement.low, agreement.high) == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]), abs=0.02
    )


def test_answers_to_one_prompt_are_resampled_together() -> None:
    """Ten copies of every unit on its prompt say nothing new: the interval stays as wide."""
    ratings, _ = simulated(60, 3)
    once = alpha([dataclasses.replace(r, prompt=r.unit) for r in ratings])
    copies = [
        dataclasses.replace(r, unit=f"{r.unit}/{i}", prompt=r.unit)
        for r in ratings
        for i in range(10)
    ]
    often, alone = alpha(copies), alpha([dataclasses.replace(r, prompt="") for r in copies])
    assert once.prompts == often.prompts
    assert alone.prompts > 9 * often.prompts
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.02)
    assert alone.high - alone.low < 0.5 * (often.high - often.low)


def test_one_prompt_leaves_everything_open() -> None:
    ratings, _ = simulated(30, 4)
    agreement = alpha([dataclasses.replace(r, prompt="q") for r in ratings])
    assert (agreement.low, agreement.high, agreement.prompts) == (-1, 1, 1)


def test_order_and_names_do_not_matter() -> None:
    ratings, _ = simulated(80, 2)
    renamed = [dataclasses.replace(r, rater=f"x{r.rater}", unit=r.unit) for r in ratings[::-1]]
    assert alpha(renamed, plan=QUICK) == alpha(ratings, plan=QUICK)


@pytest.mark.parametrize(
    ("ratings", "says"),
    [
        ([Rating("u1", "r1", 1), Rating("u2", "r1", 2)], "agreement is unknown"),
        ([Rating("u1", "r1", 1), Rating("u1", "r1", 2)], "rated u1 twice"),
        ([Rating(f"u{i}", r, 2) for i in range(3) for r in "ab"], "α is undefined"),
        ([], "agreement is unknown"),
    ],
)
def test_what_has_no_agreement_is_refused(ratings: list[Rating], says: str) -> None:
    with pytest.raises(StatisticsError, match=says):
        alpha(ratings)


def test_kendalls_tau_is_averaged_over_pairs_of_raters_then_over_prompts():
    """On q0 the orders abc, abc, cba give τ of 1, -1, -1; on q1 abc and acb give 1/3; q2 has one rater."""
    orders = {"q0": ("abc", "abc", "cba"), "q1": ("abc", "acb"), "q2": ("abc",)}
    ballots = [
        Ballot(f"{q}{i}", "s", "ranking", q, q, f"r{i}", 0, tuple("abc"), json.dumps([*order]))
        for q, given in orders.items()
        for i, order in enumerate(given)
    ]
    result = tau(encode(ballots))
    assert result is not None
    assert result.estimate == pytest.approx((-1 / 3 + 1 / 3) / 2)
    assert result.n == 2
    assert -1 <= result.low < result.estimate < result.high <= 1
    assert tau(encode([b for b in ballots if b.query_id != "q1"])) is None
