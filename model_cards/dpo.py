"""The card of a model taught by preferences, and its folder for the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.errors import MissingInputError
from coig_writer.facts import Fact
from coig_writer.folder import atomic_folder
from coig_writer.hub.checks import UNLOCKED
from coig_writer.hub.licenses import IDS
from coig_writer.preference import bootstrap
from coig_writer.reward import recount
from coig_writer.reward.preferences import HELD_OUT, TRAIN
from coig_writer.reward.report import FIELD
from coig_writer.training import curves
from model_cards import release, render, run

TEMPLATE = Path(__file__).parent / "dpo.md.jinja"
OUT = Path("build/release/dpo")
PAIRS = (TRAIN, HELD_OUT)
PER = "pair"  # what the loss is a mean over
_NOT_OF_PAIRS = ("run/base_revision", "run/global_batch_size", "run/train_loss", "run/seconds")
TRAINING = {k: label for k, label in render.TRAINING.items() if k not in _NOT_OF_PAIRS} | {
    "run/base_model_revision": "The base model's revision",
    "dpo/beta": "β: weight of the reference model",
    "dpo/pairs_per_step": "Pairs per optimizer step",
}
LENGTH = {
    "dpo/raters_prefer_longer": "Pairs whose longer answer was chosen",
    "dpo/model_prefers_longer": "Pairs whose longer answer the model rewards more",
    "dpo/accuracy_longer_chosen": "Accuracy where the longer was chosen",
    "dpo/accuracy_shorter_chosen": "Accuracy where the shorter was chosen",
    "dpo/spearman_length": "Spearman correlation of reward and length, as differences within a pair",
}


def measure(folder: Path) -> dict[str, Fact]:
    """Measures from a run's own files, without its facts, what they show."""
    return {fact.id: fact for fact in [*recount.run(folder), *run.settings(folder)]}


def write(source: Path, out: Path) -> None:
    """Writes everything of a run but its pairs into a folder, with its card, whole or not at all.

    Raises:
        MissingInputError: The run did not end, or has files missing.
        DriftError: Its pairs are not those of its lock.
    """
    if not (source / recount.LOCK).is_file():
        raise MissingInputError(f"{source}: no DPO run", f"run: {recount.DPO}")
    stated = facts.read(source / "facts.json") | measure(source)
    drawn = curves.curves(curves.read(source))
    with atomic_folder(out, "model to publish") as folder:
        release.copy(source, folder, but=PAIRS)
        (folder / "README.md").write_text(render_card(stated, drawn), encoding="utf-8")
        facts.write(folder / "facts.json", stated.values())
        curves.write(folder, curves.read(source), PER)


def render_card(stated: Mapping[str, Fact], drawn: Mapping[str, curves.Points]) -> str:
    """Renders the card of a run."""
    smoke, base = render.is_smoke(stated), run.base(stated)
    adapter = "run/lora_merged" in stated and not stated["run/lora_merged"].value
    known = license_of(stated, smoke=smoke)
    accuracy, prompts = stated["dpo/accuracy"], int(stated["dpo/held_out_prompts"].value)
    coin = accuracy.low is None or accuracy.high is None or accuracy.low <= 0.5 <= accuracy.high
    lengths = [(label, stated.get(key, "too few prompts")) for key, label in LENGTH.items()]
    left_out = [
        (card.code(key.removeprefix("dpo/left_out/")), fact)
        for key, fact in stated.items()
        if key.startswith("dpo/left_out/")
    ]
    name = base.rpartition("/")[2] if base else "Local model"
    return card.render(
        TEMPLATE,
        stated,
        front_matter=card.front_matter(metadata(stated, smoke=smoke, adapter=adapter)),
        title=Literal("Smoke model taught by preferences")
        if smoke
        else Literal(f"{name} taught by preferences"),
        smoke=smoke,
        adapter=adapter,
        base=card.code(stated["run/base_model"].value),
        on_hub=base is not None,
        licence=card.code(known) if known else None,
        left_out=card.table(("Reason", "Pairs"), left_out) if left_out else None,
        training_table=render.training_table(stated, TRAINING),
        plot=run.figure(drawn),
        field=Literal(FIELD),
        coin=coin,
        few=prompts < bootstrap.FEW,
        length_table=card.table(("", "Value"), lengths),
        links=citation.links(),
        bibtex=citation.bibtex(),
    )


def license_of(stated_facts: Mapping[str, Fact], *, smoke: bool) -> str | None:
    """Returns the licence of the weights: the kit's for a smoke model, else the base model's where it is known."""
    if smoke:
        return "apache-2.0"
    stated = (
        stated_facts["run/base_model_license"].value
        if "run/base_model_license" in stated_facts
        else None
    )
    named = str(stated) if stated in IDS and stated not in ("other", "unknown") else None
    return run.LICENSES.get(str(run.base(stated_facts)), named)


def metadata(stated: Mapping[str, Fact], *, smoke: bool, adapter: bool) -> dict[str, object]:
    """Returns the card's YAML. The pairs come from no revision on the Hub, and a tag says so."""
    known, base = license_of(stated, smoke=smoke), None if smoke else run.base(stated)
    entries: dict[str, object] = {
        "language": ["zh", "en"],
        "license": known or "other",
        "license_name": None if known else "see-the-base-model",
        "base_model": base,
        "base_model_relation": ("adapter" if adapter else "finetune") if base else None,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["creative-writing", "trl", "dpo", *(["smoke-test"] if smoke else []), UNLOCKED],
    }
    return {key: value for key, value in entries.items() if value}


def main(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="folder that recipes/dpo.py wrote")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the model goes")] = OUT,
) -> None:
    """Writes weights, tokenizer, lock, settings and record of the run, its card and the card's facts.

    The pairs stay behind: their texts are not published. So give the run's folder to check and publish,
    which measure the numbers again: coig-writer check FOLDER --build RUN.
    """
    write(run_folder, out)
    print(f"{out}: check it with coig-writer check {out} --build {run_folder}")
