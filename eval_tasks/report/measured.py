"""The report's numbers as facts, under names that cards can rely on.

``table-2/LANGUAGE/ROW/COLUMN`` (percent), ``table-3`` and ``table-4/LANGUAGE/VARIANT/METRIC``,
``measure/LANGUAGE/VARIANT/METRIC``, ``language-confusion/LANGUAGE/VARIANT/THRESHOLD``, ``mean-place``,
``friedman``, ``strength``, ``plackett-luce``, ``places``, ``votes/LANGUAGE/…``, ``visible``,
``pair/LANGUAGE/BETTER/WORSE/…``, ``flips/LANGUAGE/BETTER/WORSE``, ``by-cluster``, ``equal-length``,
``equal-style``, ``judge``, ``votes-and-judge``, ``rating/LANGUAGE/VARIANT/DIMENSION``, ``alpha/LANGUAGE/DIMENSION``, ``ratings``, ``severity``,
``concordance/LANGUAGE/METRIC``, ``genre-wins`` and ``genre-rating/LANGUAGE/GENRE``,
``reasoning/LANGUAGE/VARIANT/BEHAVIOUR`` and its states.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.control.length_control import LengthControlled
from coig_writer.preference.control.style_control import StyleControl
from coig_writer.preference.prediction_powered import Powered
from coig_writer.triplet import Language
from eval_tasks.report.analysis import Analysis, Preference
from eval_tasks.report.tables import SHOWN, confusion, measures
from eval_tasks.runs import Runs

UNITS = {"tokens": "tokens", "chars": "characters"}
TABLES = {"tokens": "table-3", "chars": "table-3", "ttr": "table-4", "mattr_100": "table-4"}


def facts(
    runs: Runs, analyses: Mapping[Language, Analysis], command: str, more: Sequence[str] = ()
) -> list[Fact]:
    """Returns every number of the report; each names the records that it was computed from.

    Args:
        runs: What was read.
        analyses: By language.
        command: The command line that recomputes.
        more: Metrics shown on demand.
    """
    sources = {
        "ballots": rows_sha256(runs.ballots),
        "scores": rows_sha256(runs.scores),
        "generations": rows_sha256(runs.generations),
        "judgements": rows_sha256(runs.judgements),
    }
    numbers: list[Fact] = []
    for language, analysis in analyses.items():
        for source, fact in (
            *(("ballots", f) for f in _preferences(analysis)),
            *(("scores", f) for f in _means(runs, language, (*SHOWN, *more))),
            *(("scores", f) for f in _confusion(runs, language)),
            *(("ballots", f) for f in _ratings(analysis)),
            *(("ballots", f) for f in _severity(analysis)),
            *(("ballots", f) for f in _control(analysis)),
            *(("judgements", f) for f in _judged(analysis)),
            *(("scores", f) for f in _relations(analysis)),
            *(("generations", f) for f in _reasoning(analysis)),
        ):
            numbers.append(dataclasses.replace(fact, command=command, artefact=sources[source]))
    return numbers


def _interval(name: str, interval: Interval, scale: float = 1, unit: str | None = None) -> Fact:
    return Fact(
        name,
        scale * interval.estimate,
        interval.n,
        scale * interval.low,
        scale * interval.high,
        unit,
    )


def _preferences(analysis: Analysis) -> Iterator[Fact]:
    yield from _places(analysis)
    if analysis.preference is not None:
        for (row, column), rate in analysis.preference.rates.items():
            yield _interval(f"table-2/{analysis.language}/{row}/{column}", rate, 100, "percent")
        yield from _strengths(analysis.preference, analysis.language)
        yield from _votes(analysis.preference, analysis.language)


def _strengths(preference: Preference, language: Language) -> Iterator[Fact]:
    for standing in preference.board.standings:
        yield _interval(f"strength/{language}/{standing.model}", standing.strength)
        best, worst = standing.places
        yield Fact(f"places/{language}/{standing.model}/best", best)
        yield Fact(f"places/{language}/{standing.model}/worst", worst)
    if not isinstance(preference.plackett_luce, str):
        for variant, strength in preference.plackett_luce.items():
            yield _interval(f"plackett-luce/{language}/{variant}", strength)


def _votes(preference: Preference, language: Language) -> Iterator[Fact]:
    """What was cast, what it could show, and what it decides pair by pair."""
    head, cast = f"votes/{language}", preference.board
    yield Fact(f"{head}/comparisons", cast.comparisons)
    yield Fact(f"{head}/prompts", cast.prompts)
    yield Fact(f"{head}/raters", cast.raters)
    yield _interval(f"{head}/ties", cast.tie_rate, 100, "percent")
    for what, n in preference.set_aside.items():
        yield Fact(f"{head}/{what.replace(' ', '-')}", n)
    if preference.visible is not None:
        seen = preference.visible
        yield Fact(f"visible/{language}", 100 * seen.rate, seen.prompts, unit="percent")
    yield Fact(f"{head}/pairs", len(preference.conclusions))
    yield Fact(f"{head}/decided", len(preference.decided))
    for pair in preference.conclusions:
        name = f"pair/{language}/{pair.better}/{pair.worse}"
        yield _interval(f"{name}/rate", pair.rate, 100, "percent")
        yield Fact(f"{name}/prompts", round(pair.majority.successes), pair.majority.n)
        yield Fact(f"{name}/p", pair.p, pair.majority.n)
        yield Fact(f"{name}/p-corrected", pair.corrected, pair.majority.n)
        if pair.flips is not None:
            name = f"flips/{language}/{pair.better}/{pair.worse}"
            yield Fact(name, pair.flips, pair.majority.n, unit="prompts")


def _control(analysis: Analysis) -> Iterator[Fact]:
    """The compared pair by what is resampled and at equal length, and the board at equal style."""
    language, held, style = analysis.language, analysis.equal_length, analysis.style
    if analysis.pair is not None:
        pair = "/".join(analysis.pair)
        for way, rate in analysis.by_cluster.items():
            name = f"by-cluster/{language}/{pair}/{way.replace(' ', '-')}"
            yield _interval(name, rate, 100, "percent")
            yield Fact(f"{name}/clusters", rate.clusters)
        if held is not None and not isinstance(held, str):
            yield from _equal_length(f"equal-length/{language}/{pair}", held)
    if style is not None and not isinstance(style, str):
        yield from _equal_style(f"equal-style/{language}", style)


def _judged(analysis: Analysis) -> Iterator[Fact]:
    for judge in analysis.judged:
        head = f"judge/{analysis.language}/{judge.judge}"
        yield Fact(f"{head}/verdicts", judge.board.comparisons)
        yield Fact(f"{head}/prompts", judge.board.prompts)
        for standing in judge.board.standings:
            yield _interval(f"{head}/strength/{standing.model}", standing.strength)
        p = judge.powered
        if isinstance(p, Powered) and analysis.pair is not None:
            name = f"votes-and-judge/{analysis.language}/{judge.judge}/{'/'.join(analysis.pair)}"
            yield Fact(name, 100 * p.value, p.voted, 100 * p.low, 100 * p.high, "percent")
            low, high = 100 * p.alone_low, 100 * p.alone_high
            yield Fact(f"{name}/votes-alone", 100 * p.alone, p.voted, low, high, "percent")
            yield Fact(f"{name}/worth", p.worth, p.judged, unit="prompts")


def _equal_length(head: str, held: LengthControlled) -> Iterator[Fact]:
    yield Fact(head, 100 * held.value, held.n, 100 * held.low, 100 * held.high, "percent")
    yield Fact(f"{head}/raw", 100 * held.raw, held.n, unit="percent")
    yield Fact(f"{head}/prompts", held.clusters)
    if held.matched is not None:
        m = held.matched
        yield Fact(f"{head}/matched", 100 * m.value, m.n, 100 * m.low, 100 * m.high, "percent")


def _equal_style(head: str, style: StyleControl) -> Iterator[Fact]:
    yield Fact(f"{head}/comparisons", style.n)
    yield Fact(f"{head}/moved", len(style.moved), len(style.models))
    for name, e in style.effects.items():
        yield Fact(f"{head}/effect/{name}", e.value, style.n, e.low, e.high)
    for m in style.models:
        yield Fact(f"{head}/{m.model}", m.strength.value, style.n, m.strength.low, m.strength.high)
        yield Fact(f"{head}/{m.model}/plain", m.plain.value, style.n, m.plain.low, m.plain.high)
        yield Fact(f"{head}/{m.model}/place", m.place)
        yield Fact(f"{head}/{m.model}/plain-place", m.plain_place)


def _places(analysis: Analysis) -> Iterator[Fact]:
    test, language = analysis.friedman, analysis.language
    if test is None:
        return
    for variant, place in test.mean_places.items():
        yield Fact(f"mean-place/{language}/{variant}", place, test.n)
    yield Fact(f"friedman/{language}/statistic", test.statistic, test.n)
    yield Fact(f"friedman/{language}/p", test.p, test.n)
    yield Fact(f"friedman/{language}/kendall-w", test.kendall_w, test.n)


def _means(runs: Runs, language: Language, metrics: Sequence[str]) -> Iterator[Fact]:
    for metric in metrics:
        table, unit = TABLES.get(metric, "measure"), UNITS.get(metric)
        for variant, measure in measures(runs, metric, language).items():
            name, interval = f"{table}/{language}/{variant}/{metric}", measure.interval
            if measure.mean is not None and measure.median is not None:
                low, high = (interval.low, interval.high) if interval else (None, None)
                yield Fact(name, measure.mean, measure.n, low, high, unit)
                yield Fact(f"{name}-median", measure.median, measure.n, unit=unit)
            if measure.missing:
                yield Fact(f"{name}-missing", measure.missing, measure.n + measure.missing)


def _confusion(runs: Runs, language: Language) -> Iterator[Fact]:
    for (variant, threshold), rate in confusion(runs, language).items():
        name = f"language-confusion/{language}/{variant}/{threshold}"
        yield Fact(name, 100 * rate.value, rate.n, 100 * rate.low, 100 * rate.high, "percent")


def _ratings(analysis: Analysis) -> Iterator[Fact]:
    for genre, mean_rating in analysis.genre_ratings.items():
        name = f"genre-rating/{analysis.language}/{genre}"
        yield Fact(name, mean_rating.value, mean_rating.n, mean_rating.low, mean_rating.high)
    for genre, rate in analysis.genre_wins.items():
        name = f"genre-wins/{analysis.language}/{genre}"
        yield Fact(name, 100 * rate.value, rate.n, 100 * rate.low, 100 * rate.high, "percent")
    if analysis.ratings is None:
        return
    for (variant, dimension), mean in analysis.ratings.means.items():
        yield _interval(f"rating/{analysis.language}/{variant}/{dimension}", mean)
    for dimension, alpha in analysis.ratings.alphas.items():
        if not isinstance(alpha, str):
            name = f"alpha/{analysis.language}/{dimension}"
            yield Fact(name, alpha.value, alpha.units, alpha.low, alpha.high)


def _severity(analysis: Analysis) -> Iterator[Fact]:
    """Who rated how, and what of it can be compared."""
    rated, head = analysis.ratings, f"ratings/{analysis.language}"
    if rated is None:
        return
    yield Fact(f"{head}/pairs", rated.pairs)
    yield Fact(f"{head}/confounded", len(rated.confounded), rated.pairs)
    yield Fact(f"{head}/within-rater", rated.within, rated.shared)
    for place, rater in enumerate(rated.severity, 1):
        name = f"severity/{analysis.language}/rater-{place}"
        yield Fact(f"{name}/mean", rater.mean, rater.n)
        yield Fact(f"{name}/shared", rater.shared, rater.n)
        if rater.above is not None:
            yield _interval(name, rater.above)


def _relations(analysis: Analysis) -> Iterator[Fact]:
    for metric, relation in analysis.associations.items():
        yield _interval(
            f"concordance/{analysis.language}/{metric}", relation.concordance, 100, "percent"
        )
    for (coherent, diverse), interval in analysis.coherence.items():
        yield _interval(f"coherence/{analysis.language}/{coherent}/{diverse}", interval)


def _reasoning(analysis: Analysis) -> Iterator[Fact]:
    for variant, reasoning in analysis.reasoning.items():
        for state, n in reasoning.states.items():
            yield Fact(f"reasoning/{analysis.language}/{variant}/{state}", n)
        for behaviour, share in reasoning.shares.items():
            yield _interval(
                f"reasoning/{analysis.language}/{variant}/{behaviour}", share, 100, "percent"
            )
