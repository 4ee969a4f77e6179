r"""The `lighteval` command with the kit's tasks, started so that it needs no network.

Everything after the options of this stage goes to lighteval unchanged; `--custom-tasks
eval_tasks.tasks` is added where it is not given. Examples:

  a model     python -m eval_tasks lighteval accelerate \
               "model_name=build/models/cw,device=cpu,batch_size=4" "coig_writer|0" --max-samples 4
  a server    COIG_WRITER_ENDPOINT=http://127.0.0.1:8000/v1 python -m eval_tasks lighteval \
               custom MODEL src/coig_writer/scoring/remote.py "coig_writer:zh|0"
  saved text  python -m eval_tasks lighteval --generations build/generations/cw.parquet \
               custom cw src/coig_writer/scoring/replay.py "coig_writer:zh|0"

Tasks: coig_writer:zh, coig_writer:en (`coig_writer` runs both), coig_writer_category:zh_poetry …,
coig_writer_genre:zh_wuxia …  With --generations the tasks hold exactly the queries answered there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from coig_writer.errors import ConfigError
from coig_writer.scoring.generations import BENCHMARK, GENERATIONS, read, write_queries
from coig_writer.scoring.launcher import offline

TASKS = "eval_tasks.tasks"
NO_TASKS = ("tasks", "baseline", "eval", "bundle", "--help", "-h")


def main() -> int | None:
    """Hands the arguments over to lighteval."""
    paths, arguments = _split(sys.argv[1:])
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if paths:
        with tempfile.TemporaryDirectory() as folder:
            _prepare(paths, Path(folder))
            _launch(arguments)
    else:
        _launch(arguments)
    return None


def _split(arguments: list[str]) -> tuple[list[Path], list[str]]:
    """Takes this stage's own options off the front."""
    paths: list[Path] = []
    while arguments and arguments[0] == "--generations":
        if len(arguments) < 2:
            raise ConfigError("--generations needs a path", "give a file or folder of generations")
        paths.append(Path(arguments[1]))
        arguments = arguments[2:]
    return paths, arguments


def _prepare(paths: list[Path], folder: Path) -> None:
    write_queries(folder, read(paths))
    os.environ[GENERATIONS] = os.pathsep.join(str(path) for path in paths)
    os.environ[BENCHMARK] = str(folder)


def bounded(arguments: list[str]) -> list[str]:
    """Returns the arguments with a batch size where a CPU would be asked for the largest that fits.

    lighteval halves a batch of 512 until memory suffices; a CPU never says so and takes all there is.
    """
    if arguments[0] != "accelerate":
        return arguments
    return [
        f"{a},batch_size=1" if "device=cpu" in a and "batch_size=" not in a else a
        for a in arguments
    ]


def _launch(arguments: list[str]) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    offline()
    arguments = bounded(arguments)
    if arguments[0] not in NO_TASKS and "--custom-tasks" not in arguments:
        arguments = [*arguments, "--custom-tasks", TASKS]
    from lighteval.__main__ import app

    app(args=arguments, prog_name="python -m eval_tasks lighteval", standalone_mode=False)
