"""What the audit measures on documents, and the thresholds beside it. Missing is a named state, never 0."""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from coig_writer.document import DIMENSIONS, Document
from coig_writer.preference.rates import Rate, wilson
from coig_writer.taxonomy import Taxonomy
from coig_writer.text.minhash import shingles
from coig_writer.text.ngrams import similarity
from dataset_builder.stages import dates

UNKNOWN = "unknown"
LEAKING = 0.05
MOST_PAIRS = 2000  # of one genre; more are a random sample
SEED = 20251016


@dataclasses.dataclass(frozen=True)
class Bounds:
    """How balanced and how varied a set should be; the shares are of the rows that name a region or month."""

    category_minimum: int
    genre_minimum: int
    region_most: float = 0.5
    month_most: float = 0.25
    alike_most: float = 0.1


@dataclasses.dataclass(frozen=True)
class Check:
    """A figure beside its threshold.

    Attributes:
        name: Of the fact.
        zh: What it is called on the page.
        value: The figure, of ``n`` rows or pairs.
        bound: The least or most that it should be.
        most: The bound is an upper one.
    """

    name: str
    zh: str
    value: float
    n: int
    bound: float
    most: bool

    @property
    def beyond(self) -> bool:
        """Whether the set falls short, or has too much."""
        return self.value > self.bound if self.most else self.value < self.bound


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
    """How alike the articles of one genre are: mean and highest Jaccard of 4-grams over ``pairs``.

    These are all pairs, or a random sample of them if ``sampled``.
    """

    genre: str
    articles: int
    pairs: int
    sampled: bool
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
    dates: dict[str, int]
    sample: bool
    checks: tuple[Check, ...] = ()

    @property
    def beyond(self) -> tuple[Check, ...]:
        """The figures that miss their thresholds."""
        return tuple(check for check in self.checks if check.beyond)


def measure(documents: Sequence[Document], taxonomy: Taxonomy, bounds: Bounds) -> Measures:
    """Measures a set of documents, accepted ones or those that any stage kept."""
    measures = _measured(documents, taxonomy, bounds)
    return dataclasses.replace(measures, checks=tuple(_checks(measures, taxonomy, bounds)))


def _checks(measures: Measures, taxonomy: Taxonomy, bounds: Bounds) -> Iterator[Check]:
    for kind, rows in (("category", measures.categories), ("genre", measures.genres)):
        for b in rows:
            name, zh = f"{kind}/{b.slug}/rows", f"{b.zh}篇数"
            yield Check(name, zh, b.rows, measures.documents, b.minimum, most=False)
    for kind, zh, counts, most in (
        ("region", "地区", measures.regions, bounds.region_most),
        ("month", "月份", measures.months, bounds.month_most),
    ):
        known = {name: count for name, count in counts.items() if name != UNKNOWN}
        if n := sum(known.values()):
            largest = max(known, key=lambda name: known[name])
            yield Check(
                f"{kind}/largest_share",
                f"{zh}{largest}占比",
                known[largest] / n,
                n,
                most,
                most=True,
            )
    for v in measures.variety:
        zh = f"{taxonomy.genre(v.genre).zh}平均相似"
        yield Check(f"variety/{v.genre}/mean", zh, v.mean, v.pairs, bounds.alike_most, most=True)


def _measured(documents: Sequence[Document], taxonomy: Taxonomy, bounds: Bounds) -> Measures:
    by_genre = Counter(d.genre for d in documents if d.genre)
    by_category: Counter[str] = Counter()
    for slug, count in by_genre.items():
        by_category[taxonomy.genre(slug).category] += count
    judged = [d.scores["score"] for d in documents if d.scores.get("score")]
    leakages = tuple(float(scores["leakage"]) for scores in judged if "leakage" in scores)
    sums = Counter(sum(scores[name] for name in DIMENSIONS) for scores in judged)
    return Measures(
        documents=len(documents),
        categories=tuple(
            Balance(c.slug, c.zh, c.en, by_category[c.slug], bounds.category_minimum)
            for c in taxonomy.categories
        ),
        genres=tuple(
            Balance(g.slug, g.zh, g.en, by_genre[g.slug], bounds.genre_minimum)
            for g in taxonomy.genres
        ),
        without_genre=sum(d.genre is None for d in documents),
        platforms=_counted(d.platform for d in documents),
        regions=_counted(d.region for d in documents),
        months=_counted(_month(d) for d in documents),
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
        dates=_counted(d.date_evidence for d in documents),
        sample=any(d.history and d.history[0].get("provenance") == "sample" for d in documents),
    )


def _month(document: Document) -> str | None:
    """Returns the month of the earliest date, in China; None where no month is known."""
    date = dates.first(document.published_at, document.published_at_other)
    return f"{date.first_day:%Y-%m}" if date and date.month_known else None


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    counts = Counter(value or UNKNOWN for value in values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _leaking(leakages: Sequence[float]) -> Rate | None:
    """Returns the share of rows whose prompt gives too much of the article away; None without rows."""
    if not leakages:
        return None
    return wilson(sum(leak >= LEAKING for leak in leakages), len(leakages))


def variety(documents: Sequence[Document], most: int = MOST_PAIRS) -> Iterator[Variety]:
    """Yields the similarity within each genre that has two articles, over all pairs or ``most`` random ones."""
    groups: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if document.genre:
            groups[document.genre].append(document)
    for genre, members in sorted(groups.items()):
        every = math.comb(len(members), 2)
        if not every:
            continue
        chosen = range(every) if every <= most else random.Random(SEED).sample(range(every), most)
        shingled = [shingles(d.text) for d in members]
        similarities = [similarity(shingled[i], shingled[j]) for i, j in map(_pair, chosen)]
        yield Variety(
            genre,
            len(members),
            len(similarities),
            every > most,
            statistics.fmean(similarities),
            max(similarities),
        )


def _pair(number: int) -> tuple[int, int]:
    """Returns the pair of a number, in the order (0, 1), (0, 2), (1, 2), (0, 3)."""
    second = (1 + math.isqrt(8 * number + 1)) // 2
    return number - math.comb(second, 2), second
