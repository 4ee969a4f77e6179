"""Checks ``work/``: a stage reads or writes every file there, or an error names it.

Nobody would read answers in a misspelt folder, a spreadsheet or a subfolder. Files whose names begin
with a dot or ``~$`` belong to the system and are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.workbench.review import ANNOTATORS
from dataset_builder.stages.parts import work

# Stage → what its folder contains, and the ending of the files below it.
KNOWN = {
    "reverse": {"items.jsonl": "", "answers": ".jsonl"},
    "review": {
        "assignments.jsonl": "",
        "report.json": "",
        "withdrawn.jsonl": "",
        ANNOTATORS: "",
        "items": ".jsonl",
        "answers": ".jsonl",
        "feedback": ".jsonl",
    },
}


def check(root: Path) -> None:
    """Checks that stages read everything in ``work/``.

    Raises:
        InputError: Something does.
    """
    for path in _unread(root):
        raise InputError(
            f"{path}: no stage reads this file or folder",
            f"answers are .jsonl files in {work(root, 'reverse') / 'answers'} and {work(root, 'review') / 'answers'}; "
            "move it there, or out of work/",
        )


def _unread(root: Path) -> Iterator[Path]:
    for stage in _seen(root / "work"):
        if stage.name not in KNOWN:
            yield stage
            continue
        for path in _seen(stage):
            ending = KNOWN[stage.name].get(path.name)
            if ending is None or path.is_dir() != bool(ending):
                yield path
            elif ending:
                yield from (f for f in _seen(path) if f.is_dir() or f.suffix != ending)


def _seen(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if not path.name.startswith((".", "~$"))]
