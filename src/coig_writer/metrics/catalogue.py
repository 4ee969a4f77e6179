"""The metrics of one answer: name, definition and what it needs, in one table.

``measure`` gives every metric a value or the reason why it has none. The lighteval tasks and the
kit's own scores read the same table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from coig_writer.metrics import language, length, lexical
from coig_writer.metrics.answer import REPLACEMENT, Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """A value that does not exist, and why."""

    reason: str


Value = float | Missing


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One number about one answer.

    ``better`` is "higher", "lower" or None where neither end is good in itself; ``kind`` is
    "share" for a 0/1 value, whose mean is a rate.
    """

    name: str
    of: Callable[[Answer], Value]
    what: str
    better: str | None = None
    kind: str = "amount"


NO_ARTICLE = Missing("the article is empty")
NEVER_CLOSED = Missing("the reasoning never ends, so there is no article")
NO_LETTERS = Missing("the article has no letters")
NO_TOKENS = Missing("the article has no word tokens")
NO_COUNT = Missing("the number of model tokens was not recorded")


def _prose(of: Callable[[Answer], Value]) -> Callable[[Answer], Value]:
    """Wraps a metric of prose: without an article it is missing."""

    def guarded(answer: Answer) -> Value:
        if answer.article:
            return of(answer)
        return NEVER_CLOSED if answer.parts.state == "unterminated" else NO_ARTICLE

    return guarded


def _or(value: float | None, absent: Missing) -> Value:
    return absent if value is None else float(value)


def _confusion(threshold: str) -> Callable[[Answer], Value]:
    def of(answer: Answer) -> Value:
        found = language.confusion(answer.article, answer.language)
        return NO_LETTERS if found is None else float(getattr(found, threshold))

    return _prose(of)


METRICS: tuple[Metric, ...] = (
    Metric(
        "ttr",
        _prose(lambda a: _or(lexical.type_token_ratio(a.tokens), NO_TOKENS)),
        "distinct tokens over tokens (paper, Table 4); falls with length",
    ),
    Metric(
        "chars",
        _prose(lambda a: float(length.characters(a.article))),
        "characters of the article without white space",
    ),
    Metric(
        "tokens",
        _prose(lambda a: float(len(a.tokens))),
        "word tokens of the article: jieba for Chinese, words for English",
    ),
    Metric(
        "model_tokens",
        lambda a: _or(a.n_tokens, NO_COUNT),
        "tokens that the model emitted, reasoning included",
    ),
    Metric(
        "han_share",
        _prose(lambda a: _or(language.han_share(a.article), NO_LETTERS)),
        "Han characters among the letters of the article",
    ),
    Metric(
        "language_confusion_any",
        _confusion("any"),
        "any text of the other language outside quotations and names",
        "lower",
        "share",
    ),
    Metric(
        "language_confusion_mixed",
        _confusion("mixed"),
        "at least 5 % of the letters in the other language",
        "lower",
        "share",
    ),
    Metric(
        "language_confusion_wrong",
        _confusion("wrong"),
        "at least 50 % of the letters in the other language",
        "lower",
        "share",
    ),
    Metric(
        "reasoning_closed",
        lambda a: float(a.parts.state == "closed"),
        "a reasoning that ends",
        None,
        "share",
    ),
    Metric(
        "reasoning_unterminated",
        lambda a: float(a.parts.state == "unterminated"),
        "a reasoning that never ends: no article",
        "lower",
        "share",
    ),
    Metric(
        "undecodable",
        lambda a: float(a.text.count(REPLACEMENT)),
        "characters that could not be decoded (U+FFFD, half surrogate pairs)",
        "lower",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}


def measure(answer: Answer) -> dict[str, Value]:
    """Returns every metric of an answer: a number, or why there is none."""
    return {metric.name: metric.of(answer) for metric in METRICS}
