"""A folder's stages as one command line: python -m FOLDER STAGE [options]."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

from coig_writer.errors import ConfigError


def run_stage(
    folder: str, stages: Mapping[str, str], modules: Mapping[str, str] | None = None
) -> int | None:
    """Runs the stage that the command line names, or lists the stages.

    Args:
        folder: The package that holds one module per stage.
        stages: Stage to one sentence, in the order in which they are listed.
        modules: Stages whose module has another name.

    Raises:
        ConfigError: There is no such stage.
    """
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        width = max(map(len, stages))
        listed = "\n".join(f"  {name:<{width}}  {text}" for name, text in stages.items())
        sys.stdout.write(
            f"usage: python -m {folder} STAGE [options]\n\n{listed}\n\nEach stage has its own --help.\n"
        )
        return 0
    stage = sys.argv[1]
    if stage not in stages:
        raise ConfigError(f"unknown stage {stage!r}", f"use one of {', '.join(stages)}")
    module = importlib.import_module(f"{folder}.{(modules or {}).get(stage, stage)}")
    sys.argv = [f"python -m {folder} {stage}", *sys.argv[2:]]
    code: int | None = module.main()
    return code
