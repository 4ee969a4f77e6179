"""The report's numbers as facts, under names that cards can rely on.

``table-2/LANGUAGE/ROW/COLUMN`` (percent), ``table-3`` and ``table-4/LANGUAGE/VARIANT/METRIC``,
``language-confusion/LANGUAGE/VARIANT/THRESHOLD``, ``mean-place``, ``friedman``, ``strength``,
``plackett-luce``, ``flips/LANGUAGE/BETTER/WORSE``,
``rating/LANGUAGE/VARIANT/DIMENSION``, ``alpha/LANGUAGE/DIMENSION``, ``concordance/LANGUAGE/METRIC``,
``genre-wins`` and ``genre-rating/LANGUAGE/GENRE``, ``reasoning/LANGUAGE/VARIANT/BEHAVIOUR``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.preference.bootstrap import Interval
from coig_writer.triplet import Language
from eval_tasks.report.analysis import Analysis, Preference
from eval_tasks.report.tables import confusion, measures
from eval_tasks.runs import Runs

METRICS = {"tokens": "tokens", "chars": "characters", "ttr": None, "mattr_100": None}


def facts(runs: Runs, analyses: Mapping[Language, Analysis], command: str) -> list[Fact]:
    """Returns every number of the report; each names the records that it was computed from."""
    sources = {
        "ballots": rows_sha256(runs.ballots),
        "scores": rows_sha256(runs.scores),
        "generations": rows_sha256(runs.generations),
    }
    found: list[Fact] = []
    for language, analysis in analyses.items():
        for source, fact in (
            *(("ballots", f) for f in _preferences(analysis)),
            *(("scores", f) for f in _means(runs, language)),
            *(("scores", f) for f in _confusion(runs, language)),
            *(("ballots", f) for f in _ratings(analysis)),
            *(("ballots", f) for f in _severity(analysis)),
            *(("scores", f) for f in _relations(analysis)),
            *(("generations", f) for f in _reasoning(analysis)),
        ):
            found.append(dataclasses.replace(fact, command=command, artefact=sources[source]))
    return found


def _interval(name: str, interval: Interval, scale: float = 1, unit: str | None = None) -> Fact:
    return Fact(
        name,
        scale * interval.estimate,
        interval.n,
        scale * interval.low,
        scale * interval.high,
        unit,
    )


def _preferences(found: Analysis) -> Iterator[Fact]:
    yield from _places(found)
    if found.preference is not None:
        for (row, column), rate in found.preference.rates.items():
            yield _interval(f"table-2/{found.language}/{row}/{column}", rate, 100, "percent")
        yield from _strengths(found.preference, found.language)
        yield from _flips(found.preference, found.language)


def _strengths(found: Preference, language: Language) -> Iterator[Fact]:
    for standing in found.board.standings:
        yield _interval(f"strength/{language}/{standing.model}", standing.strength)
    if not isinstance(found.plackett_luce, str):
        for variant, strength in found.plackett_luce.items():
            yield _interval(f"plackett-luce/{language}/{variant}", strength)


def _flips(found: Preference, language: Language) -> Iterator[Fact]:
    if found.visible is not None:
        name = f"visible/{language}"
        yield Fact(name, 100 * found.visible.rate, found.visible.prompts, unit="percent")
    for pair in found.conclusions:
        if pair.flips is not None:
            name = f"flips/{language}/{pair.better}/{pair.worse}"
            yield Fact(name, pair.flips, pair.majority.n, unit="prompts")


def _places(found: Analysis) -> Iterator[Fact]:
    test, language = found.friedman, found.language
    if test is None:
        return
    for variant, place in test.mean_places.items():
        yield Fact(f"mean-place/{language}/{variant}", place, test.n)
    yield Fact(f"friedman/{language}/statistic", test.statistic, test.n)
    yield Fact(f"friedman/{language}/p", test.p, test.n)
    yield Fact(f"friedman/{language}/kendall-w", test.kendall_w, test.n)


def _means(runs: Runs, language: Language) -> Iterator[Fact]:
    for metric, unit in METRICS.items():
        table = "table-3" if metric in ("tokens", "chars") else "table-4"
        for variant, measure in measures(runs, metric, language).items():
            if measure.mean is not None and measure.median is not None:
                name, interval = f"{table}/{language}/{variant}/{metric}", measure.interval
                low, high = (interval.low, interval.high) if interval else (None, None)
                yield Fact(name, measure.mean, measure.n, low, high, unit)
                yield Fact(f"{name}-median", measure.median, measure.n, unit=unit)


def _confusion(runs: Runs, language: Language) -> Iterator[Fact]:
    for (variant, threshold), rate in confusion(runs, language).items():
        name = f"language-confusion/{language}/{variant}/{threshold}"
        yield Fact(name, 100 * rate.value, rate.n, 100 * rate.low, 100 * rate.high, "percent")


def _ratings(found: Analysis) -> Iterator[Fact]:
    for genre, mean_rating in found.genre_ratings.items():
        name = f"genre-rating/{found.language}/{genre}"
        yield Fact(name, mean_rating.value, mean_rating.n, mean_rating.low, mean_rating.high)
    for genre, rate in found.genre_wins.items():
        name = f"genre-wins/{found.language}/{genre}"
        yield Fact(name, 100 * rate.value, rate.n, 100 * rate.low, 100 * rate.high, "percent")
    if found.ratings is None:
        return
    for (variant, dimension), mean in found.ratings.means.items():
        yield _interval(f"rating/{found.language}/{variant}/{dimension}", mean)
    for dimension, alpha in found.ratings.alphas.items():
        if not isinstance(alpha, str):
            name = f"alpha/{found.language}/{dimension}"
            yield Fact(name, alpha.value, alpha.units, alpha.low, alpha.high)


def _severity(found: Analysis) -> Iterator[Fact]:
    for place, rater in enumerate(found.ratings.severity if found.ratings else (), 1):
        if rater.above is not None:
            yield _interval(f"severity/{found.language}/rater-{place}", rater.above)


def _relations(found: Analysis) -> Iterator[Fact]:
    for metric, relation in found.associations.items():
        yield _interval(
            f"concordance/{found.language}/{metric}", relation.concordance, 100, "percent"
        )
    for (coherent, diverse), interval in found.coherence.items():
        yield _interval(f"coherence/{found.language}/{coherent}/{diverse}", interval)


def _reasoning(found: Analysis) -> Iterator[Fact]:
    for variant, reasoning in found.reasoning.items():
        for behaviour, share in reasoning.shares.items():
            yield _interval(
                f"reasoning/{found.language}/{variant}/{behaviour}", share, 100, "percent"
            )
