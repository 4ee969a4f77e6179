"""Stage 9, audit: is the set balanced, and does anything leak? (paper, section 2.3).

    python -m dataset_builder audit --out build/curation      # then open build/curation/09-audit/index.html
    python -m dataset_builder audit --sample                  # the kit's samples against the benchmark

Drops triplets whose prompt repeats another one or overlaps the benchmark, and measures the rest:
rows per genre and category against minimums, platforms, regions, months, variety within genres,
leakage from article to prompt, who wrote what. Leaves ``triplets.jsonl`` for the next stage::

    python -m dataset_builder pack --source build/curation/09-audit --out build/curation/10-pack
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from typing import Any

from coig_writer import taxonomy
from coig_writer.document import Document, dropped
from coig_writer.files import atomic_path, write_records
from coig_writer.quality import DIMENSIONS
from coig_writer.taxonomy import Taxonomy
from coig_writer.text.contamination import contaminated
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Curated, Review, Verdict, check
from dataset_builder.audit import measures as audit_measures
from dataset_builder.audit import page, sample
from dataset_builder.stages.parts import Outcome, folder, read_kept
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding, option

CATEGORY_MINIMUM = 15
GENRE_MINIMUM = 2
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


def steps(where: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: decide, join, then page, plots, facts and triplets."""
    parts = where.parts("audit", {"genres": where.genres})
    seen = functools.cache(lambda: first_prompts(where))

    def decided(found: list[Document]) -> list[Outcome]:
        return [decide(d, seen()) for d in found]

    def measured() -> None:
        documents = read_kept(where.root, "audit")
        triplets = [triplet(d, where.names) for d in documents]
        write_records(parts.out / "triplets.jsonl", triplets, Curated)
        with atomic_path(parts.out / taxonomy.FILE) as partial:
            partial.write_text(where.names.to_json(), encoding="utf-8")
        measures = audit_measures.measure(
            documents, where.names, options.category_minimum, options.genre_minimum
        )
        page.write(parts.out, measures, where)

    return [*deciding(lambda: (parts, decided)), alone("measure", measured)]


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


def triplet(document: Document, names: Taxonomy) -> Curated:
    """Turns an accepted document into a row of the dataset."""
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
        prompt_author=document.authorship.get("prompt"),
        reasoning_author=document.authorship.get("reasoning"),
        article_author=document.authorship.get("article"),
        reviews=tuple(map(_review, document.reviews)) or None,
    )
    check(made, names)
    return made


def _review(entry: dict[str, Any]) -> Review:
    """Reads one round of review as the document keeps it."""
    verdicts = tuple(
        Verdict(
            reviewer=given["reviewer"],
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
    closing=lambda where: [f"page: {folder(where.root, 'audit') / 'index.html'}"],
)


def main() -> int | None:
    """Runs the stage, or with ``--sample`` the audit of the kit's own samples."""
    return sample.main() if "--sample" in sys.argv else STAGE.main()
