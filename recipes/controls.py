"""Runs the controls: python recipes/controls.py [NAME … | all] [--config RECIPE].

Without a name it lists them: rows, optimizer steps and the question each answers. With names it builds
their mixtures (and those whose steps they take) and trains them, by the same commands as the published
five. On a CPU, at sample scale, with the smoke model:
python recipes/controls.py all --config recipes/configs/demo.yaml
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from coig_writer import paper
from coig_writer.errors import ConfigError, KitError, run_command
from coig_writer.mixing import controls
from coig_writer.mixing.controls import SOURCES, Control
from coig_writer.mixture import steps

ROOT = Path(__file__).parents[1]


def table(listed: Iterable[Control]) -> str:
    """Renders the controls at the published scale; steps are those of the paper's batch and epochs."""
    batch, epochs = paper.TRAINING.global_batch_size, paper.TRAINING.epochs
    lines = [f"{'control':<22}{'of':<8}{'creative':>9}{'zh':>8}{'en':>8}{'steps':>7}  question"]
    for control in listed:
        rows = controls.trained(control)
        stepped = controls.resolve(control.steps_of) if control.steps_of else control
        taken = steps(sum(controls.trained(stepped).values()), batch, epochs)
        cells = "".join(
            f"{rows.get(s, 0):>{width},}" for s, width in zip(SOURCES, (9, 8, 8), strict=True)
        )
        lines.append(f"{control.name:<22}{control.of:<8}{cells}{taken:>7,}  {control.question}")
    return "\n".join(lines)


def run(*command: str) -> None:
    """Runs one command of the line.

    Raises:
        KitError: It failed; its own message is above.
    """
    print(f"python {' '.join(command)}", flush=True)
    if subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode:
        raise KitError(
            f"{command[0]} failed", "mend what its message says and run the same command again"
        )


def main() -> int | None:
    """Lists, or builds and trains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("names", nargs="*", help="controls to build and train, or `all`")
    default = "recipes/configs/cw_10k.yaml"
    add("--config", default=default, help=f"the recipe they change (default: {default})")
    add("--mix-only", action="store_true", help="build and lock, do not train")
    arguments = parser.parse_args()
    known = controls.read(ROOT / controls.FILE)
    if not arguments.names:
        print(table(known.values()))
        return None
    names = list(known) if arguments.names == ["all"] else arguments.names
    for name in names:
        if name not in known:
            raise ConfigError(f"no control {name!r}", f"controls are {', '.join(known)}, or all")
    stepped = [known[name].steps_of or name for name in names]
    mixtures = dict.fromkeys([*stepped, *names])
    run("recipes/mix.py", "--config", arguments.config, "--variants", *mixtures)
    if not arguments.mix_only:
        launch = ("-m", "accelerate.commands.launch", "recipes/sft.py")
        run(*launch, "--config", arguments.config, "--variants", *names)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
