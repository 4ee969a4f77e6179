"""A folder that is whole or absent, and that never takes the place of what the kit did not write."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import fnmatch
import glob
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from coig_writer.errors import InputError
from coig_writer.files import file_sha256

# The list of what the kit wrote into a folder, in the form that `sha256sum -c` checks.
SUMS = "SHA256SUMS"
SUMS_OPENING = (
    "# {kind}, all files as the COIG-Writer kit wrote them; check: sha256sum -c SHA256SUMS\n"
)
_OPENING = re.compile(SUMS_OPENING.format(kind="(?P<kind>[^,]+)"))
RECORDS = ("facts.json", "manifest.json", "stage.json")
# A file whose process was killed while it wrote it (``files.atomic_path``).
_UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.partial")


@contextlib.contextmanager
def atomic_folder(path: Path, kind: str, also: Sequence[str] = ()) -> Iterator[Path]:
    """Gives a temporary folder beside ``path``; puts it in the place of ``path`` at the end.

    The new folder lists its files in ``SHA256SUMS``. A folder that is at ``path`` already is replaced only
    if it is of the same kind, and all its files are listed there and unchanged. A folder from before there
    were lists is replaced if it has a record of the kit and holds only files that the new folder or ``also`` names.

    Args:
        path: The folder to write.
        kind: What it is, in a word or two.
        also: Patterns of paths of what the kit adds to such a folder later on.

    Raises:
        InputError: Something else is at ``path``; it stays as it is.
    """
    if path.name in ("", ".."):
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    place = _Place(path, kind, also)
    with locked(path.parent):
        place.put_back()
        place.look_through(path)
    partial = place.beside("partial")
    try:
        partial.mkdir()
        yield partial
        files = [n for n in _leaves(partial) if n != SUMS and (partial / n).is_file()]
        lines = [f"{file_sha256(partial / name)}  {name}\n" for name in files]
        opening = SUMS_OPENING.format(kind=kind)
        (partial / SUMS).write_text(opening + "".join(lines), encoding="utf-8")
        with locked(path.parent):
            place.replace(partial, files)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where a folder goes: its path, its kind, and patterns of what the kit adds to it later."""

    path: Path
    kind: str
    also: Sequence[str]

    def beside(self, ending: str) -> Path:
        """Returns a hidden path of no other process, in the same folder."""
        return self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.{ending}")

    def put_back(self) -> None:
        """Undoes the first half of a replacement whose process was killed in the middle."""
        retired = list(self.path.parent.glob(f".{glob.escape(self.path.name)}.????????.old"))
        if retired and not self.path.exists():
            retired[0].rename(self.path)

    def replace(self, partial: Path, files: Sequence[str]) -> None:
        """Puts a finished folder here.

        What was here is checked, and deleted under a name that no other process knows.
        """
        retired = self.beside("old")
        try:
            with contextlib.suppress(FileNotFoundError):
                self.path.rename(retired)
            self.look_through(retired, files)
            partial.rename(self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                retired.rename(self.path)
            raise
        if retired.exists():
            # what is deleted by halves is nothing to put back
            shutil.rmtree(retired.rename(retired.with_suffix(".gone")), ignore_errors=True)

    def look_through(self, folder: Path, files: Sequence[str] = ("*",)) -> None:
        """Raises if a folder is of another kind, or holds what the kit did not write.

        Args:
            folder: What is, or was, here.
            files: What the new folder holds; any name before that is known.
        """
        if foreign := self._foreign(folder, files):
            raise InputError(
                f"{self.path}: {foreign}; nothing was replaced",
                "move that away, or give another folder",
            )

    def _foreign(self, folder: Path, files: Sequence[str]) -> str | None:
        """Says what about a folder is not the kit's; None if all is, or nothing is there."""
        if folder.is_symlink():
            return f"a symbolic link to {folder.readlink()}"
        if not folder.exists():
            return None
        if not folder.is_dir():
            return "a file, not a folder"
        kind, listed = _listed(folder)
        if kind and kind != self.kind:
            return f"holds a {kind}, and this would be a {self.kind}"
        if kind:
            known = (SUMS, *map(glob.escape, listed), *self.also)
        elif any(_is_record(folder / name) for name in RECORDS):
            known = (*files, *self.also)
        else:
            known = ()
        patterns = [re.compile(fnmatch.translate(pattern)) for pattern in known]
        leaves = _leaves(folder)
        strangers = [n for n in leaves if not any(p.match(_finished(n)) for p in patterns)]
        if strangers:
            return f"holds {_some(strangers)}, which the kit did not write"
        changed = [n for n in leaves if n in listed and _sha256(folder / n) != listed[n]]
        return f"{_some(changed)} changed after the kit wrote it" if changed else None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time read and replace what is in a folder; another waits and says so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"{folder}: another process writes here; waiting until it is done\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _finished(name: str) -> str:
    """Returns the path that a file would have got had it not been left unfinished."""
    path = PurePosixPath(name)
    unfinished = _UNFINISHED.fullmatch(path.name)
    return str(path.with_name(unfinished[1])) if unfinished else name


def _leaves(folder: Path) -> list[str]:
    """Returns the paths of all files, links and empty folders, from the top of the folder."""
    leaves = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        leaves += [(here / name).relative_to(folder).as_posix() for name in (*files, *links)]
        if not folders and not files and here != folder:
            leaves.append(here.relative_to(folder).as_posix() + "/")
    return sorted(leaves)


def _listed(folder: Path) -> tuple[str, dict[str, str]]:
    """Reads the kit's list of a folder: its kind ("" if it has no list), and SHA-256 by path."""
    path = folder / SUMS
    if _sha256(path) is None:
        return "", {}
    opening, *rows = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kind = _OPENING.fullmatch(opening)
    pairs = (row.rstrip("\n").split("  ", 1) for row in rows if "  " in row)
    return (kind["kind"], {name: digest for digest, name in pairs}) if kind else ("", {})


def _sha256(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() and not path.is_symlink() else None


def _is_record(path: Path) -> bool:
    """Tells whether a file is a record that the kit wrote before its folders had lists."""
    return _sha256(path) is not None and b'"kit_version"' in path.read_bytes()


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more
