"""How good a reward model is on prompts it never saw: accuracy, calibration, and its taste for length."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import expit

from coig_writer.facts import Fact
from coig_writer.metrics.length import characters
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.pairs import Floats, Ints
from coig_writer.reward.preferences import Preference

BINS = 5
# Accuracy of others on WritingPreferenceBench, other prompts and raters than ours (arXiv 2510.14616).
SEQUENCE_MODELS = 0.527
FIELD = f"sequence reward models {SEQUENCE_MODELS}, generative ones 0.73 to 0.82 on WritingPreferenceBench (arXiv 2510.14616)"
Bools = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of like confidence: mean confidence that the model's pick is right, and how often it is."""

    n: int
    confidence: float
    accuracy: float


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error over equal-sized bins, Brier score, and log loss (nats)."""

    error: float
    brier: float
    log_loss: float
    bins: tuple[Bin, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class LengthBias:
    """Taste for length, intervals by prompt. None where such pairs lie on fewer than two prompts.

    ``raters_prefer_longer`` is the share of pairs whose longer article was chosen,
    ``model_prefers_longer`` the share whose longer article got the higher reward. Accuracy is given
    apart for pairs where the longer and where the shorter was chosen: a model that only measures
    length is right on all of the first and none of the second. ``spearman`` relates differences in
    reward and in length.
    """

    raters_prefer_longer: Interval | None
    model_prefers_longer: Interval | None
    accuracy_longer_chosen: Interval | None
    accuracy_shorter_chosen: Interval | None
    spearman: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Of held-out pairs; the interval of the accuracy resamples prompts."""

    accuracy: Interval
    calibration: Calibration
    length: LengthBias


def report(pairs: Sequence[Preference], margins: Sequence[float] | Floats) -> Report:
    """Measures a model.

    Args:
        pairs: Held-out preferences.
        margins: Reward of the chosen minus reward of the rejected article, per pair.

    Raises:
        StatisticsError: Fewer than two prompts.
    """
    margin = np.asarray(margins, dtype=np.float64)
    right = (margin > 0) + (margin == 0) / 2
    _, clusters = np.unique([p.query_id for p in pairs], return_inverse=True)
    return Report(
        bootstrap.mean(right, clusters, scale=bootstrap.SHARE),
        calibration(margin),
        length_bias(pairs, margin),
    )


def calibration(margin: Floats) -> Calibration:
    """Compares the Bradley–Terry chance σ(|margin|) of the model's pick with how often it is right."""
    order = np.argsort(np.abs(margin), kind="stable")
    confidence, right = expit(np.abs(margin))[order], (margin > 0)[order] + (margin == 0)[order] / 2
    bins = tuple(
        Bin(len(part), float(confidence[part].mean()), float(right[part].mean()))
        for part in np.array_split(np.arange(len(margin)), BINS)
        if len(part)
    )
    error = sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / len(margin)
    chance = expit(margin)
    return Calibration(
        float(error),
        float(((1 - chance) ** 2).mean()),
        float(np.logaddexp(0, -margin).mean()),
        bins,
    )


def length_bias(pairs: Sequence[Preference], margin: Floats) -> LengthBias:
    """Relates rewards and choices to length in characters."""
    difference = np.array([characters(p.chosen) - characters(p.rejected) for p in pairs])
    _, clusters = np.unique([p.query_id for p in pairs], return_inverse=True)
    longer, shorter = difference > 0, difference < 0
    differs = longer | shorter
    spread = len(pairs) > 2 and bool(np.ptp(difference)) and bool(np.ptp(margin))
    return LengthBias(
        _rate(longer, differs, clusters),
        _rate(np.sign(margin) == np.sign(difference), differs, clusters),
        _rate(margin > 0, longer, clusters),
        _rate(margin > 0, shorter, clusters),
        float(stats.spearmanr(margin, difference).statistic) if spread else None,
    )


def _rate(hits: Bools, among: Bools, clusters: Ints) -> Interval | None:
    _, cluster_ids = np.unique(clusters[among], return_inverse=True)
    if len(np.unique(cluster_ids)) < 2:
        return None
    return bootstrap.mean(hits[among].astype(np.float64), cluster_ids, scale=bootstrap.SHARE)


def facts(report: Report, prefix: str = "reward") -> list[Fact]:
    """Turns a report into facts, whose ids begin with ``prefix``."""
    accuracy, measured = report.accuracy, report.calibration
    entries = [
        Fact(
            f"{prefix}/accuracy",
            accuracy.estimate,
            n=accuracy.n,
            low=accuracy.low,
            high=accuracy.high,
        ),
        Fact(f"{prefix}/held_out_prompts", accuracy.clusters),
        Fact(f"{prefix}/calibration_error", measured.error, n=accuracy.n),
        Fact(f"{prefix}/brier", measured.brier, n=accuracy.n),
        Fact(f"{prefix}/log_loss", measured.log_loss, n=accuracy.n, unit="nats"),
    ]
    for field in dataclasses.fields(LengthBias):
        value = getattr(report.length, field.name)
        if isinstance(value, Interval):
            entries.append(
                Fact(
                    f"{prefix}/{field.name}",
                    value.estimate,
                    n=value.n,
                    low=value.low,
                    high=value.high,
                )
            )
    if report.length.spearman is not None:
        entries.append(Fact(f"{prefix}/spearman_length", report.length.spearman, n=accuracy.n))
    return entries


def rendered(report: Report) -> str:
    """Renders a report as text."""
    a, c = report.accuracy, report.calibration
    lines = [
        f"accuracy             {a.estimate:.3f} [{a.low:.3f}, {a.high:.3f}]  {a.n} pairs, {a.clusters} held-out prompts, interval by prompt"
        + (" (few prompts: too narrow)" if a.few_clusters else ""),
        f"beside the field     {FIELD}, on other prompts",
        f"calibration error    {c.error:.3f}   Brier {c.brier:.3f}   log loss {c.log_loss:.3f} (a coin: 0.250, 0.693)",
    ]
    lines += [
        f"  of {b.n} pairs: confidence {b.confidence:.3f}, right {b.accuracy:.3f}" for b in c.bins
    ]
    for field in dataclasses.fields(LengthBias):
        value = getattr(report.length, field.name)
        name = field.name.replace("_", " ")
        shown = (
            f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]  {value.n} pairs"
            if isinstance(value, Interval)
            else "none"
            if value is None
            else f"{value:+.3f}"
        )
        lines.append(f"{name:<26}{shown}")
    return "\n".join(lines)
