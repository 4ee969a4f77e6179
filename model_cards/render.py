"""Model cards, rendered from facts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts, paper
from coig_writer.cards import card, citation, escape
from coig_writer.cards.card import Literal
from coig_writer.errors import InputError
from coig_writer.facts import Fact
from coig_writer.files import read_records
from coig_writer.folder import atomic_folder
from coig_writer.generation import Generation
from coig_writer.hub.checks import UNLOCKED
from coig_writer.mixing import mixing
from coig_writer.mixing.mixing import read_lock
from coig_writer.mixture import PUBLISHED, VARIANTS, Lock, MixtureRow
from coig_writer.scoring import recount as scoring
from coig_writer.training import curves, throughput
from coig_writer.training import recount as training
from model_cards import run
from model_cards.run import Evidence

TEMPLATE = Path(__file__).parent / "model.md.jinja"
BUILD = Path("build")
LOCK = "mixture.lock.json"
ANSWERS = "generations.parquet"  # their name in a release
WHAT = {
    "cw": "The creative rows alone.",
    "cw_1k": "The creative rows and the smallest share of general reasoning rows.",
    "cw_5k": "The creative rows and a middle share of general reasoning rows.",
    "cw_10k": "The creative rows and the largest share of general reasoning rows: the mixture that the paper's raters preferred in Chinese.",
    "g": "General reasoning rows and no creative row: the paper's baseline.",
}
# Shown first, with their meaning: the paper's metrics, and those that reveal a broken model.
MEANINGS = {
    "ttr": "distinct words over words; falls with length",
    "mattr_100": "the same, as the mean over windows of one length",
    "chars": "characters of the article, without white space",
    "tokens": "words of the article: jieba's pieces in Chinese",
    "language_confusion_wrong": "share of answers wholly in the other language",
    "reasoning_closed": "share of answers whose reasoning ends and is followed by an article",
    "reasoning_unterminated": "share of answers whose reasoning does not end",
}
OVER_LONG = {"cut": "creative ones are cut there, general ones left out", "drop": "left out"}
NAME = re.compile(r"[a-z0-9_]+")  # of a variant or control, and so of its folders
SMOKE_PARAMETERS = 10_000_000
# Limits that the card states with a number, where it was measured.
MEASURED_LIMITS = {
    "confusion": "en/language_confusion_wrong",
    "copying": "zh/longest_copied",
    "unterminated": "zh/reasoning_unterminated",
}
TRAINING = {
    "run/base_model": "Base model",
    "run/base_model_revision": "Its revision",
    "run/method": "Method",
    "run/lora_r": "LoRA rank",
    "run/lora_alpha": "LoRA alpha",
    "run/lora_dropout": "LoRA dropout",
    "run/learning_rate": "Learning rate",
    "run/warmup": "Warm-up (a share below one, else steps)",
    "run/schedule": "Schedule",
    "run/optimizer": "Optimizer",
    "run/optimizer_states": "Its states",
    "run/weight_decay": "Weight decay",
    "run/set_epochs": "Epochs, as set",
    "run/global_batch_size": "Documents per optimizer step",
    "run/steps": "Optimizer steps",
    "run/epochs": "Epochs, as run",
    "run/max_length": "Longest row (tokens)",
    "run/dtype": "Type of the weights",
    "run/precision": "Precision",
    "run/mode": "Mode",
    "run/attention": "Attention",
    "run/seed": "Seed",
    "run/train_loss": "Mean training loss",
    "run/hardware": "Hardware",
    "run/devices": "Devices",
    "run/seconds": "Seconds",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Folders that a card is gathered from."""

    models: Path
    mixtures: Path
    scores: Path
    generations: Path


def gather(variant: str, places: Places) -> dict[str, Fact]:
    """Collects the facts that the stages stated about one variant."""
    stated = facts.read(places.models / variant / "facts.json") | facts.read(
        places.mixtures / variant / "facts.json"
    )
    if (places.scores / "facts.json").is_file():
        stated |= {
            key: fact
            for key, fact in facts.read(places.scores / "facts.json").items()
            if key.startswith(f"{variant}/")
        }
    measured = [
        *run.settings(places.models / variant),
        *scoring.decoding(_answers(variant, places)),
    ]
    return stated | {f.id: f for f in measured}


def measure(variant: str, places: Places) -> dict[str, Fact]:
    """Measures the same from rows, weights and answers, without any facts file."""
    mixture = places.mixtures / variant
    rows = read_records(mixture / "train.parquet", MixtureRow)
    measured = [*mixing.facts(mixture), *training.run(places.models / variant, rows)]
    measured += run.settings(places.models / variant)
    measured += scoring.facts(_answers(variant, places), places.mixtures)
    return {fact.id: fact for fact in measured}


def evidence(variant: str, places: Places) -> Evidence:
    """Reads what the card shows besides facts."""
    drawn = curves.curves(curves.read(places.models / variant))
    return Evidence(drawn, tuple(_answers(variant, places)))


def _answers(variant: str, places: Places) -> list[Generation]:
    file = places.generations / f"{variant}.parquet"
    return read_records(file, Generation) if file.is_file() else []


def with_energy(stated: Mapping[str, Fact]) -> dict[str, Fact]:
    """Adds the upper estimate of what the run's hardware used, where it is known."""
    hardware, devices, seconds = (
        stated[f"run/{k}"].value for k in ("hardware", "devices", "seconds")
    )
    used = throughput.energy(str(hardware), int(devices), float(seconds))
    return {**stated, **{fact.id: fact for fact in used}}


def write(variant: str, places: Places, out: Path) -> None:
    """Writes the card of one variant, with the facts that it was rendered from."""
    stated = with_energy(gather(variant, places))
    shown = evidence(variant, places)
    text_of_card = render(variant, stated, read_lock(places.models / variant / LOCK), shown)
    with atomic_folder(out, "model card") as folder:
        (folder / "README.md").write_text(text_of_card, encoding="utf-8")
        facts.write(folder / "facts.json", stated.values())
        if shown.losses:
            (folder / curves.PLOT).write_text(curves.svg(shown.losses), encoding="utf-8")


def render(variant: str, stated: Mapping[str, Fact], lock: Lock, shown: Evidence) -> str:
    """Renders one model card.

    Raises:
        InputError: The variant's name is none that commands and folders can carry.
    """
    if not NAME.fullmatch(variant):
        raise InputError(
            f"{variant!r} is not a variant's name", "use small letters, digits and underscores"
        )
    smoke = is_smoke(stated)
    control = lock.get("control")
    scored = {key: fact for key, fact in stated.items() if key.startswith(f"{variant}/")}
    unlocked = sorted(n for n, part in lock["sources"].items() if part["revision"] is None)
    has = {name: f"{variant}/{key}/mean" in scored for name, key in MEASURED_LIMITS.items()}
    base, license_id = run.base(stated), run.license_of(stated, smoke=smoke)
    peft = "run/lora_r" in stated
    name = str(base).rpartition("/")[2] if base else "Local model"
    return card.render(
        TEMPLATE,
        stated,
        front_matter=card.front_matter(
            metadata(base, license_id, lock, smoke=smoke, peft=peft, unlocked=bool(unlocked))
        ),
        title=Literal(f"Smoke model {variant}" if smoke else f"{name} COIG-Writer {variant}"),
        smoke=smoke,
        what=card.name(control["question"]) if control else WHAT[variant],
        control=control and changed(control),
        base=card.code(base) if base else None,
        base_license=card.code(license_id) if license_id else None,
        not_the_papers=", ".join(run.differing(stated, TRAINING)),
        lock_hash=card.code(lock["ids_sha256"]),
        mixture_table=mixture_table(lock, stated),
        unlocked=Literal(", ".join(escape.code(name) for name in unlocked)) if unlocked else None,
        training_table=training_table(stated),
        plot=run.figure(shown.losses),
        samples=None if smoke else run.samples(shown.answers),
        licences=run.licences(lock["sources"]),
        over_long=OVER_LONG[lock["rules"]["over_long"]],
        metrics=[(Literal(f"`{name}`"), meaning) for name, meaning in MEANINGS.items()],
        paper_queries=Literal(str(sum(paper.QUERIES.values()))),
        arguments=decoding_arguments(variant, scored),
        creative="creative" in lock["sources"],
        energy="run/kwh" in stated,
        results=results_table(variant, scored, smoke=smoke),
        decoding=f"{variant}/decoding/answers" in scored,
        decoding_in_full=f"{variant}/decoding/top_k" in scored,
        variant=Literal(variant),
        links=citation.links(),
        bibtex=citation.bibtex(),
        place=Literal(f"build/reproduce{'-smoke' if smoke else ''}/cards/{variant}"),
        **has,
    )


def is_smoke(stated: Mapping[str, Fact]) -> bool:
    """Tells whether a model is too small to be one of the paper's kind."""
    return int(stated["run/parameters"].value) < SMOKE_PARAMETERS


def training_table(stated: Mapping[str, Fact], labels: Mapping[str, str] = TRAINING) -> Literal:
    """Renders the settings of the run; one that a run of an older kit did not record says so."""
    rows = [
        (label, stated.get(key, "not recorded"))
        for key, label in labels.items()
        if "lora" not in key or "run/lora_r" in stated
    ]
    return card.table(("Setting", "Value"), rows)


def changed(control: Mapping[str, object]) -> dict[str, Literal]:
    """Returns which variant a control is held against, and what it changes."""
    changes = {k: v for k, v in control.items() if k not in ("name", "of", "question")}
    words = ", ".join(f"{key}: {value}" for key, value in changes.items())
    return {"of": card.code(control["of"]), "changes": card.code(words)}


def mixture_table(lock: Lock, stated: Mapping[str, Fact]) -> Literal:
    """Renders rows and tokens per source."""
    rows: list[tuple[Fact | Literal | str, ...]] = [
        (
            card.code(name),
            stated[f"mixture/{name}/rows"],
            stated[f"mixture/{name}/tokens"],
            stated[f"mixture/{name}/over_long"],
            stated[f"mixture/{name}/contaminated"],
            card.name(part["path"]),
            card.code(part["revision"]) if part["revision"] else "none",
        )
        for name, part in lock["sources"].items()
    ]
    return card.table(
        ("Source", "Rows", "Tokens", "Over-long", "Kept out", "From", "Revision"), rows
    )


def decoding_arguments(variant: str, scored: Mapping[str, Fact]) -> Literal:
    """Returns the arguments of ``generate`` with which the model's answers were made."""
    start = f"{variant}/decoding/"
    arguments = {
        name.removeprefix(start): f.value for name, f in scored.items() if name.startswith(start)
    }
    if "answers" not in arguments:
        return Literal("max_new_tokens=4096")
    greedy = not arguments["temperature"]
    # answers of older kits do not say which top_k and penalty applied
    keys = (
        ("repetition_penalty",)
        if greedy
        else ("temperature", "top_p", "top_k", "repetition_penalty")
    )
    words = [f"max_new_tokens={arguments['max_new_tokens']}", f"do_sample={not greedy}"]
    return Literal(
        ", ".join([*words, *(f"{key}={arguments[key]}" for key in keys if key in arguments)])
    )


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


def results_table(variant: str, scored: Mapping[str, Fact], *, smoke: bool) -> Literal | None:
    """Renders mean scores per language beside the paper's, with n and interval; a smoke model gets no verdict."""
    rows: list[tuple[Fact | Literal | str, ...]] = []
    for key in sorted(key for key in scored if key.endswith("/mean")):
        _, language, metric, _ = key.split("/")
        fact, reported = scored[key], published(variant, language, metric)
        n = Fact(f"{key}/n", fact.n or 0)
        name = Literal(f"`{metric}`")
        mean = dataclasses.replace(fact, n=None)  # n has a column of its own
        gap, verdict = difference(fact, reported)
        rows.append((language, name, mean, n, reported or "–", gap, *([] if smoke else [verdict])))
    header = ("Language", "Metric", "Mean", "n", "Paper", "Difference", *([] if smoke else [""]))
    if not rows:
        return None
    main = [
        row for row in rows if isinstance(row[1], Literal) and row[1].text.strip("`") in MEANINGS
    ]
    other = [row for row in rows if row not in main]
    folded = f"\n\n<details><summary>All metrics</summary>\n\n{card.table(header, other).text}\n\n</details>"
    return Literal(card.table(header, main).text + folded)


def difference(fact: Fact, reported: Fact | None) -> tuple[Fact | str, str]:
    """Returns the difference from the paper's value, and whether the interval can tell them apart."""
    if reported is None:
        return "–", ""
    gap = Fact(f"{fact.id}/difference", float(fact.value) - float(reported.value))
    if fact.low is None or fact.high is None:
        return gap, "no interval"
    same = fact.low <= float(reported.value) <= fact.high
    return gap, "not significant" if same else "significant"


def metadata(
    base: str | None,
    known: str | None,
    lock: Lock,
    *,
    smoke: bool,
    peft: bool,
    unlocked: bool,
) -> dict[str, object]:
    """Returns the card's YAML; scores are not in it but in ``.eval_results``, as the Hub reads them."""
    places = [run.on_hub(part["path"]) for part in lock["sources"].values() if part["revision"]]
    entries: dict[str, object] = {
        "language": ["zh", "en"],
        "license": known or "other",
        "license_name": None if known else "see-the-base-model",
        "base_model": None if smoke else base,
        "base_model_relation": "adapter" if peft else "finetune",
        "datasets": sorted(place for place in places if place),
        "library_name": "peft" if peft else "transformers",
        "pipeline_tag": "text-generation",
        "tags": [
            "creative-writing",
            "trl",
            "sft",
            *(["smoke-test"] if smoke else []),
            *([UNLOCKED] if unlocked else []),
        ],
    }
    if not entries["base_model"]:
        del entries["base_model_relation"]
    return {key: value for key, value in entries.items() if value}


def main(
    variants: Annotated[
        list[str] | None,
        typer.Argument(metavar="VARIANT", help=f"which models (all of {', '.join(PUBLISHED)})"),
    ] = None,
    models: Annotated[Path, typer.Option(metavar="FOLDER", help="trained models")] = BUILD
    / "models",
    mixtures: Annotated[Path, typer.Option(metavar="FOLDER", help="their mixtures")] = BUILD
    / "mixtures",
    scores: Annotated[Path, typer.Option(metavar="FOLDER", help="their scores")] = BUILD / "scores",
    generations: Annotated[Path, typer.Option(metavar="FOLDER", help="their answers")] = BUILD
    / "generations",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the cards go")] = BUILD
    / "cards",
) -> None:
    """Writes OUT/VARIANT/README.md, and the facts.json that it is rendered from.

    The facts lie where training, mixing and scoring wrote them. A number without a fact is an error.
    """
    for variant in variants or VARIANTS:
        write(variant, Places(models, mixtures, scores, generations), out / variant)
        print(out / variant / "README.md")
