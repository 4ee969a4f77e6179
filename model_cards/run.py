"""What a card states of a run beside its scores: base model, settings, loss curve, first answers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer import paper
from coig_writer.cards import card, escape
from coig_writer.cards.card import Literal
from coig_writer.facts import Fact
from coig_writer.files import read_json
from coig_writer.generation import Generation
from coig_writer.hub.licenses import IDS
from coig_writer.training import curves
from coig_writer.training.provenance import UNKNOWN

# Settings of recipe.json that a card states, beside those that the stages state themselves.
SETTINGS = {
    "model_name_or_path": "run/base_model",
    "model_revision": "run/base_revision",
    "num_train_epochs": "run/set_epochs",
    "warmup_steps": "run/warmup",
    "lr_scheduler_type": "run/schedule",
    "optim": "run/optimizer",
    "weight_decay": "run/weight_decay",
}
LORA = {"lora_r": "run/lora_r", "lora_alpha": "run/lora_alpha", "lora_dropout": "run/lora_dropout"}
PAPER: Mapping[str, float] = {
    "run/learning_rate": paper.TRAINING.learning_rate,
    "run/global_batch_size": paper.TRAINING.global_batch_size,
    "run/set_epochs": paper.TRAINING.epochs,
    "run/warmup": paper.TRAINING.warmup_share,
    "run/max_length": paper.TRAINING.max_length_tokens,
}
# Licences as the repositories' own cards state them; of any other the kit knows nothing.
LICENSES = {
    paper.BASE_MODEL: "apache-2.0",
    "Congliu/Chinese-DeepSeek-R1-Distill-data-110k": "apache-2.0",
    "open-thoughts/OpenThoughts-114k": "apache-2.0",
}
SHOWN_CHARS = 600
_ON_HUB = re.compile(r"(?!build/|\.)[\w.-]+/[\w.-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What a card shows besides facts: the run's loss curves, and answers."""

    losses: Mapping[str, curves.Points] = dataclasses.field(default_factory=dict)
    answers: tuple[Generation, ...] = ()


def settings(model: Path) -> list[Fact]:
    """Reads the settings of a run from its ``recipe.json``; a missing one is no fact."""
    recipe = read_json(model / "recipe.json", "python recipes/sft.py")
    wanted = SETTINGS | (LORA if recipe.get("use_peft") else {})
    kept = {name: recipe.get(key) for key, name in wanted.items()}
    place = kept["run/base_model"]
    if isinstance(place, str) and Path(place).is_absolute():
        kept["run/base_model"] = Path(place).name  # where it lay on a machine means nothing here
    stated = [Fact(name, value) for name, value in kept.items() if value is not None]
    return [*stated, Fact("run/method", "LoRA" if recipe.get("use_peft") else "full fine-tuning")]


def on_hub(path: object) -> str | None:
    """Returns the repository that a path names; None for a folder of a machine, or for nothing."""
    return path if isinstance(path, str) and _ON_HUB.fullmatch(path) else None


def base(stated: Mapping[str, Fact]) -> str | None:
    """Returns the base model's repository; None if it is a local folder or not recorded."""
    revision = stated.get("run/base_model_revision")
    if "run/base_model" not in stated or (revision and revision.value == UNKNOWN):
        return None  # a run knows the revision of each base but a folder's
    return on_hub(stated["run/base_model"].value)


def license_of(stated: Mapping[str, Fact], *, smoke: bool) -> str | None:
    """Returns the licence of the weights: the kit's for a smoke model, else the base model's where it is known."""
    if smoke:
        return "apache-2.0"
    recorded = stated.get("run/base_model_license")
    named = str(recorded.value) if recorded else UNKNOWN
    known = named if named in IDS and named not in ("other", UNKNOWN) else None
    return LICENSES.get(str(base(stated)), known)


def differing(stated: Mapping[str, Fact], labels: Mapping[str, str]) -> list[str]:
    """Returns the labels of settings that are not the paper's, or not recorded."""
    return [
        labels[name].lower()
        for name, value in PAPER.items()
        if name not in stated or stated[name].value != value
    ]


def figure(drawn: Mapping[str, curves.Points]) -> Literal | None:
    """Returns the plot as Markdown; None for fewer than two points of training loss."""
    shown = len(drawn.get("all", ())) > 1
    return Literal(f"![{curves.alt(drawn)}]({curves.PLOT})") if shown else None


def samples(answers: Sequence[Generation]) -> Literal | None:
    """Shows the first query's answer in each language, prompt and all: not the best one."""
    shown = []
    for language in sorted({a.language for a in answers}, reverse=True):
        first = min((a for a in answers if a.language == language), key=lambda a: a.query_id)
        text = first.article or "(no article: the reasoning did not end)"
        cut = f"\n\nCut after {SHOWN_CHARS} characters." if len(text) > SHOWN_CHARS else ""
        head = f"**{escape.inline(language)}**, query {escape.code(first.query_id)}:"
        prompt, answer = (escape.block(t[:SHOWN_CHARS]) for t in (first.prompt, text))
        shown.append(f"{head}\n\n{prompt}\n\nAnswer:\n\n{answer}{cut}")
    return Literal("\n\n".join(shown)) if shown else None


def licences(sources: Mapping[str, Mapping[str, object]]) -> Literal:
    """Renders the licence of each source, where it is known."""
    rows = [
        (card.code(name), card.name(part["path"]), card.name(LICENSES.get(str(part["path"]), "–")))
        for name, part in sources.items()
    ]
    return card.table(("Source", "From", "Licence"), rows)
