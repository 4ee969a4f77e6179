"""The card of a writer or reward model taught by preferences, and its folder for the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.folder import atomic_folder
from coig_writer.hub.checks import UNLOCKED
from coig_writer.preference import bootstrap
from coig_writer.reward import recount
from coig_writer.reward.preferences import HELD_OUT, TRAIN
from coig_writer.reward.report import FIELD, SEQUENCE_MODELS
from coig_writer.training import curves
from model_cards import release, render, run

TEMPLATE = Path(__file__).parent / "preferences.md.jinja"
OUT = Path("build/release")
PAIRS = (TRAIN, HELD_OUT)
PER = "pair"  # what the loss is a mean over
_NOT_OF_PAIRS = ("run/global_batch_size", "run/train_loss", "run/seconds")
TRAINING = {k: label for k, label in render.TRAINING.items() if k not in _NOT_OF_PAIRS}
# The settings that only one method has; ids without the method's name before them.
OWN = {
    "dpo": {"beta": "β: weight of the reference model"},
    "reward": {"center_rewards_coefficient": "Weight of rewards near zero"},
}
PER_STEP = {"pairs_per_step": "Pairs per optimizer step"}
LENGTH = {
    "raters_prefer_longer": "Pairs whose longer answer was chosen",
    "model_prefers_longer": "Pairs whose longer answer the model rewards more",
    "accuracy_longer_chosen": "Accuracy where the longer was chosen",
    "accuracy_shorter_chosen": "Accuracy where the shorter was chosen",
    "spearman_length": "Spearman correlation of reward and length, as differences within a pair",
}
TITLES = {"dpo": "taught by preferences", "reward": "as a reward model"}
TAGS = {"dpo": "dpo", "reward": "reward-model"}


def measure(folder: Path) -> dict[str, Fact]:
    """Measures from a run's own files, without its facts, what they show."""
    return {fact.id: fact for fact in [*recount.run(folder), *run.settings(folder)]}


def method(stated: Mapping[str, Fact]) -> str | None:
    """Tells what a card's facts are of: ``dpo``, ``reward``, or neither."""
    return next((name for name in OWN if f"{name}/accuracy" in stated), None)


def write(source: Path, out: Path, wanted: str) -> None:
    """Writes everything of a run but its pairs into a folder, with its card, whole or not at all.

    Args:
        source: The run's folder.
        out: The folder to write.
        wanted: ``dpo`` or ``reward``.

    Raises:
        MissingInputError: The run did not end, or has files missing.
        InputError: It is a run of the other method.
        DriftError: Its pairs are not those of its lock.
    """
    if not (source / recount.LOCK).is_file():
        raise MissingInputError(
            f"{source}: no lock of preferences ({recount.LOCK}), so no run of recipes/{wanted}.py of this version",
            f"remove that folder, and run: python recipes/{wanted}.py",
        )
    stated = facts.read(source / "facts.json") | measure(source)
    if (trained := method(stated)) != wanted:
        raise InputError(
            f"{source} is a run of recipes/{trained}.py",
            f"run: python -m model_cards {trained} {source}",
        )
    drawn = curves.curves(curves.read(source))
    with atomic_folder(out, "model to publish") as folder:
        release.copy(source, folder, but=PAIRS)
        (folder / "README.md").write_text(render_card(stated, drawn), encoding="utf-8")
        facts.write(folder / "facts.json", stated.values())
        curves.write(folder, curves.read(source), PER)


def render_card(stated: Mapping[str, Fact], drawn: Mapping[str, curves.Points]) -> str:
    """Renders the card of a run."""
    smoke, base, kind = render.is_smoke(stated), run.base(stated), method(stated) or "dpo"
    own = {
        key.removeprefix(f"{kind}/"): fact
        for key, fact in stated.items()
        if key.startswith(f"{kind}/")
    }
    adapter = "run/lora_merged" in stated and not stated["run/lora_merged"].value
    known = run.license_of(stated, smoke=smoke)
    lengths = [(label, own.get(key, "too few prompts")) for key, label in LENGTH.items()]
    left_out = [
        (card.code(key.removeprefix("left_out/")), fact)
        for key, fact in own.items()
        if key.startswith("left_out/")
    ]
    labels = {f"{kind}/{key}": label for key, label in (OWN[kind] | PER_STEP).items()}
    name = base.rpartition("/")[2] if base else "Local model"
    return card.render(
        TEMPLATE,
        stated,
        front_matter=card.front_matter(metadata(stated, kind, smoke=smoke, adapter=adapter)),
        title=Literal(f"{'Smoke model' if smoke else name} {TITLES[kind]}"),
        kind=kind,
        own=own,
        smoke=smoke,
        adapter=adapter,
        base=card.code(stated["run/base_model"].value),
        on_hub=base is not None,
        licence=card.code(known) if known else None,
        left_out=card.table(("Reason", "Pairs"), left_out) if left_out else None,
        training_table=render.training_table(stated, TRAINING | labels),
        plot=run.figure(drawn),
        field=Literal(FIELD),
        coin=includes(own["accuracy"], 0.5),
        like_others=includes(own["accuracy"], SEQUENCE_MODELS),
        few=int(own["held_out_prompts"].value) < bootstrap.FEW,
        length_table=card.table(("", "Value"), lengths),
        links=citation.links(),
        bibtex=citation.bibtex(),
    )


def includes(fact: Fact, value: float) -> bool:
    """Tells whether a fact cannot be told from a value; without interval it never can."""
    return fact.low is None or fact.high is None or fact.low <= value <= fact.high


def metadata(
    stated: Mapping[str, Fact], kind: str, *, smoke: bool, adapter: bool
) -> dict[str, object]:
    """Returns the card's YAML. The pairs come from no revision on the Hub, and a tag says so."""
    known, base = run.license_of(stated, smoke=smoke), None if smoke else run.base(stated)
    entries: dict[str, object] = {
        "language": ["zh", "en"],
        "license": known or "other",
        "license_name": None if known else "see-the-base-model",
        "base_model": base,
        "base_model_relation": ("adapter" if adapter else "finetune") if base else None,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-classification" if kind == "reward" else "text-generation",
        "tags": [
            "creative-writing",
            "trl",
            TAGS[kind],
            *(["smoke-test"] if smoke else []),
            UNLOCKED,
        ],
    }
    return {key: value for key, value in entries.items() if value}


def dpo(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="folder that recipes/dpo.py wrote")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the model goes")] = OUT / "dpo",
) -> None:
    """Writes weights, tokenizer, lock, settings and record of the run, its card and the card's facts.

    The pairs stay behind: their texts are not published. So give the run's folder to check and publish,
    which measure the numbers again: coig-writer check FOLDER --build RUN.
    """
    _write_and_say(run_folder, out, "dpo")


def reward(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="folder that recipes/reward.py wrote")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the model goes")] = OUT
    / "reward",
) -> None:
    """Writes the same of a reward model: weights, tokenizer, lock, settings and record, card and facts.

    The pairs stay behind: their texts are not published. So give the run's folder to check and publish,
    which measure the numbers again: coig-writer check FOLDER --build RUN.
    """
    _write_and_say(run_folder, out, "reward")


def _write_and_say(run_folder: Path, out: Path, wanted: str) -> None:
    write(run_folder, out, wanted)
    print(f"{out}: check it with coig-writer check {out} --build {run_folder}")
