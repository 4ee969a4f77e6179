"""Who sees what, in which place: random to each rater, balanced over the study, the same on every run.

The items of a study are assigned to *seats*; the rater who takes a seat gets its list. Every order that a
rater sees is drawn alone and evenly out of all orders, so that no author who was recognised, and nothing
seen before, says where the others stand. The balance is made between raters: showings of the same models
are gathered into runs with no rater twice, and a run shares one drawn order, turned for each rater by
another row of a Williams design (E. J. Williams, Aust. J. Sci. Res. A 2, 1949): over the rows each model
stands in each place, and after each other model, equally often. In an invited study a run goes over the
seats. A public rater may take several seats, so there it goes over the rounds in which a seat is taken.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
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
        first = number * keep % len(subsets)
        kept = (subsets[first:] + subsets[:first])[:keep]
        stacks.append([Unit(prompt.query_id, prompt.genre, models) for models in kept])
    return stacks


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
    study: Study,
    prompts: Sequence[Prompt],
    protocol: Protocol,
    n_models: int,
    founders: int | None = None,
) -> list[list[Task]]:
    """Assigns a study's items of one protocol and language to its seats.

    Args:
        study: Overlap, repeats, seed, and the number of raters or the items of one.
        prompts: The prompts of one language.
        protocol: What is asked.
        n_models: How many models there are.
        founders: Raters an invited study began with; None takes those it has now.

    Returns:
        One list of tasks per seat, in the order in which they are shown. In an invited study seat
        ``i`` is for founder ``i``, and who comes later gets a ``refill``; in a public one visitors take
        the seats in turn.
    """
    rng = random.Random(f"{study.seed}|{study.study}|{protocol}")
    ordered = sorted(prompts, key=lambda p: (p.genre, rng.random()))
    stacks = units(ordered, protocol, n_models, study.pairs_per_prompt)
    everything = [unit for stack in stacks for unit in stack]
    count = math.ceil(study.overlap.share * len(everything) - 1e-9)
    times = dict.fromkeys(everything, 1)
    times |= dict.fromkeys(rng.sample(everything, count), study.overlap.raters)
    n_seats = (len(study.raters) if founders is None else founders) or max(
        study.overlap.raters, math.ceil(sum(times.values()) / study.items_per_rater)
    )
    task_lists = placed(
        _assigned(stacks, times, n_seats, rng), rng, balanced=study.mode == "invited"
    )
    return [_seat(tasks, study, rng) for tasks in task_lists]


def _assigned(
    stacks: Sequence[Sequence[Unit]], times: Mapping[Unit, int], n_seats: int, rng: random.Random
) -> list[list[Unit]]:
    """Assigns units in rounds, each over all seats in an order of its own, so that any two may share.

    Evening out how often a seat meets each model would tell its rater which is due next.
    """
    unit_lists: list[list[Unit]] = [[] for _ in range(n_seats)]
    waiting: list[int] = []
    for unit in (unit for stack in stacks for unit in rng.sample(stack, len(stack))):
        chosen: list[int] = []
        while len(chosen) < times[unit]:
            waiting = waiting or rng.sample(range(n_seats), n_seats)
            chosen.append(next(seat for seat in waiting if seat not in chosen))
            waiting.remove(chosen[-1])
            unit_lists[chosen[-1]].append(unit)
    return unit_lists


def refill(
    study: Study,
    protocol: Protocol,
    assigned: Sequence[Sequence[Task]],
    covered: Mapping[Unit, int],
    rater: str,
) -> list[Task]:
    """Assigns tasks to a rater who came after the study began, as many as a founder has.

    Units short of the raters that the study wants for them come first, the shortest of all before
    others; then those that have the fewest more. Each order is drawn alone.

    Args:
        study: As for ``seats``.
        protocol: As for ``seats``.
        assigned: The founders' seats.
        covered: By unit the raters who voted on it or still have it before them.
        rater: Pseudonym of the new one; the assignment depends on it and on ``covered``.
    """
    rng = random.Random(f"{study.seed}|{study.study}|{protocol}|{rater}")
    wanted = wanted_raters(assigned)
    left_over = {unit: covered.get(unit, 0) - n for unit, n in wanted.items()}
    drawn = sorted(rng.sample(list(wanted), len(wanted)), key=left_over.__getitem__)
    size = max(sum(task.repeat == 0 for task in seat) for seat in assigned)
    (tasks,) = placed([drawn[:size]], rng, balanced=False)
    short = [task for task in tasks if left_over[task.unit] < 0]
    return _with_repeats(spaced(short) + spaced(tasks[len(short) :]), study, rng)


def wanted_raters(assigned: Sequence[Sequence[Task]]) -> Counter[Unit]:
    """Returns how many raters a study wants for each unit: as many as it was first assigned to."""
    return Counter(task.unit for seat in assigned for task in seat if task.repeat == 0)


def _seat(tasks: Sequence[Task], study: Study, rng: random.Random) -> list[Task]:
    return _with_repeats(spaced(rng.sample(tasks, len(tasks))), study, rng)


def _with_repeats(tasks: list[Task], study: Study, rng: random.Random) -> list[Task]:
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


@functools.cache
def williams(n: int) -> tuple[tuple[int, ...], ...]:
    """Returns orders of ``n`` places; the first leaves all where they are.

    Over all rows each place comes at each position equally often, and after each other place equally
    often: ``n`` rows for an even ``n``, twice as many for an odd one.
    """
    zigzag = [(i + 1) // 2 if i % 2 else -(i // 2) % n for i in range(n)]
    at = {place: position for position, place in enumerate(zigzag)}
    rows = [tuple(at[(place + turn) % n] for place in zigzag) for turn in range(n)]
    return (*rows, *(row[::-1] for row in rows if n % 2))


def turned(task: Task, row: int) -> Task:
    """Returns a task in the order that a row of the design makes of it; a repeat stays reversed."""
    design = williams(len(task.shown))
    direction = -1 if task.repeat % 2 else 1
    first = task.shown[::direction]
    shown = tuple(first[place] for place in design[row % len(design)])[::direction]
    return dataclasses.replace(task, shown=shown)


def placed(
    unit_lists: Sequence[Sequence[Unit]], rng: random.Random, *, balanced: bool
) -> list[list[Task]]:
    """Gives each unit of each seat its displayed order; see the module's first lines.

    Args:
        unit_lists: The units of each seat.
        rng: Draws the orders.
        balanced: Whether runs go over the seats; otherwise each showing is drawn alone.
    """
    tasks = [
        [Task(unit, tuple(rng.sample(unit.models, len(unit.models)))) for unit in units_of_seat]
        for units_of_seat in unit_lists
    ]
    if balanced:
        for run in _runs(unit_lists):
            seat, place = run[0]
            drawn = tasks[seat][place].shown
            for row, (seat, place) in enumerate(rng.sample(run, len(run))):
                tasks[seat][place] = turned(Task(unit_lists[seat][place], drawn), row)
    return tasks


def _runs(unit_lists: Sequence[Sequence[Unit]]) -> list[list[tuple[int, int]]]:
    """Gathers showings (seat, place in its list) of the same models, no seat twice in a run.

    The showings of a genre, and those of one unit to several raters, come side by side.
    """
    cells = sorted(
        ((s, i) for s, of_seat in enumerate(unit_lists) for i in range(len(of_seat))),
        key=lambda cell: (
            unit_lists[cell[0]][cell[1]].genre,
            unit_lists[cell[0]][cell[1]].query_id,
            cell,
        ),
    )
    full: list[list[tuple[int, int]]] = []
    growing: dict[tuple[int, ...], list[list[tuple[int, int]]]] = {}
    for cell in cells:
        models = unit_lists[cell[0]][cell[1]].models
        open_runs = growing.setdefault(models, [])
        run = next((r for r in open_runs if all(seat != cell[0] for seat, _ in r)), None)
        if run is None:
            run = []
            open_runs.append(run)
        run.append(cell)
        if len(run) == len(williams(len(models))):
            open_runs.remove(run)
            full.append(run)
    return full + [run for runs in growing.values() for run in runs]
