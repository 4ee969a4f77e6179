"""What a metric is: a name, a function of an answer, and the reasons why a value can be missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from coig_writer.metrics.answer import Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """A value that does not exist, and why."""

    reason: str


Value = float | Missing
Kind = Literal["amount", "ratio", "share"]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One number about one answer. It describes; only a validation can tell which end is better.

    ``kind`` is "share" for a 0/1 value, whose mean is a rate, and "ratio" for a value between 0 and 1.
    """

    name: str
    compute: Callable[[Answer], Value]
    description: str
    kind: Kind = "amount"


NO_ARTICLE = Missing("the article is empty")
NEVER_CLOSED = Missing("the reasoning never ends, so there is no article")
NO_LETTERS = Missing("the article has no letters")
NO_TOKENS = Missing("the article has no word tokens")
NO_COUNT = Missing("the number of model tokens was not recorded")
NO_REASONING = Missing("there is no reasoning")
NOTHING_SETTLED = Missing("the reasoning settles on no name, quoted string or number of its own")
NO_OTHER = Missing("no other reasoning of the genre that settles on anything is here")
NO_QUERY = Missing("the prompt is not in the benchmark")
NO_LENGTH = Missing("the query asks for no length")
NO_REQUIRED = Missing("the query requires no literal string")
NO_FORM = Missing("the query asks for no form, forbids no string and names no section")
OPEN_FORM = Missing("nothing of the form can be decided")
NO_SCRIPT = Missing("the query does not ask for a script")
ONE_PARAGRAPH = Missing("the article has fewer than two paragraphs")
NOTHING_LATER = Missing("no such word after the first paragraph")
NOT_CHINESE = Missing("measured in Chinese only")
ONE_ANSWER = Missing("fewer than two answers of this variant to the prompt have an article")
ALONE = Missing("too few answers of this variant, or the article is too short")
NO_GRAM = Missing("the article has fewer than 13 letters and digits")


def short(tokens: int) -> Missing:
    """Returns that an article has too few tokens."""
    return Missing(f"the article has fewer than {tokens} tokens")


def or_(value: float | None, absent: Missing) -> Value:
    """Returns a value as a float, or why there is none."""
    return absent if value is None else float(value)


def no_article(answer: Answer) -> Missing:
    """Returns why there is no article."""
    return NEVER_CLOSED if answer.parts.state == "unterminated" else NO_ARTICLE


def prose(compute: Callable[[Answer], float | None], absent: Missing) -> Callable[[Answer], Value]:
    """Makes a metric of prose: without an article, or where ``compute`` gives None, it is missing."""

    def guarded(answer: Answer) -> Value:
        return or_(compute(answer), absent) if answer.article else no_article(answer)

    return guarded


def with_query(compute: Callable[[Answer], float | Missing]) -> Callable[[Answer], Value]:
    """Makes a metric against the query's fields: without them it is missing."""

    def guarded(answer: Answer) -> Value:
        if answer.query is None:
            return NO_QUERY
        return compute(answer) if answer.article else no_article(answer)

    return guarded
