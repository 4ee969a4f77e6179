"""The sources of a mixture: local files or Hub datasets, each row converted to an ``Example``.

Creative rows come from the packed dataset. The two general sources (paper, section 3.1) are
Congliu/Chinese-DeepSeek-R1-Distill-data-110k and open-thoughts/OpenThoughts-114k; the larger
OpenThoughts3 is an option. Rows are memory-mapped, so a source of any size fits.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.mixture import Example, content_id

NAMES = ("creative", "general_zh", "general_en")


class Unconvertible(Exception):
    """A row that gives no example; the message is the reason it is kept aside with."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of one part of a mixture come from.

    ``path`` is a local file or folder, or a Hub dataset id; naming a Hub id is what allows the
    network. ``revision`` is resolved to a commit and written to the lock.
    """

    name: str
    path: str
    format: str
    revision: str | None = None
    config: str | None = None

    @property
    def local(self) -> bool:
        """Whether the path is on this machine."""
        return Path(self.path).exists()


def parse(settings: Mapping[str, Any]) -> dict[str, Source]:
    """Reads the ``sources:`` block of a recipe.

    Raises:
        ConfigError: A source, key or format is unknown.
    """
    sources = {}
    known = {f.name for f in dataclasses.fields(Source)} - {"name"}
    for name, entry in settings.items():
        if name not in NAMES:
            raise ConfigError(f"unknown source {name!r}", f"use {', '.join(NAMES)}")
        unknown = sorted(set(entry) - known)
        if unknown:
            raise ConfigError(
                f"source {name}: unknown key {unknown[0]!r}", f"use {', '.join(sorted(known))}"
            )
        source = Source(name, **entry)
        if source.format not in ADAPTERS:
            raise ConfigError(
                f"source {name}: unknown format {source.format!r}", f"use {', '.join(ADAPTERS)}"
            )
        sources[name] = source
    return sources


def load(source: Source) -> tuple[Any, str | None]:
    """Opens a source as a memory-mapped dataset.

    Returns:
        The ``datasets.Dataset`` and the commit it was read at (None for local files).

    Raises:
        MissingInputError: It is neither on this machine nor a Hub id, or the Hub has no such id.
    """
    import datasets

    if source.local:
        return _load_local(Path(source.path)), None
    if not _hub_id(source.path):
        raise MissingInputError(
            f"source {source.name}: no file or folder {source.path!r}", _remedy(source)
        )
    try:
        commit = _commit(source)
        rows = datasets.load_dataset(source.path, source.config, revision=commit, split="train")
    except (OSError, ValueError) as error:
        raise MissingInputError(
            f"source {source.name}: cannot read {source.path} from the Hub ({str(error)[:120]})",
            _remedy(source),
        ) from error
    _check_commit(source, rows, commit)
    return rows, commit


def _check_commit(source: Source, rows: Any, commit: str) -> None:
    """Refuses rows of another commit: without a network, datasets reads the newest that it has cached."""
    files = [Path(entry["filename"]) for entry in rows.cache_files]
    if files and not all(commit in file.parts for file in files):
        raise MissingInputError(
            f"source {source.name}: {source.path} is cached here, but not alone at {commit[:12]}",
            "run the same command online",
        )


def _hub_id(path: str) -> bool:
    """Whether a path that is not on this machine can be a Hub id; a mistyped file must not be one."""
    if path.startswith((".", "build/")) or Path(path).suffix in (".jsonl", ".json", ".parquet"):
        return False
    return re.fullmatch(r"[\w.-]+/[\w.-]+", path) is not None


def _commit(source: Source) -> str:
    """Returns the commit that a revision stands for; one that is written out needs no network."""
    if source.revision and re.fullmatch("[0-9a-f]{40}", source.revision):
        return source.revision
    from huggingface_hub import HfApi

    return str(HfApi().dataset_info(source.path, revision=source.revision).sha)


def pinned(source: Source, locks: Sequence[Mapping[str, Any]]) -> Source:
    """Returns a source at the commit that a lock names, where its recipe names none.

    So ``revision: null`` is resolved once: a mixture that is built again or verified, and every
    other one in the same folder, reads the same rows although the Hub has moved on.

    Args:
        source: As the recipe has it.
        locks: The mixture's own lock first, then those beside it.
    """
    if source.revision or source.local:
        return source
    for lock in locks:
        entry = lock["sources"].get(source.name, {})
        if entry.get("path") == source.path and entry.get("revision"):
            return dataclasses.replace(source, revision=entry["revision"])
    return source


def _load_local(path: Path) -> Any:
    import datasets

    files = (
        [path]
        if path.is_file()
        else sorted(
            p
            for p in path.rglob("*")
            if p.suffix in (".parquet", ".jsonl", ".json")
            and "benchmark" not in p.parts
            and p.name != "facts.json"
        )
    )
    if not files:
        raise MissingInputError(
            f"{path}: no Parquet or JSON files", "give a file, or a folder that holds some"
        )
    kinds = {"parquet" if f.suffix == ".parquet" else "json" for f in files}
    if len(kinds) > 1:
        raise MissingInputError(f"{path}: Parquet and JSON side by side", "name the file to read")
    return datasets.load_dataset(kinds.pop(), data_files=[str(f) for f in files], split="train")


def _remedy(source: Source) -> str:
    if source.name == "creative":
        return "run: python -m dataset_builder pack"
    return f"put the dataset on this machine and set sources.{source.name}.path, or name its Hub id while online"


def convert(source: Source, row: Mapping[str, Any]) -> Example:
    """Converts a row.

    Raises:
        Unconvertible: The row gives no example.
    """
    prompt, reasoning, article, row_id = ADAPTERS[source.format](row)
    for part, text in (("prompt", prompt), ("reasoning", reasoning), ("article", article)):
        if not isinstance(text, str) or not text.strip():
            raise Unconvertible(f"{part}_empty")
        if "</think>" in text or "<|im_" in text:
            raise Unconvertible(f"{part}_holds_a_marker")
    prompt, reasoning, article = prompt.strip(), reasoning.strip(), article.strip()
    return Example(
        source.name, row_id or content_id(prompt, reasoning, article), prompt, reasoning, article
    )


def _coig_writer(row: Mapping[str, Any]) -> tuple[Any, Any, Any, str | None]:
    return row.get("query"), row.get("thought"), row.get("answer"), row.get("id")


def _congliu(row: Mapping[str, Any]) -> tuple[Any, Any, Any, None]:
    return row.get("input"), row.get("reasoning_content"), row.get("content"), None


_OPEN_THOUGHTS = re.compile(
    r"\s*<\|begin_of_thought\|>(.*?)<\|end_of_thought\|>\s*<\|begin_of_solution\|>(.*?)(?:<\|end_of_solution\|>)?\s*",
    re.DOTALL,
)
_THINK = re.compile(r"\s*<think>(.*?)</think>(.*)", re.DOTALL)


def _conversation(row: Mapping[str, Any], marked: re.Pattern[str]) -> tuple[Any, Any, Any, None]:
    turns = row.get("conversations") or []
    if len(turns) != 2:
        raise Unconvertible("not_one_question_and_one_answer")
    found = marked.fullmatch(turns[1]["value"] or "")
    if found is None:
        raise Unconvertible("thought_markers_missing")
    return turns[0]["value"], found[1], found[2], None


ADAPTERS: dict[str, Callable[[Mapping[str, Any]], tuple[Any, Any, Any, str | None]]] = {
    "coig_writer": _coig_writer,
    "congliu": _congliu,
    "openthoughts": lambda row: _conversation(row, _OPEN_THOUGHTS),
    "openthoughts3": lambda row: _conversation(row, _THINK),
}
