"""Recomputes the statistics of a packed dataset: python -m dataset_builder describe DIR.

Prints the table of rows and lengths and, with ``--facts``, writes them as facts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from coig_writer import facts
from coig_writer.files import read_records, rows_sha256
from coig_writer.triplet import Triplet
from dataset_builder import summary

PACK = "python -m dataset_builder pack"


def read_packed(folder: Path) -> list[Triplet]:
    """Reads all rows of a packed dataset."""
    return read_records(folder / "data", Triplet, made_by=f"{PACK} --out {folder}")


def main() -> int | None:
    """Prints and writes the statistics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("COIG-Writer"),
        help="the packed dataset (default: COIG-Writer)",
    )
    parser.add_argument("--facts", type=Path, help="also write the statistics to this facts file")
    arguments = parser.parse_args()
    triplets = read_packed(arguments.folder)
    groups = summary.summarize(triplets)
    print(
        f"{'':<44}{'rows':>6}  {'article':>19}  {'prompt':>15}  {'reasoning':>17}   (characters: min|mean|max)"
    )
    for key in sorted(groups, key=lambda k: (k.count("/"), k)):
        group = groups[key]
        cells = [f"{v.min}|{v.mean:.0f}|{v.max}" for v in group.lengths.values()]
        print(f"{key:<44}{group.count:>6}  {cells[0]:>19}  {cells[1]:>15}  {cells[2]:>17}")
    if arguments.facts:
        facts.write(arguments.facts, summary.facts(groups, rows_sha256(triplets)))
    return None
