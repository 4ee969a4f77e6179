"""Compares a card with the card that its artefacts give again.

A card's folder is only data: no word of it is executed. The artefacts are linked into a scratch folder
without their ``facts.json``, so that a number can only be measured there, never repeated.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from coig_writer.facts import Fact

Verdict = Literal["equal", "differs", "recorded", "missing"]
WRONG: tuple[Verdict, ...] = ("differs", "missing")
SAME = 1e-9  # relative: sums of floats may end differently on another machine
COMPARED = ("value", "n", "low", "high", "unit")
# What a reader may be told to type where the measuring names no command of its own.
COMMAND = re.compile(
    r"recorded|python (-m (dataset_builder|eval_tasks|model_cards)|(recipes|model_cards|space)/\w+\.py)( [\w./:=,@+-]+)*"
)
OTHER_ROWS = "the same value, stated of other rows"
SHOWN_LINE = 160
# What only a run can know; the parameters of an adapter, whose files do not hold its base, are among it.
RECORDED = re.compile(
    r"run/(fingerprint|epochs|train_loss|seconds|devices|hardware|precision|parameters"
    r"|mode|attention|compiled|checkpointing|optimizer_states|dtype"
    r"|base_model(_revision|_license)?|version/[\w-]+)"
    r"|ledger/[^/]+/(supervised|padding)|mixture/[^/]+/rows_at_hand|held_out/loss(/epoch_[\d.]+)?|(dpo|reward)/left_out/\w+"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One number of a card, what was measured, and what follows; nothing is stated of a missing one."""

    id: str
    stated: Fact | None
    measured: Fact | None
    verdict: Verdict
    reason: str = ""


def set_aside(folder: Path, scratch: Path) -> Path:
    """Links a folder's files into a scratch folder, except every ``facts.json``."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != "facts.json":
            link = scratch / file.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
    return scratch


def check(stated: Fact, measured: Mapping[str, Fact]) -> Check:
    """Gives a stated fact its verdict.

    Args:
        stated: As the card has it.
        measured: What was measured again, by id.
    """
    again = measured.get(stated.id)
    if again is not None:
        named = ("command", "artefact") if again.artefact else ()
        fields = [n for n in (*COMPARED, *named) if not _same(stated, again, n)]
        reason = "; ".join(f"{n}: {getattr(again, n)} measured" for n in fields)
        if fields == ["artefact"]:
            reason = OTHER_ROWS
        if not fields and not COMMAND.fullmatch(stated.command):
            fields, reason = ["command"], f"{stated.command[:60]!r} is no command of the kit"
        return Check(stated.id, stated, again, "differs" if fields else "equal", reason)
    if RECORDED.fullmatch(stated.id) and COMMAND.fullmatch(stated.command):
        return Check(stated.id, stated, None, "recorded", "only the run itself can know it")
    reason = "no command of the kit measures it from these artefacts"
    return Check(stated.id, stated, None, "differs", reason)


def missing(stated: Mapping[str, Fact], measured: Mapping[str, Fact]) -> list[Check]:
    """Gives their verdict to numbers that were measured and that the card leaves out."""
    return [
        Check(fact_id, None, measured[fact_id], "missing", "measured, and not stated")
        for fact_id in sorted(set(measured) - set(stated))
    ]


def _same(stated: Fact, again: Fact, name: str) -> bool:
    a, b = getattr(stated, name), getattr(again, name)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=SAME, abs_tol=1e-12)
    return bool(a == b)


def changed_lines(stated: str, rendered: str) -> list[str]:
    """Returns the lines in which two cards differ: ``-`` as stated, ``+`` as rendered again."""
    lines = difflib.unified_diff(stated.splitlines(), rendered.splitlines(), n=0, lineterm="")
    return [line[:SHOWN_LINE] for line in list(lines)[2:] if not line.startswith("@@")]
