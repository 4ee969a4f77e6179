"""Scores of saved generations: one per answer and metric, averages and facts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts
from coig_writer.errors import DriftError, InputError
from coig_writer.facts import Fact
from coig_writer.files import file_sha256, iterate, write_records
from coig_writer.folder import locked
from coig_writer.metrics import tokens
from coig_writer.metrics.averages import Average, Place, averages
from coig_writer.record import to_row
from coig_writer.score import Score
from coig_writer.scoring import embedding, recount, run
from coig_writer.scoring.generations import read, variants
from coig_writer.tables import spreadsheet

COMMAND = "python -m eval_tasks score"
OUT = Path("build/scores")
GENERATIONS, MIXTURES = Path("build/generations"), Path("build/mixtures")
Answers = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH…", help=f"files or folders of generation records (default: {GENERATIONS})"
    ),
]
Mixtures = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="training mixtures, to measure what was copied from them"),
]
SHOWN = ("ttr", "chars", "language_confusion_any", "reasoning_closed")


def main(
    generations: Answers = None,
    mixtures: Mixtures = MIXTURES,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the scores go")] = OUT,
    embedding_model: Annotated[
        str | None,
        typer.Option(
            "--embedding",
            metavar="MODEL",
            help="embedding model: how far answers to one prompt lie apart",
        ),
    ] = None,
    equivalence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL [TOKENIZER]",
            help="classifier of pairs: how many answers to one prompt are distinct, as NoveltyBench counts them",
        ),
    ] = None,
) -> None:
    """Measures every answer; lighteval's coig_writer tasks give the same values.

    Writes VARIANT.parquet with one score per answer and metric, averages.csv with micro, macro and
    genre averages and their n, and facts.json. A value that does not exist is written as missing, with
    its reason. Several answers to a prompt are also measured together.
    """
    from tqdm import tqdm

    records = read(generations or [GENERATIONS])
    _refuse_foreign(out, variants(records))
    embed = embedding.load(embedding_model) if embedding_model else None
    same = embedding.classifier(*equivalence) if equivalence else None
    _audit([record.article for record in records if record.language == "zh"])
    scores: dict[str, list[Score]] = {}
    with tqdm(total=len(records), desc="score", unit="answer") as bar:
        for variant, answers in variants(records).items():
            bar.set_postfix_str(variant)
            scores[variant] = run.score(answers, mixtures)
            scores[variant] += embedding.score(answers, embed, same)
            bar.update(len(answers))
    places = {r.query_id: Place(r.language, r.genre) for r in records}
    _write(out, scores, averages((s for v in scores.values() for s in v), places))


def _audit(texts: Sequence[str]) -> None:
    """Compares a sample of the texts with plain jieba where the fast path is on."""
    comparison = tokens.audit([text for text in texts if text])
    if comparison.differing:
        raise DriftError(
            f"the fast segmenter differs from jieba on {len(comparison.differing)} of {comparison.texts} texts",
            "score again with COIG_WRITER_SEGMENTER=jieba",
        )


def _refuse_foreign(out: Path, names: Iterable[str]) -> None:
    """Refuses to write over what holds no scores: the generations themselves, or a stranger's file.

    Raises:
        InputError: A file that would be replaced is not one that this command writes.
    """
    try:
        foreign = _foreign(out, names)
    except InputError as error:
        foreign = error.message
    if foreign:
        raise InputError(
            f"{out} holds what is no score: {foreign}; nothing was replaced",
            "move that away, or give another --out",
        )


def _foreign(out: Path, names: Iterable[str]) -> str | None:
    """Says which file in a folder is not the scores'; raises InputError where one cannot be read as such."""
    for path in (out / f"{name}.parquet" for name in names):
        if path.exists():
            next(iterate(path, Score), None)
    stated, means = out / "facts.json", out / "averages.csv"
    if stated.exists():
        commands = {fact.command for fact in facts.read(stated).values()} - {COMMAND}
        if commands:
            return f"{stated} is of {', '.join(sorted(commands))}"
    if means.exists() and not means.read_bytes().startswith(b"variant,"):
        return f"{means} is no table of averages"
    return None


def _write(out: Path, scores: dict[str, list[Score]], means: Sequence[Average]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        for variant, rows in scores.items():
            write_records(out / f"{variant}.parquet", rows, Score)
        _write_averages(out / "averages.csv", means)
        hashes = {variant: file_sha256(out / f"{variant}.parquet") for variant in scores}
        facts.write(
            out / "facts.json",
            (
                _fact(average, hashes[average.variant])
                for average in means
                if average.value is not None and average.scope in ("micro", "macro")
            ),
        )
    print(table(means))
    missing = sum(score.value is None for rows in scores.values() for score in rows)
    print(f"\n{out}/: {len(scores)} variants; {missing} values are missing, each with its reason")


def _write_averages(path: Path, means: Sequence[Average]) -> None:
    """Writes the averages as CSV: a table for people, which no reader takes for scores."""
    columns = [field.name for field in dataclasses.fields(Average)]
    spreadsheet.write(path, columns, map(to_row, means), mark=False)


def _fact(average: Average, artefact: str) -> Fact:
    return dataclasses.replace(recount.fact(average), command=COMMAND, artefact=artefact)


def table(means: Sequence[Average]) -> str:
    """Renders the micro averages of a few metrics, one line per variant and language."""
    rows: dict[tuple[str, str], dict[str, Average]] = {}
    for average in means:
        if average.scope == "micro" and average.metric in SHOWN:
            rows.setdefault((average.variant, average.language), {})[average.metric] = average
    width = max(len(variant) for variant, _ in rows)
    lines = [f"{'variant':<{width}}  lang  " + "".join(f"{m:>26}" for m in SHOWN)]
    lines += [
        f"{variant:<{width}}  {language:<4}  " + "".join(f"{_cell(cells[m]):>26}" for m in SHOWN)
        for (variant, language), cells in rows.items()
    ]
    return "\n".join(lines)


def _cell(average: Average) -> str:
    if average.value is None:
        return f"{average.state} (n={average.n})"
    shown = re.sub(r"\.?0+$", "", f"{average.value:.3f}") if average.value else "0"
    return f"{shown} (n={average.n})"
