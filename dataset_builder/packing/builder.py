"""The loading script as a builder class, for every version of ``datasets``.

From code, on datasets 2 to 5::

    from dataset_builder.packing.builder import CoigWriter
    builder = CoigWriter(config_name="wuxia", data_dir="COIG-Writer")
    builder.download_and_prepare()
    rows = builder.as_dataset(split="train")

By path, on datasets 2 and 3 only (later versions refuse scripts)::

    load_dataset("dataset_builder/packing/builder.py", "wuxia", data_dir="COIG-Writer", trust_remote_code=True)

``load_dataset("COIG-Writer", "wuxia")`` gives the same rows through the card's YAML, everywhere. A set
with a taxonomy of its own has that taxonomy's configs. This file needs nothing but ``coig_writer``, as a
script that is loaded by path cannot import its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from coig_writer import benchmark
from coig_writer import taxonomy as taxonomies
from coig_writer.benchmark import LANGUAGES
from coig_writer.taxonomy import Taxonomy

FOLDER = "COIG-Writer"


class CoigWriterConfig(datasets.BuilderConfig):
    """A config: the genres it holds; None for all rows, assigned or not."""

    def __init__(self, genres: tuple[str, ...] | None = None, **arguments: Any) -> None:
        super().__init__(version=datasets.Version("1.0.0"), **arguments)
        self.genres = genres


def _configs(taxonomy: Taxonomy) -> list[CoigWriterConfig]:
    queries = [CoigWriterConfig((), name="benchmark")] if benchmark.of(taxonomy) else []
    return [
        CoigWriterConfig(name="default"),
        *(CoigWriterConfig(genres, name=name) for name, genres in taxonomy.configs().items()),
        *queries,
    ]


class CoigWriter(datasets.ArrowBasedBuilder):
    """COIG-Writer from a packed folder (``data_dir``), one config per category and genre."""

    config: CoigWriterConfig
    BUILDER_CONFIG_CLASS: type[datasets.BuilderConfig] = CoigWriterConfig
    DEFAULT_CONFIG_NAME: Any = "default"
    BUILDER_CONFIGS = _configs(taxonomies.published())

    def __new__(cls, *_: object, data_dir: str | None = None, **__: object) -> CoigWriter:
        """Makes a builder whose class lists the configs of the folder's own taxonomy.

        ``datasets`` looks a config up in the class, before a builder has read its folder.
        """
        taxonomy = taxonomies.of(Path(data_dir or FOLDER))
        kind = (
            cls
            if taxonomy == taxonomies.published()
            else type(cls.__name__, (cls,), {"BUILDER_CONFIGS": _configs(taxonomy)})
        )
        made: CoigWriter = super().__new__(kind)
        return made

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(description="COIG-Writer (arXiv 2510.14763)")

    def _split_generators(self, _downloads: object) -> list[datasets.SplitGenerator]:
        folder = Path(self.config.data_dir or FOLDER).resolve()
        if self.config.name == "benchmark":
            splits: dict[str, list[Path]] = {
                language: sorted(folder.glob(f"benchmark/{language}-*.parquet"))
                for language in LANGUAGES
            }
        else:
            splits = {"train": self._training_files(folder)}
        for split, files in splits.items():
            if not files:
                raise FileNotFoundError(
                    f"{folder}: no rows for config {self.config.name!r}, split {split!r}; run: python -m dataset_builder pack --out {folder.name}"
                )
        return [
            datasets.SplitGenerator(name=name, gen_kwargs={"files": files})
            for name, files in splits.items()
        ]

    def _training_files(self, folder: Path) -> list[Path]:
        if self.config.genres is None:
            return sorted(folder.glob("data/*/train-*.parquet"))
        return [
            file
            for genre in self.config.genres
            for file in sorted(folder.glob(f"data/{genre}/train-*.parquet"))
        ]

    def _generate_tables(
        self, **of_split: list[Path]
    ) -> Iterator[tuple[datasets.builder.Key, pa.Table]]:
        for index, file in enumerate(of_split["files"]):
            # datasets 5 wants its own key type, earlier versions a plain integer
            key: Any = datasets.builder.Key(0, index) if hasattr(datasets.builder, "Key") else index
            yield key, pq.read_table(file)
