"""The card of the arena's Space, and the facts that it states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import __version__, facts
from coig_writer.arena.server import backup, identity
from coig_writer.ballot import DIMENSIONS
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.errors import InputError
from coig_writer.facts import Fact
from coig_writer.files import file_sha256, read_records
from coig_writer.generation import Generation

TEMPLATE = Path(__file__).parent / "space.md.jinja"
COMMAND = "python -m model_cards space"
PYTHON = "3.11"  # the oldest that all extras of the kit install on
TITLE = "COIG-Writer arena"


def measure(folder: Path) -> list[Fact]:
    """Returns every number of the card."""
    pack = folder / "data" / "demo_pack.jsonl"
    measured = [*_settings(folder / "requirements.txt"), *_demo(read_records(pack, Generation))]
    artefact = file_sha256(pack)
    return [
        Fact(name, value, command=COMMAND, artefact=artefact if name.startswith("demo/") else None)
        for name, value in measured
    ]


def _settings(requirements: Path) -> Iterator[tuple[str, int | str]]:
    if not requirements.is_file():
        raise InputError(
            f"{requirements}: no such file", "name the folder of the Space, such as space"
        )
    pin = re.search(r"^gradio==(\S+)$", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    if pin is None:
        raise InputError(f"{requirements}: gradio is not pinned", "write gradio==VERSION there")
    yield "space/gradio", pin.group(1)
    yield "space/python", PYTHON
    yield "space/kit", __version__
    yield "space/dimensions", len(DIMENSIONS)
    yield "space/secret_chars", identity.MIN_SECRET_CHARS
    yield "space/backup_seconds", int(backup.EVERY_S)


def _demo(answers: Sequence[Generation]) -> Iterator[tuple[str, int]]:
    yield "demo/answers", len(answers)
    yield "demo/styles", len({a.variant for a in answers})
    for language in ("zh", "en"):
        prompts = {a.query_id for a in answers if a.language == language}
        yield f"demo/prompts/{language}", len(prompts)
    for (variant, language), count in sorted(
        Counter((a.variant, a.language) for a in answers).items()
    ):
        yield f"demo/{variant}/{language}", count


def render(stated: Mapping[str, Fact]) -> str:
    """Renders the card; its YAML is the Space's configuration."""
    styles = sorted({name.split("/")[1] for name in stated if name.startswith("demo/style-")})
    rows = [
        (Literal(f"`{style}`"), stated[f"demo/{style}/zh"], stated[f"demo/{style}/en"])
        for style in styles
    ]
    return card.render(
        TEMPLATE,
        stated,
        front_matter=card.front_matter(metadata(stated)),
        links=citation.links(),
        styles=card.table(("Style", "Chinese answers", "English answers"), rows),
        text=lambda name: Literal(str(stated[name].value)),
    )


def metadata(stated: Mapping[str, Fact]) -> dict[str, str | bool]:
    """Returns the YAML by which the Hub builds the Space."""
    return {
        "title": TITLE,
        "emoji": "🖋️",
        "colorFrom": "red",
        "colorTo": "yellow",
        "sdk": "gradio",
        "sdk_version": str(stated["space/gradio"].value),
        "python_version": str(stated["space/python"].value),
        "app_file": "app.py",
        "hf_oauth": True,
        "license": "apache-2.0",
        "short_description": "Blind votes on Chinese and English creative writing",
    }


def main(
    space: Annotated[Path, typer.Argument(metavar="SPACE", help="the Space's folder")] = Path(
        "space"
    ),
    facts_only: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FILE", help="only measure, and write the facts there"),
    ] = None,
    card_only: Annotated[
        Path | None,
        typer.Option("--card", metavar="FILE", help="only render, and write the card there"),
    ] = None,
) -> None:
    """Writes README.md and facts.json into the Space's folder.

    It measures what the card states: pins, demo pack, limits. Then: coig-writer publish space.
    """
    measured = measure(space)
    if facts_only or not card_only:
        facts.write(facts_only or space / "facts.json", measured)
    if card_only or not facts_only:
        place = card_only or space / "README.md"
        place.write_text(render({fact.id: fact for fact in measured}), encoding="utf-8")
        print(place)
