"""A folder that is whole or absent, and that never takes the place of what the kit did not write."""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import glob
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.files import file_sha256

# The list of what the kit wrote into a folder, in the form that `sha256sum -c` checks.
SUMS = "SHA256SUMS"
SUMS_OPENING = (
    "# {kind}, all files as the COIG-Writer kit wrote them; check: sha256sum -c SHA256SUMS\n"
)
_OPENING = re.compile(SUMS_OPENING.format(kind="(?P<kind>[^,]+)"))
RECORDS = ("facts.json", "manifest.json", "stage.json")


@contextlib.contextmanager
def atomic_folder(path: Path, kind: str, earlier: Sequence[str] = ()) -> Iterator[Path]:
    """Gives a temporary folder beside ``path``; puts it in the place of ``path`` at the end.

    The new folder lists its files in ``SHA256SUMS``. A folder that stands at ``path`` is replaced only
    if it is of the same kind, and all its files are listed there and unchanged. A folder from before there were lists is replaced if
    it has a record of the kit and holds only files that the new folder or ``earlier`` names.

    Args:
        path: The folder to write.
        kind: What it is, in a word or two.
        earlier: Patterns of paths that a folder without a list may hold.

    Raises:
        InputError: Something else stands at ``path``; it stays as it is.
    """
    if path.name in ("", ".."):
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = f".{path.name}.{uuid.uuid4().hex[:8]}"
    with _locked(path.parent):
        _put_back(path)
        _refuse_foreign(path, path, kind, None)
    partial = path.with_name(f"{hidden}.partial")
    partial.mkdir()
    try:
        yield partial
        names = [n for n in _leaves(partial) if n != SUMS and (partial / n).is_file()]
        lines = [f"{file_sha256(partial / name)}  {name}\n" for name in names]
        (partial / SUMS).write_text(
            SUMS_OPENING.format(kind=kind) + "".join(lines), encoding="utf-8"
        )
        with _locked(path.parent):
            retired = path.with_name(f"{hidden}.old")
            _replace(path, partial, retired, kind, (*earlier, *names))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(path: Path, partial: Path, retired: Path, kind: str, earlier: Sequence[str]) -> None:
    """Puts ``partial`` in the place of ``path``; what stood there waits as ``retired`` meanwhile.

    What is looked through and then deleted is the retired folder, which nobody knows by name.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            path.rename(retired)
        _refuse_foreign(retired, path, kind, earlier)
        partial.rename(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            retired.rename(path)
        raise
    if retired.exists():
        # what is deleted by halves is nothing to put back
        shutil.rmtree(retired.rename(retired.with_suffix(".gone")), ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time look at and move what stands in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _put_back(path: Path) -> None:
    """Undoes the first half of a replacement whose process was killed in the middle."""
    retired = list(path.parent.glob(f".{glob.escape(path.name)}.????????.old"))
    if retired and not path.exists():
        retired[0].rename(path)


def _refuse_foreign(folder: Path, name: Path, kind: str, earlier: Sequence[str] | None) -> None:
    """Raises if a folder is of another kind, or holds what the kit did not write.

    Args:
        folder: Where it stands now.
        name: What to call it.
        kind: What would take its place.
        earlier: What a folder without a list may hold; None before that is known.
    """
    found = _foreign(folder, kind, earlier)
    if found:
        raise InputError(
            f"{name}: {found}; nothing was replaced",
            "move that away, or give another folder",
        )


def _foreign(folder: Path, kind: str, earlier: Sequence[str] | None) -> str | None:
    """Says what about a folder is not the kit's; None if all is, or nothing is there."""
    if folder.is_symlink():
        return f"a symbolic link to {folder.readlink()}"
    if not folder.exists():
        return None
    if not folder.is_dir():
        return "a file, not a folder"
    names = _leaves(folder)
    of_kind, listed = _listed(folder)
    if of_kind:
        if of_kind != kind:
            return f"holds a {of_kind}, and this would be a {kind}"
        strangers = [name for name in names if name not in listed and name != SUMS]
        changed = [n for n in names if n in listed and _sha256(folder / n) != listed[n]]
        if changed and not strangers:
            return f"{_some(changed)} changed after the kit wrote it"
    elif any(_is_record(folder / name) for name in RECORDS):
        known = [re.compile(fnmatch.translate(pattern)) for pattern in earlier or ["*"]]
        strangers = [name for name in names if not any(k.match(name) for k in known)]
    else:
        strangers = names
    return f"holds {_some(strangers)}, which the kit did not write" if strangers else None


def _leaves(folder: Path) -> list[str]:
    """Returns the paths of all files, links and empty folders, from the top of the folder."""
    found = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        found += [(here / name).relative_to(folder).as_posix() for name in (*files, *links)]
        if not folders and not files and here != folder:
            found.append(here.relative_to(folder).as_posix() + "/")
    return sorted(found)


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


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
