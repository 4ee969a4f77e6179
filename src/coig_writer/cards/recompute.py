"""Compares the facts of a card with what the kit's commands measure again.

A card's folder is only data: no word of it is executed. Which command measures which fact is the
kit's own table (``model_cards/reproduce.py``), as argument lists run without a shell. The artefacts
are linked into a scratch folder without their ``facts.json``, so that no command can repeat a number
instead of measuring it.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from coig_writer import facts
from coig_writer.errors import KitError
from coig_writer.facts import Fact

Verdict = Literal["equal", "differs", "recorded"]
SAME = 1e-9  # relative: sums of floats may end differently on another machine
SHOWN_LINE = 160


@dataclasses.dataclass(frozen=True, slots=True)
class Measurer:
    """A command that measures facts again.

    Attributes:
        facts: Pattern of the fact ids that it measures.
        argv: Arguments to Python; ``{facts}`` stands for the facts file that it must write.
    """

    facts: re.Pattern[str]
    argv: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One number of a card, what was measured, and what follows."""

    id: str
    stated: Fact
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


def measure(measurer: Measurer, root: Path, scratch: Path) -> dict[str, Fact]:
    """Runs one command from the root of the checkout.

    Raises:
        KitError: It failed; its own last words are in the message.
    """
    out = scratch / "measured.json"
    run_python([part.replace("{facts}", str(out)) for part in measurer.argv], root)
    return facts.read(out)


def run_python(argv: Sequence[str], root: Path) -> None:
    """Runs Python with some arguments, offline.

    Raises:
        KitError: It failed.
    """
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip()[-1500:]
        raise KitError(f"python {' '.join(argv)} ended with {done.returncode}:\n{words}")


def compare(
    stated: Mapping[str, Fact],
    measured: Mapping[str, Fact],
    measurers: Iterable[Measurer],
    recorded: re.Pattern[str],
) -> list[Check]:
    """Gives every stated fact its verdict.

    Args:
        stated: Facts of the card.
        measured: Facts measured again.
        measurers: The commands that were run.
        recorded: Ids of what only a run can know.
    """
    patterns = [m.facts for m in measurers]
    return [_check(fact, measured.get(fact.id), patterns, recorded) for fact in stated.values()]


def _check(
    stated: Fact,
    found: Fact | None,
    patterns: Sequence[re.Pattern[str]],
    recorded: re.Pattern[str],
) -> Check:
    if found is not None:
        fields = [n for n in ("value", "n", "low", "high") if not _same(stated, found, n)]
        reason = "; ".join(f"{n}: {getattr(found, n)} measured" for n in fields)
        return Check(stated.id, stated, found, "differs" if fields else "equal", reason)
    if recorded.fullmatch(stated.id):
        return Check(stated.id, stated, None, "recorded", "only the run itself can know it")
    covered = any(p.fullmatch(stated.id) for p in patterns)
    reason = "the artefacts do not hold it" if covered else "no command of the kit measures it"
    return Check(stated.id, stated, None, "differs", reason)


def _same(stated: Fact, found: Fact, name: str) -> bool:
    a, b = getattr(stated, name), getattr(found, name)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=SAME, abs_tol=1e-12)
    return bool(a == b)


def changed_lines(stated: str, rendered: str) -> list[str]:
    """Returns the lines in which two cards differ: ``-`` as stated, ``+`` as rendered again."""
    lines = difflib.unified_diff(stated.splitlines(), rendered.splitlines(), n=0, lineterm="")
    return [line[:SHOWN_LINE] for line in list(lines)[2:] if not line.startswith("@@")]
