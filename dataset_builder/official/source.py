"""Where the authors' file comes from: the Hub (``import --hub``), and the checksums that are on record."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from coig_writer.errors import PublicationError
from coig_writer.files import Checksums

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


def known(checksums: Checksums) -> bool:
    """Tells whether this is a recorded version of the authors' file."""
    return checksums.sha256 in KNOWN_SHA256 or checksums.git_blob in KNOWN_GIT_BLOBS
