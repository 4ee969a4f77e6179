"""Does a metric go with preference, prompt by prompt? And what is a win rate worth at equal length?"""

from __future__ import annotations

import numpy as np

from coig_writer.errors import StatisticsError
from coig_writer.preference.association import Association, associate
from coig_writer.preference.length_control import Duels, LengthControlled, fit
from coig_writer.preference.pairs import Pairs, encode
from coig_writer.triplet import Language
from eval_tasks.report.inputs import Runs

# Metrics worth relating, in the order shown; those that a run does not have are left out.
METRICS = {
    "ttr": "type–token ratio",
    "ttr_400": "TTR of the first 400 tokens",
    "mattr_100": "moving-average TTR (100)",
    "hdd": "HD-D",
    "mtld": "MTLD",
    "chars": "characters",
    "adjacent_cohesion": "cohesion of adjacent paragraphs",
    "term_reuse": "reuse of terms",
    "repetition_4": "repeated 4-grams",
    "compression_ratio": "compression ratio",
    "idiom_density": "idioms",
    "worn_density": "worn phrases",
    "reward": "reward model, on prompts it never saw",
}


def associations(runs: Runs, language: Language) -> dict[str, Association]:
    """Returns by metric how it goes with preference; metrics without data are left out."""
    votes = runs.preferences(language).comparisons
    if not votes:
        return {}
    pairs = encode(votes)
    found = {metric: _association(runs, language, metric, pairs) for metric in METRICS}
    return {metric: relation for metric, relation in found.items() if relation is not None}


def _association(runs: Runs, language: Language, metric: str, pairs: Pairs) -> Association | None:
    values = {
        (variant, query): value
        for variant, scored in runs.values(metric, language).items()
        for query, value in scored.items()
    }
    try:
        return associate(metric, pairs, values)
    except StatisticsError:
        return None  # not scored, or without variation: nothing to relate


def at_equal_length(
    runs: Runs, language: Language, pair: tuple[str, str]
) -> LengthControlled | str | None:
    """Returns the pair's length-controlled win rate, why there is none, or None without data."""
    chars = runs.values("chars", language)
    first, second = pair
    duels = [
        (vote.query_id, vote.outcome if vote.left == first else 1 - vote.outcome)
        for vote in runs.preferences(language).comparisons
        if {vote.left, vote.right} == set(pair)
        and all(vote.query_id in chars.get(v, {}) for v in pair)
    ]
    if not duels:
        return None
    queries, codes = np.unique([query for query, _ in duels], return_inverse=True)
    lengths = [np.array([chars[v][queries[i]] for i in codes]) for v in (first, second)]
    outcome = np.array([won for _, won in duels])
    try:
        return fit(Duels(outcome, lengths[0], lengths[1], codes))
    except StatisticsError as error:
        return error.message
