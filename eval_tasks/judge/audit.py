"""What a judge's verdicts are worth: missing, first-shown wins, consistency, biases, agreement."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from coig_writer.errors import StatisticsError
from coig_writer.preference import bootstrap
from coig_writer.preference.agreement import cohen, kappa_interval
from coig_writer.preference.rates import wilson
from coig_writer.score import Judgement
from eval_tasks.judge.bias import Shape, biases

Pair = tuple[str, str, str]  # query id, left variant, right variant
Preferences = Mapping[Pair, float]  # 1 left, 0 right, 0.5 tie


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
}


def audit(
    judgements: Sequence[Judgement],
    shapes: Mapping[tuple[str, str], Shape],
    people: Preferences | None = None,
) -> list[Finding]:
    """Audits every judge under every rubric.

    Args:
        judgements: Of any judges; pairwise ones carry most of the audit.
        shapes: Length and format of the judged answers.
        people: What people preferred, where that is known.
    """
    groups: dict[tuple[str, str], list[Judgement]] = {}
    repeats: dict[tuple[str, str], list[Judgement]] = {}
    for row in judgements:
        base, _, repeat = row.rubric.partition("#")
        (repeats if repeat else groups).setdefault((row.judge, base), []).append(row)
    found: list[Finding] = []
    for (judge, rubric), rows in groups.items():
        finder = _Finder(judge, rubric)
        found += finder.of_one(rows, repeats.get((judge, rubric), []), shapes)
        others = [outcomes(g) for (j, r), g in groups.items() if r == rubric and j != judge]
        if others and outcomes(rows):
            found.append(finder.agreement("other_judges", outcomes(rows), majority(others)))
        if people and outcomes(rows):
            found += finder.people(outcomes(rows), people)
    return found


def outcomes(rows: Iterable[Judgement]) -> dict[Pair, float | None]:
    """Returns each pair's outcome over both orders: 1 left, 0 right, 0.5 tie, None inconsistent.

    A pair that lacks a usable verdict in either order is left out.
    """
    said: dict[Pair, dict[str, str]] = {}
    for row in rows:
        if row.right is not None and row.state == "scored":
            key = (row.query_id, row.left, row.right)
            said.setdefault(key, {})[row.order] = json.loads(str(row.verdict))
    value = {"left": 1.0, "right": 0.0, "tie": 0.5}
    return {
        pair: value[by_order["left_first"]] if len(set(by_order.values())) == 1 else None
        for pair, by_order in said.items()
        if len(by_order) == 2
    }


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
        shapes: Mapping[tuple[str, str], Shape],
    ) -> list[Finding]:
        missing = wilson(sum(row.state == "missing" for row in rows), len(rows))
        found = [self._finding("missing", missing.value, missing.low, missing.high, len(rows))]
        pairs = [row for row in rows if row.right is not None and row.state == "scored"]
        if pairs:
            decided = [row for row in pairs if row.verdict != '"tie"']
            found.append(self._mean("first_shown", decided, _first_won))
            found.append(self._consistent(rows))
            found += self._biases(pairs, shapes)
        if repeats:
            first = {_place(row): row.verdict for row in rows if row.state == "scored"}
            again = [r for r in repeats if r.state == "scored" and _place(r) in first]
            same: Callable[[Judgement], float] = lambda r: float(r.verdict == first[_place(r)])  # noqa: E731
            found.append(self._mean("repeat_agreement", again, same))
        return found

    def _consistent(self, rows: Sequence[Judgement]) -> Finding:
        both = outcomes(rows)
        values = [float(value is not None) for value in both.values()]
        return self._clustered("consistent", values, [pair[0] for pair in both])

    def _biases(
        self, pairs: Sequence[Judgement], shapes: Mapping[tuple[str, str], Shape]
    ) -> list[Finding]:
        try:
            found = biases(pairs, shapes)
        except StatisticsError as error:
            return [
                Finding(self.judge, self.rubric, name, None, None, None, len(pairs), error.message)
                for name in ("position", "length", "format")
            ]
        return [self._finding(b.name, b.value, b.low, b.high, b.n) for b in found]

    def agreement(
        self, name: str, own: Mapping[Pair, float | None], theirs: Preferences
    ) -> Finding:
        """Compares decided pairs; ties and inconsistent pairs on either side are left out."""
        pairs = [p for p, v in own.items() if v in (0.0, 1.0) and theirs.get(p) in (0.0, 1.0)]
        values = [float(own[pair] == theirs[pair]) for pair in pairs]
        return self._clustered(name, values, [pair[0] for pair in pairs])

    def people(self, own: Mapping[Pair, float | None], people: Preferences) -> list[Finding]:
        agreed = self.agreement("people", own, people)
        pairs = [p for p, value in own.items() if value is not None and p in people]
        both = [(own[p], people[p]) for p in pairs]
        low, high = kappa_interval(both, [pair[0] for pair in pairs])
        return [agreed, self._finding("people_kappa", cohen(both), low, high, len(both))]

    def _mean(
        self, name: str, rows: Sequence[Judgement], of: Callable[[Judgement], float]
    ) -> Finding:
        return self._clustered(name, [of(row) for row in rows], [row.query_id for row in rows])

    def _clustered(self, name: str, values: Sequence[float], queries: Sequence[str]) -> Finding:
        """A share with an interval that resamples whole queries."""
        codes = {query: i for i, query in enumerate(sorted(set(queries)))}
        try:
            clusters = np.array([codes[q] for q in queries])
            found = bootstrap.mean(np.array(values), clusters, scale=bootstrap.SHARE)
        except StatisticsError as error:
            value = sum(values) / len(values) if values else None
            return Finding(
                self.judge, self.rubric, name, value, None, None, len(values), error.message
            )
        return self._finding(name, found.estimate, found.low, found.high, found.n)

    def _finding(
        self, name: str, value: float | None, low: float | None, high: float | None, n: int
    ) -> Finding:
        return Finding(self.judge, self.rubric, name, value, low, high, n, NOTES[name])


def _first_won(row: Judgement) -> float:
    return float((row.verdict == '"left"') == (row.order == "left_first"))


def _place(row: Judgement) -> tuple[str, str, str | None, str]:
    return row.query_id, row.left, row.right, row.order
