"""The results of one protocol and language, with and without the exclusion rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from coig_writer.arena.study.exclusions import excluded
from coig_writer.ballot import Ballot, Protocol
from coig_writer.preference.summary import Summary, summary


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """All ballots, and those that no rule excludes; ``excluded`` counts ballots by rule."""

    protocol: Protocol
    everything: Summary
    after_exclusions: Summary
    excluded: Mapping[str, int]


def results(
    ballots: Sequence[Ballot],
    protocol: Protocol,
    variants: Sequence[str],
    *,
    genre: Mapping[str, str],
    language: Mapping[str, str],
) -> Results:
    """Summarises ballots.

    Args:
        ballots: Standing ballots of one protocol, repeats included.
        protocol: Theirs.
        variants: The models, in the order wanted.
        genre: Query id to genre.
        language: Query id to language.
    """
    out = excluded(ballots, language)
    gone = set[str]().union(*out.values())
    kept = [b for b in ballots if b.id not in gone]
    return Results(
        protocol=protocol,
        everything=summary(ballots, variants, genre),
        after_exclusions=summary(kept, variants, genre),
        excluded={rule: len(ids) for rule, ids in out.items()},
    )
