"""Verdicts over positions, as the page sends them, and over variants, as ballots keep them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from coig_writer.ballot import DIMENSIONS, PAIRWISE_VERDICTS, Ballot, Protocol
from coig_writer.errors import InputError


def named_verdict(
    protocol: Protocol, verdict: object, shown: Sequence[str], *, ties: bool
) -> object:
    """Turns a verdict over positions into the ballot's verdict over variants.

    Raises:
        InputError: It does not fit the protocol, or holds a tie where none is allowed.
    """
    if verdict == "skip":
        return verdict
    if protocol == "rating":
        return _rated(verdict)
    if protocol == "pairwise":
        if verdict not in PAIRWISE_VERDICTS:
            raise InputError(
                f"unknown verdict {str(verdict)[:40]!r}", f"use {', '.join(PAIRWISE_VERDICTS)}"
            )
        return verdict
    try:
        groups = [[shown[_position(p)] for p in _listed(place)] for place in _listed(verdict)]
    except (IndexError, TypeError) as error:
        raise InputError(
            "the ranking names an answer that does not exist", "rank each answer once"
        ) from error
    if any(len(group) > 1 for group in groups) and not ties:
        raise InputError("this study allows no ties", "put the answers in a strict order")
    return [group[0] if len(group) == 1 else group for group in groups]


def _rated(verdict: object) -> object:
    missing = [d for d in DIMENSIONS if not isinstance(verdict, dict) or d not in verdict]
    if missing:
        raise InputError(f"no score for {missing[0]}", "rate all five dimensions from 0 to 3")
    return verdict


def _listed(place: object) -> list[object]:
    return place if isinstance(place, list) else [place]


def _position(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(value)
    return value


def positions(ballot: Ballot) -> object:
    """Returns a ballot's verdict over positions, as the rater gave it."""
    verdict = json.loads(ballot.verdict)
    if ballot.protocol != "ranking" or verdict == "skip":
        return verdict
    place = {name: number for number, name in enumerate(ballot.shown)}
    return [[place[str(v)] for v in _listed(group)] for group in verdict]
