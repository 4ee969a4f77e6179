"""The dataset card: YAML and prose from the same facts and the same table of configs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer import benchmark
from coig_writer.cards import card, citation, escape
from coig_writer.cards.card import Literal
from coig_writer.facts import Fact
from coig_writer.hub.licenses import IDS
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy
from coig_writer.triplet import Triplet
from dataset_builder.packing import beside_paper, layout, summary

TEMPLATE = Path(__file__).parent / "card.md.jinja"
CANARY = "coig-writer-canary-5d1c6a0e-6b7f-4f0e-9d1b-2f7a8f3f1c51"
TITLES = {
    "published": "COIG-Writer",
    "sample": "COIG-Writer kit samples",
    "curated": "Curated creative-writing triplets",
}
OF_EACH_ROW = {"license": "other", "license_name": "licence-of-each-row"}
LICENSES = {"published": {"license": "odc-by"}, "sample": {"license": "cc0-1.0"}}
AUTHORS = ("human", "model", "model_edited", "unknown")
ALT = {
    "figure-3a-categories.png": "Bars: rows by category",
    "figure-3b-lengths.png": "Histogram, logarithmic: characters of articles, prompts and reasonings",
    "figure-6-genres.png": "Two rings: rows by category inside, by genre outside",
}
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(
    triplets: Sequence[Triplet],
    taxonomy: Taxonomy,
    facts: Mapping[str, Fact],
    pictures: Sequence[str],
    folder: Path,
) -> str:
    """Renders the card of a packed dataset.

    Args:
        triplets: All rows.
        taxonomy: Their taxonomy.
        facts: What was measured on them.
        pictures: File names of the figures.
        folder: Where the set will be; its name is what ``load_dataset`` takes.
    """
    provenance = triplets[0].provenance
    with_rows = {t.genre for t in triplets if t.genre}
    genre, category = layout.examples(taxonomy, with_rows)
    return card.render(
        TEMPLATE,
        facts,
        front_matter=card.front_matter(
            _metadata(
                provenance,
                _license(triplets),
                len(triplets),
                layout.yaml_configs(taxonomy, with_rows, _content(facts)),
                by_model=synthetic(provenance, facts),
            )
        ),
        title=Literal(TITLES[provenance]),
        provenance=provenance,
        genre=genre and Literal(genre),
        category=category and Literal(category),
        canary=Literal(CANARY),
        folder=Literal(folder.resolve().name),
        benchmark="benchmark/zh/queries" in facts,
        partial=_partial(triplets, taxonomy),
        category_table=_table(taxonomy, facts, categories=True),
        genre_table=_table(taxonomy, facts, categories=False),
        pictures=[
            (Literal(f"figures/{name}"), card.name(ALT.get(name, name))) for name in pictures
        ],
        links=citation.links(),
        bibtex=citation.bibtex(),
        example=example(triplets),
        unassigned="genre/unassigned/rows" in facts,
        removed="removed/rows" in facts,
        origin=_origin(triplets),
        authors=_authors(facts),
        one_license=_one_license(triplets),
        unlicensed={t.license for t in triplets} == {"unknown"},
        beside=_beside_paper(taxonomy, facts) if provenance == "published" else None,
    )


def example(triplets: Sequence[Triplet]) -> Literal:
    """Shows the shortest row, of those with a genre if there are any, with every column that it has."""
    named = [t for t in triplets if t.genre] or triplets
    shortest = min(named, key=lambda t: (len(t.prompt) + len(t.reasoning) + len(t.article), t.id))
    row = {key: value for key, value in to_row(shortest).items() if value is not None}
    return Literal(escape.block(json.dumps(row, ensure_ascii=False, indent=2), "json"))


def synthetic(provenance: str, facts: Mapping[str, Fact]) -> bool:
    """Tells whether a part of some row was written by a model, as far as the rows say."""
    by_model = re.compile(r"authorship/\w+/model(_edited)?")
    return provenance == "sample" or any(by_model.fullmatch(name) for name in facts)


def _origin(triplets: Sequence[Triplet]) -> Literal | None:
    """Names the one file that all rows were read from; None where rows name sources of their own."""
    sources = {t.source for t in triplets}
    return card.code(sources.pop()) if len(sources) == 1 else None


def _one_license(triplets: Sequence[Triplet]) -> Literal | None:
    """Names the licence that all rows have; None where they differ."""
    given = {t.license for t in triplets}
    return card.code(given.pop()) if len(given) == 1 else None


def _content(facts: Mapping[str, Fact]) -> str:
    """Returns one hash for all rows and benchmark queries."""
    named = ("overall/rows", *(f"benchmark/{language}/queries" for language in benchmark.LANGUAGES))
    hashes = [facts[key].artefact or "" for key in named if key in facts]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _partial(triplets: Sequence[Triplet], taxonomy: Taxonomy) -> dict[str, Fact | Literal | None]:
    """Says what the set lacks; nothing if it is complete."""
    lacking = layout.partial(triplets, taxonomy)
    if lacking is None:
        return {}
    return {
        "genres": Fact("partial/genres", lacking.genres - len(lacking.empty)),
        "of_genres": Fact("partial/of_genres", lacking.genres),
        "of_rows": Fact("partial/of_rows", lacking.published) if lacking.published else None,
        "empty": Literal(", ".join(f"`{slug}`" for slug in lacking.empty))
        if lacking.empty
        else None,
    }


def _beside_paper(taxonomy: Taxonomy, facts: Mapping[str, Fact]) -> dict[str, Fact | Literal]:
    """Renders the published tables beside the recomputed ones."""
    table_5, genres = beside_paper.groups(taxonomy)
    agree, compared = beside_paper.agreement([*table_5, *genres], facts)
    return {
        "agree": agree,
        "compared": compared,
        "categories": beside_paper.table(table_5, facts),
        "genres": beside_paper.table(genres, facts),
        "deviations": beside_paper.deviations([*table_5, *genres], facts),
    }


def _license(triplets: Sequence[Triplet]) -> dict[str, str]:
    """Returns the licence for the card: of a curated set, the one that all its rows have."""
    given = {t.license.strip() for t in triplets}
    if fixed := LICENSES.get(triplets[0].provenance):
        return fixed
    if len(given) > 1:
        return OF_EACH_ROW
    name = re.sub(r"[^a-z0-9.]+", "-", given.pop().lower()).strip("-")
    return (
        {"license": name}
        if name in IDS
        else {"license": "other", "license_name": name or "unknown"}
    )


def _authors(facts: Mapping[str, Fact]) -> Literal | None:
    """Renders who wrote which part, rows by author; None where the rows do not say."""
    rows: list[tuple[Fact | Literal | str, ...]] = [
        (
            Literal(f"`{part}_author`"),
            *(facts.get(f"authorship/{part}/{author}", "") for author in AUTHORS),
        )
        for part in summary.PARTS
    ]
    known = any(name.startswith("authorship/") for name in facts)
    return card.table(("Column", *AUTHORS), rows) if known else None


def _metadata(
    provenance: str,
    license_: Mapping[str, str],
    rows: int,
    configs: list[layout.Config],
    *,
    by_model: bool = False,
) -> dict[str, object]:
    return {
        "pretty_name": TITLES[provenance],
        **license_,
        "language": ["zh"],
        "task_categories": ["text-generation"],
        "tags": ["creative-writing", "chinese", "reasoning", *(["synthetic"] if by_model else [])],
        "size_categories": [next((name for limit, name in SIZES if rows < limit), "1M<n<10M")],
        "configs": configs,
    }


def _table(taxonomy: Taxonomy, facts: Mapping[str, Fact], *, categories: bool) -> Literal:
    header = ("Config", "中文", "English", "Rows", "Article", "Prompt", "Reasoning")
    kind = "category" if categories else "genre"
    entries = taxonomy.categories if categories else taxonomy.genres
    rows: list[tuple[Fact | Literal | str, ...]] = [
        (
            Literal(f"`{e.slug}`"),
            card.name(e.zh),
            card.name(e.en),
            facts[f"{kind}/{e.slug}/rows"],
            *_spreads(facts, f"{kind}/{e.slug}"),
        )
        for e in entries
        if f"{kind}/{e.slug}/rows" in facts
    ]
    if categories:
        rows.insert(
            0,
            (
                Literal("`default`"),
                "全部",
                "Overall",
                facts["overall/rows"],
                *_spreads(facts, "overall"),
            ),
        )
    return card.table(header, rows)


def _spreads(facts: Mapping[str, Fact], key: str) -> tuple[Literal, ...]:
    """Renders min|mean|max of the three parts; each number is a fact."""
    return tuple(
        Literal(
            " · ".join(card.shown(facts[f"{key}/{part}/{name}"]) for name in ("min", "mean", "max"))
        )
        for part in ("article", "prompt", "reasoning")
    )
