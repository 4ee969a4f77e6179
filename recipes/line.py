"""Runs a whole line: python recipes/line.py demo | smollm2 | reproduce RUN [--smoke].

Texts in; dataset, models, scores, report and cards out. ``recipes/configs/lines.yaml`` lists the stages; each
is a command that also runs alone, and is skipped while what it makes is newer than what it reads. Seconds per
stage are printed at the end.
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
from coig_writer.files import read_records, read_yaml
from coig_writer.generation import Generation
from coig_writer.mixture import VARIANTS
from coig_writer.record import from_row

ROOT = Path(__file__).parents[1]
LINES = ROOT / "recipes" / "configs" / "lines.yaml"
DEMO_MADE = """
dataset                 COIG-Writer/README.md
models (smoke)          build/models/    a base of 5 million parameters, fine-tuned: the look of Chinese, without sense
losses (smoke)          build/models/held_out_loss.json
generations (smoke)     build/generations/
scores                  build/scores/
report                  build/report/report.html
model cards             build/cards/

Open the arena:   .venv/bin/python space/app.py
Write and review: .venv/bin/python -m dataset_builder curate --demo --by-hand --out build/by-hand
                  .venv/bin/python space/app.py workbench --curation build/by-hand"""


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

    found = [from_row(Stage, entry, f"{LINES}: {line}") for entry in read_yaml(LINES)[line]]
    return [
        dataclasses.replace(s, run=filled(s.run), reads=filled(s.reads), makes=filled(s.makes))
        for s in found
        if s.only in ("", kind)
    ]


def up_to_date(stage: Stage) -> bool:
    """Whether all that a stage makes is there and newer than all it reads."""
    made = [ROOT / path for path in stage.makes.split()]
    if not made or not all(path.is_file() for path in made):
        return False
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
        Seconds per stage, as a table.

    Raises:
        KitError: A stage failed; its own message stands above.
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
        for path in stage.makes.split():  # a stage may find that nothing has changed
            if (ROOT / path).is_file():
                (ROOT / path).touch()
        taken.append(time.monotonic() - started)
    shown = ["up to date" if seconds is None else f"{seconds:.1f}" for seconds in taken]
    lines = [f"{s.name:<24}{t:>11}" for s, t in zip(chosen, shown, strict=True)]
    whole = f"{'in all':<24}{sum(seconds or 0 for seconds in taken):>11.1f}"
    return "\n".join(["", f"{'stage':<24}{'seconds':>11}", *lines, whole])


def answers(folder: Path, variants: Sequence[str] = ()) -> str:
    """Renders the answers to the first query side by side, of some variants or all, for a person to read."""
    records = [r for r in read_records(folder, Generation) if not variants or r.variant in variants]
    first = records[0].query_id
    shown = [f"--- {r.variant}:\n{r.text.strip()}" for r in records if r.query_id == first]
    return "\n".join(["", f"{first}: {records[0].prompt}", *shown])


def main() -> int | None:
    """Runs one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    lines = parser.add_subparsers(dest="line", required=True)
    lines.add_parser("demo", help="everything at sample scale on the smoke model")
    lines.add_parser("smollm2", help="a real 135M-parameter model with LoRA for two steps")
    one = lines.add_parser("reproduce", help="one published configuration, from sources to card")
    one.add_argument("run", choices=VARIANTS)
    one.add_argument("--smoke", action="store_true", help="on the samples and the smoke model")
    arguments = parser.parse_args()
    if arguments.line != "reproduce":
        print(run(stages(arguments.line, {}, "smoke"), offline=True))
        demo = arguments.line == "demo"
        made = ROOT / "build" / ("generations" if demo else "smollm2-run/generations")
        print(answers(made, ("base", "cw", "cw_10k") if demo else ()))
        if demo:
            print(DEMO_MADE)
        return None
    home = "build/reproduce-smoke" if arguments.smoke else "build/reproduce"
    values = {
        "run": arguments.run,
        "home": home,
        "config": f"recipes/configs/{'demo' if arguments.smoke else arguments.run}.yaml",
        "decoding": f"recipes/configs/generate{'_demo' if arguments.smoke else ''}.yaml",
    }
    chosen = stages("reproduce", values, "smoke" if arguments.smoke else "full")
    print(run(chosen, offline=arguments.smoke))
    card = f"{home}/cards/{arguments.run}/README.md"
    text = (ROOT / card).read_text(encoding="utf-8")
    print(f"\n{text[text.index('## Results') : text.index('## Use')].strip()}\n\n{card}")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
