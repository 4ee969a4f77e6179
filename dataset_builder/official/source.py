"""Where the authors' file comes from: the Hub (``import --hub``), and the checksums that are on record."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import BinaryIO

from coig_writer.errors import PublicationError

REPOSITORY = "m-a-p/COIG-Writer"
FILE = "all_human_data.json"
# Versions of all_human_data.json that are on record: the git blob of the authors' GitHub repository
# at 2b2624b (2025-10-16), and the SHA-256 by which a public user of the same file pins it.
KNOWN_SHA256 = frozenset({"67ebc804312e92fa2e02d05dce6dd4465101bc1385641df602ce66a62de536a1"})
KNOWN_GIT_BLOBS = frozenset({"f7a72d0b30a7152c7b6a970a5682a5b76909a401"})


@dataclasses.dataclass(frozen=True, slots=True)
class Download:
    """A fetched file; ``revision`` is the commit it was taken from."""

    path: Path
    repository: str
    revision: str


def fetch(
    repository: str = REPOSITORY, revision: str | None = None, endpoint: str | None = None
) -> Download:
    """Downloads the file at one commit into the Hub's own cache.

    Args:
        repository: Of type dataset.
        revision: Branch, tag or commit; None for the default branch.
        endpoint: Base address; None for the Hub, or what ``HF_ENDPOINT`` says.

    Raises:
        PublicationError: The Hub cannot be reached, or has no such repository, revision or file.
    """
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    api = HfApi(endpoint=endpoint)
    try:
        # The commit first: a branch could move between the question and the download.
        commit = api.dataset_info(repository, revision=revision).sha
        path = api.hf_hub_download(repository, FILE, repo_type="dataset", revision=commit)
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx.HTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
        raise PublicationError(
            f"{repository}: cannot fetch {FILE} at {revision or 'the default branch'}: {type(error).__name__}: {reason}",
            "check name, revision and connection; a gated repository needs `hf auth login`; or download the file and give its path",
        ) from error
    return Download(Path(path), repository, str(commit))


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
