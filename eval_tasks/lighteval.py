"""The `lighteval` command with the kit's tasks, started so that it needs no network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from coig_writer.scoring.generations import BENCHMARK, GENERATIONS, LONGEST, read, write_queries
from coig_writer.scoring.launcher import offline

TASKS = "eval_tasks.tasks"
NO_TASKS = ("tasks", "baseline", "eval", "bundle", "--help", "-h")


def main(
    words: Annotated[
        list[str], typer.Argument(metavar="LIGHTEVAL", help="what lighteval is given, unchanged")
    ],
    generations: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH…", help="replay these answers; may be given several times"),
    ] = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="longest answer (4096, docs/decisions/0008-decoding.md)"
        ),
    ] = None,
) -> None:
    r"""Everything after the options goes to lighteval; --custom-tasks eval_tasks.tasks is added.

    A model:
      python -m eval_tasks lighteval --max-new-tokens 512 accelerate \
        "model_name=build/models/cw,device=cpu,batch_size=4" "coig_writer|0" --max-samples 4

    A server:
      COIG_WRITER_ENDPOINT=http://127.0.0.1:8000/v1 python -m eval_tasks lighteval \
        custom MODEL src/coig_writer/scoring/remote.py "coig_writer:zh|0"

    Saved answers:
      python -m eval_tasks lighteval --generations build/generations/cw.parquet \
        custom cw src/coig_writer/scoring/replay.py "coig_writer:zh|0"

    Tasks: coig_writer:zh, coig_writer:en (coig_writer runs both), coig_writer_category:zh_poetry …,
    coig_writer_genre:zh_wuxia …  With --generations they hold exactly the queries answered there. A model
    that never ends takes --max-new-tokens steps for each; lighteval's own max_new_tokens is not heeded.
    """
    if max_new_tokens is not None:
        os.environ[LONGEST] = str(max_new_tokens)
    if generations:
        with tempfile.TemporaryDirectory() as folder:
            _prepare(generations, Path(folder))
            _launch(words)
    else:
        _launch(words)


def _prepare(paths: list[Path], folder: Path) -> None:
    write_queries(folder, read(paths))
    os.environ[GENERATIONS] = os.pathsep.join(str(path) for path in paths)
    os.environ[BENCHMARK] = str(folder)


def bounded(arguments: list[str], accelerator: bool) -> list[str]:
    """Returns the arguments with a batch size where a CPU would be asked for the largest that fits.

    lighteval halves a batch of 512 until memory suffices; a CPU never says so and takes all there is.

    Args:
        arguments: What lighteval is given.
        accelerator: Whether the model runs on one by default.
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
