"""Runs the controls: python recipes/controls.py [NAME … | all] [--config RECIPE].

Without a name it lists them: rows, optimizer steps and the question each answers. With names it builds
their mixtures (and those they are held against, where needed) and trains them, by the same commands as
the published five. On a CPU, at sample scale, with the smoke model:
python recipes/controls.py all --config recipes/configs/demo.yaml
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer import paper
from coig_writer.errors import ConfigError, KitError, run_command
from coig_writer.mixture import steps

if TYPE_CHECKING:
    from coig_writer.mixing.controls import Control

ROOT = Path(__file__).parents[1]


def table(found: Iterable[Control]) -> str:
    """Renders the controls at the published scale; steps are those of the paper's batch and epochs."""
    from coig_writer.mixing.controls import SOURCES, Control, counts

    batch, epochs = paper.TRAINING.global_batch_size, paper.TRAINING.epochs
    lines = [f"{'control':<22}{'of':<8}{'creative':>9}{'zh':>8}{'en':>8}{'steps':>7}  question"]
    for control in found:
        rows = counts(control)
        whole = (
            counts(Control(control.steps_of, control.steps_of, "")) if control.steps_of else rows
        )
        taken = steps(sum(whole.values()), batch, epochs)
        cells = "".join(
            f"{rows.get(s, 0):>{width},}" for s, width in zip(SOURCES, (9, 8, 8), strict=True)
        )
        lines.append(f"{control.name:<22}{control.of:<8}{cells}{taken:>7,}  {control.question}")
    return "\n".join(lines)


def run(*command: str) -> None:
    """Runs one command of the line.

    Raises:
        KitError: It failed; its own message stands above.
    """
    print(f"python {' '.join(command)}", flush=True)
    if subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode:
        raise KitError(
            f"{command[0]} failed", "mend what its message says and run the same command again"
        )


def mixtures(chosen: Sequence[Control]) -> list[str]:
    """Returns the mixtures to build: the controls', and those whose steps they take."""
    matched = [c.steps_of for c in chosen if c.steps_of is not None]
    return list(dict.fromkeys([*matched, *(c.name for c in chosen)]))


def choose(names: Sequence[str], found: dict[str, Control]) -> list[Control]:
    """Returns the controls of these names.

    Raises:
        ConfigError: There is no control of a name.
    """
    if list(names) == ["all"]:
        return list(found.values())
    for name in names:
        if name not in found:
            raise ConfigError(f"no control {name!r}", f"controls are {', '.join(found)}, or all")
    return [found[name] for name in names]


def main() -> int | None:
    """Lists, or builds and trains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="controls to build and train, or `all`")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("recipes/configs/cw_10k.yaml"),
        help="the recipe they change (default: recipes/configs/cw_10k.yaml)",
    )
    parser.add_argument("--mix-only", action="store_true", help="build and lock, do not train")
    arguments = parser.parse_args()
    from coig_writer.mixing import controls

    found = controls.read(ROOT / controls.FILE)
    if not arguments.names:
        print(table(found.values()))
        return None
    chosen = choose(arguments.names, found)
    config = str(arguments.config)
    run("recipes/mix.py", config, "--variants", *mixtures(chosen))
    if not arguments.mix_only:
        names = [control.name for control in chosen]
        launch = ("-m", "accelerate.commands.launch", "recipes/sft.py")
        run(*launch, "--config", config, "--variants", *names)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
