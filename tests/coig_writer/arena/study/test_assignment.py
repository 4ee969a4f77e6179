from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.arena.study.answers import Prompt
from coig_writer.arena.study.assignment import (
    Task,
    seats,
    second_showing,
    spaced,
    turned,
    units,
    williams,
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


@pytest.mark.parametrize("n", range(2, 10))
def test_a_williams_design_balances_places_and_neighbours(n):
    rows = williams(n)
    assert (len(rows), rows[0]) == (n * (1 + n % 2), tuple(range(n)))
    places = Counter((p, m) for row in rows for p, m in enumerate(row))
    neighbours = Counter(pair for row in rows for pair in itertools.pairwise(row))
    assert (len(places), set(places.values())) == (n * n, {len(rows) // n})
    assert (len(neighbours), set(neighbours.values())) == (n * (n - 1), {1 + n % 2})


def counted(assigned):
    """How often each model stands in each place, and after each other model, over a whole study."""
    shown = [task.shown for seat in assigned for task in seat]
    models = sorted({m for order in shown for m in order})
    places = Counter((p, m) for order in shown for p, m in enumerate(order))
    neighbours = Counter(pair for order in shown for pair in itertools.pairwise(order))
    return (
        [places[p, m] for p in range(len(shown[0])) for m in models],
        [neighbours[pair] for pair in itertools.permutations(models, 2)],
    )


@pytest.mark.parametrize(("n_raters", "places", "neighbours"), [(10, 0, 0), (20, 0, 0), (4, 9, 15)])
def test_rankings_balance_places_and_neighbours_over_the_study(n_raters, places, neighbours):
    """Ten raters fill the runs of five models; four leave chance its part (16 of each expected)."""
    study = invited(n_raters, overlap=Overlap(1.0, n_raters))
    counts_of_both = counted(seats(study, prompts_of(GENRES * 5, 5), "ranking", 5))
    assert [spread(counts) for counts in counts_of_both] <= [places, neighbours]


@pytest.mark.parametrize("n_raters", [2, 4, 10])
def test_each_pair_stands_both_ways_equally_often_over_the_study(n_raters):
    study = invited(n_raters, overlap=Overlap(0.2, 2))
    assigned = seats(study, prompts_of(GENRES * 10, 5), "pairwise", 5)
    ways = Counter(task.shown for seat in assigned for task in seat)
    off = [abs(ways[a, b] - ways[b, a]) for a, b in itertools.combinations(range(5), 2)]
    assert sum(off) <= (40 if n_raters == 2 else 10)  # drawn alone: 44 expected


def test_who_judges_the_same_pair_sees_it_the_other_way_round():
    study = invited(2, overlap=Overlap(1.0, 2))
    one, two = seats(study, prompts_of(GENRES * 5, 5), "pairwise", 5)
    sides = {task.unit: task.shown for task in one}
    assert all(sides[task.unit] == task.shown[::-1] for task in two)


def guesses(history, known, others):
    """What an adversary who knows every author so far would say: who stands beside ``known`` now."""
    seen = Counter(m for order in history for m in order)
    met = Counter(m for order in history if known in order for m in order)
    after = Counter(b for order in history for a, b in itertools.pairwise(order) if a == known)
    lately = history[-1] if history else ()
    early = Counter(order[0] for order in history)
    yield "least seen", min(others, key=lambda m: seen[m])
    yield "most seen", max(others, key=lambda m: seen[m])
    yield "least met", min(others, key=lambda m: met[m])
    yield "followed", max(others, key=lambda m: after[m])
    yield "never followed", min(others, key=lambda m: after[m])
    yield "as lately", next((b for a, b in itertools.pairwise(lately) if a == known), others[0])
    yield "turned", next((a for a, b in itertools.pairwise(lately) if b == known), others[0])
    yield "seldom first", min(others, key=lambda m: early[m])


def hits(histories, n_models, rng):
    """The share of right guesses of each way of guessing, and how many guesses there were."""
    right, n = Counter[str](), 0
    for history in histories:
        for number, order in enumerate(history):
            place = rng.randrange(len(order) - 1)
            others = rng.sample([m for m in range(n_models) if m != order[place]], n_models - 1)
            n += 1
            for name, guess in guesses(history[:number], order[place], others):
                right[name] += guess == order[place + 1]
    return {name: count / n for name, count in right.items()}, n


def histories(protocol, mode, n_studies=60):
    """One rater's whole history in each of many studies; in a public one it has three seats.

    Rankings all go to everybody, pairs are shared out: who is asked all pairs knows the last by what is left.
    """
    overlap = Overlap(1.0, 4) if protocol == "ranking" else Overlap(0.2, 2)
    for seed in range(n_studies):
        study = invited(4, overlap=overlap, seed=seed)
        if mode == "public":
            study = dataclasses.replace(study, mode="public", raters=(), items_per_rater=20)
        assigned = seats(study, prompts_of(GENRES * 8, 5), protocol, 5)
        held = assigned[:1] if mode == "invited" else assigned[:3]
        yield [task.shown for seat in held for task in seat]


@pytest.mark.parametrize("mode", ["invited", "public"])
@pytest.mark.parametrize("protocol", ["ranking", "pairwise"])
def test_one_author_and_the_whole_history_say_nothing_about_the_others(protocol, mode):
    shares, n = hits(histories(protocol, mode), 5, random.Random(1))
    assert n > 1800
    bound = 4 * (0.25 * 0.75 / n) ** 0.5  # four standard errors of one in four
    assert {name: share for name, share in shares.items() if abs(share - 0.25) > bound} == {}


def test_the_adversary_reads_rotations_of_one_cycle():
    """The orders as they once were: a single cycle for each rater."""
    rng = random.Random(2)
    cycles = [rng.sample(range(5), 5) for _ in range(40)]
    rotated = [[tuple(c[t % 5 :] + c[: t % 5]) for t in range(20)] for c in cycles]
    shares, _ = hits(rotated, 5, rng)
    assert shares["followed"] > 0.9


def test_each_round_of_a_public_seat_is_another_row():
    rng = random.Random(3)
    unit = units(prompts_of(["poetry"], 5), "ranking", 5)[0][0]
    task = Task(unit, tuple(rng.sample(range(5), 5)))
    assert turned(task, 0) == task
    rounds = [[turned(task, row)] for row in range(10)]
    assert [spread(counts) for counts in counted(rounds)] == [0, 0]
    again = second_showing(task)
    assert all(turned(again, row).shown == turned(task, row).shown[::-1] for row in range(12))


def test_raters_get_equal_loads_and_the_stated_share_is_seen_by_as_many_raters_as_stated():
    study = invited(4, overlap=Overlap(0.3, 3))
    assigned = seats(study, prompts_of(["poetry", "essay"] * 20, 5), "ranking", 5)
    times = Counter(task.unit.query_id for seat in assigned for task in seat)
    assert Counter(times.values()) == {1: 28, 3: 12}
    assert spread([len(seat) for seat in assigned]) <= 1
    for seat in assigned:
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


def test_no_rater_is_tied_to_some_of_the_models():
    """Chance deals the models: of 20 showings and more a rater has some of each, none over twice its share."""
    protocols: tuple[Protocol, ...] = ("pairwise", "rating")
    for protocol, n_seats in itertools.product(protocols, (2, 3, 4, 5, 10)):
        assigned = seats(invited(n_seats), prompts_of(["poetry"] * 50, 5), protocol, 5)
        for seat in assigned:
            shown = Counter(m for task in seat for m in task.shown)
            assert all(0 < shown[m] <= 0.4 * shown.total() for m in range(5))


def test_any_two_raters_may_share_items():
    study = invited(4, overlap=Overlap(1.0, 2))
    assigned = seats(study, prompts_of(GENRES * 15, 5), "ranking", 5)
    held = [{task.unit.query_id for task in seat} for seat in assigned]
    common = [len(a & b) for a, b in itertools.combinations(held, 2)]
    assert sum(common) == 60
    assert min(common) >= 4


def test_pairs_per_prompt_spreads_the_pairs_evenly():
    assigned = seats(invited(2, pairs_per_prompt=3), prompts_of(["poetry"] * 20, 5), "pairwise", 5)
    met = Counter(task.unit.models for seat in assigned for task in seat)
    assert len(met) == 10
    assert spread(list(met.values())) <= 1


def test_public_seats_hold_about_as_many_items_as_asked_for():
    study = Study(items_per_rater=10, repeats=0.1, overlap=Overlap(0.2, 2))
    assigned = seats(study, prompts_of(GENRES * 10, 5), "pairwise", 5)
    assert {len(seat) for seat in assigned} <= {10, 11}


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
