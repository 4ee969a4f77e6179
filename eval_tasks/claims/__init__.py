"""Checks each claim of the paper against counts: python -m eval_tasks claims [--json FILE] [--html FILE].

Verdicts are *supported*, *not supported* and *not testable here*, each with estimate, interval,
corrected p and reason. From the published counts alone; with ``--generations``, ``--scores``,
``--ballots``, ``--judgements`` and ``--review`` the same questions are asked of your own runs, where they can be
computed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from coig_writer.files import atomic_path
from eval_tasks import runs as inputs
from eval_tasks.claims import (
    beyond,
    chinese,
    dataset,
    english,
    outputs,
    own,
    own_review,
    page,
    style,
)
from eval_tasks.claims.claim import Claim

CHAPTERS = (chinese, english, style, dataset, outputs, beyond)
HTML = Path("build/claims.html")
MARKS = {"supported": "✓", "not supported": "✗", "not testable here": "?"}


def published() -> list[Claim]:
    """Returns every claim with what the published counts say."""
    return [claim for chapter in CHAPTERS for claim in chapter.claims()]


def main() -> int | None:
    """Prints the verdicts and writes them."""
    arguments = _parser().parse_args()
    claims = published()
    given = (arguments.generations, arguments.scores, arguments.ballots, arguments.judgements)
    if any(given) or arguments.review:
        found = own.findings(inputs.read(*given)) if any(given) else {}
        if arguments.review:
            found["acceptance"] = own_review.acceptance(arguments.review)
        claims = [dataclasses.replace(c, own=found.get(c.id)) for c in claims]
    for claim in claims:
        mine = f"  (yours: {MARKS[claim.own.verdict]})" if claim.own else ""
        print(f"{MARKS[claim.finding.verdict]} {claim.id:<20} {claim.claim.en}{mine}")
    _write(arguments.html, page.render(claims, _command(arguments)))
    if arguments.json:
        _write(arguments.json, as_json(claims))
    print(f"\n✓ supported  ✗ not supported  ? not testable here; reasons: {arguments.html}")
    return None


def as_json(claims: Sequence[Claim]) -> str:
    """Returns one JSON object per claim, as a list."""
    return json.dumps([claim.row() for claim in claims], ensure_ascii=False, indent=1) + "\n"


def _command(arguments: argparse.Namespace) -> str:
    """Returns the command line that writes the page anew."""
    page_option = [] if arguments.html == HTML else ["--html", inputs.shown(arguments.html)]
    return " ".join([inputs.command("claims", arguments), *map(shlex.quote, page_option)])


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    inputs.add_arguments(parser, judgements=True)
    parser.add_argument(
        "--review",
        type=Path,
        metavar="FILE",
        help="a curation's work/review/report.json, as written by python -m dataset_builder review",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdicts as JSON")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        default=HTML,
        help=f"the page, in English and Chinese (default: {HTML})",
    )
    return parser
