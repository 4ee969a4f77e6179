"""What the paper reports (arXiv 2510.14763v1), as counts wherever they are counts.

Tables 2–4 and the language-confusion counts are in the order of ``VARIANTS``. Every cell of
Table 2 is an exact count of wins over 204 Chinese or 353 English queries; percentages are derived,
never stored. Where the paper contradicts itself both readings are here and ``SLIPS`` says so.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from importlib import resources

from coig_writer.mixture import VARIANTS
from coig_writer.taxonomy import published

ARXIV_ID = "2510.14763"
PROJECT_PAGE = "https://COIG-Writer.github.io/"  # named under the abstract
ROWS = 1665
QUERIES = {"zh": 204, "en": 353}
BASE_MODEL = "Qwen/Qwen2.5-7B-Instruct"


@dataclasses.dataclass(frozen=True, slots=True)
class Training:
    """Section 3.1. What is not here (decay, weight decay, precision, packing…) was not published."""

    learning_rate: float = 2e-5
    global_batch_size: int = 32
    epochs: int = 3
    warmup_share: float = 0.1
    max_length_tokens: int = 8192


TRAINING = Training()


@dataclasses.dataclass(frozen=True, slots=True)
class Reported:
    """A published win count: ``wins`` of ``n`` queries; ``source`` is where it stands."""

    wins: int
    n: int
    source: str

    @property
    def percent(self) -> float:
        """The percentage as printed in the paper."""
        return round(100 * self.wins / self.n, 2)


# Table 2: wins of row against column, upper triangle; the rest follows, as pairs sum to n.
_WINS = {
    "zh": {("cw", "cw_1k"): 80, ("cw", "cw_5k"): 66, ("cw", "cw_10k"): 53, ("cw", "g"): 73,
           ("cw_1k", "cw_5k"): 81, ("cw_1k", "cw_10k"): 66, ("cw_1k", "g"): 86,
           ("cw_5k", "cw_10k"): 85, ("cw_5k", "g"): 102, ("cw_10k", "g"): 128},
    "en": {("cw", "cw_1k"): 136, ("cw", "cw_5k"): 96, ("cw", "cw_10k"): 85, ("cw", "g"): 83,
           ("cw_1k", "cw_5k"): 125, ("cw_1k", "cw_10k"): 114, ("cw_1k", "g"): 106,
           ("cw_5k", "cw_10k"): 174, ("cw_5k", "g"): 149, ("cw_10k", "g"): 164},
}  # fmt: skip
TABLE_2: dict[str, dict[tuple[str, str], Reported]] = {
    language: {
        pair: Reported(count, QUERIES[language], "Table 2")
        for (a, b), wins in pairs.items()
        for pair, count in (((a, b), wins), ((b, a), QUERIES[language] - wins))
    }
    for language, pairs in _WINS.items()
}
# Table 3: mean length of the outputs. The tokeniser is not named.
TABLE_3_TOKENS = {
    "zh": dict(zip(VARIANTS, (606.9, 602.9, 699.4, 710.7, 730.3), strict=True)),
    "en": dict(zip(VARIANTS, (1195.0, 1382.0, 1533.0, 1577.0, 1577.0), strict=True)),
}
TABLE_3_CHARS = {
    "zh": dict(zip(VARIANTS, (960, 950, 1099, 1120, 1137), strict=True)),
    "en": dict(zip(VARIANTS, (3038, 3690, 3988, 4002, 4070), strict=True)),
}
# Table 4: type-token ratio of the outputs.
TABLE_4_MEAN = {
    "zh": dict(zip(VARIANTS, (0.522, 0.578, 0.576, 0.593, 0.678), strict=True)),
    "en": dict(zip(VARIANTS, (0.562, 0.571, 0.574, 0.590, 0.590), strict=True)),
}
TABLE_4_MEDIAN = {
    "zh": dict(zip(VARIANTS, (0.513, 0.570, 0.576, 0.586, 0.671), strict=True)),
    "en": dict(zip(VARIANTS, (0.515, 0.554, 0.561, 0.579, 0.571), strict=True)),
}
# Section 3.3: English queries answered in Chinese (the paper's "contamination"), of 353.
LANGUAGE_CONFUSION = dict(zip(VARIANTS, (43, 6, 5, 4, 5), strict=True))


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """Shortest, mean and longest text in characters."""

    min: int
    mean: float
    max: int


@dataclasses.dataclass(frozen=True, slots=True)
class Lengths:
    """A row of Tables 5–10: rows and lengths of the three parts."""

    count: int
    article: Spread
    prompt: Spread
    reasoning: Spread


@functools.cache
def genres() -> dict[str, Lengths | None]:
    """Returns Tables 6–10 (and the Poetry and Script rows of Table 5) by genre slug.

    None for the five genres of the taxonomy without published rows.
    """
    text = (resources.files("coig_writer") / "data" / "paper_genres.csv").read_text(
        encoding="utf-8"
    )
    return {row["genre"]: _lengths(row) for row in csv.DictReader(text.splitlines())}


def _lengths(row: dict[str, str]) -> Lengths | None:
    if int(row["count"]) == 0:
        return None
    parts = (
        Spread(int(row[f"{p}_min"]), float(row[f"{p}_mean"]), int(row[f"{p}_max"]))
        for p in ("article", "prompt", "reasoning")
    )
    return Lengths(int(row["count"]), *parts)


def _row(count: int, *numbers: int) -> Lengths:
    return Lengths(count, Spread(*numbers[0:3]), Spread(*numbers[3:6]), Spread(*numbers[6:9]))


# Table 5 as printed. Its means of the five categories with several genres disagree with the
# count-weighted means of Tables 6–10 (see ``category_means``); minima and maxima agree.
TABLE_5: dict[str, Lengths] = {
    "overall": _row(1665, 12, 2214, 31071, 30, 283, 2643, 252, 1089, 4094),
    "communication": _row(481, 12, 1584, 9422, 40, 286, 1754, 302, 1162, 3816),
    "novel": _row(467, 61, 3669, 31071, 41, 332, 1222, 353, 1135, 2964),
    "non-fiction": _row(243, 225, 2052, 12766, 41, 226, 1718, 453, 1066, 2661),
    "functional": _row(221, 148, 1281, 9057, 41, 248, 2492, 437, 1085, 4094),
    "poetry": _row(128, 38, 210, 695, 41, 203, 1118, 442, 867, 2935),
    "funny-literature": _row(68, 17, 730, 12117, 30, 186, 1007, 252, 703, 1826),
    "script": _row(57, 369, 3108, 13339, 42, 405, 2643, 553, 1207, 3647),
}


def category_means(part: str) -> dict[str, float]:
    """Returns count-weighted mean lengths of a part per category, from the genre tables.

    Args:
        part: ``article``, ``prompt`` or ``reasoning``.
    """
    totals: dict[str, tuple[float, int]] = {}
    for slug, lengths in genres().items():
        if lengths is None:
            continue
        for key in (published().genre(slug).category, "overall"):
            total, count = totals.get(key, (0.0, 0))
            totals[key] = (
                total + getattr(lengths, part).mean * lengths.count,
                count + lengths.count,
            )
    return {key: total / count for key, (total, count) in totals.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Slip:
    """Two statements of the paper that cannot both hold, or one that its own counts refute."""

    id: str
    stated: str
    found: str
    source: str


SLIPS = (
    Slip(
        "genres",
        "51 genres",
        "46 genres have rows; 51 is the size of the taxonomy",
        "abstract; Tables 6–10, Figure 6",
    ),
    Slip(
        "categories",
        "7 main categories",
        "8 domains in section 2.1; role-playing has no row",
        "sections 2.1, 2.5",
    ),
    Slip(
        "gap",
        "a gap of 89.26 percentage points",
        "62.75 − 46.46 = 16.29",
        "abstract; contributions",
    ),
    Slip(
        "queries",
        "104 evaluation queries",
        "204 Chinese and 353 English",
        "section 2.4; Tables 2–4",
    ),
    Slip(
        "minimum",
        "at least 15 samples per category",
        "11 of 46 genres have fewer than 15 rows",
        "section 2.5; Tables 6–10",
    ),
    Slip(
        "longest-prompt",
        "longest prompt 2,642 characters",
        "2,643 in Table 5",
        "section 2.5; Table 5",
    ),
    Slip(
        "category-means",
        "means of Table 5",
        "differ from the count-weighted means of Tables 6–10",
        "Tables 5–10",
    ),
    Slip(
        "thirty-percent",
        "Communication and Novel are 30 % each",
        "28.9 % and 28.0 %",
        "section 2.5; Table 5",
    ),
    Slip(
        "sample-total",
        "22k general samples",
        "20,000 general rows; 21,665 in all",
        "sections 3.1, 5",
    ),
    Slip(
        "agreement",
        "high inter-rater agreement",
        "one judgement per item, no coefficient",
        "section 2.4; Table 2",
    ),
)
