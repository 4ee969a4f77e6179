"""How often does chance earn an arrow? Random metrics on real answers and real scores of people.

    python -m tests.eval_tasks.preference_bench ../shared/data/writing_preference_bench_zh.jsonl.gz build/bench
    python benchmarks/validity.py --scores build/bench/scores.parquet --ballots build/bench/ballots.parquet

Any scored set will do, with votes, rankings or ratings of the same answers. One metric per seed, asked alone:
drawn anew for each answer; drawn once for each model, so that it marks the model and nothing else; the
lengths with noise; the share of comparisons that an answer won, with noise. The noise has the within-prompt spread. Chance
and length should earn an arrow in about 5 % of the seeds or fewer, success with noise in nearly all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from coig_writer.ballot import Ballot
from coig_writer.files import read_records, write_json
from coig_writer.preference import association, ratings, summary
from coig_writer.preference.pairs import Floats, encode
from coig_writer.preference.validity import ALPHA, given_length
from coig_writer.score import Score

LENGTH = "chars"
OUT = Path(__file__).with_suffix("") / "arrows.json"


def main() -> None:
    """Prints and writes how many seeds earn an arrow, by kind of metric."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scores", type=Path, required=True, help="with the length of each answer")
    parser.add_argument("--ballots", type=Path, required=True, help="votes of people on them")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--out", type=Path, default=OUT, help="file (default: validity/ here)")
    options = parser.parse_args()
    success, lengths = tables(
        read_records(options.ballots, Ballot), read_records(options.scores, Score)
    )
    earned = {
        kind: sum(arrow(kind, seed, success, lengths) for seed in range(options.seeds))
        for kind in ("answer", "model", "length", "success")
    }
    prompts, models = success.shape
    answers = int((~np.isnan(success) & ~np.isnan(lengths)).sum())
    about = {"prompts": prompts, "models": models, "answers": answers, "seeds": options.seeds}
    write_json(options.out, about | {"earned": earned})
    print(
        f"{answers} answers of {models} models to {prompts} prompts; arrows in {options.seeds} seeds:"
    )
    for kind, count in earned.items():
        print(f"  {kind:<8}{count}")


def tables(ballots: list[Ballot], scores: list[Score]) -> tuple[Floats, Floats]:
    """Returns the share of comparisons won and the lengths (prompts × models), NaN where unknown."""
    pairs = encode(summary.votes(ballots) or ratings.implied(ballots).comparisons)
    chars = {(s.variant, s.query_id): s.value for s in scores if s.metric == LENGTH}
    won = association.success(pairs)
    both = [
        [[table.get((model, query)) for model in pairs.labels] for query in pairs.query_ids]
        for table in (won, chars)
    ]
    success, lengths = np.array(both, dtype=np.float64)  # None becomes NaN
    return success, lengths


def arrow(kind: str, seed: int, success: Floats, lengths: Floats) -> bool:
    """Tells whether a metric of one seed, asked alone, earns an arrow."""
    rng = np.random.default_rng([seed, len(kind)])
    shape = (1, success.shape[1]) if kind == "model" else success.shape
    noise = np.broadcast_to(rng.normal(size=shape), success.shape)
    signal = {"length": lengths, "success": success}.get(kind)
    metric = noise if signal is None else signal + spread(signal) * noise
    p = given_length(metric, success, lengths).p
    return p is not None and p < ALPHA


def spread(table: Floats) -> float:
    """Returns the standard deviation within a prompt, over all prompts."""
    return float(np.sqrt(np.nanmean(np.nanvar(table, axis=1, ddof=1))))


if __name__ == "__main__":
    main()
