"""Percentiles among people: counted by hand, uniform for people themselves, and high for a text that repeats itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from coig_writer import taxonomy
from coig_writer.generation import Generation
from coig_writer.metrics.reference import COMPARED, ENOUGH, HUMAN, Reference, reference
from dataset_builder.packing import samples
from eval_tasks.human import written


def known(language: int, genre: int) -> Reference:
    return Reference(
        {
            ("chars", "zh", None): [float(v) for v in range(language)],
            ("chars", "zh", "wuxia"): [float(v) for v in range(genre)],
        }
    )


@pytest.mark.parametrize(
    ("value", "percentile"), [(-1, 0.0), (0, 2.5), (9.5, 50.0), (19, 97.5), (20, 100.0)]
)
def test_a_percentile_counts_half_of_the_equal(value: float, percentile: float) -> None:
    result = known(20, 20).percentile("chars", "zh", "wuxia", value)
    assert result is not None
    assert (result.value, result.level, result.n) == (percentile, "genre", 20)


@pytest.mark.parametrize(
    ("language", "genre", "level"), [(40, ENOUGH, "genre"), (40, ENOUGH - 1, "language"), (ENOUGH - 1, 5, None)]
)  # fmt: skip
def test_a_genre_needs_twenty_texts_and_so_does_a_language(
    language: int, genre: int, level: str | None
) -> None:
    result = known(language, genre).percentile("chars", "zh", "wuxia", 3)
    assert (result and result.level) == level
    assert known(40, 0).percentile("chars", "en", "wuxia", 3) is None
    assert (by_language := known(40, 30).percentile("chars", "zh", None, 3))
    assert by_language.level == "language"


@pytest.fixture(scope="module")
def people() -> list[Generation]:
    rows = samples.read(taxonomy.published())
    return [written(t.id, t.language, t.genre, t.prompt, t.article) for t in rows]


def test_two_disjoint_halves_give_uniform_percentiles(people: list[Generation]) -> None:
    order = np.random.default_rng(0).permutation(len(people))
    halves = [[people[i] for i in order[k::2]] for k in (0, 1)]
    first, second = reference(halves[0]), reference(halves[1])
    smallest = 1.0
    compared = 0
    for metric in COMPARED:
        own = second.values.get((metric, "zh", None), [])
        places = [p.value / 100 for v in own if (p := first.percentile(metric, "zh", None, v))]
        if len(set(own)) > len(own) // 2:  # a metric that is mostly 0 has one percentile
            compared += 1
            smallest = min(smallest, float(stats.kstest(places, "uniform").pvalue))
    assert compared >= 10
    assert smallest > 0.05 / compared  # Bonferroni: no metric shows that the halves differ


def test_a_text_repeated_three_times_is_above_the_99th_on_repetition(
    people: list[Generation],
) -> None:
    among = reference(people)
    for person in people[::20]:
        thrice = dataclasses.replace(person, text=person.text * 3, article=person.article * 3)
        value = reference([thrice]).values["repetition_4", "zh", None][0]
        result = among.percentile("repetition_4", "zh", person.genre, value)
        assert result is not None
        assert result.value > 99
    assert {p.variant for p in people} == {HUMAN}
