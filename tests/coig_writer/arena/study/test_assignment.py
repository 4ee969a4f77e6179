from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.arena.study.answers import Prompt
from coig_writer.arena.study.assignment import (
    Task,
    eulerian_orientation,
    placed,
    seats,
    second_showing,
    spaced,
    units,
)
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.ballot import Protocol

GENRES = ["poetry", "essay", "wuxia", "script"]


def prompts_of(genres: list[str], n_models: int) -> list[Prompt]:
    return [
        Prompt(f"q{i}", "zh", g, f"prompt {i}", ("x",) * n_models) for i, g in enumerate(genres)
    ]


def invited(n_raters: int, **changes) -> Study:
    raters = tuple(f"rater {i}" for i in range(n_raters))
    base = Study(study="s", mode="invited", raters=raters, overlap=Overlap(0.0, 2), repeats=0.0)
    return dataclasses.replace(base, **changes)


def spread(counts: list[int]) -> int:
    return max(counts) - min(counts)


some_genres = st.lists(st.sampled_from(GENRES), min_size=1, max_size=24)


@given(some_genres, st.integers(2, 6), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_places_of_a_ranking_are_balanced_overall_and_in_every_genre(genres, n_models, seed):
    hand = [row[0] for row in units(prompts_of(genres, n_models), "ranking", n_models)]
    tasks = placed(hand, n_models, random.Random(seed))
    for genre in [None, *GENRES]:
        chosen = [t for t in tasks if genre in (None, t.unit.genre)]
        cells = Counter((m, place) for t in chosen for place, m in enumerate(t.shown))
        assert spread([cells[m, p] for m in range(n_models) for p in range(n_models)]) <= 1


@given(some_genres, st.integers(2, 6), st.integers(0, 10_000), st.data())
@settings(max_examples=150, deadline=None)
def test_each_model_stands_left_and_right_equally_often_overall_and_in_every_genre(
    genres, n_models, seed, data
):
    stacks = units(prompts_of(genres, n_models), "pairwise", n_models)
    everything = list(itertools.chain.from_iterable(stacks))
    size = data.draw(st.integers(1, len(everything)))
    hand = random.Random(seed).sample(everything, size)
    tasks = placed(hand, n_models, random.Random(seed))
    assert Counter(t.unit for t in tasks) == Counter(hand)
    for genre in [None, *GENRES]:
        chosen = [t for t in tasks if genre in (None, t.unit.genre)]
        left = Counter(t.shown[0] for t in chosen)
        right = Counter(t.shown[1] for t in chosen)
        assert all(abs(left[m] - right[m]) <= 1 for m in range(n_models))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40), st.integers(0, 999))
@settings(deadline=None)
def test_an_eulerian_orientation_enters_and_leaves_every_node_equally_often(pairs, seed):
    trail = [(("n", a), ("n", b)) for a, b in pairs]
    closed = trail + [(b, a) for a, b in trail]  # twice each edge: every degree is even
    kept = eulerian_orientation(closed, random.Random(seed))
    out = Counter(a if keep else b for (a, b), keep in zip(closed, kept, strict=True))
    into = Counter(b if keep else a for (a, b), keep in zip(closed, kept, strict=True))
    assert out == into


def test_raters_get_equal_loads_and_the_stated_share_is_seen_by_as_many_raters_as_stated():
    study = invited(4, overlap=Overlap(0.3, 3))
    dealt = seats(study, prompts_of(["poetry", "essay"] * 20, 5), "ranking", 5)
    times = Counter(task.unit.query_id for seat in dealt for task in seat)
    assert Counter(times.values()) == {1: 28, 3: 12}
    assert spread([len(seat) for seat in dealt]) <= 1
    for seat in dealt:
        assert max(Counter(t.unit.query_id for t in seat).values()) == 1


def test_repeats_come_later_in_reversed_order():
    study = invited(2, repeats=0.25)
    for seat in seats(study, prompts_of(["poetry"] * 40, 5), "pairwise", 5):
        first = {(t.unit, t.repeat): (i, t) for i, t in enumerate(seat)}
        again = [t for t in seat if t.repeat]
        assert len(again) == round(0.25 * (len(seat) - len(again)))
        for task in again:
            place, original = first[task.unit, 0]
            assert task.shown == original.shown[::-1]
            assert first[task.unit, 1][0] > place


def test_the_same_study_is_dealt_the_same_way_and_another_seed_another():
    prompts = prompts_of(GENRES * 5, 5)
    study = invited(3)
    assert seats(study, prompts, "pairwise", 5) == seats(study, prompts, "pairwise", 5)
    other = dataclasses.replace(study, seed=study.seed + 1)
    assert seats(study, prompts, "pairwise", 5) != seats(other, prompts, "pairwise", 5)


def test_no_rater_meets_only_some_of_the_models():
    protocols: tuple[Protocol, ...] = ("pairwise", "rating")
    for protocol, n_seats in itertools.product(protocols, (2, 3, 4, 5, 10, 25)):
        dealt = seats(invited(n_seats), prompts_of(["poetry"] * 50, 5), protocol, 5)
        for seat in dealt:
            shown = Counter(m for task in seat for m in task.shown)
            assert spread([shown[m] for m in range(5)]) <= max(2, 0.2 * shown.total())


def test_pairs_per_prompt_spreads_the_pairs_evenly():
    dealt = seats(invited(2, pairs_per_prompt=3), prompts_of(["poetry"] * 20, 5), "pairwise", 5)
    met = Counter(task.unit.models for seat in dealt for task in seat)
    assert len(met) == 10
    assert spread(list(met.values())) <= 1


def test_public_seats_hold_about_as_many_items_as_asked_for():
    study = Study(items_per_rater=10, repeats=0.1, overlap=Overlap(0.2, 2))
    dealt = seats(study, prompts_of(GENRES * 10, 5), "pairwise", 5)
    assert {len(seat) for seat in dealt} <= {10, 11}


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
def test_no_prompt_follows_itself_where_that_can_be_had(ids):
    unit = units(prompts_of(["poetry"], 5), "ranking", 5)[0][0]
    tasks = [Task(dataclasses.replace(unit, query_id=i), (0, 1, 2, 3, 4)) for i in ids]
    line = [t.unit.query_id for t in spaced(tasks)]
    assert Counter(line) == Counter(ids)
    if 2 * max(Counter(ids).values()) <= len(ids) + 1:
        assert all(a != b for a, b in itertools.pairwise(line))


def test_a_second_showing_is_counted():
    task = Task(units(prompts_of(["poetry"], 3), "ranking", 3)[0][0], (2, 0, 1))
    assert (second_showing(task).shown, second_showing(task).repeat) == ((1, 0, 2), 1)
