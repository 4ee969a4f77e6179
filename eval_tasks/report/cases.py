"""Answers side by side: every variant's answer to one query, reasoning folded, text as written."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from coig_writer.errors import InputError
from coig_writer.generation import Generation
from eval_tasks.runs import FIRST, Runs


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One query and its answers, in the order of the variants."""

    query_id: str
    genre: str | None
    prompt: str
    answers: tuple[Generation, ...]


def cases(runs: Runs, query_ids: Sequence[str]) -> list[Case]:
    """Collects the answers to queries.

    Raises:
        InputError: No variant answered a query.
    """
    return [_case(runs, query_id) for query_id in query_ids]


def _case(runs: Runs, query_id: str) -> Case:
    first = min(runs.seen.get(query_id, FIRST))  # of several samples that people saw, the first
    by_variant = {
        a.variant: a for a in runs.generations if (a.query_id, a.sample) == (query_id, first)
    }
    if not by_variant:
        known = sorted({a.query_id for a in runs.generations})
        raise InputError(
            f"--cases {query_id}: no variant answered it",
            f"ids here look like {', '.join(known[:3]) or 'none: give --generations'}",
        )
    answers = tuple(by_variant[v] for v in runs.variants if v in by_variant)
    return Case(query_id, answers[0].genre, answers[0].prompt, answers)
