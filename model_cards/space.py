"""Makes the card of the arena's Space: python model_cards/space.py [SPACE].

Measures what the card states (pins, demo pack, limits), and writes ``README.md`` and ``facts.json`` into
the Space's folder, from where ``coig-writer publish space`` sends them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from coig_writer import __version__, facts
from coig_writer.arena.server import backup, identity
from coig_writer.ballot import DIMENSIONS
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.errors import InputError, run_command
from coig_writer.facts import Fact
from coig_writer.files import file_sha256, read_records
from coig_writer.generation import Generation

TEMPLATE = Path(__file__).parent / "space.md.jinja"
COMMAND = "python model_cards/space.py"
PYTHON = "3.11"  # the oldest that all extras of the kit install on
TITLE = "COIG-Writer arena"


def measure(folder: Path) -> list[Fact]:
    """Returns every number of the card."""
    pack = folder / "data" / "demo_pack.jsonl"
    found = [*_settings(folder / "requirements.txt"), *_demo(read_records(pack, Generation))]
    artefact = file_sha256(pack)
    return [
        Fact(name, value, command=COMMAND, artefact=artefact if name.startswith("demo/") else None)
        for name, value in found
    ]


def _settings(requirements: Path) -> Iterator[tuple[str, int | str]]:
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


def render(found: Mapping[str, Fact]) -> str:
    """Renders the card; its YAML is the Space's configuration."""
    styles = sorted({name.split("/")[1] for name in found if name.startswith("demo/style-")})
    rows = [
        (Literal(f"`{style}`"), found[f"demo/{style}/zh"], found[f"demo/{style}/en"])
        for style in styles
    ]
    return card.render(
        TEMPLATE,
        found,
        front_matter=card.front_matter(metadata(found)),
        links=citation.links(),
        styles=card.table(("Style", "Chinese answers", "English answers"), rows),
        text=lambda name: Literal(str(found[name].value)),
    )


def metadata(found: Mapping[str, Fact]) -> dict[str, str | bool]:
    """Returns the YAML by which the Hub builds the Space."""
    return {
        "title": TITLE,
        "emoji": "🖋️",
        "colorFrom": "red",
        "colorTo": "yellow",
        "sdk": "gradio",
        "sdk_version": str(found["space/gradio"].value),
        "python_version": str(found["space/python"].value),
        "app_file": "app.py",
        "hf_oauth": True,
        "license": "apache-2.0",
        "short_description": "Blind votes on Chinese and English creative writing",
    }


def main() -> int | None:
    """Makes the card, or measures or renders it elsewhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "space", nargs="?", type=Path, default=Path("space"), help="its folder (default: space)"
    )
    parser.add_argument("--facts", type=Path, help="only measure, and write the facts there")
    parser.add_argument("--card", type=Path, help="only render, and write the card there")
    arguments = parser.parse_args()
    measured = measure(arguments.space)
    if arguments.facts or not arguments.card:
        facts.write(arguments.facts or arguments.space / "facts.json", measured)
    if arguments.card or not arguments.facts:
        place = arguments.card or arguments.space / "README.md"
        place.write_text(render({fact.id: fact for fact in measured}), encoding="utf-8")
        print(place)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
