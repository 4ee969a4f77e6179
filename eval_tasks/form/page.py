"""A page that shows poems with their verdicts under the characters; nothing is loaded from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from coig_writer.verse.verdict import Mark, Verdict

HERE = Path(__file__).parent
SIGNS = {"平": "○", "仄": "●", "中": "◎"}  # as pattern books print them


def page(verdicts: Sequence[Verdict]) -> str:
    """Returns the page."""
    import jinja2

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    poems = [(verdict, lines(verdict)) for verdict in verdicts]
    return env.get_template("page.html.jinja").render(poems=poems, signs=SIGNS)


def lines(verdict: Verdict) -> list[list[tuple[str, Mark | None]]]:
    """Returns each line as characters with their marks; None where the form says nothing of a character."""
    bad = {place for rule in verdict.rules if rule.state == "broken" for place in rule.places}
    marks = {
        mark.place: dataclasses.replace(mark, state="broken" if mark.place in bad else mark.state)
        for mark in verdict.marks
    }
    return [
        [(character, _at(marks, number, line, place)) for place, character in enumerate(line)]
        for number, line in enumerate(verdict.lines, 1)
    ]


def _at(marks: dict[tuple[int, int], Mark], number: int, line: str, place: int) -> Mark | None:
    """The mark of a character; punctuation in a line is not counted."""
    if not line[place].isalpha():
        return None
    return marks.get((number, sum(c.isalpha() for c in line[: place + 1])))
