"""What a judge's verdicts are worth: missing, first-shown wins, consistency, biases, and people beside them.

Against people: accuracy, in all and per category, and two leanings that are biases only where
people do not share them: towards the longer answer, and towards the judge's own variants.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.agreement import cohen, kappa_interval
from coig_writer.preference.association import correlate_within
from coig_writer.preference.rates import wilson
from coig_writer.score import Judgement
from eval_tasks.judge.bias import Shapes, biases
from eval_tasks.judge.decisions import UNQUOTED, Decision, Place, readings, shared
from eval_tasks.judge.people import Pair

Readings = Sequence[tuple[Place, Sequence[Decision]]]
Preferences = Mapping[Pair, float]  # points of the left: 1 won, 0 lost, 0.5 a tie


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of an audit; value and interval are None where ``note`` says why."""

    judge: str
    rubric: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str


NOTES = {
    "missing": "share of questions without a usable verdict",
    "first_shown": "share of decided verdicts that go to the answer shown first; 0.5 is fair",
    "consistent": "share of pairs with the same verdict in both orders",
    "repeat_agreement": "share of repeated questions with the same verdict as the first time",
    "position": "log-odds for being shown first; 0 is fair",
    "length": "log-odds per doubling of length, variants' strengths held equal; 0 is fair",
    "format": "log-odds for Markdown on every line against none; 0 is fair",
    "other_judges": "share of decided pairs on which the majority of the other judges agrees",
    "people": "share of decided pairs on which people agree",
    "people_kappa": "Cohen's kappa with people over left, right and tie",
    "people_correlation": "of verdicts with votes over prompts, within pairs of variants: for `space/app.py plan --correlation`",
    "verbosity": "points for the longer answer beyond what people give it; 0 is as people do",
    "kept": "share of a variant's decisions that its articles keep, of those kept or broken",
    "undecidable": "share of decisions that the article does not show",
    "unquoted": "share of decisions whose quotation is in no text; they are not counted",
    "decision": "share of decisions that both name with the same verdict",
    "decision_kappa": "Cohen's kappa on decisions that both name, over kept, broken and undecidable",
    "self_preference": "points for the judge's own variants beyond what people give them; 0 is as people do",
}


def audit(
    judgements: Sequence[Judgement],
    shapes: Shapes,
    people: Preferences | None = None,
    *,
    read: Sequence[Judgement] = (),
    categories: Mapping[str, str] | None = None,
    own: Mapping[str, Collection[str]] | None = None,
) -> list[Finding]:
    """Audits every judge under every rubric.

    Args:
        judgements: Of any judges; pairwise ones carry most of the audit.
        shapes: Length and format of the judged answers.
        people: What people preferred, where that is known.
        read: What people read in reasonings and articles, for rubrics of kind ``decisions``.
        categories: Query id → category, for accuracy per category.
        own: Judge → variants of its own kind, for self-preference.
    """
    groups: dict[tuple[str, str], list[Judgement]] = {}
    repeats: dict[tuple[str, str], list[Judgement]] = {}
    for row in judgements:
        base, _, repeat = row.rubric.partition("#")
        (repeats if repeat else groups).setdefault((row.judge, base), []).append(row)
    findings: list[Finding] = []
    for (judge, rubric), rows in groups.items():
        finder = _Finder(judge, rubric)
        findings += finder.of_one(rows, repeats.get((judge, rubric), []), shapes)
        if named := readings(rows):
            compared = {
                "repeat": readings(repeats.get((judge, rubric), [])),
                "other_judges": readings(
                    row for (j, r), g in groups.items() if r == rubric and j != judge for row in g
                ),
                "people": readings(read),
            }
            findings += finder.decisions(named, compared)
        others = [outcomes(g) for (j, r), g in groups.items() if r == rubric and j != judge]
        if others and outcomes(rows):
            findings.append(finder.agreement("other_judges", outcomes(rows), majority(others)))
        if people and outcomes(rows):
            findings += finder.people(rows, people, categories or {})
            findings.append(finder.verbosity(points(rows), people, shapes))
            findings.append(
                finder.self_preference(points(rows), people, (own or {}).get(judge, ()))
            )
    return findings


def outcomes(rows: Iterable[Judgement]) -> dict[Pair, float | None]:
    """Returns each pair's outcome over both orders: 1 left, 0 right, 0.5 tie, None inconsistent.

    A pair that lacks a usable verdict in either order is left out.
    """
    verdicts: dict[Pair, dict[str, str]] = {}
    for row in rows:
        if row.right is not None and row.state == "scored":
            key = (row.query_id, row.left, row.right, row.sample)
            verdicts.setdefault(key, {})[row.order] = json.loads(str(row.verdict))
    value = {"left": 1.0, "right": 0.0, "tie": 0.5}
    return {
        pair: value[by_order["left_first"]] if len(set(by_order.values())) == 1 else None
        for pair, by_order in verdicts.items()
        if len(by_order) == 2
    }


def points(rows: Iterable[Judgement]) -> dict[Pair, float]:
    """Returns the points of the left over both orders; a pair on which they differ is a tie."""
    return {pair: 0.5 if value is None else value for pair, value in outcomes(rows).items()}


def majority(others: Sequence[Mapping[Pair, float | None]]) -> dict[Pair, float]:
    """Returns the outcome that most judges give each pair; an even split is a tie."""
    votes: dict[Pair, list[float]] = {}
    for outcome in others:
        for pair, value in outcome.items():
            if value is not None:
                votes.setdefault(pair, []).append(value)
    return {pair: _sign(sum(v - 0.5 for v in values)) for pair, values in votes.items()}


def _sign(value: float) -> float:
    return 0.5 if value == 0 else float(value > 0)


@dataclasses.dataclass(frozen=True)
class _Finder:
    """Makes the findings of one judge under one rubric."""

    judge: str
    rubric: str

    def of_one(
        self,
        rows: Sequence[Judgement],
        repeats: Sequence[Judgement],
        shapes: Shapes,
    ) -> list[Finding]:
        missing = wilson(sum(row.state == "missing" for row in rows), len(rows))
        findings = [self._finding("missing", missing.value, missing.low, missing.high, len(rows))]
        pairs = [row for row in rows if row.right is not None and row.state == "scored"]
        if pairs:
            decided = [row for row in pairs if row.verdict != '"tie"']
            findings.append(self._mean("first_shown", decided, _first_won))
            findings.append(self._consistent(rows))
            findings += self._biases(pairs, shapes)
        if repeats and not readings(rows):  # two lists of decisions are compared one by one
            first = {_place(row): row.verdict for row in rows if row.state == "scored"}
            again = [r for r in repeats if r.state == "scored" and _place(r) in first]
            same: Callable[[Judgement], float] = lambda r: float(r.verdict == first[_place(r)])  # noqa: E731
            findings.append(self._mean("repeat_agreement", again, same))
        return findings

    def _consistent(self, rows: Sequence[Judgement]) -> Finding:
        both = outcomes(rows)
        values = [float(value is not None) for value in both.values()]
        return self._clustered("consistent", values, [pair[0] for pair in both])

    def _biases(self, pairs: Sequence[Judgement], shapes: Shapes) -> list[Finding]:
        try:
            measured = biases(pairs, shapes)
        except StatisticsError as error:
            return [
                self._open(name, len(pairs), error.message)
                for name in ("position", "length", "format")
            ]
        return [self._finding(b.name, b.value, b.low, b.high, b.n) for b in measured]

    def decisions(self, own: Readings, compared: Mapping[str, Readings]) -> list[Finding]:
        """Counts what articles keep, per variant, and compares decision by decision with other readings."""
        named = [(place, d.verdict) for place, decisions in own for d in decisions]
        sound = [(place, verdict) for place, verdict in named if verdict != UNQUOTED]
        findings = [
            self._share(
                f"kept/{variant}",
                "kept",
                [n for n in sound if n[0][1] == variant and n[1] != "undecidable"],
            )
            for variant in sorted({place[1] for place, _ in own})
        ]
        findings.append(self._share("undecidable", "undecidable", sound))
        findings.append(self._share(UNQUOTED, UNQUOTED, named))
        by_place = dict(own)
        for name, theirs in compared.items():
            pairs = [
                (place[0], pair)
                for place, other in theirs
                for pair in shared(by_place.get(place, ()), other)
            ]
            if theirs:
                queries, both = [q for q, _ in pairs], [pair for _, pair in pairs]
                same = [float(mine == other) for mine, other in both]
                findings.append(self._clustered(f"decision/{name}", same, queries))
                low, high = kappa_interval(both, queries)
                kappa = f"decision_kappa/{name}"
                findings.append(self._finding(kappa, cohen(both), low, high, len(both)))
        return findings

    def _share(self, name: str, verdict: str, named: Sequence[tuple[Place, str]]) -> Finding:
        values = [float(said == verdict) for _, said in named]
        return self._clustered(name, values, [place[0] for place, _ in named])

    def agreement(
        self, name: str, own: Mapping[Pair, float | None], theirs: Preferences
    ) -> Finding:
        """Compares decided pairs; ties and inconsistent pairs on either side are left out."""
        other = {pair: _sign(value - 0.5) for pair, value in theirs.items()}
        pairs = [p for p, v in own.items() if v in (0.0, 1.0) and other.get(p) in (0.0, 1.0)]
        values = [float(own[pair] == other[pair]) for pair in pairs]
        return self._clustered(name, values, [pair[0] for pair in pairs])

    def people(
        self, rows: Sequence[Judgement], people: Preferences, categories: Mapping[str, str]
    ) -> list[Finding]:
        """Compares with people: in all, per category, beyond chance, and as a correlation."""
        judged = outcomes(rows)
        findings = [self.agreement("people", judged, people)]
        present = {
            categories[pair[0]] for pair in judged if pair in people and pair[0] in categories
        }
        for category in sorted(present):
            part = {pair: v for pair, v in judged.items() if categories.get(pair[0]) == category}
            findings.append(self.agreement(f"people/{category}", part, people))
        both = [
            (value, _sign(people[p] - 0.5)) for p, value in judged.items() if value is not None and p in people
        ]  # fmt: skip
        queries = [p[0] for p, value in judged.items() if value is not None and p in people]
        low, high = kappa_interval(both, queries)
        findings.append(self._finding("people_kappa", cohen(both), low, high, len(both)))
        return [*findings, self._correlation(points(rows), people)]

    def _correlation(self, own: Mapping[Pair, float], people: Preferences) -> Finding:
        pairs = [pair for pair in own if pair in people]
        try:
            correlation = correlate_within(
                [own[p] for p in pairs], [people[p] for p in pairs],
                [f"{p[1]}:{p[2]}" for p in pairs], [p[0] for p in pairs],
            )  # fmt: skip
        except StatisticsError as error:
            return self._open("people_correlation", len(pairs), error.message)
        return self._finding(
            "people_correlation",
            correlation.value,
            correlation.low,
            correlation.high,
            correlation.n,
        )

    def verbosity(
        self, own: Mapping[Pair, float], people: Preferences, shapes: Shapes
    ) -> Finding:  # fmt: skip
        """Compares with people how much the longer of two answers gets."""
        leads = {}
        for pair in own:
            query, left, right, sample = pair
            sizes = shapes[left, query, sample].chars, shapes[right, query, sample].chars
            if pair in people and sizes[0] != sizes[1]:
                leads[pair] = (own[pair] - people[pair]) * (1 if sizes[0] > sizes[1] else -1)
        return self._lead("verbosity", leads)

    def self_preference(
        self, own: Mapping[Pair, float], people: Preferences, kin: Collection[str]
    ) -> Finding:
        """Compares with people how much the judge's own variants get against others."""
        if not kin:
            note = "no variant is known to be the judge's own: name it with --own JUDGE=VARIANT"
            return self._open("self_preference", 0, note)
        leads = {
            pair: (own[pair] - people[pair]) * (1 if pair[1] in kin else -1)
            for pair in own
            if pair in people and (pair[1] in kin) != (pair[2] in kin)
        }
        return self._lead("self_preference", leads)

    def _lead(self, name: str, leads: Mapping[Pair, float]) -> Finding:
        return self._clustered(name, list(leads.values()), [p[0] for p in leads], (-1.0, 1.0))

    def _mean(
        self, name: str, rows: Sequence[Judgement], value: Callable[[Judgement], float]
    ) -> Finding:
        return self._clustered(name, [value(row) for row in rows], [row.query_id for row in rows])

    def _clustered(
        self, name: str, values: Sequence[float], queries: Sequence[str],
        scale: tuple[float, float] = bootstrap.SHARE,
    ) -> Finding:  # fmt: skip
        """A mean with an interval that resamples whole queries."""
        codes = {query: i for i, query in enumerate(sorted(set(queries)))}
        try:
            clusters = np.array([codes[q] for q in queries])
            mean = bootstrap.mean(np.array(values), clusters, scale=scale)
        except StatisticsError as error:
            value = sum(values) / len(values) if values else None
            return self._open(name, len(values), error.message, value)
        return self._finding(name, mean.estimate, mean.low, mean.high, mean.n)

    def _finding(
        self, name: str, value: float | None, low: float | None, high: float | None, n: int
    ) -> Finding:
        return Finding(
            self.judge, self.rubric, name, value, low, high, n, NOTES[name.partition("/")[0]]
        )

    def _open(self, name: str, n: int, why: str, value: float | None = None) -> Finding:
        """A finding without an interval, and why."""
        return Finding(self.judge, self.rubric, name, value, None, None, n, why)


def _first_won(row: Judgement) -> float:
    return float((row.verdict == '"left"') == (row.order == "left_first"))


def _place(row: Judgement) -> tuple[str, str, str | None, str, int]:
    return row.query_id, row.left, row.right, row.order, row.sample
