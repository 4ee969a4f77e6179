"""Verse against its form: what the form demands, and where a text breaks it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from coig_writer.errors import ConfigError, InputError
from coig_writer.files import read_rows, write_json
from coig_writer.record import from_row, to_row
from coig_writer.text.normalise import repaired
from coig_writer.verse.form import constrained
from coig_writer.verse.verdict import Verdict
from eval_tasks.form.page import page


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A text and what was asked of it; unknown columns are ignored."""

    text: str
    form: str | None = None
    forbidden: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


def main(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines (or Parquet) with text and form")
    ],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the verdicts here")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="write a page here")] = None,
) -> None:
    """Prints a line per text: its form, whether it passes, and the first broken rule.

    A row of FILE has text and, where one was asked for, form (七言律诗, 浣溪沙, 对联, 押韵, haiku,
    rhyme:abab …), forbidden and sections. Without a form, regulated verse and a tune named in the title
    are recognised.

    The JSON file holds form, passes (true, false, or null where nothing can be said), and every rule
    with places and reasons in Chinese and English. The page shows each verdict under its character.
    """
    for out in (json_file, html):
        if out is not None and out.is_dir():
            raise ConfigError(f"{out} is a folder", "name a file")
    verdicts = check(file)
    for number, verdict in enumerate(verdicts, 1):
        print(f"{number:>5} {line(verdict)}")
    if json_file:
        write_json(json_file, [to_row(verdict) for verdict in verdicts])
    if html:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(verdicts), encoding="utf-8")


def check(path: Path) -> list[Verdict]:
    """Checks each row of a file.

    Raises:
        InputError: There is no row, or one has no text or asks for an unknown form; named with file and row.
    """
    verdicts = [_verdict(where, row) for where, row in read_rows(path)]
    if not verdicts:
        raise InputError(f"{path} holds no text", "write one JSON object per line, with text")
    return verdicts


def _verdict(where: str, row: dict[str, object]) -> Verdict:
    known = {f.name for f in dataclasses.fields(Request)}
    request = from_row(
        Request, {k: v for k, v in row.items() if k in known and v is not None}, where
    )
    try:
        return constrained(
            repaired(request.text), request.form or None, request.forbidden, request.sections
        )
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.remedy) from error


def line(verdict: Verdict) -> str:
    """Returns a verdict on one line: form, whether it passes, and the first broken rule."""
    outcome = {True: "passes", False: "broken", None: "no verdict"}[verdict.passes]
    why = next((r.zh for r in verdict.rules if r.state == "broken"), "")
    return f"{verdict.form or '–':<6} {outcome:<10} {why or verdict.pattern}"
