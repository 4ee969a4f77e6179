"""A page that shows poems with their verdicts under the characters; nothing is loaded from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from coig_writer.verse.literal import FORBIDDEN
from coig_writer.verse.verdict import Mark, Verdict
from eval_tasks.bilingual import environment

HERE = Path(__file__).parent
SIGNS = {"平": "○", "仄": "●", "中": "◎"}  # as pattern books print them


def page(verdicts: Sequence[Verdict]) -> str:
    """Returns the page."""
    poems = [(verdict, lines(verdict)) for verdict in verdicts]
    return environment(HERE).get_template("page.html.jinja").render(poems=poems, signs=SIGNS)


def lines(verdict: Verdict) -> list[list[tuple[str, Mark | None]]]:
    """Returns each line as characters with their marks; None where the form says nothing of a character."""
    broken = [r for r in verdict.rules if r.state == "broken" and r.name != FORBIDDEN]
    bad = {place for rule in broken for place in rule.places}
    marks = {
        mark.place: dataclasses.replace(mark, state="broken" if mark.place in bad else mark.state)
        for mark in verdict.marks
    }
    return [list(_marked(line, number, marks)) for number, line in enumerate(verdict.lines, 1)]


def _marked(
    line: str, number: int, marks: dict[tuple[int, int], Mark]
) -> Iterator[tuple[str, Mark | None]]:
    """The characters of a line with their marks; punctuation is not counted."""
    place = 0
    for character in line:
        place += character.isalpha()
        yield character, marks.get((number, place)) if character.isalpha() else None
