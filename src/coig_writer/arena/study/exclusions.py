"""Named rules by which an analysis may leave ballots out; the store never does.

Each rule becomes a column of the derived export, and the board is shown with and without all of
them. The speeds are judgement, not measurement: a fluent adult reads some 5 to 10 Chinese
characters or about 20 Latin letters a second, and a text that passed at several times that was not
read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from coig_writer.arena.study.verdicts import positions
from coig_writer.ballot import Ballot

READING = {"zh": (10.0, 5.0), "en": (25.0, 15.0)}  # characters a second, quick and careful readers
FASTEST = {"zh": 40.0, "en": 120.0}
LEAST_READ = 0.5
SAME_SIDE = 0.9
MIN_BALLOTS = 10
_OF_NO_SIDE = ('"tie"', '"both_bad"', '"skip"')


def too_fast(ballots: Sequence[Ballot], language: Mapping[str, str]) -> set[str]:
    """Ballots whose texts passed faster than anyone reads (characters per second)."""
    return {
        b.id
        for b in ballots
        if b.velocity is not None and b.velocity > FASTEST[language[b.query_id]]
    }


def not_scrolled(ballots: Sequence[Ballot], _language: Mapping[str, str]) -> set[str]:
    """Ballots of whose least-read text less than half came into view."""
    return {b.id for b in ballots if b.scroll is not None and b.scroll < LEAST_READ}


def never_shown(ballots: Sequence[Ballot], _language: Mapping[str, str]) -> set[str]:
    """Ballots cast in the arena on an item that it had not shown to the rater."""
    return {b.id for b in ballots if b.consent and b.schema_version >= 2 and b.elapsed_s is None}


def no_reading(ballots: Sequence[Ballot], _language: Mapping[str, str]) -> set[str]:
    """Ballots cast in the arena with neither a second of attention nor any depth reported, as by a program."""
    return {
        b.id
        for b in ballots
        if b.consent and b.schema_version >= 2 and not b.dwell_s and not any(b.depths or ())
    }


def one_sided(ballots: Sequence[Ballot], language: Mapping[str, str]) -> set[str]:
    """All ballots of a rater who gave one answer by place in over nine of ten, given at least ten.

    One side of pairs, one order of places in rankings, the same five scores in ratings; each protocol
    and language by itself.
    """
    answers: dict[tuple[str, str, str], Counter[str]] = {}
    group = {b.id: (b.rater, b.protocol, language[b.query_id]) for b in ballots}
    for ballot in ballots:
        answer = json.dumps(positions(ballot), sort_keys=True)
        counts_of_group = answers.setdefault(group[ballot.id], Counter())
        counts_of_group[answer if answer not in _OF_NO_SIDE else ballot.id] += 1
    biased = {
        who
        for who, counts in answers.items()
        if counts.total() >= MIN_BALLOTS and max(counts.values()) > SAME_SIDE * counts.total()
    }
    return {b.id for b in ballots if group[b.id] in biased}


def reported(ballots: Sequence[Ballot], _language: Mapping[str, str]) -> set[str]:
    """Ballots whose rater says that the item itself is faulty."""
    return {b.id for b in ballots if b.reported}


RULES: dict[str, Callable[[Sequence[Ballot], Mapping[str, str]], set[str]]] = {
    "too_fast": too_fast,
    "not_scrolled": not_scrolled,
    "never_shown": never_shown,
    "no_reading": no_reading,
    "one_sided": one_sided,
    "reported": reported,
}


def excluded(ballots: Sequence[Ballot], language: Mapping[str, str]) -> dict[str, set[str]]:
    """Applies every rule.

    Args:
        ballots: Standing ballots.
        language: Query id to the language of its texts.

    Returns:
        Rule to the ids of the ballots it would leave out.
    """
    return {name: rule(ballots, language) for name, rule in RULES.items()}
