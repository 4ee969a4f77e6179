"""Are votes × judge honest, and what are they worth? Simulated studies: 50 voted of 250 judged prompts.

    python benchmarks/prediction_powered.py --studies 2000

Each prompt is won by one of two models. How often the first wins is drawn anew for each study, because a
count out of 50 covers one fixed truth by luck (Wilson's interval: 93.5 % at .50, 96.3 % at .65). The judge
names the winner with some accuracy and errs towards the longer answer; the first model writes longer. One
more judge measures length and nothing else. One JSON per cell: coverage of the interval, mean width
beside that of votes alone, how far the estimate lies from the votes' own, what Student's symmetric interval of the
votes alone covers, and the first interval, by which a test tells whether the file is of the present code.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
from scipy import stats

from coig_writer.files import write_json
from coig_writer.preference.pairs import Floats
from coig_writer.preference.prediction_powered import estimate
from coig_writer.preference.rates import wilson

VOTED, JUDGED = 50, 250
LONGER = 0.7  # share of prompts on which the first model wrote more
JUDGES: dict[str, float | None] = {"0.5": 0.5, "0.7": 0.7, "0.9": 0.9, "length": None}
TRUTHS = {"close": (0.4, 0.75), "lopsided": (0.75, 0.95)}  # between these lies the rate of a study
OUT = Path(__file__).with_suffix("")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One judge over many studies; ``moved`` is the mean shift of the estimate against votes alone."""

    judge: str
    truth: str
    studies: int
    seed: int
    coverage: float
    low: float
    high: float
    width_ratio: float
    moved: float
    moved_error: float
    worth: float
    student: float
    first: tuple[float, float]


def study(
    accuracy: float | None, truth: float, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns votes on some prompts and verdicts on all."""
    won = (rng.random(JUDGED) < truth).astype(np.float64)
    longer = (rng.random(JUDGED) < LONGER).astype(np.float64)
    verdict = longer
    if accuracy is not None:
        # a judge that errs does so half the time for length's sake; at .5 it always tosses a coin
        right = rng.random(JUDGED) < 2 * accuracy - 1
        verdict = np.where(
            right, won, np.where(rng.random(JUDGED) < 0.5, longer, rng.random(JUDGED) < 0.5)
        )
    queries = [f"q{i:03}" for i in range(JUDGED)]
    voted = rng.choice(JUDGED, VOTED, replace=False)
    return (
        {queries[i]: float(won[i]) for i in voted},
        {query: float(v) for query, v in zip(queries, verdict, strict=True)},
    )


def cell(judge: str, truth: str, studies: int, seed: int = 0) -> Cell:
    """Simulates one judge."""
    held, student, estimates = 0, 0, []
    for number in range(studies):
        rng = np.random.default_rng([seed, number])
        rate = float(rng.uniform(*TRUTHS[truth]))
        votes, verdicts = study(JUDGES[judge], rate, rng)
        powered = estimate(votes, verdicts)
        student += _student(np.array(list(votes.values())), rate)
        held += powered.low <= rate <= powered.high
        estimates.append(powered)
    coverage = wilson(held, studies)
    moved = np.array([e.value - e.alone for e in estimates])
    width = np.mean([e.high - e.low for e in estimates])
    alone = np.mean([e.alone_high - e.alone_low for e in estimates])
    return Cell(
        judge, truth, studies, seed, coverage.value, coverage.low, coverage.high,
        float(width / alone), float(moved.mean()), float(moved.std(ddof=1) / np.sqrt(studies)),
        float(np.mean([e.worth for e in estimates])), student / studies,
        (estimates[0].low, estimates[0].high),
    )  # fmt: skip


def _student(votes: Floats, rate: float) -> bool:
    """Tells whether Student's interval of the votes alone holds the rate."""
    half = stats.t.ppf(0.975, len(votes) - 1) * votes.std(ddof=1) / np.sqrt(len(votes))
    return bool(abs(votes.mean() - rate) <= half)


def main() -> None:
    """Writes every cell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder (default: {OUT.name}/ here)")
    options = parser.parse_args()
    for truth in TRUTHS:
        for judge in JUDGES:
            result = cell(judge, truth, options.studies)
            write_json(options.out / f"{truth}-judge-{judge}.json", dataclasses.asdict(result))
            print(
                f"{truth}, judge {judge}: {result.coverage:.1%} [{result.low:.1%}, {result.high:.1%}], "
                f"width {result.width_ratio:.3f}, moved {result.moved:+.4f} ± {result.moved_error:.4f}, "
                f"worth {result.worth:.0f} votes; Student's {result.student:.1%}"
            )


if __name__ == "__main__":
    main()
