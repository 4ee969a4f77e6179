"""Tokens processed per token learned from, packed against padded: python benchmarks/token_efficiency.py.

For each mixture: micro-batches of 8 rows padded to their longest, against best-fit bins of 8,192 tokens. Lengths
are counted where a mixture is built (--mixtures FOLDER), and else drawn to the paper's minimum, mean and maximum
of every genre and called synthetic, prompt, reasoning and article apart; a last line has a genre's long ones fall
on the same rows, the widest spread that those figures allow. This is arithmetic on lengths, no measurement of time.
Goal for cw: 2.5.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from coig_writer.errors import run_command
from coig_writer.mixing import controls
from coig_writer.mixture import VARIANTS
from coig_writer.planning import lengths as planner_lengths
from coig_writer.planning.lengths import Lengths

GOAL = 2.5


def line(variant: str, lengths: Lengths, batch: int, length: int) -> str:
    """Renders one mixture."""
    padded = lengths.total / planner_lengths.padded(lengths, batch)
    packed = lengths.total / planner_lengths.packed(lengths, length)
    return (
        f"{variant:<9}{len(lengths.tokens):>7,}{lengths.mean:>7,.0f}{padded:>9.1%}{packed:>9.1%}"
        f"{packed / padded:>7.2f}  {lengths.origin}"
    )


def main() -> int | None:
    """Prints one line per mixture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mixtures", type=Path, help="folder of built mixtures; default: draw")
    parser.add_argument("--batch", type=int, default=8, help="rows per micro-batch (default: 8)")
    parser.add_argument("--length", type=int, default=8192, help="tokens per bin (default: 8192)")
    options = parser.parse_args()
    print(f"{'mixture':<9}{'rows':>7}{'mean':>7}{'padded':>9}{'packed':>9}{'ratio':>7}  lengths")
    for variant in VARIANTS:
        built = options.mixtures and planner_lengths.counted(
            options.mixtures / variant, options.length, sample_scale=False
        )
        rows = controls.counts(controls.resolve(variant))
        found = built or planner_lengths.drawn(rows, options.length)
        print(line(variant, found, options.batch, options.length))
    widest = planner_lengths.drawn(
        controls.counts(controls.resolve("cw")), options.length, together=True
    )
    print(line("cw", widest, options.batch, options.length) + ", long parts on the same rows")
    print(
        f"goal for cw: {GOAL:g}. Tokens, not time: what packing saves in time is for a GPU to say."
    )
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
