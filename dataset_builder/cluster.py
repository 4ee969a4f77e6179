r"""The stages that ask a model, spread over processes: this machine, Slurm or Ray, by datatrove.

    python -m dataset_builder cluster screen --tasks 8 --workers 2 -- --out build/curation --endpoint URL
    python -m dataset_builder cluster screen --executor slurm --tasks 256 --workers 64 \
        --partition cpu --time 24:00:00 -- --out /shared/curation --endpoint URL
    python -m dataset_builder cluster screen --executor ray --tasks 64 -- --out /shared/curation --endpoint URL

What stands after ``--`` are the stage's own options. Task *r* of *n* decides every *n*-th part; a part
is one file, renamed when it is whole, so a task that is killed and started again decides nothing
twice. When all tasks are done the parts are joined: here, or on Slurm in a job of its own that waits.
``--write-only`` writes the Slurm scripts and submits nothing. Folders must be shared by all machines.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from coig_writer.errors import ConfigError, MissingInputError
from dataset_builder.curation import Flow, Process
from dataset_builder.stage_options import report

STAGES = ("assess", "screen", "validate", "score")
ROOT = Path(__file__).parents[1]


def _prepared(stage: str, arguments: Sequence[str]) -> tuple[Flow, Process]:
    """Builds flow and process anew from strings: nothing else travels to a worker."""
    module = importlib.import_module(f"dataset_builder.{stage}")
    made: tuple[Flow, Process] = module.from_command_line(list(arguments))
    return made


class Decide(PipelineStep):  # type: ignore[misc]
    """A step that decides one task's share of a stage."""

    type, name = "CURATE", "decide"

    def __init__(self, stage: str, arguments: Sequence[str]) -> None:
        super().__init__()
        self.stage, self.arguments = stage, tuple(arguments)

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Decides the parts of ``rank``."""
        flow, process = _prepared(self.stage, self.arguments)
        flow.work(process, rank, world_size)


class Assemble(PipelineStep):  # type: ignore[misc]
    """A step that joins what all tasks have decided."""

    type, name = "CURATE", "assemble"

    def __init__(self, stage: str, arguments: Sequence[str]) -> None:
        super().__init__()
        self.stage, self.arguments = stage, tuple(arguments)

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Joins the parts."""
        assemble(self.stage, self.arguments)


def assemble(stage: str, arguments: Sequence[str]) -> None:
    """Joins a stage's parts and reports, unless that is done."""
    flow, _ = _prepared(stage, arguments)
    done = flow.done()
    report(done if done is not None and not done.open else flow.assemble())


def logs(stage: str, arguments: Sequence[str]) -> str:
    """Returns datatrove's folder for a run; another input or other options get another one.

    datatrove skips tasks that it has seen finish: with one folder for all runs, a changed input
    would be skipped too.
    """
    flow, _ = _prepared(stage, arguments)
    names = hashlib.sha256("".join(path.name for path, _ in flow.parts()).encode())
    return str(flow.root.resolve() / "logs" / f"{stage}-{names.hexdigest()[:12]}")


def local(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Runs all tasks on this machine."""
    from datatrove.executor import LocalPipelineExecutor

    LocalPipelineExecutor(
        [Decide(given.stage, arguments)],
        tasks=given.tasks,
        workers=given.workers,
        logging_dir=logs(given.stage, arguments),
        skip_completed=False,  # a part that exists is not decided again
    ).run()
    assemble(given.stage, arguments)


def ray(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Runs all tasks on a Ray cluster, or on a local one where there is none."""
    if importlib.util.find_spec("ray") is None:
        raise MissingInputError(
            "Ray is not installed", "pip install 'ray[default]', or --executor local"
        )
    from datatrove.executor import RayPipelineExecutor

    RayPipelineExecutor(
        [Decide(given.stage, arguments)],
        tasks=given.tasks,
        workers=given.workers,
        logging_dir=logs(given.stage, arguments),
        skip_completed=False,
    ).run()
    assemble(given.stage, arguments)


def slurm(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Submits an array of tasks and a job that joins their parts afterwards."""
    from datatrove.executor import SlurmPipelineExecutor

    place = logs(given.stage, arguments)
    shared = {
        "time": given.time,
        "partition": given.partition,
        "qos": given.qos,
        "env_command": f"cd {ROOT}\nexport PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={ROOT}",
        "requeue": True,
        "skip_completed": False,
    }
    work = SlurmPipelineExecutor(
        [Decide(given.stage, arguments)],
        tasks=given.tasks,
        workers=given.workers,
        job_name=f"curate-{given.stage}",
        logging_dir=f"{place}/decide",
        **shared,
    )
    join = SlurmPipelineExecutor(
        [Assemble(given.stage, arguments)],
        tasks=1,
        job_name=f"curate-{given.stage}-join",
        logging_dir=f"{place}/join",
        depends=None if given.write_only else work,
        **shared,
    )
    if given.write_only:
        for executor in (work, join):
            print(script(executor))
    else:
        join.run()


def script(executor: Any) -> Path:
    """Writes what datatrove would submit, and returns the script's path."""
    import dill  # type: ignore[import-untyped]
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
    {"local": local, "slurm": slurm, "ray": ray}[given.executor](given, stage_arguments)
    return None


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Splits a command line at ``--``."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
