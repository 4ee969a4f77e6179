"""Fetches the authors' file from the Hugging Face Hub; reached only by ``import --hub``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from coig_writer.errors import PublicationError

REPOSITORY = "m-a-p/COIG-Writer"
FILE = "all_human_data.json"


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
