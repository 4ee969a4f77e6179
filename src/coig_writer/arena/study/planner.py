"""What a study can show, before any data is there: load, overlap, balance, detectable win rate.

python space/app.py plan --study FILE
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from coig_writer.arena.study.answers import Collection, Prompt
from coig_writer.arena.study.assignment import Task, seats
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.exclusions import READING
from coig_writer.ballot import Protocol
from coig_writer.errors import StatisticsError
from coig_writer.preference.prediction_powered import votes_needed
from coig_writer.preference.significance import minimum_detectable, sample_size

FAIR_SHARE = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class ProtocolPlan:
    """One protocol in one language.

    Attributes:
        items: Different things to judge; ``shared`` of them by several raters.
        per_seat: Fewest and most tasks of a rater, repeats included.
        minutes: Reading alone of the longest seat, by a quick and by a careful reader: its characters at
            the speeds that the exclusion rules take for reading.
        prompts_per_pair: Prompts on which two models meet, each counted once: the sample size.
        detectable: Smallest true win rate found with 80 % power at 5 %, or None.
        detectable_holm: The same at 5 % divided by the number of pairs (the first step of Holm).
        warnings: What would weaken the study.
    """

    protocol: Protocol
    language: str
    items: int
    shared: int
    repeats: int
    seats: int
    per_seat: tuple[int, int]
    minutes: tuple[float, float]
    prompts_per_pair: int
    detectable: float | None
    detectable_holm: float | None
    warnings: tuple[str, ...]


def detectable_win_rate(n: int, *, tests: int = 1) -> float | None:
    """Returns the smallest true win rate that an exact sign test finds with 80 % power.

    Args:
        n: Independent prompts on which the two models meet.
        tests: How many tests share the 5 % level (the first step of Holm).

    Returns:
        The rate, or None if even a sure winner cannot be told from chance with so few prompts.
    """
    try:
        return minimum_detectable(n, level=1 - 0.05 / tests)
    except StatisticsError:
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Needed:
    """Voted prompts per pair that find a win rate with 80 % power at 5 %; ``prompts`` are at hand.

    ``judged`` is the same where a judge sees all prompts, or why it cannot be reached; None without a judge.
    """

    rate: float
    prompts: int
    alone: int
    correlation: float | None
    judged: int | str | None


def needed(rate: float, prompts: int, correlation: float | None, *, tests: int = 1) -> Needed:
    """Says how many prompts must be voted on to find a true win rate.

    Args:
        rate: The true win rate to be found.
        prompts: What a judge can see.
        correlation: Of votes and the judge's verdicts over prompts, as ``judge audit`` prints it.
        tests: How many tests share the 5 % level (the first step of Holm).

    Raises:
        StatisticsError: The rate is one half or none, or the correlation is outside -1 to 1.
    """
    alone = sample_size(rate, level=1 - 0.05 / tests)
    judged: int | str | None = None
    if correlation is not None:
        try:
            judged = votes_needed(alone, correlation, prompts)
        except StatisticsError as error:
            if not -1 <= correlation <= 1:
                raise
            judged = f"{error.message}; {error.remedy}"
    return Needed(rate, prompts, alone, correlation, judged)


def plan(study: Study, collection: Collection) -> list[ProtocolPlan]:
    """Plans every protocol and language of a study."""
    return [
        _planned(study, collection, protocol, language)
        for protocol in study.protocols
        for language in collection.languages
    ]


def _planned(
    study: Study, collection: Collection, protocol: Protocol, language: str
) -> ProtocolPlan:
    prompts = collection.in_language(language)
    n_models = len(collection.variants)
    assigned = seats(study, prompts, protocol, n_models)
    firsts = [task for seat in assigned for task in seat if task.repeat == 0]
    times = Counter((task.unit.query_id, task.unit.models) for task in firsts)
    sizes = [len(seat) for seat in assigned]
    meetings = _prompts_per_pair(prompts, times, n_models) if protocol != "rating" else len(prompts)
    pairs = n_models * (n_models - 1) // 2
    return ProtocolPlan(
        protocol=protocol,
        language=language,
        items=len(times),
        shared=sum(count > 1 for count in times.values()),
        repeats=sum(sizes) - len(firsts),
        seats=len(assigned),
        per_seat=(min(sizes), max(sizes)),
        minutes=_minutes(prompts, assigned, language),
        prompts_per_pair=meetings,
        detectable=None if protocol == "rating" else detectable_win_rate(meetings),
        detectable_holm=(
            None if protocol == "rating" else detectable_win_rate(meetings, tests=pairs)
        ),
        warnings=tuple(confounding(assigned, n_models)),
    )


def _minutes(
    prompts: Sequence[Prompt], assigned: Sequence[Sequence[Task]], language: str
) -> tuple[float, float]:
    answers = {prompt.query_id: prompt.answers for prompt in prompts}
    longest = max(
        sum(len(answers[task.unit.query_id][model]) for task in seat for model in task.shown)
        for seat in assigned
    )
    quick, careful = READING[language]
    return longest / quick / 60, longest / careful / 60


def _prompts_per_pair(
    prompts: Sequence[Prompt], times: Counter[tuple[str, tuple[int, ...]]], n_models: int
) -> int:
    """Counts the prompts on which the least-met pair of models meets."""
    if any(len(models) == n_models for _, models in times):
        return len(prompts)
    met = Counter(tuple(sorted(models)) for _, models in times)
    return min(met.values())


def confounding(assigned: Sequence[Sequence[Task]], n_models: int) -> list[str]:
    """Says where a model would be judged by too few raters for the two to be told apart."""
    if len(assigned) < 2:
        return ["one rater only: nothing tells the rater's taste from the models"]
    seen = [Counter(m for task in seat for m in task.shown) for seat in assigned]
    warnings = []
    for model in range(n_models):
        counts = [c[model] for c in seen]
        expected = [c.total() / n_models for c in seen]
        absent = sum(count == 0 for count in counts)
        if 2 * absent > len(assigned):
            warnings.append(
                f"model number {model} is not seen by {absent} of {len(assigned)} raters"
            )
        if any(c > FAIR_SHARE * e + 2 for c, e in zip(counts, expected, strict=True)):
            warnings.append(f"model number {model} is over twice as frequent for some rater")
    return warnings
