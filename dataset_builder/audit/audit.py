"""Stage 9, audit: is the set balanced, and does anything leak? (paper, section 2.3).

Drops triplets whose prompt repeats another one or overlaps the benchmark, and measures the rest:
rows per genre and category, regions, months and variety within genres against thresholds, platforms,
what speaks for the dates, leakage from article to prompt, who wrote what.

Reads what review kept; writes 09-audit/: the page index.html, its facts, and triplets.jsonl, which
pack --source takes. --after measures what a stage has kept so far, into audit-after-STAGE/, and drops
nothing. --kit-samples measures the kit's own samples, and writes nothing.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import typer

from coig_writer import taxonomy
from coig_writer.document import DIMENSIONS, Document, dropped
from coig_writer.files import atomic_path, write_records
from coig_writer.taxonomy import Taxonomy
from coig_writer.text.contamination import contaminated
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Curated, Review, Verdict, check
from coig_writer.workbench import review
from dataset_builder.audit import page, sample
from dataset_builder.audit.measures import Bounds, measure
from dataset_builder.stages.options import CommandLine, RunOptions, option
from dataset_builder.stages.parts import Counts, Outcome, folder, read_kept, work
from dataset_builder.stages.stage import (
    Settings,
    Stage,
    Step,
    alone,
    deciding,
    report,
    run_settings,
)

CATEGORY_MINIMUM = 15
GENRE_MINIMUM = 2
REGION_MOST, MONTH_MOST, ALIKE_MOST = 0.5, 0.25, 0.1
UNKNOWN_LICENSE = "unknown"
# The stages after which ``--after`` can measure.
After = Literal["collect", "assess", "dedup", "screen", "reverse", "validate", "score", "review"]


@dataclasses.dataclass(frozen=True)
class Options:
    """How balanced a set should be."""

    category_minimum: int = option(
        CATEGORY_MINIMUM, "rows that each category should have; 15 in the paper", min=0
    )
    genre_minimum: int = option(GENRE_MINIMUM, "rows that each genre should have", min=0)
    region_most: float = option(REGION_MOST, "largest share of one region", metavar="SHARE")
    month_most: float = option(MONTH_MOST, "largest share of one month", metavar="SHARE")
    alike_most: float = option(
        ALIKE_MOST, "largest mean similarity of the articles of a genre", metavar="SHARE"
    )

    @property
    def bounds(self) -> Bounds:
        """The thresholds."""
        return Bounds(
            self.category_minimum,
            self.genre_minimum,
            self.region_most,
            self.month_most,
            self.alike_most,
        )


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: decide, join, then page, plots, facts and triplets."""
    parts = settings.parts("audit", {"genres": settings.genres})
    seen = functools.cache(lambda: first_prompts(settings))

    def decided(documents: list[Document]) -> list[Outcome]:
        return [decide(d, seen()) for d in documents]

    def leave() -> None:
        documents = read_kept(settings.root, "audit")
        gone = review.withdrawn(work(settings.root, "review"))
        triplets = [triplet(d, settings.taxonomy, gone) for d in documents]
        write_records(parts.out / "triplets.jsonl", triplets, Curated)
        with atomic_path(parts.out / taxonomy.FILE) as partial:
            partial.write_text(settings.taxonomy.to_json(), encoding="utf-8")
        measured = measure(documents, settings.taxonomy, options.bounds)
        page.write(parts.out, measured, settings, parts.out / "kept.jsonl")

    return [*deciding(lambda: (parts, decided)), alone("measure", leave)]


def between(settings: Settings, options: Options, stage: After) -> Counts:
    """Measures what a stage has kept so far; nothing is dropped, and no stage waits for it."""
    documents = read_kept(settings.root, stage)
    kept = folder(settings.root, stage) / "kept.jsonl"
    out = settings.root / f"audit-after-{stage}"
    page.write(out, measure(documents, settings.taxonomy, options.bounds), settings, kept)
    return Counts("audit", len(documents), len(documents), {})


def pages(settings: Settings) -> list[str]:
    """Names the pages that were written."""
    places = [folder(settings.root, "audit"), *sorted(settings.root.glob("audit-after-*"))]
    return [f"page: {p / 'index.html'}" for p in places if (p / "index.html").is_file()]


def first_prompts(settings: Settings) -> dict[str, str]:
    """Returns reduced prompt → id of the first document that has it."""
    first: dict[str, str] = {}
    for document in read_kept(settings.root, "review"):
        first.setdefault(reduced(document.prompt or ""), document.id)
    return first


def decide(document: Document, first: dict[str, str]) -> Outcome:
    """Drops a triplet whose prompt is not its own."""
    first_id = first[reduced(document.prompt or "")]
    if first_id != document.id:
        return dropped(document, "audit", "duplicate_prompt", f"the prompt of {first_id}")
    if repeats := contaminated(document.prompt or ""):
        return dropped(document, "audit", "prompt_overlaps_benchmark", repeats.evidence)
    return document.noted("audit")


def triplet(document: Document, taxonomy: Taxonomy, gone: Collection[str] = ()) -> Curated:
    """Turns an accepted document into a row of the dataset; reviewers who are ``gone`` are not named."""
    genre = taxonomy.genre(document.genre) if document.genre else None
    provenance = document.history[0].get("provenance", "curated")
    scores = document.scores.get("score", {})
    made = Curated(
        id=document.id,
        prompt=document.prompt or "",
        reasoning=document.reasoning or "",
        article=document.text,
        category=genre.category if genre else None,
        genre=genre.slug if genre else None,
        genre_zh=genre.zh if genre else None,
        language="zh",
        source=document.platform or "unknown",
        license=document.license or UNKNOWN_LICENSE,
        provenance=provenance,
        **{name: scores.get(name) for name in DIMENSIONS},
        title=document.title,
        url=document.url,
        published_at=document.published_at,
        published_at_other=document.published_at_other,
        date_evidence=document.date_evidence,
        prompt_author=document.authorship.get("prompt"),
        reasoning_author=document.authorship.get("reasoning"),
        article_author=document.authorship.get("article"),
        reviews=tuple(_review(entry, gone) for entry in document.reviews) or None,
    )
    check(made, taxonomy)
    return made


def _review(entry: dict[str, Any], gone: Collection[str]) -> Review:
    """Reads one round of review as the document keeps it."""
    verdicts = tuple(
        Verdict(
            reviewer=review.WITHDRAWN if given["reviewer"] in gone else given["reviewer"],
            verdict=given["verdict"],
            unmet=tuple(name for name, met in given["criteria"].items() if not met),
            note=given["note"] or None,
            cause=given["cause"],
        )
        for given in entry["verdicts"]
    )
    return Review(entry["decision"], entry["adjudicated"], verdicts)


STAGE = Stage("audit", __doc__, Options, steps, closing=pages)


@dataclasses.dataclass(frozen=True)
class Target:
    """What is measured instead of the finished set."""

    after: After | None = option(None, "measure what this stage has kept so far; drop nothing")
    kit_samples: bool = option(False, "measure the kit's own samples and benchmark queries")
    reference: Path | None = option(
        None,
        "with --kit-samples: prompts (JSONL) to compare the Chinese queries with",
        metavar="FILE",
    )


def _main(options: Options, run: RunOptions, target: Target) -> None:
    if target.reference and not target.kit_samples:
        raise typer.BadParameter("--reference goes with --kit-samples")
    if target.kit_samples:
        sample.show_all(target.reference)
    elif target.after:
        settings = run_settings(run)
        report(between(settings, options, target.after), settings.root)
        print(*pages(settings), sep="\n")
    else:
        STAGE.run_and_report(run_settings(run), options)


main = CommandLine(STAGE.help, _main, Options, RunOptions, Target)
