"""Measures saved generations again: python -m eval_tasks recount --generations PATH.

The short way to check a number: the kit's own metrics over the texts themselves. Reads no facts file
and no score file.
"""

from __future__ import annotations

from pathlib import Path

from coig_writer import facts
from coig_writer.scoring import generations, recount
from eval_tasks.score import answers_parser


def main() -> int | None:
    """Prints and writes the averages."""
    parser = answers_parser(__doc__)
    parser.add_argument("--facts", type=Path, help="also write the averages to this facts file")
    options = parser.parse_args()
    found = recount.facts(generations.read(options.generations), options.mixtures)
    for fact in found:
        print(f"{fact.id:<52}{fact.value:<22}n={fact.n}")
    if options.facts:
        facts.write(options.facts, found)
    return None
