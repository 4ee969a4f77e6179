"""Stage 9, audit: is the set balanced, and does anything leak? (paper, section 2.3).

    python -m dataset_builder audit --out build/curation      # then open build/curation/09-audit/index.html
    python -m dataset_builder audit --after screen            # between stages: build/curation/audit-after-screen/
    python -m dataset_builder audit --sample                  # the kit's samples against the benchmark

Drops triplets whose prompt repeats another one or overlaps the benchmark, and measures the rest:
rows per genre and category, regions, months and variety within genres against thresholds, platforms,
what speaks for the dates, leakage from article to prompt, who wrote what. ``--after`` measures what a
stage has kept so far and drops nothing. Leaves ``triplets.jsonl`` for the next stage::

    python -m dataset_builder pack --source build/curation/09-audit --out build/curation/10-pack
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Collection
from typing import Any

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
from dataset_builder.stages.parts import STAGES, Counts, Outcome, folder, read_kept, work
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding, option

CATEGORY_MINIMUM = 15
GENRE_MINIMUM = 2
REGION_MOST, MONTH_MOST, ALIKE_MOST = 0.5, 0.25, 0.1
UNKNOWN_LICENSE = "unknown"


@dataclasses.dataclass(frozen=True)
class Options:
    """How balanced a set should be."""

    category_minimum: int = option(
        CATEGORY_MINIMUM,
        f"rows that each category should have ({CATEGORY_MINIMUM}, as in the paper)",
    )
    genre_minimum: int = option(
        GENRE_MINIMUM, f"rows that each genre should have ({GENRE_MINIMUM})"
    )
    region_most: float = option(REGION_MOST, f"largest share of one region ({REGION_MOST})")
    month_most: float = option(MONTH_MOST, f"largest share of one month ({MONTH_MOST})")
    alike_most: float = option(
        ALIKE_MOST, f"largest mean similarity of the articles of a genre ({ALIKE_MOST})"
    )
    after: str = option(
        "",
        "measure what this stage has kept so far",
        choices=(*STAGES[: STAGES.index("audit")],),
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


def steps(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: decide, join, then page, plots, facts and triplets."""
    if options.after:
        return [alone("measure", lambda: between(where, options))]
    parts = where.parts("audit", {"genres": where.genres})
    seen = functools.cache(lambda: first_prompts(where))

    def decided(found: list[Document]) -> list[Outcome]:
        return [decide(d, seen()) for d in found]

    def leave() -> None:
        documents = read_kept(where.root, "audit")
        gone = review.withdrawn(work(where.root, "review"))
        triplets = [triplet(d, where.names, gone) for d in documents]
        write_records(parts.out / "triplets.jsonl", triplets, Curated)
        with atomic_path(parts.out / taxonomy.FILE) as partial:
            partial.write_text(where.names.to_json(), encoding="utf-8")
        measured = measure(documents, where.names, options.bounds)
        page.write(parts.out, measured, where, parts.out / "kept.jsonl")

    return [*deciding(lambda: (parts, decided)), alone("measure", leave)]


def between(where: Settings, options: Options) -> Counts:
    """Measures what a stage has kept so far; nothing is dropped, and no stage waits for it."""
    documents = read_kept(where.root, options.after)
    kept = folder(where.root, options.after) / "kept.jsonl"
    out = where.root / f"audit-after-{options.after}"
    page.write(out, measure(documents, where.names, options.bounds), where, kept)
    return Counts("audit", len(documents), len(documents), {})


def pages(where: Settings) -> list[str]:
    """Returns where the pages lie."""
    places = [folder(where.root, "audit"), *sorted(where.root.glob("audit-after-*"))]
    return [f"page: {p / 'index.html'}" for p in places if (p / "index.html").is_file()]


def first_prompts(where: Settings) -> dict[str, str]:
    """Returns reduced prompt → id of the first document that has it."""
    first: dict[str, str] = {}
    for document in read_kept(where.root, "review"):
        first.setdefault(reduced(document.prompt or ""), document.id)
    return first


def decide(document: Document, first: dict[str, str]) -> Outcome:
    """Drops a triplet whose prompt is not its own."""
    of = first[reduced(document.prompt or "")]
    if of != document.id:
        return dropped(document, "audit", "duplicate_prompt", f"the prompt of {of}")
    if repeats := contaminated(document.prompt or ""):
        return dropped(document, "audit", "prompt_overlaps_benchmark", repeats.evidence)
    return document.noted("audit")


def triplet(document: Document, names: Taxonomy, gone: Collection[str] = ()) -> Curated:
    """Turns an accepted document into a row of the dataset; reviewers who are ``gone`` are not named."""
    genre = names.genre(document.genre) if document.genre else None
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
    check(made, names)
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


STAGE = Stage(
    "audit",
    __doc__,
    Options,
    steps,
    closing=pages,
)


def main() -> int | None:
    """Runs the stage, or with ``--sample`` the audit of the kit's own samples."""
    return sample.main() if "--sample" in sys.argv else STAGE.main()
