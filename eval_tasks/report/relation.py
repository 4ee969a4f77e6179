"""Does a metric go with preference, prompt by prompt? And what is a win rate worth at equal length?"""

from __future__ import annotations

from itertools import product

from coig_writer.errors import StatisticsError
from coig_writer.preference.association import Association, associate, covary
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.control import style_control
from coig_writer.preference.control.length_control import LengthControlled, duels, fit
from coig_writer.preference.control.style_control import StyleControl
from coig_writer.preference.pairs import Pairs, encode
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.runs import Runs

# Metrics worth relating, in the order shown; those that a run does not have are left out.
METRICS = {
    "ttr": Text("type–token ratio", "型例比"),
    "ttr_400": Text("TTR of the first 400 tokens", "前 400 词的型例比"),
    "mattr_100": Text("moving-average TTR (100)", "滑动平均型例比（100）"),
    "hdd": Text("HD-D", "HD-D"),
    "mtld": Text("MTLD", "MTLD"),
    "chars": Text("characters", "字符数"),
    "adjacent_cohesion": Text("cohesion of adjacent paragraphs", "相邻段落的衔接"),
    "disconnected": Text("disconnected paragraphs", "脱节的段落"),
    "term_reuse": Text("reuse of terms", "用语的复用"),
    "name_reuse": Text("reuse of names", "名称的复用"),
    "repetition_4": Text("repeated 4-grams", "重复的四元组"),
    "compression_ratio": Text("compression ratio", "压缩率"),
    "idiom_density": Text("idioms", "成语"),
    "worn_density": Text("worn phrases", "套话"),
    "reward": Text("reward model, on prompts it never saw", "奖励模型（未见过的题）"),
}

# The scored metrics that style control holds equal.
STYLE = {
    "chars": Text("characters", "字符数"),
    "headings": Text("headings", "标题"),
    "list_items": Text("list items", "列表项"),
    "bold": Text("bold spans", "粗体"),
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
    by_metric = {metric: _association(runs, language, metric, pairs) for metric in METRICS}
    return {metric: relation for metric, relation in by_metric.items() if relation is not None}


def _association(runs: Runs, language: Language, metric: str, pairs: Pairs) -> Association | None:
    try:
        return associate(metric, pairs, runs.by_answer(metric, language))
    except StatisticsError:
        return None  # not scored, or without variation: nothing to relate


def coherence(runs: Runs, language: Language) -> dict[tuple[str, str], Interval]:
    """Returns by metric of coherence and of diversity how the two go together within prompts."""
    by_pair = {pair: _covaried(runs, language, *pair) for pair in product(COHERENCE, DIVERSITY)}
    return {pair: interval for pair, interval in by_pair.items() if interval is not None}


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
    matched = duels(votes, pair, runs.values("chars", language))
    if matched is None:
        return None
    try:
        return fit(matched)
    except StatisticsError as error:
        return error.message


def at_equal_style(runs: Runs, language: Language) -> StyleControl | str | None:
    """Returns the board at equal length and format, why there is none, or None without data."""
    votes = runs.preferences(language).comparisons
    scored = {metric: runs.by_answer(metric, language) for metric in STYLE}
    known = {metric: values for metric, values in scored.items() if values}
    if not votes or not known:
        return None
    try:
        return style_control.fit(encode(votes), known)
    except StatisticsError as error:
        return error.message
