"""Runs a whole line: python recipes/line.py demo | smollm2 | reproduce RUN [--smoke].

Texts in; dataset, models, scores, report and cards out. ``recipes/configs/lines.yaml`` lists the stages; each
is a command that also runs alone. A stage is skipped while all it makes is newer than all it reads, whole
folders too. The last lines say how long each stage took and what it made.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer.errors import KitError, run_command
from coig_writer.files import read_yaml
from coig_writer.mixture import VARIANTS
from coig_writer.record import from_row

ROOT = Path(__file__).parents[1]
LINES = ROOT / "recipes" / "configs" / "lines.yaml"


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One stage as ``lines.yaml`` says it; the lists of words are joined by spaces."""

    name: str
    run: str
    reads: str = ""
    makes: str = ""
    only: str = ""


def stages(line: str, values: Mapping[str, str], kind: str) -> list[Stage]:
    """Reads the stages of a line with every ``{word}`` filled in.

    Args:
        line: Its name.
        values: What stands for ``{run}``, ``{config}``, ``{decoding}`` and ``{home}``.
        kind: ``smoke`` or ``full``; stages of the other kind are left out.
    """

    def filled(text: str) -> str:
        each = [
            word.format(**values, each=variant)
            for word in text.split()
            for variant in (VARIANTS if "{each}" in word else ("",))
        ]
        return " ".join(each)

    listed = [from_row(Stage, entry, f"{LINES}: {line}") for entry in read_yaml(LINES)[line]]
    return [
        dataclasses.replace(s, run=filled(s.run), reads=filled(s.reads), makes=filled(s.makes))
        for s in listed
        if s.only in ("", kind)
    ]


def up_to_date(stage: Stage) -> bool:
    """Tells whether all files that a stage makes exist and are newer than all that it reads."""
    made = [ROOT / path for path in stage.makes.split()]
    if not made or not all(path.is_file() for path in made):
        return False
    if not all((ROOT / path).exists() for path in stage.reads.split()):
        return False  # what is there was made from something else; the stage says what it lacks
    read = [
        file.stat().st_mtime
        for path in stage.reads.split()
        for file in (ROOT / path, *(ROOT / path).rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    return min(path.stat().st_mtime for path in made) >= max(read, default=0.0)


def run(chosen: Sequence[Stage], *, offline: bool) -> str:
    """Runs stages in order.

    Args:
        chosen: What to run.
        offline: Keep every stage from the Hub; only a published configuration names sources there.

    Returns:
        Seconds per stage and the first file that it makes, as a table.

    Raises:
        KitError: A stage failed; it has printed its own message.
    """
    environment = {
        "OMP_WAIT_POLICY": "passive",  # threads that spin while they wait stall a laptop that does other work
        **os.environ,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if offline:
        environment["HF_HUB_OFFLINE"] = "1"
    taken: list[float | None] = []
    for number, stage in enumerate(chosen, 1):
        title = f"[{number}/{len(chosen)}] {stage.name}"
        if up_to_date(stage):
            print(f"{title}: up to date", flush=True)
            taken.append(None)
            continue
        print(f"{title}: python {stage.run}", flush=True)
        started = time.monotonic()
        command = [sys.executable, "-W", "ignore::FutureWarning", *stage.run.split()]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code:
            raise KitError(
                f"stage '{stage.name}' ended with code {code}",
                "mend what its message says, then run the same command again: finished stages are kept",
            )
        for path in stage.makes.split():  # one that a stage left as it was counts as new
            if (ROOT / path).is_file():
                (ROOT / path).touch()
        taken.append(time.monotonic() - started)
    whole = sum(seconds or 0.0 for seconds in taken)
    return "\n".join(
        [
            "",
            f"{'stage':<24}{'seconds':>11}  made",
            *map(_table_row, chosen, taken),
            f"{'in all':<24}{whole:>11.1f}",
        ]
    )


def _table_row(stage: Stage, seconds: float | None) -> str:
    shown = "up to date" if seconds is None else f"{seconds:.1f}"
    return f"{stage.name:<24}{shown:>11}  {' '.join(stage.makes.split()[:1])}".rstrip()


def main() -> int | None:
    """Runs one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    lines = parser.add_subparsers(dest="line", required=True)
    lines.add_parser("demo", help="everything at sample scale on the smoke model")
    lines.add_parser("smollm2", help="a real 135M-parameter model with LoRA for two steps")
    one = lines.add_parser("reproduce", help="one published configuration, from sources to card")
    one.add_argument("run", metavar="RUN", choices=VARIANTS, help="one of %(choices)s")
    one.add_argument("--smoke", action="store_true", help="on the samples and the smoke model")
    arguments = parser.parse_args()
    if arguments.line != "reproduce":
        print(run(stages(arguments.line, {}, "smoke"), offline=True))
        return None
    home = "build/reproduce-smoke" if arguments.smoke else "build/reproduce"
    values = {
        "run": arguments.run,
        "home": home,
        "config": f"recipes/configs/{'demo' if arguments.smoke else 'paper'}.yaml",
        "decoding": f"recipes/configs/generate{'_demo' if arguments.smoke else ''}.yaml",
    }
    chosen = stages("reproduce", values, "smoke" if arguments.smoke else "full")
    print(run(chosen, offline=arguments.smoke))
    card = f"{home}/cards/{arguments.run}"
    text = (ROOT / card / "README.md").read_text(encoding="utf-8")
    results = text[text.index("## Results") : text.index("## Use")].partition("<details>")[0]
    print(f"\n{results.strip()}\n")
    print(f"measure it again: python -m model_cards reproduce {card} --brief")
    scored = f"--generations {home}/generations --scores {home}/scores --out {home}/report"
    print(f"read the answers: python -m eval_tasks report {scored}")
    print(f"read the card: {card}/README.md")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
