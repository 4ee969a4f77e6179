"""Recounts a mixture and its run from rows and weights: python recipes/recount.py MIXTURE [MODEL].

Reads neither a facts file nor a count of the lock, needs no tokenizer and no torch. With ``--facts``
the numbers are written as facts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from coig_writer import facts
from coig_writer.errors import run_command
from coig_writer.files import read_records
from coig_writer.mixing import mixing
from coig_writer.mixture import MixtureRow
from coig_writer.training import recount


def main() -> int | None:
    """Prints and writes the recounted numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mixture", type=Path, help="folder of one mixture, as build/mixtures/cw")
    parser.add_argument("model", type=Path, nargs="?", help="folder of its run, as build/models/cw")
    parser.add_argument("--facts", type=Path, help="also write the numbers to this facts file")
    arguments = parser.parse_args()
    measured = mixing.facts(arguments.mixture)
    if arguments.model:
        rows = read_records(arguments.mixture / "train.parquet", MixtureRow)
        measured += recount.run(arguments.model, rows)
    for fact in measured:
        print(f"{fact.id:<36}{fact.value}")
    if arguments.facts:
        facts.write(arguments.facts, measured)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
