"""What a release is refused for, whatever the Hub would say: one small function per rule."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from coig_writer.benchmark import EVAL_FILE
from coig_writer.errors import InputError
from coig_writer.files import read_json, read_rows
from coig_writer.folder import SUMS
from coig_writer.hub import exposure, viewer
from coig_writer.hub.licenses import IDS
from coig_writer.hub.problem import Problem
from coig_writer.hub.release import CARD, File, Release
from coig_writer.hub.versions import NOTES, REASONS, REMOVED

LOCK = "mixture.lock.json"
PAIRS_LOCK = "preferences.lock.json"
UNLOCKED = "unlocked-sources"  # tag of a model whose mixture cannot be built again from the Hub
JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")
# The words that ``datasets`` takes for a split, between separators (data_files.py, SPLIT_KEYWORDS).
SPLIT_WORDS = frozenset(
    (
        "test",
        "testing",
        "eval",
        "evaluation",
        "dev",
        "validation",
        "valid",
        "val",
        "train",
        "training",
    )
)
_SEPARATOR = re.compile(r"[-._ 0-9/]+")
_PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth")
_NAME_OF_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]{0,95}")


def problems(release: Release, repo_id: str) -> list[Problem]:
    """Returns every reason not to publish a release under a name; none if it may go out."""
    problems = [*_name(repo_id), *_junk(release)]
    for file in release.files:
        problems += [*exposure.problems(file), *_pickle(file)]
    if release.private:
        return problems
    problems += [*_metadata(release), *_scripts(release, repo_id), *_sums(release)]
    if release.kind == "dataset":
        problems += [
            *_personal(release),
            *_split_words(release),
            *viewer.problems(release.folder, release.metadata),
        ]
    if release.kind == "model":
        problems += [*_lock(release), *_weights(release)]
    return problems


def dirty(folder: Path) -> list[Problem]:
    """Returns why the checkout around a folder is not what a commit holds; nothing outside one.

    A git that fails is a problem too: what it cannot tell is not taken for clean.
    """
    if not in_checkout(folder):
        return []
    # A user's own setting may hide untracked files; a release may not hold any.
    status, failure = _git(folder, "status", "--porcelain", "--untracked-files=normal")
    if failure:
        return [
            Problem("checkout", f"git cannot tell what it holds: {failure}", "do what git says")
        ]
    problems = []
    if status:
        changed = ", ".join(line[3:] for line in status.splitlines()[:3])
        more = ", …" if status.count("\n") > 3 else ""
        remedy = "commit them, so that the release can be made again from its commit"
        problems.append(
            Problem("checkout", f"has changes that are in no commit ({changed}{more})", remedy)
        )
    if commit(folder) is None:
        problems.append(
            Problem("checkout", "has no commit", "commit what the release is made from")
        )
    return problems


def in_checkout(folder: Path) -> bool:
    """Tells whether a folder is in a git checkout, without asking git, which may fail."""
    place = folder.resolve()
    return any((parent / ".git").exists() for parent in (place, *place.parents))


def commit(folder: Path) -> str | None:
    """Returns the commit of the checkout around a folder; None where there is none."""
    head, failure = _git(folder, "rev-parse", "--verify", "HEAD")
    return None if failure else head.strip()


def _git(folder: Path, *words: str) -> tuple[str, str]:
    """Runs git; returns what it printed, and its last words if it failed."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return "", f"git did not start ({error.strerror})"
    if not done.returncode:
        return done.stdout, ""
    words_of_git = done.stderr.strip().splitlines()
    return "", words_of_git[0] if words_of_git else f"it ended with {done.returncode}"


def _name(repo_id: str) -> Iterator[Problem]:
    if not _NAME_OF_REPO.fullmatch(repo_id) or "--" in repo_id or ".." in repo_id:
        yield Problem(f"--to {repo_id}", "is not a repository name", "write ORG/NAME")


def _metadata(release: Release) -> Iterator[Problem]:
    license_id = release.metadata.get("license")
    if not isinstance(license_id, str) or license_id not in IDS:
        yield Problem(
            CARD, f"license {license_id!r} is not known to the Hub", "use an id, or 'other'"
        )
    if license_id == "other" and not release.metadata.get("license_name"):
        yield Problem(CARD, "license 'other' has no license_name", "name the licence there")
    languages = release.metadata.get("language", [])
    for language in languages if isinstance(languages, list) else [languages]:
        if not isinstance(language, str) or not re.fullmatch(r"[a-z]{2,3}", language):
            yield Problem(CARD, f"language {language!r} is no ISO 639 code", "write zh, en, …")
    for key in ("tags", "datasets"):
        listed = release.metadata.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            yield Problem(CARD, f"{key} is not a list of names", "render the card again")


def _junk(release: Release) -> Iterator[Problem]:
    for path in release.paths:
        name = Path(path).name
        if name in JUNK or name.startswith("._") or name.endswith((".partial", "~", ".swp")):
            yield Problem(path, "is left over by a program, not part of a release", "delete it")
    for place in release.folder.rglob("*"):
        if place.is_symlink():
            inside = place.relative_to(release.folder).as_posix()
            yield Problem(inside, "is a link to elsewhere", "put the file itself there")


def _scripts(release: Release, repo_id: str) -> Iterator[Problem]:
    script = f"{repo_id.rpartition('/')[2]}.py".lower()
    for path in release.paths:
        if release.kind == "dataset" and path.lower() == script:
            yield Problem(
                path,
                "datasets 4 and later refuse a script named like its repository",
                "take it out",
            )


def _split_words(release: Release) -> Iterator[Problem]:
    for path in release.paths:
        words = set(_SEPARATOR.split(path.lower())) & SPLIT_WORDS
        if path.endswith(".parquet"):
            words -= {"train"}
        # The Hub's own name for it; with explicit configs no split is guessed.
        if path == EVAL_FILE:
            words = set()
        if words:
            word = sorted(words)[0]
            yield Problem(path, f"its name would be read as the split {word!r}", "rename it")


def _sums(release: Release) -> Iterator[Problem]:
    """Yields files that are not as the kit wrote them, where its list of them is there."""
    place = release.folder / SUMS
    if not place.is_file():
        return
    there = {file.path: file.sha256 for file in release.files}
    for line in place.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, path = line.partition("  ")
        if not line.startswith("#") and there.get(path) != digest:
            what = "is not as the kit wrote it" if path in there else "was written, and is gone"
            yield Problem(path, f"{what} ({SUMS})", "make the folder again from its artefacts")


def _personal(release: Release) -> Iterator[Problem]:
    """Yields words of people in what tells of rows taken out: the log, which is public, gives reasons of a list."""
    for file in release.files:
        if file.path.endswith(NOTES):
            yield Problem(file.path, "holds notes on removals, which stay here", "take it out")
        if file.path != REMOVED:
            continue
        try:
            for number, (_, row) in enumerate(read_rows(file.source), 1):
                if not _without_words(row):
                    yield Problem(
                        f"{REMOVED} line {number}",
                        "tells more than a reason of the list, a version and a time",
                        "python -m dataset_builder pack with the same --source: they become notes",
                    )
        except InputError as error:
            yield Problem(REMOVED, error.message, error.remedy)


def _without_words(row: Mapping[str, object]) -> bool:
    """Tells whether a line of the log of rows taken out leaves no room for what somebody typed."""
    return (
        set(row) == {"id", "reason", "version", "time"}
        and str(row["reason"]) in REASONS
        and re.fullmatch(r"[\d.]*", str(row["version"]), re.ASCII) is not None
        and re.fullmatch(r"[\dT:+-]*", str(row["time"]), re.ASCII) is not None
    )


def _pickle(file: File) -> Iterator[Problem]:
    if file.path.endswith(_PICKLES):
        yield Problem(file.path, "is a pickle, which runs code when loaded", "save safetensors")


def _lock(release: Release) -> Iterator[Problem]:
    """Yields what a lock of mixture or pairs lacks; a source without revision is a problem unless the card says it."""
    if PAIRS_LOCK in release.paths:
        yield from _pairs(release)
        return
    if LOCK not in release.paths:
        yield Problem(LOCK, "is missing: the mixture is unlocked", "train with recipes/sft.py")
        return
    try:
        sources = read_json(release.folder / LOCK).get("sources")
    except InputError as error:
        yield Problem(LOCK, error.message, error.remedy)
        return
    if not isinstance(sources, dict) or not all(isinstance(p, dict) for p in sources.values()):
        yield Problem(LOCK, "is not the lock of a mixture", "train with recipes/sft.py")
        return
    unlocked = sorted(name for name, part in sources.items() if part.get("revision") is None)
    tags = release.metadata.get("tags")
    marked = isinstance(tags, list) and UNLOCKED in tags
    for source in () if marked else unlocked:
        what = f"source {source!r} has no revision, and the card does not say so"
        yield Problem(LOCK, what, f"render the card again: it gets the tag {UNLOCKED}")
    if marked and not unlocked:
        yield Problem(CARD, f"says {UNLOCKED}, yet each source is locked", "render the card again")


def _pairs(release: Release) -> Iterator[Problem]:
    """Yields what a lock of preferences lacks; as the pairs are of no revision, the card has to say so."""
    try:
        lock = read_json(release.folder / PAIRS_LOCK)
    except InputError as error:
        yield Problem(PAIRS_LOCK, error.message, error.remedy)
        return
    parts = [lock.get(name) for name in ("train", "held_out")]
    if not all(isinstance(p, dict) and isinstance(p.get("content_sha256"), str) for p in parts):
        yield Problem(
            PAIRS_LOCK,
            "is not the lock of preferences",
            "train with recipes/dpo.py or recipes/reward.py",
        )
    tags = release.metadata.get("tags")
    if not (isinstance(tags, list) and UNLOCKED in tags):
        what = "its pairs have no revision, and the card does not say so"
        yield Problem(PAIRS_LOCK, what, f"render the card again: it gets the tag {UNLOCKED}")


def _weights(release: Release) -> Iterator[Problem]:
    if not any(path.endswith(".safetensors") for path in release.paths):
        yield Problem(str(release.folder), "holds no weights", "give the folder of a trained model")
