"""A stage as steps that processes share: on this machine, under Slurm or Ray (``cluster.py``).

Every share of a step must end before the next step begins. What a share makes are files that are
renamed when they are whole and never made again, so that a share may be killed and started anew.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from dataset_builder.stages.flow import Counts, Flow, Process

Share = Callable[[int, int], Counts | None]


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a stage.

    Attributes:
        name: What it does, one word.
        run: Does the share ``rank`` of ``world``; the last step of a stage returns its counts.
        alone: It cannot be shared: one process does it all.
    """

    name: str
    run: Share
    alone: bool = False


def deciding(prepare: Callable[[], tuple[Flow, Process]]) -> list[Step]:
    """Returns the steps that every stage ends with: decide the parts, join them.

    Args:
        prepare: Gives the flow and what it does to documents; called when the step runs.
    """
    prepared = functools.cache(prepare)

    def decide(rank: int, world: int) -> None:
        flow, process = prepared()
        flow.work(process, rank, world)

    def join(_rank: int, _world: int) -> Counts:
        flow, _ = prepared()
        done = flow.done()
        return done if done is not None and not done.open else flow.assemble()

    return [Step("decide", decide), Step("join", join, alone=True)]


def run(steps: Sequence[Step]) -> Counts:
    """Runs all steps in this process and returns what the last one counted."""
    counts = None
    for step in steps:
        counts = step.run(0, 1)
    assert counts is not None, "the last step of a stage counts"
    return counts
