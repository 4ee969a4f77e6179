"""Bradley–Terry with bootstrap on 1,000,000 votes: python benchmarks/bradley_terry.py [--votes N].

50 models, 20 % ties, uneven pairing, 100 bootstrap rounds that resample single votes, as all tools
can. Each method starts from the same two lists of names and one array of outcomes, runs in a process
of its own, and is charged its CPU seconds (children included) and its peak memory over the loaded
data. Goal for this kit: at most 0.25 CPU seconds and 50 MB over the data.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from coig_writer.preference import bootstrap
from coig_writer.preference.pairs import Pairs, counts

Floats = npt.NDArray[np.float64]
Method = Callable[[list[str], list[str], Floats], Floats]


MODELS, ROUNDS, SEED = 50, 100, 20251123
NAMES = [f"model-{i:02d}" for i in range(MODELS)]


def votes(count: int) -> tuple[list[str], list[str], Floats]:
    """Draws votes from known strengths: names left, names right, outcomes 1, 0.5 or 0."""
    rng = np.random.default_rng(SEED)
    strength = np.linspace(-1.5, 1.5, MODELS)
    share = rng.dirichlet(np.full(MODELS, 3.0))
    left = rng.choice(MODELS, count, p=share)
    right = (left + 1 + rng.integers(0, MODELS - 1, count)) % MODELS
    won = rng.random(count) < 1 / (1 + np.exp(strength[right] - strength[left]))
    outcome = np.where(rng.random(count) < 0.2, 0.5, won.astype(float))
    return [NAMES[i] for i in left], [NAMES[i] for i in right], outcome


def kit(left: list[str], right: list[str], outcome: Floats) -> Floats:
    """This kit: count once, resample the counts, Newton's method on all rounds at once."""
    index = {name: i for i, name in enumerate(NAMES)}
    codes = [
        np.fromiter(map(index.__getitem__, side), np.intp, len(side)) for side in (left, right)
    ]
    none = np.zeros(0, dtype=np.intp)
    pairs = Pairs(tuple(NAMES), (), (), codes[0], codes[1], outcome, none, none)
    board = bootstrap.strengths(pairs, "half", bootstrap.Resampling("comparison", ROUNDS, SEED))
    return np.array([board.strengths[name].estimate for name in NAMES])


def _table(left: list[str], right: list[str], outcome: Floats) -> Floats:
    """Half-win points, for the tools that take a table or aggregated rows."""
    index = {name: i for i, name in enumerate(NAMES)}
    codes = [
        np.fromiter(map(index.__getitem__, side), np.intp, len(side)) for side in (left, right)
    ]
    wins, ties = counts(codes[0], codes[1], outcome, MODELS)
    return wins + ties / 2


def _rounds(points: Floats) -> list[Floats]:
    rng = np.random.default_rng(SEED)
    total, flat = int(points.sum()), points.ravel() / points.sum()
    return [rng.multinomial(total, flat).reshape(points.shape).astype(float) for _ in range(ROUNDS)]


def choix_dense(left: list[str], right: list[str], outcome: Floats) -> Floats:
    """Runs choix on tables that are counted and resampled for it (its own input is one tuple per win)."""
    import choix

    points = _table(left, right, outcome)
    for table in _rounds(points):
        choix.ilsr_pairwise_dense(table, tol=1e-8)
    return np.asarray(choix.ilsr_pairwise_dense(points, tol=1e-10))


def evalica_weights(left: list[str], right: list[str], outcome: Floats) -> Floats:
    """Runs evalica on aggregated rows with weights, counted and resampled for it."""
    import evalica

    points = _table(left, right, outcome)
    winner, loser = np.nonzero(points)
    names = np.array(NAMES)

    def solve(table: Floats) -> Any:
        return evalica.bradley_terry(
            names[winner].tolist(),
            names[loser].tolist(),
            [evalica.Winner.X] * len(winner),
            weights=table[winner, loser].tolist(),
            tolerance=1e-10,
            limit=10_000,
        )

    for table in _rounds(points):
        solve(table)
    return np.asarray(np.log(solve(points).scores.sort_index().to_numpy()))


METHODS: dict[str, Method] = {
    "kit": kit,
    "choix": choix_dense,
    "evalica": evalica_weights,
}


def measure(method: str, count: int) -> None:
    """Runs one method and prints what it used as JSON."""
    import scipy.sparse
    import scipy.special
    import scipy.stats  # noqa: F401  imports are not what is measured

    if method != "kit":
        __import__(method)
    data = votes(count)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _peak_mb()
    start, wall = _cpu(), time.perf_counter()
    scores = np.asarray(METHODS[method](*data), dtype=float)
    used = {"cpu_s": _cpu() - start, "wall_s": time.perf_counter() - wall}
    scores = (scores - scores.mean()).tolist()
    print(json.dumps(used | {"extra_mb": _peak_mb() - before, "scores": scores}))


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _peak_mb() -> float:
    """Returns the peak of resident memory since it was last reset (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Measures every method in a process of its own and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=1_000_000, help="how many (default: 1000000)")
    parser.add_argument("--method", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.method:
        measure(arguments.method, arguments.votes)
        return
    print(f"{arguments.votes:,} votes, {MODELS} models, {ROUNDS} bootstrap rounds")
    print(f"{'':<10}{'CPU s':>8}{'wall s':>8}{'MB over data':>14}{'largest difference in Elo':>28}")
    reference: Floats | None = None
    for method in METHODS:
        command = [sys.executable, __file__, "--method", method, "--votes", str(arguments.votes)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        scores = np.array(row["scores"])
        reference = scores if reference is None else reference
        elo = 400 / np.log(10) * np.abs(scores - reference).max()
        print(
            f"{method:<10}{row['cpu_s']:>8.2f}{row['wall_s']:>8.2f}{row['extra_mb']:>14.0f}{elo:>28.1e}"
        )


if __name__ == "__main__":
    main()
