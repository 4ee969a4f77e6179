"""Does the interval of Krippendorff's α hold the truth? Simulated studies, prompts with answers.

    python benchmarks/alpha.py --studies 2000

Each cell is a size of study: prompts × answers to each, two raters on every answer. A prompt makes all
its answers better or worse and its raters more or less of one mind, so that answers hang together.
Writes one JSON per cell: coverage of the interval that resamples prompts and of one that resamples
answers, and the first interval, by which a test tells whether the file is of the present code. The truth is α of one
study of 40,000 prompts.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from coig_writer.files import write_json
from coig_writer.preference.agreement import Rating, alpha
from coig_writer.preference.bootstrap import Resampling
from coig_writer.preference.pairs import Floats
from coig_writer.preference.rates import wilson

CELLS = ((60, 15), (100, 5), (30, 15))
SCALE = 3
TRUTH = 40_000  # prompts of the study that stands for the truth
OUT = Path(__file__).with_suffix("")


def study(prompts: int, answers: int, rng: np.random.Generator) -> Floats:
    """Returns scores 0–3: prompts × answers × two raters."""
    level = rng.normal(size=(prompts, 1, 1))
    doubt = np.exp(
        rng.normal(-0.3, 0.6, size=(prompts, 1, 1))
    )  # raters differ more on some prompts
    quality = level + rng.normal(0, 0.6, size=(prompts, answers, 1))
    seen = quality + doubt * rng.normal(size=(prompts, answers, 2))
    return np.asarray(np.clip(np.round(1.5 + seen), 0, SCALE))


def rows(scores: Floats, *, by_prompt: bool) -> list[Rating]:
    """Returns the scores as ratings, with or without their prompt."""
    return [
        Rating(f"{p}:{a}", f"r{r}", float(scores[p, a, r]), f"q{p}" if by_prompt else "")
        for p, a, r in np.ndindex(*scores.shape)
    ]


def truth(answers: int, seed: int = 0) -> float:
    """Returns α of a study so large that it has no interval worth the name.

    Computed from the counts: over two raters, α = 1 - observed / expected squared distance of mid-ranks.
    """
    scores = study(TRUTH, answers, np.random.default_rng(seed)).reshape(-1, 2).astype(np.intp)
    table = np.zeros((SCALE + 1, SCALE + 1))
    np.add.at(table, (scores[:, 0], scores[:, 1]), 1)
    table = table + table.T
    totals = table.sum(axis=1)
    middle = np.cumsum(totals) - totals / 2
    distance = (middle[:, None] - middle) ** 2
    n = totals.sum()
    expected = (np.outer(totals, totals) * distance).sum() / (n * (n - 1))
    return float(1 - (table * distance).sum() / n / expected)


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """Shares of studies whose interval holds the truth, with Wilson's interval of the first."""

    prompts: int
    answers: int
    studies: int
    seed: int
    truth: float
    by_prompt: float
    low: float
    high: float
    by_answer: float
    first: tuple[float, float]


def cell(prompts: int, answers: int, studies: int, *, rounds: int = 400, seed: int = 0) -> Cell:
    """Simulates one size of study."""
    true = truth(answers)
    held, first = dict.fromkeys((True, False), 0), (0.0, 0.0)
    for number in range(studies):
        scores = study(prompts, answers, np.random.default_rng([seed, number]))
        for by_prompt in held:
            interval = alpha(
                rows(scores, by_prompt=by_prompt), plan=Resampling(rounds=rounds, seed=number)
            )
            held[by_prompt] += interval.low <= true <= interval.high
            if number == 0 and by_prompt:
                first = interval.low, interval.high
    rate = wilson(held[True], studies)
    share = held[False] / studies
    return Cell(
        prompts, answers, studies, seed, true, rate.value, rate.low, rate.high, share, first
    )


def main() -> None:
    """Writes every cell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder (default: {OUT.name}/ here)")
    options = parser.parse_args()
    for prompts, answers in CELLS:
        result = cell(prompts, answers, options.studies)
        write_json(
            options.out / f"{prompts}-prompts-{answers}-answers.json", dataclasses.asdict(result)
        )
        print(
            f"{prompts} × {answers}: {result.by_prompt:.1%} [{result.low:.1%}, {result.high:.1%}] by prompt, {result.by_answer:.1%} by answer"
        )


if __name__ == "__main__":
    main()
