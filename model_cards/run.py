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
from coig_writer.files import read_json, write_json
from coig_writer.generation import Generation

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
LOG = "training_log.json"  # in a release: step and loss, of the trainer's state, which stays here
PLOT = "training_loss.svg"
SHOWN_CHARS = 600
_ON_HUB = re.compile(r"(?!build/|\.)[\w.-]+/[\w.-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What a card shows besides facts: (step, loss) of the run, and answers."""

    losses: tuple[tuple[int, float], ...] = ()
    answers: tuple[Generation, ...] = ()


def settings(model: Path) -> list[Fact]:
    """Reads the settings of a run from its ``recipe.json``; one that is not there is no fact."""
    recipe = read_json(model / "recipe.json", "python recipes/sft.py")
    wanted = SETTINGS | (LORA if recipe.get("use_peft") else {})
    kept = {name: recipe.get(key) for key, name in wanted.items()}
    found = [Fact(name, value) for name, value in kept.items() if value is not None]
    return [*found, Fact("run/method", "LoRA" if recipe.get("use_peft") else "full fine-tuning")]


def on_hub(path: object) -> str | None:
    """Returns the repository that a path names; None for a folder of a machine, or for nothing."""
    return path if isinstance(path, str) and _ON_HUB.fullmatch(path) else None


def base(found: Mapping[str, Fact]) -> str | None:
    """Returns the base model's repository; None if it is a local folder or not recorded."""
    return on_hub(found["run/base_model"].value) if "run/base_model" in found else None


def differing(found: Mapping[str, Fact], labels: Mapping[str, str]) -> list[str]:
    """Returns the labels of settings that are not the paper's, or not recorded."""
    return [
        labels[name].lower()
        for name, value in PAPER.items()
        if name not in found or found[name].value != value
    ]


def losses(model: Path) -> tuple[tuple[int, float], ...]:
    """Reads (step, training loss) of a run or a release; nothing where neither log is there."""
    if (model / LOG).is_file():
        rows = read_json(model / LOG).get("log", [])
    elif (model / "trainer_state.json").is_file():
        rows = read_json(model / "trainer_state.json").get("log_history", [])
    else:
        rows = []
    return tuple((int(r["step"]), float(r["loss"])) for r in rows if "loss" in r and "step" in r)


def write_log(model: Path, out: Path) -> None:
    """Writes step and loss of a run for its release; nothing if it logged none."""
    if found := losses(model):
        write_json(out / LOG, {"log": [{"step": s, "loss": loss} for s, loss in found]})


def plot(points: Sequence[tuple[int, float]]) -> str:
    """Draws a loss curve as SVG: the same text for the same points, on any machine."""
    width, height, left, top = 640, 240, 60, 20
    steps, values = [s for s, _ in points], [v for _, v in points]
    wide, high = max(steps) - min(steps) or 1, max(values) - min(values) or 1.0

    def place(step: int, value: float) -> str:
        x = left + (width - left - 20) * (step - min(steps)) / wide
        return f"{x:.1f},{top + (height - top - 40) * (max(values) - value) / high:.1f}"

    line = " ".join(place(*point) for point in points)
    style = 'font-family="sans-serif" font-size="12" fill="#555"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{alt(points)}</title>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<polyline points="{line}" fill="none" stroke="#b3352f" stroke-width="2"/>'
        f'<text x="4" y="{top + 4}" {style}>{max(values):.3g}</text>'
        f'<text x="4" y="{height - 36}" {style}>{min(values):.3g}</text>'
        f'<text x="{left}" y="{height - 10}" {style}>step {min(steps)}</text>'
        f'<text x="{width - 20}" y="{height - 10}" text-anchor="end" {style}>step {max(steps)}</text>'
        "</svg>\n"
    )


def alt(points: Sequence[tuple[int, float]]) -> str:
    """Says in words what the curve shows."""
    (first, start), (last, end) = points[0], points[-1]
    return f"Training loss: {start:.3g} at step {first}, {end:.3g} at step {last}"


def figure(points: Sequence[tuple[int, float]]) -> Literal | None:
    """Returns the picture as Markdown; None for fewer than two points."""
    return Literal(f"![{alt(points)}]({PLOT})") if len(points) > 1 else None


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
