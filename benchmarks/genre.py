"""How often genres are assigned rightly: python -m benchmarks.genre [--shared DIR].

1. The 101 labelled Chinese prompts of WritingPreferenceBench (arXiv 2510.14616): the rules may be
   tuned on those whose sha256(prompt_id) is even; the others are only reported here.
2. Synthetic corpora with tables of their own: published counts and lengths as constraints, right
   and with 3 % of the counts wrong, beside the signals alone.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from coig_writer.preference.rates import wilson
from coig_writer.taxonomy import published
from coig_writer.text import genre
from dataset_builder.official import published_counts, synthetic
from dataset_builder.official.assign import THRESHOLD

FILE = "data/writing_preference_bench_zh.jsonl.gz"
# Labels that a reader would not give, by the first words of the prompt: said here, scored as they are.
DOUBTFUL = {
    "撰写《油气田地层水": "asks for the abstract of a paper, labelled as a tutorial",
    "请撰写5条广告标语": "asks for slogans, labelled as advertising copy",
    "写一个设定在民国时期的悬疑推理故事": "asks for a mystery, labelled as a historical story",
}


def prompts(path: Path) -> dict[str, tuple[str, str]]:
    """Reads prompt id → (genre slug, prompt)."""
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    return {
        row["prompt_id"]: (published().genre(row["genre_zh"]).slug, row["prompt"]) for row in rows
    }


def even(prompt_id: str) -> bool:
    """Tells whether a prompt is in the half that rules may be tuned on."""
    return int(hashlib.sha256(prompt_id.encode()).hexdigest(), 16) % 2 == 0


def report_half(name: str, half: list[tuple[str, str]], *, confusion: bool) -> None:
    """Prints decided and right of one half, and what was confused with what."""
    guesses = [genre.best(genre.softmax(genre.log_odds(text)))[0] for _, text in half]
    decided = [g.probability >= THRESHOLD for g in guesses]
    right = [g.genre == label for g, (label, _) in zip(guesses, half, strict=True)]
    among = sum(r for r, d in zip(right, decided, strict=True) if d)
    rate = wilson(among, sum(decided))
    print(
        f"{name}: decided {sum(decided)} of {len(half)} ({100 * sum(decided) / len(half):.0f} %), right among them "
        f"{among} ({100 * among / sum(decided):.0f} % [{100 * rate.low:.0f}, {100 * rate.high:.0f}]); right among all {sum(right)}"
    )
    if not confusion:
        return
    table = Counter(
        (label, g.genre, d)
        for g, (label, _), d, r in zip(guesses, half, decided, right, strict=True)
        if not r
    )
    for (label, guess, sure), count in sorted(table.items()):
        print(f"  {label:<28} taken for {guess:<28}{count}  {'decided' if sure else 'left open'}")


def report_prompts(path: Path) -> None:
    """Prints both halves and the labels that look wrong."""
    rows = prompts(path)
    report_half("tuned on (even half)", [r for k, r in rows.items() if even(k)], confusion=True)
    report_half("reported (odd half)", [r for k, r in rows.items() if not even(k)], confusion=True)
    print("labels that look wrong, scored as they stand:")
    for opening, why in DOUBTFUL.items():
        found = [label for label, text in rows.values() if text.strip().startswith(opening)]
        print(f"  {opening}…: {why} ({', '.join(found) or 'not found'})")


def report_corpora(seeds: int) -> None:
    """Prints accuracy with and without constraints per seed."""
    print(
        f"{'seed':<6}{'signals':>9}{'counts':>9}{'all':>9}{'3% wrong':>10}{'pinned right':>15}{'counts met':>12}{'seconds':>9}"
    )
    for seed in range(seeds):
        drawn = synthetic.corpus(seed)
        alone = np.mean(drawn.log_probability.argmax(axis=1) == drawn.truth)
        start = time.perf_counter()
        everything = published_counts.solve(drawn.log_probability, drawn.lengths, drawn.tables)
        seconds = time.perf_counter() - start
        # Without a single extreme in the rows, only the counts take part.
        nowhere = np.zeros_like(drawn.lengths)
        counts = published_counts.solve(drawn.log_probability, nowhere, drawn.tables)
        wrong = synthetic.miscounted(drawn.tables, 0.03, seed)
        miscounted = published_counts.solve(drawn.log_probability, drawn.lengths, wrong)
        shares = [np.mean(c.genre == drawn.truth) for c in (counts, everything, miscounted)]
        pinned = everything.pinned
        sure = f"{(everything.genre == drawn.truth)[pinned].sum()} of {pinned.sum()}"
        wanted = [table.count if table else 0 for table in drawn.tables]
        met = np.bincount(everything.genre, minlength=len(wanted)).tolist() == wanted
        print(
            f"{seed:<6}{alone:>9.3f}{shares[0]:>9.3f}{shares[1]:>9.3f}{shares[2]:>10.3f}{sure:>15}{met!s:>12}{seconds:>9.1f}"
        )


def main() -> None:
    """Runs both parts; the first needs the labelled prompts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).parents[2] / "shared"
    parser.add_argument("--shared", type=Path, default=default, help="folder with data/")
    parser.add_argument("--seeds", type=int, default=20, help="synthetic corpora (default: 20)")
    arguments = parser.parse_args()
    if (arguments.shared / FILE).is_file():
        report_prompts(arguments.shared / FILE)
    else:
        print(f"labelled prompts are not at hand ({FILE}): part 1 left out")
    report_corpora(arguments.seeds)


if __name__ == "__main__":
    main()
