"""Each claim of the paper as a check over counts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

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


def main(  # noqa: PLR0913 - a command line
    *,
    generations: inputs.Generations = None,
    scores: inputs.Scores = None,
    ballots: inputs.Ballots = None,
    judgements: inputs.Judgements = None,
    review: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="a curation's work/review/report.json, as python -m dataset_builder review writes it",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the verdicts as JSON")
    ] = None,
    html: Annotated[
        Path, typer.Option(metavar="FILE", help="the page, in English and Chinese")
    ] = HTML,
) -> None:
    """Verdicts are supported, not supported and not testable here.

    Each has its estimate, interval, corrected p and reason. They follow from the published counts
    alone. With your own records the same questions are asked of your runs, where they can be computed.
    """
    claims = published()
    given = (generations or [], scores or [], ballots or [], judgements or [])
    if any(given) or review:
        findings = own.findings(inputs.read(*given)) if any(given) else {}
        if review:
            findings["acceptance"] = own_review.acceptance(review)
        claims = [dataclasses.replace(c, own=findings.get(c.id)) for c in claims]
    for claim in claims:
        mine = f"  (yours: {MARKS[claim.own.verdict]})" if claim.own else ""
        print(f"{MARKS[claim.finding.verdict]} {claim.id:<20} {claim.claim.en}{mine}")
    command = inputs.command(
        "claims", generations=generations, scores=scores, ballots=ballots, judgements=judgements,
        review=review, html=None if html == HTML else html,
    )  # fmt: skip
    _write(html, page.render(claims, command))
    if json_file:
        _write(json_file, as_json(claims))
    print(f"\n✓ supported  ✗ not supported  ? not testable here; reasons: {html}")


def as_json(claims: Sequence[Claim]) -> str:
    """Returns one JSON object per claim, as a list."""
    return json.dumps([claim.row() for claim in claims], ensure_ascii=False, indent=1) + "\n"


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")
