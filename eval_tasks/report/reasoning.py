"""Reasoning behaviour (Appendix C, Figures 7 and 8): what the paragraphs of the reasoning do, and where."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np

from coig_writer.metrics.behaviour import BEHAVIOURS, Behaviour, Step, steps
from coig_writer.preference import bootstrap
from coig_writer.preference.bootstrap import Interval
from coig_writer.preference.pairs import Floats
from coig_writer.triplet import Language
from eval_tasks.runs import Runs

BINS = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Reasoning:
    """One variant: shares of paragraphs by behaviour (clustered by query), and over position.

    ``profile`` is behaviours × bins: the share of each behaviour among the paragraphs in each tenth
    of the reasoning, NaN where no paragraph falls. ``states`` counts closed, unterminated and absent
    reasonings; only closed ones enter the shares.
    """

    shares: dict[Behaviour, Interval]
    profile: Floats
    paragraphs: int
    states: dict[str, int]


def behaviours(runs: Runs, language: Language) -> dict[str, Reasoning]:
    """Returns every variant that has answers in a language."""
    reasonings: dict[str, Reasoning] = {}
    for variant in runs.variants:
        answers = [a for a in runs.generations if a.variant == variant and a.language == language]
        if answers:
            closed = [a.reasoning for a in answers if a.reasoning_state == "closed"]
            labelled = [steps(text, language) for text in closed if text]
            states: Counter[str] = Counter(a.reasoning_state for a in answers)
            reasonings[variant] = _of([s for s in labelled if s], dict(states))
    return reasonings


def _of(labelled: list[list[Step]], states: dict[str, int]) -> Reasoning:
    position = np.array([step.position for steps in labelled for step in steps])
    code = np.array(
        [BEHAVIOURS.index(step.behaviour) for steps in labelled for step in steps], dtype=np.intp
    )
    clusters = np.repeat(np.arange(len(labelled)), [len(steps) for steps in labelled])
    shares: dict[Behaviour, Interval] = {}
    if len(labelled) > 1:
        shares = {
            behaviour: bootstrap.mean(
                (code == i).astype(np.float64), clusters, scale=bootstrap.SHARE
            )
            for i, behaviour in enumerate(BEHAVIOURS)
        }
    counts = np.zeros((len(BEHAVIOURS), BINS))
    np.add.at(counts, (code, np.minimum((position * BINS).astype(int), BINS - 1)), 1)
    with np.errstate(invalid="ignore"):
        profile = counts / counts.sum(axis=0)
    return Reasoning(shares, profile, len(code), states)
