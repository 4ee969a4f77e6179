"""The numbers of a card, measured again from its artefacts and compared with what it states."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import benchmark, facts
from coig_writer.cards import escape
from coig_writer.cards.card import shown, yaml_text
from coig_writer.cards.recompute import (
    OTHER_ROWS,
    RECORDED,
    WRONG,
    Check,
    changed_lines,
    check,
    missing,
    set_aside,
)
from coig_writer.errors import InputError, KitError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.mixing.mixing import read_lock
from coig_writer.training import curves
from model_cards import arena, release, render
from model_cards import preferences as preferences_card
from model_cards import space as space_card

_DATASET = re.compile(r"^    id: (\S+)$", re.MULTILINE)
_REVISION = re.compile(r"^    revision: '?([0-9a-f]{40})'?$", re.MULTILINE)
_OF_MIXTURE = re.compile("/(copied_share|longest_copied)/")  # scored where the mixture is given
PAGES_READ = tuple(f"pages/{kind}" for kind in ("generations", "scores", "ballots", "judgements"))
_BELOW = re.compile(r"(?!.*\.\.)\w[\w./-]*")
ROOT = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True, slots=True)
class Again:
    """A card made again: the facts that were measured, the text they render to, its other files.

    ``command`` is what makes the card again, for a person to type; ``from_start`` what makes its
    artefacts again as well, where that differs.
    """

    facts: Mapping[str, Fact]
    text: str
    command: str
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    from_start: str = ""


def _written(file: Path, text: Path, command: str) -> Again:
    return Again(facts.read(file), text.read_text(encoding="utf-8"), command)


def _run(argv: Sequence[str], cwd: Path) -> None:
    """Runs a command of the kit in a folder, away from the Hub."""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip()[-1500:]
        raise KitError(f"python {' '.join(argv)} ended with {done.returncode}:\n{words}")


def dataset(card: Path, scratch: Path) -> Again:
    """Makes a packed dataset's card again from its Parquet files.

    Raises:
        KitError: The builder's command failed; its own last words are in the message.
    """
    facts_file, text = scratch / "facts.json", scratch / "README.md"
    data = str(set_aside(card, scratch / "dataset" / card.resolve().name))
    argv = [
        "-m",
        "dataset_builder",
        "describe",
        data,
        "--facts",
        str(facts_file),
        "--card",
        str(text),
    ]
    _run(argv, ROOT)
    made = _written(
        facts_file, text, f"python -m dataset_builder pack --source SOURCE --out {card}"
    )
    languages = [n for n in benchmark.LANGUAGES if any(card.glob(f"benchmark/{n}-*.parquet"))]
    tasks = yaml_text(benchmark.hub_benchmark(languages))
    return dataclasses.replace(made, files={benchmark.EVAL_FILE: tasks} if languages else {})


def votes(card: Path, scratch: Path) -> Again:
    """Makes the card of exported votes again from the ballots."""
    out = scratch / "votes"
    arena.write(set_aside(card, scratch / "ballots"), out)
    command = f"python -m model_cards arena BALLOTS --out {card}"
    return _written(out / "facts.json", out / "README.md", command)


def space(card: Path, scratch: Path) -> Again:
    """Makes the Space's card again from its own files and the kit."""
    measured = {fact.id: fact for fact in space_card.measure(set_aside(card, scratch / "space"))}
    return Again(measured, space_card.render(measured), f"python -m model_cards space {card}")


def pages(card: Path, stated: Mapping[str, Fact], build: Path, scratch: Path) -> Again:
    """Makes the pages of claims and report again from the records that they name, read below a folder.

    Raises:
        InputError: What they name is no path below that folder.
        KitError: The command failed; its own last words are in the message.
    """
    words = []
    for name, fact in stated.items():
        if name in PAGES_READ:
            paths = str(fact.value).split()
            if not all(_BELOW.fullmatch(path) for path in paths):
                raise InputError(f"{card}: {name} names {fact.value!r}", "write the pages again")
            words += [f"--{name.removeprefix('pages/')}", *paths]
    out = scratch / "pages"
    argv = ["-m", "eval_tasks", "pages", *words, "--out", str(out)]
    _run(argv, build)
    made = _written(
        out / "facts.json", out / "README.md", shlex.join(["python", *argv[:-1], str(card)])
    )
    rendered = {page.name: page.read_text(encoding="utf-8") for page in out.glob("*.html")}
    return dataclasses.replace(
        made, files={page.name: "" for page in card.glob("*.html")} | rendered
    )


def model(card: Path, stated: Mapping[str, Fact], build: Path, scratch: Path) -> Again:
    """Makes a model card again from mixture, run and answers, and from what only the run could know.

    What lies in the card's own folder, as in a release, is measured there: weights, consumed rows and
    answers are then those that go out. Only the mixture, whose texts do not, is always the build's.
    """
    variant = str(stated["run/variant"].value)
    released = any(card.glob("*.safetensors"))
    for kind in ("mixtures", "models"):
        folder = card if released and kind == "models" else build / kind / variant
        if not folder.is_dir():
            raise MissingInputError(
                f"{folder} is missing, so the card's numbers cannot be measured",
                f"run: make reproduce RUN={variant}, or name the folder of the artefacts with --build",
            )
        set_aside(folder, scratch / kind / variant)
    answers = build / "generations" / f"{variant}.parquet"
    answers = card / render.ANSWERS if released else answers
    if answers.is_file():
        (scratch / "generations").mkdir()
        (scratch / "generations" / f"{variant}.parquet").symlink_to(answers.resolve())
    places = render.Places(*(scratch / k for k in ("models", "mixtures", "scores", "generations")))
    measured = render.measure(variant, places)
    known = {k: f for k, f in stated.items() if RECORDED.fullmatch(k) and k not in measured}
    complete = render.with_energy({**measured, **known})
    scored = any(k.startswith(f"{variant}/") and k.endswith("/mean") for k in stated)
    optional = _OF_MIXTURE if scored else re.compile(".*")
    complete = {
        k: f
        for k, f in complete.items()
        if k in stated or not (k.startswith(f"{variant}/") and optional.search(k))
    }
    shown = render.evidence(variant, places)
    text = render.render(variant, complete, read_lock(places.models / variant / render.LOCK), shown)
    files = {curves.PLOT: curves.svg(shown.losses)} if shown.losses else {}
    if (card / release.RESULTS).is_file():
        files[release.RESULTS.as_posix()] = _scores(card / release.RESULTS, variant, stated)
    remeasured = {k: f for k, f in complete.items() if k not in known}
    from_start = f"make reproduce RUN={variant}{' SMOKE=1' if render.is_smoke(complete) else ''}"
    return Again(remeasured, text, f"python -m model_cards render {variant}", files, from_start)


def preferences(card: Path, stated: Mapping[str, Fact], source: Path, scratch: Path) -> Again:
    """Makes the card of a writer or reward model taught by preferences again from its own files and the run's pairs.

    Raises:
        MissingInputError: The pairs are missing.
        DriftError: They are not those of the lock in the card's folder.
    """
    folder = set_aside(card, scratch / "run")
    for name in preferences_card.PAIRS:
        if not (source / name).is_file():
            raise MissingInputError(
                f"{source / name} is missing, so the card's numbers cannot be measured",
                "name the folder of the run, which holds its pairs, with --build",
            )
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to((source / name).resolve())
    measured = preferences_card.measure(folder)
    known = {k: f for k, f in stated.items() if RECORDED.fullmatch(k) and k not in measured}
    drawn = curves.curves(curves.read(folder))
    files = {curves.PLOT: curves.svg(drawn, preferences_card.PER)} if drawn else {}
    text = preferences_card.render_card({**measured, **known}, drawn)
    command = f"python -m model_cards {preferences_card.method(measured)} {source} --out {card}"
    return Again(measured, text, command, files)


def _scores(file: Path, variant: str, stated: Mapping[str, Fact]) -> str:
    """Makes the scores again from the card's facts, for the benchmark and commit that they name."""
    text = file.read_text(encoding="utf-8")
    named = set(_DATASET.findall(text))
    commits = set(_REVISION.findall(text))
    if len(named) != 1 or len(commits) != 1:
        return "(one benchmark at one commit)\n"
    return release.eval_results(variant, list(stated.values()), named.pop(), commits.pop())


def again(card: Path, stated: Mapping[str, Fact], build: Path | None, scratch: Path) -> Again:
    """Finds out what kind of card this is, and makes it again.

    Args:
        card: Its folder.
        stated: Its facts.
        build: Where the artefacts are that the folder does not hold.
        scratch: An empty folder.

    Raises:
        InputError: It is none that the kit makes.
        MissingInputError: The artefacts of a model card are missing.
    """
    if "run/variant" in stated and render.NAME.fullmatch(str(stated["run/variant"].value)):
        return model(card, stated, build or card.resolve().parents[1], scratch)
    if preferences_card.method(stated):
        return preferences(card, stated, build or card, scratch)
    if (card / "index.html").is_file():
        return pages(card, stated, build or Path.cwd(), scratch)
    if (card / "app.py").is_file():
        return space(card, scratch)
    if (card / "data").is_dir():
        return dataset(card, scratch)
    if (card / "ballots.parquet").is_file():
        return votes(card, scratch)
    raise InputError(
        f"{card}: not a card of the kit (packed dataset, exported votes, Space, pages, model)",
        "give COIG-Writer, space, or a folder under build/cards",
    )


def chosen(stated: Mapping[str, Fact], number: str | None) -> dict[str, Fact]:
    """Returns one fact, or all of them.

    Raises:
        InputError: The card has no such fact.
    """
    if number is None:
        return dict(stated)
    if number not in stated:
        near = (
            difflib.get_close_matches(number, stated, n=3) or [k for k in stated if number in k][:3]
        )
        raise InputError(
            f"no fact {number!r} on this card",
            f"did you mean {' or '.join(near)}?" if near else "see the ids in its facts.json",
        )
    return {number: stated[number]}


def table(checks: Sequence[Check], *, brief: bool) -> str:
    """Renders number, recomputed and verdict; ``brief`` leaves out what is equal or recorded."""
    rows = [c for c in checks if not brief or (c.verdict in WRONG and c.reason != OTHER_ROWS)]
    lines = [
        f"{c.verdict:<9} {c.id:<52} {_shown(c.stated):<34} {_shown(c.measured)}"
        f"{f'   ({c.reason})' if c.verdict in WRONG else ''}"
        for c in rows
    ]
    head = [f"{'verdict':<9} {'number':<52} {'on the card':<34} recomputed"] if lines else []
    same = sum(c.reason == OTHER_ROWS for c in checks) if brief else 0
    return "\n".join([*head, *lines, *([f"and {same} more: {OTHER_ROWS}"] if same else [])])


def _shown(fact: Fact | None) -> str:
    return "–" if fact is None else escape.plain(shown(fact))


def main(
    card: Annotated[
        Path, typer.Argument(metavar="CARD", help="its folder or README.md: COIG-Writer, space, …")
    ],
    number: Annotated[
        str | None, typer.Option(metavar="ID", help="check one number only, by its fact id")
    ] = None,
    brief: Annotated[bool, typer.Option("--brief", help="list only what differs")] = False,
    build: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="a model's card: the folder of models, mixtures and generations (default: two above "
            "the card); pages: the folder that their records are named from (default: this one); a writer "
            "or reward model taught by preferences: its run, which holds the pairs",
        ),
    ] = None,
) -> int:
    """Makes the card again from its artefacts alone, and compares number by number, then line by line.

    CARD is a packed dataset, released votes, the Space, the pages of claims and report, a model card
    under build/cards, or a writer or reward model taught by preferences.

    Verdicts: equal, differs, and recorded for what only a run can know (seconds, hardware, loss). The
    exit code is 1 if anything differs. Nothing that the card says is executed, and no facts file is
    read back.
    """
    folder = card.parent if card.name == "README.md" else card
    stated = facts.read(folder / "facts.json")
    wanted = chosen(stated, number)
    with tempfile.TemporaryDirectory() as scratch:
        made = again(folder, stated, build, Path(scratch))
    checks = [check(fact, made.facts) for fact in wanted.values()]
    checks += [] if number else missing(stated, made.facts)
    text = (folder / "README.md").read_text(encoding="utf-8")
    lines = [] if number else changed_lines(text, made.text)
    for name, expected in made.files.items() if not number else ():
        file = folder / name
        lines += changed_lines(file.read_text(encoding="utf-8") if file.is_file() else "", expected)
    return _report(folder, checks, lines, made, brief=brief)


def _report(
    card: Path, checks: Sequence[Check], lines: Sequence[str], made: Again, *, brief: bool
) -> int:
    differing = table(checks, brief=brief)
    if differing:
        print(differing)
    if lines:
        print(f"{card / 'README.md'}: - now, + as rendered from the recomputed numbers")
        print("\n".join(lines))
    counts = Counter(c.verdict for c in checks)
    text = f", {counts['missing']} missing" if counts["missing"] else ""
    text += "; the text of the card is not what these numbers render to" if lines else ""
    print(
        f"{card}: {len(checks)} number{'s' * (len(checks) != 1)}: {counts['equal']} equal, {counts['differs']} differ, "
        f"{counts['recorded']} recorded{text}"
    )
    wrong = [c for c in checks if c.verdict in WRONG]
    # a record that has gained a column has another hash and the same values
    if lines and all(c.reason == OTHER_ROWS for c in wrong):
        again_by = escape.plain(made.command)
        print(f"if an older version of the kit wrote the card, write it again: {again_by}")
    elif wrong:
        again_by = escape.plain(made.from_start or made.command)
        print(f"if an older version of the kit measured them, measure and write again: {again_by}")
    return 1 if lines or wrong else 0
