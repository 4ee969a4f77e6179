r"""A stage spread over processes by datatrove: on this machine, under Slurm, or on Ray.

    python -m dataset_builder cluster screen --tasks 8 --workers 2 -- --out build/curation --endpoint URL
    python -m dataset_builder cluster dedup --executor slurm --tasks 256 --workers 64 \
        --partition cpu --time 24:00:00 -- --out /shared/curation
    python -m dataset_builder cluster collect --executor ray --tasks 64 -- texts/*.jsonl --out /shared/curation

What stands after ``--`` are the stage's own options. A stage is a row of steps: collect reads the
sources (a share each), gathers them and decides; dedup signs, pairs, groups, measures and decides; the
others decide. Of each step, task *r* of *n* does every *n*-th share. A share is one file, renamed when
it is whole: a task that is killed and started again makes none twice. On Slurm each step is a job that
waits for the one before; ``--write-only`` writes the scripts and submits nothing. Folders must be shared
by all machines.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datatrove.pipeline.base import PipelineStep

from coig_writer.errors import ConfigError, MissingInputError
from dataset_builder.people import reverse
from dataset_builder.stages import assess, collect, dedup, score, screen, validate
from dataset_builder.stages.stage import Stage, Step, report

if TYPE_CHECKING:
    from datatrove.executor import SlurmPipelineExecutor

STAGES: dict[str, Stage[Any]] = {
    module.STAGE.name: module.STAGE
    for module in (collect, assess, dedup, screen, reverse, validate, score)
}
ROOT = Path(__file__).parents[1]


def steps_of(stage: str, arguments: Sequence[str]) -> list[Step]:
    """Builds a stage's steps anew from strings: nothing else travels to a worker."""
    return STAGES[stage].from_command_line(arguments)[1]


class Share(PipelineStep):
    """A datatrove step that does one task's share of a step of a stage."""

    type, name = "CURATE", "share"

    def __init__(self, stage: str, arguments: Sequence[str], number: int) -> None:
        PipelineStep.__init__(self)
        self.stage, self.arguments, self.number = stage, tuple(arguments), number

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Does the share of ``rank``; the last step of a stage reports what it counted."""
        where, steps = STAGES[self.stage].from_command_line(self.arguments)
        counts = steps[self.number].run(rank, world_size)
        if counts is not None:
            report(counts, where.root)


def logs(stage: str, arguments: Sequence[str]) -> Path:
    """Returns datatrove's folder for the steps of a stage; other arguments get another one."""
    where, _ = STAGES[stage].from_command_line(arguments)
    name = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:12]
    return where.root.resolve() / "logs" / f"{stage}-{name}"


def here(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Runs all steps, one after another, on this machine or from it on Ray."""
    if given.executor == "ray" and importlib.util.find_spec("ray") is None:
        raise MissingInputError(
            "Ray is not installed", "pip install 'ray[default]', or --executor local"
        )
    from datatrove import executor

    names = {"local": "LocalPipelineExecutor", "ray": "RayPipelineExecutor"}
    spread = getattr(executor, names[given.executor])
    place = logs(given.stage, arguments)
    for number, step in enumerate(steps_of(given.stage, arguments)):
        if step.alone:
            Share(given.stage, arguments, number).run()
        else:
            spread(
                [Share(given.stage, arguments, number)],
                tasks=given.tasks,
                workers=given.workers,
                logging_dir=str(place / step.name),
                skip_completed=False,  # a share that exists is not made again
            ).run()


def slurm(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Submits a job per step, each waiting for the one before: an array, or one task."""
    from datatrove.executor import SlurmPipelineExecutor

    jobs: list[SlurmPipelineExecutor] = []
    place = logs(given.stage, arguments)
    for number, step in enumerate(steps_of(given.stage, arguments)):
        jobs.append(
            SlurmPipelineExecutor(
                [Share(given.stage, arguments, number)],
                tasks=1 if step.alone else given.tasks,
                workers=1 if step.alone else given.workers,
                job_name=f"curate-{given.stage}-{step.name}",
                logging_dir=str(place / step.name),
                depends=None if given.write_only or not jobs else jobs[-1],
                time=given.time,
                partition=given.partition,
                qos=given.qos,
                env_command=f"cd {ROOT}\nexport PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={ROOT}",
                requeue=True,
                skip_completed=False,
            )
        )
    if not given.write_only:
        jobs[-1].run()  # submits those it waits for, first to last
        return
    for job in jobs:
        print(script(job))
    print("submit them in this order, each with --dependency=afterok:JOB of the one before")


def script(executor: SlurmPipelineExecutor) -> Path:
    """Writes what datatrove would submit, and returns the script's path."""
    import dill
    from dill import CONTENTS_FMODE

    place = Path(executor.logging_dir.path)
    place.mkdir(parents=True, exist_ok=True)
    executor.save_executor_as_json()
    ranks = executor.get_incomplete_ranks()
    (place / "ranks_to_run.json").write_text(str(list(ranks)), encoding="utf-8")
    with (place / "executor.pik").open("wb") as handle:
        dill.dump(executor, handle, fmode=CONTENTS_FMODE)
    contents = executor.get_launch_file_contents(
        executor.get_sbatch_args(len(ranks)),
        f"srun -l launch_pickled_pipeline {place / 'executor.pik'}",
    )
    path = place / "launch_script.slurm"
    path.write_text(contents, encoding="utf-8")
    return path


def main() -> int | None:
    """Spreads one stage."""
    own, stage_arguments = _split(sys.argv[1:])
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("stage", choices=STAGES)
    command.add_argument("--executor", choices=("local", "slurm", "ray"), default="local")
    command.add_argument(
        "--tasks",
        type=int,
        default=2 * (os.cpu_count() or 1),
        help="how many shares (default: twice the cores here)",
    )
    command.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="how many at once (default: the cores here)",
    )
    command.add_argument("--partition", help="Slurm partition")
    command.add_argument("--time", default="24:00:00", help="Slurm time limit of a task (24:00:00)")
    command.add_argument("--qos", default="", help="Slurm quality of service")
    command.add_argument(
        "--write-only", action="store_true", help="write the Slurm scripts, submit nothing"
    )
    given = command.parse_args(own)
    if given.executor == "slurm" and not given.partition:
        raise ConfigError("Slurm needs a partition", "give --partition NAME (sinfo lists them)")
    if given.tasks < 1 or given.workers < 1:
        raise ConfigError("--tasks and --workers start at 1", "give at least 1")
    (slurm if given.executor == "slurm" else here)(given, stage_arguments)
    return None


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Splits a command line at ``--``."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
