r"""The `lighteval` command with the kit's tasks, started so that it needs no network.

Everything after the options of this stage goes to lighteval unchanged; `--custom-tasks
eval_tasks.tasks` is added where it is not given. Examples:

  a model     python -m eval_tasks lighteval --max-new-tokens 512 accelerate \
               "model_name=build/models/cw,device=cpu,batch_size=4" "coig_writer|0" --max-samples 4
  a server    COIG_WRITER_ENDPOINT=http://127.0.0.1:8000/v1 python -m eval_tasks lighteval \
               custom MODEL src/coig_writer/scoring/remote.py "coig_writer:zh|0"
  saved text  python -m eval_tasks lighteval --generations build/generations/cw.parquet \
               custom cw src/coig_writer/scoring/replay.py "coig_writer:zh|0"

Tasks: coig_writer:zh, coig_writer:en (`coig_writer` runs both), coig_writer_category:zh_poetry …,
coig_writer_genre:zh_wuxia …  With --generations the tasks hold exactly the queries answered there.
--max-new-tokens bounds an answer (4096 otherwise, docs/decisions/0008-decoding.md): a model that never
ends takes that many steps for each, and lighteval's own max_new_tokens is not heeded here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from coig_writer.errors import ConfigError
from coig_writer.scoring.generations import BENCHMARK, GENERATIONS, LONGEST, read, write_queries
from coig_writer.scoring.launcher import offline

TASKS = "eval_tasks.tasks"
NO_TASKS = ("tasks", "baseline", "eval", "bundle", "--help", "-h")


def main() -> int | None:
    """Hands the arguments over to lighteval."""
    paths, longest, arguments = _split(sys.argv[1:])
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if longest is not None:
        os.environ[LONGEST] = str(longest)
    if paths:
        with tempfile.TemporaryDirectory() as folder:
            _prepare(paths, Path(folder))
            _launch(arguments)
    else:
        _launch(arguments)
    return None


def _split(arguments: list[str]) -> tuple[list[Path], int | None, list[str]]:
    """Takes this stage's own options off the front."""
    paths: list[Path] = []
    longest: int | None = None
    while arguments and arguments[0] in ("--generations", "--max-new-tokens"):
        option, value, arguments = arguments[0], arguments[1:2], arguments[2:]
        if option == "--generations":
            if not value:
                raise ConfigError(
                    "--generations needs a path", "give a file or folder of generations"
                )
            paths.append(Path(value[0]))
        else:
            if not value or not value[0].isdecimal() or int(value[0]) < 1:
                raise ConfigError(
                    f"--max-new-tokens {' '.join(value)}: not a whole number above 0",
                    "give the tokens that an answer may have, as --max-new-tokens 512",
                )
            longest = int(value[0])
    return paths, longest, arguments


def _prepare(paths: list[Path], folder: Path) -> None:
    write_queries(folder, read(paths))
    os.environ[GENERATIONS] = os.pathsep.join(str(path) for path in paths)
    os.environ[BENCHMARK] = str(folder)


def bounded(arguments: list[str], accelerator: bool) -> list[str]:
    """Returns the arguments with a batch size where a CPU would be asked for the largest that fits.

    lighteval halves a batch of 512 until memory suffices; a CPU never says so and takes all there is.

    Args:
        arguments: What lighteval is given.
        accelerator: Whether the model runs on one unless it is told otherwise.
    """
    if arguments[0] != "accelerate":
        return arguments
    return [
        f"{a},batch_size=1"
        if ("model_name=" in a or "pretrained=" in a)
        and ("device=cpu" in a or ("device=" not in a and not accelerator))
        and "batch_size=" not in a
        else a
        for a in arguments
    ]


def _launch(arguments: list[str]) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    offline()
    if arguments[0] == "accelerate":
        import torch

        arguments = bounded(arguments, torch.accelerator.is_available())
    if arguments[0] not in NO_TASKS and "--custom-tasks" not in arguments:
        arguments = [*arguments, "--custom-tasks", TASKS]
    from lighteval.__main__ import app

    app(args=arguments, prog_name="python -m eval_tasks lighteval", standalone_mode=False)
