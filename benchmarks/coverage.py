"""Do 95 % intervals hold the truth 95 % of the time? python benchmarks/coverage.py [--studies N] [--out DIR].

Simulated studies from known strengths, estimated by the kit's own road: strengths of five-way
rankings with prompts resampled and with every pair taken as independent, and the board's win rate
where each prompt was judged once, where raters lean, and where they agree. Each cell is seeded by its
name and written to DIR as one JSON file; a cell that is there is not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit
from scipy.stats import norm

from coig_writer.ballot import Comparison
from coig_writer.preference import bootstrap, bradley_terry, newton
from coig_writer.preference.board import board

Floats = npt.NDArray[np.float64]
TRUTH = np.array([-0.5, -0.2, 0.05, 0.45, 0.2])  # about as far apart as the models of Table 2
TRUTH = TRUTH - TRUTH.mean()
PROMPTS, ROUNDS = 204, 400


def ranked(rng: np.random.Generator) -> Floats:
    """One study: who beat whom on each prompt (prompts × 25), from Plackett–Luce rankings."""
    utility = TRUTH + rng.gumbel(size=(PROMPTS, 5))
    return (utility[:, :, None] > utility[:, None, :]).reshape(PROMPTS, 25).astype(np.float64)


def by_prompt(rng: np.random.Generator) -> tuple[int, int, float]:
    """Strengths, prompts resampled."""
    wins = ranked(rng)
    weights = bootstrap.cluster_weights(PROMPTS, ROUNDS, rng)
    tables = (weights @ sparse.csr_array(wins)).reshape(ROUNDS, 5, 5)
    drawn, _ = bootstrap.refit(tables, np.zeros_like(tables), "half")
    return _inside(*np.quantile(drawn, [0.025, 0.975], axis=0))


def naive(rng: np.random.Generator) -> tuple[int, int, float]:
    """Strengths by the usual interval: inverse information, every pair an independent vote."""
    found = bradley_terry.solve(ranked(rng).sum(axis=0).reshape(1, 5, 5))
    error = np.sqrt(np.diag(newton.covariance(found.information[0], 5)))
    half = norm.ppf(0.975) * error
    return _inside(found.parameters[0] - half, found.parameters[0] + half)


def _inside(low: Floats, high: Floats) -> tuple[int, int, float]:
    hits = (low <= TRUTH) & (high >= TRUTH)
    return int(hits.sum()), len(TRUTH), float((high - low).sum())


def rate(
    rng: np.random.Generator, prompts: int, raters: int, prompt_sd: float, rater_sd: float
) -> tuple[int, int, float]:
    """The board's rate of one pair; prompts and raters lean, and the truth is their mean."""
    lean = rng.normal(0, prompt_sd, prompts)[:, None] + rng.normal(0, rater_sd, raters)
    won = rng.random((prompts, raters)) < expit(0.3 + lean)
    votes = [
        Comparison(f"q{q}", f"r{r}", "a", "b", float(won[q, r]))
        for q in range(prompts)
        for r in range(raters)
    ]
    cell = board(votes).cell("a", "b")
    assert cell is not None
    assert cell.rate is not None
    truth = _mean_rate(0.3, math.hypot(prompt_sd, rater_sd))
    return int(cell.rate.low <= truth <= cell.rate.high), 1, cell.rate.high - cell.rate.low


def _mean_rate(centre: float, sd: float) -> float:
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    return float((expit(centre + sd * points) * weights).sum() / weights.sum())


CELLS: dict[str, Callable[[np.random.Generator], tuple[int, int, float]]] = {
    "strengths, prompts resampled": by_prompt,
    "strengths, pairs taken as independent": naive,
    "rate, 60 prompts judged once": lambda rng: rate(rng, 60, 1, 1.0, 0.0),
    "rate, 12 prompts judged once": lambda rng: rate(rng, 12, 1, 1.0, 0.0),
    "rate, 12 prompts, 8 raters who lean": lambda rng: rate(rng, 12, 8, 1.0, 0.5),
    "rate, 60 prompts, 8 raters who lean": lambda rng: rate(rng, 60, 8, 1.0, 0.5),
    "rate, 60 prompts, 8 raters alike": lambda rng: rate(rng, 60, 8, 1.0, 0.0),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """Share of intervals that hold the truth, and their mean width."""

    name: str
    studies: int
    coverage: float
    width: float


def measure(name: str, studies: int) -> Cell:
    """Simulates one cell, from a seed of its own."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    hits, intervals, width = np.sum([CELLS[name](rng) for _ in range(studies)], axis=0)
    return Cell(name, studies, float(hits / intervals), float(width / intervals))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000, help="per cell (default: 2000)")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks/coverage"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"{'':<40}{'coverage':>10}{'width':>8}{'studies':>9}")
    for name in CELLS:
        file = (
            arguments.out / f"{name.replace(', ', '-').replace(' ', '_')}-{arguments.studies}.json"
        )
        if not file.exists():
            cell = measure(name, arguments.studies)
            file.write_text(json.dumps(dataclasses.asdict(cell)) + "\n", encoding="utf-8")
        cell = Cell(**json.loads(file.read_text(encoding="utf-8")))
        print(f"{cell.name:<40}{cell.coverage:>10.1%}{cell.width:>8.3f}{cell.studies:>9}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
