"""Claims and report as a static Space, with its card and facts."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.errors import InputError
from coig_writer.facts import Fact
from coig_writer.folder import atomic_folder
from eval_tasks import claims, report
from eval_tasks import runs as inputs
from eval_tasks.claims import own
from eval_tasks.claims import page as claims_page
from eval_tasks.claims.claim import VERDICTS, Claim
from eval_tasks.report.page import Options
from eval_tasks.runs import Runs

TEMPLATE = Path(__file__).parent / "card.md.jinja"
OUT = Path("build/release/pages")
COMMAND = "python -m eval_tasks pages"
_PATH = re.compile(r"\w[\w./-]*")
METADATA = {
    "title": "COIG-Writer: the paper and its counts",
    "emoji": "📖",
    "colorFrom": "gray",
    "colorTo": "green",
    "sdk": "static",
    "app_file": "index.html",
    "license": "apache-2.0",
    "short_description": "Each claim of the paper beside its counts",
}


def write(folder: Path, runs: Runs | None, read_from: Mapping[str, Sequence[Path]]) -> None:
    """Writes the pages, their facts and the Space's card.

    Args:
        folder: Where to.
        runs: What to report on; None for the claims alone.
        read_from: Where the runs were read from, by kind of record.
    """
    command = " ".join([COMMAND, *_words(read_from)])
    shown = claims.published()
    measured = [*_tally(shown, command), *_sources(read_from, command)]
    if runs:
        findings = own.findings(runs)
        shown = [dataclasses.replace(c, own=findings.get(c.id)) for c in shown]
        with tempfile.TemporaryDirectory() as scratch:
            report.write(Path(scratch), runs, command, Options(claims="index.html"))
            shutil.copyfile(Path(scratch) / "report.html", folder / "report.html")
            measured += facts.read(Path(scratch) / "facts.json").values()
    page = claims_page.render(shown, command, "report.html" if runs else "")
    (folder / "index.html").write_text(page, encoding="utf-8")
    facts.write(folder / "facts.json", measured)
    text = card.render(
        TEMPLATE,
        facts.read(folder / "facts.json"),
        front_matter=card.front_matter(METADATA),
        links=citation.links(),
        reported=runs is not None,
        command=Literal(f"`{command}`"),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _tally(shown: Sequence[Claim], command: str) -> Iterator[Fact]:
    tally = Counter(claim.finding.verdict for claim in shown)
    yield Fact("claims/statements", len(shown), command=command)
    for verdict in VERDICTS:
        yield Fact(f"claims/{verdict.replace(' ', '_')}", tally[verdict], command=command)


def _sources(read_from: Mapping[str, Sequence[Path]], command: str) -> Iterator[Fact]:
    for kind, paths in read_from.items():
        yield Fact(f"pages/{kind}", " ".join(map(str, paths)), command=command)


def _words(read_from: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    for kind, paths in read_from.items():
        yield from (f"--{kind}", *map(str, paths))


def main(
    generations: inputs.Generations = None,
    scores: inputs.Scores = None,
    ballots: inputs.Ballots = None,
    judgements: inputs.Judgements = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the pages go")] = OUT,
) -> None:
    """Writes index.html, the Space's card with its facts, and report.html if records are given.

    The first page shows each claim of the paper beside its counts. A static Space is free to host. Then:
    coig-writer publish build/release/pages --to ORG/NAME --commit --public. It makes the pages again from
    the same records first, so their paths have to be relative.
    """
    given = {
        "generations": generations, "scores": scores, "ballots": ballots, "judgements": judgements
    }  # fmt: skip
    read_from = {kind: paths for kind, paths in given.items() if paths}
    for path in (path for paths in read_from.values() for path in paths):
        if path.is_absolute() or ".." in path.parts or not _PATH.fullmatch(str(path)):
            raise InputError(
                f"{path}: a page may not name this path as its source",
                "give a path below this folder, of letters, digits and -_./",
            )
    runs = inputs.read(*(paths or [] for paths in given.values())) if read_from else None
    with atomic_folder(out, "pages") as folder:
        write(folder, runs, read_from)
    print(f"{out}/index.html{f', {out}/report.html' if runs else ''}")
