"""Renders model cards from facts: python model_cards/render.py cw cw_1k … [--out build/cards].

Reads the facts that training, mixing and scoring left beside their outputs, and writes
``OUT/VARIANT/README.md`` with the ``facts.json`` it was rendered from. A number without a fact stops it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coig_writer import card, facts, paper
from coig_writer.card import Literal
from coig_writer.errors import run_command
from coig_writer.facts import Fact
from coig_writer.files import atomic_folder
from coig_writer.mixture import PUBLISHED, VARIANTS

TEMPLATE = Path(__file__).parent / "model.md.jinja"
WHAT = {
    "cw": "The creative rows alone.",
    "cw_1k": "The creative rows and the smallest share of general reasoning rows.",
    "cw_5k": "The creative rows and a middle share of general reasoning rows.",
    "cw_10k": "The creative rows and the largest share of general reasoning rows: the mixture that the paper's raters preferred in Chinese.",
    "g": "General reasoning rows and no creative row: the paper's baseline.",
}
# Shown first: what the paper reports, and what tells a broken model from a sound one.
MAIN = (
    "ttr",
    "mattr_100",
    "chars",
    "tokens",
    "language_confusion_wrong",
    "reasoning_closed",
    "reasoning_unterminated",
)
TRAINING = {
    "run/learning_rate": "Learning rate",
    "run/global_batch_size": "Documents per optimizer step",
    "run/steps": "Optimizer steps",
    "run/epochs": "Epochs",
    "run/max_length": "Longest row (tokens)",
    "run/precision": "Precision",
    "run/seed": "Seed",
    "run/train_loss": "Mean training loss",
    "run/hardware": "Hardware",
    "run/devices": "Devices",
    "run/seconds": "Seconds",
}


def gather(variant: str, models: Path, mixtures: Path, scores: Path) -> dict[str, Fact]:
    """Collects the facts that concern one variant."""
    found = facts.read(models / variant / "facts.json") | facts.read(
        mixtures / variant / "facts.json"
    )
    if (scores / "facts.json").is_file():
        found |= {
            key: fact
            for key, fact in facts.read(scores / "facts.json").items()
            if key.startswith(f"{variant}/")
        }
    return found


def write(variant: str, models: Path, mixtures: Path, scores: Path, out: Path) -> None:
    """Writes the card of one variant, with the facts that it was rendered from."""
    found = gather(variant, models, mixtures, scores)
    lock = json.loads((models / variant / "mixture.lock.json").read_text(encoding="utf-8"))
    text_of_card = render(variant, found, lock)
    with atomic_folder(out) as folder:
        (folder / "README.md").write_text(text_of_card, encoding="utf-8")
        facts.write(folder / "facts.json", found.values())


def render(variant: str, found: Mapping[str, Fact], lock: Mapping[str, Any]) -> str:
    """Renders one model card."""
    smoke = int(found["run/parameters"].value) < 10_000_000
    scored = {key: fact for key, fact in found.items() if key.startswith(f"{variant}/")}
    return card.render(
        TEMPLATE,
        found,
        front_matter=card.front_matter(metadata(variant, scored, smoke=smoke)),
        title=Literal(f"Smoke model {variant}" if smoke else f"Qwen2.5-7B COIG-Writer {variant}"),
        smoke=smoke,
        what=what(variant, lock),
        one_seed="run/seeds" in found,
        lock_hash=Literal(str(lock["ids_sha256"])),
        mixture_table=mixture_table(lock, found),
        pending=any(part["revision"] is None for part in lock["sources"].values()),
        training_table=card.table(
            ("Setting", "Value"), [(label, text(found[key])) for key, label in TRAINING.items()]
        ),
        results=results_table(variant, scored),
        votes=False,
        variant=Literal(variant),
    )


def what(variant: str, lock: Mapping[str, Any]) -> str | Literal:
    """Says what a model is: one of the published five, or a control and the question it answers."""
    control = lock.get("control")
    if control is None:
        return WHAT[variant]
    return Literal(f"A control of `{control['of']}`. {control['question']}")


def text(fact: Fact) -> Fact | Literal:
    """Returns a fact for a table cell; a fact whose value is text prints as it is."""
    return Literal(fact.value) if isinstance(fact.value, str) else fact


def mixture_table(lock: Mapping[str, Any], found: Mapping[str, Fact]) -> Literal:
    """Renders rows and tokens per source."""
    rows: list[tuple[Fact | Literal | str, ...]] = [
        (
            Literal(f"`{name}`"),
            found[f"mixture/{name}/rows"],
            found[f"mixture/{name}/tokens"],
            found[f"mixture/{name}/over_long"],
            Literal(part["path"]),
            Literal(part["revision"] or "local"),
        )
        for name, part in lock["sources"].items()
    ]
    return card.table(("Source", "Rows", "Tokens", "Over-long rows", "From", "Revision"), rows)


def published(variant: str, language: str, metric: str) -> Fact | None:
    """Returns the paper's value of a metric, where it has one (Tables 3 and 4, section 3.2)."""
    tables: dict[str, Mapping[str, Mapping[str, float]]] = {
        "ttr": paper.TABLE_4_MEAN,
        "chars": paper.TABLE_3_CHARS,
        "tokens": paper.TABLE_3_TOKENS,
    }
    if variant not in PUBLISHED:
        return None
    if metric in tables:
        return Fact(f"paper/{variant}/{language}/{metric}", tables[metric][language][variant])
    if metric == "language_confusion_wrong" and language == "en":
        share = paper.LANGUAGE_CONFUSION[variant] / paper.QUERIES["en"]
        return Fact(f"paper/{variant}/en/{metric}", share)
    return None


def results_table(variant: str, scored: Mapping[str, Fact]) -> Literal | None:
    """Renders mean scores per language beside the paper's, with n and interval."""
    rows: list[tuple[Fact | Literal | str, ...]] = []
    for key in sorted(key for key in scored if key.endswith("/mean")):
        _, language, metric, _ = key.split("/")
        fact, reported = scored[key], published(variant, language, metric)
        n = Fact(f"{key}/n", fact.n or 0)
        difference = None
        if reported is not None:
            difference = Fact(f"{key}/difference", float(fact.value) - float(reported.value))
        rows.append((language, Literal(f"`{metric}`"), fact, n, reported or "–", difference or "–"))
    header = ("Language", "Metric", "Mean", "n", "Paper", "Difference")
    if not rows:
        return None
    main = [row for row in rows if isinstance(row[1], Literal) and row[1].text.strip("`") in MAIN]
    other = [row for row in rows if row not in main]
    folded = f"\n\n<details><summary>All metrics</summary>\n\n{card.table(header, other).text}\n\n</details>"
    return Literal(card.table(header, main).text + folded)


def metadata(variant: str, scored: Mapping[str, Fact], *, smoke: bool) -> dict[str, Any]:
    """Returns the card's YAML, with a model-index of the scores."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type="coig-writer-benchmark",
            dataset_name=f"COIG-Writer kit benchmark ({key.split('/')[1]})",
            metric_type=key.split("/")[2],
            metric_value=fact.value,
        )
        for key, fact in sorted(scored.items())
        if key.endswith("/mean")
    ]
    data = ModelCardData(
        language=["zh", "en"],
        license="apache-2.0",
        base_model=None if smoke else "Qwen/Qwen2.5-7B-Instruct",
        model_name=f"coig-writer-smoke-{variant}" if smoke else f"Qwen2.5-7B-COIG-Writer-{variant}",
        pipeline_tag="text-generation",
        tags=["creative-writing", "trl", "sft", *(["smoke-test"] if smoke else [])],
        eval_results=results or None,
    )
    found: dict[str, Any] = data.to_dict()
    return found


def main() -> int | None:
    """Renders the cards of some variants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "variants",
        nargs="*",
        default=list(VARIANTS),
        help=f"which models (default: all of {', '.join(PUBLISHED)})",
    )
    parser.add_argument(
        "--models", type=Path, default=Path("build/models"), help="folder of trained models"
    )
    parser.add_argument(
        "--mixtures", type=Path, default=Path("build/mixtures"), help="folder of mixtures"
    )
    parser.add_argument(
        "--scores", type=Path, default=Path("build/scores"), help="folder of scores"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/cards"), help="folder for the cards"
    )
    arguments = parser.parse_args()
    for variant in arguments.variants:
        write(
            variant,
            arguments.models,
            arguments.mixtures,
            arguments.scores,
            arguments.out / variant,
        )
        print(arguments.out / variant / "README.md")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
