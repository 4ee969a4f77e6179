"""Where the rows of a dataset lie: the one table behind the card's YAML and the builder class.

``data/GENRE/train-*.parquet`` for each genre, ``data/unassigned/`` for rows of no known genre, and
``benchmark/{zh,en}-*.parquet``. Configs: ``default``, one per category, one per genre, ``benchmark``.
"""

from __future__ import annotations

from typing import Any

from coig_writer.benchmark import LANGUAGES
from coig_writer.taxonomy import Taxonomy

UNASSIGNED = "unassigned"
SHARD = "00000-of-00001.parquet"


def genre_file(genre: str | None) -> str:
    """Returns the path of a genre's rows inside the dataset folder."""
    return f"data/{genre or UNASSIGNED}/train-{SHARD}"


def benchmark_file(language: str) -> str:
    """Returns the path of a language's benchmark queries inside the dataset folder."""
    return f"benchmark/{language}-{SHARD}"


def configs(taxonomy: Taxonomy, with_rows: set[str]) -> dict[str, list[str]]:
    """Maps each config that has rows to the genres it holds, in the taxonomy's order."""
    held = {
        name: [g for g in genres if g in with_rows] for name, genres in taxonomy.configs().items()
    }
    return {name: genres for name, genres in held.items() if genres}


def yaml_configs(taxonomy: Taxonomy, with_rows: set[str], content: str) -> list[dict[str, Any]]:
    """Renders the ``configs:`` list of the card.

    Every config names its files explicitly, so that no folder name is ever taken for a split.

    Args:
        taxonomy: Categories and genres.
        with_rows: Genres that have rows.
        content: Hash of all rows. The cache of ``load_dataset`` looks at the card and not at local
            files, so without it a folder packed anew under the same name would load its old rows.
    """
    default = {
        "config_name": "default",
        "default": True,
        "description": f"all rows, content {content[:16]}",
        "data_files": [{"split": "train", "path": "data/*/train-*.parquet"}],
    }
    by_name = [
        {
            "config_name": name,
            "data_files": [
                {"split": "train", "path": [f"data/{g}/train-*.parquet" for g in genres]}
            ],
        }
        for name, genres in configs(taxonomy, with_rows).items()
    ]
    benchmark = {
        "config_name": "benchmark",
        "data_files": [
            {"split": lang, "path": f"benchmark/{lang}-*.parquet"} for lang in LANGUAGES
        ],
    }
    return [default, *by_name, benchmark]
