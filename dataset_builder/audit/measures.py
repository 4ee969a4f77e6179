"""What the audit measures on accepted documents. Missing is a named state, never 0."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from coig_writer.document import Document
from coig_writer.preference.rates import Rate, wilson
from coig_writer.quality import DIMENSIONS
from coig_writer.taxonomy import Taxonomy
from coig_writer.text.minhash import shingles
from coig_writer.text.ngrams import similarity

UNKNOWN = "unknown"
LEAKING = 0.05
MOST_PAIRS = 200


@dataclasses.dataclass(frozen=True)
class Balance:
    """Rows of one genre or category beside the least it should have."""

    slug: str
    zh: str
    en: str
    rows: int
    minimum: int

    @property
    def short(self) -> int:
        """How many rows are missing to the minimum."""
        return max(0, self.minimum - self.rows)


@dataclasses.dataclass(frozen=True)
class Variety:
    """How alike the articles of one genre are: mean and highest Jaccard of 4-grams over ``pairs``."""

    genre: str
    articles: int
    pairs: int
    mean: float
    highest: float


@dataclasses.dataclass(frozen=True)
class Measures:
    """Everything the page shows."""

    documents: int
    categories: tuple[Balance, ...]
    genres: tuple[Balance, ...]
    without_genre: int
    platforms: dict[str, int]
    regions: dict[str, int]
    months: dict[str, int]
    authorship: dict[str, dict[str, int]]
    scores: dict[str, dict[int, int]]
    sums: dict[int, int]
    leakages: tuple[float, ...]
    leaking: Rate | None
    variety: tuple[Variety, ...]
    flags: dict[str, int]


def measure(
    documents: Sequence[Document], names: Taxonomy, category_minimum: int, genre_minimum: int
) -> Measures:
    """Measures a set of accepted documents."""
    by_genre = Counter(d.genre for d in documents if d.genre)
    by_category: Counter[str] = Counter()
    for slug, count in by_genre.items():
        by_category[names.genre(slug).category] += count
    judged = [d.scores["score"] for d in documents if d.scores.get("score")]
    leakages = tuple(float(scores["leakage"]) for scores in judged if "leakage" in scores)
    sums = Counter(sum(scores[name] for name in DIMENSIONS) for scores in judged)
    return Measures(
        documents=len(documents),
        categories=tuple(
            Balance(c.slug, c.zh, c.en, by_category[c.slug], category_minimum)
            for c in names.categories
        ),
        genres=tuple(
            Balance(g.slug, g.zh, g.en, by_genre[g.slug], genre_minimum) for g in names.genres
        ),
        without_genre=sum(d.genre is None for d in documents),
        platforms=_counted(d.platform for d in documents),
        regions=_counted(d.region for d in documents),
        months=_counted((d.published_at or d.published_at_other or "")[:7] for d in documents),
        authorship={
            part: _counted(d.authorship.get(part) for d in documents)
            for part in ("prompt", "reasoning")
        },
        scores={
            name: dict(sorted(Counter(scores[name] for scores in judged).items()))
            for name in DIMENSIONS
        },
        sums=dict(sorted(sums.items())),
        leakages=leakages,
        leaking=_leaking(leakages),
        variety=tuple(variety(documents)),
        flags=_counted(f for d in documents for e in d.history for f in e.get("flags", ())),
    )


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    counts = Counter(value or UNKNOWN for value in values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _leaking(leakages: Sequence[float]) -> Rate | None:
    """Returns the share of rows whose prompt gives too much of the article away; None without rows."""
    if not leakages:
        return None
    return wilson(sum(leak >= LEAKING for leak in leakages), len(leakages))


def variety(documents: Sequence[Document]) -> Iterable[Variety]:
    """Yields the similarity within each genre that has two articles, over at most 200 pairs."""
    groups: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if document.genre:
            groups[document.genre].append(document)
    for genre, members in sorted(groups.items()):
        if len(members) < 2:
            continue
        own = [shingles(d.text) for d in members]
        pairs = itertools.islice(itertools.combinations(own, 2), MOST_PAIRS)
        found = [similarity(a, b) for a, b in pairs]
        yield Variety(genre, len(members), len(found), statistics.fmean(found), max(found))
