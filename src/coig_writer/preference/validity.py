"""Does a metric predict what people prefer at equal length? Only then one of its ends is better.

Within each prompt: Spearman's correlation of metric and success, and the partial one given the rank of
length. A metric earns a direction where the partial correlation, averaged over prompts, differs from
zero for other prompts *and* for other models (a jackknife over models: a metric that merely recognises
one model would pass the first), after Holm's correction over all metrics asked together
(docs/decisions/0035-validity.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from coig_writer.errors import StatisticsError
from coig_writer.preference import association, bootstrap
from coig_writer.preference.bootstrap import BY_QUERY, Interval, Resampling
from coig_writer.preference.pairs import Floats, Pairs
from coig_writer.preference.significance import holm

Better = Literal["higher", "lower"]
Values = Mapping[tuple[str, str], float]  # (model, query id) → value
ALPHA = 0.05
LEAST = 4  # answers to a prompt below which nothing is left once length is held
ALIKE = 1e-9  # a metric whose ranks are length's own leaves nothing to correlate


@dataclasses.dataclass(frozen=True, slots=True)
class Validity:
    """What a metric is worth as a predictor; intervals resample prompts.

    Attributes:
        metric: The metric.
        concordance: Share of decided pairs in which the better text has the higher value.
        rho: Spearman's correlation with success, within prompts.
        given_length: Partial rank correlation with success given length, within prompts; null where fewer than two
            prompts have 4 answers that tell the metric from length.
        p: Of ``given_length``; null where that is.
        corrected: p after Holm's method; null for a metric outside the family.
        better: Which end is better; null where the metric describes and does not rate.
        prompts: How many prompts it was measured on.
        answers: How many answers.
    """

    metric: str
    concordance: Interval
    rho: Interval | None
    given_length: Interval | None
    p: float | None
    corrected: float | None
    better: Better | None
    prompts: int
    answers: int


def validate(
    pairs: Pairs,
    metrics: Mapping[str, Values],
    lengths: Values,
    descriptive: Sequence[str] = (),
    plan: Resampling = BY_QUERY,
) -> dict[str, Validity]:
    """Asks every metric; those without two differing values in a decided pair are left out.

    Args:
        pairs: What people preferred.
        metrics: Metric → its values.
        lengths: Characters.
        descriptive: Metrics that are amounts of text: shown, never given a direction.
        plan: How to resample.
    """
    estimates = {
        metric: _alone(metric, pairs, values, lengths, plan) for metric, values in metrics.items()
    }
    validities = {
        metric: estimate for metric, estimate in estimates.items() if estimate is not None
    }
    family = {m: v.p for m, v in validities.items() if v.p is not None and m not in descriptive}
    if not family:
        return validities
    for metric, corrected in zip(family, holm(list(family.values())), strict=True):
        validities[metric] = _decided(validities[metric], corrected)
    return validities


def _decided(validity: Validity, corrected: float) -> Validity:
    assert validity.given_length is not None
    rises = validity.given_length.estimate > 0
    earned: Better | None = None
    if corrected < ALPHA:
        earned = "higher" if rises else "lower"
    return dataclasses.replace(validity, corrected=corrected, better=earned)


def _alone(
    metric: str, pairs: Pairs, values: Values, lengths: Values, plan: Resampling
) -> Validity | None:
    try:
        related = association.associate(metric, pairs, values, plan)
    except StatisticsError:
        return None  # it never varies within a prompt: nothing to ask
    success = association.success(pairs)
    known = [_table(pairs, table) for table in (values, success, lengths)]
    held = given_length(*known)
    interval = None
    if (per_prompt := held.by_prompt).size > 1:
        interval = bootstrap.mean(per_prompt, np.arange(per_prompt.size), plan, scale=(-1.0, 1.0))
    return Validity(
        metric, related.concordance, related.spearman, interval, held.p, None, None,
        related.prompts, int((~np.isnan(known[0]) & ~np.isnan(known[1])).sum()),
    )  # fmt: skip


def _table(pairs: Pairs, values: Values) -> Floats:
    return np.array(
        [[values.get((m, q), np.nan) for m in pairs.labels] for q in pairs.query_ids],
        dtype=np.float64,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Partial:
    """Partial correlations, one per usable prompt, and the p-value of their mean; None under two prompts."""

    by_prompt: Floats
    p: float | None


def given_length(values: Floats, success: Floats, lengths: Floats) -> Partial:
    """Correlates a metric with success given length, within prompts.

    Args:
        values: Prompts × models; NaN where there is no answer or no value.
        success: The same, of the share of comparisons won.
        lengths: The same in characters.

    Returns:
        The partial rank correlations, and the larger of two p-values of their mean: Student's over
        prompts, and over models by the jackknife.
    """
    absent = np.isnan(values) | np.isnan(success) | np.isnan(lengths)
    kept = (~absent).sum(axis=1) >= LEAST
    ranks = [
        stats.rankdata(np.where(absent, np.nan, x)[kept], axis=1, nan_policy="omit")
        for x in (values, success, lengths)
    ]
    whole, without = _partial(*ranks)
    usable = ~np.isnan(whole)
    whole, without = whole[usable], without[usable]
    if len(whole) < 2:
        return Partial(whole, None)
    # where leaving a model out leaves nothing, the prompt keeps its whole correlation
    left = np.where(np.isnan(without), whole[:, None], without).mean(axis=0)
    centre, models = float(whole.mean()), int((~absent).any(axis=0).sum())
    prompts_error = float(whole.std(ddof=1)) / np.sqrt(len(whole))
    spread = left[(~absent).any(axis=0)]
    models_error = float(np.sqrt((models - 1) * spread.var()))
    p = max(
        _student(centre, prompts_error, len(whole) - 1), _student(centre, models_error, models - 1)
    )
    return Partial(whole, p)


def _student(centre: float, error: float, degrees: int) -> float:
    if error <= ALIKE:
        return 1.0  # no spread to measure the mean against
    return float(2 * stats.t.sf(abs(centre) / error, degrees))


def _partial(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Returns partial correlations of x and y given z by row, whole and without each column in turn."""
    here = (~np.isnan(x)).astype(np.float64)
    x, y, z = (np.nan_to_num(a) for a in (x, y, z))
    columns = np.stack([x, y, z])
    n = here.sum(axis=1)
    sums, products = columns.sum(axis=2), np.einsum("amn,bmn->abm", columns, columns)
    whole = _from_sums(n, sums, products)
    less = columns[:, None] * columns[None]
    without = _from_sums(
        n[:, None] - here, sums[:, :, None] - columns, products[:, :, :, None] - less
    )
    return whole, np.where(here > 0, without, np.nan)


def _from_sums(n: Floats, sums: Floats, products: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = products - sums[:, None] * sums[None] / n
        spread = np.array([covariance[i, i] for i in range(3)])
        flat = (spread <= ALIKE).any(axis=0)
        xy, xz, yz = (
            covariance[i, j] / np.sqrt(spread[i] * spread[j]) for i, j in ((0, 1), (0, 2), (1, 2))
        )
        room = (1 - xz**2) * (1 - yz**2)
        partial = (xy - xz * yz) / np.sqrt(np.maximum(room, 0))
    return np.asarray(np.where(flat | (room <= ALIKE), np.nan, np.clip(partial, -1, 1)))
