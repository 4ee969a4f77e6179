"""The installed huggingface_hub, unchanged, pointed at a double: fixtures for every test that uses it."""

from __future__ import annotations

import httpx
import pytest

from tests.hub_double.server import TOKEN, Hub


@pytest.fixture
def hub():
    server = Hub()
    yield server
    server.close()


PATIENCE_S = 100.0  # a busy machine loses no request


def wait_for(seconds):
    """Sets how long the client waits for an answer; ``patient`` takes it back."""
    import huggingface_hub
    from huggingface_hub import constants

    constants.HF_HUB_DOWNLOAD_TIMEOUT = constants.HF_HUB_ETAG_TIMEOUT = seconds
    huggingface_hub.set_client_factory(lambda: httpx.Client(timeout=seconds, follow_redirects=True))


@pytest.fixture
def patient(monkeypatch):
    """Long time-outs, no waits between the client's own retries, LFS in place of Xet."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", PATIENCE_S)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", PATIENCE_S)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _seconds: None)
    wait_for(PATIENCE_S)
    yield
    huggingface_hub.set_client_factory(_http.default_client_factory)


@pytest.fixture
def api(hub, patient):
    return client(hub)


def client(hub, token=TOKEN):
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub.url, token=token)


def environment(hub, home):
    """Variables that point a fresh process at the double."""
    return {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "100",
        "HF_HUB_ETAG_TIMEOUT": "100",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_DATASETS_OFFLINE": "0",
        "TRANSFORMERS_OFFLINE": "0",
    }
