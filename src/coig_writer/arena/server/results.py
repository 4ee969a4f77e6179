"""The results of one protocol and language, with and without the exclusion rules; and how a whole study stands."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.store import standing
from coig_writer.arena.study.assignment import wanted_raters
from coig_writer.arena.study.exclusions import excluded
from coig_writer.ballot import Ballot, Protocol
from coig_writer.preference.agreement import Alpha
from coig_writer.preference.summary import (
    Influence,
    Summary,
    agreement,
    influence,
    kendall,
    summary,
)

COOKIE = "cookie"


@dataclasses.dataclass(frozen=True, slots=True)
class Weight:
    """How much hangs on single raters, without saying on whom.

    ``by_cookie`` are the raters known by a cookie alone. ``most_flips`` is how many pairs get another
    leader, or none, at most when one rater is left out, ``another_first`` for how many raters another model
    would lead most pairs; ``flips_by_cookie`` how many pairs change without all who are known by a cookie
    alone, None where that leaves nobody.
    """

    raters: int
    by_cookie: int
    most_flips: int
    another_first: int
    flips_by_cookie: int | None


def weight(ballots: Sequence[Ballot], known_by: Mapping[str, str | None]) -> Weight:
    """Leaves out each rater, and then all at once who are known by a cookie alone."""
    alone = influence(ballots)
    unknown = {r.rater: COOKIE for r in alone if known_by.get(r.rater, COOKIE) in (None, COOKIE)}
    together = [r for r in influence(ballots, unknown) if r.rater == COOKIE]
    return Weight(
        raters=len(alone),
        by_cookie=len(unknown),
        most_flips=max((r.flips for r in alone), default=0),
        another_first=sum(r.moved for r in alone),
        flips_by_cookie=together[0].flips if together and len(unknown) < len(alone) else None,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """All ballots, and those that no rule excludes; ``excluded`` counts ballots by rule."""

    protocol: Protocol
    everything: Summary
    after_exclusions: Summary
    excluded: Mapping[str, int]
    weight: Weight


def results(
    ballots: Sequence[Ballot],
    protocol: Protocol,
    variants: Sequence[str],
    *,
    genre: Mapping[str, str],
    language: Mapping[str, str],
    known_by: Mapping[str, str | None] | None = None,
) -> Results:
    """Summarises ballots.

    Args:
        ballots: Standing ballots of one protocol, repeats included.
        protocol: Theirs.
        variants: The models, in the order wanted.
        genre: Query id to genre.
        language: Query id to language.
        known_by: Rater to ``account``, ``invitation`` or ``cookie``; who is not there has a cookie alone.
    """
    out = excluded(ballots, language)
    gone = set[str]().union(*out.values())
    kept = [b for b in ballots if b.id not in gone]
    return Results(
        protocol=protocol,
        everything=summary(ballots, variants, genre),
        after_exclusions=summary(kept, variants, genre),
        excluded={rule: len(ids) for rule, ids in out.items()},
        weight=weight(ballots, known_by or {}),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class AgreementRow:
    """How far raters agree on one protocol and language.

    Attributes:
        protocol: The protocol.
        language: The texts' language.
        measure: Krippendorff's alpha, or Kendall's tau of rankings.
        value: The coefficient.
        low: Lower end of its 95 % interval, over prompts.
        high: Upper end.
        n: Units that several raters judged, or prompts that several ranked.
    """

    protocol: Protocol
    language: str
    measure: Literal["alpha", "tau"]
    value: float
    low: float
    high: float
    n: int


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far one protocol and language is.

    Attributes:
        items: Different things to judge; ``judged`` of them by somebody.
        lacking: Items with fewer votes that stand than they are to have raters.
        ballots: Votes that stand, repeats included; ``assigned`` is one round of all seats.
        skips: Votes that say nothing but skip.
        excluded: Votes that each rule would leave out.
        agreement: What raters agree on, where several judged the same.
    """

    protocol: Protocol
    language: str
    items: int
    judged: int
    lacking: int
    ballots: int
    assigned: int
    skips: int
    excluded: Mapping[str, int]
    agreement: tuple[AgreementRow, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RaterProgress:
    """One rater in one protocol and language.

    Attributes:
        name: Of who was invited; else empty.
        known_by: ``invitation``, ``account``, ``cookie``, or None if nobody wrote it down.
        assigned: Items and repeats of an invited rater; None if nothing is assigned yet, or to a visitor.
        done: Of those, the ones with a vote; of a visitor all votes.
        beyond: Votes on what was not assigned, as an import brings them.
        minutes: Time given, by the shorter of both clocks; None if none was measured.
        last: When the last vote came.
        excluded: Votes that some rule would leave out.
        influence: What changes without this rater; None without a vote.
    """

    protocol: Protocol
    language: str
    rater: str
    name: str
    known_by: str | None
    assigned: int | None
    done: int
    beyond: int
    minutes: float | None
    last: str
    excluded: int
    influence: Influence | None


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """How a whole study stands, for who runs it."""

    progress: tuple[Progress, ...]
    raters: tuple[RaterProgress, ...]


def overview(service: StudyService) -> Overview:
    """Reads off the store how a study stands; withdrawn votes are left out."""
    cast = by_kind(
        service, standing(service.store.ballots(service.study.study), service.store.tombstones())
    )
    known_by = service.known_by()
    progress: list[Progress] = []
    raters: list[RaterProgress] = []
    for protocol in service.study.protocols:
        for language in service.collection.languages:
            ballots = cast.get((protocol, language), [])
            out = excluded(ballots, dict.fromkeys(service.prompts, language))
            progress.append(_progress(service, protocol, language, ballots, out))
            raters += _raters(service, protocol, language, ballots, out, known_by)
    return Overview(tuple(progress), tuple(raters))


def _progress(
    service: StudyService,
    protocol: Protocol,
    language: str,
    ballots: Sequence[Ballot],
    out: Mapping[str, set[str]],
) -> Progress:
    assigned = service.seats(protocol, language)
    votes = Counter(b.item for b in ballots if b.repeat == 0)
    wanted = Counter[str]()
    for unit, n in wanted_raters(assigned).items():
        wanted[service.item_of(unit)] = n
    return Progress(
        protocol,
        language,
        items=len(wanted),
        judged=sum(votes[item] > 0 for item in wanted),
        lacking=sum(votes[item] < n for item, n in wanted.items()),
        ballots=len(ballots),
        assigned=sum(map(len, assigned)),
        skips=sum(b.verdict == '"skip"' for b in ballots),
        excluded={rule: len(ids) for rule, ids in out.items()},
        agreement=tuple(agreement_rows(service, ballots)),
    )


def _raters(
    service: StudyService,
    protocol: Protocol,
    language: str,
    ballots: Sequence[Ballot],
    out: Mapping[str, set[str]],
    known_by: Mapping[str, str | None],
) -> list[RaterProgress]:
    """Describes who is invited, in the order of the study file, and who else voted."""
    influences = {of.rater: of for of in influence(ballots)}
    left_out = set[str]().union(*out.values())
    progress = []
    for rater in [*service.raters, *(r for r in influences if r not in service.raters)]:
        cast = [b for b in ballots if b.rater == rater]
        tasks = service.assigned(rater, protocol, language) if rater in service.raters else None
        assigned = {(service.item_name(task), task.repeat) for task in tasks or ()}
        done = {(b.item, b.repeat) for b in cast}
        progress.append(
            RaterProgress(
                protocol,
                language,
                rater,
                name=service.raters.get(rater, ""),
                known_by="invitation" if rater in service.raters else known_by.get(rater),
                assigned=None if tasks is None else len(assigned),
                done=len(done if tasks is None else done & assigned),
                beyond=0 if tasks is None else len(done - assigned),
                minutes=None if (given := seconds(cast)) is None else round(given / 60, 1),
                last=max((b.created_at for b in cast), default=""),
                excluded=sum(b.id in left_out for b in cast),
                influence=influences.get(rater),
            )
        )
    return progress


def by_kind(
    service: StudyService, ballots: Sequence[Ballot]
) -> dict[tuple[Protocol, str], list[Ballot]]:
    """Groups ballots by protocol and language; those on prompts that the study no longer has are left out."""
    groups: dict[tuple[Protocol, str], list[Ballot]] = {}
    for ballot in ballots:
        if ballot.query_id in service.prompts:
            language = service.prompts[ballot.query_id].language
            groups.setdefault((ballot.protocol, language), []).append(ballot)
    return dict(sorted(groups.items()))


def agreement_rows(service: StudyService, ballots: Sequence[Ballot]) -> list[AgreementRow]:
    """Measures agreement by protocol and language, wherever it can be."""
    rows = []
    for (protocol, language), cast in by_kind(service, ballots).items():
        alpha, tau = agreement(cast), kendall(cast)
        if isinstance(alpha, Alpha):
            interval = (alpha.value, alpha.low, alpha.high, alpha.units)
            rows.append(AgreementRow(protocol, language, "alpha", *interval))
        if tau is not None:
            rows.append(
                AgreementRow(protocol, language, "tau", tau.estimate, tau.low, tau.high, tau.n)
            )
    return rows


def seconds(ballots: Sequence[Ballot]) -> float | None:
    """Returns the time votes took, each by the shorter of both clocks; None if no clock ran for any, as for imports."""
    clocks = ([s for s in (b.dwell_s, b.elapsed_s) if s is not None] for b in ballots)
    times = [min(times) for times in clocks if times]
    return sum(times) if times or not ballots else None
