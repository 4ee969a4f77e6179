"""Checksums of the imported file, taken while it is read, and the ones that are on record."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import BinaryIO

# Versions of all_human_data.json that are on record: the git blob of the authors' GitHub repository
# at 2b2624b (2025-10-16), and the SHA-256 by which a public user of the same file pins it.
KNOWN_SHA256 = frozenset({"67ebc804312e92fa2e02d05dce6dd4465101bc1385641df602ce66a62de536a1"})
KNOWN_GIT_BLOBS = frozenset({"f7a72d0b30a7152c7b6a970a5682a5b76909a401"})


@dataclasses.dataclass(frozen=True, slots=True)
class Checksums:
    """Size in bytes, SHA-256, and the id that git gives the content."""

    size: int
    sha256: str
    git_blob: str

    @property
    def known(self) -> bool:
        """Tells whether this is a recorded version of the authors' file."""
        return self.sha256 in KNOWN_SHA256 or self.git_blob in KNOWN_GIT_BLOBS


class Digesting:
    """A file to read from that takes checksums on the way, so that one pass is enough."""

    def __init__(self, handle: BinaryIO, size: int) -> None:
        self._handle = handle
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        self._size = 0

    def read(self, length: int) -> bytes:
        """Reads up to ``length`` bytes."""
        piece = self._handle.read(length)
        self._sha256.update(piece)
        self._git.update(piece)
        self._size += len(piece)
        return piece

    def finish(self) -> Checksums:
        """Returns the checksums of everything that was read."""
        return Checksums(self._size, self._sha256.hexdigest(), self._git.hexdigest())
