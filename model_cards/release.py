"""A model's folder for the Hub: what is published of a run, its card, its answers and scores."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.benchmark import LEADERBOARD, task
from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.folder import atomic_folder
from coig_writer.hub.release import NOT_PUBLISHED
from coig_writer.training import curves
from model_cards.render import ANSWERS, NAME

CARD = ("README.md", "facts.json")
RESULTS = Path(".eval_results") / "coig-writer.yaml"
_BENCHMARK = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")


def assemble(variant: str, build: Path, out: Path, benchmark: str | None) -> None:
    """Copies everything that belongs to one model into one folder, whole or not at all.

    Raises:
        InputError: The variant's name is none.
        MissingInputError: The model or its card was not made.
    """
    model, card = build / "models" / variant, build / "cards" / variant
    if not NAME.fullmatch(variant):
        raise InputError(
            f"{variant!r} is not a variant's name", f"name a folder in {build / 'models'}"
        )
    needed = (model, card, *(card / name for name in CARD))
    missing = next((path for path in needed if not path.exists()), None)
    if missing:
        raise MissingInputError(f"{missing} is missing", f"run: make reproduce RUN={variant}")
    answers = build / "generations" / f"{variant}.parquet"
    with atomic_folder(out, "model to publish") as partial:
        copy(model, partial)
        for name in CARD:
            shutil.copy2(card / name, partial / name)
        curves.write(partial, curves.read(model))
        if answers.is_file():
            shutil.copy2(answers, partial / ANSWERS)
        if benchmark:
            stated = facts.read(card / "facts.json").values()
            (partial / RESULTS).parent.mkdir()
            text = eval_results(variant, list(stated), *dataset(benchmark))
            (partial / RESULTS).write_text(text, encoding="utf-8")


def copy(model: Path, out: Path, but: Sequence[str] = ()) -> None:
    """Copies the files of a run that are published, but its card and facts and those named in ``but``."""
    for file in sorted(model.iterdir()):
        if file.is_file() and file.name not in (*NOT_PUBLISHED, *CARD, *but):
            shutil.copy2(file, out / file.name)


def dataset(benchmark: str) -> tuple[str, str]:
    """Returns name and commit of the published benchmark.

    Raises:
        InputError: The commit is missing: scores on an unknown version could be held against nothing.
    """
    match = _BENCHMARK.fullmatch(benchmark)
    if match is None:
        raise InputError(
            f"--benchmark {benchmark}: not a repository with a commit",
            "write ORG/NAME@COMMIT, with the 40 digits that coig-writer publish or its page show",
        )
    return match[1], match[2]


def eval_results(variant: str, stated: Sequence[Fact], repo_id: str, revision: str) -> str:
    """Renders mean scores in the Hub's ``.eval_results`` form: one entry per language and metric."""
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for fact in stated:
        name, _, rest = fact.id.partition("/")
        language, _, metric = rest.removesuffix("/mean").partition("/")
        if name == variant and rest.endswith("/mean") and metric in LEADERBOARD:
            entries.append(
                EvalResultEntry(
                    dataset_id=repo_id,
                    dataset_revision=revision,
                    task_id=task(language, metric),
                    value=fact.value,
                    date=fact.time,
                    notes=f"n = {fact.n}; 95 % interval {fact.low:.4g} to {fact.high:.4g}"
                    if fact.low is not None and fact.high is not None
                    else f"n = {fact.n}",
                )
            )
    rows = eval_result_entries_to_yaml(entries)
    return str(yaml.safe_dump(rows, allow_unicode=True, sort_keys=False))


def main(
    variants: Annotated[list[str], typer.Argument(metavar="VARIANT", help="which models")],
    build: Annotated[
        Path, typer.Option(metavar="FOLDER", help="holds models, cards and generations")
    ] = Path("build/reproduce"),
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the models go")] = Path(
        "build/release"
    ),
    benchmark: Annotated[
        str | None,
        typer.Option(metavar="ORG/NAME@COMMIT", help="the published benchmark, for .eval_results"),
    ] = None,
) -> None:
    """Writes FOLDER/VARIANT, ready to publish.

    It holds weights, tokenizer, lock, settings and consumed rows of the run, the card with its facts,
    and the answers that were scored. --benchmark adds the scores in the Hub's form (.eval_results).
    Then: coig-writer publish FOLDER/VARIANT --to ORG/NAME.
    """
    for variant in variants:
        folder = out / variant
        assemble(variant, build, folder, benchmark)
        print(f"{folder}: check it with coig-writer check {folder}")
