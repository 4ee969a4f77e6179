"""Runs the whole line: python recipes/line.py demo | smollm2 | reproduce RUN [--smoke].

Texts in; dataset, five models, scores, report and cards out. Each stage is a command that also runs
alone; a stage whose outputs are newer than its inputs is skipped. Seconds per stage are printed at the
end.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coig_writer.errors import KitError, run_command
from coig_writer.mixture import VARIANTS

ROOT = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One command of the line; it is up to date if every output is newer than every input.

    Attributes:
        name: what it does, for people.
        command: what follows ``python``, as it is typed; no argument holds a space.
        inputs: files and folders it reads, relative to the repository.
        outputs: files it writes; none for a check, which runs every time.
    """

    name: str
    command: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def pack(source: str, inputs: tuple[str, ...]) -> Stage:
    """Returns the stage that packs the dataset."""
    command = f"-m dataset_builder pack --source {source}"
    return Stage(f"pack the {source}", command, inputs, ("COIG-Writer/README.md",))


def smoke_model() -> Stage:
    """Returns the stage that makes the smoke model and its tokenizer."""
    inputs = ("dataset_builder/sample", "recipes/sample", "src/coig_writer/training/smoke.py")
    return Stage("smoke model", "recipes/smoke.py", inputs, ("build/smoke/config.json",))


def demo() -> list[Stage]:
    """Returns the line at sample scale, on the smoke model: smoke outputs, made in minutes."""
    config, pack_of_answers = "recipes/configs/demo.yaml", "space/data/demo_pack.jsonl"
    variants = " ".join(VARIANTS)
    models = tuple(f"build/models/{v}/facts.json" for v in VARIANTS)
    answers = tuple(f"build/generations/{v}.parquet" for v in (*VARIANTS, "base"))
    scored = ("build/scores/facts.json",)
    return [
        pack("samples", ("dataset_builder", "src/coig_writer/data")),
        Stage(
            "curate raw texts",
            "-m dataset_builder curate --demo",
            ("dataset_builder", "src/coig_writer/document.py"),
            ("build/curation/09-audit/index.html",),
        ),
        smoke_model(),
        Stage(
            "mix",
            f"recipes/mix.py {config}",
            ("COIG-Writer", "recipes/sample", config, "build/smoke/tokenizer.json"),
            tuple(f"build/mixtures/{v}/facts.json" for v in VARIANTS),
        ),
        Stage(
            "train five models",
            f"recipes/sft.py --config {config}",
            tuple(f"build/mixtures/{v}/mixture.lock.json" for v in VARIANTS),
            models,
        ),
        Stage(
            "generate",
            "recipes/generate.py --config recipes/configs/generate_demo.yaml"
            f" --variants {variants} --base build/smoke",
            models,
            answers,
        ),
        Stage(
            "score",
            f"-m eval_tasks score --generations build/generations {pack_of_answers}",
            (*answers, pack_of_answers),
            scored,
        ),
        Stage(
            "report",
            f"-m eval_tasks report --generations build/generations {pack_of_answers}"
            " --scores build/scores --out build/report",
            scored,
            ("build/report/report.html",),
        ),
        Stage(
            "cards",
            f"model_cards/render.py {variants}",
            (*models, *scored, "model_cards"),
            tuple(f"build/cards/{v}/README.md" for v in VARIANTS),
        ),
        Stage("recompute a card", "model_cards/reproduce.py build/cards/cw_10k --brief", (), ()),
    ]


def smollm2() -> list[Stage]:
    """Returns the line for a real small model: LoRA for two steps, English answers before and after."""
    config, home = "recipes/configs/smollm2.yaml", "build/smollm2-run"
    fetched = ("build/smollm2/config.json",)
    mixed, trained = (f"{home}/{stage}/g/facts.json" for stage in ("mixtures", "models"))
    answers = (f"{home}/generations/g.parquet", f"{home}/generations/base.parquet")
    scored = (f"{home}/scores/facts.json",)
    return [
        Stage("fetch SmolLM2", "recipes/smollm2.py", ("recipes/smollm2.py",), fetched),
        Stage("mix", f"recipes/mix.py {config}", ("recipes/sample", config, *fetched), (mixed,)),
        Stage("train with LoRA", f"recipes/sft.py --config {config}", (mixed,), (trained,)),
        Stage(
            "generate",
            "recipes/generate.py --config recipes/configs/generate_smollm2.yaml"
            f" --models {home}/models --variants g --base build/smollm2 --out {home}/generations",
            (trained,),
            answers,
        ),
        score(home, answers),
        Stage(
            "report",
            f"-m eval_tasks report --generations {home}/generations --scores {home}/scores"
            f" --out {home}/report",
            scored,
            (f"{home}/report/report.html",),
        ),
    ]


def reproduce(variant: str, *, smoke: bool) -> list[Stage]:
    """Returns the line of one published configuration, from sources to card."""
    config = "recipes/configs/demo.yaml" if smoke else f"recipes/configs/{variant}.yaml"
    decoding = "recipes/configs/generate_demo.yaml" if smoke else "recipes/configs/generate.yaml"
    home = reproduced(smoke=smoke)
    mixtures, models, answers = (f"{home}/{n}" for n in ("mixtures", "models", "generations"))
    mixed, trained = f"{mixtures}/{variant}/facts.json", f"{models}/{variant}/facts.json"
    written = (f"{answers}/{variant}.parquet",)
    source = (
        pack("samples", ("dataset_builder/sample",)) if smoke else pack("import", ("build/import",))
    )
    return [
        source,
        *([smoke_model()] if smoke else []),
        Stage(
            "mix",
            f"recipes/mix.py {config} --out {mixtures} --variants {variant}",
            ("COIG-Writer", config),
            (mixed,),
        ),
        Stage(
            "train",
            f"-m accelerate.commands.launch recipes/sft.py --config {config}"
            f" --mixtures {mixtures} --output_dir {models} --variants {variant}",
            (mixed,),
            (trained,),
        ),
        Stage(
            "generate",
            f"recipes/generate.py --config {decoding} --models {models} --variants {variant}"
            f" --out {answers}",
            (trained,),
            written,
        ),
        score(home, written),
        Stage(
            "card",
            f"model_cards/render.py {variant} --models {models} --mixtures {mixtures}"
            f" --scores {home}/scores --generations {answers} --out {home}/cards",
            (f"{home}/scores/facts.json", "model_cards"),
            (f"{home}/cards/{variant}/README.md",),
        ),
    ]


def score(home: str, answers: tuple[str, ...]) -> Stage:
    """Returns the stage that scores the generations of one run."""
    command = f"-m eval_tasks score --generations {home}/generations --out {home}/scores"
    return Stage("score", command, answers, (f"{home}/scores/facts.json",))


def reproduced(*, smoke: bool) -> str:
    """Returns the folder of a reproduction."""
    return "build/reproduce-smoke" if smoke else "build/reproduce"


def newest(paths: Sequence[str]) -> float:
    """Returns the time of the newest file at or under the paths; 0 where there is none."""
    found = 0.0
    for path in paths:
        place = ROOT / path
        files = (
            [place]
            if place.is_file()
            else [f for f in place.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
        )
        found = max([found, *(f.stat().st_mtime for f in files)])
    return found


def up_to_date(stage: Stage) -> bool:
    """Whether every output stands and is newer than every input."""
    outputs = [ROOT / path for path in stage.outputs]
    if not outputs or not all(path.is_file() for path in outputs):
        return False
    return min(path.stat().st_mtime for path in outputs) >= newest(stage.inputs)


def run(stages: Sequence[Stage], *, offline: bool = True) -> list[tuple[str, float | None]]:
    """Runs stages in order.

    Args:
        stages: What to run.
        offline: Keep every stage from the Hub; only a published configuration names sources there.

    Returns:
        Name and seconds of each; None for one that was up to date.

    Raises:
        KitError: A stage failed; its own message stands above.
    """
    taken: list[tuple[str, float | None]] = []
    environment = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
    if offline:
        environment["HF_HUB_OFFLINE"] = "1"
    for number, stage in enumerate(stages, 1):
        title = f"[{number}/{len(stages)}] {stage.name}"
        if up_to_date(stage):
            print(f"{title}: up to date", flush=True)
            taken.append((stage.name, None))
            continue
        print(f"{title}: python {stage.command}", flush=True)
        started = time.monotonic()
        code = subprocess.run(
            [sys.executable, "-W", "ignore::FutureWarning", *stage.command.split()],
            cwd=ROOT,
            env=environment,
            check=False,
        ).returncode
        if code:
            raise KitError(
                f"stage '{stage.name}' ended with code {code}",
                "mend what its message says, then run the same command again: finished stages are kept",
            )
        for output in stage.outputs:
            if (ROOT / output).is_file():
                (ROOT / output).touch()
        taken.append((stage.name, time.monotonic() - started))
    return taken


def timings(taken: Sequence[tuple[str, float | None]]) -> str:
    """Renders seconds per stage."""
    lines = ["", f"{'stage':<24}{'seconds':>11}"]
    lines += [
        f"{name:<24}{'up to date' if seconds is None else f'{seconds:.1f}':>11}"
        for name, seconds in taken
    ]
    return "\n".join([*lines, f"{'in all':<24}{sum(s or 0 for _, s in taken):>11.1f}"])


def demo_places() -> str:
    """Renders what the demo made and how to go on."""
    places = {
        "dataset": "COIG-Writer/README.md",
        "models (smoke)": "build/models/",
        "generations (smoke)": "build/generations/",
        "scores": "build/scores/",
        "report": "build/report/report.html",
        "model cards": "build/cards/",
    }
    lines = [f"{what:<24}{where}" for what, where in places.items()]
    return "\n".join(["", *lines, "", "Open the arena:   .venv/bin/python space/app.py"])


def answers(folder: Path) -> str:
    """Renders the answers to the first query side by side, for a person to read."""
    from coig_writer.files import read_records
    from coig_writer.generation import Generation

    records = read_records(ROOT / folder, Generation)
    first = records[0].query_id
    shown = [f"--- {r.variant}:\n{r.text.strip()}" for r in records if r.query_id == first]
    return "\n".join(["", f"{first}: {records[0].prompt}", *shown])


def results(card: Path) -> str:
    """Returns the part of a model card that stands beside the paper's numbers."""
    text = (ROOT / card).read_text(encoding="utf-8")
    return "\n" + text[text.index("## Results") : text.index("## Use")].strip() + f"\n\n{card}"


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
    chosen = parser.parse_args()
    if chosen.line == "demo":
        print(timings(run(demo())) + demo_places())
    elif chosen.line == "smollm2":
        print(timings(run(smollm2())) + answers(Path("build/smollm2-run/generations")))
    else:
        taken = run(reproduce(chosen.run, smoke=chosen.smoke), offline=chosen.smoke)
        card = Path(reproduced(smoke=chosen.smoke)) / "cards" / chosen.run / "README.md"
        print(timings(taken) + results(card))
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
