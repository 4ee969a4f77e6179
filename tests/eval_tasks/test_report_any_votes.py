"""Whatever votes, ratings and absences come in, the report and the claims stand: no crash, no NaN."""

from __future__ import annotations

import json
import math
import random
import warnings

import pytest

from coig_writer.ballot import DIMENSIONS, Ballot, Protocol, check
from coig_writer.generation import Generation
from coig_writer.score import Score
from coig_writer.triplet import Language
from eval_tasks import runs as inputs
from eval_tasks.claims import own
from eval_tasks.report import measured, page
from eval_tasks.report.analysis import analyse
from tests.generations import generation

NAMES = ("cw", "cw_1k", "cw_5k", "cw_10k", "g", "other")
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def ballots(rng: random.Random, variants: list[str], queries: int) -> list[Ballot]:
    found = []
    for i in range(rng.randint(1, 60)):
        protocol: Protocol = rng.choice(("pairwise", "ranking", "rating"))
        shown = rng.sample(variants, 2 if protocol == "pairwise" else rng.randint(2, len(variants)))
        verdict: object = rng.choice(("left", "right", "tie", "both_bad", "skip"))
        if protocol == "ranking":
            verdict = rng.choice((shown, shown, "skip", [shown]))
        if protocol == "rating":
            shown = shown[:1]
            verdict = {d: rng.randint(0, 3) for d in rng.sample(DIMENSIONS, rng.randint(1, 5))}
        query = f"{rng.choice(LANGUAGES)}-essay-{rng.randrange(queries)}"
        rater = f"r{i}" if protocol == "rating" else f"r{rng.randrange(3)}"
        found.append(
            check(
                Ballot(
                    f"{i}", "s", protocol, query, query, rater, 0, tuple(shown), json.dumps(verdict)
                )
            )
        )
    return found


def scores(rng: random.Random, variants: list[str], queries: int) -> list[Score]:
    values = (None, 0.0, 1.0, 100 * rng.random())
    rows = [
        (v, f"{language}-essay-{i}", metric, rng.choice(values))
        for v in variants
        for language in LANGUAGES
        for i in range(queries)
        for metric in ("ttr", "chars", "language_confusion_any")
        if rng.random() < 0.7
    ]
    return [Score(*row, "missing" if row[3] is None else "scored") for row in rows]


def answers(rng: random.Random, variants: list[str], queries: int) -> list[Generation]:
    return [
        generation(
            v, f"{language}-essay-{i}", rng.choice(("a", "<think></think>a", "<think>Wait.\n\nSo.</think>a", "<think>So.")),
            language, genre=rng.choice(("wuxia", "proposal", "fan-circle", None)), n_tokens=1, seed=1,
        )
        for v in variants
        for language in LANGUAGES
        for i in range(queries)
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_it_stands(seed: int) -> None:
    rng = random.Random(seed)
    variants = rng.sample(NAMES, rng.randint(2, len(NAMES)))
    queries = rng.choice((1, 1, 2, 3, 8, 25))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = inputs.together(
            answers(rng, variants, queries),
            scores(rng, variants, queries),
            ballots(rng, variants, queries),
        )
        analyses = {language: analyse(runs, language) for language in page.languages(runs)}
        for fact in measured.facts(runs, analyses, "command"):
            numbers = [x for x in (fact.value, fact.low, fact.high) if isinstance(x, (int, float))]
            assert all(map(math.isfinite, numbers)), fact
        assert page.render(runs, analyses, {x: {} for x in analyses}, "command")
        for finding in own.findings(runs).values():
            assert finding.verdict
