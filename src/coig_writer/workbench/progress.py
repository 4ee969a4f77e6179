"""The state of a review: acceptance at first and of all drafts, agreement and workload, each with its n and interval."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from coig_writer.errors import StatisticsError
from coig_writer.files import write_json
from coig_writer.preference.agreement import Rating, alpha
from coig_writer.preference.rates import wilson
from coig_writer.workbench.qualification import Gold, qualify
from coig_writer.workbench.review import VERDICTS, Assignment, Decision, Verdicts, document_of


class Progress(TypedDict):
    """How a review stands.

    Attributes:
        acceptance: Share of documents whose first draft was accepted, with its interval and counts by verdict.
        acceptance_of_all_drafts: The same of all drafts that were decided about.
        agreement: Krippendorff's α of the reviewers, with its interval.
        workload: Reviewer → items ``assigned``, ``answered`` and ``adjudicated``.
        qualification: Per reviewer ``equal``, ``answered`` and ``asked`` gold items, and whether they ``passed``.
    """

    acceptance: dict[str, object]
    acceptance_of_all_drafts: dict[str, object]
    agreement: dict[str, object]
    workload: dict[str, dict[str, int]]
    qualification: list[dict[str, object]]


def write(
    path: Path,
    made: Sequence[Assignment],
    verdicts: Verdicts,
    gold: Sequence[Gold],
    reviewers: Sequence[str],
) -> None:
    """Writes the report as JSON."""
    content: Progress = {
        "acceptance": acceptance(made, verdicts),
        "acceptance_of_all_drafts": acceptance_of_all(made, verdicts),
        "agreement": agreement(made, verdicts),
        "workload": workload(made, verdicts, reviewers),
        "qualification": [
            {**dataclasses.asdict(q), "passed": q.passed()}
            for q in (qualify(gold, reviewers, verdicts) if gold else ())
        ],
    }
    write_json(path, content)


def acceptance(made: Sequence[Assignment], verdicts: Verdicts) -> dict[str, object]:
    """Returns the share of documents whose first draft was accepted (the paper: about 70 % at first).

    The first draft of a document is the first one that was decided about; assignments are in order.
    """
    first: dict[str, Decision] = {}
    for assignment in made:
        decided = assignment.state(verdicts).decision
        if decided in VERDICTS:
            first.setdefault(document_of(assignment.item), decided)
    return _rate(Counter(first.values()))


def acceptance_of_all(made: Sequence[Assignment], verdicts: Verdicts) -> dict[str, object]:
    """Returns the share of all decided drafts that were accepted, refined ones counted anew."""
    return _rate(Counter(a.state(verdicts).decision for a in made))


def _rate(decided: Mapping[Decision, int]) -> dict[str, object]:
    n = sum(decided.get(v, 0) for v in VERDICTS)
    if not n:
        return {"state": "nothing is decided yet"}
    rate = dataclasses.asdict(wilson(decided.get("accept", 0), n))
    return {"state": "known", **rate, **{str(k): v for k, v in decided.items()}}


def agreement(made: Sequence[Assignment], verdicts: Verdicts) -> dict[str, object]:
    """Returns Krippendorff's α over accept < refine < remove, adjudicators left out."""
    ratings = [
        Rating(a.item, r, float(VERDICTS.index(verdicts[a.item, r].verdict)))
        for a in made
        for r in a.reviewers
        if (a.item, r) in verdicts
    ]
    try:
        return {"state": "known", **dataclasses.asdict(alpha(ratings, "ordinal"))}
    except StatisticsError as error:
        return {"state": f"unknown: {error.message}"}


def workload(
    made: Sequence[Assignment], verdicts: Verdicts, reviewers: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Returns per reviewer how many items they were given and how many they answered."""
    given = Counter(r for a in made for r in a.reviewers)
    answered = Counter(r for a in made for r in a.reviewers if (a.item, r) in verdicts)
    ties = Counter(a.adjudicator for a in made if (a.item, a.adjudicator) in verdicts)
    return {
        name: {"assigned": given[name], "answered": answered[name], "adjudicated": ties[name]}
        for name in sorted({*reviewers, *given})
    }
