"""A curation as a private dataset, from which a workbench on a Space takes its items.

What leaves this machine is what people read and submitted (``work/``) and who they are there
(``workbench/people.yaml`` with its gold items). The secret, the drafts and a model's replies stay here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from coig_writer.arena.study import people
from coig_writer.errors import MissingInputError, PublicationError
from coig_writer.hub.release import CARD, File, Release, read_file

WORK = "work"
PEOPLE = Path("workbench", people.FILE)
SECRET = PEOPLE.with_name("secret")


def is_curation(folder: Path) -> bool:
    """Says whether a folder is one that ``curate --out`` made, and no release with a card."""
    return (folder / WORK).is_dir() and not (folder / CARD).is_file()


def read(folder: Path) -> Release:
    """Reads what a workbench elsewhere needs of a curation.

    Raises:
        MissingInputError: Its roster names a gold file that is missing.
        PublicationError: The gold file is not in the curation, or a file holds the workbench's secret.
        InputError: The roster is none.
    """
    paths = {f.relative_to(folder) for f in (folder / WORK).rglob("*") if f.is_file()}
    if (folder / PEOPLE).is_file():
        paths |= {PEOPLE, *_gold(folder)}
    files = tuple(read_file(folder / p, p.as_posix()) for p in sorted(paths))
    _refuse_secret(folder, files)
    beside = (
        p for place in (folder, (folder / PEOPLE).parent) if place.is_dir() for p in place.iterdir()
    )
    names = {p.relative_to(folder) for p in beside} - {Path(WORK), PEOPLE.parent, *paths}
    left_out = tuple(p.as_posix() for p in sorted(names))
    return Release("dataset", folder, files, left_out, {}, private=True)


def _gold(folder: Path) -> list[Path]:
    named = people.read(folder / PEOPLE).gold
    if named is None:
        return []
    place = (folder / PEOPLE).parent / named
    if not place.resolve().is_relative_to(folder.resolve()):
        raise PublicationError(
            f"{folder / PEOPLE}: gold is {named!r}, outside the curation",
            f"copy that file to {(folder / PEOPLE).parent} and name it there",
        )
    if not place.is_file():
        raise MissingInputError(f"{place}: no such file", f"correct `gold` in {folder / PEOPLE}")
    return [place.resolve().relative_to(folder.resolve())]


def _refuse_secret(folder: Path, files: Iterable[File]) -> None:
    """Refuses a copy of the secret under another name: whoever has it can come as anybody."""
    secret = (folder / SECRET).read_bytes().strip() if (folder / SECRET).is_file() else b""
    for file in files:
        if secret and secret in file.source.read_bytes():
            raise PublicationError(
                f"{file.source}: holds the workbench's secret, which signs all invitations",
                f"take it out of {folder / WORK}",
            )
