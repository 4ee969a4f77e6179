"""A folder as it would be published: its kind, its files with their hashes, its card's metadata."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal, get_args

from coig_writer.errors import MissingInputError, PublicationError
from coig_writer.files import checksums, parse_yaml

Kind = Literal["dataset", "model", "space"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CARD = "README.md"
# A run's leavings: a pickle with paths of the machine, marks and checkpoints to resume from.
NOT_PUBLISHED = ("training_args.bin", "fingerprint", "trainer_state.json")
NOT_PUBLISHED_FOLDERS = ("checkpoint-", "runs", "epoch_samples")


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """One file: its path in the repository, where its bytes are, and the two hashes the Hub uses."""

    path: str
    source: Path
    size: int
    sha256: str
    blob: str


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """What would be published.

    Attributes:
        left_out: Files of the folder that stay here.
        private: Whether it goes to a private repository alone, without card and versions: texts that people still work on.
    """

    kind: Kind
    folder: Path
    files: tuple[File, ...]
    left_out: tuple[str, ...]
    metadata: dict[str, object]
    private: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths in the repository."""
        return tuple(file.path for file in self.files)

    @property
    def sdk(self) -> str | None:
        """How a Space runs, by its card; None for a dataset or model."""
        return str(self.metadata.get("sdk")) if self.kind == "space" else None


def read(folder: Path, kind: Kind | None = None) -> Release:
    """Reads a folder.

    Raises:
        MissingInputError: It is missing, or has no README.md.
        PublicationError: Its card has no metadata, or its kind cannot be told.
    """
    if not (folder / CARD).is_file():
        raise MissingInputError(
            f"{folder}: no {CARD}, so there is nothing to publish",
            "give COIG-Writer, build/release/cw, space or another folder with a card",
        )
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PublicationError(f"{folder / CARD}: not UTF-8", "render the card again") from error
    metadata = front_matter(text, folder / CARD)
    kind = kind or _kind(folder, metadata)
    everything = sorted(
        f for f in folder.rglob("*") if f.is_file() and ".git" not in f.relative_to(folder).parts
    )
    taken = [f for f in everything if not _left_out(f.relative_to(folder))]
    left_out = tuple(str(f.relative_to(folder)) for f in everything if f not in set(taken))
    files = tuple(read_file(f, f.relative_to(folder).as_posix()) for f in taken)
    return Release(kind, folder, files, left_out, metadata)


def _left_out(path: Path) -> bool:
    return (
        path.name in NOT_PUBLISHED
        or "__pycache__" in path.parts
        or any(path.parts[0].startswith(name) for name in NOT_PUBLISHED_FOLDERS)
    )


def read_file(source: Path, path: str) -> File:
    """Hashes one file: SHA-256, and the id that git gives its content."""
    sums = checksums(source)
    return File(path, source, sums.size, sums.sha256, sums.git_blob)


def front_matter(text: str, place: Path) -> dict[str, object]:
    """Returns the YAML metadata that opens a card.

    Raises:
        PublicationError: There is none, or it is not YAML, or holds an alias or a key twice.
    """
    import yaml

    if not text.startswith("---\n") or "\n---" not in text[4:]:
        raise PublicationError(
            f"{place}: no metadata between two lines of ---", "render the card again"
        )
    try:
        metadata = parse_yaml(text[4 : text.index("\n---", 4) + 1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())[:160]
        raise PublicationError(
            f"{place}: the metadata is not YAML as cards use it ({words})", "render the card again"
        ) from error
    if not isinstance(metadata, dict):
        raise PublicationError(f"{place}: the metadata is empty", "render the card again")
    if odd := [key for key in metadata if not isinstance(key, str)]:
        raise PublicationError(
            f"{place}: the key {odd[0]!r} is not a name", "render the card again"
        )
    return metadata


def _kind(folder: Path, metadata: dict[str, object]) -> Kind:
    if "sdk" in metadata:
        return "space"
    if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
        return "model"
    if "configs" in metadata:
        return "dataset"
    raise PublicationError(
        f"{folder}: neither a dataset (configs: in its card), a model (config.json) nor a Space (sdk:)",
        f"name its kind with --type {'|'.join(KINDS)}",
    )
