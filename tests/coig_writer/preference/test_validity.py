"""A metric earns a direction by predicting preference at equal length, and by nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from coig_writer.ballot import Comparison
from coig_writer.preference.bootstrap import Resampling
from coig_writer.preference.pairs import Floats, encode
from coig_writer.preference.validity import given_length, validate

PROMPTS, MODELS = 101, 12
QUICK = Resampling(rounds=200)
NAMES = [f"m{j:02}" for j in range(MODELS)]


def scored(seed: int) -> tuple[Floats, Floats]:
    """Scores 0–3 that rise with quality and with length, and the lengths."""
    rng = np.random.default_rng(seed)
    lengths = rng.normal(size=(PROMPTS, MODELS)) + rng.normal(size=MODELS)
    quality = rng.normal(size=(PROMPTS, MODELS)) + 0.5 * rng.normal(size=MODELS)
    return np.clip(np.round(1.5 + 0.6 * quality + 0.5 * lengths), 0, 3), lengths


def spread(scores: Floats) -> float:
    return float(np.sqrt(scores.var(axis=1, ddof=1).mean()))


def values(table: Floats) -> dict[tuple[str, str], float]:
    return {
        (m, f"q{i:03}"): float(table[i, j]) for i in range(len(table)) for j, m in enumerate(NAMES)
    }


def compared(scores: Floats) -> list[Comparison]:
    return [
        Comparison(f"q{i:03}", "r", NAMES[a], NAMES[b], (1 + float(np.sign(row[a] - row[b]))) / 2)
        for i, row in enumerate(scores)
        for a, b in itertools.combinations(range(MODELS), 2)
    ]


def test_partial_correlations_are_the_textbooks() -> None:
    scores, lengths = scored(0)
    metric = scores + np.random.default_rng(1).normal(size=scores.shape)
    metric[3, 5] = np.nan
    result = given_length(metric, scores, lengths).by_prompt

    def rank_correlation(a: Floats, b: Floats) -> float:
        return float(stats.spearmanr(a, b).statistic)

    kept = ~np.isnan(metric[3])
    x, y, z = metric[3, kept], scores[3, kept], lengths[3, kept]
    xy, xz, yz = rank_correlation(x, y), rank_correlation(x, z), rank_correlation(y, z)
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert result[3] == pytest.approx(expected)


def test_the_score_with_noise_earns_an_arrow_and_length_does_not() -> None:
    scores, lengths = scored(2)
    rng = np.random.default_rng(3)
    noise = rng.normal(scale=spread(scores), size=(3, *scores.shape))
    metrics = {
        "score": scores + noise[0],
        "worse": -scores + noise[1],
        "length": lengths,
        "length_told_otherwise": np.exp(lengths),
        "length_with_noise": lengths + rng.normal(scale=spread(lengths), size=lengths.shape),
        "noise": noise[2],
        "model": np.broadcast_to(rng.normal(size=MODELS), scores.shape),
    }
    pairs = encode(compared(scores))
    named = {name: values(table) for name, table in metrics.items()}
    validities = validate(pairs, named, values(lengths), plan=QUICK)
    earned = {name: v.better for name, v in validities.items()}
    assert earned.pop("score") == "higher"
    assert earned.pop("worse") == "lower"
    assert set(earned.values()) == {None}
    length = validities["length"]
    assert length.rho is not None
    assert length.rho.low > 0.1  # it predicts, and yet
    assert (length.given_length, length.p, length.corrected) == (None, None, None)
    assert validities["score"].given_length is not None
    assert validities["score"].given_length.low > 0.3
    assert (validities["score"].prompts, validities["score"].answers) == (PROMPTS, PROMPTS * MODELS)
    described = validate(pairs, {"score": named["score"]}, values(lengths), ("score",), QUICK)
    assert (described["score"].corrected, described["score"].better) == (None, None)


@pytest.mark.parametrize("kind", ["answer", "model"])
def test_chance_earns_an_arrow_no_more_often_than_it_may(kind: str) -> None:
    """At 5 % 200 seeds give 10, and more than 18 once in 150 times. A mark of the model is chance too."""
    scores, lengths = scored(4)
    earned = 0
    for seed in range(200):
        rng = np.random.default_rng([5, seed])
        shape = scores.shape if kind == "answer" else (1, MODELS)
        metric = np.broadcast_to(rng.normal(size=shape), scores.shape)
        p = given_length(metric, scores, lengths).p
        earned += p is not None and p < 0.05
    assert earned <= 18


@pytest.mark.parametrize(("answers", "usable"), [(4, True), (3, False)])
def test_a_prompt_needs_four_answers(answers: int, *, usable: bool) -> None:
    """Of four, a sixth of all orders is length's own or its reverse, for the metric or the score."""
    scores = np.random.default_rng(6).normal(size=(3, PROMPTS, answers))
    partial = given_length(*scores)
    assert (70 < len(partial.by_prompt) < 98) if usable else len(partial.by_prompt) == 0
    assert (partial.p is not None) == usable


def test_the_family_is_corrected_together() -> None:
    scores, lengths = scored(7)
    rng = np.random.default_rng(8)
    weak = scores + rng.normal(scale=9 * spread(scores), size=scores.shape)
    pairs, held = encode(compared(scores)), values(lengths)
    alone = validate(pairs, {"weak": values(weak)}, held, plan=QUICK)["weak"]
    crowd = {f"m{i}": values(rng.normal(size=scores.shape)) for i in range(9)}
    among = validate(pairs, {"weak": values(weak), **crowd}, held, plan=QUICK)["weak"]
    assert alone.p is not None
    assert alone.corrected == alone.p == among.p
    assert among.corrected is not None
    assert among.corrected >= 5 * alone.p
