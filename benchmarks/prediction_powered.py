"""Are votes × judge honest, and what are they worth? Simulated studies: 50 voted of 250 judged prompts.

    python benchmarks/prediction_powered.py --studies 2000 --out build/prediction-powered

Each prompt is won by one of two models, 58 % by the first. The judge names the winner with some accuracy and
errs towards the longer answer; the first model writes longer. One more judge measures length and nothing
else. One JSON per cell: coverage of the interval, mean width beside that of votes alone, and how far the
estimate lies from the votes' own.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from coig_writer.files import write_json
from coig_writer.preference.prediction_powered import estimate
from coig_writer.preference.rates import wilson

VOTED, JUDGED, TRUTH = 50, 250, 0.58
LONGER = 0.7  # share of prompts on which the first model wrote more
CELLS: dict[str, float | None] = {"0.5": 0.5, "0.7": 0.7, "0.9": 0.9, "length": None}


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One judge over many studies; ``moved`` is the mean shift of the estimate against votes alone."""

    judge: str
    studies: int
    seed: int
    coverage: float
    low: float
    high: float
    width_ratio: float
    moved: float
    moved_error: float
    worth: float


def study(
    accuracy: float | None, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns votes on some prompts and verdicts on all."""
    won = (rng.random(JUDGED) < TRUTH).astype(np.float64)
    longer = (rng.random(JUDGED) < LONGER).astype(np.float64)
    verdict = longer
    if (
        accuracy is not None
    ):  # where it errs it is half the time for length's sake, at .5 always a coin
        right = rng.random(JUDGED) < 2 * accuracy - 1
        verdict = np.where(
            right, won, np.where(rng.random(JUDGED) < 0.5, longer, rng.random(JUDGED) < 0.5)
        )
    names = [f"q{i:03}" for i in range(JUDGED)]
    voted = rng.choice(JUDGED, VOTED, replace=False)
    return (
        {names[i]: float(won[i]) for i in voted},
        {name: float(v) for name, v in zip(names, verdict, strict=True)},
    )


def cell(judge: str, studies: int, seed: int = 0) -> Cell:
    """Simulates one judge."""
    found = [
        estimate(*study(CELLS[judge], np.random.default_rng([seed, number])))
        for number in range(studies)
    ]
    held = wilson(sum(f.low <= TRUTH <= f.high for f in found), studies)
    moved = np.array([f.value - f.alone for f in found])
    width = np.mean([f.high - f.low for f in found])
    alone = np.mean([f.alone_high - f.alone_low for f in found])
    return Cell(
        judge, studies, seed, held.value, held.low, held.high, float(width / alone),
        float(moved.mean()), float(moved.std(ddof=1) / np.sqrt(studies)),
        float(np.mean([f.worth for f in found])),
    )  # fmt: skip


def main() -> None:
    """Writes every cell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("build/prediction-powered"))
    options = parser.parse_args()
    for judge in CELLS:
        found = cell(judge, options.studies)
        write_json(options.out / f"judge-{judge}.json", dataclasses.asdict(found))
        print(
            f"judge {judge}: {found.coverage:.1%} [{found.low:.1%}, {found.high:.1%}], width {found.width_ratio:.3f}, moved {found.moved:+.4f} ± {found.moved_error:.4f}, worth {found.worth:.0f} votes"
        )


if __name__ == "__main__":
    main()
