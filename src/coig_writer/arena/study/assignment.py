"""Who sees what, in which place: balanced by construction, the same on every run.

The items of a study are dealt to *seats*; the rater who takes a seat gets its list. Within a seat,
overall and within each genre, every model stands in every place equally often, as nearly as the
numbers allow (the counts differ by at most one):

- a ranking's places come from consecutive rows of a cyclic Latin square, genre after genre;
- a pair's sides come from an Eulerian orientation: pairs are edges between models, and walking
  closed trails through them enters and leaves each model equally often. Odd models of a genre are
  joined through a node of their own, so that the balance holds within genres and overall at once.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from coig_writer.arena.study.answers import Prompt
from coig_writer.arena.study.definition import Study
from coig_writer.ballot import Protocol

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """What is judged at once: a prompt and the models whose answers are compared, in no order."""

    query_id: str
    genre: str
    models: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """A unit as one rater sees it: models in displayed order; ``repeat`` counts its showings."""

    unit: Unit
    shown: tuple[int, ...]
    repeat: int = 0


def units(
    prompts: Sequence[Prompt],
    protocol: Protocol,
    n_models: int,
    pairs_per_prompt: int | None = None,
) -> list[list[Unit]]:
    """Returns the units of each prompt.

    Where only some pairs of a prompt are asked, the next prompt goes on where this one stopped, so
    that all pairs are asked equally often.
    """
    subsets = _subsets(protocol, n_models)
    keep = len(subsets) if protocol != "pairwise" else (pairs_per_prompt or len(subsets))
    stacks = []
    for number, prompt in enumerate(prompts):
        kept = _rotated(subsets, number * keep % len(subsets))[:keep]
        stacks.append([Unit(prompt.query_id, prompt.genre, models) for models in kept])
    return stacks


def _rotated(items: list[T], start: int) -> list[T]:
    return items[start:] + items[:start]


def _subsets(protocol: Protocol, n_models: int) -> list[tuple[int, ...]]:
    if protocol == "ranking":
        return [tuple(range(n_models))]
    if protocol == "rating":
        return [(model,) for model in range(n_models)]
    pairs: list[tuple[int, ...]] = []
    for distance in range(1, n_models // 2 + 1):
        once = n_models // 2 if 2 * distance == n_models else n_models
        pairs += [(i, (i + distance) % n_models) for i in range(once)]
    return pairs


def seats(
    study: Study, prompts: Sequence[Prompt], protocol: Protocol, n_models: int
) -> list[list[Task]]:
    """Deals a study's items of one protocol and language to its seats.

    Args:
        study: Overlap, repeats, seed, and the number of raters or the items of one.
        prompts: The prompts of one language.
        protocol: What is asked.
        n_models: How many models there are.

    Returns:
        One list of tasks per seat, in the order in which they are shown. In an invited study seat
        ``i`` is for rater ``i``; in a public one visitors take the seats in turn.
    """
    rng = random.Random(f"{study.seed}|{study.study}|{protocol}")
    ordered = sorted(prompts, key=lambda p: (p.genre, rng.random()))
    stacks = units(ordered, protocol, n_models, study.pairs_per_prompt)
    stacks = _copied(stacks, study, rng)
    n_tasks = sum(map(len, stacks))
    n_seats = len(study.raters) or max(
        study.overlap.raters, math.ceil(n_tasks / study.items_per_rater)
    )
    return [_seat(hand, study, n_models, rng) for hand in _dealt(stacks, n_seats)]


def _copied(stacks: list[list[Unit]], study: Study, rng: random.Random) -> list[list[Unit]]:
    """Puts copies of the shared units side by side; in turn they go to different seats."""
    everything = [unit for stack in stacks for unit in stack]
    count = math.ceil(study.overlap.share * len(everything) - 1e-9)
    shared = set(rng.sample(everything, count))
    return [
        [unit for unit in stack for _ in range(study.overlap.raters if unit in shared else 1)]
        for stack in stacks
    ]


def _dealt(stacks: list[list[Unit]], n_seats: int) -> list[list[Unit]]:
    """Deals units out in turn, each prompt's from where its models are newest to the next seats.

    Dealing every prompt from its first unit on would give a seat the same models each time whenever
    the numbers of units and seats go together.
    """
    hands: list[list[Unit]] = [[] for _ in range(n_seats)]
    seen = [Counter[int]() for _ in range(n_seats)]
    turn = 0
    for stack in stacks:
        starts = [i for i, unit in enumerate(stack) if i == 0 or unit != stack[i - 1]]
        start = min(starts, key=lambda s: _crowding(_rotated(stack, s), seen, turn))
        for unit in _rotated(stack, start):
            hands[turn % n_seats].append(unit)
            seen[turn % n_seats].update(unit.models)
            turn += 1
    return hands


def _crowding(stack: Sequence[Unit], seen: Sequence[Counter[int]], turn: int) -> int:
    return sum(
        seen[(turn + i) % len(seen)][model] for i, unit in enumerate(stack) for model in unit.models
    )


def _seat(hand: Sequence[Unit], study: Study, n_models: int, rng: random.Random) -> list[Task]:
    tasks = placed(hand, n_models, rng)
    rng.shuffle(tasks)
    tasks = spaced(tasks)
    early = range(max(1, len(tasks) // 2)) if tasks else range(0)
    again = sorted(rng.sample(early, min(len(early), round(study.repeats * len(tasks)))))
    return tasks + [second_showing(tasks[i]) for i in again]


def second_showing(task: Task) -> Task:
    """Returns the same item with its order reversed."""
    return dataclasses.replace(task, shown=task.shown[::-1], repeat=task.repeat + 1)


def spaced(tasks: Sequence[Task]) -> list[Task]:
    """Reorders so that no prompt follows itself where that can be had, changing as little as it can."""
    waiting = list(tasks)
    counts = Counter(task.unit.query_id for task in waiting)
    bound = max(counts.values(), default=0)  # of what a prompt still counts; counts only fall
    line: list[Task] = []
    while waiting:
        last = line[-1].unit.query_id if line else None
        pick = None
        if 2 * bound > len(waiting):
            # A prompt that fills over half of what waits has to go now, or it will follow itself.
            most, bound = counts.most_common(1)[0]
            if most != last and 2 * bound > len(waiting):
                pick = next(i for i, t in enumerate(waiting) if t.unit.query_id == most)
        if pick is None:
            pick = next((i for i, t in enumerate(waiting) if t.unit.query_id != last), 0)
        line.append(waiting.pop(pick))
        counts[line[-1].unit.query_id] -= 1
    return line


def placed(hand: Sequence[Unit], n_models: int, rng: random.Random) -> list[Task]:
    """Gives each unit of a seat its displayed order; see the module's first lines."""
    hand = sorted(hand, key=lambda unit: unit.genre)
    sizes = {len(unit.models) for unit in hand}
    if sizes == {2}:
        return _sided(hand, rng)
    if sizes <= {1}:
        return [Task(unit, unit.models) for unit in hand]
    names = rng.sample(range(n_models), n_models)
    start = rng.randrange(n_models)
    return [
        Task(unit, tuple(names[(start + row + place) % n_models] for place in range(n_models)))
        for row, unit in enumerate(hand)
    ]


def _sided(hand: Sequence[Unit], rng: random.Random) -> list[Task]:
    edges = [((u.genre, u.models[0]), (u.genre, u.models[1])) for u in hand]
    lefts = eulerian_orientation(_joined(edges), rng)[: len(edges)]
    return [
        Task(unit, unit.models if forward else unit.models[::-1])
        for unit, forward in zip(hand, lefts, strict=True)
    ]


Node = tuple[object, ...]
Edge = tuple[Node, Node]


def _joined(edges: Sequence[Edge]) -> list[Edge]:
    """Adds edges that make every degree even: odd nodes to their model's node, odd models to one."""
    joined = list(edges)
    joined += [(node, ("model", node[1])) for node in _odd(joined)]
    joined += [(node, ("all",)) for node in _odd(joined)]
    return joined


def _odd(edges: Sequence[Edge]) -> list[Node]:
    degree: dict[Node, int] = {}
    for node in itertools.chain.from_iterable(edges):
        degree[node] = degree.get(node, 0) + 1
    return [node for node, count in degree.items() if count % 2]


def eulerian_orientation(edges: Sequence[Edge], rng: random.Random) -> list[bool]:
    """Directs edges so that each node is entered as often as it is left.

    Args:
        edges: Edges of a multigraph in which every node has an even degree.
        rng: Picks where each trail starts and which way it goes.

    Returns:
        For each edge whether it keeps its direction.
    """
    at: dict[Node, list[int]] = {}
    for number, (a, b) in enumerate(edges):
        at.setdefault(a, []).append(number)
        at.setdefault(b, []).append(number)
    for numbers in at.values():
        rng.shuffle(numbers)
    forward: list[bool | None] = [None] * len(edges)
    for first in rng.sample(range(len(edges)), len(edges)):
        if forward[first] is None:
            _walk(edges, at, forward, edges[first][rng.randrange(2)])
    return [bool(direction) for direction in forward]


def _walk(
    edges: Sequence[Edge], at: dict[Node, list[int]], forward: list[bool | None], node: Node
) -> None:
    while True:
        while at[node] and forward[at[node][-1]] is not None:
            at[node].pop()
        if not at[node]:
            return
        number = at[node].pop()
        forward[number] = edges[number][0] == node
        node = edges[number][1] if forward[number] else edges[number][0]
