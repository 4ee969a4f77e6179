"""Does a metric go with preference, prompt by prompt? And what is a win rate worth at equal length?"""

from __future__ import annotations

from itertools import product

from coig_writer.errors import StatisticsError
from coig_writer.preference.association import Association, associate, covary
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.control.length_control import LengthControlled, duels, fit
from coig_writer.preference.pairs import Pairs, encode
from coig_writer.triplet import Language
from eval_tasks.runs import Runs

# Metrics worth relating, in the order shown; those that a run does not have are left out.
METRICS = {
    "ttr": "type–token ratio",
    "ttr_400": "TTR of the first 400 tokens",
    "mattr_100": "moving-average TTR (100)",
    "hdd": "HD-D",
    "mtld": "MTLD",
    "chars": "characters",
    "adjacent_cohesion": "cohesion of adjacent paragraphs",
    "disconnected": "disconnected paragraphs",
    "term_reuse": "reuse of terms",
    "name_reuse": "reuse of names",
    "repetition_4": "repeated 4-grams",
    "compression_ratio": "compression ratio",
    "idiom_density": "idioms",
    "worn_density": "worn phrases",
    "reward": "reward model, on prompts it never saw",
}

# The paper reads a high TTR as topic shifts and inconsistent terminology (beside Table 4).
COHERENCE = ("adjacent_cohesion", "disconnected", "term_reuse", "name_reuse")
DIVERSITY = ("ttr", "mattr_100")


def associations(runs: Runs, language: Language) -> dict[str, Association]:
    """Returns by metric how it goes with preference; metrics without data are left out."""
    votes = runs.preferences(language).comparisons
    if not votes:
        return {}
    pairs = encode(votes)
    found = {metric: _association(runs, language, metric, pairs) for metric in METRICS}
    return {metric: relation for metric, relation in found.items() if relation is not None}


def _association(runs: Runs, language: Language, metric: str, pairs: Pairs) -> Association | None:
    try:
        return associate(metric, pairs, runs.by_answer(metric, language))
    except StatisticsError:
        return None  # not scored, or without variation: nothing to relate


def coherence(runs: Runs, language: Language) -> dict[tuple[str, str], Interval]:
    """Returns by metric of coherence and of diversity how the two go together within prompts."""
    found = {pair: _covaried(runs, language, *pair) for pair in product(COHERENCE, DIVERSITY)}
    return {pair: interval for pair, interval in found.items() if interval is not None}


def _covaried(runs: Runs, language: Language, coherent: str, diverse: str) -> Interval | None:
    first, second = (runs.by_answer(metric, language) for metric in (coherent, diverse))
    try:
        return covary(f"{coherent} and {diverse}", first, second)
    except StatisticsError:
        return None  # not scored, or without variation: the table says so


def at_equal_length(
    runs: Runs, language: Language, pair: tuple[str, str]
) -> LengthControlled | str | None:
    """Returns the pair's length-controlled win rate, why there is none, or None without data."""
    votes = runs.preferences(language).comparisons
    found = duels(votes, pair, runs.values("chars", language))
    if found is None:
        return None
    try:
        return fit(found)
    except StatisticsError as error:
        return error.message
