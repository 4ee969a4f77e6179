"""Recomputes the numbers of a card: python model_cards/reproduce.py CARD [--number ID].

CARD is the folder of a card (or its README.md): a packed dataset, released votes, the Space, or a model
card under ``build/cards``. Every fact of the card is measured again from the Parquet artefacts by the kit's own
commands, then the card is rendered again and compared with what stands there. Verdicts: ``equal``,
``differs``, and ``recorded`` for what only a run can know (seconds, energy, hardware, loss). The exit
code is 1 if anything differs. Nothing that the card says is executed, and no facts file is read back.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer import facts
from coig_writer.cards import recompute
from coig_writer.cards.card import shown
from coig_writer.cards.recompute import Check, Measurer, set_aside
from coig_writer.errors import InputError, MissingInputError, run_command
from coig_writer.facts import Fact

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"[a-z0-9_]+")  # of a variant or control, and so of its folders
RECORDED = re.compile(
    r"run/(fingerprint|epochs|train_loss|seconds|devices|hardware|precision|watts|kwh)"
    r"|ledger/[\w-]+/(supervised|padding)|mixture/[\w-]+/rows_at_hand"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How one card is checked: what measures its facts, and what renders it again."""

    measurers: tuple[Measurer, ...]
    render: tuple[str, ...]
    rendered: Path


def dataset(card: Path, scratch: Path) -> Plan:
    """Returns the plan for a packed dataset: everything comes from its own Parquet files."""
    data = str(set_aside(card, scratch / "dataset"))
    describe = ("-m", "dataset_builder", "describe", data)
    rendered = scratch / "README.md"
    return Plan(
        (
            Measurer(
                re.compile(r"(overall|category|genre|benchmark|removed|contamination|defects)/.*"),
                (*describe, "--facts", "{facts}"),
            ),
        ),
        (*describe, "--card", str(rendered)),
        rendered,
    )


def votes(card: Path, scratch: Path) -> Plan:
    """Returns the plan for the card of exported votes: everything comes from the ballots."""
    data = str(set_aside(card, scratch / "ballots"))
    measurer = Measurer(
        re.compile(r"arena/.*"), ("model_cards/arena.py", data, "--facts", "{facts}")
    )
    out = scratch / "votes"
    return Plan((measurer,), ("model_cards/arena.py", data, "--out", str(out)), out / "README.md")


def space(card: Path, scratch: Path) -> Plan:
    """Returns the plan for the Space: everything comes from its own files and the kit."""
    data = str(set_aside(card, scratch / "space"))
    script = ("model_cards/space.py", data)
    measurer = Measurer(re.compile(r"(space|demo)/.*"), (*script, "--facts", "{facts}"))
    rendered = scratch / "README.md"
    return Plan((measurer,), (*script, "--card", str(rendered)), rendered)


def model(variant: str, build: Path, scratch: Path) -> Plan:
    """Returns the plan for a model card: mixture, run and answers of one variant."""
    for kind in ("mixtures", "models"):
        set_aside(_folder(build / kind / variant, variant), scratch / kind / variant)
    places = {kind: str(scratch / kind) for kind in ("mixtures", "models", "scores", "cards")}
    measurers = [
        Measurer(
            re.compile(r"(mixture|run|ledger)/.*"),
            (
                "recipes/recount.py",
                f"{places['mixtures']}/{variant}",
                f"{places['models']}/{variant}",
                "--facts",
                "{facts}",
            ),
        )
    ]
    answers = build / "generations" / f"{variant}.parquet"
    if answers.is_file():
        recount = ("-m", "eval_tasks", "recount", "--generations", str(answers.resolve()))
        measurers.append(
            Measurer(
                re.compile(f"{re.escape(variant)}/.*"),
                (*recount, "--mixtures", places["mixtures"], "--facts", "{facts}"),
            )
        )
    shown = ("mixtures", "models", "scores")
    options = [word for kind in shown for word in (f"--{kind}", places[kind])]
    options += ["--generations", str(answers.resolve().parent)]
    render = ("model_cards/render.py", variant, *options, "--out", places["cards"])
    return Plan(tuple(measurers), render, scratch / "cards" / variant / "README.md")


def _folder(folder: Path, variant: str) -> Path:
    if not folder.is_dir():
        raise MissingInputError(
            f"{folder}: not here, so the card's numbers cannot be measured",
            f"run: make reproduce RUN={variant}, or name the folder of the artefacts with --build",
        )
    return folder


def plan(card: Path, stated: Mapping[str, Fact], build: Path, scratch: Path) -> Plan:
    """Finds out what kind of card this is.

    Raises:
        InputError: It is none that the kit makes.
    """
    if (card / "app.py").is_file():
        return space(card, scratch)
    if (card / "data").is_dir():
        return dataset(card, scratch)
    if (card / "ballots.parquet").is_file():
        return votes(card, scratch)
    variant = stated.get("run/variant")
    if variant is not None and _NAME.fullmatch(str(variant.value)):
        return model(str(variant.value), build, scratch)
    raise InputError(
        f"{card}: neither a packed dataset, nor exported votes, nor the Space, nor a model card",
        "give COIG-Writer, space, or a folder under build/cards",
    )


def check(stated: Mapping[str, Fact], how: Plan, scratch: Path) -> list[Check]:
    """Measures the stated facts again and compares them."""
    needed = [m for m in how.measurers if any(m.facts.fullmatch(name) for name in stated)]
    measured: dict[str, Fact] = {}
    for measurer in needed:
        measured |= recompute.measure(measurer, ROOT, scratch)
    return recompute.compare(stated, measured, needed, RECORDED)


def check_text(card: Path, checks: Sequence[Check], how: Plan, scratch: Path) -> list[str]:
    """Renders the card from the measured facts; returns the lines that differ."""
    found = {c.id: c.measured or c.stated for c in checks}
    parts = {
        "mixtures": {k: f for k, f in found.items() if k.startswith("mixture/")},
        "models": {k: f for k, f in found.items() if k.startswith(("run/", "ledger/"))},
    }
    variant = how.rendered.parent.name
    for kind, some in parts.items():
        facts.write(scratch / kind / variant / "facts.json", some.values())
    scored = {k: f for k, f in found.items() if k.startswith(f"{variant}/")}
    if scored:
        facts.write(scratch / "scores" / "facts.json", scored.values())
    recompute.run_python(how.render, ROOT)
    return recompute.changed_lines(
        (card / "README.md").read_text(encoding="utf-8"), how.rendered.read_text(encoding="utf-8")
    )


def chosen(stated: Mapping[str, Fact], number: str | None) -> dict[str, Fact]:
    """Returns one fact, or all of them.

    Raises:
        InputError: The card has no such fact.
    """
    if number is None:
        return dict(stated)
    if number not in stated:
        near = difflib.get_close_matches(number, stated, n=3)
        raise InputError(
            f"no fact {number!r} on this card",
            f"did you mean {' or '.join(near)}?" if near else "see the ids in its facts.json",
        )
    return {number: stated[number]}


def table(checks: Sequence[Check], *, brief: bool) -> str:
    """Renders number, recomputed and verdict; ``brief`` leaves out what is equal or recorded."""
    rows = [c for c in checks if c.verdict == "differs" or not brief]
    lines = [
        f"{c.verdict:<9} {c.id:<52} {shown(c.stated):<34} "
        f"{shown(c.measured) if c.measured else '–'}{f'   ({c.reason})' if c.verdict == 'differs' else ''}"
        for c in rows
    ]
    head = [f"{'verdict':<9} {'number':<52} {'on the card':<34} recomputed"] if lines else []
    return "\n".join([*head, *lines])


def main() -> int | None:
    """Checks one card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("card", type=Path, metavar="CARD", help="COIG-Writer, build/cards/cw, …")
    parser.add_argument("--number", metavar="ID", help="check one number only, by its fact id")
    parser.add_argument("--brief", action="store_true", help="list only what differs")
    parser.add_argument(
        "--build",
        type=Path,
        help="folder that holds models, mixtures and generations (default: two above the card)",
    )
    arguments = parser.parse_args()
    card = arguments.card.parent if arguments.card.name == "README.md" else arguments.card
    stated = chosen(facts.read(card / "facts.json"), arguments.number)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        whole = facts.read(card / "facts.json")
        how = plan(card, whole, arguments.build or card.resolve().parents[1], scratch)
        checks = check(stated, how, scratch)
        lines = [] if arguments.number else check_text(card, checks, how, scratch)
    return _report(card, checks, lines, brief=arguments.brief)


def _report(card: Path, checks: Sequence[Check], lines: Sequence[str], *, brief: bool) -> int:
    found = table(checks, brief=brief)
    if found:
        print(found)
    if lines:
        print(f"{card / 'README.md'}: - as it stands, + as rendered from the recomputed numbers")
        print("\n".join(lines))
    counts = Counter(c.verdict for c in checks)
    text = "; the text of the card is not what these numbers render to" if lines else ""
    print(
        f"{card}: {len(checks)} numbers: {counts['equal']} equal, {counts['differs']} differ, "
        f"{counts['recorded']} recorded{text}"
    )
    return 1 if counts["differs"] or lines else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
