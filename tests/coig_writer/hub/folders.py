"""Small folders to publish: a dataset of three rows, a model, a Space."""

from __future__ import annotations

import json
from pathlib import Path

from coig_writer.files import write_records
from coig_writer.triplet import Triplet

CARD = """---
license: odc-by
language:
- zh
configs:
- config_name: default
  default: true
  data_files:
  - split: train
    path: data/*/train-*.parquet
- config_name: poetry
  data_files:
  - split: train
    path: data/poetry/train-*.parquet
---

# Rows
"""


def triplet(row_id: str, genre: str, answer: str = "月光落在窗前。") -> Triplet:
    return Triplet(
        id=row_id,
        prompt="写一首诗",
        reasoning="想一想",
        article=answer,
        category=genre,
        genre=genre,
        genre_zh="诗歌",
        language="zh",
        source="sample",
        license="CC0-1.0",
        provenance="sample",
    )


def dataset(folder: Path, rows: dict[str, list[Triplet]] | None = None) -> Path:
    rows = rows or {
        "poetry": [triplet("a", "poetry"), triplet("b", "poetry")],
        "script": [triplet("c", "script")],
    }
    for genre, found in rows.items():
        write_records(folder / "data" / genre / "train-00000-of-00001.parquet", found, Triplet)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "facts.json").write_text('{"facts": []}\n')
    return folder


def model(folder: Path, revision: str | None = "abc") -> Path:
    """A folder in the form of a trained model, with weights of no use."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Model\n")
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    (folder / "training_args.bin").write_bytes(b"pickle")
    lock = {"sources": {"creative": {"revision": revision}}}
    (folder / "mixture.lock.json").write_text(json.dumps(lock))
    return folder


def space(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nsdk: gradio\nlicense: apache-2.0\n---\n# Arena\n")
    (folder / "app.py").write_text("print('hello')\n")
    (folder / "requirements.txt").write_text(
        "# the kit\ncoig-writer[space]==0.2.0\ngradio==6.31.0\n"
    )
    return folder
