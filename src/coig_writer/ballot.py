"""Ballots: what one rater said about the answers to one query.

A verdict is JSON. Side by side: ``"left"``, ``"right"``, ``"tie"``, ``"both_bad"`` or ``"skip"``.
Ranking: the variants best first, ties nested, as ``["cw_10k", ["g", "cw"]]``. Rating: dimension to
an integer from 0 to 3. A tie, a skip and a missing vote are three things and stay so.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Literal

from coig_writer.errors import InputError

Protocol = Literal["pairwise", "ranking", "rating"]
PAIRWISE_VERDICTS = ("left", "right", "tie", "both_bad", "skip")
DIMENSIONS = (
    "content_quality",
    "creative_merit",
    "cultural_appropriateness",
    "task_fulfillment",
    "overall_preference",
)
SCHEMA_VERSION = 3  # 2: elapsed_s and depths; tags name the text they are about. 3: sample


@dataclasses.dataclass(frozen=True, slots=True)
class Ballot:
    """One vote.

    Attributes:
        id: Of the ballot.
        study: The study it was cast in.
        protocol: How it was asked: two texts, a ranking, or a rating of one text.
        item: What was shown: the query, and of a pair or rating its variants.
        query_id: The query whose answers were shown.
        rater: A pseudonym (HMAC).
        repeat: 0, or the number of the repetition where a rater sees an item again.
        shown: The variants, in the order in which they were shown.
        verdict: JSON; its forms are in ``coig_writer.ballot``.
        tags: ``NAME@VARIANT``, or ``NAME`` about the item as a whole.
        comment: What the rater wrote beside it.
        reported: Whether the rater reported the item as harmful or broken.
        created_at: When the server took it in (UTC).
        dwell_s: Seconds of attention, by the page's clock.
        scroll: The least of ``depths``.
        velocity: Characters shown per second of attention; null where no time was recorded.
        interface_language: Of the page.
        consent: Whether the rater had consented.
        schema_version: Of this table.
        elapsed_s: Seconds from the first showing until the vote came, by the server's clock; null where it showed nothing.
        depths: Share of each text that came into view.
        sample: Which of several answers of each variant was shown (``Generation.sample``); ballots from before it are 0.
    """

    id: str
    study: str
    protocol: Protocol
    item: str
    query_id: str
    rater: str
    repeat: int
    shown: tuple[str, ...]
    verdict: str
    tags: tuple[str, ...] = ()
    comment: str | None = None
    reported: bool = False
    created_at: str = ""
    dwell_s: float | None = None
    scroll: float | None = None
    velocity: float | None = None
    interface_language: str | None = None
    consent: bool = False
    schema_version: int = SCHEMA_VERSION
    elapsed_s: float | None = None
    depths: tuple[float, ...] | None = None
    sample: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Tombstone:
    """A rater's withdrawal of a ballot; export honours it, the ballot itself is never edited.

    Attributes:
        ballot: Id of the ballot.
        time: When it was withdrawn (UTC).
    """

    ballot: str
    time: str


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One pair out of a ballot: ``outcome`` 1.0 if left won, 0.0 if right won, 0.5 for a tie.

    Both answers are of one ``sample``.
    """

    query_id: str
    rater: str
    left: str
    right: str
    outcome: float
    sample: int = 0


def check(ballot: Ballot) -> Ballot:
    """Returns the ballot unchanged if its verdict fits its protocol and what was shown.

    Raises:
        InputError: The verdict is not JSON or does not fit, or the sample is below 0.
    """
    if ballot.sample < 0:
        raise InputError(
            f"ballot {ballot.id}: sample {ballot.sample} is below 0",
            "number samples from 0, as the generations do",
        )
    try:
        verdict = json.loads(ballot.verdict)
    except ValueError as error:
        raise InputError(
            f"ballot {ballot.id}: verdict is not JSON", 'write "left" with its quotes, or a list'
        ) from error
    if not _FITS[ballot.protocol](verdict, ballot.shown):
        raise InputError(
            f"ballot {ballot.id}: verdict {ballot.verdict} does not fit protocol {ballot.protocol} over {', '.join(ballot.shown)}",
            "see the docstring of coig_writer.ballot for the three forms",
        )
    return ballot


def _fits_pairwise(verdict: object, shown: tuple[str, ...]) -> bool:
    return verdict in PAIRWISE_VERDICTS and len(set(shown)) == 2


def _fits_ranking(verdict: object, shown: tuple[str, ...]) -> bool:
    if verdict == "skip":
        return True
    if not isinstance(verdict, list):
        return False
    flat = [v for place in verdict for v in (place if isinstance(place, list) else [place])]
    return (
        [] not in verdict
        and all(isinstance(v, str) for v in flat)
        and sorted(flat) == sorted(shown)
        and len(set(flat)) == len(flat)
    )


def _fits_rating(verdict: object, shown: tuple[str, ...]) -> bool:
    if verdict == "skip":
        return True
    return (
        isinstance(verdict, dict)
        and bool(verdict)
        and len(shown) == 1
        and all(k in DIMENSIONS and type(v) is int and 0 <= v <= 3 for k, v in verdict.items())
    )


_FITS = {"pairwise": _fits_pairwise, "ranking": _fits_ranking, "rating": _fits_rating}


def tags_about(ballot: Ballot, variant: str) -> set[str]:
    """Returns the names of the tags that speak of a variant, or of the item as a whole."""
    split = (tag.partition("@") for tag in ballot.tags)
    return {name for name, _, about in split if about in ("", variant)}


def comparisons(ballot: Ballot) -> list[Comparison]:
    """Takes a ballot apart into pairs; a skip and a rating give none.

    ``both_bad`` gives a tie here; who needs it apart reads the verdict itself. A ranking of k
    variants gives k(k-1)/2 pairs, which are dependent: cluster by query in any interval.
    """
    verdict = json.loads(ballot.verdict)
    if verdict == "skip" or ballot.protocol == "rating":
        return []
    if ballot.protocol == "pairwise":
        outcome = {"left": 1.0, "right": 0.0}.get(verdict, 0.5)
        left, right = ballot.shown
        return [Comparison(ballot.query_id, ballot.rater, left, right, outcome, ballot.sample)]
    places = [place if isinstance(place, list) else [place] for place in verdict]
    rank = {variant: i for i, place in enumerate(places) for variant in place}
    return [
        Comparison(
            ballot.query_id,
            ballot.rater,
            a,
            b,
            1.0 if rank[a] < rank[b] else 0.0 if rank[a] > rank[b] else 0.5,
            ballot.sample,
        )
        for a, b in itertools.combinations(rank, 2)
    ]
