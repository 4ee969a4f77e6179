"""A stage spread over processes: on this machine, or by datatrove under Slurm or on Ray."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from datatrove.pipeline.base import PipelineStep

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.hub.remote import WAKES_S
from dataset_builder.stages.options import REQUIRED, CommandLine, option
from dataset_builder.stages.stage import Settings, Stage, Step, report

if TYPE_CHECKING:
    from datatrove.executor import SlurmPipelineExecutor

HELP = """The stage's own options come after --. A stage is a row of steps: collect reads the sources (a share each),
gathers them and decides; dedup signs, pairs, groups, measures and decides; the others decide. Of each
step, task r of n does every n-th share. A share is one file, renamed when it is complete: a
task that is killed and started again repeats none.

On Slurm each step is a job that waits for the one before; --write-only writes the scripts and submits
nothing. All machines must see the same folders. For example:

  cluster dedup --executor slurm --tasks 256 --workers 64 --partition cpu -- --out /shared/curation
  cluster collect --executor ray --tasks 64 -- texts/*.jsonl --out /shared/curation
"""
Name = Literal["collect", "assess", "dedup", "screen", "reverse", "validate", "score"]
ROOT = Path(__file__).parents[1]
CORES = os.cpu_count() or 1


def stage_named(name: str) -> Stage[Any]:
    """Returns a stage; only its own module is imported."""
    room = "people" if name == "reverse" else "stages"
    stage: Stage[Any] = importlib.import_module(f"dataset_builder.{room}.{name}").STAGE
    return stage


def read(stage: str, arguments: Sequence[str]) -> tuple[Settings, list[Step]]:
    """Reads settings and steps of a stage from its own words: nothing else travels to a worker.

    Raises:
        ConfigError: The words cannot be read.
    """
    module = stage_named(stage)

    def steps(settings: Settings, options: Any) -> tuple[Settings, list[Step]]:
        return settings, module.steps(settings, options)

    return module.command(steps).read(f"python -m dataset_builder {stage}", arguments)


class Share(PipelineStep):
    """A datatrove step that does one task's share of a step of a stage."""

    type, name = "CURATE", "share"

    def __init__(self, stage: str, arguments: Sequence[str], number: int) -> None:
        PipelineStep.__init__(self)
        self.stage, self.arguments, self.number = stage, tuple(arguments), number

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Does the share of ``rank``; the last step of a stage reports what it counted."""
        settings, steps = read(self.stage, self.arguments)
        counts = steps[self.number].run(rank, world_size)
        if counts is not None:
            report(counts, settings.root)


@dataclasses.dataclass(frozen=True)
class Options:
    """Which stage is spread, and over what.

    Raises:
        ConfigError: Slurm has no partition.
    """

    stage: Name = option(REQUIRED, "the stage", "stage", metavar="STAGE")
    arguments: tuple[str, ...] = option(
        (), "the stage's own options, after --", "arguments", metavar="-- OPTIONS"
    )
    executor: Literal["local", "slurm", "ray"] = option("local", "what runs the tasks")
    tasks: int = option(2 * CORES, "number of shares", min=1, show_default="twice the cores")
    workers: int = option(CORES, "shares at once", min=1, show_default="the cores")
    partition: str = option("", "Slurm partition", metavar="NAME")
    time: str = option("24:00:00", "Slurm time limit of a task", metavar="HH:MM:SS")
    qos: str = option("", "Slurm quality of service", metavar="NAME")
    write_only: bool = option(False, "write the Slurm scripts, submit nothing")

    def __post_init__(self) -> None:
        if self.executor == "slurm" and not self.partition:
            raise ConfigError("Slurm needs a partition", "give --partition NAME (sinfo lists them)")


def logs(options: Options) -> Path:
    """Returns datatrove's folder for the steps of a stage; other arguments get another one."""
    settings, _ = read(options.stage, options.arguments)
    digest = hashlib.sha256("\0".join(options.arguments).encode()).hexdigest()[:12]
    return settings.root.resolve() / "logs" / f"{options.stage}-{digest}"


def here(options: Options) -> None:
    """Runs all steps, one after another, in processes of this machine.

    Raises:
        ConfigError: A process was killed.
    """
    # A forked worker has imported all that it needs; a fork is safe on Linux alone.
    start = "fork" if sys.platform == "linux" else "forkserver"
    _, steps = read(options.stage, options.arguments)
    pool = ProcessPoolExecutor(
        min(options.workers, options.tasks),
        multiprocessing.get_context(start),
        _begin,
    )
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        for number, step in enumerate(steps):
            share = Share(options.stage, options.arguments, number)
            if step.alone:
                share.run()
            else:
                _await(
                    [pool.submit(share.run, None, r, options.tasks) for r in range(options.tasks)]
                )
    except BrokenProcessPool as error:
        raise ConfigError(
            f"a process of {options.stage} was killed, as when memory runs out",
            "run the same command again, with fewer --workers: finished shares are kept",
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()  # all is done, or a share will be made again


def _await(shares: list[Future[None]]) -> None:
    """Waits for shares; raises what the first one raises."""
    while shares:
        # In steps: a signal that comes while this thread falls asleep, or to another one, would not wake it.
        done, left = wait(shares, WAKES_S)
        for share in filter(done.__contains__, shares):
            share.result()
        shares = [share for share in shares if share in left]


def _begin() -> None:
    """Makes a worker end at once when it is told to, and when the process that gave it work is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:  # its queue does not close: each worker holds it open for the others
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def ray(options: Options) -> None:
    """Runs all steps, one after another, on Ray.

    Raises:
        MissingInputError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingInputError(
            "Ray is not installed", "pip install 'ray[default]', or --executor local"
        )
    from datatrove.executor import RayPipelineExecutor

    folder = logs(options)
    _, steps = read(options.stage, options.arguments)
    for number, step in enumerate(steps):
        share = Share(options.stage, options.arguments, number)
        if step.alone:
            share.run()
        else:
            RayPipelineExecutor(
                [share],
                tasks=options.tasks,
                workers=options.workers,
                logging_dir=str(folder / step.name),
                skip_completed=False,  # a share that exists is not made again
            ).run()


def slurm(options: Options) -> None:
    """Submits a job per step, each waiting for the one before: an array, or one task."""
    from datatrove.executor import SlurmPipelineExecutor

    jobs: list[SlurmPipelineExecutor] = []
    folder = logs(options)
    _, steps = read(options.stage, options.arguments)
    for number, step in enumerate(steps):
        jobs.append(
            SlurmPipelineExecutor(
                [Share(options.stage, options.arguments, number)],
                tasks=1 if step.alone else options.tasks,
                workers=1 if step.alone else options.workers,
                job_name=f"curate-{options.stage}-{step.name}",
                logging_dir=str(folder / step.name),
                depends=None if options.write_only or not jobs else jobs[-1],
                time=options.time,
                partition=options.partition,
                qos=options.qos,
                env_command=f"cd {ROOT}\nexport PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={ROOT}",
                requeue=True,
                skip_completed=False,
            )
        )
    if not options.write_only:
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


def _main(options: Options) -> None:
    settings, _ = read(options.stage, options.arguments)
    with stage_named(options.stage).undisturbed(settings.root):
        {"local": here, "slurm": slurm, "ray": ray}[options.executor](options)


main = CommandLine(HELP, _main, Options)
